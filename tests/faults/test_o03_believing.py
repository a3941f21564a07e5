"""Nothing that the instance answers is believed unread: O3 to O6, beside F01 to F04 and F25."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest

from tests.faults.forks import Forks
from tests.faults.kiamo import adding, dropping, each_text, trimmed
from tests.faults.proxy import AFTER, BEFORE, Exchange, always, changed, first, reply, reset
from tests.faults.scene import MANIFEST, Scene, shown

BASE = "bases:\n  - name: clients\n    label: {label}\n    settings: {settings}\n"
STARTED = MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}")


@pytest.fixture(autouse=True)
def _fast(scene: Scene) -> None:
    """What is looked for has its time in a twentieth of it."""
    scene.speed = 20


def base(label: str = "Clients", **settings: object) -> str:
    return BASE.replace("{label}", json.dumps(label)).replace("{settings}", json.dumps(settings))


def puts(scene: Scene) -> int:
    return sum(call.method == "PUT" for call in scene.kiamo.writes)


def drift(scene: Scene) -> str:
    return scene.run("drift", "-e", "staging").stdout


# --- O3: kept otherwise ----------------------------------------------------------------------------------------------


def test_o03_of_nested_settings_each_value_is_kept_for_itself(scene: Scene) -> None:
    scene.kiamo.keeping = lambda sent: (
        sent | {"mail": {"host": str(sent["mail"]["host"]).strip(), "port": 25, "lists": sorted(sent["mail"]["lists"])}}
    )
    nested = {"host": "mx ", "lists": ["b", "a"], "gone": True}
    scene.manifest(base(mail=nested))
    done = scene.apply(expect=0)
    for path in ("settings.mail.host", "settings.mail.lists", "settings.mail.gone", "settings.mail.port"):
        assert f"{path} is kept otherwise" in done.stdout, shown(done)
    assert '"mx " was sent, and the instance has "mx"' in done.stdout
    assert "No drift" in drift(scene)
    scene.converges()
    scene.manifest(base(mail=nested | {"host": "mx2 "}))
    again = scene.apply(expect=0)
    assert again.stdout.count("is kept otherwise") == 1, shown(again)
    assert puts(scene) == 1
    scene.converges()


def test_o03_both_values_are_shown_escaped(scene: Scene) -> None:
    scene.kiamo.keeping = each_text(lambda text: text.replace("\u00a0", " ").replace("\r\n", "\n"))
    scene.manifest(base(label="a\u00a0b", motd="x\r\ny\u202ez"))
    done = scene.apply(expect=0)
    assert '"a\\u00a0b" was sent, and the instance has "a b"' in done.stdout, shown(done)
    assert '"x\\r\\ny\\u202ez" was sent, and the instance has "x\\ny\\u202ez"' in done.stdout, shown(done)
    scene.converges()


def test_o03_a_rehearsal_finds_nothing_left_undone(scene: Scene) -> None:
    scene.kiamo.keeping = lambda sent: (
        sent | {key: str(value).strip() for key, value in sent.items() if key in {"label", "motd"}}
    )
    scene.manifest(base(label="Clients ", motd="x ", pace=1))
    scene.converges()
    scene.manifest(base(label="Clients ", motd="x ", pace=2))
    done = scene.plan("--rehearse")
    assert "nothing left to do" in done.stdout + done.stderr, shown(done)


def test_o03_it_is_noted_in_json_too(scene: Scene) -> None:
    scene.kiamo.keeping = trimmed
    scene.manifest(base(label="Clients "))
    done = scene.apply("--format", "json", expect=0)
    (result,) = json.loads(done.stdout)["results"]
    assert [note.split(":")[0] for note in result["notes"]] == ["label is kept otherwise"]
    assert (result["outcome"], result["detail"]) == ("done", None)


def test_o03_a_change_in_git_is_not_blamed_on_the_instance(scene: Scene) -> None:
    scene.kiamo.keeping = trimmed
    scene.manifest(base(label="Clients ", motd="x "))
    scene.converges()
    scene.manifest(base(label="Clients 2026 ", motd="y "))
    found = json.loads(scene.run("drift", "-e", "staging", "--format", "json").stdout)
    changed_by = [attribute["side"] for each in found["things"] for attribute in each["attributes"]]
    assert changed_by == ["git", "git"], found
    plan = scene.plan()
    assert "changed in git since the last apply" in plan.stdout, shown(plan)
    scene.converges()
    assert "No drift" in drift(scene)


def test_o03_an_answer_that_repeats_what_was_sent_is_not_believed_twice(scene: Scene) -> None:
    """It hides that another form is kept: the second write of the same value is read back."""
    scene.kiamo.keeping = trimmed
    scene.proxy.play(changed(lambda body: body.replace(b'"Clients"', b'"Clients "')), "POST", on=always)
    scene.proxy.play(changed(lambda body: body.replace(b'"Clients"', b'"Clients "')), "PUT", on=always)
    scene.manifest(base(label="Clients "))
    scene.apply(expect=0)
    again = scene.apply(expect=0)
    assert "label is kept otherwise" in again.stdout, shown(again)
    assert "No changes" in scene.apply(expect=0).stdout
    assert puts(scene) == 1


def test_o03_a_running_batch_is_neither_paused_nor_written_again(scene: Scene) -> None:
    scene.kiamo.keeping = trimmed
    scene.consents = ("--allow-start",)
    text = STARTED.replace("service: Ventes,", 'service: Ventes, settings: {pace: "fast "},')
    scene.manifest(text)
    scene.converges()
    scene.manifest(text.replace("fast ", "slow "))
    scene.converges()
    commands = [call.body["command"] for call in scene.kiamo.committed if call.path.endswith("/command")]
    assert (commands, puts(scene)) == (["start"], 2)


def test_o03_a_role_that_the_instance_adds_fails_the_step_and_dials_once(scene: Scene) -> None:
    """One with a field is a difference, whoever added it: no loop of pauses and starts comes of it."""
    scene.consents = ("--allow-start",)
    more = STARTED.replace("- {name: ville", "- {name: mobile, label: Mobile, datatype: phone}\n      - {name: ville")
    scene.manifest(more)
    scene.converges()
    scene.kiamo.keeping = lambda sent: (
        sent | ({"association": sent["association"] | {"callback": "mobile"}} if "association" in sent else {})
    )
    scene.manifest(more.replace("destination: phone", "destination: mobile"))
    for _ in range(3):
        done = scene.apply(expect=4)
        assert 'association is {"destination": "mobile", "callback": "mobile"}' in done.stdout, shown(done)
    commands = [call.body["command"] for call in scene.kiamo.committed if call.path.endswith("/command")]
    assert commands == ["start", "pause"]
    scene.manifest(more.replace("destination: phone", "destination: mobile, callback: mobile"))
    scene.converges()
    assert scene.kiamo.state_of("prospects", "relance") == "started"


@pytest.mark.parametrize("empty", ["", None])
def test_o03_a_role_without_a_field_is_no_role(scene: Scene, empty: str | None) -> None:
    scene.consents = ("--allow-start",)
    scene.proxy.play(
        changed(lambda body: body.replace(b'{"destination": "phone"}', json.dumps(roles).encode())), on=always
    )
    roles = {"destination": "phone", "callback": empty}
    scene.manifest(STARTED)
    scene.apply(expect=0)
    again = scene.apply(expect=0)
    assert "No changes" in again.stdout, shown(again)
    scene.converges()


# --- O4, F25: not done, and the opposite -----------------------------------------------------------------------------


def test_f25_a_name_that_is_kept_otherwise_fails_the_step(scene: Scene) -> None:
    scene.kiamo.keeping = lambda sent: sent | {"name": sent["name"].lower()}
    scene.manifest("bases:\n  - {name: Clients, label: C}\n")
    done = scene.apply(expect=4)
    assert 'name is "clients", not "Clients"' in done.stdout, shown(done)
    scene.kiamo.keeping = None
    scene.converges()
    assert [each["name"] for each in scene.kiamo.tree()["bases"]] == ["Clients"]
    assert len(scene.created("/bases")) == 1


def test_f25_an_object_that_was_made_otherwise_is_managed_and_changed(scene: Scene) -> None:
    other = scene.kiamo.service("Autre")
    scene.kiamo.keeping = lambda sent: sent | ({"service": other} if "service" in sent else {})
    done = scene.apply(expect=4)
    assert 'service is "Autre", not "Ventes"' in done.stdout, shown(done)
    assert scene.owned()["bases/prospects/batches/relance"]["id"] == scene.kiamo.id_of("prospects", "relance")
    scene.kiamo.keeping = None
    scene.converges()
    assert len([call for call in scene.kiamo.writes if call.path.endswith("/batches")]) == 1


def test_f25_an_update_that_clears_what_it_did_not_send_fails(scene: Scene) -> None:
    scene.manifest(base(motd="a"))
    scene.converges()
    scene.kiamo.keeping = adding("label", None)
    scene.manifest(base(motd="b"))
    done = scene.apply(expect=4)
    assert 'also changed what it did not send: label was "Clients" and is not set' in done.stdout, shown(done)
    scene.kiamo.keeping = None
    scene.converges()


@pytest.mark.parametrize("body", [b"{}", b'{"success": false}', b""])
def test_o04_an_update_that_is_accepted_and_not_done_fails(scene: Scene, body: bytes) -> None:
    scene.manifest(base())
    scene.converges()
    scene.proxy.play(reply(200, body), "PUT", when=BEFORE, on=always)
    scene.manifest(base(label="Clients 2026"))
    done = scene.apply(expect=4)
    assert 'did not do it: label is "Clients", not "Clients 2026"' in done.stdout, shown(done)
    scene.converges()


def test_f20_a_label_that_updates_do_not_change_is_kept_otherwise(scene: Scene) -> None:
    """The answer shows the object with its former label: that is what the instance keeps."""
    scene.manifest(base())
    scene.converges()
    scene.kiamo.keeping = dropping("label")
    scene.manifest(base(label="Clients 2026"))
    done = scene.apply(expect=0)
    assert '"Clients 2026" was sent, and the instance has "Clients"' in done.stdout, shown(done)
    scene.converges()
    assert puts(scene) == 1


def test_o04_a_delete_that_is_accepted_and_not_done_fails(scene: Scene) -> None:
    scene.manifest(base())
    scene.converges()
    scene.proxy.play(reply(204), "DELETE", when=BEFORE, on=always)
    scene.manifest("bases:\n  - {name: clients, ensure: absent}\n")
    done = scene.apply(expect=4)
    assert "accepted the delete of bases/clients, and still has it" in done.stdout, shown(done)
    scene.converges()
    assert scene.kiamo.bases == {}


def test_o04_a_batch_that_is_created_started_ends_the_run(scene: Scene) -> None:
    scene.proxy.play(changed(lambda body: body.replace(b'"state": "new"', b'"state": "started"')), "POST", on=always)
    done = scene.apply("--parallelism", "1", expect=4)
    assert "contacts are being dialled" in done.stdout, shown(done)
    assert (
        "Error: The run was ended: 1 failed, 0 not tried. The create of bases/prospects/batches/relance" in done.stderr
    )
    scene.converges()


# --- O5, O6: lost answers and lists that lag -------------------------------------------------------------------------


def test_o05_what_depends_on_a_lost_create_goes_on(scene: Scene) -> None:
    scene.proxy.play(reset, "POST", on=always, when=AFTER)
    done = scene.apply(expect=0)
    assert "was found on the instance" in done.stdout, shown(done)
    assert len(scene.kiamo.committed) == 4
    scene.converges()


def test_o06_where_single_objects_cannot_be_read_lists_that_lag_are_polled(scene: Scene) -> None:
    (scene.folder / "contract.yaml").write_text(
        "kinds: {base: {operations: {read: null}}, field: {operations: {read: null}}, "
        "batch: {operations: {read: null}}, service: {operations: {read: null}}}\n"
    )
    file = scene.folder / "kiamo.yaml"
    scene.project("contract: contract.yaml\n" + file.read_text(encoding="utf-8"))
    scene.kiamo.list_lag = 1.0
    scene.manifest(STARTED)
    scene.apply("--allow-start", expect=0)
    scene.converges("--allow-start")
    assert len(scene.kiamo.committed) == 5


def test_o06_a_field_is_not_sent_again_while_the_list_lags(scene: Scene) -> None:
    scene.kiamo.list_lag = 0.5
    scene.apply(expect=0)
    assert [call.path for call in scene.kiamo.writes if call.path.endswith("/fields")] == []
    time.sleep(0.5)
    scene.converges()


def test_f04_a_503_is_looked_for_before_it_is_sent_again(scene: Scene) -> None:
    scene.proxy.play(reply(503), "POST", "/api/bases$", on=first(3), when=AFTER)
    scene.apply(expect=0)
    assert len([call for call in scene.kiamo.writes if call.path == "/api/bases"]) == 2
    scene.converges()


def test_f30_what_appears_with_other_content_is_not_managed(scene: Scene) -> None:
    def taken(exchange: Exchange) -> bool:
        scene.kiamo.base("clients", label="Theirs")
        return reset(exchange)

    scene.manifest(base())
    scene.proxy.play(taken, "POST", when=BEFORE)
    done = scene.apply(expect=4)
    assert "It is not managed" in done.stdout, shown(done)
    assert "kiamo-iac adopt bases/clients" in done.stdout, shown(done)
    assert "bases/clients" not in scene.owned()
    assert len(scene.kiamo.writes) == 0


def test_f31_an_interrupt_ends_the_search_for_a_lost_create(scene: Scene, forking: Forks) -> None:
    scene.manifest(base())
    scene.proxy.play(reset, "POST", when=BEFORE)
    child = forking.start("apply", "-e", "staging", "--yes", cwd=scene.folder, **scene.variables)
    child.until(lambda: len([call for call in scene.kiamo.calls if call.path == "/api/bases"]) >= 5)
    os.kill(child.pid, signal.SIGINT)
    begun = time.monotonic()
    code, out, err = child.wait()
    assert code == 130, out + err
    assert time.monotonic() - begun < 15
    assert "the run was stopped before it was found" in out
    scene.converges()
    assert len(scene.created("/bases")) == 1


def test_o05_a_create_that_is_answered_with_the_id_of_another_object_is_looked_for(scene: Scene) -> None:
    """Otherwise what belongs below it would be made in the other base, and the other base would be managed."""
    other = scene.kiamo.base("other")
    scene.proxy.play(changed(lambda body: json.dumps(json.loads(body) | {"id": other}).encode()), "POST", "/bases$")
    done = scene.apply(expect=0)
    assert "is that of another base" in done.stdout, shown(done)
    owned = {name: scene.owned()[f"bases/{name}"]["id"] for name in ("prospects", "clients")}
    assert owned == {name: scene.kiamo.id_of(name) for name in owned}
    assert [call.path for call in scene.kiamo.writes if f"/bases/{other}" in call.path] == []
    scene.converges()

"""What was sent and what is kept must not differ, and a command is done when the instance has done it: F25."""

from __future__ import annotations

import json

import pytest

from tests.faults.kiamo import Item, adding, each_text
from tests.faults.proxy import BEFORE, always, changed, reply
from tests.faults.scene import MANIFEST, Scene, shown

STARTED = MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}")
STOPPED = MANIFEST.replace("destination: phone}}", "destination: phone}, state: stopped}")


@pytest.fixture(autouse=True)
def fast(scene: Scene) -> None:
    """An effect that does not come is waited for, a few seconds."""
    scene.speed = 30


def label(text: str) -> str:
    """A manifest of one base with a label, in JSON's spelling."""
    return f"bases:\n  - {{name: clients, label: {json.dumps(text)}}}\n"


def test_f25_a_running_batch_whose_roles_the_instance_adds_to_is_not_restarted(scene: Scene) -> None:
    """A role `callback: ""` that the instance adds to every association."""

    def more_roles(sent: Item) -> Item:
        roles = sent.get("association")
        return sent | ({"association": roles | {"callback": ""}} if roles else {})

    scene.kiamo.keeping = more_roles
    scene.manifest(STARTED)
    first = scene.apply("--allow-start")
    assert first.returncode in (0, 4), shown(first)
    commands = [call for call in scene.kiamo.committed if call.path.endswith("/command")]
    for _ in range(2):
        again = scene.apply("--allow-start")
        assert again.returncode in (0, 4), shown(again)
    assert [call for call in scene.kiamo.committed if call.path.endswith("/command")] == commands or len(commands) == 0
    states = [call.body["command"] for call in scene.kiamo.committed if call.path.endswith("/command")]
    assert "pause" not in states


@pytest.mark.parametrize("attribute", ["service", "association", "datatype"])
def test_f25_what_must_not_differ_fails_the_step(scene: Scene, attribute: str) -> None:
    other = scene.kiamo.service("Autre")

    def kept(sent: Item) -> Item:
        instead = {"service": other, "association": {}, "datatype": "text"}
        return sent | ({attribute: instead[attribute]} if attribute in sent else {})

    scene.kiamo.keeping = kept
    outcomes = scene.report(expect=4)
    step = "create bases/prospects/" + ("fields/ville" if attribute == "datatype" else "batches/relance")
    assert outcomes[step] == "failed"
    again = scene.apply()
    assert again.returncode != 0 or "No changes" not in again.stdout, shown(again)
    assert [call for call in scene.kiamo.committed if call.path.endswith("/command")] == []


def test_f25_a_writable_attribute_that_was_not_sent_and_changed_fails_the_step(scene: Scene) -> None:
    """A change of its association also moves the batch to another service."""
    more = MANIFEST.replace("- {name: ville", "- {name: mobile, label: Mobile, datatype: phone}\n      - {name: ville")
    scene.manifest(more)
    scene.converges()
    other = scene.kiamo.service("Autre")
    scene.kiamo.keeping = adding("service", other)
    scene.manifest(more.replace("destination: phone", "destination: mobile"))
    outcomes = scene.report(expect=4)
    assert outcomes == {"update bases/prospects/batches/relance": "failed"}
    scene.kiamo.keeping = None
    scene.converges()


# --- F25: commands ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [None, b"{}", b'{"success": false}', b""])
def test_f25_a_command_that_is_not_done_is_not_done(scene: Scene, body: bytes | None) -> None:
    scene.kiamo.ignored = {"start"}
    scene.kiamo.bare_commands = body
    scene.manifest(STARTED)
    outcomes = scene.report("--allow-start", expect=4)
    assert outcomes["start bases/prospects/batches/relance"] == "failed"
    scene.kiamo.ignored = set()
    scene.converges("--allow-start")
    assert scene.kiamo.state_of("prospects", "relance") == "started"


@pytest.mark.parametrize("body", [b"{}", b'{"success": true}', b""])
def test_f25_a_command_that_is_done_and_shows_no_object_is_read(scene: Scene, body: bytes) -> None:
    scene.kiamo.bare_commands = body
    scene.manifest(STARTED)
    scene.apply("--allow-start", expect=0)
    scene.converges("--allow-start")
    assert scene.kiamo.state_of("prospects", "relance") == "started"


@pytest.mark.parametrize("body", [b"{}", b""])
def test_f25_writes_that_show_no_object_are_read(scene: Scene, body: bytes) -> None:
    """No id in the answer to a create: it is looked for by name."""
    scene.kiamo.bare = body
    scene.apply(expect=0)
    assert all(entry["id"] is not None for entry in scene.owned().values())
    scene.converges()
    assert len(scene.kiamo.committed) == 4


def test_f25_the_opposite_of_what_was_sent_ends_the_run(scene: Scene) -> None:
    """A stop that starts: people are dialled. Nothing more is written."""
    scene.converges()
    scene.kiamo.instead = {"stop": "start"}
    more = "".join(f"  - {{name: b{number}, label: B}}\n" for number in range(8))
    scene.manifest(STOPPED + more)
    scene.consents = ("--allow-stop", "bases/prospects/batches/relance", "--parallelism", "1")
    done = scene.apply(expect=4)
    assert "start" in done.stdout + done.stderr, shown(done)
    log = [call for call in scene.kiamo.committed if call.is_write]
    at = next(number for number, call in enumerate(log) if call.path.endswith("/command"))
    assert log[at + 1 :] == []
    scene.kiamo.instead = {}
    scene.converges()
    assert scene.kiamo.state_of("prospects", "relance") == "stopped"


def test_f25_a_state_that_was_not_asked_for_fails(scene: Scene) -> None:
    """Paused where it was to start, as the answer and the batch itself show."""
    scene.kiamo.after[("new", "start")] = "paused"
    scene.manifest(STARTED)
    outcomes = scene.report("--allow-start", expect=4)
    assert outcomes["start bases/prospects/batches/relance"] == "failed"
    scene.kiamo.after[("new", "start")] = "started"
    scene.converges("--allow-start")


def test_f25_an_answer_that_lies_is_seen_by_the_next_plan(scene: Scene) -> None:
    """It shows what was wanted, and the instance kept something else: no run can know that, the next one sees it."""
    scene.manifest(label("Clients"))
    scene.kiamo.keeping = each_text(lambda text: "Other")
    scene.proxy.play(changed(lambda body: body.replace(b"Other", b"Clients")), "POST", on=always)
    scene.apply(expect=0)
    scene.kiamo.keeping = None
    assert scene.plan("--detailed-exitcode").returncode == 2
    scene.converges()


@pytest.mark.parametrize("what", ["rename", "start"])
def test_f25_an_answer_that_lies_is_believed_once(scene: Scene, what: str) -> None:
    """Sent again, the object is read: no run after the first one says that it is done."""
    scene.converges()
    base = scene.kiamo.id_of("prospects")
    batch = f"/bases/{base}/batches/{scene.kiamo.id_of('prospects', 'relance')}"
    if what == "rename":
        scene.manifest(MANIFEST.replace("name: prospects", "name: acheteurs\n    renamed_from: [prospects]"))
        path, lie = f"/bases/{base}", {"name": "acheteurs"}
    else:
        scene.manifest(STARTED)
        path, lie = batch, {"state": "started"}
    body = json.dumps(scene.kiamo.by_hand("GET", path) | lie)
    scene.proxy.play(reply(200, body), "PUT", path, on=always, when=BEFORE)
    scene.speed = 100
    scene.apply("--allow-start", expect=0)
    done = scene.apply("--allow-start", expect=4)
    assert "and did not do it" in done.stdout, shown(done)
    scene.proxy.peace()
    scene.converges("--allow-start")

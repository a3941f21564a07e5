"""Others who change the instance, or run the program, at the same time: F09 to F13."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.faults.forks import Forks
from tests.faults.kiamo import Kiamo, serving
from tests.faults.proxy import BEFORE, doing, held, reply
from tests.faults.scene import MANIFEST, Scene, playing, shown

ONE_BY_ONE = ("apply", "-e", "staging", "--yes", "--parallelism", "1")

# --- F09, F10: two applies -------------------------------------------------------------------------------------------


def test_f09_of_two_applies_on_one_machine_one_runs_and_the_other_is_locked(scene: Scene, forking: Forks) -> None:
    go, begun = threading.Event(), threading.Event()
    scene.proxy.play(held(go, begun), "POST", when=BEFORE)
    first = forking.start(*ONE_BY_ONE, cwd=scene.folder, **scene.variables)
    first.until(begun.is_set)
    calls = len(scene.proxy.passed)
    second = scene.apply(expect=5)
    assert "lock" in second.stderr, shown(second)
    assert scene.proxy.passed[calls:] == []
    go.set()
    code, out, err = first.wait()
    assert (code, out.endswith("Applied: 5 done.\n")) == (0, True), err
    scene.converges()
    assert len(scene.kiamo.committed) == 4


@pytest.mark.parametrize("path", ["/services$", "/bases$", "/batches$"])
def test_f10_two_machines_without_a_shared_lock_make_nothing_twice(
    scene: Scene, forking: Forks, tmp_path: Path, path: str
) -> None:
    go, begun = threading.Event(), threading.Event()
    scene.proxy.play(held(go, begun), "POST", path, when=BEFORE)
    first = forking.start(*ONE_BY_ONE, cwd=scene.folder, **scene.variables)
    first.until(begun.is_set)
    with playing(tmp_path / "other", scene.kiamo) as other:
        other.apply(expect=None)
        go.set()
        code, out, err = first.wait()
        assert code in (3, 4), out + err
        assert scene.kiamo.duplicates() == []
        other.converges()
        tree = scene.converges()
        assert other.converges() == tree


# --- F11: between plan and apply -------------------------------------------------------------------------------------

LABELS = MANIFEST.replace("label: Prospects", "label: Prospects 2026").replace("label: Clients", "label: Clients 2026")
STARTED = MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}")


def a_target(kiamo: Kiamo) -> None:
    kiamo.by_hand("PUT", f"/bases/{kiamo.id_of('prospects')}", {"label": "by hand"})


def something_else(kiamo: Kiamo) -> None:
    kiamo.service("Autre")
    kiamo.base("ailleurs")


def saved(scene: Scene, manifest: str) -> None:
    """The usual instance, and a saved plan of another manifest."""
    scene.converges()
    scene.manifest(manifest)
    done = scene.plan("--out", "saved.plan")
    assert done.returncode == 0, shown(done)


def test_f11_a_target_that_changed_since_the_plan_is_stale_and_untouched(scene: Scene) -> None:
    saved(scene, LABELS)
    a_target(scene.kiamo)
    writes = len(scene.kiamo.writes)
    done = scene.run("apply", "saved.plan", "--yes")
    assert done.returncode == 3, shown(done)
    assert scene.kiamo.writes[writes:] == []
    scene.converges()


def test_f11_what_a_target_refers_to_changed_since_the_plan(scene: Scene) -> None:
    more = "      - {name: rappel, service: Ventes, association: {destination: phone}}\n"
    saved(scene, MANIFEST.replace("  - name: clients", more + "  - name: clients"))
    (service,) = scene.kiamo.services
    scene.kiamo.by_hand("PUT", f"/services/{service}", {"name": "Ventes 2", "label": "by hand"})
    writes = len(scene.kiamo.writes)
    done = scene.run("apply", "saved.plan", "--yes")
    assert done.returncode == 3, shown(done)
    assert scene.kiamo.writes[writes:] == []
    scene.converges()


def test_f11_a_change_of_something_else_since_the_plan_does_not_matter(scene: Scene) -> None:
    saved(scene, LABELS)
    something_else(scene.kiamo)
    done = scene.run("apply", "saved.plan", "--yes")
    assert done.returncode == 0, shown(done)
    assert [base["label"] for base in scene.kiamo.bases.values() if base["name"] == "prospects"] == ["Prospects 2026"]
    scene.converges()


# --- F12: in the middle ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["prospects", "clients"])
def test_f12_a_change_in_the_middle_is_not_overwritten(scene: Scene, name: str) -> None:
    """Two bases are to change, one after the other; while the first is written, the other is changed by hand."""
    scene.converges()
    scene.manifest(LABELS)
    kiamo = scene.kiamo
    ids = {each: kiamo.id_of(each) for each in ("prospects", "clients")}
    mine = f"/api/bases/{ids[name]}$"
    (other,) = ids.keys() - {name}
    by_hand = doing(lambda: kiamo.by_hand("PUT", f"/bases/{ids[other]}", {"label": "by hand"}))
    rule = scene.proxy.play(by_hand, "PUT", mine, when=BEFORE)
    done = scene.apply("--parallelism", "1")
    labels = {base["name"]: base["label"] for base in kiamo.bases.values()}
    puts = [call for call in kiamo.committed if call.path == f"/api/bases/{ids[other]}"]
    assert rule.played == 1
    if puts:  # it had been written before: the change by hand came after
        assert (done.returncode, labels[other], len(puts)) == (0, "by hand", 1), shown(done)
    else:
        assert (done.returncode, labels[other]) == (3, "by hand"), shown(done)
        assert labels[name] == f"{name.capitalize()} 2026"
    scene.converges()


def test_f12_a_state_changed_in_the_middle_is_not_overwritten(scene: Scene) -> None:
    scene.converges()
    kiamo = scene.kiamo
    scene.manifest(LABELS.replace("destination: phone}}", "destination: phone}, state: started}"))
    at = f"/bases/{kiamo.id_of('prospects')}/batches/{kiamo.id_of('prospects', 'relance')}/command"
    stop = doing(lambda: kiamo.by_hand("PUT", at, {"command": "stop"}))
    scene.proxy.play(stop, "PUT", "/bases/[^/]+$", when=BEFORE)
    done = scene.apply("--allow-start", "--parallelism", "1")
    assert done.returncode in (3, 4), shown(done)
    assert kiamo.state_of("prospects", "relance") == "stopped"
    assert [call for call in kiamo.committed if call.path.endswith("/command")] == []
    scene.manifest(LABELS.replace("destination: phone}}", "destination: phone}, state: stopped}"))
    scene.converges()


# --- F13: saved plans ------------------------------------------------------------------------------------------------


def test_f13_a_saved_plan_is_applied_once(scene: Scene) -> None:
    saved(scene, LABELS)
    assert scene.run("apply", "saved.plan", "--yes").returncode == 0
    writes = len(scene.kiamo.writes)
    again = scene.run("apply", "saved.plan", "--yes")
    assert again.returncode == 1, shown(again)
    assert "was applied already" in again.stderr
    assert scene.kiamo.writes[writes:] == []
    scene.converges()


def test_f13_a_saved_plan_that_ended_half_way_is_not_applied_again(scene: Scene) -> None:
    saved(scene, LABELS)
    scene.proxy.play(reply(400, '{"code": "ERR_1020"}'), "PUT", when=BEFORE)
    assert scene.run("apply", "saved.plan", "--yes").returncode == 4
    scene.proxy.peace()
    writes = len(scene.kiamo.writes)
    again = scene.run("apply", "saved.plan", "--yes")
    assert again.returncode in (1, 3), shown(again)
    assert scene.kiamo.writes[writes:] == []
    scene.converges()


def test_f13_a_saved_plan_of_another_instance_is_refused(scene: Scene) -> None:
    saved(scene, LABELS)
    with serving(Kiamo(prefix="other")) as other:
        done = scene.run("apply", "saved.plan", "--yes", KIAMO_STAGING_URL=other.url)
        assert done.returncode in (1, 3), shown(done)
        assert (other.writes, scene.kiamo.writes[4:]) == ([], [])
    assert scene.run("apply", "saved.plan", "--yes").returncode == 0
    scene.converges()

"""Answers that never came: F01 to F04, F14, F15."""

from __future__ import annotations

import time

import pytest

from tests.faults.proxy import (
    AFTER,
    BEFORE,
    Fault,
    When,
    always,
    cut_chunk,
    cut_short,
    dripping,
    dropped,
    reply,
    reset,
    silence,
)
from tests.faults.scene import MANIFEST, Scene, shown

LOST: dict[str, Fault] = {
    "reset": reset,
    "dropped": dropped,
    "502": reply(502, "<h1>Bad Gateway</h1>", content_type="text/html"),
    "timeout": silence,
}
CREATES = ["/services$", "/bases$", "/batches$"]
STARTED = MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}")


def lossy(scene: Scene, how: str) -> Fault:
    """A fault of `LOST`; a call that is never answered ends soon, and 30 s of looking pass in half a second."""
    scene.speed = 60
    if how == "timeout":
        scene.deadline = 1.5
    return LOST[how]


def one_of_each(scene: Scene) -> None:
    """Everything of the usual manifest was made, and nothing was made twice."""
    assert len(scene.created("/services")) == 1
    assert len(scene.created("/bases")) == 2
    assert len([call for call in scene.kiamo.committed if call.path.endswith("/batches")]) == 1
    assert len([call for call in scene.kiamo.committed if call.path.endswith("/fields")]) == 0


# --- F01: committed, and the answer is lost --------------------------------------------------------------------------


@pytest.mark.parametrize("path", CREATES)
@pytest.mark.parametrize("how", LOST)
def test_f01_a_create_whose_answer_is_lost_is_found_in_the_same_run(scene: Scene, how: str, path: str) -> None:
    """What depends on it goes on."""
    found_in_the_same_run(scene, lossy(scene, how), path)


def found_in_the_same_run(scene: Scene, fault: Fault, path: str) -> None:
    """A create is committed, and its answer is lost: it is sent once, found, and managed."""
    rule = scene.proxy.play(fault, "POST", path)
    outcomes = scene.report(expect=0)
    assert rule.played == 1
    assert set(outcomes.values()) == {"done"}
    assert len([call for call in scene.kiamo.writes if call.method == "POST"]) == 4
    one_of_each(scene)
    assert all(entry["id"] is not None for entry in scene.owned().values())
    scene.converges()
    one_of_each(scene)


def test_f01_every_answer_is_lost(scene: Scene) -> None:
    scene.proxy.play(reset, "POST", on=always)
    outcomes = scene.report(expect=0)
    assert set(outcomes.values()) == {"done"}
    one_of_each(scene)
    scene.converges()


# --- F02: dropped before it is committed -----------------------------------------------------------------------------


NEVER = [(how, path) for how in ("reset", "dropped", "502") for path in CREATES] + [("timeout", "/bases$")]
"""The slow one, a timeout, once."""


@pytest.mark.parametrize(("how", "path"), NEVER)
def test_f02_a_create_that_never_arrived_is_made_once(scene: Scene, how: str, path: str) -> None:
    scene.proxy.play(lossy(scene, how), "POST", path, when=BEFORE)
    outcomes = scene.report(expect=0)
    assert set(outcomes.values()) == {"done"}
    assert len([call for call in scene.kiamo.writes if call.method == "POST"]) == 4
    one_of_each(scene)
    scene.converges()


# --- F03: the list lags ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/services$", "/bases$"])
def test_f03_a_list_that_lags_is_polled(scene: Scene, path: str) -> None:
    scene.kiamo.lists_behind = 3
    scene.speed = 10
    scene.proxy.play(reset, "POST", path)
    outcomes = scene.report(expect=0)
    assert set(outcomes.values()) == {"done"}
    one_of_each(scene)
    scene.kiamo.show()
    scene.converges()


def test_f03_a_list_that_lags_in_peace_makes_nothing_twice(scene: Scene) -> None:
    """Also the field that went with its base is looked for, and not sent again."""
    scene.kiamo.lists_behind = 2
    scene.speed = 10
    scene.apply(expect=0)
    one_of_each(scene)
    scene.kiamo.show()
    scene.converges()


@pytest.mark.parametrize("unique", [True, False])
def test_f03_what_never_shows_is_unknown_and_never_made_twice(scene: Scene, unique: bool) -> None:
    scene.kiamo.names_unique = unique
    scene.kiamo.list_lag = 1e9
    scene.manifest("bases:\n  - {name: clients, label: Clients}\n")
    scene.proxy.play(reset, "POST", on=always)
    scene.speed = 100
    done = scene.apply(expect=4)
    assert "bases/clients" in done.stdout, shown(done)
    if unique:
        assert len(scene.created("/bases")) == 1
        assert len(scene.kiamo.writes) <= 2
    scene.kiamo.show()
    if unique:
        scene.kiamo.list_lag = 0
        scene.converges()
        assert len(scene.created("/bases")) == 1


# --- F04: PUT, DELETE and commands -----------------------------------------------------------------------------------

WRITES = [(how, when) for how in ("reset", "dropped", "502") for when in (BEFORE, AFTER)] + [("timeout", AFTER)]


@pytest.mark.parametrize(("how", "when"), WRITES)
def test_f04_a_change_whose_answer_is_lost(scene: Scene, how: str, when: When) -> None:
    scene.converges()
    scene.manifest(MANIFEST.replace("label: Clients", "label: Clients 2026"))
    scene.proxy.play(lossy(scene, how), "PUT", when=when)
    outcomes = scene.report(expect=0)
    assert set(outcomes.values()) == {"done"}
    assert len([call for call in scene.kiamo.committed if call.method == "PUT"]) == 1
    scene.converges()


@pytest.mark.parametrize(("how", "when"), WRITES)
def test_f04_a_delete_whose_answer_is_lost(scene: Scene, how: str, when: When) -> None:
    scene.converges()
    scene.manifest(MANIFEST.replace("  - name: clients\n    label: Clients\n", ""))
    scene.proxy.play(lossy(scene, how), "DELETE", when=when)
    done = scene.apply("--prune", expect=0)
    assert "1 done" in done.stdout, shown(done)
    assert len([call for call in scene.kiamo.committed if call.method == "DELETE"]) == 1
    assert "bases/clients" not in scene.owned()
    scene.converges("--prune")


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("how", ["reset", "502"])
def test_f04_a_command_whose_answer_is_lost_is_not_given_twice(scene: Scene, how: str, when: When) -> None:
    scene.manifest(STARTED)
    scene.consents = ("--allow-start",)
    scene.proxy.play(lossy(scene, how), "PUT", "/command$", when=when)
    scene.apply(expect=0)
    commands = [call for call in scene.kiamo.calls if call.path.endswith("/command")]
    assert [(call.status, call.committed) for call in commands] == [(200, True)]
    scene.converges()
    assert scene.kiamo.state_of("prospects", "relance") == "started"


# --- F14: an answer that drips ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), [("GET", "/bases$"), ("POST", "/bases$")])
def test_f14_an_answer_that_drips_ends_at_the_deadline(scene: Scene, method: str, path: str) -> None:
    scene.deadline = 1.5
    rule = scene.proxy.play(dripping(0.3), method, path)
    begun = time.monotonic()
    scene.apply(expect=0)
    assert time.monotonic() - begun < 20
    assert rule.played == 1
    one_of_each(scene)
    scene.deadline = 30
    scene.converges()


# --- F15: an answer that was cut -------------------------------------------------------------------------------------

CUT: dict[str, Fault] = {"short": cut_short, "chunk": cut_chunk}


@pytest.mark.parametrize("path", CREATES)
@pytest.mark.parametrize("how", CUT)
def test_f15_a_create_whose_answer_is_cut_is_found_in_the_same_run(scene: Scene, how: str, path: str) -> None:
    found_in_the_same_run(scene, CUT[how], path)


@pytest.mark.parametrize("how", CUT)
def test_f15_a_change_whose_answer_is_cut_is_made_once(scene: Scene, how: str) -> None:
    scene.speed = 60
    scene.converges()
    scene.manifest(MANIFEST.replace("label: Clients", "label: Clients 2026"))
    scene.proxy.play(CUT[how], "PUT")
    assert scene.report(expect=0) == {"update bases/clients": "done"}
    assert len([call for call in scene.kiamo.writes if call.method == "PUT"]) == 1
    scene.converges()


@pytest.mark.parametrize("how", CUT)
@pytest.mark.parametrize("path", ["/services$", "/bases$", "/fields$", "/batches$"])
def test_f15_a_list_that_is_cut_is_read_again(scene: Scene, how: str, path: str) -> None:
    scene.speed = 60
    tree = scene.converges()
    rule = scene.proxy.play(CUT[how], "GET", path)
    done = scene.apply("--prune", expect=0)
    assert (rule.played, "No changes" in done.stdout) == (1, True), shown(done)
    scene.converges(to=tree)

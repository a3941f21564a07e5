"""A run that ends in the middle of what it has begun owes the rest: F26."""

from __future__ import annotations

import json

from tests.faults.proxy import BEFORE, always, first, nth, reply
from tests.faults.scene import MANIFEST, PROJECT, Scene, shown

REFUSED = reply(400, '{"code": "ERR_4080", "message": "No."}')
RUNNING = MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}")
OTHER_ROLE = RUNNING.replace("destination: phone", "destination: ville")
INITIAL = MANIFEST.replace("destination: phone}}", "destination: phone}, initial_state: started}")
BATCH = "bases/prospects/batches/relance"


def running(scene: Scene) -> None:
    """The usual manifest with a started batch, applied."""
    scene.manifest(RUNNING)
    scene.converges("--allow-start")
    assert scene.kiamo.state_of("prospects", "relance") == "started"


def owed(scene: Scene) -> None:
    """The batch is paused or new, and the next plan owes it a start, which needs a consent of its own."""
    assert scene.kiamo.state_of("prospects", "relance") in {"paused", "new"}
    scene.proxy.peace()
    planned = scene.plan("--detailed-exitcode", "--format", "json")
    assert planned.returncode == 2, shown(planned)
    (step,) = [each for each in json.loads(planned.stdout)["steps"] if each["action"] == "start"]
    assert (step["address"], "run of" in step["reason"]) == (BATCH, True), step["reason"]
    writes = len(scene.kiamo.writes)
    scene.apply(expect=6)
    assert len(scene.kiamo.writes) == writes


def test_f26_a_start_after_a_pause_of_ours_is_owed(scene: Scene) -> None:
    running(scene)
    scene.manifest(OTHER_ROLE)
    scene.proxy.play(REFUSED, "PUT", "/command$", on=nth(2), when=BEFORE)
    scene.apply("--allow-start", expect=4)
    owed(scene)
    scene.converges("--allow-start-of", BATCH)
    assert scene.kiamo.state_of("prospects", "relance") == "started"


def test_f26_a_refused_change_between_pause_and_start(scene: Scene) -> None:
    running(scene)
    scene.manifest(OTHER_ROLE)
    scene.proxy.play(REFUSED, "PUT", "/batches/[^/]+$", on=always, when=BEFORE)
    scene.apply("--allow-start", expect=4)
    owed(scene)
    scene.converges("--allow-start")
    assert scene.kiamo.state_of("prospects", "relance") == "started"


def test_f26_also_when_the_change_is_reverted(scene: Scene) -> None:
    running(scene)
    scene.manifest(OTHER_ROLE)
    scene.proxy.play(REFUSED, "PUT", "/batches/[^/]+$", on=always, when=BEFORE)
    scene.apply("--allow-start", expect=4)
    scene.manifest(RUNNING)
    owed(scene)
    scene.converges("--allow-start")
    assert scene.kiamo.state_of("prospects", "relance") == "started"


def test_f26_a_run_state_that_is_not_declared_is_owed_too(scene: Scene) -> None:
    """The manifest says nothing of the state; somebody had started the batch, and the run paused it."""
    scene.converges()
    base, batch = scene.kiamo.id_of("prospects"), scene.kiamo.id_of("prospects", "relance")
    scene.kiamo.by_hand("PUT", f"/bases/{base}/batches/{batch}/command", {"command": "start"})
    scene.manifest(MANIFEST.replace("destination: phone", "destination: ville"))
    scene.proxy.play(REFUSED, "PUT", "/command$", on=nth(2), when=BEFORE)
    scene.apply("--allow-start", expect=4)
    owed(scene)
    scene.converges("--allow-start")
    assert scene.kiamo.state_of("prospects", "relance") == "started"


def test_f26_an_initial_state_is_owed(scene: Scene) -> None:
    scene.manifest(INITIAL)
    scene.proxy.play(REFUSED, "PUT", "/command$", on=first(1), when=BEFORE)
    scene.apply("--allow-start", expect=4)
    owed(scene)
    scene.converges("--allow-start")
    assert scene.kiamo.state_of("prospects", "relance") == "started"


def test_f26_a_debt_lapses_when_somebody_moves_the_batch(scene: Scene) -> None:
    running(scene)
    scene.manifest(MANIFEST.replace("destination: phone", "destination: ville"))
    scene.proxy.play(REFUSED, "PUT", "/command$", on=nth(2), when=BEFORE)
    scene.apply("--allow-start", expect=4)
    scene.proxy.peace()
    base, batch = scene.kiamo.id_of("prospects"), scene.kiamo.id_of("prospects", "relance")
    scene.kiamo.by_hand("PUT", f"/bases/{base}/batches/{batch}/command", {"command": "stop"})
    scene.converges()
    assert scene.kiamo.state_of("prospects", "relance") == "stopped"


def test_f26_a_debt_is_waived(scene: Scene) -> None:
    scene.manifest(INITIAL)
    scene.proxy.play(REFUSED, "PUT", "/command$", on=first(1), when=BEFORE)
    scene.apply("--allow-start", expect=4)
    owed(scene)
    done = scene.run("ledger", "forget", "-e", "staging", "--owed", BATCH)
    assert done.returncode == 0, shown(done)
    scene.converges()
    assert scene.kiamo.state_of("prospects", "relance") == "new"


def test_f26_allow_start_of_the_project_file_pays_no_debt(scene: Scene) -> None:
    scene.project(PROJECT + "    guards: {allow_start: true}\n")
    scene.manifest(INITIAL)
    scene.proxy.play(REFUSED, "PUT", "/command$", on=first(1), when=BEFORE)
    scene.apply(expect=4)
    owed(scene)
    scene.converges("--allow-start")

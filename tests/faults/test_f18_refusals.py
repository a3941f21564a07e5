"""A token that may not, and calls that are refused: F18, F19."""

from __future__ import annotations

import json

import pytest

from tests.faults.kiamo import Call
from tests.faults.proxy import BEFORE, always, nth, reply
from tests.faults.scene import MANIFEST, PROJECT, Scene, shown

REFUSED = reply(400, '{"code": "ERR_1020", "message": "Invalid arguments."}')
PRUNED = "services:\n  - {name: Ventes, managed: true, label: Ventes}\n"


def made(calls: list[Call]) -> set[str]:
    """The addresses of what the log says was made, by the names in the bodies; a base brings its fields."""
    found = set()
    for call in calls:
        if call.method == "POST" and call.committed:
            collection = call.path.split("/")[-1]
            below = "bases/prospects/" if collection in ("fields", "batches") else ""
            found.add(f"create {below}{collection}/{call.body['name']}")
            found |= {
                f"create bases/{call.body['name']}/fields/{each['name']}" for each in call.body.get("fields") or ()
            }
    return found


def reported(scene: Scene) -> dict[str, str]:
    """What an apply that ends with 4 reports; the report is the server's truth."""
    outcomes = scene.report("--parallelism", "1", expect=4)
    assert len(outcomes) == 5
    assert {step for step, outcome in outcomes.items() if outcome == "done"} <= made(scene.kiamo.calls)
    return outcomes


# --- F18: what a token may ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [1, 2, 3])
def test_f18_a_token_that_expires_half_way(scene: Scene, after: int) -> None:
    scene.kiamo.expires_after = after
    outcomes = reported(scene)
    done = {step for step, outcome in outcomes.items() if outcome == "done"}
    unread = {step for step, outcome in outcomes.items() if outcome == "failed"}
    # what the create of its base has made, and the token may not read any more
    unread |= {step for step, outcome in outcomes.items() if outcome == "not_tried" and "/fields/" in step}
    assert done == made(scene.kiamo.calls) - unread
    refused = [call for call in scene.kiamo.calls if call.status == 401]
    assert 1 <= list(outcomes.values()).count("failed") <= len(refused) <= 2, "it stops"
    scene.kiamo.expires_after = None
    scene.converges()
    assert len(scene.kiamo.committed) == 4


def test_f18_a_token_that_has_expired_before_it(scene: Scene) -> None:
    scene.kiamo.expires_after = 0
    done = scene.apply(expect=1)
    assert "401" in done.stderr
    scene.kiamo.expires_after = None
    scene.converges()


def test_f18_a_token_that_may_not_delete(scene: Scene) -> None:
    scene.project(PROJECT + "    guards: {max_delete_percent: 100}\n")
    scene.converges()
    scene.manifest(PRUNED)
    scene.kiamo.denied = {"DELETE"}
    consents = ("--prune", "--allow-stop", "bases/prospects/batches/relance")
    done = scene.apply(*consents, "--format", "json", expect=4)
    outcomes = [each["outcome"] for each in json.loads(done.stdout)["results"]]
    assert outcomes.count("failed") >= 1
    assert [call for call in scene.kiamo.committed if call.method == "DELETE"] == []
    assert {base["name"] for base in scene.kiamo.bases.values()} == {"prospects", "clients"}
    scene.kiamo.denied = set()
    scene.converges("--prune")
    assert scene.kiamo.bases == {}


def test_f18_a_token_that_may_only_read_plans(scene: Scene) -> None:
    scene.kiamo.denied = {"POST", "PUT", "DELETE"}
    planned = scene.plan()
    assert planned.returncode == 0, shown(planned)
    assert "Plan: 5 to create" in planned.stdout
    outcomes = reported(scene)
    assert "done" not in outcomes.values()
    assert scene.kiamo.committed == []
    scene.kiamo.denied = set()
    scene.converges()


# --- F19: 400 on the k-th of n ---------------------------------------------------------------------------------------

DEPENDS = {
    "create services/Ventes": {"create bases/prospects/batches/relance"},
    "create bases/prospects": {"create bases/prospects/fields/ville", "create bases/prospects/batches/relance"},
    "create bases/clients": set(),
    "create bases/prospects/batches/relance": set(),
}


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_f19_a_refused_call_takes_what_depends_on_it_and_nothing_else(scene: Scene, number: int) -> None:
    scene.proxy.play(REFUSED, "POST", on=nth(number), when=BEFORE)
    outcomes = reported(scene)
    (failed,) = [step for step, outcome in outcomes.items() if outcome == "failed"]
    skipped = {step for step, outcome in outcomes.items() if outcome == "not_tried"}
    assert skipped == DEPENDS[failed]
    assert {step for step, outcome in outcomes.items() if outcome == "done"} == made(scene.kiamo.calls)
    scene.converges()
    assert len(scene.kiamo.committed) == 4


def test_f19_every_call_is_refused(scene: Scene) -> None:
    scene.proxy.play(REFUSED, "POST", on=always, when=BEFORE)
    outcomes = reported(scene)
    assert sorted(outcomes.values()) == ["failed"] * 3 + ["not_tried"] * 2
    scene.converges()


def test_f19_a_refused_change_of_state(scene: Scene) -> None:
    scene.converges()
    scene.manifest(MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}"))
    scene.proxy.play(REFUSED, "PUT", "/command$", when=BEFORE)
    done = scene.apply("--allow-start", expect=4)
    assert "ERR_1020" in done.stdout
    assert scene.kiamo.state_of("prospects", "relance") == "new"
    scene.converges("--allow-start")
    assert scene.kiamo.state_of("prospects", "relance") == "started"

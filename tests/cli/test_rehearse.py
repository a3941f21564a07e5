"""`plan --rehearse`: the plan is run on an emulator, and what the emulator refuses makes the plan refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.emulator import Emulator, EmulatorRequest, EmulatorResponse
from tests.cli.conftest import MANIFEST, Desk, starting

PLAN = ("plan", "-e", "staging", "--rehearse")


def test_it_is_told_and_the_instance_knows_nothing_of_it(desk: Desk) -> None:
    desk.manifest(starting())
    code, out, err = desk.run(*PLAN)
    assert code == 0
    assert err == "Rehearsed 4 steps on an emulator seeded with the live state: none refused, nothing left to do.\n"
    assert desk.run("plan", "-e", "staging")[:2] == (0, out)
    assert desk.writes() == []


def test_what_would_be_refused_refuses_the_plan(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Emulator.handle

    def stricter(self: Emulator, request: EmulatorRequest) -> EmulatorResponse:
        if request.method == "POST" and request.path.endswith("/batches"):
            body = b'{"code": "ERR_1110", "message": "A rule that the planner does not know."}'
            return EmulatorResponse(400, {"content-type": "application/json"}, body)
        return handle(self, request)

    monkeypatch.setattr(Emulator, "handle", stricter)
    code, out, err = desk.run(*PLAN, "--out", "a.plan")
    assert code == 1
    assert "KIA0810: step 3 (create bases/prospects/batches/relance) was refused in the rehearsal" in out
    assert "Plan refused: 1 error." in out
    assert err.endswith(": 1 refused.\n")
    assert not Path("a.plan").exists()


def test_a_pruning_cut_to_a_target_is_rehearsed(desk: Desk) -> None:
    desk.manifest(MANIFEST + "  - {name: a, label: A}\n  - {name: b, label: B}\n")
    desk.apply()
    desk.manifest(MANIFEST)
    code, out, err = desk.run(*PLAN, "--prune", "--target", "bases/a")
    assert code == 0, out
    assert "Rehearsed 1 step " in err
    desk.apply("--prune", "--target", "bases/a")


def test_a_plan_without_steps_is_rehearsed_too(desk: Desk) -> None:
    desk.apply()
    code, _, err = desk.run(*PLAN)
    assert code == 0
    assert err.startswith("Rehearsed 0 steps")

"""A plan rehearsed on an emulator of its own."""

from __future__ import annotations

import pytest

from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.rehearsing import rehearse_plan
from kiamo_iac.emulator import Emulator, EmulatorRequest, EmulatorResponse
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import MANIFEST, Site


def test_a_plan_that_works_stays_as_it_is(site: Site) -> None:
    result = plan_environment(site.workspace, "staging")
    calls = len(site.emulator.calls())
    rehearsed, summary = rehearse_plan(site.workspace, result)
    assert rehearsed == result
    assert summary == "Rehearsed 3 steps on an emulator seeded with the live state: none refused, nothing left to do."
    assert len(site.emulator.calls()) == calls


def test_what_the_emulator_refuses_refuses_the_plan(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    result = plan_environment(site.workspace, "staging")
    handle = Emulator.handle

    def stricter(self: Emulator, request: EmulatorRequest) -> EmulatorResponse:
        if request.method == "POST" and request.path.endswith("/batches"):
            body = b'{"code": "ERR_1110", "message": "No."}'
            return EmulatorResponse(400, {"content-type": "application/json"}, body)
        return handle(self, request)

    monkeypatch.setattr(Emulator, "handle", stricter)
    rehearsed, summary = rehearse_plan(site.workspace, result)
    assert not rehearsed.plan.applyable
    assert "KIA0810" in [d.code for d in rehearsed.plan.diagnostics]
    assert rehearsed.plan.steps == result.plan.steps
    assert summary.endswith(": 1 refused.")


def test_a_pruning_with_a_target_is_rehearsed_for_the_target(site: Site) -> None:
    site.manifest(MANIFEST + "  - {name: a, label: A}\n  - {name: b, label: B}\n")
    site.apply()
    site.manifest(MANIFEST)
    (target,) = (address for address in site.owned() if address == "bases/a")
    result = plan_environment(site.workspace, "staging", Options(prune=True, targets=(target,)))
    rehearsed, summary = rehearse_plan(site.workspace, result)
    assert rehearsed.plan.applyable
    assert summary.startswith("Rehearsed 1 step on")


def test_a_refused_plan_is_not_rehearsed(site: Site) -> None:
    site.manifest(MANIFEST.replace("Sales", "Nowhere"))
    with pytest.raises(ValueError, match=r"."):
        rehearse_plan(site.workspace, plan_environment(site.workspace, "staging"))

"""Plans and drift: read, computed, and nothing written."""

from __future__ import annotations

import pytest

from kiamo_iac.app.planning import detect_drift, plan_all_environments, plan_environment
from kiamo_iac.app.project import Workspace
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import AccessError, ManifestError, UsageError
from kiamo_iac.emulator import FULL_TOKEN
from kiamo_iac.planner.drift import ChangedBy, DriftEvent
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import MANIFEST, Site

EMPTY_BASE = "bases:\n  - {name: prospects, label: Prospects}\n"


def steps(plan: Plan) -> list[tuple[Action, str]]:
    return [(step.action, str(step.address)) for step in plan.steps]


def test_a_plan_has_its_steps_and_its_inputs_and_writes_nothing(site: Site) -> None:
    result = plan_environment(site.workspace, "staging")
    assert steps(result.plan) == [
        (Action.CREATE, "bases/prospects"),
        (Action.CREATE, "bases/prospects/fields/city"),
        (Action.CREATE, "bases/prospects/batches/spring"),
    ]
    assert (result.plan.environment, result.plan.url) == ("staging", "http://127.0.0.1:8090")
    assert result.plan.applyable
    assert result.inputs.owned is None
    assert len(result.inputs.desired) == 4
    assert [str(each.address) for each in result.inputs.live] == ["services/Sales"]
    assert result.options == Options()
    assert site.writes() == []
    assert not (site.folder / ".kiamo").exists()
    assert len(site.log) == len(site.emulator.calls())


def test_options_select_what_is_planned(site: Site) -> None:
    only = plan_environment(site.workspace, "staging", Options(targets=(Address("bases/prospects/fields/city"),)))
    assert steps(only.plan) == [
        (Action.CREATE, "bases/prospects"),
        (Action.CREATE, "bases/prospects/fields/city"),
    ]
    site.apply()
    site.manifest("services:\n  - name: Sales\n")
    assert steps(plan_environment(site.workspace, "staging").plan) == []
    pruning = plan_environment(site.workspace, "staging", Options(prune=True)).plan
    assert (Action.DELETE, "bases/prospects") in steps(pruning)


def test_after_an_apply_the_ledger_is_an_input(site: Site) -> None:
    site.apply()
    result = plan_environment(site.workspace, "staging")
    assert steps(result.plan) == []
    assert result.inputs.owned is not None
    assert set(result.inputs.owned) == {
        "bases/prospects",
        "bases/prospects/batches/spring",
        "bases/prospects/fields/city",
    }


def test_guards_that_will_block_are_notes_of_the_plan(site: Site) -> None:
    site.manifest(EMPTY_BASE)
    site.apply()
    site.manifest("bases:\n  - {name: prospects, ensure: absent}\n")
    plan = plan_environment(site.workspace, "guarded").plan
    assert steps(plan) == [(Action.DELETE, "bases/prospects")]
    assert "KIA0702" in [d.code for d in plan.diagnostics]
    assert plan.applyable


def test_errors_of_manifests_environment_and_token_are_raised(site: Site) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        plan_environment(site.workspace, "nowhere")
    workspace = site.workspace
    wrong = Workspace(
        workspace.project, workspace.contract, {"KIAMO_STAGING_TOKEN": "0" * len(FULL_TOKEN)}, workspace.transport
    )
    with pytest.raises(AccessError):
        plan_environment(wrong, "staging")
    site.manifest("bases:\n  - {name: 1}\n")
    with pytest.raises(ManifestError) as caught:
        plan_environment(site.workspace, "staging")
    assert caught.value.diagnostics
    assert site.writes() == []


def test_all_environments_are_planned_in_order_and_an_error_takes_one_row(site: Site) -> None:
    workspace = site.workspace
    part = Workspace(
        workspace.project,
        workspace.contract,
        {"KIAMO_STAGING_TOKEN": workspace.environ["KIAMO_STAGING_TOKEN"]},
        workspace.transport,
    )
    staging, guarded = plan_all_environments(part)
    assert (staging.environment, staging.plan is not None, staging.error) == ("staging", True, None)
    assert (guarded.environment, guarded.plan) == ("guarded", None)
    assert isinstance(guarded.error, UsageError)
    (site.folder / "kiamo.yaml").write_text("manifests: [manifests]\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no environments"):
        plan_all_environments(site.workspace)


def test_drift_names_who_changed_what(site: Site) -> None:
    site.apply()
    name, drift = detect_drift(site.workspace, "staging")
    assert (name, drift.any, drift.ledger) == ("staging", False, True)
    site.call("PUT", f"/api/bases/{site.base_id()}", {"label": "By hand"})
    site.manifest(MANIFEST.replace("label: City", "label: Town"))
    _, drift = detect_drift(site.workspace, "staging")
    assert {(str(each.address), each.event, each.changed_by) for each in drift.resources} == {
        ("bases/prospects", DriftEvent.CHANGED, ChangedBy.INSTANCE),
        ("bases/prospects/fields/city", DriftEvent.CHANGED, ChangedBy.GIT),
    }


def test_without_a_ledger_drift_says_so(site: Site) -> None:
    _, drift = detect_drift(site.workspace, "staging")
    assert not drift.ledger
    assert site.writes() == []

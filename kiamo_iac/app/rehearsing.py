"""A plan rehearsed: run on an emulator seeded with the live state; the findings become diagnostics of the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kiamo_iac.app.planning import PlanResult, with_diagnostics
from kiamo_iac.core.sensitive import sensitive_paths
from kiamo_iac.core.state import Owned, Ownership, ResourceState, State
from kiamo_iac.core.strict_json import same
from kiamo_iac.executor.report import Status
from kiamo_iac.planner.kept import as_sent
from kiamo_iac.planner.masking import not_compared
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.planner import build_plan
from kiamo_iac.rehearsal import Rehearsal, rehearse

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace


def rehearse_plan(workspace: Workspace, result: PlanResult) -> tuple[PlanResult, str]:
    """The plan with the diagnostics of its rehearsal, which may refuse it; and a sentence that sums the rehearsal up.

    Makes no call to the instance.

    Raises:
        ValueError: the plan is refused already.
    """
    inputs = result.inputs
    rehearsal = rehearse(
        result.plan,
        inputs.live,
        inputs.desired,
        workspace.contract,
        replan=lambda live: _plan_again(workspace, result, live),
    )
    plan = with_diagnostics(result.plan, rehearsal.diagnostics)
    return replace(result, plan=plan), _summary(result.plan, rehearsal)


def _plan_again(workspace: Workspace, result: PlanResult, live: State) -> Plan:
    """The plan for what the rehearsal has left undone. Without the ledger: its ids are those of the instance."""
    targets = tuple(target for target in result.options.targets if target in result.inputs.desired)
    if result.options.targets and not targets:
        return Plan(
            result.plan.environment, result.plan.url, ()
        )  # all its targets were deletions of what only the ledger has
    return build_plan(
        _as_held(result.inputs.desired, live, result.inputs.owned or {}),
        live,
        capabilities=workspace.contract.capabilities(),
        environment=result.plan.environment,
        url=result.plan.url,
        targets=targets,
        may_stop=result.options.may_stop,
    )


def _as_held(desired: State, live: State, owned: Ownership) -> State:
    """`desired` without the sensitive settings that the emulator holds masked, as the instance returned them, and with
    what the instance keeps otherwise. Without the ledger they would be planned as changes."""
    return State(
        _with_kept(_one_without(each, live.get(each.address)), live.get(each.address), owned.get(each.address))
        for each in desired
    )


def _with_kept(declared: ResourceState, live: ResourceState | None, entry: Owned | None) -> ResourceState:
    if live is None or entry is None or not entry.kept:
        return declared

    def held(prefix: str, values: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
        kept = {
            key for key, value in values.items() if same(as_sent(prefix + key, value, there.get(key), entry), value)
        }
        return {
            key: there.get(key) if key in kept else value
            for key, value in values.items()
            if key in there or key not in kept
        }

    return replace(
        declared,
        attributes=held("", declared.attributes, live.attributes),
        settings=held("settings.", declared.settings, live.settings),
    )


def _one_without(instance: ResourceState, live: ResourceState | None) -> ResourceState:
    if live is None or not sensitive_paths(instance.settings):
        return instance
    everything = Owned(instance.address, live.remote_id, {"settings": instance.settings})
    masked = {path[0] for path in not_compared(instance.settings, live.settings, everything)}
    return replace(instance, settings={k: v for k, v in instance.settings.items() if k not in masked})


def _summary(plan: Plan, rehearsal: Rehearsal) -> str:
    if rehearsal.report is None:
        return "Not rehearsed: the emulator cannot hold the live state."
    steps = "1 step" if len(plan.steps) == 1 else f"{len(plan.steps)} steps"
    done = f"Rehearsed {steps} on an emulator seeded with the live state"
    refused = rehearsal.report.counts[Status.FAILED]
    if refused:
        return f"{done}: {refused} refused."
    left = len(rehearsal.difference.steps) if rehearsal.difference is not None else 0
    return f"{done}: none refused, {left or 'nothing'} left to do."

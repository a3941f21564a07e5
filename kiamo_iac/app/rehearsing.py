"""A plan rehearsed: run on an emulator seeded with the live state; the findings become diagnostics of the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kiamo_iac.app.planning import PlanResult, with_diagnostics
from kiamo_iac.core.sensitive import sensitive_paths
from kiamo_iac.core.state import Owned, ResourceState, State
from kiamo_iac.executor.report import Status
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
        _without_masked(result.inputs.desired, live),
        live,
        capabilities=workspace.contract.capabilities(),
        environment=result.plan.environment,
        url=result.plan.url,
        targets=targets,
        may_stop=result.options.may_stop,
    )


def _without_masked(desired: State, live: State) -> State:
    """`desired` without the sensitive settings that the emulator holds masked, as the instance returned them. Without
    the ledger they would be planned as changes."""
    return State(_one_without(instance, live.get(instance.address)) for instance in desired)


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

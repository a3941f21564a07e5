"""A plan rehearsed: run on an emulator that holds what was just read, and what came of it told with the plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kiamo_iac.app.planning import Planned, with_diagnostics
from kiamo_iac.core.ownership import Owned
from kiamo_iac.core.sensitive import sensitive_paths
from kiamo_iac.core.state import Instance, State
from kiamo_iac.executor.report import Status
from kiamo_iac.planner.masking import not_compared
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.planner import build_plan
from kiamo_iac.rehearsal import Rehearsal, rehearse

if TYPE_CHECKING:
    from kiamo_iac.app.opening import Workspace


def rehearsed(workspace: Workspace, made: Planned) -> tuple[Planned, str]:
    """The plan with what its rehearsal found, which may make it not applyable; and one sentence on what was done.

    The instance is not called.

    Raises:
        ValueError: the plan is refused already.
    """
    sides, contract = made.sides, workspace.contract
    held = rehearse(made.plan, sides.live, sides.desired, contract, replan=lambda live: _again(workspace, made, live))
    plan = with_diagnostics(made.plan, held.diagnostics)
    return replace(made, plan=plan), _sentence(made.plan, held)


def _again(workspace: Workspace, made: Planned, live: State) -> Plan:
    """What would be left to do of what the plan was for. The ledger has no part in it: its ids are the instance's."""
    targets = tuple(target for target in made.options.targets if target in made.sides.desired)
    if made.options.targets and not targets:
        return Plan(made.plan.environment, made.plan.url, ())  # it was for deletions of what the ledger alone knew
    return build_plan(
        _without_masked(made.sides.desired, live),
        live,
        capabilities=workspace.contract.capabilities(),
        environment=made.plan.environment,
        url=made.plan.url,
        targets=targets,
        may_stop=made.options.may_stop,
    )


def _without_masked(desired: State, live: State) -> State:
    """What is desired, but for sensitive settings that the emulator holds as the instance showed them: masked. The plan
    did not write them, and without the ledger nothing says why."""
    return State(_one_without(instance, live.get(instance.address)) for instance in desired)


def _one_without(instance: Instance, live: Instance | None) -> Instance:
    if live is None or not sensitive_paths(instance.settings):
        return instance
    everything = Owned(instance.address, live.remote_id, {"settings": instance.settings})
    masked = {path[0] for path in not_compared(instance.settings, live.settings, everything)}
    return replace(instance, settings={k: v for k, v in instance.settings.items() if k not in masked})


def _sentence(plan: Plan, held: Rehearsal) -> str:
    if held.report is None:
        return "Not rehearsed: a Kiamo in a box cannot hold what is live."
    steps = "1 step" if len(plan.steps) == 1 else f"{len(plan.steps)} steps"
    done = f"Rehearsed: {steps} on a Kiamo in a box that held what was just read"
    refused = held.report.counts[Status.FAILED]
    if refused:
        return f"{done}; {refused} of them refused."
    left = len(held.difference.steps) if held.difference is not None else 0
    return f"{done}; none was refused, and {f'{left} would be' if left else 'nothing would be'} left to do."

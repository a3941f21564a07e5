"""Manifests, instance and ledger read, and a plan made of them; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kiamo_iac.api.budget import Budget
from kiamo_iac.api.reader import StateReader
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.gc_pause import collector_paused
from kiamo_iac.planner.plan_file import Options

if TYPE_CHECKING:
    from kiamo_iac.app.opening import Workspace
    from kiamo_iac.core.ownership import Ownership
    from kiamo_iac.core.state import State
    from kiamo_iac.manifest.environment import Target
    from kiamo_iac.planner.plan import Plan


NO_OPTIONS = Options()


@dataclass(frozen=True, slots=True)
class Sides:
    """The three sides of an environment: as it is desired, as it is, and what of it is ours."""

    target: Target
    desired: State
    live: State
    owned: Ownership | None
    """What the ledger says; None: there is no ledger."""
    diagnostics: tuple[Diagnostic, ...]
    """What there is to say of manifests and instance."""
    budget: Budget
    """What was read of the instance counts for what is yet to be read in the same run."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and all that it was made of."""

    plan: Plan
    options: Options
    sides: Sides


def read_sides(
    workspace: Workspace, target: Target, *, owned: Callable[[], Ownership | None], prune: bool = False
) -> Sides:
    """Read all three. The lists that are needed in any case are called for while manifests and ledger are read.

    `prune`: what is owned and not declared is to be deleted, so that what it takes to delete it is read too.

    Raises:
        ManifestError: the manifests hold errors.
        ApiError: the instance could not be read.
        KiamoIacError: the ledger could not be read.
    """
    budget = Budget(target.limits)
    with (
        collector_paused(),
        workspace.client(target, budget=budget) as client,
        StateReader(client, workspace.contract) as reader,
    ):
        reader.start()
        loaded = workspace.load(target.name)
        desired = loaded.checked()
        ours = owned()
        live = reader.finish(desired, owned=ours, prune=prune)
    return Sides(target, desired, live.state, ours, (*loaded.diagnostics, *live.diagnostics), budget)


def plan_sides(workspace: Workspace, sides: Sides, options: Options) -> Planned:
    """What it takes to bring the live side level with the desired one; `plan.applyable` says whether it can be done."""
    from kiamo_iac.planner.planner import build_plan

    with collector_paused():
        plan = build_plan(
            sides.desired,
            sides.live,
            capabilities=workspace.contract.capabilities(),
            environment=sides.target.name,
            url=sides.target.url,
            owned=sides.owned,
            prune=options.prune,
            targets=options.targets,
            may_stop=options.may_stop,
        )
    return Planned(with_diagnostics(plan, sides.diagnostics), options, sides)


def planned(workspace: Workspace, environment: str | None, options: Options = NO_OPTIONS) -> Planned:
    """A plan for an environment, with notes on what its guards will refuse. The ledger is read without its lock.

    Raises:
        UsageError: the environment, its address or its token is missing or refused.
        KiamoIacError: as `read_sides`.
    """
    from kiamo_iac.app.owning import owned_by
    from kiamo_iac.planner.guards import foreseen

    target = workspace.target(environment)
    sides = read_sides(workspace, target, owned=lambda: owned_by(workspace, target.name), prune=options.prune)
    made = plan_sides(workspace, sides, options)
    notes = foreseen(made.plan, target.guards, owned=sides.owned, desired_count=len(sides.desired))
    return replace(made, plan=with_diagnostics(made.plan, notes))


def with_diagnostics(plan: Plan, more: tuple[Diagnostic, ...]) -> Plan:
    """`plan` with more to be said of it."""
    return replace(plan, diagnostics=tuple(sorted((*more, *plan.diagnostics), key=Diagnostic.sort_key)))

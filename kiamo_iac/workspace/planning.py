"""Manifests, instance and ledger read, and a plan made of them; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kiamo_iac.api.reader import Reader
from kiamo_iac.collector import collector_paused
from kiamo_iac.diagnostics import Diagnostic
from kiamo_iac.planner.planner import build_plan

if TYPE_CHECKING:
    from kiamo_iac.address import Address
    from kiamo_iac.manifest.environment import Target
    from kiamo_iac.owned import Ownership
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.state import State
    from kiamo_iac.workspace.opening import Workspace


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chooses of a plan, besides its environment."""

    prune: bool = False
    """What the ledger has and no manifest declares any more is deleted."""
    targets: tuple[Address, ...] = ()
    """The plan is cut to these, what stands below them, and what they depend on; none: all of it."""
    may_stop: tuple[Address, ...] = ()
    """Unfinished things that nobody declared, and that may be stopped where they block a deletion."""


NOTHING_CHOSEN = Choices()


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and all that it was made of."""

    plan: Plan
    target: Target
    choices: Choices
    desired: State
    live: State
    owned: Ownership | None
    """What the ledger says is ours; None: there is no ledger."""


def planned(workspace: Workspace, environment: str | None, choices: Choices = NOTHING_CHOSEN) -> Planned:
    """What it takes to bring an environment level with the manifests; `plan.applyable` says whether it can be done.

    The ledger is read without its lock.

    Raises:
        UsageError: the environment, its address or its token is missing or refused.
        ManifestError: the manifests hold errors.
        ApiError: the instance could not be read.
        KiamoIacError: the ledger could not be read.
    """
    target = workspace.target(environment)
    return plan_with(workspace, target, choices, owned=lambda: None)


def plan_with(
    workspace: Workspace, target: Target, choices: Choices, *, owned: Callable[[], Ownership | None]
) -> Planned:
    """Plan with what `owned` says is ours.

    The lists that are needed in any case are called for while ledger and manifests are read.

    Raises:
        KiamoIacError: as `planned`.
    """
    capabilities = workspace.contract.capabilities()
    with collector_paused():
        with workspace.client(target) as client, Reader(client, workspace.contract) as reader:
            reader.start()
            loaded = workspace.load()
            desired = loaded.checked()
            ours = owned()
            live = reader.finish(desired, owned=ours, prune=choices.prune)
        plan = build_plan(desired, live.state, capabilities=capabilities, environment=target.name, url=target.url)
    said = (*loaded.diagnostics, *live.diagnostics, *plan.diagnostics)
    plan = replace(plan, diagnostics=tuple(sorted(said, key=Diagnostic.sort_key)))
    return Planned(plan, target, choices, desired, live.state, ours)

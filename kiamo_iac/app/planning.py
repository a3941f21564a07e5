"""Plans: manifests, ledger and instance are read and compared. Nothing is written and no lock is taken.

    plan_environment        one plan                      (plan)
    plan_all_environments   a plan for each environment   (plan --all-environments)
    detect_drift            who changed what              (drift)

`read_inputs` and `plan_from_inputs` are the two halves of a plan; `apply` runs them under its lock.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from kiamo_iac.api.reader import StateReader
from kiamo_iac.app.first_contact import FirstContact
from kiamo_iac.app.ownership import read_owned
from kiamo_iac.core.diagnostics import Diagnostic, by_place
from kiamo_iac.core.errors import KiamoIacError, UsageError
from kiamo_iac.core.runtime import collector_paused
from kiamo_iac.manifest.project_checks import missing_patches, nothing_declared
from kiamo_iac.planner.plan_file import Options

if TYPE_CHECKING:
    from pathlib import Path

    from kiamo_iac.api.budget import Budget
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.state import Ownership, State
    from kiamo_iac.manifest.environment import Target
    from kiamo_iac.planner.drift import Drift
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.render.environments import EnvironmentPlan

NO_OPTIONS: Final = Options()

NEW_NAME: Final = "KIA0209"
"""A name that the contract does not allow for what is new: `validate` warns, and a plan refuses it where it is new."""
AT_A_TIME: Final = 4
"""Environments that are read at the same time."""


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What a plan of an environment is computed from."""

    target: Target
    desired: State
    live: State
    owned: Ownership | None
    """The entries of the ledger; None: there is no ledger."""
    diagnostics: tuple[Diagnostic, ...]
    """On the manifests and on what was read of the instance."""
    budget: Budget
    """Of the whole run: reads that follow count against the same limits."""
    files: tuple[Path, ...] = ()
    """What the manifests were read from beside the manifests: files of rows."""
    partial: bool = False
    """Whether the desired state holds only what is to change, as that of an undo: then it says nothing of the rest."""


@dataclass(frozen=True, slots=True)
class PlanResult:
    """A plan, with its options and inputs."""

    plan: Plan
    options: Options
    inputs: PlanInputs


def read_inputs(
    workspace: Workspace,
    target: Target,
    *,
    owned: Callable[[], Ownership | None],
    prune: bool = False,
    desired: State | None = None,
) -> PlanInputs:
    """Read manifests, ledger (`owned`) and instance. The lists that every plan needs are requested at once, while
    manifests and ledger are read.

    `prune`: what is owned and not declared will be deleted, so what its deletion depends on is read too. `desired`: the
    desired state where it does not come from manifests, which are not read then.

    Raises:
        ManifestError: the manifests have errors.
        ApiError: the instance could not be read.
        KiamoIacError: the ledger could not be read.
    """
    budget, contact = workspace.budget(target), FirstContact(workspace, target)
    with (
        workspace.interruption.interruptible(),
        collector_paused(),
        workspace.client(target, budget=budget, watch=contact.watch) as client,
        StateReader(client, workspace.contract) as reader,
    ):
        reader.start()
        notes: tuple[Diagnostic, ...] = ()
        files: tuple[Path, ...] = ()
        if desired is None:
            loaded = workspace.load(target.name)
            desired = loaded.checked()
            empty = nothing_declared(workspace.project, files=loaded.files, resources=len(desired))
            lacking = missing_patches(workspace.project.environments[target.name])
            # a live name is valid; the plan has the others
            found = (d for d in loaded.diagnostics if d.code != NEW_NAME)
            notes, files = (*found, *empty, *lacking), loaded.inputs
        entries = owned()
        try:
            live = reader.finish(desired, owned=entries, prune=prune)
        finally:
            contact.announce()
    return PlanInputs(target, desired, live.state, entries, (*notes, *live.diagnostics), budget, files=files)


def plan_from_inputs(workspace: Workspace, inputs: PlanInputs, options: Options) -> PlanResult:
    """The plan that makes the live state equal to the desired one; `plan.applyable` is false for a refused plan."""
    from kiamo_iac.planner.planner import build_plan

    with workspace.interruption.interruptible(), collector_paused():
        plan = build_plan(
            inputs.desired,
            inputs.live,
            capabilities=workspace.contract.capabilities(),
            environment=inputs.target.name,
            url=inputs.target.url,
            owned=inputs.owned,
            prune=options.prune,
            targets=options.targets,
            may_stop=options.may_stop,
        )
    return PlanResult(with_diagnostics(plan, inputs.diagnostics), options, inputs)


def plan_environment(workspace: Workspace, environment: str | None, options: Options = NO_OPTIONS) -> PlanResult:
    """A plan for an environment, with notes on what its guards will block. The ledger is read without its lock.

    Raises:
        UsageError: the environment, its address or its token is missing or refused.
        KiamoIacError: as `read_inputs`.
    """
    from kiamo_iac.planner.guards import managed_count, preview_guards

    target = workspace.target(environment)
    inputs = read_inputs(workspace, target, owned=lambda: read_owned(workspace, target.name), prune=options.prune)
    result = plan_from_inputs(workspace, inputs, options)
    declared = managed_count(inputs.desired)
    notes = preview_guards(result.plan, target.guards, owned=inputs.owned, declared=declared)
    return replace(result, plan=with_diagnostics(result.plan, notes))


def with_diagnostics(plan: Plan, more: tuple[Diagnostic, ...]) -> Plan:
    """`plan` with further diagnostics, sorted."""
    return replace(plan, diagnostics=by_place((*more, *plan.diagnostics)))


def detect_drift(workspace: Workspace, environment: str | None) -> tuple[str, Drift]:
    """The name of the environment, and its drift: manifests, instance and the last apply compared.

    Raises:
        UsageError: the environment, its address or its token is missing or refused.
        KiamoIacError: as `read_inputs`.
    """
    from kiamo_iac.planner.drift import drift

    target = workspace.target(environment)
    inputs = read_inputs(workspace, target, owned=lambda: read_owned(workspace, target.name))
    return target.name, drift(inputs.desired, inputs.live, inputs.owned)


def plan_all_environments(workspace: Workspace, options: Options = NO_OPTIONS) -> list[EnvironmentPlan]:
    """A plan, or an error, for each environment, in the order of the project file.

    Raises:
        UsageError: the project has no environments.
    """
    names = list(workspace.project.environments)
    if not names:
        msg = "The project has no environments."
        raise UsageError(msg, hint="add one under environments: in the project file")
    shared = workspace.sharing_sources()
    pool = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="plan")
    try:
        futures = [pool.submit(_row, shared, name, options) for name in names]
        _wait(futures)
        return [future.result() for future in futures]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _row(workspace: Workspace, name: str, options: Options) -> EnvironmentPlan:
    from kiamo_iac.render.environments import EnvironmentPlan

    try:
        return EnvironmentPlan(name, plan_environment(workspace, name, options).plan)
    except KiamoIacError as error:
        return EnvironmentPlan(name, None, error)


def _wait(futures: list[Future[EnvironmentPlan]]) -> None:
    """Wait in short turns: on Windows, a wait without a timeout cannot be interrupted."""
    while wait(futures, timeout=0.5).not_done:
        continue

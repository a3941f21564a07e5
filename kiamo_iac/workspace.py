"""Brings the rooms together: a project opened, validated, planned, applied; a function for each thing a command wants.

project file ─► contract ─► manifests ─► desired ─┐
                    └────► client ─────► live ────┴─► plan ─► report
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from kiamo_iac.api.contract_file import load_contract
from kiamo_iac.collector import collector_paused
from kiamo_iac.diagnostics import Diagnostic
from kiamo_iac.errors import GuardError, Interrupted, ManifestError, PartialError, StaleError, UsageError
from kiamo_iac.manifest.environment import Target, resolve_environment
from kiamo_iac.manifest.loader import Loaded, load
from kiamo_iac.manifest.paths import manifests_below
from kiamo_iac.manifest.project import Project, find_project
from kiamo_iac.manifest.project_file import load_project

if TYPE_CHECKING:
    import threading

    import httpx

    from kiamo_iac.api.client import Client
    from kiamo_iac.api.contract import Contract
    from kiamo_iac.executor.report import Report
    from kiamo_iac.executor.run import Observer
    from kiamo_iac.planner.plan import Plan

    Transport: TypeAlias = httpx.BaseTransport


@dataclass(frozen=True, slots=True)
class Validation:
    """What the manifests were found to be."""

    diagnostics: tuple[Diagnostic, ...] = ()
    files: int = 0
    """How many manifests were read."""
    things: int = 0
    """How many things they declare."""
    ignored: tuple[Path, ...] = ()
    """Paths that were named and are no manifests of the project that they lie in."""

    def __add__(self, other: Self) -> Validation:
        return Validation(
            self.diagnostics + other.diagnostics,
            self.files + other.files,
            self.things + other.things,
            self.ignored + other.ignored,
        )


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project, its contract, and how its instances are reached."""

    project: Project
    contract: Contract
    environ: Mapping[str, str]
    transport: Transport | None = None
    """Stands in place of the network, when given."""
    told: Callable[[str], object] | None = None
    """Is told of every call that was made, in one line without a token."""

    @classmethod
    def open(
        cls,
        file: Path | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        transport: Transport | None = None,
        told: Callable[[str], object] | None = None,
    ) -> Self:
        """The project of `file`, or the nearest one from the working directory upward.

        Raises:
            UsageError: there is none.
            ManifestError: the project file or its contract holds problems.
        """
        project = load_project(file or find_project(Path.cwd()))
        contract = contract_of_project(project)
        return cls(project, contract, os.environ if environ is None else environ, transport, told)

    def load(self) -> Loaded:
        """The manifests of the project, with everything there is to say about them.

        Raises:
            ManifestError: a folder of manifests cannot be read.
        """
        capabilities = self.contract.capabilities()
        return load(self.project.manifests, root=self.project.root, capabilities=capabilities)

    def plan(self, environment: str | None) -> Plan:
        """What it takes to bring an environment level with the manifests; `applyable` says whether it can be done.

        The lists that are needed in any case are called for while the manifests are parsed. Nothing is written.

        Raises:
            UsageError: the environment, its address or its token is missing or refused.
            ManifestError: the manifests hold errors.
            ApiError: the instance could not be read.
        """
        from kiamo_iac.api.reader import Reader
        from kiamo_iac.planner.planner import build_plan

        target = resolve_environment(self.project, environment, self.environ)
        capabilities = self.contract.capabilities()
        with collector_paused():
            with self._client(target) as client, Reader(client, self.contract) as reader:
                reader.start()
                loaded = self.load()
                desired = loaded.checked()
                live = reader.finish(desired)
            plan = build_plan(desired, live.state, capabilities=capabilities, environment=target.name, url=target.url)
        said = (*loaded.diagnostics, *live.diagnostics, *plan.diagnostics)
        return replace(plan, diagnostics=tuple(sorted(said, key=Diagnostic.sort_key)))

    def guard(self, plan: Plan, *, allow_start: bool) -> None:
        """Refuse what may not be done unasked: starting batches, which dials people.

        Raises:
            GuardError: with a diagnostic for every batch that would be started.
        """
        from kiamo_iac.planner.plan import Action

        starts = [step for step in plan.steps if step.action is Action.START]
        if not starts or allow_start or self.project.environments[plan.environment].allow_start:
            return
        what = "1 batch" if len(starts) == 1 else f"{len(starts)} batches"
        raise GuardError(
            f"This plan would start {what}, which dials people, and that was not allowed. Nothing has been written.",
            hint="say --allow-start, or guards: {allow_start: true} in the environment, if people are to be called now",
            diagnostics=[
                Diagnostic("KIA0701", "this would dial people", address=step.address, source=step.source)
                for step in starts
            ],
        )

    def apply(
        self,
        plan: Plan,
        *,
        parallelism: int,
        observer: Observer | None = None,
        stop: threading.Event | None = None,
    ) -> Report:
        """Perform a plan of this workspace, as many writes at a time as `parallelism`; once `stop` is set, no new ones.

        Raises:
            UsageError: as `plan`.
            ValueError: the plan is refused.
        """
        from kiamo_iac.executor.run import execute
        from kiamo_iac.executor.writer import Writer

        target = resolve_environment(self.project, plan.environment, self.environ)
        with self._client(target) as client:
            writer = Writer(client, self.contract, plan)
            return execute(plan, writer, parallelism=parallelism, looks=writer.looks, observer=observer, stop=stop)

    def _client(self, target: Target) -> Client:
        from kiamo_iac.api.client import Client

        return Client(target.url, target.token, self.contract, transport=self.transport, told=self.told)


def check_report(report: Report, *, interrupted: bool) -> None:
    """Nothing, when every step is done.

    Raises:
        Interrupted: a signal stopped the run.
        StaleError: something had changed since the plan was made.
        PartialError: a step failed.
    """
    if report.ok:
        return
    from kiamo_iac.executor.report import Status

    counts = report.counts
    left = f"{counts[Status.FAILED]} failed, {counts[Status.SKIPPED]} not tried"
    hint = "run plan to see what is left to do"
    if interrupted:
        msg = f"The run was interrupted: {counts[Status.DONE]} done, {left}."
        raise Interrupted(msg, hint=hint)
    if any(isinstance(result.error, StaleError) for result in report.results):
        msg = f"What the plan saw has changed: {left}."
        raise StaleError(msg, hint="run plan again")
    msg = f"The plan was applied in part: {left}."
    raise PartialError(msg, hint=hint)


# --- the contract ----------------------------------------------------------------------------------------------------


def contract_of_project(project: Project) -> Contract:
    """The packaged contract, with the project's own merged over it.

    Raises:
        ManifestError: it holds problems.
    """
    if project.contract is None:
        return load_contract()
    return load_contract(project.contract, shown=project.contract.relative_to(project.root.resolve()).as_posix())


def contract_in_force(file: Path | None) -> Contract:
    """The contract of the project of `file`, or of the nearest one; outside of a project, the packaged one.

    Raises:
        UsageError: `file` is given and is not there.
        ManifestError: project file or contract holds problems.
    """
    found = file or _project_above(Path.cwd())
    return load_contract() if found is None else contract_of_project(load_project(found))


# --- validation ------------------------------------------------------------------------------------------------------


def validate(file: Path | None, *, paths: Sequence[Path] = ()) -> Validation:
    """Check manifests offline.

    Without `paths`, all of the project. With them, all of every project that they lie in, since a problem may lie
    between two files; those that lie in no project are checked together by themselves. Problems of project file and
    contract are among the diagnostics.

    Raises:
        UsageError: no project was found, and no paths are given.
    """
    if file is not None or not paths:
        return _validate_project(file or find_project(Path.cwd()), paths)
    inside: dict[Path, list[Path]] = {}
    loose: list[Path] = []
    for path in paths:
        found = _project_above(path if path.is_dir() else path.parent)
        if found is None:
            loose += _manifests_of(path)
        else:
            inside.setdefault(found.resolve(), []).append(path)
    result = Validation()
    for project, named in inside.items():
        result += _validate_project(project, named)
    if loose:
        loaded = load(loose, root=Path.cwd(), capabilities=load_contract().capabilities())
        result += _validation(loaded)
    return result


def _validate_project(file: Path, paths: Sequence[Path]) -> Validation:
    try:
        workspace = Workspace.open(file)
        loaded = workspace.load()
    except ManifestError as error:
        return Validation(error.diagnostics)
    return replace(_validation(loaded), ignored=tuple(_strangers(workspace.project, paths)))


def _validation(loaded: Loaded) -> Validation:
    return Validation(loaded.diagnostics, loaded.files, len(loaded.state))


def _strangers(project: Project, paths: Sequence[Path]) -> list[Path]:
    """Those of `paths` that the project does not read."""
    if not paths:
        return []
    known = {path.resolve() for path in (*project.manifests, project.file, project.contract) if path}
    return [path for path in paths if not path.is_dir() and path.resolve() not in known]


def _manifests_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    folder = path.resolve()
    return [found for found, _ in manifests_below(folder, folder)]


def _project_above(folder: Path) -> Path | None:
    try:
        return find_project(folder)
    except UsageError:
        return None

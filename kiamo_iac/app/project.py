"""A project opened: its contract, its manifests as an environment composes them, and how its instances are reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.runtime import Interruption
from kiamo_iac.manifest.environment import Target, choose_environment, resolve_environment
from kiamo_iac.manifest.loader import Loaded, compose
from kiamo_iac.manifest.pins import ledger_file_instead
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.project.model import Project, find_project
from kiamo_iac.manifest.sources import SourceFiles

if TYPE_CHECKING:
    import threading

    from kiamo_iac.api.budget import Budget
    from kiamo_iac.api.client import Client
    from kiamo_iac.contract.model import Contract
    from kiamo_iac.core.diagnostics import Diagnostic
    from kiamo_iac.http.message import CallWitness, Response
    from kiamo_iac.http.retry import Limits
    from kiamo_iac.http.transport import Transport
    from kiamo_iac.manifest.provenance import ComposedResource


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project, its contract, and how its instances are reached."""

    project: Project
    contract: Contract
    environ: Mapping[str, str]
    transport: Transport | None = None
    """Replaces the network (tests)."""
    log: Callable[[str], object] | None = None
    """Receives one line for each API call, without tokens."""
    notify: Callable[[Diagnostic], object] = lambda _: None
    """Receives diagnostics that belong to no result, such as a ledger that was restored."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The clock for change windows and saved plans."""
    ca_bundle: Path | None = None
    """The authorities that certificates are checked against; None: the system's."""
    on_wait: Callable[[str], object] | None = None
    """Receives one line when a call has to wait because its server asks for it or is not available."""
    sources: SourceFiles | None = None
    """Files that were read already, shared by several environments."""
    interruption: Interruption = field(default_factory=Interruption)
    """Of this run: a signal ends its waits, and what it does."""

    @classmethod
    def open(
        cls,
        file: Path | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        transport: Transport | None = None,
        log: Callable[[str], object] | None = None,
        may_be_missing: Callable[[Path], bool] = lambda _: False,
    ) -> Self:
        """The project of `file`, or the nearest one from the working directory upward.

        `may_be_missing`: for a folder of manifests that does not exist, whether that is allowed (it will be created).

        Raises:
            UsageError: there is none.
            ManifestError: the project file or its contract holds problems.
        """
        project = load_project(file or find_project(Path.cwd()), may_be_missing=may_be_missing)
        contract = contract_of_project(project)
        return cls(project, contract, os.environ if environ is None else environ, transport, log)

    def sharing_sources(self) -> Self:
        """A workspace that reads each file once, however many environments it loads."""
        return replace(self, sources=SourceFiles(self.project.root, keep=True))

    def load(self, environment: str | None = None, *, keep_parts: bool = False) -> Loaded:
        """The manifests as an environment composes them (None: the base alone), with their diagnostics.

        `keep_parts`: also keep what each layer declares of each resource.

        Raises:
            UsageError: there is no such environment.
            ManifestError: a folder of manifests cannot be read.
        """
        chosen = choose_environment(self.project, environment) if environment is not None else None
        return compose(
            self.project.composition(chosen),
            sources=self.sources or SourceFiles(self.project.root),
            capabilities=self.contract.capabilities(),
            keep_parts=keep_parts,
        )

    def contract_digest(self) -> str:
        """64 hexadecimal characters over the contract in force."""
        from kiamo_iac.planner.plan_file import contract_digest

        return contract_digest(self.contract.model_dump(mode="json", exclude_unset=True))

    def private_root(self, environment: str) -> Path:
        """Below which local ledgers, backups and journals are: the folder of the project file; or, in tests, that of
        the file that keeps the ledger instead.

        Raises:
            UsageError: the path of that file is invalid.
        """
        file = ledger_file_instead(environment, self.environ)
        return self.project.root if file is None else file.parent

    def target(self, environment: str | None) -> Target:
        """The instance and the token of an environment.

        Raises:
            UsageError: the environment, its address or its token is missing or refused.
        """
        return resolve_environment(self.project, environment, self.environ)

    def budget(self, target: Target) -> Budget:
        """What one run may read from an instance, and how it waits for it."""
        from kiamo_iac.api.budget import Budget

        return Budget(target.limits, show=self.on_wait)

    def client(
        self,
        target: Target,
        *,
        budget: Budget | None = None,
        limits: Limits | None = None,
        witness: CallWitness | None = None,
        stop: threading.Event | None = None,
        watch: Callable[[Response], object] | None = None,
    ) -> Client:
        """The API client of an instance; use it as a context manager. `budget`: shared by all clients of a run.
        `limits`: of its calls; None: those of `Limits`, with the largest response of the budget.
        `witness`: sees every attempt of a call that writes. `stop`: ends the waits of its calls once it is set.
        `watch`: is given every response."""
        from kiamo_iac.api.client import Client

        return Client(
            target.url,
            target.token,
            self.contract,
            transport=self.transport,
            ca_bundle=self.ca_bundle,
            budget=budget or self.budget(target),
            limits=limits,
            witness=witness,
            stop=stop,
            watch=watch,
            log=self.log,
        )


def contract_of_project(project: Project) -> Contract:
    """The packaged contract, with the project's own merged over it.

    Raises:
        ManifestError: it holds problems.
    """
    if project.contract is None:
        return load_contract()
    return load_contract(project.contract, shown=project.contract.relative_to(project.root).as_posix())


def contract_in_force(file: Path | None) -> Contract:
    """The contract of the project of `file`, or of the nearest one; outside a project, the packaged one.

    Raises:
        UsageError: `file` is given and does not exist.
        ManifestError: project file or contract holds problems.
    """
    found = file or project_above(Path.cwd())
    return load_contract() if found is None else contract_of_project(load_project(found))


def project_above(folder: Path) -> Path | None:
    """The project file of `folder` or of the nearest folder above it, or None."""
    try:
        return find_project(folder)
    except UsageError:
        return None


def compose_environment(
    workspace: Workspace, environment: str
) -> tuple[Mapping[str, tuple[ComposedResource, ...]], tuple[Diagnostic, ...]]:
    """Collection → the resources of an environment with the origin of each value; and the warnings on them.

    Raises:
        UsageError: there is no such environment.
        ManifestError: the manifests have errors.
    """
    from kiamo_iac.manifest.provenance import composed_resources

    loaded = workspace.load(environment, keep_parts=True)
    loaded.checked()
    return composed_resources(loaded), loaded.diagnostics


def environment_names(file: Path | None) -> tuple[str, ...]:
    """The environments of the project of `file`, or of the nearest one, in the order of the project file.

    Raises:
        KiamoIacError: there is no project, or its file holds problems.
    """
    return tuple(load_project(file or find_project(Path.cwd())).environments)


def declared_addresses(file: Path | None) -> tuple[tuple[str, str], ...]:
    """Address and kind of each resource that is declared for any environment, sorted. Blocks with errors are omitted.

    Raises:
        KiamoIacError: there is no project, or its file or contract holds problems.
    """
    workspace = Workspace.open(file).sharing_sources()
    names: tuple[str | None, ...] = tuple(workspace.project.environments) or (None,)
    found = {(str(each.address), each.kind.kind) for name in names for each in workspace.load(name).state}
    return tuple(sorted(found))

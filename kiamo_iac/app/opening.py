"""A project opened: its contract, its manifests, and how its instances are reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias

from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.errors import UsageError
from kiamo_iac.manifest.environment import Target, choose_environment, resolve_environment
from kiamo_iac.manifest.loader import Loaded, compose
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.project.model import Project, find_project
from kiamo_iac.manifest.sources import Sources

if TYPE_CHECKING:
    import httpx

    from kiamo_iac.api.budget import Budget
    from kiamo_iac.api.client import Client
    from kiamo_iac.contract.model import Contract
    from kiamo_iac.core.diagnostics import Diagnostic
    from kiamo_iac.planner.plan import Plan

    Transport: TypeAlias = httpx.BaseTransport


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
    noted: Callable[[Diagnostic], object] | None = None
    """Is given what the user has to know and no result holds, such as a ledger that is put back."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The clock that change windows go by."""
    ca_bundle: Path | None = None
    """The authorities that certificates are checked against; None: the system's."""
    sources: Sources | None = None
    """Manifests that were read already, where several environments are composed of them."""

    @classmethod
    def open(
        cls,
        file: Path | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        transport: Transport | None = None,
        told: Callable[[str], object] | None = None,
        may_lack: Callable[[Path], bool] = lambda _: False,
    ) -> Self:
        """The project of `file`, or the nearest one from the working directory upward.

        `may_lack`: whether a folder of manifests need not be there, since it is about to be made.

        Raises:
            UsageError: there is none.
            ManifestError: the project file or its contract holds problems.
        """
        project = load_project(file or find_project(Path.cwd()), may_lack=may_lack)
        contract = contract_of_project(project)
        return cls(project, contract, os.environ if environ is None else environ, transport, told)

    def note(self, diagnostic: Diagnostic) -> None:
        """Hand on what the user has to know."""
        if self.noted is not None:
            self.noted(diagnostic)

    def load(self, environment: str | None = None, *, keep_parts: bool = False) -> Loaded:
        """The manifests as an environment composes them (None: the base alone), with all there is to say about them.

        `keep_parts`: what each layer says of each thing is wanted too.

        Raises:
            UsageError: there is no such environment.
            ManifestError: a folder of manifests cannot be read.
        """
        chosen = choose_environment(self.project, environment) if environment is not None else None
        return compose(
            self.project.composition(chosen),
            sources=self.sources or Sources(self.project.root),
            capabilities=self.contract.capabilities(),
            keep_parts=keep_parts,
        )

    def target(self, environment: str | None) -> Target:
        """The instance and the token of an environment.

        Raises:
            UsageError: the environment, its address or its token is missing or refused.
        """
        return resolve_environment(self.project, environment, self.environ)

    def client(self, target: Target, *, budget: Budget | None = None) -> Client:
        """What makes the calls to an instance; to be used as a context. `budget`: of the run, where it has several."""
        from kiamo_iac.api.budget import Budget
        from kiamo_iac.api.client import Client

        return Client(
            target.url,
            target.token,
            self.contract,
            transport=self.transport,
            ca_bundle=self.ca_bundle,
            budget=budget or Budget(target.limits),
            told=self.told,
        )

    def plan(self, environment: str | None) -> Plan:
        """What `planning.planned` plans, with nothing chosen.

        Raises:
            KiamoIacError: as there.
        """
        from kiamo_iac.app.planning import planned

        return planned(self, environment).plan


def contract_of_project(project: Project) -> Contract:
    """The packaged contract, with the project's own merged over it.

    Raises:
        ManifestError: it holds problems.
    """
    if project.contract is None:
        return load_contract()
    return load_contract(project.contract, shown=project.contract.relative_to(project.root).as_posix())


def contract_in_force(file: Path | None) -> Contract:
    """The contract of the project of `file`, or of the nearest one; outside of a project, the packaged one.

    Raises:
        UsageError: `file` is given and is not there.
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

"""What a project offers to somebody who is typing: names of environments, addresses of what is declared; offline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.manifest.project.model import find_project
from kiamo_iac.manifest.sources import Sources


def environment_names(file: Path | None) -> tuple[str, ...]:
    """The environments of the project of `file`, or of the nearest one, as the project file orders them.

    Raises:
        KiamoIacError: there is no project, or its file holds problems.
    """
    return tuple(load_project(file or find_project(Path.cwd())).environments)


def declared_addresses(file: Path | None) -> tuple[tuple[str, str], ...]:
    """The address and the kind of all that the manifests declare for any environment, sorted; of manifests with
    problems, what can be read.

    Raises:
        KiamoIacError: there is no project, or its file or contract holds problems.
    """
    from kiamo_iac.app.opening import Workspace

    workspace = Workspace.open(file)
    shared = replace(workspace, sources=Sources(workspace.project.root, keep=True))
    names: tuple[str | None, ...] = tuple(workspace.project.environments) or (None,)
    found = {(str(thing.address), thing.kind.kind) for name in names for thing in shared.load(name).state}
    return tuple(sorted(found))

"""What a project offers to somebody who is typing: names of environments, addresses of what is declared; offline."""

from __future__ import annotations

from pathlib import Path

from kiamo_iac.manifest.project import find_project
from kiamo_iac.manifest.project_file import load_project


def environment_names(file: Path | None) -> tuple[str, ...]:
    """The environments of the project of `file`, or of the nearest one, as the project file orders them.

    Raises:
        KiamoIacError: there is no project, or its file holds problems.
    """
    return tuple(load_project(file or find_project(Path.cwd())).environments)


def declared_addresses(file: Path | None) -> tuple[tuple[str, str], ...]:
    """The address and the kind of all that the manifests declare, sorted; of manifests with problems, what can be read.

    Raises:
        KiamoIacError: there is no project, or its file or contract holds problems.
    """
    from kiamo_iac.workspace.opening import Workspace

    state = Workspace.open(file).load().state
    return tuple(sorted((str(thing.address), thing.kind.kind) for thing in state))

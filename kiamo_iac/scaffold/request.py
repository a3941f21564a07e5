"""The options of `init`, parsed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, assert_never

from kiamo_iac.scaffold.repository import ProjectRepository

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._\-]*")
_LITERAL: Final = re.compile(r"[\w./\- ]+")
"""A path without characters of a pattern."""
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


class CiSystem(StrEnum):
    """The system whose pipelines are written."""

    GITHUB = "github"
    GITLAB = "gitlab"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NewEnvironment:
    """An environment of the new project."""

    name: str
    url: str
    prefix: str
    """`KIAMO_STAGING` for `staging`."""

    @property
    def key(self) -> str:
        """The name as a YAML key, quoted if it would be read as another type."""
        plain = _PLAIN.fullmatch(self.name) and self.name.lower() not in _WORDS
        return self.name if plain else f'"{self.name}"'


@dataclass(frozen=True, slots=True)
class ToolSource:
    """The git repository that pipelines and hooks install kiamo-iac from."""

    url: str
    ref: str


@dataclass(frozen=True, slots=True)
class ProjectRequest:
    """The options of `init`."""

    folder: Path
    """Of the project file; absolute."""
    repository: ProjectRepository
    environments: Sequence[NewEnvironment]
    ci: CiSystem
    tool: ToolSource | None = None
    image: str | None = None
    """The image of the jobs, which has kiamo-iac; None: they install it."""

    @property
    def below(self) -> str:
        """`folder` relative to the root of the repository: "" or "sub/folder/"."""
        relative = PurePosixPath(self.folder.relative_to(self.repository.root).as_posix())
        return "" if relative == PurePosixPath() else f"{relative}/"

    @property
    def name(self) -> str | None:
        """The name of the project: of its folder, where the repository may hold other projects; at its root, None."""
        name = re.sub(r"[^a-z0-9]+", "-", self.below.lower())[:40].strip("-")
        return name or None

    @property
    def pipeline_file(self) -> PurePosixPath:
        """The file of its pipeline, relative to the root of the repository."""
        name = f"kiamo-{self.name}" if self.name is not None else "kiamo"
        match self.ci:
            case CiSystem.GITLAB:
                return PurePosixPath(f".gitlab/{name}.gitlab-ci.yml")
            case CiSystem.GITHUB | CiSystem.NONE:
                return PurePosixPath(f".github/workflows/{name}.yml")
            case _:
                assert_never(self.ci)

    @property
    def changes(self) -> tuple[str, ...]:
        """The paths whose changes concern it, as patterns; none where every change may. A folder whose name would be a
        pattern itself has none."""
        return (f"{self.below}**", str(self.pipeline_file)) if self.name and _LITERAL.fullmatch(self.below) else ()

    @property
    def project(self) -> str:
        """The project file relative to the root of the repository."""
        return f"{self.below}kiamo.yaml"


def guess_ci(repository: ProjectRepository) -> CiSystem:
    """The CI system, by the host of `origin` or by existing files."""
    host = repository.remote.host if repository.remote is not None else ""
    if "github" in host or (repository.root / ".github").is_dir():
        return CiSystem.GITHUB
    if "gitlab" in host or (repository.root / ".gitlab-ci.yml").is_file():
        return CiSystem.GITLAB
    return CiSystem.NONE

"""The project of a project file: its manifests, its contract and its environments."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import ManifestError, UsageError
from kiamo_iac.core.ledger_settings import FileSettings, LedgerSettings
from kiamo_iac.core.safe_files import lies_below
from kiamo_iac.core.settings import DEFAULT_JOURNALS, GuardSettings, LimitSettings
from kiamo_iac.git.repository import has_git, work_tree_of
from kiamo_iac.manifest.composition import Composition
from kiamo_iac.manifest.paths import PROJECT_FILE, manifests_below
from kiamo_iac.manifest.variables import Variable, Variables

_MISNAMED: Final = ("kiamo.yml", "kiamo.json", "Kiamo.yaml")
"""Names that a project file does not have, and that people give it."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A named instance of the project file."""

    name: str
    url: str | None
    """None: `KIAMO_<ENV>_URL` must be set."""
    source: SourceRange
    """The place of its url, or else of the environment."""
    guards: GuardSettings = field(default_factory=GuardSettings)
    ledger: LedgerSettings = field(default_factory=FileSettings)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    """Its own variables, which override those of the project."""
    patches: tuple[Folder, ...] = ()
    """Layers over the base, the last one on top."""
    limits: LimitSettings = field(default_factory=LimitSettings)
    instance: str | None = None
    """Its name in the ledger; None: the origin of its url."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One entry of `manifests` or `patches`; a patch may be a single file."""

    path: Path
    source: SourceRange
    lacking: bool = False
    """It did not exist when the project file was read, and need not: until it does, it counts as empty."""


@dataclass(frozen=True, slots=True)
class Project:
    """A valid project file."""

    root: Path
    """The folder of the project file, resolved; places name manifests relative to it."""
    file: Path
    folders: tuple[Folder, ...]
    contract: Path | None
    environments: Mapping[str, Environment]
    variables: Mapping[str, Variable] = field(default_factory=dict)
    name: str | None = None
    journals: int = DEFAULT_JOURNALS
    """How many journals are kept of each environment."""

    @property
    def folder(self) -> str:
        """The path of its folder below the root of the repository, with `/`; `.` at the root, or without git."""
        tree = work_tree_of(self.root)
        return "." if tree is None else self.root.relative_to(tree).as_posix()

    @property
    def identity(self) -> str:
        """What ledgers name it by."""
        return self.name or self.folder

    @property
    def manifests(self) -> tuple[Path, ...]:
        """Every manifest of the base, once, in a fixed order; without patches that are in a folder of the base.

        Raises:
            ManifestError: a folder cannot be read, or a link leads out of the project.
        """
        patches = {file for environment in self.environments.values() for file in self._files(environment.patches)}
        return tuple(file for file in self._files(self.folders) if file not in patches)

    @property
    def every_manifest(self) -> tuple[Path, ...]:
        """Every manifest and every patch, once, in a fixed order.

        Raises:
            ManifestError: as `manifests`.
        """
        folders = [*self.folders, *(folder for e in self.environments.values() for folder in e.patches)]
        return self._files(folders)

    def composition(
        self, environment: Environment | None = None, *, manifests: tuple[Path, ...] | None = None
    ) -> Composition:
        """The composition of an environment, or of the base only.

        `manifests`: the property of that name, to find the files only once for several environments.

        Raises:
            ManifestError: as `manifests`.
        """
        base = self.manifests if manifests is None else manifests
        if environment is None:
            return Composition(base, variables=Variables(self.variables))
        patches = tuple(self._files((folder,)) for folder in environment.patches)
        return Composition(base, patches, Variables({**self.variables, **environment.variables}))

    def _files(self, folders: Iterable[Folder]) -> tuple[Path, ...]:
        found: dict[Path, Path] = {}
        for folder in folders:
            if folder.lacking and not folder.path.exists():
                continue
            try:
                paths = list(manifests_below(folder.path, self.root))
            except OSError as error:
                summary = f"the folder cannot be read: {error.strerror}"
                raise _refused("KIA0306", summary, "check its permissions", source=folder.source) from error
            for path, real in paths:
                if real is not path and not lies_below(real, self.root):
                    summary = f'the link "{path.relative_to(self.root).as_posix()}" leads out of the project'
                    raise _refused("KIA0305", summary, "copy the file into the project", source=folder.source)
                found.setdefault(real, path)
        return tuple(sorted(found.values(), key=str))  # pathlib parses each path before it compares it


def _refused(code: str, summary: str, hint: str, *, source: SourceRange) -> ManifestError:
    diagnostic = Diagnostic(code, summary, hint=hint, source=source)
    return ManifestError("The project file has 1 error.", diagnostics=[diagnostic])


def find_project(start: Path) -> Path:
    """The project file of `start` or of the nearest folder above it, up to the root of the git repository.

    Raises:
        UsageError: there is none; or the nearest one is of another user, who could have put it there for anybody.
    """
    at, misnamed = start.absolute(), None
    for folder in (at, *at.parents):
        file = folder / PROJECT_FILE
        if file.is_file():
            if folder != at and _is_planted(file, at):
                msg = f"{file} belongs to another user, in a folder that everyone may write to."
                raise UsageError(msg, hint="it decides where tokens are sent: to use it, pass --project")
            return file
        if misnamed is None:
            misnamed = next((folder / name for name in _MISNAMED if (folder / name).is_file()), None)
        if has_git(folder):
            break
    msg = f"No {PROJECT_FILE} found here or in a folder above."
    if misnamed is not None:
        raise UsageError(msg, hint=f"rename {misnamed} to {PROJECT_FILE}")
    raise UsageError(msg, hint="change to the folder of the project, or pass --project FILE")


def _is_planted(file: Path, start: Path) -> bool:
    """Whether it is in a world-writable folder such as `/tmp`, and belongs neither to this user, nor to root, nor to
    the owner of `start` (a container may run as root on the files of a user)."""
    if sys.platform == "win32":
        return False
    anybody = file.parent.stat().st_mode & stat.S_IWOTH
    return bool(anybody) and file.lstat().st_uid not in {os.geteuid(), 0, start.stat().st_uid}

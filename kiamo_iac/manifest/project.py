"""The project file, `kiamo.yaml`: which manifests, which contract, which environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiamo_iac.diagnostics import Diagnostic, SourceRange
from kiamo_iac.errors import ManifestError, UsageError
from kiamo_iac.guard_settings import GuardSettings
from kiamo_iac.ledger_settings import LedgerSettings
from kiamo_iac.manifest.paths import manifests_below

PROJECT_FILE: Final = "kiamo.yaml"


@dataclass(frozen=True, slots=True)
class Environment:
    """A named instance, as the project file says."""

    name: str
    url: str | None
    """None: `KIAMO_<ENV>_URL` has to say."""
    source: SourceRange
    """Where its url stands, or else the environment."""
    guards: GuardSettings = field(default_factory=GuardSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)


@dataclass(frozen=True, slots=True)
class Folder:
    """One entry of `manifests`."""

    path: Path
    source: SourceRange


@dataclass(frozen=True, slots=True)
class Project:
    """A project file, checked."""

    root: Path
    """The folder of the project file, resolved; places name manifests relative to it."""
    file: Path
    folders: tuple[Folder, ...]
    contract: Path | None
    environments: Mapping[str, Environment]

    @property
    def manifests(self) -> tuple[Path, ...]:
        """Every manifest of the project, each once, in a fixed order.

        Raises:
            ManifestError: a folder cannot be read, or a link leads out of the project.
        """
        found: dict[Path, Path] = {}
        for folder in self.folders:
            try:
                paths = list(manifests_below(folder.path, self.root))
            except OSError as error:
                summary = f"the folder cannot be read: {error.strerror}"
                raise _refused("KIA0306", summary, "check who may read it", source=folder.source) from error
            for path, real in paths:
                if real is not path and not real.is_relative_to(self.root):
                    summary = f'the link "{path.relative_to(self.root).as_posix()}" leads out of the project'
                    raise _refused("KIA0305", summary, "copy the file into the project", source=folder.source)
                found.setdefault(real, path)
        return tuple(sorted(found.values(), key=lambda path: path.parts))


def _refused(code: str, summary: str, hint: str, *, source: SourceRange) -> ManifestError:
    diagnostic = Diagnostic(code, summary, hint=hint, source=source)
    return ManifestError("The project file holds 1 error.", diagnostics=[diagnostic])


def find_project(start: Path) -> Path:
    """The project file of `start` or of the nearest folder above it, up to the root of the git repository.

    Raises:
        UsageError: there is none.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / PROJECT_FILE).is_file():
            return folder / PROJECT_FILE
        if (folder / ".git").exists():
            break
    msg = f"No {PROJECT_FILE} was found here or above."
    raise UsageError(msg, hint="change into the project's folder, or name the file with --project FILE")

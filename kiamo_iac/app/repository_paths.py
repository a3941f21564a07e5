"""File names relative to the root of the git repository, as GitHub, GitLab and code scanning need them.

In diagnostics and plans they are relative to the folder of the project file, anywhere in the repository.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.safe_files import real
from kiamo_iac.git.repository import work_tree_of

if TYPE_CHECKING:
    from kiamo_iac.app.validation import CheckedFolder, Validation
    from kiamo_iac.planner.drift import Drift
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.render.base import CheckReport

_CHECKOUTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
"""Where GitHub Actions and GitLab's runner put the repository; used if it has no `.git` there."""


def below_repository(folder: Path, environ: Mapping[str, str] | None = None) -> str:
    """`folder` relative to the root of its repository, with a final slash: `telephony/kiamo/`; empty at the root.

    Also empty if there is no repository.
    """
    folder = real(folder)
    root = work_tree_of(folder) or _checkout(folder, os.environ if environ is None else environ)
    if root is None or root == folder:
        return ""
    return f"{folder.relative_to(root).as_posix()}/"


def below_here(folder: Path) -> str:
    """`folder` relative to the working directory, in the same form; empty if it is not below it."""
    folder, here = real(folder), Path.cwd()
    return f"{folder.relative_to(here).as_posix()}/" if folder != here and folder.is_relative_to(here) else ""


def _checkout(folder: Path, environ: Mapping[str, str]) -> Path | None:
    for name in _CHECKOUTS:
        if environ.get(name):
            root = real(Path(environ[name]))
            if folder.is_relative_to(root):
                return root
    return None


def plan_in_repository(plan: Plan, below: str) -> Plan:
    """`plan` with file names prefixed with `below`, the folder of the project in its repository."""
    if not below:
        return plan
    steps = tuple(replace(step, source=_source_in_repository(step.source, below)) for step in plan.steps)
    return replace(plan, steps=steps, diagnostics=tuple(_diagnostic_in_repository(d, below) for d in plan.diagnostics))


def drift_in_repository(drift: Drift, below: str) -> Drift:
    """`drift` with file names prefixed with `below`, the folder of the project in its repository."""
    if not below:
        return drift
    return replace(
        drift, resources=tuple(replace(r, source=_source_in_repository(r.source, below)) for r in drift.resources)
    )


def checked_in_repository(
    found: Validation, *, strict: bool, below: Callable[[Path], str] = below_repository
) -> CheckReport:
    """The result of `validate` with file names relative to the root of the repository, and the manifests it read.

    `below`: computes the prefix of a project's folder; to use another root.

    Raises:
        ManifestError: a folder of manifests cannot be read.
    """
    from kiamo_iac.render.base import CheckReport

    diagnostics: list[Diagnostic] = []
    names: list[str] = []
    homes: list[str] = []
    for part in found.parts:
        home = below(part.root)
        diagnostics += (_diagnostic_in_repository(diagnostic, home) for diagnostic in part.diagnostics)
        names += _names(part, home)
        homes.append(f"{home}{part.project.file.name if part.project else 'kiamo.yaml'}")
    return CheckReport(
        tuple(diagnostics),
        files=found.files,
        things=found.resources,
        names=tuple(names),
        home=homes[0] if homes else "kiamo.yaml",
        strict=strict,
    )


def _names(part: CheckedFolder, below: str) -> list[str]:
    files = part.project.every_manifest if part.project else part.loose
    root = part.root
    return [below + (f.relative_to(root) if f.is_relative_to(root) else f).as_posix() for f in files]


def _diagnostic_in_repository(diagnostic: Diagnostic, below: str) -> Diagnostic:
    related = tuple((message, _below(place, below)) for message, place in diagnostic.related)
    return replace(diagnostic, source=_source_in_repository(diagnostic.source, below), related=related)


def _source_in_repository(source: SourceRange | None, below: str) -> SourceRange | None:
    return None if source is None else _below(source, below)


def _below(source: SourceRange, below: str) -> SourceRange:
    return source._replace(file=_path(source.file, below), row=_path(source.row, below) if source.row else "")


def _path(file: str, below: str) -> str:
    """A file outside the project's folder has an absolute path, which is kept."""
    return file if Path(file).is_absolute() else f"{below}{file}"

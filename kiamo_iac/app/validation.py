"""Manifests checked offline: a project, or every project that contains one of some paths."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from kiamo_iac.app.project import Workspace, project_above
from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import ManifestError
from kiamo_iac.core.printable import quote
from kiamo_iac.core.safe_files import real
from kiamo_iac.git.repository import work_tree_of
from kiamo_iac.manifest.loader import load
from kiamo_iac.manifest.paths import PROJECT_FILE, ROWS, check_way, loose_manifests, projects_below
from kiamo_iac.manifest.project.model import Project, find_project
from kiamo_iac.manifest.project_checks import check_project_manifests


@dataclass(frozen=True, slots=True)
class CheckedFolder:
    """What was checked together: a project, or manifests outside any project."""

    root: Path
    """The folder that file names in diagnostics are relative to."""
    diagnostics: tuple[Diagnostic, ...]
    project: Project | None = None
    """None: there is no project, or its file is invalid."""
    loose: tuple[Path, ...] = ()
    """The manifests, if there is no project."""


@dataclass(frozen=True, slots=True)
class Validation:
    """The result of a check."""

    diagnostics: tuple[Diagnostic, ...] = ()
    files: int = 0
    """Number of manifests read."""
    resources: int = 0
    """Number of declared resources."""
    ignored: tuple[Path, ...] = ()
    """Given paths that are not manifests of their project."""
    parts: tuple[CheckedFolder, ...] = ()
    """The same diagnostics by folder."""

    def __add__(self, other: Self) -> Validation:
        return Validation(
            self.diagnostics + other.diagnostics,
            self.files + other.files,
            self.resources + other.resources,
            self.ignored + other.ignored,
            self.parts + other.parts,
        )


def validate(file: Path | None, *, paths: Sequence[Path] = ()) -> Validation:
    """Check manifests offline.

    Without `paths`: the project. With them: every project that contains one, as a whole, since a problem may involve
    several files; paths outside any project are checked together. A folder also means the projects in it, and each
    project of a repository must be called otherwise. Problems of
    project file and contract are among the diagnostics.

    Raises:
        UsageError: no project was found, and no paths are given.
        ManifestError: a link leads out of a project or repository.
        KiamoIacError: a folder cannot be read.
    """
    if file is not None or not paths:
        for path in paths:
            check_way(path, project=True)
        return _validate_project(file or find_project(Path.cwd()), paths)
    inside: dict[Path, list[Path]] = {}
    loose: list[Path] = []
    result = Validation()
    for path in paths:
        check_way(path, project=True)
        found = project_above(path if path.is_dir() else path.parent)
        if found is None and path.suffix.lower() == ROWS:
            result += Validation(ignored=(path,))
        elif found is None:
            files, projects = _below(path)
            loose += files
            for project in projects:
                inside.setdefault(project, [])
        else:
            inside.setdefault(real(found.parent) / found.name, []).append(path)
            for project in projects_below(path) if path.is_dir() else ():
                inside.setdefault(real(project.parent) / project.name, [])
    for project, named in inside.items():
        result += _validate_project(project, named)
    result = _with_shared_names(result)
    if loose:
        loaded = load(loose, root=Path.cwd(), capabilities=load_contract().capabilities())
        folder = CheckedFolder(Path.cwd(), loaded.diagnostics, loose=tuple(loose))
        result += Validation(loaded.diagnostics, loaded.files, len(loaded.state), parts=(folder,))
    return result


def _with_shared_names(result: Validation) -> Validation:
    """An error for each project that is called as one before it, in the same repository: each would take the ledgers
    and the comments of the other for its own."""
    first: dict[tuple[Path | None, str], Project] = {}
    parts = []
    for part in result.parts:
        project = part.project
        tree = work_tree_of(part.root)
        other = (
            first.setdefault((tree, project.identity), project) if project is not None and tree is not None else None
        )
        if project is not None and other is not None and other is not project:
            problem = Diagnostic(
                "KIA0318",
                f"the project in {quote(other.folder)} is called {quote(project.identity)} too",
                hint="give each project of a repository a name: of its own; then run ledger move if it has a ledger",
                source=SourceRange(project.file.name, 1, 1),
            )
            part = replace(part, diagnostics=(*part.diagnostics, problem))  # noqa: PLW2901 - with one more
        parts.append(part)
    return replace(result, diagnostics=tuple(d for part in parts for d in part.diagnostics), parts=tuple(parts))


def _validate_project(file: Path, paths: Sequence[Path]) -> Validation:
    try:
        workspace = Workspace.open(file)
        checked = check_project_manifests(workspace.project, workspace.contract.capabilities())
    except ManifestError as error:
        return Validation(error.diagnostics, parts=(CheckedFolder(real(file.parent), error.diagnostics),))
    foreign = tuple(_foreign_paths(workspace.project, paths, checked.inputs))
    folder = CheckedFolder(workspace.project.root, checked.diagnostics, workspace.project)
    return Validation(checked.diagnostics, checked.files, checked.resources, foreign, (folder,))


def _foreign_paths(project: Project, paths: Sequence[Path], inputs: Collection[Path]) -> list[Path]:
    """Those of `paths` that the project does not read."""
    if not paths:
        return []
    known = {real(path) for path in (*project.every_manifest, project.file, project.contract, *inputs) if path}
    return [path for path in paths if not path.is_dir() and real(path) not in known]


def _below(path: Path) -> tuple[list[Path], list[Path]]:
    """The manifests, and the project files, in a path outside any project."""
    if not path.is_dir():
        return [path], []
    found = loose_manifests(path)
    projects = [file for file in found if file.name == PROJECT_FILE]
    return [file for file in found if not any(file.is_relative_to(p.parent) for p in projects)], projects

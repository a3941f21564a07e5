"""Formats the files of a project, or the given ones; each changed file is replaced atomically."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import ManifestError, UsageError
from kiamo_iac.core.safe_files import real
from kiamo_iac.document.files import decode_text, read_bytes, write_text
from kiamo_iac.document.formatting import format_text
from kiamo_iac.manifest.paths import MANIFEST_SUFFIXES, PROJECT_FILE, ROWS, check_way, home_of, loose_manifests


@dataclass(frozen=True, slots=True)
class FormattedFile:
    """One file and its canonical layout."""

    shown: str
    """Its name in messages."""
    before: str = ""
    after: str = ""
    changes: bool = False
    """Whether the bytes of the file change, be it only its encoding."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Why it is not formatted: errors only."""


def format_files(project: Path | None, paths: Sequence[Path], *, write: bool) -> Iterator[FormattedFile]:
    """Format every file; with `write`, a changed file is replaced before it is returned.

    Without `paths`: all manifests of the project, its patches and its project file. A folder means the
    files of its project that are in it; outside of a project, every YAML file in it. Files with rows are left out.

    Raises:
        UsageError: no project was found, and no paths are given; or a path is that of another file, and none is
            formatted.
        ManifestError: the project file holds problems, or a link leads out of a project or repository.
        KiamoIacError: a folder cannot be read.
    """
    seen: set[Path] = set()
    for path, shown in _files(project, paths):
        actual = real(path)
        if actual not in seen:
            seen.add(actual)
            yield _of_file(path, shown, write=write)


def format_bytes(data: bytes, *, shown: str) -> FormattedFile:
    """Format the bytes of a file."""
    try:
        text = decode_text(data, shown=shown)
    except ManifestError as error:
        return FormattedFile(shown, diagnostics=error.diagnostics)
    return _layout(text, data, shown)


def _of_file(path: Path, shown: str, *, write: bool) -> FormattedFile:
    try:
        data = read_bytes(path, shown=shown)
        text = decode_text(data, shown=shown)
    except ManifestError as error:
        return FormattedFile(shown, diagnostics=error.diagnostics)
    found = _layout(text, data, shown)
    if write and found.changes:
        try:
            write_text(path, found.after, within=_home(path))
        except OSError as error:
            return replace(found, changes=False, diagnostics=(_unwritable(shown, error),))
    return found


def _home(path: Path) -> Path:
    """The folder that this file must not lead out of, if it is a link."""
    return home_of(path.parent, project=path.name != PROJECT_FILE) or real(path).parent


def _layout(text: str, data: bytes, shown: str) -> FormattedFile:
    done = format_text(text, file=shown)
    if done.diagnostics:
        return FormattedFile(shown, text, text, diagnostics=done.diagnostics)
    return FormattedFile(shown, text, done.text, done.text.encode("utf-8") != data)


def _unwritable(shown: str, error: OSError) -> Diagnostic:
    reason = error.strerror or type(error).__name__
    hint = "check the permissions of the file and its folder"
    return Diagnostic("KIA0122", f"the file cannot be written: {reason}", hint=hint, source=SourceRange(shown, 1, 1))


def _files(project: Path | None, paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    if not paths:
        # Only here: what reads project files costs more than the whole layout of a hundred manifests.
        from kiamo_iac.manifest.project.model import find_project

        yield from _of_project(project or find_project(Path.cwd()))
    for path in paths:
        check_way(path, project=True)
        _check_kind(path, project)
    for path in paths:
        if path.is_dir():
            yield from _below(path)
        elif path.suffix.casefold() != ROWS:  # rows are the spreadsheet's: YAML would read some as well
            yield path, path.as_posix()


def _check_kind(path: Path, project: Path | None) -> None:
    """
    Raises:
        UsageError: it is a file that by its name is neither YAML nor rows, and not the project file.
    """
    if path.suffix.casefold() in {*MANIFEST_SUFFIXES, ROWS} or path.is_dir():
        return
    if project is not None and real(path) == real(project):
        return
    msg = (
        f"{path.as_posix()} is not formatted: it is no manifest, whose name ends in .yaml or .yml. No file was changed."
    )
    raise UsageError(msg, hint="leave it out, rename it, or send it through standard input: kiamo-iac fmt - < FILE")


def _of_project(file: Path) -> Iterator[tuple[Path, str]]:
    from kiamo_iac.manifest.project.file import load_project

    project = load_project(file)
    for path in (project.file, *project.every_manifest):
        yield path, path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else path.as_posix()


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    from kiamo_iac.manifest.project.model import find_project

    root = real(folder)
    try:
        file = find_project(root)
    except UsageError:
        found = [(path, real(path)) for path in loose_manifests(folder) if path.is_file()]
    else:
        found = [(path, real(path)) for path, _ in _of_project(file)]
        found = [(path, actual) for path, actual in found if actual.is_relative_to(root)]
    for path, actual in found:
        below = path if path.is_relative_to(root) else actual
        yield path, (folder / below.relative_to(root)).as_posix()

"""Files in the canonical layout: which ones, and each replaced as a whole where it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kiamo_iac.diagnostics import Diagnostic, SourceRange
from kiamo_iac.document.files import decoded, read_text, write_text
from kiamo_iac.document.formatting import formatted
from kiamo_iac.errors import KiamoIacError, ManifestError, UsageError
from kiamo_iac.manifest.paths import manifests_below


@dataclass(frozen=True, slots=True)
class Layout:
    """What the canonical layout of one file is."""

    shown: str
    """Its name in messages."""
    before: str = ""
    after: str = ""
    changes: bool = False
    """Whether the file is another one, if only in its encoding."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Why it stays as it is: errors alone."""


def lay_out(project: Path | None, paths: Sequence[Path], *, write: bool) -> Iterator[Layout]:
    """Every file in turn; with `write`, one that changes is replaced before it comes.

    Without `paths`: all manifests of the project, its patches and its project file. A folder among the paths stands for
    the files of its project that lie in it; where there is no project, for every YAML file in it.

    Raises:
        UsageError: no project was found, and no paths are given.
        ManifestError: the project file holds problems.
        KiamoIacError: a folder cannot be read.
    """
    seen: set[Path] = set()
    for path, shown in _files(project, paths):
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            yield _of_file(path, shown, write=write)


def layout_of(data: bytes, *, shown: str) -> Layout:
    """The layout of the bytes of a file."""
    try:
        text = decoded(data, shown=shown)
    except ManifestError as error:
        return Layout(shown, diagnostics=error.diagnostics)
    return _layout(text, data, shown)


def _of_file(path: Path, shown: str, *, write: bool) -> Layout:
    try:
        text = read_text(path, shown=shown)
        data = path.read_bytes()
    except ManifestError as error:
        return Layout(shown, diagnostics=error.diagnostics)
    except OSError as error:
        return Layout(shown, diagnostics=(_unwritable(shown, error),))
    found = _layout(text, data, shown)
    if write and found.changes:
        try:
            write_text(path, found.after, within=_project_folder(path))
        except OSError as error:
            return replace(found, changes=False, diagnostics=(_unwritable(shown, error),))
    return found


def _project_folder(path: Path) -> Path | None:
    """The folder of the project that a file lies in, by its name; a link of a project does not lead out of it."""
    from kiamo_iac.manifest.project.model import PROJECT_FILE  # with all that it needs: only where something is written

    return next((folder for folder in path.absolute().parents if (folder / PROJECT_FILE).is_file()), None)


def _layout(text: str, data: bytes, shown: str) -> Layout:
    done = formatted(text, file=shown)
    if done.diagnostics:
        return Layout(shown, text, text, diagnostics=done.diagnostics)
    return Layout(shown, text, done.text, done.text.encode("utf-8") != data)


def _unwritable(shown: str, error: OSError) -> Diagnostic:
    reason = error.strerror or type(error).__name__
    hint = "check who may write it and its folder"
    return Diagnostic("KIA0122", f"the file cannot be written: {reason}", hint=hint, source=SourceRange(shown, 1, 1))


def _files(project: Path | None, paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    if not paths:
        # Only here: what reads project files costs more than the whole layout of a hundred manifests.
        from kiamo_iac.manifest.project.model import find_project

        yield from _of_project(project or find_project(Path.cwd()))
    for path in paths:
        if path.is_dir():
            yield from _below(path)
        else:
            yield path, path.as_posix()


def _of_project(file: Path) -> Iterator[tuple[Path, str]]:
    from kiamo_iac.manifest.project.file import load_project

    project = load_project(file)
    for path in (project.file, *project.every_manifest):
        yield path, path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else path.as_posix()


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    from kiamo_iac.manifest.project.model import find_project

    root = folder.resolve()
    try:
        file = find_project(root)
    except UsageError:
        found = [(path, real) for path, real in _walked(root) if real.is_relative_to(root) and real.is_file()]
    else:
        found = [(path, path.resolve()) for path, _ in _of_project(file)]
        found = [(path, real) for path, real in found if real.is_relative_to(root)]
    for path, real in found:
        below = path if path.is_relative_to(root) else real
        yield path, (folder / below.relative_to(root)).as_posix()


def _walked(root: Path) -> list[tuple[Path, Path]]:
    try:
        return list(manifests_below(root, root))
    except OSError as error:
        msg = f"The folder {root} cannot be read: {error.strerror}."
        raise KiamoIacError(msg, hint="check who may read it") from error

"""Paths of a project: portable, and never outside of it through a link that a merge request may have added."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.errors import KiamoIacError, ManifestError
from kiamo_iac.core.safe_files import is_link, lies_below, real
from kiamo_iac.git.repository import has_git

PROJECT_FILE: Final = "kiamo.yaml"
ROWS: Final = ".csv"
"""How the name of a file with rows ends."""
MANIFEST_SUFFIXES: Final = frozenset({".yaml", ".yml"})

_JUNCTIONS: Final = sys.platform == "win32"
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any suffix."""


class PathProblem(NamedTuple):
    """Why a path is refused."""

    code: str
    summary: str
    hint: str


def portable(text: str) -> PathProblem | None:
    """Why a relative path is not valid on every operating system, or None."""
    if "\\" in text:
        return PathProblem("KIA0305", "the path contains a backslash", 'use "/" between folders, on Windows too')
    if text.startswith("/") or _DRIVE.match(text):
        return PathProblem("KIA0305", "the path is absolute", "write it relative to the folder of the project file")
    parts = text.split("/")
    if not text.isprintable() or any(_RESERVED.fullmatch(part) or part != part.rstrip(" ") for part in parts):
        return PathProblem("KIA0305", "the path is not valid on every operating system", "rename the file or folder")
    return None


def inside(root: Path, text: str) -> Path | PathProblem:
    """The resolved path of `text` below `root`; it need not exist."""
    if refused := portable(text):
        return refused
    path = real(root / text)
    if _climbs(text.split("/")) or not lies_below(path, real(root)):
        return PathProblem("KIA0305", "the path leads out of the project", "move its target into the project")
    return path


def home_of(folder: Path, *, project: bool) -> Path | None:
    """The folder that links in `folder` must not lead out of, or None where links belong to the user.

    `project`: that of the nearest project file, else the root of the repository; otherwise the repository comes first.
    """
    at = real(folder)
    root = repository = None
    for above in (at, *at.parents):
        if root is None and os.path.lexists(above / PROJECT_FILE):
            root = above
        if has_git(above):
            repository = above
            break
    return (root or repository) if project else (repository or root)


def check_way(path: Path, *, project: bool = False) -> None:
    """Refuse a path with a link that leads out of its own project or repository, see `home_of`.

    A link in place of the project file may always lead to one elsewhere in the repository. A link outside of the
    current repository that leads into it belongs to the user: their home folder may be a repository too.

    Raises:
        ManifestError: there is such a link, which the diagnostic names.
    """
    at = Path(path.anchor) if path.is_absolute() else real(Path.cwd())
    parts = path.parts[1:] if path.is_absolute() else path.parts
    for number, part in enumerate(parts, start=1):
        step = at / part
        if part == "..":
            at = at.parent
            continue
        try:
            linked = is_link(step.lstat())
        except OSError:  # not there yet, or not to be looked into
            linked = False
        if not linked:
            at = step
            continue
        home = home_of(at, project=project and not (number == len(parts) and part == PROJECT_FILE))
        holder, at = at, real(step)
        if home is not None and not lies_below(at, home) and not _ends_at_home(holder, path):
            raise _leads_out(Path(*path.parts[: len(path.parts) - len(parts) + number]), home)


def _ends_at_home(folder: Path, path: Path) -> bool:
    """Whether a path over a link in `folder`, which is outside of the current repository or project, ends inside it.

    The links of a merge request are inside.
    """
    here = home_of(Path.cwd(), project=False)
    return here is not None and not lies_below(folder, here) and lies_below(real(path), here)


def _leads_out(link: Path, home: Path) -> ManifestError:
    what = "repository" if has_git(home) else "project"
    shown = link.as_posix()
    summary = f"the link leads out of the {what}"
    hint = f"copy its target into the {what}, or pass the path of the target: a merge request may have added the link"
    return ManifestError(
        f"{shown} is not followed: it is a symbolic link that leads out of the {what} {home}.",
        diagnostics=[Diagnostic("KIA0341", summary, hint=hint, source=SourceRange(shown, 1, 1))],
    )


def _climbs(parts: list[str]) -> bool:
    """Whether `..` leaves the folder, even if the path returns to it."""
    depth = 0
    for part in parts:
        depth += -1 if part == ".." else int(part not in {"", "."})
        if depth < 0:
            return True
    return False


def is_manifest(path: Path) -> bool:
    """Whether it is a file with the suffix of a manifest."""
    return path.suffix.lower() in MANIFEST_SUFFIXES and path.is_file()


def manifests_below(folder: Path, root: Path) -> Iterator[tuple[Path, Path]]:
    """Every `*.yaml` and `*.yml` below `folder`, each folder's entries by name; hidden ones are skipped.

    Of a file, the file itself.

    `folder` and `root` are resolved. Each comes as the path, and as what it is with all links followed: the caller
    refuses what does not lie below `root`. A link to a folder that does not comes like a manifest, and is not looked
    into.

    Raises:
        OSError: a folder cannot be read.
    """
    if folder.is_file():
        yield folder, folder
    else:
        yield from _walk(folder, root, seen={folder}, linked=False)


def _walk(folder: Path, root: Path, *, seen: set[Path], linked: bool) -> Iterator[tuple[Path, Path]]:
    with os.scandir(folder) as found:
        entries = sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    for entry in entries:
        path = folder / entry.name
        by_link = linked or entry.is_symlink() or (_JUNCTIONS and is_link(entry.stat(follow_symlinks=False)))
        actual = real(path) if by_link else path
        is_folder = _is_folder(entry)
        if is_folder and lies_below(actual, root):
            if actual not in seen:
                seen.add(actual)
                yield from _walk(path, root, seen=seen, linked=by_link)
        elif is_folder or path.suffix.lower() in MANIFEST_SUFFIXES:
            yield path, actual


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a circle of links, which is reported when the file is read
        return False


def projects_below(folder: Path) -> list[Path]:
    """Every project file below a folder, in a fixed order. Links and hidden folders are not followed.

    Raises:
        KiamoIacError: a folder cannot be read.
    """

    def unreadable(error: OSError) -> None:
        msg = f"Cannot read the folder {folder}: {error.strerror}."
        raise KiamoIacError(msg, hint="check its permissions") from error

    found = []
    for at, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if PROJECT_FILE in files and Path(at) != folder:
            found.append(Path(at) / PROJECT_FILE)
    return found


def loose_manifests(folder: Path) -> list[Path]:
    """Every manifest below a folder that is not in a project.

    Raises:
        ManifestError: a link leads out of its repository; where there is none, out of the folder.
        KiamoIacError: a folder cannot be read.
    """
    at = real(folder)
    home = home_of(at, project=True) or at
    try:
        found = list(manifests_below(at, home))
    except OSError as error:
        msg = f"Cannot read the folder {folder}: {error.strerror}."
        raise KiamoIacError(msg, hint="check its permissions") from error
    for path, actual in found:
        if not lies_below(actual, home):
            raise _leads_out(folder / path.relative_to(at), home)
    return [path for path, _ in found]

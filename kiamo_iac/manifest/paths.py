"""Paths that a project file names: portable, and never out of the project."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

MANIFEST_SUFFIXES: Final = frozenset({".yaml", ".yml"})

_DRIVE: Final = re.compile(r"[A-Za-z]:")
_RESERVED: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices, with any suffix."""


class Refused(NamedTuple):
    """Why a path is not followed."""

    code: str
    summary: str
    hint: str


def inside(root: Path, text: str) -> Path | Refused:
    """The path that `text` means below `root`, links resolved. It need not exist."""
    if "\\" in text:
        return Refused("KIA0305", "the path holds a backslash", 'write "/" between folders: it works on Windows too')
    if text.startswith("/") or _DRIVE.match(text):
        return Refused("KIA0305", "the path is absolute", "write it relative to the folder of the project file")
    parts = text.split("/")
    if not text.isprintable() or any(_RESERVED.fullmatch(part) or part != part.rstrip(" ") for part in parts):
        return Refused("KIA0305", "the path cannot exist on every system", "rename the file or folder")
    path = (root / text).resolve()
    if _climbs(parts) or not path.is_relative_to(root.resolve()):
        return Refused("KIA0305", "the path leads out of the project", "move what it leads to into the project")
    return path


def _climbs(parts: list[str]) -> bool:
    """Whether `..` leaves the folder on the way, even if the path comes back."""
    depth = 0
    for part in parts:
        depth += -1 if part == ".." else int(part not in {"", "."})
        if depth < 0:
            return True
    return False


def is_manifest(path: Path) -> bool:
    """Whether there is such a file, and its name ends as a manifest's does."""
    return path.suffix.lower() in MANIFEST_SUFFIXES and path.is_file()


def manifests_below(folder: Path, root: Path) -> Iterator[tuple[Path, Path]]:
    """Every `*.yaml` and `*.yml` below `folder`, each folder's entries by name; hidden ones are skipped.

    Of a file, the file itself.

    `folder` and `root` are resolved. Each comes as the path, and as what it is with all links followed: the caller
    refuses what is not below `root`. A link to a folder out of there comes like a manifest, and is not looked into.

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
        is_link = linked or entry.is_symlink()
        real = path.resolve() if is_link else path
        if entry.is_dir() and real.is_relative_to(root):
            if real not in seen:
                seen.add(real)
                yield from _walk(path, root, seen=seen, linked=is_link)
        elif entry.is_dir() or path.suffix.lower() in MANIFEST_SUFFIXES:
            yield path, real

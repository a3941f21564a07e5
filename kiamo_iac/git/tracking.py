"""Whether a commit can bring a file: what git's index lists, in any spelling that a disk may take for the same."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from kiamo_iac.core.errors import GitError
from kiamo_iac.core.safe_files import read_limited
from kiamo_iac.git.command import Git
from kiamo_iac.git.index import paths_in
from kiamo_iac.git.repository import Repository, find_repository, has_git

_LARGEST_INDEX: Final = 256 * 1024 * 1024
"""Bytes of one, which are millions of paths; of what is larger, or no file at all, git is asked."""


def why_tracked(root: Path, parts: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """Why the file `parts` below `root` is not of this machine alone, as half a sentence: git tracks it, or a folder on
    the way is a repository of its own. None: neither, or `root` lies in no repository.

    Raises:
        GitError: git has to be asked, and cannot be.
        TransportError: it took too long.
    """
    inner = ["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]
    for folder in inner[:-1]:
        if has_git(root / folder):
            return f"{folder} is a git repository of its own"
    repository = find_repository(root)
    if repository is None:
        return None
    paths = _listed_in_file(repository)
    if paths is None:
        paths = _listed_by_git(root, environ)
    base = root.resolve().relative_to(repository.work_tree).as_posix()
    wanted = {_folded(name if base == "." else f"{base}/{name}") for name in inner}
    file = root.joinpath(*parts)
    for name in map(os.fsdecode, paths):
        if _folded(name) in wanted or (_may_be_another(name) and _is_same(repository.work_tree / name, file)):
            return f"git tracks {name}"
    return None


def _listed_in_file(repository: Repository) -> Iterable[bytes] | None:
    """What the index lists; None: git has to be asked."""
    try:
        index = read_limited(repository.git_dir / "index", limit=_LARGEST_INDEX)
    except FileNotFoundError:
        return ()
    except OSError:
        return None
    return None if index is None else paths_in(index)


def _listed_by_git(root: Path, environ: Mapping[str, str]) -> Iterable[bytes]:
    git = Git.of(root, environ)
    ran = git.run("ls-files", "-z") if git is not None else None
    if ran is None or ran.code:
        msg = f"git ls-files failed: {ran.said if ran is not None else 'no repository'}."
        raise GitError(msg, hint="run git status, and mend what it says")
    return ran.output.split(b"\0")


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _may_be_another(name: str) -> bool:
    """Whether some disk takes `name` for a name that looks otherwise: some pass over invisible characters (HFS+), and
    Windows has short names (`KIAMO~1`)."""
    return not name.isascii() or "~" in name


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False

"""The git repository of a folder, found by its `.git` alone.

Git's own search also takes a folder that holds `HEAD`, `objects` and `refs` for a (bare) repository, and a commit can
bring such a folder with a `config` that runs programs. A commit cannot bring a `.git`: git refuses to check one out, in
any spelling. What can bring one is an archive or a cache; so a `.git` that leads elsewhere (a file, a link) must not
lead to files of a work tree.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiamo_iac.core.errors import GitError

_LONGEST_FILE: Final = 4096
"""Bytes of a `.git` file that are read; it holds one path."""
_POINTER: Final = b"gitdir:"


@dataclass(frozen=True, slots=True)
class Repository:
    """A work tree and its git folder."""

    work_tree: Path
    """Its root, links resolved."""
    git_dir: Path
    """`.git`, or the folder that the `.git` file of a linked work tree or a submodule names; links resolved."""

    @property
    def is_submodule(self) -> bool:
        """Whether it is a submodule, cloned from the address in the `.gitmodules` of another repository."""
        above = self.git_dir.parents
        return any(folder.name == "modules" and (folder.parent / "HEAD").is_file() for folder in above)

    @property
    def checkout(self) -> Path:
        """The root of the files that one commit can bring; of a submodule, that of the repository that contains it.

        Raises:
            GitError: as `find_repository`, for the containing repository.
        """
        around = find_repository(self.work_tree.parent) if self.is_submodule else None
        return self.work_tree if around is None else around.checkout


def has_git(folder: Path) -> bool:
    """Whether `folder` is the root of a work tree: it has a `.git` file, folder or link."""
    return os.path.lexists(folder / ".git")


def work_tree_of(folder: Path) -> Path | None:
    """`folder`, or the nearest folder above it that is the root of a work tree. Links in its path are not resolved."""
    return next((above for above in (folder, *folder.parents) if has_git(above)), None)


def find_repository(folder: Path) -> Repository | None:
    """The repository of `folder`; None where no folder from there upward has a `.git`.

    Raises:
        GitError: the nearest `.git` leads nowhere, or to files of a work tree.
    """
    root = work_tree_of(folder.resolve())
    return None if root is None else Repository(root, _git_dir(root))


def _git_dir(root: Path) -> Path:
    entry = root / ".git"
    found = _pointed(entry)
    if found is None or not found.is_dir():
        msg = f"{entry.as_posix()} leads to no git repository."
        raise GitError(msg, hint="in a container, mount its target as well; otherwise clone again, or remove it")
    if found != entry and (found.is_relative_to(root) or _is_content(found)):
        msg = f"{entry.as_posix()} leads to {found.as_posix()}, a folder that a commit can bring."
        raise GitError(
            msg, hint="git does not run with the configuration in that folder; remove that .git, or clone again"
        )
    return found


def _pointed(entry: Path) -> Path | None:
    """The folder that a `.git` is or names."""
    if entry.is_dir():
        return entry.resolve()
    from kiamo_iac.core.safe_files import read_limited  # rarely needed: a .git is a folder

    try:
        text = read_limited(entry, limit=_LONGEST_FILE)
        if text is None or not text.startswith(_POINTER):
            return None
        return (entry.parent / os.fsdecode(text.removeprefix(_POINTER).strip())).resolve()
    except (ValueError, OSError, RuntimeError):  # RuntimeError: a link to itself, before Python 3.13
        return None


def _is_content(folder: Path) -> bool:
    """Whether `folder` is in a work tree, and not in a folder of git itself."""
    for above in folder.parents:
        entry = above / ".git"
        if has_git(above):
            kept = _pointed(entry)
            if kept is None or not folder.is_relative_to(kept):
                return True
            if kept == entry:  # a `.git` folder: no commit can bring one, not even one of the containing repository
                return False
    return False

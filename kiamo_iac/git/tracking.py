"""Whether a commit can bring a file: what git's index lists, in any spelling that a disk may take for the same."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from kiamo_iac.errors import GitError
from kiamo_iac.git.command import Git
from kiamo_iac.git.repository import Repository, find_repository, has_git

_PLAIN_VERSIONS: Final = (2, 3)
"""Of git's index: every path stands in it as a whole, and ends with a zero byte (gitformat-index)."""


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
    if repository is None or _surely_lacks(repository, inner):
        return None
    git = Git.of(root, environ)
    ran = git.run("ls-files", "-z") if git is not None else None
    if ran is None or ran.code:
        msg = f"git ls-files failed: {ran.said if ran is not None else 'no repository'}."
        raise GitError(msg, hint="run git status, and mend what it says")
    base = root.resolve().relative_to(repository.work_tree).as_posix()
    wanted = {_folded(name if base == "." else f"{base}/{name}") for name in inner}
    for entry in ran.output.split(b"\0"):
        name = os.fsdecode(entry)
        if _folded(name) in wanted:
            return f"git tracks {name}"
    return None


def _surely_lacks(repository: Repository, names: Sequence[str]) -> bool:
    """Whether the index, read as bytes, holds none of `names` at the end of a path. That needs no git, which an image
    of a pipeline often lacks. Where paths stand in it in another form, nothing is sure."""
    try:
        index = (repository.git_dir / "index").read_bytes().lower()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    plain = index[:4] == b"dirc" and int.from_bytes(index[4:8], "big") in _PLAIN_VERSIONS
    if not plain or b"link" in index or b"sdir" in index:  # split or sparse: paths stand elsewhere, or not at all
        return False
    return all(name.isascii() and f"{name.lower()}\0".encode() not in index for name in names)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

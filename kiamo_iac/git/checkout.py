"""What git knows of the files of a run: the commit, its author, the branch, and whether the files are as committed.

No filter of git is run, as `git status` would run them: a commit can bring the attributes that choose one. Files are
compared with the commit by their digests, as they are and with the line ends that git may have written them with.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from os import fsdecode
from pathlib import Path
from typing import Final

from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.safe_files import read_limited
from kiamo_iac.git.command import Git, is_commit

_SECONDS: Final = 10.0
_SHA1: Final = 40
"""Characters of the name of an object."""
_LARGEST_FILE: Final = 64 * 1024 * 1024
_HEAD_PREFIX: Final = b"ref: refs/heads/"
_LONGEST_HEAD: Final = 4096


@dataclass(frozen=True, slots=True)
class Checkout:
    """The commit of some files; None where git does not know."""

    commit: str | None = None
    author: str | None = None
    """The name of the author of the commit; data."""
    branch: str | None = None
    """The branch that is checked out; data."""
    dirty: bool | None = None
    """Whether one of the files is not in the commit, or not as it is."""

    @property
    def committed(self) -> str | None:
        """The commit, if it has the files as they are."""
        return None if self.dirty else self.commit


def checkout_of(folder: Path, files: Iterable[Path], environ: Mapping[str, str]) -> Checkout:
    """The checkout of `folder`, for `files` at or below it; all None where there is no git, repository or commit."""
    try:
        git = Git.of(folder, environ, seconds=_SECONDS)
        return _checkout(git, folder, files) if git is not None else Checkout()
    except (KiamoIacError, OSError, ValueError):
        return Checkout()


def _checkout(git: Git, folder: Path, files: Iterable[Path]) -> Checkout:
    shown = git.run("log", "-1", "-s", "--no-show-signature", "--encoding=UTF-8", "--format=%H%x00%an", "HEAD")
    commit, _, author = shown.output.decode("utf-8", "replace").rstrip("\n").partition("\0")
    if shown.code or not is_commit(commit):
        return Checkout(branch=_branch(git))
    root = git.repository.work_tree
    below = folder.resolve().relative_to(root).as_posix()
    tree = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *([] if below == "." else [f"{below}/"]))
    committed = _blobs(tree.output)
    dirty = tree.code != 0 or any(not _is_committed(file, root, committed) for file in dict.fromkeys(files))
    return Checkout(commit, author or None, _branch(git), dirty)


def _branch(git: Git) -> str | None:
    head = read_limited(git.repository.git_dir / "HEAD", limit=_LONGEST_HEAD)
    if head is None or not head.startswith(_HEAD_PREFIX):
        return None  # a commit is checked out, as in most pipelines
    name = fsdecode(head.removeprefix(_HEAD_PREFIX).strip())
    return None if name == ".invalid" else name  # what reftable leaves there


def _blobs(listing: bytes) -> dict[str, str]:
    """Path → the name of its blob."""
    entries = (entry.partition(b"\t") for entry in listing.split(b"\0") if entry)
    return {_normal(fsdecode(path)): meta.split()[2].decode("ascii") for meta, _, path in entries}


def _normal(path: str) -> str:
    return unicodedata.normalize("NFC", path)


def _is_committed(file: Path, root: Path, committed: Mapping[str, str]) -> bool:
    resolved = file.resolve()
    if not resolved.is_relative_to(root):
        return False
    blob = committed.get(_normal(resolved.relative_to(root).as_posix()))
    if blob is None:
        return False
    content = read_limited(resolved, limit=_LARGEST_FILE)
    return content is not None and blob in {_blob(c, blob) for c in (content, content.replace(b"\r\n", b"\n"))}


def _blob(content: bytes, like: str) -> str:
    """The name that git gives to a blob with that content, by the hash that `like` is made with."""
    algorithm = "sha1" if len(like) == _SHA1 else "sha256"
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

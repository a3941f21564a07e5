"""Files that a commit can bring: those in git's index, in any spelling that a file system may treat as the same.

The index is read without git, which the image of a pipeline often lacks (gitformat-index). A file of git's own
configuration may be among them: HOME is the checkout, or an `include` leads there.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from kiamo_iac.core.errors import GitError
from kiamo_iac.core.safe_files import read_limited
from kiamo_iac.git.command import Git
from kiamo_iac.git.repository import Repository, find_repository, has_git

_LARGEST_INDEX: Final = 256 * 1024 * 1024
"""Bytes of an index, which are millions of paths; a larger one, or none at all, is listed by git."""
_PLAIN_VERSIONS: Final = (2, 3)
"""In these versions of the index, every path is complete."""
_HASHES: Final = (20, 32)
"""Bytes of an object's name: SHA-1, SHA-256."""
_STAT: Final = 40
"""Bytes of an entry before the name of its object."""
_LENGTH: Final = 0x0FFF
"""The bits of an entry's flags for the length of its path; all set: that long or longer."""
_EXTENDED: Final = 0x4000
"""The bit of an entry's flags for two more bytes of flags."""
_HARMLESS: Final = re.compile(
    r"(?:advice|alias|am|apply|blame|branch|color|column|commit|diff|difftool|filter|format|gui|i18n|init|interactive"
    r"|log|merge|mergetool|notes|pretty|pull|rebase|rerere|status|tag|user)\..*"
    r"|core\.(?:abbrev|attributesfile|autocrlf|commentchar|editor|eol|excludesfile|filemode|fsmonitor|hookspath"
    r"|ignorecase|longpaths|pager|precomposeunicode|quotepath|safecrlf|symlinks|untrackedcache|whitespace)"
    r"|fetch\.(?:prune|prunetags)|push\.(?:autosetupremote|default|followtags)|submodule\.recurse",
    re.DOTALL,
)
"""Keys that have no effect on the commands of this tool, or that `command.CONFIG` overrides: a team may share them."""


def why_tracked(root: Path, parts: Sequence[str], environ: Mapping[str, str]) -> str | None:
    """The reason why a commit can bring the file `parts` below `root`, as a clause: git tracks it, or a folder in its
    path is a repository of its own. None: neither, or `root` is in no repository.

    Raises:
        GitError: git is needed, and fails.
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
    """The paths in the index; None: git is needed to read it."""
    try:
        index = read_limited(repository.git_dir / "index", limit=_LARGEST_INDEX)
    except FileNotFoundError:
        return ()
    except OSError:
        return None
    return None if index is None else paths_in(index)


def _listed_by_git(root: Path, environ: Mapping[str, str]) -> Iterable[bytes]:
    git = Git.of(root, environ)
    result = git.run("ls-files", "-z") if git is not None else None
    if result is None or result.code:
        msg = f"git ls-files failed: {result.message if result is not None else 'no repository'}."
        raise GitError(msg, hint="run git status, and correct what it reports")
    return result.output.split(b"\0")


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def _may_be_another(name: str) -> bool:
    """Whether a file system may treat `name` as another spelling of a name: HFS+ ignores invisible characters, and
    Windows has short names (`KIAMO~1`)."""
    return not name.isascii() or "~" in name


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def paths_in(index: bytes) -> list[bytes] | None:
    """The paths; None where they have another form (version 4, split, sparse), or it is not an index."""
    if index[:4] != b"DIRC" or int.from_bytes(index[4:8], "big") not in _PLAIN_VERSIONS:
        return None
    found = (_paths(index, hash_size=size) for size in _HASHES)
    return next((paths for paths in found if paths is not None), None)


def _paths(index: bytes, *, hash_size: int) -> list[bytes] | None:
    paths, at, end = [], 12, len(index) - hash_size
    for _ in range(int.from_bytes(index[8:12], "big")):
        after_name = at + _STAT + hash_size
        flags = int.from_bytes(index[after_name : after_name + 2], "big")
        begin = after_name + (4 if flags & _EXTENDED else 2)
        stop = index.find(b"\0", begin, end)
        if stop <= begin or flags & _LENGTH != min(stop - begin, _LENGTH):
            return None
        paths.append(index[begin:stop])
        at += (stop - at + 8) // 8 * 8  # padded with at least one zero byte
    while at < end:
        if not index[
            at : at + 1
        ].isupper():  # an extension that must be understood, such as link (split) and sdir (sparse)
            return None
        at += 8 + int.from_bytes(index[at + 4 : at + 8], "big")
    return paths if at == end else None


def check_configuration(git: Git, environ: Mapping[str, str]) -> None:
    """Refuse a configuration file that git tracks, if it sets a key that may run a program or redirect git.

    Raises:
        GitError: there is one, or git failed.
        TransportError: it took too long.
    """
    checkout, git_dir = git.repository.checkout, git.repository.git_dir
    for file, key in _set_in_files(git):
        for path in {file.parent.resolve() / file.name, file.resolve()}:
            if not path.is_relative_to(checkout) or path.is_relative_to(git_dir):
                continue
            why = why_tracked(path.parent, (path.name,), environ)
            if why is not None:
                msg = f"Git would read {key} from {path.as_posix()}, a file that a commit can bring: {why}."
                hint = (
                    "set HOME, or the include that leads there (git config --list --show-origin), to a folder elsewhere"
                )
                raise GitError(msg, hint=f"{hint}; or remove the file from git")


def _set_in_files(git: Git) -> Iterator[tuple[Path, str]]:
    """Each file, with the first key in it that is not harmless."""
    result = git.run("config", "--list", "--show-origin", "--name-only", "-z")
    if result.code:
        msg = f"git config --list failed: {result.message}."
        raise GitError(msg, hint="run it, and correct what it reports")
    seen = set()
    parts = iter(os.fsdecode(result.output).split("\0"))
    for origin, key in zip(parts, parts, strict=False):
        kind, _, name = origin.partition(":")
        if kind == "file" and name not in seen and not _HARMLESS.fullmatch(key):
            seen.add(name)
            yield git.repository.work_tree / name, key

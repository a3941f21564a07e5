"""The git repository of a new project, read from its files without running git."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from kiamo_iac.core.safe_files import read_limited
from kiamo_iac.git.repository import has_git

_LARGEST: Final = 1024 * 1024
"""Bytes of a configuration file."""
_SECTION: Final = re.compile(r'\[\s*remote\s+"origin"\s*\]', re.IGNORECASE)
_URL: Final = re.compile(r"\s*url\s*=\s*(\S+)\s*")
_SCP: Final = re.compile(r"(?:[\w.\-]+@)?([A-Za-z0-9.\-]+):(?!/)(\S+)")
"""`git@host:group/name.git`."""
_PATH: Final = re.compile(r"[A-Za-z0-9._\-]+(?:/[A-Za-z0-9._\-]+)+")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?")
_BRANCH: Final = re.compile(r"ref: refs/remotes/origin/([A-Za-z0-9][A-Za-z0-9._/\-]*)\s*")


@dataclass(frozen=True, slots=True)
class GitHost:
    """The host and path of `origin`, without user and password."""

    host: str
    """With the port of an https address, unless it is 443: credentials go to that server alone."""
    path: str
    """`group/name`."""


@dataclass(frozen=True, slots=True)
class ProjectRepository:
    """A work tree."""

    root: Path
    remote: GitHost | None = None
    branch: str = "main"
    """The default branch."""


def find_repository(folder: Path) -> ProjectRepository:
    """The repository that contains `folder`; if there is none, a new one with `folder` as its root."""
    for root in (folder, *folder.parents):
        git = root / ".git"
        if git.is_dir():
            return ProjectRepository(root, _remote(read_text(git / "config")), _branch(git))
        if has_git(root):  # a work tree or a submodule: its configuration is elsewhere
            return ProjectRepository(root)
    return ProjectRepository(folder)


def parse_remote(url: str) -> GitHost | None:
    """Host and path of a git address; None if it is invalid."""
    if (found := _SCP.fullmatch(url)) and "://" not in url:
        host, path, port = found[1], found[2], None
    else:
        try:
            parts = urlsplit(url)
            host, path = parts.hostname or "", parts.path
            port = parts.port if parts.scheme == "https" else None
        except ValueError:
            return None
    path = path.strip("/").removesuffix(".git")
    if not (_HOST.fullmatch(host) and _PATH.fullmatch(path)):
        return None
    return GitHost(host.lower() if port in {None, 443} else f"{host.lower()}:{port}", path)


def _remote(config: str) -> GitHost | None:
    inside = False
    for line in config.splitlines():
        if line.lstrip().startswith("["):
            inside = _SECTION.match(line.strip()) is not None
        elif inside and (found := _URL.fullmatch(line)):
            return parse_remote(found[1])
    return None


def _branch(git: Path) -> str:
    found = _BRANCH.fullmatch(read_text(git / "refs" / "remotes" / "origin" / "HEAD"))
    return found[1] if found else "main"


def read_text(file: Path) -> str:
    """The text of a file; empty if it cannot be read, is not a file, or is too large."""
    try:
        data = read_limited(file, limit=_LARGEST)
    except OSError:
        return ""
    return data.decode("utf-8", "replace") if data is not None else ""

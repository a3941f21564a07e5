"""The environment of git: its variables, its program, and the PATH for its helpers.

The environment belongs to the user or to the pipeline's job, and so do the credentials in it: those are kept. Variables
that would lead git to another repository, to other programs or to files that it writes are removed; so is every `GIT_…`
variable that is not listed here, such as those of future versions of git.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_KEPT: Final = frozenset(
    {
        # programs for passwords and ssh: deploy keys and askpass programs of a job
        "GIT_ASKPASS",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSH_VARIANT",
        # configuration of a job: extraheader, credential helpers, safe.directory
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_CONFIG_SYSTEM",
        # how a server is trusted and reached; nothing here turns a check off
        "GIT_HTTP_LOW_SPEED_LIMIT",
        "GIT_HTTP_LOW_SPEED_TIME",
        "GIT_HTTP_PROXY_AUTHMETHOD",
        "GIT_HTTP_USER_AGENT",
        "GIT_PROXY_SSL_CAINFO",
        "GIT_PROXY_SSL_CERT",
        "GIT_PROXY_SSL_CERT_PASSWORD_PROTECTED",
        "GIT_PROXY_SSL_KEY",
        "GIT_SSL_CAINFO",
        "GIT_SSL_CAPATH",
        "GIT_SSL_CERT",
        "GIT_SSL_CERT_PASSWORD_PROTECTED",
        "GIT_SSL_CIPHER_LIST",
        "GIT_SSL_KEY",
        "GIT_SSL_VERSION",
        # limits that the user sets
        "GIT_ALLOW_PROTOCOL",
        "GIT_PROTOCOL_FROM_USER",
    }
)
_CONFIG_PAIR: Final = re.compile(r"GIT_CONFIG_(?:KEY|VALUE)_\d+")
_SECRET_OF_KIAMO: Final = re.compile(r"KIAMO_(?:.*_)?(?:TOKEN|PASSWORD)(?:_FILE)?")
_IDENTITY: Final = {"NAME": "kiamo-iac", "EMAIL": "kiamo-iac@localhost"}
_FIXED: Final[Mapping[str, str]] = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "LC_ALL": "C",
    "LANGUAGE": "",
    **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _IDENTITY.items()},
}


def git_environment(environ: Mapping[str, str], *, tree: Path) -> dict[str, str]:
    """The variables for git and its helpers: those of `environ` that cannot redirect it, no secret of this tool, and a
    PATH without folders of `tree` or of the working directory."""
    kept = {name: value for name, value in environ.items() if _is_kept(name.upper())}
    protocols = kept.get("GIT_ALLOW_PROTOCOL")
    if protocols is not None:
        kept["GIT_ALLOW_PROTOCOL"] = ":".join(name for name in protocols.split(":") if name != "ext")
    path = os.pathsep.join(str(folder) for folder in _search_path(environ, tree=tree))
    return {**{name: value for name, value in kept.items() if name.upper() != "PATH"}, "PATH": path, **_FIXED}


def find_git(environ: Mapping[str, str], *, tree: Path) -> Path | None:
    """The program git of the PATH, as an absolute path; None where there is none.

    A folder that PATH names relative to the working directory (an empty entry too), or that is in `tree`, is skipped:
    a commit can bring files in there. On Windows nothing else is searched.
    """
    name = "git.exe" if os.name == "nt" else "git"
    for folder in _search_path(environ, tree=tree):
        program = folder / name
        if program.is_file() and os.access(program, os.X_OK) and not _within(program, tree):
            return program
    return None


def _is_kept(name: str) -> bool:
    if name.startswith("GIT_"):
        return name in _KEPT or _CONFIG_PAIR.fullmatch(name) is not None
    return _SECRET_OF_KIAMO.fullmatch(name) is None


def _search_path(environ: Mapping[str, str], *, tree: Path) -> Iterator[Path]:
    path = next((value for name, value in environ.items() if name.upper() == "PATH"), os.defpath)
    for entry in path.split(os.pathsep):
        folder = Path(entry.strip('"') if os.name == "nt" else entry)
        if entry and folder.is_absolute() and not _within(folder, tree):
            yield folder


def _within(path: Path, tree: Path) -> bool:
    try:
        return path.resolve().is_relative_to(tree)
    except (OSError, RuntimeError):  # a circle of links
        return True

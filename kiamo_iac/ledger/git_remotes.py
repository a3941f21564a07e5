"""Which remote git is led to with the credentials of a run: one that is pinned, or that the checkout itself configures.

`kiamo.yaml` names the remote, and a merge request can change that file. So a name counts only where the configuration
of the repository has it, and an address only where that configuration has the same one, or a pin allows its origin.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from kiamo_iac.core.environ import variable_prefix
from kiamo_iac.core.errors import LedgerError, UsageError
from kiamo_iac.core.printable import quote, shell_word
from kiamo_iac.core.urls import Origin, origin_of_remote
from kiamo_iac.git.command import without_password
from kiamo_iac.ledger.git_command import LedgerGit

PINNED: Final = "kiamo-iac-pinned-address"
"""The remote that an address without a name becomes, for one command: so it leads to one place for reads and writes."""
_PUSH_URLS: Final = ("remote", "get-url", "--push", "--all")
_SCP: Final = re.compile(r"(?:[^@:/]+@)?(?:\[[^\]]*\]|[^:/\[\]]+):(.*)")


def allowed_remote(git: LedgerGit, remote: str, *, environment: str, pinned: Origin | None) -> tuple[LedgerGit, str]:
    """What git is run with, and the name that it is given for `remote`, a name or an address. `pinned`: the only origin
    that it may lead to, for reads and for writes.

    Raises:
        UsageError: the remote leads elsewhere than the pin allows, or is an address that only the project file has.
        LedgerError: no remote of that name is configured; or git failed.
        TransportError: git took too long.
    """
    pin = f"{variable_prefix(environment)}_LEDGER_ORIGIN"
    named = ":" not in remote
    if named and not _has(git, remote):
        msg = f'The ledger of "{environment}" is kept in the remote "{remote}", and there is none.'
        raise LedgerError(
            msg, hint=f"add it (git remote add {shell_word(remote, 'NAME')} …), or name another in the project file"
        )
    name = remote if named else _name_of(git, remote)
    if pinned is None:
        if name is None:
            where = without_password(remote)
            msg = f"The ledger of {quote(environment)} is kept at {where}, which only the project file names."
            hint = f"set {pin} to its origin, or add it as a remote (git remote add NAME {shell_word(where, 'URL')})"
            raise UsageError(msg, hint=f"{hint}: then credentials may go there")
        if git.git.repository.is_submodule:
            msg = f"The ledger of {quote(environment)} is kept in a remote of a submodule, which .gitmodules chooses."
            raise UsageError(msg, hint=f"set {pin} to the origin that it is kept at")
        return git, name
    if name is None:
        config = {f"remote.{PINNED}.url": remote, f"remote.{PINNED}.pushurl": remote}
        git = replace(git, git=replace(git.git, config=config))
        urls = _lines(git, "ls-remote", "--get-url", "--", PINNED)
    else:
        urls = [*_lines(git, "remote", "get-url", "--all", "--", name), *_lines(git, *_PUSH_URLS, "--", name)]
    for url in urls or [""]:
        _compare(url, pinned, pin=pin, environment=environment)
    return git, name or PINNED


def _has(git: LedgerGit, name: str) -> bool:
    """Whether the configuration of the repository itself has that remote; the user's own is not asked, for it counts in
    repositories of all kinds."""
    return git.run("remote", "get-url", "--", name).code == 0


def _name_of(git: LedgerGit, address: str) -> str | None:
    """The remote that has the same host and path, whatever user and password stand in its URL; or None."""
    place = _place(address)
    for name in _lines(git, "remote") if place is not None else []:
        if _has(git, name) and place in map(_place, _urls(git, name)):
            return name
    return None


def _urls(git: LedgerGit, name: str) -> Iterator[str]:
    """Its URLs for reading as they are written, and as git rewrites them (`insteadOf`)."""
    yield from _lines(git, "config", "--get-all", f"remote.{name}.url")
    yield from _lines(git, "remote", "get-url", "--all", "--", name)


def _place(url: str) -> tuple[Origin, str] | None:
    """Origin and path of the URL of another machine."""
    try:
        origin = origin_of_remote(url)
    except ValueError:
        return None
    if "://" in url:
        path = url.partition("://")[2].partition("/")[2]
    else:
        found = _SCP.fullmatch(url)
        path = found[1] if found is not None else ""
    return origin, path.strip("/").removesuffix(".git")


def _compare(url: str, pinned: Origin, *, pin: str, environment: str) -> None:
    try:
        found = str(origin_of_remote(url))
        allowed = origin_of_remote(url) == pinned
    except ValueError:
        found, allowed = "no address that can be pinned", False
    if not allowed:
        msg = f"The remote of the ledger of {quote(environment)} leads to {found}, but {pin} allows only {pinned}."
        hint = "nothing is sent there; git remote -v shows where it leads. If that is meant, change the variable too"
        raise UsageError(msg, hint=hint)


def _lines(git: LedgerGit, *arguments: str) -> list[str]:
    ran = git.run(*arguments)
    return [os.fsdecode(line) for line in ran.output.splitlines() if line] if ran.code == 0 else []

"""Git for the ledger: its errors name the ledger, and its remote is pinned, or configured by the checkout itself.

`kiamo.yaml` names the remote, and a merge request can change that file. So a name is accepted only if the configuration
of the repository has it, and an address only if that configuration has the same one, or a pin allows its origin.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from kiamo_iac.core.environ import variable_prefix
from kiamo_iac.core.errors import GitError, LedgerError, TransportError, UsageError
from kiamo_iac.core.printable import quote, shell_word
from kiamo_iac.core.urls import Origin, origin_of_remote
from kiamo_iac.git.command import SECONDS, Git, GitResult, without_password
from kiamo_iac.git.tracking import check_configuration

PINNED: Final = "kiamo-iac-pinned-address"
"""The name given to an address that has none, for one command, so that reads and writes go to the same address."""
_PUSH_URLS: Final = ("remote", "get-url", "--push", "--all")
_SCP: Final = re.compile(r"(?:[^@:/]+@)?(?:\[[^\]]*\]|[^:/\[\]]+):(.*)")


@dataclass(frozen=True, slots=True)
class LedgerGit:
    """Git in the repository of the project."""

    git: Git

    @classmethod
    def of(cls, root: Path, environ: Mapping[str, str], *, remote: str, seconds: float = SECONDS) -> Self:
        """
        Raises:
            LedgerError: there is no git, `root` is in no repository that it runs in, or a commit can bring a file
                of its configuration.
            TransportError: git took too long.
        """
        try:
            git = Git.of(root, environ, seconds=seconds)
            if git is not None:
                check_configuration(git, environ)
        except (GitError, TransportError) as error:
            raise _of_the_ledger(error) from error
        if git is None:
            msg = f'The ledger is stored in the remote "{remote}", but the project is in no git repository.'
            raise LedgerError(msg, hint=f"run git init and git remote add {remote} …, or choose another backend")
        return cls(git)

    def check_output(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What the command wrote to its standard output.

        Raises:
            LedgerError: it failed.
            TransportError: it failed, and may work later.
        """
        result = self.run(*arguments, stdin=stdin)
        if result.code:
            raise self.error_of(arguments[0], result)
        return result.output

    def run(self, *arguments: str, stdin: bytes = b"") -> GitResult:
        """Run a command to its end, whatever its exit code.

        Raises:
            LedgerError: git cannot be started.
            TransportError: it took too long.
        """
        try:
            return self.git.run(*arguments, stdin=stdin)
        except (GitError, TransportError) as error:
            raise _of_the_ledger(error) from error

    def error_of(self, command: str, result: GitResult) -> LedgerError | TransportError:
        """The error for a command that failed."""
        reason = result.message.rstrip(".") or f"code {result.code}"
        message = f"The ledger is stored in git, but git {command} failed: {reason}."
        if result.transient:
            return TransportError(message, sent=True, hint="try again later")
        hint = "the project must be in a git repository whose remote this run may read and push to"
        if "redirect" in result.message or "error: 30" in result.message:
            hint = "redirects are not followed: set the URL of the remote to its final address"
        return LedgerError(message, hint=hint)


def _of_the_ledger(error: GitError | TransportError) -> LedgerError | TransportError:
    message = f"The ledger is stored in git, which cannot be used. {error}"
    if isinstance(error, TransportError):
        return TransportError(f"The ledger is stored in git, but {error}", sent=True, hint=error.hint)
    return LedgerError(message, hint=error.hint)


def allowed_remote(git: LedgerGit, remote: str, *, environment: str, pinned: Origin | None) -> tuple[LedgerGit, str]:
    """Git, and the name of the remote that it uses for `remote`, a name or an address. `pinned`: the only origin
    that it may lead to, for reads and for writes.

    Raises:
        UsageError: the remote leads elsewhere than the pin allows, or is an address that only the project file has.
        LedgerError: no remote of that name is configured; or git failed.
        TransportError: git took too long.
    """
    pin = f"{variable_prefix(environment)}_LEDGER_ORIGIN"
    named = ":" not in remote
    if named and not _has(git, remote):
        msg = f'The ledger of "{environment}" is stored in the remote "{remote}", which does not exist.'
        raise LedgerError(
            msg, hint=f"add it (git remote add {shell_word(remote, 'NAME')} …), or set another in the project file"
        )
    name = remote if named else _name_of(git, remote)
    if pinned is None:
        if name is None:
            where = without_password(remote)
            msg = f"The ledger of {quote(environment)} is stored at {where}, which only the project file names."
            hint = f"set {pin} to its origin, or add it as a remote (git remote add NAME {shell_word(where, 'URL')})"
            raise UsageError(msg, hint=f"{hint}: then credentials may be sent there")
        if git.git.repository.is_submodule:
            msg = f"The ledger of {quote(environment)} is stored in a remote of a submodule, which .gitmodules chooses."
            raise UsageError(msg, hint=f"set {pin} to the origin of the ledger")
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
    """Whether the configuration of the repository itself has that remote; the user's own configuration does not count:
    it applies to every repository."""
    return git.run("remote", "get-url", "--", name).code == 0


def _name_of(git: LedgerGit, address: str) -> str | None:
    """The remote that has the same host and path, whatever the user and password in its URL; or None."""
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
        hint = "nothing is sent there; git remote -v shows where it leads. If that is intended, change the variable"
        raise UsageError(msg, hint=hint)


def _lines(git: LedgerGit, *arguments: str) -> list[str]:
    result = git.run(*arguments)
    return [os.fsdecode(line) for line in result.output.splitlines() if line] if result.code == 0 else []

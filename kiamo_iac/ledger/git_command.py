"""Git as the ledger on a ref uses it: what fails says that it is the ledger that is kept there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from kiamo_iac.core.errors import GitError, LedgerError, TransportError
from kiamo_iac.git.command import SECONDS, Git, GitResult
from kiamo_iac.git.configuration import check_configuration


@dataclass(frozen=True, slots=True)
class LedgerGit:
    """Git in the repository that the project lies in."""

    git: Git

    @classmethod
    def of(cls, root: Path, environ: Mapping[str, str], *, remote: str, seconds: float = SECONDS) -> Self:
        """
        Raises:
            LedgerError: there is no git, `root` lies in no repository that it runs in, or a commit can bring a file
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
            where = f'in the remote "{remote}", and there is none'
            msg = f"The ledger is kept {where}: the project lies in no git repository."
            raise LedgerError(msg, hint=f"run git init and git remote add {remote} …, or name another backend")
        return cls(git)

    def must(self, *arguments: str, given: bytes = b"") -> bytes:
        """What the command wrote to its standard output.

        Raises:
            LedgerError: it failed.
            TransportError: of a trouble that passes.
        """
        ran = self.run(*arguments, given=given)
        if ran.code:
            raise self.failed(arguments[0], ran)
        return ran.output

    def run(self, *arguments: str, given: bytes = b"") -> GitResult:
        """Run it to its end, whatever that is.

        Raises:
            LedgerError: git cannot be started.
            TransportError: it took too long.
        """
        try:
            return self.git.run(*arguments, given=given)
        except (GitError, TransportError) as error:
            raise _of_the_ledger(error) from error

    def failed(self, command: str, ran: GitResult) -> LedgerError | TransportError:
        """The error for a command that failed."""
        message = f"The ledger is kept in git, and git {command} failed: {ran.said.rstrip('.') or f'code {ran.code}'}."
        if ran.passing:
            return TransportError(message, sent=True, hint="try again later")
        hint = "the project has to lie in a git repository whose remote this run may read and push to"
        if "redirect" in ran.said or "error: 30" in ran.said:
            hint = "redirects are not followed: set the remote's URL to the address that it leads to"
        return LedgerError(message, hint=hint)


def _of_the_ledger(error: GitError | TransportError) -> LedgerError | TransportError:
    message = f"The ledger is kept in git, and it cannot be used. {error}"
    if isinstance(error, TransportError):
        return TransportError(f"The ledger is kept in git, and {error}", sent=True, hint=error.hint)
    return LedgerError(message, hint=error.hint)

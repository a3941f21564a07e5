"""Running git: no prompt, no other language, an end to every wait, and no password in what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kiamo_iac.errors import LedgerError, TransportError
from kiamo_iac.secret import HIDDEN, conceal, redact

SECONDS: Final = 60.0
"""The longest that one command may take."""
_OF_A_REPOSITORY: Final = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
"""What a hook's environment says of another repository than ours (git rev-parse --local-env-vars)."""
_IDENTITY: Final = {"NAME": "kiamo-iac", "EMAIL": "kiamo-iac@localhost"}
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")
_PASSING: Final = re.compile(
    r"could not resolve|timed out|connection (?:reset|refused|closed)|hung up|early EOF|RPC failed|\b(?:429|50[234])\b",
    re.IGNORECASE,
)


def without_password(text: str) -> str:
    """`text` with user and password of every URL hidden, and what looks like a token."""
    return redact(conceal(_PASSWORD.sub(f"{HIDDEN}@", text)))


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    code: int
    output: bytes
    said: str
    """The last lines of what it said, without passwords."""

    @property
    def passing(self) -> bool:
        """Whether the same command may go through later."""
        return _PASSING.search(self.said) is not None


@dataclass(frozen=True, slots=True)
class Git:
    """Git in the repository that `root` lies in."""

    root: Path
    environ: Mapping[str, str]
    seconds: float = SECONDS

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

    def run(self, *arguments: str, given: bytes = b"") -> Ran:
        """Run it to its end, whatever that is.

        Raises:
            LedgerError: there is no git.
            TransportError: it took too long.
        """
        command = ["git", "-C", str(self.root), "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", *arguments]
        try:
            process = subprocess.Popen(  # noqa: S603 - arguments are ours, or checked by git.py
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment(),
                start_new_session=True,  # no terminal for ssh to ask on, and Ctrl-C does not cut a push short
            )
        except OSError as error:
            msg = f"git cannot be run: {error.strerror or error}."
            raise LedgerError(msg, hint="install git, or keep the ledger with another backend") from error
        try:
            output, said = process.communicate(given, timeout=self.seconds)
        except subprocess.TimeoutExpired as error:
            msg = f"The ledger is kept in git, and git {arguments[0]} was still not done after {self.seconds:g} s."
            raise TransportError(msg, sent=True, hint="check the network, and that git needs no password") from error
        finally:
            _end(process)
        lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        return Ran(process.returncode, output, without_password(" ".join(lines[-4:]))[:400])

    def failed(self, command: str, ran: Ran) -> LedgerError | TransportError:
        """The error for a command that failed."""
        message = f"The ledger is kept in git, and git {command} failed: {ran.said.rstrip('.') or f'code {ran.code}'}."
        if ran.passing:
            return TransportError(message, sent=True, hint="try again later")
        hint = "the project has to lie in a git repository whose remote this run may read and push to"
        return LedgerError(message, hint=hint)

    def _environment(self) -> dict[str, str]:
        known = {key: value for key, value in self.environ.items() if key not in _OF_A_REPOSITORY}
        ours = {"GIT_TERMINAL_PROMPT": "0", "GCM_INTERACTIVE": "never", "LC_ALL": "C", "LANGUAGE": ""}
        people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _IDENTITY.items()}
        return known | ours | people


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, if it has not ended, and what it started: those would keep the pipes open."""
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait()

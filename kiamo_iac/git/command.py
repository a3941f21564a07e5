"""Starting git, in the one place that does: in the repository that we found, deaf to all that a commit can bring.

The configuration of that repository, and the user's own, stand: credentials, `http.extraheader`, `core.sshCommand` and
`insteadOf` live there, and no commit can change them. What is set here is what the calls of this tool never need.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self

from kiamo_iac.core.errors import GitError, KiamoIacError, TransportError
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.secret import HIDDEN, conceal, redact
from kiamo_iac.git.repository import Repository, find_repository
from kiamo_iac.git.surroundings import environment_of, program_in

SECONDS: Final = 60.0
"""The longest that one command may take."""
LONGEST: Final = 256 * 1024 * 1024
"""Bytes of an answer, as of a ledger in a file: a blob of gigabytes is pushed in a few megabytes."""
_CHUNK: Final = 1 << 16
_GRACE: Final = 0.5
"""Seconds for the rest of what it said to arrive once git has ended."""
CONFIG: Final[Mapping[str, str]] = {
    "safe.bareRepository": "explicit",  # git 2.38; for older ones, --git-dir says the same
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "",  # off, also before git 2.36, where it is the name of a program
    "core.pager": "cat",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "push.gpgSign": "false",
    "protocol.ext.allow": "never",
    "http.followRedirects": "false",  # git would send an extraheader on to wherever a server points
}
"""What stands over every configuration that git reads."""
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")
_PASSING: Final = re.compile(
    r"could not resolve|couldn't connect|failed to connect|timed out|connection (?:reset|refused|closed)"
    r"|hung up|early EOF|RPC failed|\b(?:429|50[234])\b",
    re.IGNORECASE,
)
_NOT_ASKED: Final = re.compile(r"warning: option \"?\w+\"? is ignored")
"""Over http there is no program to be named on the other side."""
_OWNED_BY_OTHERS: Final = re.compile(r"dubious ownership|unsafe repository|is owned by someone else")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def without_password(text: str) -> str:
    """`text` with user and password of every URL hidden, and what looks like a token."""
    return redact(conceal(_PASSWORD.sub(f"{HIDDEN}@", text)))


def is_commit(text: str) -> bool:
    """Whether `text` is the whole name of an object (SHA-1 or SHA-256)."""
    return _COMMIT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class GitResult:
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
    """Git in one repository."""

    repository: Repository
    program: Path
    environ: Mapping[str, str]
    """What it is run with, see `surroundings`."""
    seconds: float = SECONDS
    config: Mapping[str, str] = field(default_factory=dict)
    """What the caller configures beside `CONFIG`, for its own commands."""

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str], *, seconds: float = SECONDS) -> Self | None:
        """Git in the repository that `folder` lies in; None where it lies in none.

        Raises:
            GitError: there is no git, or it will not run in that repository, which belongs to another user.
            TransportError: it took too long.
        """
        repository = find_repository(folder)
        if repository is None:
            return None
        tree = repository.checkout
        program = program_in(environ, tree=tree)
        if program is None:
            msg = "git cannot be run: it is not installed."
            hint = "install git; folders of PATH that are relative, or lie in the repository, are not searched"
            raise GitError(msg, hint=hint)
        git = cls(repository, program, environment_of(environ, tree=tree), seconds)
        git.check_owner()
        return git

    def run(self, *arguments: str, given: bytes = b"") -> GitResult:
        """Run it to its end, whatever that is. What comes from outside stands behind a `--` in `arguments`.

        Raises:
            GitError: it cannot be started.
            TransportError: it took too long.
        """
        tree, git_dir = self.repository.work_tree, self.repository.git_dir
        where = ("-C", str(tree), f"--git-dir={git_dir}", f"--work-tree={tree}")
        quiet = ("--no-pager", "--no-replace-objects", "--no-optional-locks")
        return self._start(
            [*where, *quiet, *_configured(self.config), *arguments], self.environ, what=arguments[0], given=given
        )

    def check_owner(self) -> None:
        """Git does not ask whose repository it is where `--git-dir` names one. So it is asked to find the one that was
        found here, which it refuses if that is another user's, unless the user trusts it (`safe.directory`).

        Raises:
            GitError: it is.
        """
        tree = self.repository.work_tree
        environ = {**self.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
        line = ["-C", str(tree), *_configured({}), "rev-parse", "--absolute-git-dir"]
        ran = self._start(line, environ, what="rev-parse")
        if ran.code and _OWNED_BY_OTHERS.search(ran.said):
            shown = shell_word(tree.as_posix(), "FOLDER")
            raise GitError(
                f"The repository {tree.as_posix()} belongs to another user, and git does not run in it.",
                hint=f"if you trust it: git config --global --add safe.directory {shown}",
            )
        found = os.fsdecode(ran.output.rstrip(b"\r\n"))
        if ran.code or not found or Path(found).resolve() != self.repository.git_dir:
            msg = f"Git does not take {tree.as_posix()} for a repository: {ran.said or found or 'no answer'}."
            raise GitError(msg, hint="clone it again")

    def _start(
        self, arguments: Sequence[str], environ: Mapping[str, str], *, what: str, given: bytes = b""
    ) -> GitResult:
        try:
            process = subprocess.Popen(  # noqa: S603 - an absolute path; arguments are ours or checked by the caller
                [str(self.program), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=environ,
                start_new_session=True,  # no terminal for ssh to ask on, and Ctrl-C does not cut a push short
            )
        except OSError as error:
            msg = f"git cannot be run: {error.strerror or error}."
            raise GitError(msg, hint="install git") from error
        output, said = _Reader(process, process.stdout, whole=True), _Reader(process, process.stderr, whole=False)
        threading.Thread(target=_give, args=(process.stdin, given), daemon=True).start()
        end = time.monotonic() + self.seconds
        try:
            output.join(self.seconds)
            process.wait(0 if output.is_alive() else max(0, end - time.monotonic()))
            ended = not output.is_alive()
        except subprocess.TimeoutExpired:
            ended = False
        finally:
            _end(process)
            said.join(_GRACE)
        if not ended:
            msg = f"git {what} was still not done after {self.seconds:g} s."
            raise TransportError(msg, sent=True, hint="check the network, and that git needs no password")
        if output.too_long:
            msg = f"git {what} answered more than {LONGEST >> 20} MiB."
            raise GitError(msg, hint="look at what the remote, or the repository, keeps there")
        lines = [line.strip() for line in said.data.decode("utf-8", "replace").splitlines() if line.strip()]
        lines = [line for line in lines if not _NOT_ASKED.match(line)]
        return GitResult(process.returncode, bytes(output.data), without_password(" ".join(lines[-4:]))[:400])


def head_commit(folder: Path, environ: Mapping[str, str]) -> str | None:
    """The commit that the work tree of `folder` is at; None where there is no git, no repository or no commit."""
    try:
        git = Git.of(folder, environ, seconds=10)
        ran = git.run("rev-parse", "--verify", "--quiet", "HEAD") if git is not None else None
    except KiamoIacError:
        return None
    commit = ran.output.decode("ascii", "replace").strip() if ran is not None and ran.code == 0 else ""
    return commit if is_commit(commit) else None


def _configured(more: Mapping[str, str]) -> list[str]:
    return [part for name, value in {**more, **CONFIG}.items() for part in ("-c", f"{name}={value}")]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it, if it has not ended, and what it started: those would keep the pipes open."""
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


class _Reader(threading.Thread):
    """Reads one stream of a process to its end. What git leaves running may hold stderr open for hours, as a connection
    does that ssh shares (ControlPersist): so nothing waits for that end."""

    def __init__(self, process: subprocess.Popen[bytes], stream: IO[bytes] | None, *, whole: bool) -> None:
        """`whole`: all of it is kept, and the process ended where that is too long; else the last of it."""
        super().__init__(daemon=True)
        self.data = bytearray()
        self.too_long = False
        self._process = process
        self._stream = stream
        self._whole = whole
        self.start()

    def run(self) -> None:
        if self._stream is None:
            return
        with self._stream:
            while chunk := os.read(self._stream.fileno(), _CHUNK):
                self.data += chunk
                if not self._whole:
                    del self.data[:-_CHUNK]
                elif len(self.data) > LONGEST:
                    self.too_long = True
                    self.data.clear()
                    self._process.kill()
                    return


def _give(stream: IO[bytes] | None, given: bytes) -> None:
    if stream is not None:
        left = memoryview(given)
        with suppress(OSError), stream:  # it has ended without reading all of it
            while left:
                left = left[os.write(stream.fileno(), left) :]

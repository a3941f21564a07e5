"""Runs git in the repository found by `repository`; nothing that a commit can bring changes what git does.

The configuration of that repository, and the user's own, are used: credentials, `http.extraheader`, `core.sshCommand`
and `insteadOf` are set there, and no commit can change them. `CONFIG` turns off what this tool never needs.
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

from kiamo_iac.core.errors import GitError, TransportError
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.secret import HIDDEN, conceal, redact
from kiamo_iac.git.environment import find_git, git_environment
from kiamo_iac.git.repository import Repository, find_repository

SECONDS: Final = 60.0
"""The longest that one command may take."""
LONGEST: Final = 256 * 1024 * 1024
"""Bytes of output, as of a ledger in a file: a pushed blob may be compressed a thousandfold."""
_CHUNK: Final = 1 << 16
_GRACE: Final = 0.5
"""Seconds that the rest of standard error may take once git has ended."""
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
    "http.followRedirects": "false",  # git would send http.extraheader to the target of a redirect
}
"""Overrides every configuration that git reads."""
_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]+@")
_TRANSIENT: Final = re.compile(
    r"could not resolve|couldn't connect|failed to connect|timed out|connection (?:reset|refused|closed)"
    r"|hung up|early EOF|RPC failed|\b(?:429|50[234])\b",
    re.IGNORECASE,
)
_IGNORED_WARNING: Final = re.compile(r"warning: option \"?\w+\"? is ignored")
"""Over http, `--upload-pack` and `--receive-pack` have no effect."""
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
    """The result of one command."""

    code: int
    output: bytes
    message: str
    """The last lines of its standard error, without passwords."""

    @property
    def transient(self) -> bool:
        """Whether the same command may succeed later."""
        return _TRANSIENT.search(self.message) is not None


@dataclass(frozen=True, slots=True)
class Git:
    """Git in one repository."""

    repository: Repository
    program: Path
    environ: Mapping[str, str]
    """Its environment variables, see `environment`."""
    seconds: float = SECONDS
    config: Mapping[str, str] = field(default_factory=dict)
    """Configuration of the caller, in addition to `CONFIG`."""

    @classmethod
    def of(cls, folder: Path, environ: Mapping[str, str], *, seconds: float = SECONDS) -> Self | None:
        """Git in the repository of `folder`; None where there is none.

        Raises:
            GitError: there is no git, or it will not run in that repository, which belongs to another user.
            TransportError: it took too long.
        """
        repository = find_repository(folder)
        if repository is None:
            return None
        tree = repository.checkout
        program = find_git(environ, tree=tree)
        if program is None:
            msg = "git cannot be run: it is not installed."
            hint = "install git; folders of PATH that are relative, or within the repository, are not searched"
            raise GitError(msg, hint=hint)
        git = cls(repository, program, git_environment(environ, tree=tree), seconds)
        git.check_owner()
        return git

    def run(self, *arguments: str, stdin: bytes = b"") -> GitResult:
        """Run a command to its end, whatever its exit code. In `arguments`, untrusted input follows a `--`.

        Raises:
            GitError: it cannot be started.
            TransportError: it took too long.
        """
        tree, git_dir = self.repository.work_tree, self.repository.git_dir
        where = ("-C", str(tree), f"--git-dir={git_dir}", f"--work-tree={tree}")
        quiet = ("--no-pager", "--no-replace-objects", "--no-optional-locks")
        return self._start(
            [*where, *quiet, *_configured(self.config), *arguments], self.environ, what=arguments[0], stdin=stdin
        )

    def check_owner(self) -> None:
        """Let git find the repository itself, which it refuses if another user owns it, unless the user trusts it
        (`safe.directory`). With `--git-dir`, git does not check the owner.

        Raises:
            GitError: it is.
        """
        tree = self.repository.work_tree
        environ = {**self.environ, "GIT_CEILING_DIRECTORIES": str(tree.parent)}
        line = ["-C", str(tree), *_configured({}), "rev-parse", "--absolute-git-dir"]
        result = self._start(line, environ, what="rev-parse")
        if result.code and _OWNED_BY_OTHERS.search(result.message):
            shown = shell_word(tree.as_posix(), "FOLDER")
            raise GitError(
                f"The repository {tree.as_posix()} belongs to another user: git does not run in it.",
                hint=f"if you trust it: git config --global --add safe.directory {shown}",
            )
        found = os.fsdecode(result.output.rstrip(b"\r\n"))
        if result.code or not found or Path(found).resolve() != self.repository.git_dir:
            msg = f"Git does not accept {tree.as_posix()} as a repository: {result.message or found or 'no output'}."
            raise GitError(msg, hint="clone it again")

    def _start(
        self, arguments: Sequence[str], environ: Mapping[str, str], *, what: str, stdin: bytes = b""
    ) -> GitResult:
        try:
            process = subprocess.Popen(  # noqa: S603 - an absolute path; arguments are constants, or checked by the caller
                [str(self.program), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=environ,
                start_new_session=True,  # ssh has no terminal to prompt on, and Ctrl-C does not interrupt a push
            )
        except OSError as error:
            msg = f"git cannot be run: {error.strerror or error}."
            raise GitError(msg, hint="install git") from error
        output, errors = (
            _StreamReader(process, process.stdout, whole=True),
            _StreamReader(process, process.stderr, whole=False),
        )
        threading.Thread(target=_write, args=(process.stdin, stdin), daemon=True).start()
        end = time.monotonic() + self.seconds
        try:
            output.join(self.seconds)
            process.wait(0 if output.is_alive() else max(0, end - time.monotonic()))
            ended = not output.is_alive()
        except subprocess.TimeoutExpired:
            ended = False
        finally:
            _end(process)
            errors.join(_GRACE)
        if not ended:
            msg = f"git {what} timed out after {self.seconds:g} s."
            raise TransportError(msg, sent=True, hint="check the network, and that git does not prompt for a password")
        if output.too_long:
            msg = f"git {what} returned more than {LONGEST >> 20} MiB."
            raise GitError(msg, hint="check what the remote, or the repository, stores there")
        lines = [line.strip() for line in errors.data.decode("utf-8", "replace").splitlines() if line.strip()]
        lines = [line for line in lines if not _IGNORED_WARNING.match(line)]
        return GitResult(process.returncode, bytes(output.data), without_password(" ".join(lines[-4:]))[:400])


def _configured(more: Mapping[str, str]) -> list[str]:
    return [part for name, value in {**more, **CONFIG}.items() for part in ("-c", f"{name}={value}")]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, and the processes that it started: they would keep the pipes open."""
    if process.poll() is None:
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


class _StreamReader(threading.Thread):
    """Reads one stream of a process to its end. A process that git leaves running may keep stderr open for hours, such
    as a shared ssh connection (ControlPersist): so do not wait for the end of stderr."""

    def __init__(self, process: subprocess.Popen[bytes], stream: IO[bytes] | None, *, whole: bool) -> None:
        """`whole`: keep all of it, and end the process if it is too long; else keep only the end."""
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


def _write(stream: IO[bytes] | None, data: bytes) -> None:
    if stream is not None:
        rest = memoryview(data)
        with suppress(OSError), stream:  # it has ended without reading all of it
            while rest:
                rest = rest[os.write(stream.fileno(), rest) :]

"""Runs of the program as processes of their own, without the half second of a start: forked from a process that has
imported it. For kills and signals.

    with forks() as server:
        child = server.start("apply", "-e", "staging", "--yes", cwd=folder, KIAMO_STAGING_TOKEN=…)
        os.kill(child.pid, signal.SIGKILL)
        code, out, err = child.wait()
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.cli.program import ROOT, variables


@dataclass
class Child:
    """One run."""

    pid: int
    out: Path
    err: Path
    server: subprocess.Popen[str]
    code: int | None = None
    """Exit code (of a signal: its number, negative), once it was waited for."""

    def wait(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        assert self.server.stdout is not None
        if self.code is None:
            self.code = int(self.server.stdout.readline())
        return self.code, self.out.read_text(encoding="utf-8"), self.err.read_text(encoding="utf-8")

    def runs(self) -> bool:
        """Whether it has not ended yet."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so; a minute at most, and while the run lasts.

        Raises:
            AssertionError: it never was.
        """
        end = time.monotonic() + 60
        while not true():
            assert time.monotonic() < end, self.err.read_text(encoding="utf-8")
            assert self.runs() or true(), self.wait()
            time.sleep(0.01)

    def end(self) -> None:
        """Kill it, if it was not waited for."""
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.wait()


@dataclass
class Forks:
    """A process that forks; it has one run at a time."""

    server: subprocess.Popen[str]
    folder: Path
    count: int = 0
    last: Child | None = None

    def start(self, *arguments: str, cwd: Path, **more: str) -> Child:
        """Begin a run. `more`: environment variables."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        if self.last is not None:
            self.last.end()
        self.count += 1
        out, err = self.folder / f"{self.count}.out", self.folder / f"{self.count}.err"
        order = {
            "arguments": arguments,
            "cwd": str(cwd),
            "environ": dict(variables(**more)),
            "to": [str(out), str(err)],
        }
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        self.last = Child(int(self.server.stdout.readline()), out, err, self.server)
        return self.last


@contextmanager
def forks() -> Iterator[Forks]:
    """A fresh one."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forks"],
            cwd=ROOT,
            env=variables(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server,
    ):
        made = Forks(server, Path(folder))
        yield made
        if made.last is not None:
            made.last.end()
        assert server.stdin is not None
        server.stdin.close()


def _child(order: dict[str, object], streams: Sequence[IO[bytes]]) -> None:
    from kiamo_iac.cli.main import main

    os.chdir(str(order["cwd"]))
    os.environ.clear()
    os.environ.update(order["environ"])  # type: ignore[call-overload]
    null = os.open(os.devnull, os.O_RDONLY)
    for source, number in ((null, 0), (streams[0].fileno(), 1), (streams[1].fileno(), 2)):
        os.dup2(source, number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # tests that run in the background ignore SIGINT
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["kiamo-iac", *order["arguments"]]  # type: ignore[misc]
    main()


def _serve() -> None:
    """Fork for each line of stdin: its pid, then its exit code."""
    import kiamo_iac.api.client
    import kiamo_iac.app.applying
    import kiamo_iac.app.project
    import kiamo_iac.cli.apply
    import kiamo_iac.executor.preconditions
    import kiamo_iac.executor.writer
    import kiamo_iac.planner.planner
    import kiamo_iac.render.run  # noqa: F401 - for the children

    for line in sys.stdin:
        order = json.loads(line)
        streams = [Path(path).open("wb") for path in order["to"]]  # noqa: SIM115 - the child's; closed below
        pid = os.fork()
        if pid == 0:
            try:
                _child(order, streams)
            except SystemExit as end:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(end.code if isinstance(end.code, int) else 1)
            os._exit(70)
        for stream in streams:
            stream.close()
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()

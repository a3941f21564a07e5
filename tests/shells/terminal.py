"""A shell at a terminal of its own, and somebody who types into it: keys go in, what the shell shows comes out."""

from __future__ import annotations

import os
import pty
import select
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60
"""Seconds until a shell that says nothing is given up; a shared machine may be slow."""


class Terminal:
    """What stands between the keys and the shell."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._seen = b""

    def keys(self, text: str) -> None:
        """Type `text`."""
        os.write(self._descriptor, text.encode())

    def until(self, mark: str) -> str:
        """All that the shell shows up to and with `mark`, since the last look.

        Raises:
            AssertionError: the shell ends, or falls silent, without showing it.
        """
        wanted = mark.encode()
        while wanted not in self._seen:
            ready, _, _ = select.select([self._descriptor], [], [], PATIENCE)
            try:
                more = os.read(self._descriptor, 65536) if ready else b""
            except OSError:  # Linux's way of saying that the other side has gone
                more = b""
            assert more, f"{mark!r} never came; there was {self._seen.decode(errors='replace')!r}"
            self._seen += more
        shown, _, self._seen = self._seen.partition(wanted)
        return (shown + wanted).decode(errors="replace")


@contextmanager
def terminal(command: Sequence[str], *, folder: Path, environ: Mapping[str, str]) -> Iterator[Terminal]:
    """`command` at a terminal of its own, until the block ends."""
    child, descriptor = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe(command[0], list(command), dict(environ))
    try:
        yield Terminal(descriptor)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(descriptor)

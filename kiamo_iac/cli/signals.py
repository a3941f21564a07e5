"""Ctrl-C and SIGTERM while writes are under way: the first stops gently, the second at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kiamo_iac.core.errors import Interrupted


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first signal sets: what is in flight ends, nothing new begins. The second ends the process."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            _abort(number)
        stop.set()
        _tell("Stopping: the calls in flight are finished, no new ones are made. Again to abort at once.")

    if threading.current_thread() is not threading.main_thread():
        yield stop  # Python lets the main thread alone handle signals
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _abort(_number: int) -> None:
    """Leave without waiting for threads: their calls may take until their deadline."""
    _tell("Aborted. Calls in flight may have been done: run plan to see where things stand.")
    os._exit(Interrupted.exit_code)


def _tell(text: str) -> None:
    """Say it past the stream's buffer: the signal may have come while this very thread was writing there, and Python
    refuses to enter a buffer twice (it raises, and the run would end as if by a mistake of ours)."""
    with suppress(OSError, ValueError):  # nobody is left to tell
        os.write(sys.stderr.fileno(), f"{text}\n".encode("ascii"))

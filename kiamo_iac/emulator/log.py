"""The log of calls, and how many are in flight at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from kiamo_iac.emulator.message import Call, Peak, Request

KEPT = 500_000
"""How many calls are kept; older ones are forgotten, which shows in the numbers."""


class Log:
    """Calls in the order in which they took effect. Safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._number = 0
        self._reads = self._writes = 0
        self._peak = Peak()

    @contextmanager
    def flight(self, method: str) -> Iterator[None]:
        """Count a call as in flight while this lasts."""
        read = method == "GET"
        self._fly(read=read, by=1)
        try:
            yield
        finally:
            self._fly(read=read, by=-1)

    def _fly(self, *, read: bool, by: int) -> None:
        with self._lock:
            self._reads += by if read else 0
            self._writes += 0 if read else by
            reads, writes, peak = self._reads, self._writes, self._peak
            if reads > peak.reads or writes > peak.writes or reads + writes > peak.total:
                self._peak = Peak(max(reads + writes, peak.total), max(reads, peak.reads), max(writes, peak.writes))

    def start(self, request: Request) -> Call:
        """A new entry, not in the log yet."""
        with self._lock:
            self._number += 1
            return Call(self._number, request.method, request.path, dict(request.query))

    def add(self, call: Call) -> None:
        """Put an entry into the log."""
        with self._lock:
            self._calls.append(call)

    def calls(self, after: int) -> list[Call]:
        """The entries with numbers above `after`."""
        with self._lock:
            return [call for call in self._calls if call.n > after]

    @property
    def peak(self) -> Peak:
        """How many calls were in flight at once, at most, since the last reset."""
        return self._peak

    def clear(self) -> None:
        """Forget calls and peak; numbers go on."""
        with self._lock:
            self._calls.clear()
            self._peak = Peak()

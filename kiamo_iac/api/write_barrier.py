"""Keeps the writes of a run away from a list while it is read, as they would shift its pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class WriteBarrier:
    """Either any number of writes at a time, or readings without any. Safe under threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._writes = 0
        self._readings = 0

    @contextmanager
    def write(self) -> Iterator[None]:
        """Make one write in this context; it waits while a reading waits or goes on."""
        with self._changed:
            self._changed.wait_for(lambda: not self._readings)
            self._writes += 1
        try:
            yield
        finally:
            with self._changed:
                self._writes -= 1
                self._changed.notify_all()

    @contextmanager
    def without_writes(self) -> Iterator[None]:
        """Read in this context, once the writes that go on are over; nothing is to be written inside of it."""
        with self._changed:
            self._readings += 1
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._writes)
            yield
        finally:
            with self._changed:
                self._readings -= 1
                self._changed.notify_all()

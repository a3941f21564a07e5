"""What a run needs of Python: a pause of the garbage collector, and how a signal ends a run."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from kiamo_iac.core.errors import Interrupted

if TYPE_CHECKING:
    from concurrent.futures import Future
    from queue import SimpleQueue

T = TypeVar("T")

_MANY: Final = 50_000
"""Objects."""


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pause the collection of cyclic garbage. Tens of thousands of objects are created and all stay alive, and each
    collection visits them (planning 10,000 documents took 14.8 times as long as 1,000 with it, 10.5 times without).
    Behind the block, many count as old: the next collection does not visit them all."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            if gc.get_count()[0] > _MANY:  # of a few, the garbage among them would be kept for long
                gc.freeze()  # with the next line, this moves every object to the oldest generation
                gc.unfreeze()
            gc.enable()


def take_from(queue: SimpleQueue[T]) -> T:
    """The next item, as soon as there is one. The wait has a timeout: on Windows, one without cannot be interrupted."""
    from queue import Empty  # by those who have a queue: commands that stay offline have none

    while True:
        try:
            return queue.get(timeout=0.5)
        except Empty:
            continue


def result_of(future: Future[T]) -> T:
    """The result, as soon as there is one; the same wait."""
    while True:
        try:
            return future.result(timeout=0.5)
        except TimeoutError:
            if future.done():  # it is the exception of the call
                raise


class Interruption:
    """A signal's request to end the run, and where the main thread obeys it.

    at once      by default, and within `deferring` where it is `interruptible`: `KeyboardInterrupt` is raised
    deferred     within `deferring`, while a lock is taken, held and released: `check` and `wait` raise
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        """Set soon after the first signal; ends the waits of every thread."""
        self.release_hint: str | None = None
        """How to release the lock that this run may hold; None: there is none, or it ends with the process."""
        self._events = [self.stop]
        self._requested = False
        self._deferred = False

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self._requested

    def request(self) -> None:
        """A signal has come. Not for its handler: the main thread may be within the `wait` of an event, and would wait
        for itself to set it."""
        self._requested = True
        for event in tuple(self._events):
            event.set()

    @contextmanager
    def setting(self, event: threading.Event) -> Iterator[None]:
        """While the block lasts, a signal sets `event` too."""
        self._events.append(event)
        try:
            if self._requested:
                event.set()
            yield
        finally:
            self._events.remove(event)

    def handle(self) -> None:
        """For the handler of a signal, which runs in the main thread.

        Raises:
            KeyboardInterrupt: the main thread is to be left at once; raised once only.
        """
        self._requested = True
        if not self._deferred:
            self._deferred = True
            raise KeyboardInterrupt

    def check(self) -> None:
        """
        Raises:
            Interrupted: a signal has come.
        """
        if self.requested:
            msg = "The run was interrupted. Nothing was written."
            raise Interrupted(msg)

    def wait(self, seconds: float) -> None:
        """Wait, unless a signal comes.

        Raises:
            Interrupted: it has come.
        """
        self.stop.wait(seconds)
        self.check()

    @contextmanager
    def deferring(self) -> Iterator[None]:
        """What begins with this block ends in order, such as a lock that is released.

        Raises:
            Interrupted: a signal has come before the block, or within it and without an error.
        """
        before, self._deferred = self._deferred, True
        try:
            self.check()
            yield
            if self.requested:
                msg = "The run was interrupted at its end."
                raise Interrupted(msg, hint="run plan to see the current state")
        finally:
            self._deferred = before or self._requested

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within `deferring`: this block is left at once. It writes nothing, and ends in order wherever it is left.

        Raises:
            Interrupted: a signal has come.
        """
        if not self._deferred:
            yield
            return
        try:
            self._deferred = False
            self.check()
            yield
        except (Exception, KeyboardInterrupt):  # raised in the middle of a wait, it may come out as another exception
            self.check()
            raise
        finally:
            self._deferred = True
        self.check()

"""How a signal ends the program: with exit code 130, and where a command takes the lock of a ledger, in order.

    any command          SIGINT, SIGTERM, SIGHUP and Windows' SIGBREAK raise `KeyboardInterrupt`
    one that locks       the first signal stops the run in order, see `Interruption`; another one ends it at once
    once it has ended    a signal ends the process at once

A signal that the program was started to ignore (`nohup`) is ignored.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

if TYPE_CHECKING:
    from kiamo_iac.core.runtime import Interruption

INTERRUPTED: Final = 130
_PATIENCE: Final = 1.0
"""Seconds for a message of the watcher to be written to a stderr that nothing reads."""
_BEHIND: Final = 0.05
"""Seconds after which an interrupt comes again."""
_HANGUP: Final = getattr(signal, "SIGHUP", None)
NUMBERS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""Those that the platform has."""

_Handler = Callable[[int, FrameType | None], Any]


def end_at_once() -> None:
    """From now on, a signal raises `KeyboardInterrupt` in the main thread."""
    sys.unraisablehook = _unraisable
    _install(signal.default_int_handler)


def _unraisable(found: sys.UnraisableHookArgs) -> None:
    """An interrupt that Python cannot raise where it comes, such as in a finalizer or in a callback of the import
    system, comes again behind that. Where a run ends in order, the first one is noted, and another would abort it."""
    if not issubclass(found.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(found)
        return
    raising = (number for number in NUMBERS if signal.getsignal(number) is signal.default_int_handler)
    if (number := next(raising, None)) is not None:
        threading.Timer(_BEHIND, _interrupt, [number]).start()


def _interrupt(number: int) -> None:
    """A signal, for the main thread, and also where that waits for the system."""
    if sys.platform == "win32":
        import _thread

        _thread.interrupt_main(number)
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def leave(code: int) -> NoReturn:
    """End the process. After a signal, threads whose calls are in flight are not waited for.

    Raises:
        SystemExit: with `code`, where the process ends in order.
    """
    _install(lambda _number, _frame: os._exit(INTERRUPTED))
    others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
    if code == INTERRUPTED and not all(thread.daemon for thread in others):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):  # it is closed, or None
                stream.flush()
        os._exit(code)
    sys.exit(code)


@contextmanager
def ending_in_order(interruption: Interruption) -> Iterator[None]:
    """While the block lasts, a signal is a request of `interruption`; another one ends the process at once.

    Raises:
        Interrupted: a signal has come; with the error of the block, if it raised another one.
    """
    from kiamo_iac.core.errors import Interrupted, KiamoIacError

    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():  # no other thread can handle signals
            watcher = stack.enter_context(_Watcher(interruption))
            before = signal.set_wakeup_fd(watcher.fileno(), warn_on_full_buffer=False)
            stack.callback(signal.set_wakeup_fd, before)
            for number, handler in _install(lambda _number, _frame: interruption.handle()).items():
                stack.callback(signal.signal, number, handler)
        try:
            yield
        except Interrupted:
            raise
        except Exception as error:
            if not interruption.requested:
                raise
            if isinstance(error, KiamoIacError):
                msg = f"The run was interrupted. {error}"
                raise Interrupted(msg, hint=error.hint, diagnostics=error.diagnostics) from error
            msg = "The run was interrupted."
            raise Interrupted(msg, hint="run plan to see the current state") from error


def _install(handler: _Handler) -> dict[int, Any]:
    """Handle every signal that is not to be ignored; returns the handlers before."""
    found = {number: signal.getsignal(number) for number in NUMBERS}
    before = {number: known for number, known in found.items() if known is not signal.SIG_IGN and known is not None}
    for number in before:  # None: of a program that Python is a part of
        signal.signal(number, handler)
    return before


class _Watcher(threading.Thread):
    """Reads which signals come. Python writes them to a socket in the very handler of the system: so they are seen
    also while the main thread is in a call that no signal interrupts, such as the look-up of a name."""

    def __init__(self, interruption: Interruption) -> None:
        import socket

        super().__init__(name="signals", daemon=True)
        self._interruption = interruption
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)  # as set_wakeup_fd requires

    def fileno(self) -> int:
        """What Python writes the numbers of signals to."""
        return self._writer.fileno()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
        self.join(_PATIENCE)
        self._reader.close()

    def run(self) -> None:
        with suppress(OSError):  # it is closed: this thread waited for stderr for too long
            self._watch()

    def _watch(self) -> None:
        first = None
        while numbers := self._reader.recv(64):
            for number in numbers:
                if number not in NUMBERS:
                    continue
                if first is None:
                    first = number
                    self._interruption.request()
                    _write("Stopping: finishing the API calls in flight. Press Ctrl-C again to abort at once.")
                elif number != _HANGUP or first != _HANGUP:  # a terminal that closes sends more than one of these
                    self._abort()

    def _abort(self) -> NoReturn:
        """End the process: calls in flight may last until their deadline."""
        _write("Aborted. API calls in flight may have taken effect: run plan to see the current state.")
        if self._interruption.release_hint is not None:
            _write(f"The ledger may still be locked by this run. Hint: {self._interruption.release_hint}")
        os._exit(INTERRUPTED)


def _write(text: str) -> None:
    """Write a line to stderr without its buffer, whose lock the main thread may hold."""
    with suppress(OSError, ValueError):  # stderr is closed, or was replaced
        start = "\n" if sys.stderr.isatty() else ""  # the cursor is behind ^C
        os.write(sys.stderr.fileno(), f"{start}{text}\n".encode("ascii", "backslashreplace"))

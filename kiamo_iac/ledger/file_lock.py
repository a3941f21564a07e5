"""The lock of a ledger in a file: the operating system's own, so that it ends with its process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kiamo_iac.errors import LedgerError
from kiamo_iac.ledger.holder import Holder, take

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LONGEST_WAIT = 0.25


def holder_file(ledger: Path) -> Path:
    """Where the holder of the lock stands. Not in the locked file: Windows would let nobody read it."""
    return ledger.with_name(f"{ledger.name}.holder.json")


@contextmanager
def locked_file(ledger: Path, holder: Holder, *, environment: str, timeout: float) -> Iterator[None]:
    """Hold the lock of the ledger at `ledger` (which need not exist), after `timeout` seconds of waiting at most.

    Raises:
        LockedError: another run holds it.
        LedgerError: files cannot be written there.
    """
    lock = _lock_of(ledger)
    take(
        lambda: _attempt(lock, ledger),
        timeout=timeout,
        refused=lambda other: other.locked(str(ledger), environment=environment),
        longest=_LONGEST_WAIT,
    )
    beside = holder_file(ledger)
    try:
        with contextlib.suppress(OSError):  # it only tells others; the lock holds without it
            beside.write_text(holder.as_json(), encoding="utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        lock.release()


def holder_of(ledger: Path) -> Holder | None:
    """The run that holds the lock of the ledger at this moment, or None.

    Raises:
        LedgerError: files cannot be written there.
    """
    if not ledger.parent.is_dir():
        return None
    lock = _lock_of(ledger)
    other = _attempt(lock, ledger)
    if other is None:
        lock.release()
    return other


def _lock_of(ledger: Path) -> BaseFileLock:
    from filelock import FileLock

    try:
        ledger.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(ledger, error) from error
    return FileLock(ledger.with_name(f"{ledger.name}.lock"), thread_local=False)


def _attempt(lock: BaseFileLock, ledger: Path) -> Holder | None:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except Timeout:
        try:
            text = holder_file(ledger).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        return Holder.from_json(text) or Holder("", "")
    except (OSError, NotImplementedError) as error:
        raise _unusable(ledger, error) from error
    return None


def _unusable(ledger: Path, error: Exception) -> LedgerError:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return LedgerError(
        f"The ledger {ledger} cannot be locked: {why}. Nothing has been written.",
        hint="the folder has to be writable, on a disk of this machine",
    )

"""The lock of a ledger in a file: the operating system's own, so that it ends with its process."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.ledger_settings import HOLDER, LOCK
from kiamo_iac.core.safe_files import PRIVATE, MisplacedError, RootedFile
from kiamo_iac.ledger.errors import link_error
from kiamo_iac.ledger.file import torn_file
from kiamo_iac.ledger.lock import LockInfo, acquire

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LONGEST_WAIT = 0.25
_LARGEST_HOLDER: Final = 64 * 1024


def holder_file(ledger: RootedFile) -> RootedFile:
    """Where the holder of the lock stands. Not in the locked file: Windows would let nobody read it."""
    return ledger.beside(HOLDER)


def lock_file(ledger: RootedFile) -> RootedFile:
    """The file that is locked; it stays. Nobody else may open it: whoever can, can hold the lock."""
    return ledger.beside(LOCK)


@contextmanager
def locked_file(ledger: RootedFile, info: LockInfo, *, environment: str, timeout: float) -> Iterator[None]:
    """Hold the lock of the ledger at `ledger` (which need not exist), after `timeout` seconds of waiting at most.

    Raises:
        LockedError: another run holds it.
        LedgerError: files cannot be written there, or a link stands in the place of one, or on the way.
    """
    lock = _lock_of(ledger)
    acquire(
        lambda: _attempt(lock, ledger),
        timeout=timeout,
        refused=lambda other: other.locked_error(str(ledger.path), environment=environment),
        longest=_LONGEST_WAIT,
    )
    beside = holder_file(ledger)
    try:
        with contextlib.suppress(OSError):  # it only tells others; the lock holds without it
            beside.write(info.as_json().encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            beside.remove()
        lock.release()


def lock_info_of(ledger: RootedFile) -> LockInfo | None:
    """The run that holds the lock of the ledger at this moment, or None.

    Raises:
        LedgerError: files cannot be written there.
    """
    if not ledger.path.parent.is_dir():
        return None
    lock = _lock_of(ledger)
    other = _attempt(lock, ledger)
    if other is None:
        lock.release()
    return other


def _lock_of(ledger: RootedFile) -> BaseFileLock:
    from filelock import FileLock

    file = lock_file(ledger)
    try:
        for used in (ledger, holder_file(ledger), torn_file(ledger), file):  # before anything is done, not half-way
            used.check()
        if sys.platform == "win32":  # there filelock itself makes it its owner's alone
            file.path.parent.mkdir(parents=True, exist_ok=True)
        else:
            file.claim()
    except OSError as error:
        raise _unusable(ledger, error) from error
    return FileLock(file.path, mode=PRIVATE, thread_local=False)


def _attempt(lock: BaseFileLock, ledger: RootedFile) -> LockInfo | None:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except Timeout:
        try:
            text = (holder_file(ledger).read(limit=_LARGEST_HOLDER) or b"").decode()
        except (OSError, UnicodeDecodeError):
            text = ""
        return LockInfo.from_json(text) or LockInfo("", "")
    except (OSError, NotImplementedError) as error:
        raise _unusable(ledger, error) from error
    return None


def _unusable(ledger: RootedFile, error: Exception) -> LedgerError:
    if isinstance(error, MisplacedError):
        return link_error(str(ledger.path), "locked", error)
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return LedgerError(
        f"The ledger {ledger.path} cannot be locked: {why}. Nothing has been written.",
        hint="the folder has to be writable, on a disk of this machine",
    )

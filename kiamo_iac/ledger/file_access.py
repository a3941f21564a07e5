"""A ledger in a file, opened under the operating system's own lock, which ends with its process."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, Final

from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.ledger_settings import HOLDER, LOCK, FileSettings, ledger_file_of
from kiamo_iac.core.printable import printable
from kiamo_iac.core.safe_files import PRIVATE, MisplacedError, RootedFile, real
from kiamo_iac.ledger.backup import backup_of
from kiamo_iac.ledger.content import Content
from kiamo_iac.ledger.document import RemoteContent
from kiamo_iac.ledger.errors import link_error
from kiamo_iac.ledger.file import FileStore, read_file, torn_file
from kiamo_iac.ledger.ledger import Ledger, closing_store
from kiamo_iac.ledger.lines import ParsedFile
from kiamo_iac.ledger.lock import LockInfo, acquire, checked_id
from kiamo_iac.ledger.opening import LedgerContext
from kiamo_iac.ledger.tracked import check_file

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LONGEST_WAIT = 0.25
_LARGEST_HOLDER: Final = 64 * 1024


def holder_file(ledger: RootedFile) -> RootedFile:
    """The file that names the holder of the lock; not the locked file, which no other process can read on Windows."""
    return ledger.beside(HOLDER)


def lock_file(ledger: RootedFile) -> RootedFile:
    """The file that is locked; it is kept. It is private, because whoever can open it can hold the lock."""
    return ledger.beside(LOCK)


@contextmanager
def locked_file(
    ledger: RootedFile,
    info: LockInfo,
    *,
    environment: str,
    timeout: float,
    pause: Callable[[float], object] = time.sleep,
    show: Callable[[str], object] = lambda _: None,
) -> Iterator[Callable[[], bool]]:
    """Hold the lock of the ledger at `ledger` (which need not exist), after `timeout` seconds of waiting at most.
    Yields whether it is held still: without its file, another run may lock another file of that name. `pause`: waits
    that many seconds between two attempts.

    Raises:
        LockedError: another run holds it.
        LedgerError: files cannot be written there, or one is a link, or below a link.
    """
    lock = _lock_of(ledger)
    acquire(
        lambda: _attempt(lock, ledger),
        timeout=timeout,
        locked_error=lambda other: other.locked_error(str(ledger.path), environment=environment),
        longest=_LONGEST_WAIT,
        pause=pause,
        show=show,
    )
    beside, file = holder_file(ledger), lock_file(ledger).path
    taken = _place_of(file)

    def is_held() -> bool:
        return taken is not None and _place_of(file) == taken

    try:
        with contextlib.suppress(OSError):  # it only informs other runs; the lock works without it
            beside.write(info.as_json().encode())
        yield is_held
    finally:
        with contextlib.suppress(OSError):
            if is_held():
                beside.remove()
        lock.release()


def _place_of(file: Path) -> tuple[int, int] | None:
    """Which file there is under that name."""
    try:
        found = file.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


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
        for used in (ledger, holder_file(ledger), torn_file(ledger), file):  # before anything is written
            used.check()
        if sys.platform == "win32":  # there, filelock itself makes it private
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
        f"The ledger {ledger.path} cannot be locked: {why}. Nothing was written.",
        hint="use a writable folder on a local disk",
    )


class FileAccess:
    """The ledger of one environment in a file."""

    def __init__(self, settings: FileSettings, context: LedgerContext) -> None:
        """
        Raises:
            LedgerError: the file is not below the folder of the project file.
        """
        self._file, self._shown = ledger_file(settings, environment=context.environment, root=context.root)
        self._context = context
        self._backup = backup_of(context.environment, context.root, context.environ)

    @contextmanager
    def locked(self, info: LockInfo, *, timeout: float) -> Iterator[Ledger]:
        """The ledger, under the lock of its file.

        Raises:
            LockedError: another run holds the lock.
            LedgerError: the file cannot be read, locked or written.
        """
        context = self._context
        locking = locked_file(
            self._file,
            info,
            environment=context.environment,
            timeout=timeout,
            pause=context.interruption.wait,
            show=context.show,
        )
        with locking as is_held:
            found = self._read()
            content, from_backup = self._resolved(found)
            store = FileStore(
                self._file,
                found,
                shown=self._shown,
                content=content or Content.of(context.identity),
                backup=self._backup,
                from_backup=from_backup,
                is_held=is_held,
            )
            if content is not None and from_backup:
                context.notify(self._restored(content, found, now=True))
            with closing_store(store):
                yield Ledger(store.content, found=content is not None, where=self._shown, store=store)

    def read(self) -> Ledger:
        """The ledger as it is now, read-only.

        Raises:
            LedgerError: the file cannot be read.
        """
        found = self._read()
        content, from_backup = self._resolved(found)
        if content is not None and from_backup:
            self._context.notify(self._restored(content, found, now=False))
        return Ledger(content or Content.of(self._context.identity), found=content is not None, where=self._shown)

    def break_lock(self, lock_id: str) -> LockInfo:
        """
        Raises:
            UsageError: no run holds the lock, or it has another id.
            LedgerError: always otherwise: the lock is the operating system's, and ends with its process.
        """
        info = checked_id(lock_info_of(self._file), lock_id, shown=self._shown)
        raise LedgerError(
            f"The ledger {self._shown} is locked by {info}, which is still running.",
            hint=f"end that process on {printable(info.host, 80) or 'its machine'}; its lock ends with it",
        )

    def _resolved(self, found: ParsedFile | None) -> tuple[Content | None, bool]:
        """What the file has; or the local backup, where it follows that, or where the file is gone."""
        there = RemoteContent(found.content, found.content.revision) if found is not None else None
        environment = self._context.expected_environment
        content, from_backup = self._backup.resolve(there, environment=environment, or_absent=True)
        return content.content if content is not None else None, from_backup

    def _restored(self, content: Content, found: ParsedFile | None, *, now: bool) -> Diagnostic:
        there = RemoteContent(found.content, "") if found is not None else None
        return self._backup.restored(content, there, shown=self._shown, now=now)

    def _read(self) -> ParsedFile | None:
        context = self._context
        found = read_file(self._file, shown=self._shown, environment=context.expected_environment)
        if found is not None:
            check_file(self._file, shown=self._shown, environ=context.environ, notify=context.notify)
        return found


def ledger_file(settings: FileSettings, *, environment: str, root: Path) -> tuple[RootedFile, str]:
    """Where the file backend keeps the ledger, and how messages name that.

    Raises:
        LedgerError: that is not below `root`.
    """
    shown = settings.path or ledger_file_of(environment)
    try:
        file = RootedFile.below(real(root), normpath(shown))
    except ValueError:
        file = None
    if file is None or "\\" in shown:
        msg = f"The ledger {shown} is not a file within the project."
        raise LedgerError(msg, hint='write its path relative to the project file, with "/"')
    return file, shown

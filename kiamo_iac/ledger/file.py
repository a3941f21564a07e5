"""The ledger in a file.

A record is appended before the next step begins, so that a killed run loses none. A thread puts on the disk what has
been appended meanwhile, so that no step waits for that.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import BinaryIO, Final

from kiamo_iac.core.errors import LedgerError
from kiamo_iac.core.ledger_settings import TORN
from kiamo_iac.core.safe_files import MisplacedError, RootedFile
from kiamo_iac.ledger.backup import LocalBackup
from kiamo_iac.ledger.content import MAX_BYTES, Content, LedgerIdentity, LedgerRecord, is_intent
from kiamo_iac.ledger.errors import corruption_error, link_error, write_error
from kiamo_iac.ledger.lines import ParsedFile, header_line, parse_lines, record_lines
from kiamo_iac.ledger.lock import file_lock_error

_OTHER: Final = "another program has written it since it was read"
_PAUSE: Final = 0.05
"""Least seconds between two syncs to the disk: a machine that stops may lose the records of so long."""
_SLACK: Final = 100
"""A file is rewritten when it has more records than twice its entries plus this many."""


def read_file(file: RootedFile, *, shown: str, environment: str | None) -> ParsedFile | None:
    """The content of the file, or None when there is none. `shown`: its name in messages.
    `environment`: the one that it must be of; None: any.

    Raises:
        LedgerError: it cannot be read, is damaged, of another version, or of another environment; or its
            path has a link in it.
    """
    try:
        data = file.read(limit=MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed("read", shown, error) from error
    if data is None:
        raise corruption_error(shown, f"it is larger than {MAX_BYTES // (1024 * 1024)} MiB")
    return parse_lines(data, shown, environment=environment)


def torn_file(ledger: RootedFile) -> RootedFile:
    """The file that keeps an incomplete last line."""
    return ledger.beside(TORN)


class FileStore:
    """Appends to a ledger's file, which is created with the first record."""

    def __init__(
        self,
        file: RootedFile,
        found: ParsedFile | None,
        *,
        shown: str,
        content: Content,
        backup: LocalBackup | None = None,
        from_backup: bool = False,
        is_held: Callable[[], bool] = lambda: True,
    ) -> None:
        """`found`: what was read from the file, under the lock. `content`: what every record changes first; with
        `from_backup` it is that of `backup`, and is written at once. `is_held`: whether the lock still is.

        Raises:
            LedgerError: the file cannot be written.
        """
        self.content = content
        self._place = file
        self._path = file.path
        self._shown = shown
        self._backup = backup
        self._is_held = is_held
        self._waiting: list[LedgerRecord] = []
        """Not in the file."""
        self._unsynced: list[LedgerRecord] = []
        """In the file, and not on the disk."""
        self._file: BinaryIO | None = None
        self._size = 0
        self._synced: tuple[int, str | None] = 0, None
        """Size and revision of what is on the disk."""
        self._torn: ParsedFile | None = None
        """An incomplete last line, to be removed before the next record is written."""
        self._revision = found.content.revision if found is not None else None
        """Of what the file holds."""
        self._failure: LedgerError | None = None
        self._on_failure: Callable[[LedgerError], object] | None = None
        self._is_lost = False
        """Whether the file may not be written any more: another program may write it."""
        self._is_backed_up = from_backup
        self._guard = threading.RLock()
        self._syncing = threading.Lock()
        """Held during a sync, and while the file is closed; taken after the guard, or without it."""
        self._appended = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        try:
            if from_backup:
                self._write_whole(content)
                self._saved()
            elif found is not None:
                self._open(found)
        except OSError as error:
            raise _failed("written", shown, error) from error

    def watch(self, on_failure: Callable[[LedgerError], object], /) -> None:
        """Call `on_failure` once the run has to end because a record cannot be written, or the lock is lost."""
        self._on_failure = on_failure

    def check(self) -> None:
        """Return if the lock is held, and the file is the one that was opened, as this run has written it.

        Raises:
            LedgerError: they are not, or a record could not be written.
        """
        with self._guard:
            if self._failure is None:
                try:
                    self._check_place()
                except (LedgerError, OSError) as error:
                    self._fail(self._unwritten(error))
            if self._failure is not None:
                raise self._failure

    def append(self, records: Sequence[LedgerRecord], /) -> None:
        """Write these, after any that could not be written before; they are on the disk soon.

        Raises:
            LedgerError: they could not be written, and the run does not `watch`.
        """
        with self._guard:
            self._waiting.extend(records)
            try:
                self._write_waiting()
            except LedgerError as error:
                if self._on_failure is None:
                    raise
                self._fail(error)
            else:
                self._sync_soon()

    def flush(self) -> None:
        """Write what could not be written before, and wait for the disk.

        Raises:
            LedgerError: it still cannot be; the whole ledger is in the local backup, if anything had been applied.
        """
        with self._guard:
            self._write_waiting()
            self._sync()

    def claim(self, identity: LedgerIdentity) -> None:
        """Write the file with its new owner, which its content has already.

        Raises:
            LedgerError: it cannot be.
        """
        del identity
        self.compact()

    def compact(self) -> None:
        """Rewrite the file without the records that later ones replaced.

        Raises:
            LedgerError: it cannot be.
        """
        with self._guard:
            self.flush()
            if self._file is None:
                return
            try:
                self._check_place()
                if self._torn is not None:
                    self._keep_torn(self._torn)
                    self._torn = None
                self._close_file()
                self._write_whole(self.content)
            except OSError as error:
                raise _failed("written", self._shown, error) from error
            self._saved()

    def close(self) -> None:
        """Flush, and close the file.

        Raises:
            LedgerError: as `flush`.
        """
        try:
            self.flush()
        finally:
            self._closing.set()
            self._appended.set()
            if self._thread is not None:
                self._thread.join()
            self._close_file()

    # --- the disk ----------------------------------------------------------------------------------------------------

    def _write_waiting(self) -> None:
        """
        Raises:
            LedgerError: that is not possible.
        """
        if not self._waiting:
            return
        try:
            self._check_place()
            if self._file is None:
                self._write_whole(self.content)
            else:
                self._append(self._file, record_lines(self._waiting).encode())
                self._unsynced.extend(self._waiting)
        except (LedgerError, OSError) as error:
            raise self._unwritten(error) from error
        self._waiting.clear()
        self._saved()

    def _sync_soon(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._keep_synced, name="ledger", daemon=True)
            self._thread.start()
        self._appended.set()

    def _keep_synced(self) -> None:
        """In a thread of its own: put on the disk what others append meanwhile."""
        while not self._closing.wait(_PAUSE):
            self._appended.wait()
            self._appended.clear()
            with self._guard:
                file, records, now = self._file, self._unsynced, (self._size, self._revision)
                many = len(records)
            if file is None or not many:
                continue
            try:
                with self._syncing:
                    if file.closed:
                        continue
                    os.fsync(file.fileno())
            except OSError as error:
                with self._guard:
                    if self._unsynced is records:
                        self._fail(self._not_synced(error))
            else:
                with self._guard:
                    if self._unsynced is records:  # else another thread has synced more meanwhile
                        del records[:many]
                        self._synced = now

    def _sync(self) -> None:
        """
        Raises:
            LedgerError: what was appended cannot be put on the disk.
        """
        if not self._unsynced or self._file is None:
            return
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._not_synced(error) from error
        self._unsynced = []
        self._synced = self._size, self._revision

    def _not_synced(self, error: OSError) -> LedgerError:
        """The error for what was appended, and is perhaps not on the disk: it is taken back, to be written again."""
        self._waiting[:0] = self._unsynced
        self._unsynced = []
        self._size, self._revision = self._synced
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)
        return self._unwritten(error)

    def _close_file(self) -> None:
        with self._syncing:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _saved(self) -> None:
        self._revision = self.content.revision
        if self._is_backed_up and self._backup is not None:
            self._backup.remove()
        self._is_backed_up = False

    def _fail(self, error: LedgerError) -> None:
        if self._failure is None:
            self._failure = error
            if self._on_failure is not None:
                self._on_failure(error)

    def _unwritten(self, error: LedgerError | OSError) -> LedgerError:
        """The error for the records that could not be written. No backup is needed if nothing was applied yet."""
        reason, hint = (_reason(error), None) if isinstance(error, OSError) else (str(error), error.hint)
        applied = any(not is_intent(record) for record in self._waiting)
        path = self._backup.save(self.content, base_revision=self._revision) if self._backup and applied else None
        self._is_backed_up = self._is_backed_up or path is not None
        return write_error(self._shown, reason, records=self._waiting, backup=path, hint=hint)

    def _open(self, found: ParsedFile) -> None:
        content = self.content
        if found.exposed or found.records > 2 * (len(content.entries) + len(content.applied_plans)) + _SLACK:
            self._keep_torn(found)
            self._write_whole(content)
            return
        self._file = self._place.open()
        self._size = self._file.seek(0, os.SEEK_END)
        if found.torn:
            self._torn = found
        if os.fstat(self._file.fileno()).st_size != found.whole + len(found.torn):
            raise LedgerError(_OTHER)
        self._synced = self._size, self._revision

    def _append(self, file: BinaryIO, data: bytes) -> None:
        if self._torn is not None:
            self._keep_torn(self._torn)
            file.truncate(self._torn.whole)
            self._size, self._torn = self._torn.whole, None
            self._synced = self._size, self._revision
        file.seek(self._size)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            with contextlib.suppress(OSError):  # an incomplete line would corrupt the next one
                file.truncate(self._size)
            raise
        self._size += len(data)

    def _keep_torn(self, found: ParsedFile) -> None:
        if found.torn:
            torn_file(self._place).append(found.torn + b"\n")

    def _check_place(self) -> None:
        """Check that the lock is held, and that the file was neither replaced nor written: the lock only keeps out this
        tool.

        Raises:
            LostLockError: the lock is lost.
            LedgerError, OSError: the file was replaced, removed, or written by another program.
        """
        if not self._is_lost and not self._is_held():
            self._is_lost = True
        if self._is_lost:
            raise file_lock_error()
        if self._file is not None:
            here, there = os.fstat(self._file.fileno()), os.lstat(self._path)
            if (here.st_dev, here.st_ino, here.st_size) != (there.st_dev, there.st_ino, self._size):
                raise LedgerError(_OTHER)

    def _write_whole(self, content: Content) -> None:
        records = list(content.records())
        self._place.write((header_line(content, records=len(records)) + record_lines(records)).encode())
        self._file = self._place.open()
        self._size = self._file.seek(0, os.SEEK_END)
        self._synced = self._size, content.revision


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _failed(what: str, shown: str, error: OSError) -> LedgerError:
    if isinstance(error, MisplacedError):
        return link_error(shown, what, error)
    return LedgerError(
        f"The ledger {shown} cannot be {what}: {_reason(error)}. Nothing was written.",
        hint="check the permissions of the file and of its folder, and that the disk is not full",
    )

"""The ledger somewhere else: a lock, a compare-and-swap, and writes that are gathered for a few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Final, Protocol

from kiamo_iac.core.errors import KiamoIacError, LedgerError, TransportError
from kiamo_iac.core.ledger_settings import backup_file_of
from kiamo_iac.core.safe_files import RootedFile
from kiamo_iac.ledger.backup import LocalBackup
from kiamo_iac.ledger.content import AppliedPlan, Content, LedgerIdentity, LedgerRecord, Put
from kiamo_iac.ledger.document import RemoteContent
from kiamo_iac.ledger.errors import write_error
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lock import LockInfo, checked_id
from kiamo_iac.ledger.opening import LedgerContext

INTERVAL: Final = 3.0
"""Seconds between two writes, at least; and ten times as long as a write takes."""
_WAITS: Final = (1.0, 4.0, None)
"""Seconds before each repetition of a final write that failed with a TransportError; None: give up."""


class RemoteBackend(Protocol):
    """One place that keeps the ledger of one environment. Every call may raise LedgerError or ApiError."""

    @property
    def shown(self) -> str:
        """Its name in messages, without a password."""

    @property
    def hides_lock_id(self) -> bool:
        """Whether it may leave the id of a lock out of the lock info."""

    def lock(self, info: LockInfo, *, timeout: float) -> None:
        """Take the lock, after `timeout` seconds of waiting at most.

        Raises:
            LockedError: another run holds it.
        """

    def unlock(self) -> None:
        """Release the lock."""

    def lock_info(self) -> LockInfo | None:
        """Who holds the lock now, or None."""

    def break_lock(self, info: LockInfo) -> None:
        """Release the lock of `info`, and of no other run."""

    def read(self) -> RemoteContent | None:
        """The content, or None."""

    def write(self, content: Content, *, expected: str | None) -> str | None:
        """Write `content` if the revision is still `expected` (None: there is no ledger), or if this content has been
        written already. Returns the new revision, or None: another run has written, and nothing was overwritten.
        """


class RemoteStore:
    """Collects records, and writes the ledger in a background thread, so that no step waits for it."""

    def __init__(
        self,
        remote: RemoteBackend,
        content: Content,
        *,
        revision: str | None,
        backup: LocalBackup,
        from_backup: bool = False,
        interval: float = INTERVAL,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """`content`: what `remote` holds at `revision`; with `from_backup`, what `backup` holds."""
        self._remote = remote
        self._content = content.copy()
        self._revision = revision
        self._backup = backup
        self._changed = from_backup
        """Whether the content differs from that of `remote` without any record."""
        self._interval = interval
        self._pause = pause
        self._waiting: list[LedgerRecord] = []
        self._unwritten: list[LedgerRecord] = []
        self._conflict = False
        self._next = 0.0
        self._closing = False
        self._wake = threading.Condition()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def append(self, records: Sequence[LedgerRecord], /) -> None:
        """Add records; the thread writes them soon."""
        with self._wake:
            self._waiting.extend(records)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
                self._thread.start()
            self._wake.notify()

    def flush(self) -> None:
        """Write all records.

        Raises:
            LedgerError: it could not be written; the whole ledger is in a local backup, if anything had been applied.
        """
        for wait in _WAITS:
            try:
                self._write()
            except KiamoIacError as error:
                if wait is None or not isinstance(error, TransportError):
                    raise self._failed(error) from error
                self._pause(wait)
            else:
                return

    def compact(self) -> None:
        """Nothing: each write is of the whole ledger."""

    def claim(self, identity: LedgerIdentity) -> None:
        """Record whose the ledger is; written by the next flush."""
        with self._writing:
            self._content.claim(identity)
            self._changed = True

    def close(self) -> None:
        """Flush, and end the thread.

        Raises:
            LedgerError: as `flush`.
        """
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._closing:
                    left = self._next - monotonic() if self._dirty else None
                    if left is not None and left <= 0:
                        break
                    self._wake.wait(left)
                if self._closing:
                    return
            with suppress(KiamoIacError):  # it is tried again, and reported at the end
                self._write()

    @property
    def _dirty(self) -> bool:
        return bool(self._waiting or self._unwritten) and not self._conflict

    def _write(self) -> None:
        with self._writing:
            with self._wake:
                new, self._waiting = self._waiting, []
            for record in new:
                self._content.apply(record)
            self._unwritten.extend(new)
            if not self._unwritten and not self._changed:
                return
            begun = monotonic()
            try:
                revision = None if self._conflict else self._remote.write(self._content, expected=self._revision)
            finally:
                ended = monotonic()
                self._next = ended + max(self._interval, 10 * (ended - begun))
            if revision is None:
                self._conflict = True
                msg = "another run has written it since it was read; nothing was overwritten"
                raise LedgerError(msg)
            self._revision = revision
            self._unwritten.clear()
            self._backup.remove()
            self._changed = False

    def _failed(self, error: KiamoIacError) -> LedgerError:
        """The error for what could not be written. No backup is needed if nothing was applied yet."""
        with self._writing:
            applied = any(not _is_intent(record) for record in self._unwritten)
            path = self._backup.save(self._content, base_revision=self._revision) if applied else None
            return write_error(self._remote.shown, str(error), records=self._unwritten, backup=path, hint=error.hint)


def _is_intent(record: LedgerRecord) -> bool:
    return isinstance(record, AppliedPlan) or (isinstance(record, Put) and record.owned.remote_id is None)


class RemoteAccess:
    """The ledger of one environment on another server, with a local backup for when it cannot be written."""

    def __init__(self, remote: RemoteBackend, context: LedgerContext) -> None:
        self._remote = remote
        self._context = context
        self._backup = backup_of(context.environment, context.root, context.environ)

    @contextmanager
    def locked(self, info: LockInfo, *, timeout: float) -> Iterator[Ledger]:
        """The ledger, under its lock.

        Raises:
            LockedError: another run holds the lock.
            LedgerError, ApiError: it cannot be read, locked, written or unlocked.
        """
        self._remote.lock(info, timeout=timeout)
        try:
            yield from self._open()
        except BaseException as error:
            self._unlock_after(error, info)
            raise
        self._unlock(info)

    def read(self) -> Ledger:
        """The ledger as it is now, read-only.

        Raises:
            LedgerError, ApiError: it cannot be read.
        """
        there = self._remote.read()
        found, from_backup = self._backup.resolve(there, environment=self._context.environment)
        content = found.content if found is not None else Content.of(self._context.identity)
        if from_backup:
            self._context.notify(self._backup.restored(content, there, shown=self._remote.shown, now=False))
        return Ledger(content, found=found is not None, where=self._remote.shown)

    def break_lock(self, lock_id: str) -> LockInfo:
        """Release the lock of another run.

        Raises:
            UsageError: no run holds the lock, or it has another id.
            LedgerError, ApiError: the server refuses, or gave no usable response.
        """
        held = self._remote.lock_info()
        if held is not None and not held.id and self._remote.hides_lock_id:
            held = replace(held, id=lock_id)  # the server checks that id itself
        info = checked_id(held, lock_id, shown=self._remote.shown)
        self._remote.break_lock(info)
        return info

    def _open(self) -> Iterator[Ledger]:
        environment, remote, backup = self._context.environment, self._remote, self._backup
        there = remote.read()
        found, from_backup = backup.resolve(there, environment=environment)
        content = found.content if found is not None else Content.of(self._context.identity)
        revision = there.revision if there is not None else None
        store = RemoteStore(remote, content, revision=revision, backup=backup, from_backup=from_backup)
        if from_backup:
            store.flush()
            self._context.notify(backup.restored(content, there, shown=remote.shown, now=True))
        if there is not None and there.content.exposed:
            kept = content.entries
            store.append([Put(kept[address]) for address in sorted(there.content.exposed) if address in kept])
        with closing(store):
            yield Ledger(content, found=found is not None, where=remote.shown, store=store)

    def _unlock(self, info: LockInfo) -> None:
        try:
            self._remote.unlock()
        except KiamoIacError as error:
            raise LedgerError(
                f"The ledger {self._remote.shown} is written, but its lock was not released: {error}",
                hint=info.how_to_release(self._context.environment),
            ) from error

    def _unlock_after(self, error: BaseException, info: LockInfo) -> None:
        """Unlock while `error` is raised; a second error only adds its hint."""
        try:
            self._unlock(info)
        except KiamoIacError as also:
            if isinstance(error, KiamoIacError):
                error.hint = "; ".join(filter(None, (error.hint, also.hint)))


def backup_of(environment: str, root: Path, environ: Mapping[str, str]) -> LocalBackup:
    """The local backup of a remote ledger."""
    return LocalBackup(RootedFile.below(root, backup_file_of(environment)), environ)

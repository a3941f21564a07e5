"""The ledger somewhere else: a lock, a compare-and-swap, and writes that are gathered for a few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final, Protocol

from kiamo_iac.core.errors import KiamoIacError, LedgerError, TransportError
from kiamo_iac.ledger.backup import LocalBackup
from kiamo_iac.ledger.content import AppliedPlan, Content, Put, Record
from kiamo_iac.ledger.document import RemoteContent
from kiamo_iac.ledger.errors import write_error
from kiamo_iac.ledger.lock import LockInfo

INTERVAL: Final = 3.0
"""Seconds between two writes, at least; and ten times as long as a write takes."""
_WAITS: Final = (1.0, 4.0, None)
"""Before a write that has to succeed is tried again after a passing trouble."""


class RemoteBackend(Protocol):
    """One place that keeps the ledger of one environment. Every call may raise LedgerError or ApiError."""

    @property
    def shown(self) -> str:
        """Its name in messages; no password in it."""

    def lock(self, info: LockInfo, *, timeout: float) -> None:
        """Take the lock, after `timeout` seconds of waiting at most.

        Raises:
            LockedError: another run holds it.
        """

    def unlock(self) -> None:
        """Give the lock back."""

    def lock_info(self) -> LockInfo | None:
        """Who holds the lock at this moment, or None."""

    def break_lock(self, info: LockInfo) -> None:
        """Take the lock away from `info`, and from nobody else."""

    def read(self) -> RemoteContent | None:
        """What it holds, or None."""

    def write(self, content: Content, *, expected: str | None) -> str | None:
        """Write `content` where the revision is still `expected` (None: where there is nothing), or where this very
        content has arrived already. The new revision, or None: somebody else has written, and nothing was overwritten.
        """


class RemoteStore:
    """Gathers records, and writes the ledger from a thread of its own: no step waits for it."""

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
        self._from_backup = from_backup
        self._interval = interval
        self._pause = pause
        self._waiting: list[Record] = []
        self._unwritten: list[Record] = []
        self._lost = False
        self._next = 0.0
        self._closing = False
        self._wake = threading.Condition()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def append(self, records: Sequence[Record], /) -> None:
        """Take these; they are written soon."""
        with self._wake:
            self._waiting.extend(records)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
                self._thread.start()
            self._wake.notify()

    def flush(self) -> None:
        """Write everything that was taken.

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
        """Nothing: each write is of the whole ledger. What the remote keeps of former ones is not this tool's."""

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
            with suppress(KiamoIacError):  # it is tried again, and told of at the end
                self._write()

    @property
    def _dirty(self) -> bool:
        return bool(self._waiting or self._unwritten) and not self._lost

    def _write(self) -> None:
        with self._writing:
            with self._wake:
                taken, self._waiting = self._waiting, []
            for record in taken:
                self._content.apply(record)
            self._unwritten.extend(taken)
            if not self._unwritten and not self._from_backup:
                return
            begun = monotonic()
            try:
                revision = None if self._lost else self._remote.write(self._content, expected=self._revision)
            finally:
                ended = monotonic()
                self._next = ended + max(self._interval, 10 * (ended - begun))
            if revision is None:
                self._lost = True
                msg = "somebody else has written it since it was read, and nothing of that was overwritten"
                raise LedgerError(msg)
            self._revision = revision
            self._unwritten.clear()
            self._backup.remove()
            self._from_backup = False

    def _failed(self, error: KiamoIacError) -> LedgerError:
        """The error for what could not be written. Where nothing had been applied yet, there is nothing to backup."""
        with self._writing:
            applied = any(not _is_intent(record) for record in self._unwritten)
            path = self._backup.save(self._content, base_revision=self._revision) if applied else None
            return write_error(self._remote.shown, str(error), records=self._unwritten, backup=path, hint=error.hint)


def _is_intent(record: Record) -> bool:
    return isinstance(record, AppliedPlan) or (isinstance(record, Put) and record.owned.remote_id is None)

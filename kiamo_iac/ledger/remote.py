"""The ledger somewhere else: a lock, a compare-and-swap, and writes that are gathered for a few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Final, Protocol

from kiamo_iac.core.errors import KiamoIacError, LedgerError, TransportError
from kiamo_iac.ledger.content import Content, Put, Record, Spend
from kiamo_iac.ledger.document import document_text
from kiamo_iac.ledger.holder import Holder
from kiamo_iac.ledger.unsaved import unsaved

if TYPE_CHECKING:
    from kiamo_iac.ledger.rescue import Rescue

INTERVAL: Final = 3.0
"""Seconds between two writes, at least; and ten times as long as a write takes."""
_WAITS: Final = (1.0, 4.0, None)
"""Before a write that has to succeed is tried again after a passing trouble."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a remote holds."""

    content: Content
    revision: str
    """Changes whenever the content does."""


class Remote(Protocol):
    """One place that keeps the ledger of one environment. Every call may raise LedgerError or ApiError."""

    @property
    def shown(self) -> str:
        """Its name in messages; no password in it."""

    def lock(self, holder: Holder, *, timeout: float) -> None:
        """Take the lock, after `timeout` seconds of waiting at most.

        Raises:
            LockedError: another run holds it.
        """

    def unlock(self) -> None:
        """Give the lock back."""

    def holder(self) -> Holder | None:
        """Who holds the lock at this moment, or None."""

    def break_lock(self, holder: Holder) -> None:
        """Take the lock away from `holder`, and from nobody else."""

    def read(self) -> Found | None:
        """What it holds, or None."""

    def write(self, content: Content, *, expected: str | None) -> str | None:
        """Write `content` where the revision is still `expected` (None: where there is nothing), or where this very
        content has arrived already. The new revision, or None: somebody else has written, and nothing was overwritten.
        """


def revision_of(content: Content) -> str:
    """A digest of all that a ledger says."""
    return sha256(document_text(content).encode()).hexdigest()


class RemoteStore:
    """Gathers records, and writes the ledger from a thread of its own: no step waits for it."""

    def __init__(
        self,
        remote: Remote,
        content: Content,
        *,
        revision: str | None,
        rescue: Rescue,
        rescued: bool = False,
        interval: float = INTERVAL,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """`content` is what `remote` holds at `revision`; `rescued`: it is what `rescue` holds, and has to go there."""
        self._remote = remote
        self._content = content.copy()
        self._revision = revision
        self._rescue = rescue
        self._rescued = rescued
        self._interval = interval
        self._pause = pause
        self._waiting: list[Record] = []
        self._unsaved: list[Record] = []
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
            LedgerError: it could not be written; the whole ledger is in a rescue copy, if anything had been applied.
        """
        for wait in _WAITS:
            try:
                self._write()
            except KiamoIacError as error:
                if wait is None or not isinstance(error, TransportError):
                    raise self._saved_here(error) from error
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
        return bool(self._waiting or self._unsaved) and not self._lost

    def _write(self) -> None:
        with self._writing:
            with self._wake:
                taken, self._waiting = self._waiting, []
            for record in taken:
                self._content.apply(record)
            self._unsaved.extend(taken)
            if not self._unsaved and not self._rescued:
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
            self._unsaved.clear()
            self._rescue.drop()
            self._rescued = False

    def _saved_here(self, error: KiamoIacError) -> LedgerError:
        """The error for what could not be written. Where nothing had been applied yet, there is nothing to rescue."""
        with self._writing:
            applied = any(not _is_intent(record) for record in self._unsaved)
            path = self._rescue.save(self._content, follows=self._revision) if applied else None
            return unsaved(self._remote.shown, str(error), records=self._unsaved, rescue=path, hint=error.hint)


def _is_intent(record: Record) -> bool:
    return isinstance(record, Spend) or (isinstance(record, Put) and record.owned.remote_id is None)

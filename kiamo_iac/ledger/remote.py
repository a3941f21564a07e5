"""The ledger somewhere else: a lock, a compare-and-swap, and writes that are gathered for a few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic
from time import time as wall_clock  # it goes on while a machine sleeps
from typing import Final, Protocol

from kiamo_iac.core.errors import Interrupted, KiamoIacError, LedgerError, LockedError, TransportError
from kiamo_iac.ledger.backup import LocalBackup, backup_of
from kiamo_iac.ledger.content import Content, LedgerIdentity, LedgerRecord, Put, is_intent
from kiamo_iac.ledger.document import RemoteContent
from kiamo_iac.ledger.errors import write_error
from kiamo_iac.ledger.ledger import Ledger, closing_store
from kiamo_iac.ledger.lock import LockInfo, LostLockError, checked_id
from kiamo_iac.ledger.opening import LedgerContext

INTERVAL: Final = 2.0
"""Seconds between two writes; as long as a write takes, where that is more."""
PATIENCE: Final = 6.0
"""Seconds that a run goes on while the ledger cannot be written: an outage may pass."""
CHECK: Final = 15.0
"""Seconds after the last write after which a run asks whether it still holds its lock, before it goes on."""
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

    @property
    def source(self) -> str | None:
        """Where the content that was read is, if the next write moves it."""

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
    """Collects records, and writes the ledger in a background thread, so that no step waits for it.

    The run learns at once of a ledger that it may not write any more (`watch`): its lock is lost, another run has
    written it, or its server refuses. An outage may last for `PATIENCE` seconds.
    """

    def __init__(
        self,
        remote: RemoteBackend,
        content: Content,
        *,
        revision: str | None,
        backup: LocalBackup,
        held: LockInfo | None = None,
        from_backup: bool = False,
        interval: float | None = None,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """`content`: what `remote` holds at `revision`; with `from_backup`, what `backup` holds. `held`: the info of
        the lock of this run, which `check` asks `remote` for. `pause`: waits that many seconds between two attempts;
        once it returns something true, there is no other attempt."""
        self._remote = remote
        self._content = content.copy()
        self._revision = revision
        self._backup = backup
        self._held = held
        self._changed = from_backup
        """Whether the content differs from that of `remote` without any record."""
        self._interval = INTERVAL if interval is None else interval
        self._pause = pause
        self._waiting: list[LedgerRecord] = []
        self._unwritten: list[LedgerRecord] = []
        self._ended: KiamoIacError | None = None
        """Why this run writes no more: the lock is lost, or another run has written."""
        self._failure: LedgerError | None = None
        """Why the run has to end."""
        self._on_failure: Callable[[LedgerError], object] = lambda _: None
        self._failing_since: float | None = None
        self._confirmed = wall_clock()
        """When the lock was last known to be held."""
        self._next = 0.0
        self._closing = False
        self._wake = threading.Condition()
        self._writing = threading.RLock()
        self._thread: threading.Thread | None = None

    @property
    def lost(self) -> bool:
        """Whether the lock is not this run's any more."""
        return isinstance(self._ended, LostLockError)

    def watch(self, on_failure: Callable[[LedgerError], object]) -> None:
        """Call `on_failure`, from any thread, once the run has to end because its ledger cannot be written."""
        self._on_failure = on_failure

    def append(self, records: Sequence[LedgerRecord], /) -> None:
        """Add records; the thread writes them soon."""
        with self._wake:
            self._waiting.extend(records)
            self._start()
            self._wake.notify()

    def check(self) -> None:
        """Return if the run may write on: its lock is held. After a pause, `remote` is asked.

        Raises:
            LedgerError: it is not, or `remote` cannot be asked.
        """
        with self._wake:
            self._start()
        if self._failure is None and self._is_stale:
            with self._writing:
                try:
                    self._confirm()
                except KiamoIacError as error:
                    self._fail(error)
        if self._failure is not None:
            raise self._failure

    def flush(self) -> None:
        """Write all records.

        Raises:
            LedgerError: it could not be written; the whole ledger is in a local backup, if anything had been applied.
        """
        for wait in _WAITS:
            try:
                self._write()
            except KiamoIacError as error:
                if wait is None or not isinstance(error, TransportError) or self._pause(wait):
                    raise self._failed(error) from error
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

    @property
    def _is_stale(self) -> bool:
        """Whether the lock may have been lost in the meantime."""
        return abs(wall_clock() - self._confirmed) >= CHECK

    def _start(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while self._wait_for_work():
            try:
                self._write()
                with self._writing:
                    self._confirm()
                self._failing_since = None
            except TransportError as error:  # it is tried again
                self._next = monotonic() + self._interval
                if self._failing_since is None:
                    self._failing_since = monotonic()
                elif monotonic() - self._failing_since >= PATIENCE:
                    self._fail(error)
            except KiamoIacError as error:
                self._fail(error)

    def _wait_for_work(self) -> bool:
        """Wait until there are records to write, or the lock to ask for; False: this store is closed, or has failed."""
        with self._wake:
            while not self._closing and self._failure is None:
                left = self._next - monotonic()
                if not (self._waiting or self._unwritten):
                    left = max(left, CHECK - abs(wall_clock() - self._confirmed))
                if left <= 0:
                    return True
                self._wake.wait(left)
            return False

    def _write(self) -> None:
        with self._writing:
            self._take()
            if self._ended is not None:
                raise self._ended
            if not self._unwritten and not self._changed:
                return
            begun = monotonic()
            try:
                revision = self._remote.write(self._content, expected=self._revision)
            except LostLockError as error:
                self._ended = error
                raise
            finally:
                ended = monotonic()
                self._next = ended + max(self._interval, ended - begun)
            if revision is None:
                self._ended = LedgerError("another run has written it since it was read; nothing was overwritten")
                raise self._ended
            self._confirmed = wall_clock()
            self._revision = revision
            self._unwritten.clear()
            self._backup.remove()
            self._changed = False

    def _take(self) -> None:
        with self._wake:
            new, self._waiting = self._waiting, []
        for record in new:
            self._content.apply(record)
        self._unwritten.extend(new)

    def _confirm(self) -> None:
        """Ask `remote` who holds the lock, unless that is known.

        Raises:
            LostLockError: another run, or none.
            LedgerError, ApiError: it cannot be asked.
        """
        if not self._is_stale:
            return
        asked = wall_clock()
        if self._held is not None:
            holder = self._remote.lock_info()
            if holder is None or holder.id not in {"", self._held.id}:  # a server may leave the id out
                self._ended = LostLockError.by(holder)
                raise self._ended
        self._confirmed = asked

    def _fail(self, error: KiamoIacError) -> None:
        """End the run: no further step may be made."""
        if self._failure is None:
            self._failure = self._failed(error)
            self._failure.__cause__ = error
            self._on_failure(self._failure)

    def _failed(self, error: KiamoIacError) -> LedgerError:
        """The error for what could not be written. No backup is needed if nothing was applied yet."""
        with self._writing:
            self._take()
            applied = any(not is_intent(record) for record in self._unwritten)
            path = self._backup.save(self._content, base_revision=self._revision) if applied else None
            return write_error(self._remote.shown, str(error), records=self._unwritten, backup=path, hint=error.hint)


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
        interruption = self._context.interruption
        interruption.release_hint = info.how_to_release(self._context.environment)
        try:
            self._remote.lock(info, timeout=timeout)
        except (LockedError, Interrupted):
            interruption.release_hint = None
            raise
        store: RemoteStore | None = None
        try:
            interruption.check()
            ledger, store = self._open(info)
            with closing_store(store):
                yield ledger
        except BaseException as error:
            if store is not None and store.lost:
                interruption.release_hint = None
            else:
                self._unlock_after(error, info)
            raise
        self._unlock(info)

    def read(self) -> Ledger:
        """The ledger as it is now, read-only.

        Raises:
            LedgerError, ApiError: it cannot be read.
        """
        there = self._remote.read()
        found, from_backup = self._backup.resolve(there, environment=self._context.expected_environment)
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

    def _open(self, info: LockInfo) -> tuple[Ledger, RemoteStore]:
        remote, backup = self._remote, self._backup
        there = remote.read()
        found, from_backup = backup.resolve(there, environment=self._context.expected_environment)
        if from_backup and remote.source is not None:
            msg = f"The ledger {remote.source} has a local backup {backup.path.as_posix()}, which is not written yet."
            raise LedgerError(msg, hint="restore it first: run apply with the name of the project as it was")
        content = found.content if found is not None else Content.of(self._context.identity)
        revision = there.revision if there is not None else None
        store = RemoteStore(
            remote,
            content,
            revision=revision,
            backup=backup,
            held=info,
            from_backup=from_backup,
            pause=self._context.interruption.stop.wait,
        )
        if from_backup:
            store.flush()
            self._context.notify(backup.restored(content, there, shown=remote.shown, now=True))
        if there is not None and there.content.exposed and self._context.moving is None:
            kept = content.entries
            store.append([Put(kept[address]) for address in sorted(there.content.exposed) if address in kept])
        found_one = found is not None
        return Ledger(content, found=found_one, where=remote.shown, store=store, source=remote.source), store

    def _unlock(self, info: LockInfo) -> None:
        try:
            self._remote.unlock()
            self._context.interruption.release_hint = None
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
            if not isinstance(error, KiamoIacError):
                raise also from error
            error.hint = "; ".join(filter(None, (error.hint, also.hint)))

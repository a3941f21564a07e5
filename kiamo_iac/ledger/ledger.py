"""The open ledger of one environment: the managed resources, and how they change while a plan is applied."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import KiamoIacError, LedgerError
from kiamo_iac.core.sensitive import hidden_at, masked_paths
from kiamo_iac.core.state import Owned, Ownership
from kiamo_iac.ledger.content import AppliedPlan, Content, Forget, LedgerIdentity, LedgerRecord, Put
from kiamo_iac.ledger.lock import utc_now


class LedgerStore(Protocol):
    """Keeps records. One thread at a time calls it."""

    def append(self, records: Sequence[LedgerRecord], /) -> None:
        """Keep these, now or soon.

        Raises:
            LedgerError: that is not possible.
        """

    def watch(self, on_failure: Callable[[LedgerError], object], /) -> None:
        """Call `on_failure`, from any thread, once the run has to end because nothing more can be kept."""

    def check(self) -> None:
        """Return if the run may write on: the lock is held.

        Raises:
            LedgerError: it is not, or that cannot be established.
        """

    def flush(self) -> None:
        """Keep everything by the time this returns.

        Raises:
            LedgerError: something could not be kept; the message names it, and the local backup.
        """

    def claim(self, identity: LedgerIdentity, /) -> None:
        """Keep whose the ledger is, now or with the next flush.

        Raises:
            LedgerError: that is not possible.
        """

    def compact(self) -> None:
        """Keep nothing that a later record replaced, by the time this returns or soon.

        Raises:
            LedgerError: as `flush`.
        """

    def close(self) -> None:
        """Flush, and close what was open.

        Raises:
            LedgerError: as `flush`.
        """


@contextmanager
def closing_store(store: LedgerStore) -> Iterator[None]:
    """Close `store` at the end. After an error, one of closing only adds its hint.

    Raises:
        LedgerError: as `LedgerStore.close`.
    """
    try:
        yield
    except BaseException as error:
        try:
            store.close()
        except KiamoIacError as also:
            if isinstance(error, KiamoIacError) and also.hint not in {None, error.hint}:
                error.hint = "; ".join(filter(None, (error.hint, also.hint)))
        raise
    store.close()


class ReadOnlyStore:
    """Of a ledger that was only read."""

    def append(self, _records: Sequence[LedgerRecord], /) -> None:
        """
        Raises:
            RuntimeError: always; a ledger is written under its lock.
        """
        msg = "a ledger that was read without its lock is not written"
        raise RuntimeError(msg)

    def watch(self, _on_failure: Callable[[LedgerError], object], /) -> None:
        """Nothing."""

    def check(self) -> None:
        """
        Raises:
            RuntimeError: always, as `append`.
        """
        self.append(())

    def flush(self) -> None:
        """Nothing."""

    def claim(self, _identity: LedgerIdentity, /) -> None:
        """
        Raises:
            RuntimeError: always, as `append`.
        """
        self.append(())

    def compact(self) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Ledger:
    """The managed resources. Thread-safe."""

    def __init__(
        self,
        content: Content,
        *,
        found: bool,
        where: str,
        store: LedgerStore | None = None,
        source: str | None = None,
        clock: Callable[[], str] = utc_now,
    ) -> None:
        """`store` keeps the changes; None: the ledger is read-only."""
        self.found = found
        """Whether there was a ledger at all; without one, nothing is pruned."""
        self.where = where
        """What keeps it, as messages name it."""
        self.source = source
        """Where it is until the next write, if it is being moved to `where`."""
        self._content = content
        self._store = store or ReadOnlyStore()
        self._clock = clock
        self._lock = threading.Lock()
        self._gathered: list[LedgerRecord] | None = None
        """Within `together`: what is not in the store yet."""
        self._hides = False
        """Whether what was kept has made a setting sensitive, whose former value the store still has."""

    @property
    def owned(self) -> Ownership:
        """The managed resources at this moment."""
        with self._lock:
            return MappingProxyType(dict(self._content.entries))

    def entry(self, address: Address) -> Owned | None:
        """The managed resource at `address` at this moment; `owned` copies all of them."""
        with self._lock:
            return self._content.entries.get(address)

    @property
    def serial(self) -> int:
        """Grows with every change."""
        with self._lock:
            return self._content.serial

    @property
    def identity(self) -> LedgerIdentity:
        """Whose it is."""
        with self._lock:
            return self._content.identity

    def claim(self, identity: LedgerIdentity) -> None:
        """Record whose it is from now on; durable with the next flush. No effect where it says so already.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        with self._lock:
            if self._content.identity != identity:
                self._content.claim(identity)
                self._store.claim(identity)

    def watch(self, on_failure: Callable[[LedgerError], object]) -> None:
        """Call `on_failure`, from any thread, once the run has to end because its ledger cannot be written any more."""
        self._store.watch(on_failure)

    def check(self) -> None:
        """Return if the run may write on the instance: the lock of the ledger is held. To be called before each write;
        it is nearly always free.

        Raises:
            LedgerError: the lock is lost, or that cannot be established; no further write may be made.
        """
        self._store.check()

    def intend(self, entries: Iterable[Owned]) -> None:
        """Record what a run is about to create or change, before the first write, so that a crash loses nothing. Of
        what is to be created there is no id yet. All of it is written at once, and durable when this returns.

        Raises:
            LedgerError: the ledger cannot be written; then no write may be made.
        """
        with self._lock:
            self._keep([Put(entry) for entry in entries])
            self._store.flush()

    def record(self, entry: Owned) -> None:
        """Record a managed resource as it is now.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        with self._lock:
            self._keep([Put(entry)])

    def readdress(self, moves: Mapping[Address, Address]) -> None:
        """Move entries to other addresses, all at once: former address → new one. What is not moved, and is at a new
        address, is replaced.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        with self._lock:
            known = self._content.entries
            entries = [replace(known[old], address=new) for old, new in moves.items()]
            now = {entry.address for entry in entries}
            self._keep([*map(Put, entries), *(Forget(old) for old in moves if old not in now)])

    def forget(self, address: Address) -> None:
        """Remove a resource: it is deleted, or no longer managed. No effect when it was not managed.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        with self._lock:
            if address in self._content.entries:
                self._keep([Forget(address)])

    def mark_applied(self, digest: str) -> None:
        """Record that a saved plan is applied, durably when this returns.

        Raises:
            LedgerError: the ledger cannot be written; then the plan may not be applied.
        """
        with self._lock:
            self._keep([AppliedPlan(digest, self._clock())])
            self._store.flush()

    def was_applied(self, digest: str) -> bool:
        """Whether that saved plan is among the last 200 that were applied."""
        with self._lock:
            return digest in self._content.applied_plans

    def flush(self) -> None:
        """Write everything that was recorded.

        Raises:
            LedgerError: the ledger cannot be written; the message lists what was applied.
        """
        with self._lock:
            self._store.flush()

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is recorded meanwhile is written at once, at the end.

        Raises:
            LedgerError: the ledger cannot be written.
        """
        gathered: list[LedgerRecord] = []
        with self._lock:
            self._gathered = gathered
        try:
            yield
        finally:
            with self._lock:
                self._gathered = None
                self._append(gathered)

    def _keep(self, records: list[LedgerRecord]) -> None:
        known = self._content.entries
        self._hides = self._hides or any(
            _hides(known.get(r.owned.address), r.owned) for r in records if isinstance(r, Put)
        )
        for record in records:
            self._content.apply(record)
        if self._gathered is not None:
            self._gathered += records
        else:
            self._append(records)

    def _append(self, records: list[LedgerRecord]) -> None:
        if records:
            self._store.append(records)
        if self._hides:
            self._hides = False
            self._store.compact()


def _hides(before: Owned | None, now: Owned) -> bool:
    """Whether a setting has become sensitive, and the ledger has its former value."""
    settings = before.attributes.get("settings") if before is not None else None
    if not isinstance(settings, Mapping):
        return False
    known = masked_paths(settings)
    hidden = [path for path in masked_paths(now.attributes.get("settings")) if path not in known]
    return hidden_at(settings, hidden) is not settings

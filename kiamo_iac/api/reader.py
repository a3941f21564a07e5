"""The live state of an instance, as far as a desired state needs it; its lists are read in parallel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Final, NamedTuple, Self

from kiamo_iac.api.client import Client
from kiamo_iac.api.listing import listed_rows, read_row, unread
from kiamo_iac.api.scope import concerns_below, read_everywhere, referred_to, resources_named_by
from kiamo_iac.api.state_builder import IsWanted, StateBuilder
from kiamo_iac.api.vanished import LedgerIds
from kiamo_iac.api.wire import Decoder, LiveRow
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.packed_state import PackedChildren
from kiamo_iac.core.printable import printable, quote
from kiamo_iac.core.resource import Resource, is_temporary
from kiamo_iac.core.runtime import result_of, take_from
from kiamo_iac.core.state import Ownership, RemoteId, ResourceState, State
from kiamo_iac.resources import kinds

PARALLELISM: Final = 10
"""Reads in flight at a time, unless set otherwise."""


@dataclass(frozen=True, slots=True)
class LiveRead:
    """What was read."""

    state: State
    """Everything of the kinds that are listed whole; below parents, what the desired state concerns."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Warnings on what was found."""


_Concerns = Callable[[type[Resource], ResourceState], bool]
"""Whether the objects of a kind below a parent are to be read."""


class _Job(NamedTuple):
    """One list below one parent."""

    kind: type[Resource]
    parent: ResourceState


def read(client: Client, contract: Contract, desired: State, *, parallelism: int = PARALLELISM) -> LiveRead:
    """The live state that `desired` concerns.

    One list of each kind without a parent; then, for every parent that `desired` names (also by a former name) and that
    exists, one list of each kind below it. So with the packaged contract exactly 2 + 2 × bases calls. When `desired`
    deletes an object that others refer to from below any parent (a service of batches), those are read below all
    parents.

    Raises:
        ApiError: a call failed, a response is not what the contract describes, or live names clash in Unicode NFC.
    """
    with StateReader(client, contract, parallelism=parallelism) as reader:
        return reader.finish(desired)


_SETTINGS: Final = "settings"


def _is_shown(row: LiveRow, key: str) -> bool:
    if key.startswith("settings."):
        return key.removeprefix("settings.") in row.settings
    return key in row.attributes or key in row.extras


class StateReader:
    """Reads in two steps: `start` for the lists that are always needed, `finish` for those of a desired state."""

    def __init__(self, client: Client, contract: Contract, *, parallelism: int = PARALLELISM) -> None:
        self._client = client
        self._contract = contract
        self._parallelism = parallelism
        self._pool = ThreadPoolExecutor(parallelism, thread_name_prefix="read")
        self._stopped = threading.Event()
        self._readable = [
            kind
            for kind in kinds().values()
            if kind.kind in contract.kinds and "list" in contract.kinds[kind.kind].operations
        ]
        self._decoders = {kind.kind: Decoder(contract, kind) for kind in self._readable}
        self._whole: dict[str, Future[list[LiveRow]]] = {}
        self._expected: LedgerIds | None = None
        self._wanted: Mapping[tuple[str, str], frozenset[str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Make no further call; what is in flight ends by itself."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def start(self) -> None:
        """Begin to read the lists that are always needed, and return at once: manifests are parsed meanwhile."""
        for kind in self._readable:
            if kind.kind not in self._whole and not self._contract.kinds[kind.kind].listed_by_parent:
                self._whole[kind.kind] = self._pool.submit(self._rows, kind, None)

    def finish(self, desired: State, *, owned: Ownership | None = None, prune: bool = False) -> LiveRead:
        """The live state that `desired` and `owned` concern. `prune`: what is owned and not declared is deleted.

        Raises:
            ApiError: as `read`.
        """
        wanted = resources_named_by(desired, owned or {}, prune=prune)
        self._wanted = wanted.attributes
        if owned:
            self._expected = LedgerIds(owned, desired, prune=prune)
        builder = self._read_tops()
        everywhere = read_everywhere(wanted, builder.live_names(), self._contract)

        def concerns(kind: type[Resource], parent: ResourceState) -> bool:
            above = parent.kind.kind
            return (
                kind.kind in everywhere
                or identity(parent.name) in wanted.names[above]
                or parent.remote_id in wanted.ids[above]
                or is_temporary(identity(parent.name), wanted.names[above])
            )

        def is_wanted(kind: type[Resource], name: str, ids: Collection[RemoteId], parent: ResourceState | None) -> bool:
            above = parent.address if parent is not None else None
            if everywhere or not wanted.ids[kind.kind].isdisjoint(ids):
                return True
            if any(one.address.name in wanted.names[one.kind.kind] for one in builder.referring(kind, name, above)):
                return True
            if parent is not None:
                return concerns_below(parent, kind, name, desired, owned or {}, prune=prune)
            return name in wanted.names[kind.kind] | referred_to(desired, kind.kind)

        return self._below(builder, concerns, is_wanted)

    def whole(
        self,
        concerns: Callable[[Address], bool] = lambda _: True,
        *,
        owned: Ownership | None = None,
        change: Callable[[ResourceState], ResourceState] = lambda resource: resource,
    ) -> LiveRead:
        """The live state of the whole instance, or of what is below the parents for whose address `concerns` is true.
        `owned`: what is managed there.

        With the packaged contract 2 + 2 × bases calls. What is below a parent goes into a store as soon as it is read,
        as `change` makes it: the values that this hides stay in memory.

        Raises:
            ApiError: as `read`.
        """
        if owned:
            self._expected = LedgerIds(owned, State(), prune=False)
        self._decoders = {kind.kind: Decoder(self._contract, kind, intern=False) for kind in self._readable}
        builder = self._read_tops(PackedChildren(), change)
        return self._below(builder, lambda _, parent: concerns(parent.address), lambda *clash: clash[-1] is not None)

    def _read_tops(
        self,
        below: PackedChildren | None = None,
        change: Callable[[ResourceState], ResourceState] = lambda resource: resource,
    ) -> StateBuilder:
        """Everything of the kinds without a parent."""
        self.start()
        builder = StateBuilder(self._contract, below=below, change=change)
        for kind in self._readable:
            if kind.parent is None:
                builder.add(kind, None, self._completed(kind, None, self._whole_rows(kind)))
        builder.settle(None)
        return builder

    def _whole_rows(self, kind: type[Resource]) -> list[LiveRow]:
        """All objects of a kind that is listed whole; read again where there are none, and the ledger has some."""
        rows = result_of(self._whole.pop(kind.kind))
        if rows or self._expected is None or not self._expected.expects_any(kind):
            return rows
        rows = self._rows(kind, None)
        if not rows and kind.parent is None:
            raise self._expected.refuse(kind)
        return rows

    def _below(self, builder: StateBuilder, concerns: _Concerns, is_wanted: IsWanted) -> LiveRead:
        for level in self._levels():
            self._read_level(level, builder, concerns)
        return LiveRead(builder.state(is_wanted), (*builder.diagnostics(), *self._unlisted()))

    def _unlisted(self) -> Iterator[Diagnostic]:
        """A warning for each value that the contract does not list, or that is of another type: it is read as it is."""
        for kind, decoder in self._decoders.items():
            for (attribute, got), name in sorted(decoder.mistyped.items()):
                yield Diagnostic(
                    "KIA0424",
                    f'the {attribute} of a {kind} ("{printable(name, 60)}") must be a string, got {got}',
                    Severity.WARNING,
                    hint=f"correct it there, or kinds.{kind}.attributes.{attribute} of {self._contract.origin}",
                )
            for (attribute, value), name in sorted(decoder.unlisted.items()):
                yield Diagnostic(
                    "KIA0423",
                    f'the contract does not list the {attribute} {quote(value)} of a {kind} ("{printable(name, 60)}")',
                    Severity.WARNING,
                    hint=f"add its meaning to kinds.{kind}.attributes.{attribute}.values of {self._contract.origin}",
                )

    def _levels(self) -> Iterator[list[type[Resource]]]:
        """The kinds with a parent, level by level from the top."""
        above = {kind.kind for kind in self._readable if kind.parent is None}
        while level := [kind for kind in self._readable if kind.parent in above]:
            yield level
            above = {kind.kind for kind in level}

    def _read_level(self, level: Sequence[type[Resource]], builder: StateBuilder, concerns: _Concerns) -> None:
        unread: dict[Address, int] = {}
        """Parent → how many of its lists are still to come."""
        with closing(self._gather(self._jobs(level, builder, concerns, unread))) as gathered:
            for job, rows in gathered:
                builder.add(job.kind, job.parent, rows)
                unread[job.parent.address] -= 1
                if not unread[job.parent.address]:
                    del unread[job.parent.address]
                    builder.settle(job.parent.address)

    def _jobs(
        self, level: Sequence[type[Resource]], builder: StateBuilder, concerns: _Concerns, unread: dict[Address, int]
    ) -> Iterator[_Job]:
        """The lists of a level that are read parent by parent. Lists of all parents are split, and added, meanwhile."""
        split = {
            kind: self._by_parent(kind, builder)
            for kind in level
            if not self._contract.kinds[kind.kind].listed_by_parent
        }
        for above in dict.fromkeys(kinds()[kind.parent or ""] for kind in level):
            for parent in builder.of(above):
                wanted = [kind for kind in level if kind.parent == above.kind and concerns(kind, parent)]
                jobs = [_Job(kind, parent) for kind in wanted if kind not in split]
                for kind in wanted:
                    if kind in split:
                        rows = split[kind].pop(parent.remote_id, [])
                        builder.add(kind, parent, self._completed(kind, parent, rows))
                if jobs:
                    unread[parent.address] = len(jobs)
                    yield from jobs
                else:
                    builder.settle(parent.address)

    def _by_parent(self, kind: type[Resource], builder: StateBuilder) -> dict[RemoteId | None, list[LiveRow]]:
        """One list of the children of all parents, split by parent."""
        by_parent: dict[RemoteId | None, list[LiveRow]] = {}
        for row in self._whole_rows(kind):
            by_parent.setdefault(row.parent_id, []).append(row)
        builder.note_orphans(kind, by_parent)
        return by_parent

    def _rows(self, kind: type[Resource], parent: ResourceState | None) -> list[LiveRow]:
        parent_id = parent.remote_id if parent is not None else None
        return listed_rows(self._client, kind.kind, parent_id, decoder=self._decoders[kind.kind])

    def _rows_below(self, job: _Job) -> list[LiveRow]:
        rows = self._rows(job.kind, job.parent)
        if rows or self._expected is None or not self._expected.expects_below(job.kind, job.parent):
            return self._completed(job.kind, job.parent, rows)
        return self._completed(job.kind, job.parent, self._rows(job.kind, job.parent))

    def _completed(self, kind: type[Resource], parent: ResourceState | None, rows: list[LiveRow]) -> list[LiveRow]:
        """The rows of a list, each that lacks something declared as a read of the object shows it: a list may show less
        than a read, and that must not pass for a difference."""
        stanza = self._contract.kinds[kind.kind]
        if "read" not in stanza.operations or not self._wanted:
            return rows
        known = stanza.attributes.keys() | {_SETTINGS}
        ids = {kind.parent: parent.remote_id} if kind.parent and parent and parent.remote_id is not None else {}
        missing: set[RemoteId] = set()
        for number, row in enumerate(rows):
            wanted = self._wanted.get((kind.kind, identity(row.name)))
            if not wanted or all(_is_shown(row, key) or key.partition(".")[0] not in known for key in wanted):
                continue
            found = read_row(self._client, kind.kind, row.remote_id, ids, decoder=self._decoders[kind.kind])
            if found is None:
                missing.add(row.remote_id)
            else:
                found.parent_id = found.parent_id if found.parent_id is not None else row.parent_id
                rows[number] = found
        if not missing:
            return rows
        still_listed = {row.remote_id for row in self._rows(kind, parent)} & missing
        if still_listed:
            raise unread(self._client, kind.kind, min(still_listed, key=str))
        return [row for row in rows if row.remote_id not in missing]

    def _gather(self, jobs: Iterator[_Job]) -> Generator[tuple[_Job, list[LiveRow]], None, None]:
        """Every job with its rows, as they come; the first failure ends it and is raised.

        At most twice as many as are in flight are taken from `jobs` before their rows are taken from here.
        """
        todo: SimpleQueue[_Job | None] = SimpleQueue()
        done: SimpleQueue[tuple[_Job, list[LiveRow] | Exception]] = SimpleQueue()
        workers = ahead = 0
        try:
            while True:
                for job in islice(jobs, 2 * self._parallelism - ahead):
                    todo.put(job)
                    ahead += 1
                    if workers < self._parallelism:
                        self._pool.submit(self._work, todo, done.put)
                        workers += 1
                if not ahead:
                    return
                job, rows = take_from(done)
                ahead -= 1
                if isinstance(rows, Exception):
                    raise rows
                yield job, rows
        finally:
            with suppress(Empty):
                while True:
                    todo.get_nowait()
            for _ in range(workers):
                todo.put(None)

    def _work(
        self, todo: SimpleQueue[_Job | None], put: Callable[[tuple[_Job, list[LiveRow] | Exception]], None]
    ) -> None:
        while not self._stopped.is_set():
            try:
                job = todo.get(timeout=0.5)
            except Empty:
                continue
            if job is None:
                return
            try:
                put((job, self._rows_below(job)))
            except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for it
                put((job, error))
                return

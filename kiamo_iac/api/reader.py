"""The live state of an instance, as far as a desired state needs it; its lists are read in parallel."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Final, NamedTuple, Self

from kiamo_iac.api.client import Client
from kiamo_iac.api.listing import listed_rows
from kiamo_iac.api.scope import read_everywhere, resources_named_by
from kiamo_iac.api.state_builder import StateBuilder
from kiamo_iac.api.vanished import LedgerIds
from kiamo_iac.api.wire import Decoder, LiveRow
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.errors import ApiError
from kiamo_iac.core.resource import Resource
from kiamo_iac.core.runtime import take_from
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
            )

        return self._below(builder, concerns)

    def whole(
        self, concerns: Callable[[Address], bool] = lambda _: True, *, owned: Ownership | None = None
    ) -> LiveRead:
        """The live state of the whole instance, or of what is below the parents for whose address `concerns` is true.
        `owned`: what is managed there.

        With the packaged contract 2 + 2 × bases calls.

        Raises:
            ApiError: as `read`.
        """
        if owned:
            self._expected = LedgerIds(owned, State(), prune=False)
        return self._below(self._read_tops(), lambda _, parent: concerns(parent.address))

    def _read_tops(self) -> StateBuilder:
        """Everything of the kinds without a parent."""
        self.start()
        builder = StateBuilder(self._contract)
        for kind in self._readable:
            if kind.parent is None:
                builder.add(kind, None, self._whole_rows(kind))
        builder.settle()
        return builder

    def _whole_rows(self, kind: type[Resource]) -> list[LiveRow]:
        """All objects of a kind that is listed whole; read again where there are none, and the ledger has some."""
        rows = self._whole[kind.kind].result()
        if rows or self._expected is None or not self._expected.expects_any(kind):
            return rows
        rows = self._rows(kind, None)
        if not rows and kind.parent is None:
            raise self._expected.refuse(kind)
        return rows

    def _below(self, builder: StateBuilder, concerns: _Concerns) -> LiveRead:
        for level in self._levels():
            self._read_level(level, builder, concerns)
        return LiveRead(builder.state(), builder.diagnostics())

    def _levels(self) -> Iterator[list[type[Resource]]]:
        """The kinds with a parent, level by level from the top."""
        above = {kind.kind for kind in self._readable if kind.parent is None}
        while level := [kind for kind in self._readable if kind.parent in above]:
            yield level
            above = {kind.kind for kind in level}

    def _read_level(self, level: Sequence[type[Resource]], builder: StateBuilder, concerns: _Concerns) -> None:
        jobs: list[_Job] = []
        for kind in level:
            parents = [instance for instance in builder.of(kind.parent or "") if concerns(kind, instance)]
            if self._contract.kinds[kind.kind].listed_by_parent:
                jobs += [_Job(kind, instance) for instance in parents]
            else:
                self._distribute(kind, parents, builder)
        for job, rows in self._gather(jobs):
            builder.add(job.kind, job.parent, rows)
        builder.settle()

    def _distribute(self, kind: type[Resource], parents: Iterable[ResourceState], builder: StateBuilder) -> None:
        """Split one list of the children of all parents by parent, for the wanted parents."""
        by_parent: dict[RemoteId | None, list[LiveRow]] = {}
        for row in self._whole_rows(kind):
            by_parent.setdefault(row.parent_id, []).append(row)
        builder.note_orphans(kind, by_parent)
        for parent in parents:
            builder.add(kind, parent, by_parent.get(parent.remote_id, []))

    def _rows(self, kind: type[Resource], parent: ResourceState | None) -> list[LiveRow]:
        parent_id = parent.remote_id if parent is not None else None
        return listed_rows(self._client, kind.kind, parent_id, decoder=self._decoders[kind.kind])

    def _rows_below(self, job: _Job) -> list[LiveRow]:
        rows = self._rows(job.kind, job.parent)
        if rows or self._expected is None or not self._expected.expects_below(job.kind, job.parent):
            return rows
        return self._rows(job.kind, job.parent)

    def _gather(self, jobs: Sequence[_Job]) -> Iterator[tuple[_Job, list[LiveRow]]]:
        """Every job with its rows, as they come; the first failure ends it and is raised."""
        todo = deque(jobs)
        done: SimpleQueue[tuple[_Job, list[LiveRow] | ApiError | Exception]] = SimpleQueue()
        for _ in range(min(self._parallelism, len(jobs))):
            self._pool.submit(partial(self._work, todo, done.put))
        for _ in jobs:
            job, rows = take_from(done)
            if isinstance(rows, Exception):
                todo.clear()
                raise rows
            yield job, rows

    def _work(self, todo: deque[_Job], put: Callable[[tuple[_Job, list[LiveRow] | Exception]], None]) -> None:
        while not self._stopped.is_set():
            try:
                job = todo.popleft()
            except IndexError:
                return
            try:
                put((job, self._rows_below(job)))
            except Exception as error:  # noqa: BLE001 - raised again in the thread that waits for it
                put((job, error))
                return

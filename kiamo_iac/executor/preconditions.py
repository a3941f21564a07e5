"""Before a write: whether everything that the step relies on is as the plan saw it.

    the object that it writes   read every time, against what the plan saw or what this run last wrote
    what it refers to           at most a second old
    a name that must be free    in a list at most a second old, read after this run released the name
    below what this run created not read: no other client can know it yet

A change between this check and the write is not noticed: the API has no conditional writes.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from types import MappingProxyType

from kiamo_iac.api.client import Client
from kiamo_iac.api.wire import references_by
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import ApiError
from kiamo_iac.core.state import RemoteId, ResourceState, State, fingerprint
from kiamo_iac.executor.delivery import Polling
from kiamo_iac.executor.live_lookup import FRESH, MONOTONIC, NEVER, SOON, LiveLookup, ObjectLocation, ParentGoneError
from kiamo_iac.executor.postconditions import Unread, WriteResults, matches_result
from kiamo_iac.executor.report import Outcome
from kiamo_iac.executor.scheduler import Performer
from kiamo_iac.executor.step_errors import (
    add_diagnostic,
    changed,
    contents_of,
    created,
    missing,
    no_longer_empty,
    still_there,
)
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.resources import kinds


class PreconditionCheck:
    """A performer that checks the preconditions of each step before another one writes.

    A difference is a `StaleError`, and nothing is written.
    """

    def __init__(
        self,
        performer: Performer,
        plan: Plan,
        *,
        client: Client,
        contract: Contract,
        live: State,
        recorded: Mapping[Address, RemoteId] = MappingProxyType({}),
        clock: Callable[[], float] = MONOTONIC,
        polling: Polling = Polling(),  # noqa: B008 - frozen
    ) -> None:
        """`live`: the state that `plan` was made of. `recorded`: of resources to create, the ids that the ledger has:
        one that can be read is there, though no list showed it. `polling`: how a read that lags behind a write of
        this run is repeated."""
        self._performer = performer
        self._contract = contract
        self._recorded = recorded
        self._clock = clock
        self._polling = polling
        self._lookup = LiveLookup(client, contract, live, clock=clock)
        checks = Counter(address for step in plan.steps for address in {step.address, *step.seen})
        self._checked_again = {address for address, count in checks.items() if count > 1}
        self._results = WriteResults(plan, self._lookup, contract, read_back=self._checked_again, clock=clock)
        self._planned = {(i.kind.kind, i.remote_id): i for i in live}
        self._checked: dict[Address, float] = {}
        self._claimed: set[Address] = set()
        """What a step is about to check."""
        self._empty: dict[Address, float] = {}
        self._created = {step.address for step in plan.steps if step.action is Action.CREATE}
        self._locks: defaultdict[Address, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()
        self._serial = _serial_lock(plan, contract)

    def perform(self, step: Step) -> Outcome:
        """Check the preconditions of `step`, then perform it.

        Raises:
            StaleError: the object, or one that it refers to, has changed; its diagnostic has both values.
            KiamoIacError: as the other performer.
        """
        with self._serial:
            with _diagnosed(step):
                self._check_references(step)
            with self._lock_of(step.address):
                with _diagnosed(step):
                    self._check_target(step)
                before = self._before(step)
                try:
                    outcome = self._performer.perform(step)
                    self._checked.pop(step.address, None)
                    with _diagnosed(step):
                        self._results.record(step, outcome, before=before)
                except BaseException:
                    self._results.record_failure(step)
                    raise
        return replace(outcome, shown=None)

    def _before(self, step: Step) -> ResourceState | None:
        """The object of a step before its write, as far as it is known."""
        result, location = self._results.result_of(step.address), self._results.location(step.address)
        if result is None:
            return self._planned.get((location.kind, self._results.remote_id(step.address)))
        return result if isinstance(result, ResourceState) else None

    def _check_references(self, step: Step) -> None:
        """At most one call for each collection: a single object is read by id, several in their list."""
        groups: defaultdict[tuple[str, Address | None], list[Address]] = defaultdict(list)
        for address, seen in step.seen.items():
            if address != step.address and seen is not None and self._is_due(address):
                groups[address.collection, address.parent].append(address)
        for addresses in groups.values():
            for address in addresses:
                with self._lock_of(address):
                    if self._age(address) > SOON:  # else another step has checked it while this one waited
                        self._checked[address] = self._check(step, address, from_list=len(addresses) > 1)
                    self._claimed.discard(address)

    def _is_due(self, address: Address) -> bool:
        """Whether a step has to check an object that it refers to: where no check is fresh, or as the first one for
        which it soon is not."""
        if self._age(address) <= SOON:
            return False
        with self._guard:
            if address in self._claimed and self._age(address) <= FRESH:
                return False
            self._claimed.add(address)
            return True

    def _age(self, address: Address) -> float:
        """Seconds since it was read for the last check."""
        return self._clock() - self._checked.get(address, NEVER)

    def _check_target(self, step: Step) -> None:
        if step.action is Action.CREATE:
            self._check_name_is_free(step)
        else:
            self._check(step, step.address, from_list=False)
            if step.action is Action.DELETE and kinds()[step.kind].column and step.risk is not Risk.DATA_LOSS:
                self._check_is_empty(step, step.address.parent)

    def _check_name_is_free(self, step: Step) -> None:
        parent = step.address.parent
        if parent in self._created:
            return
        location = self._results.location(step.address)
        try:
            other = self._lookup.id_of_name(location, since=self._results.name_released_at(step.address))
        except ParentGoneError:
            raise missing(step, parent or step.address) from None
        if other is not None and other != self._results.name_released_by(step.address):
            raise created(step, other)
        recorded = self._recorded.get(step.address)
        if recorded is not None and self._lookup.find(location, recorded) is not None:
            raise still_there(step, recorded)

    def _check(self, step: Step, address: Address, *, from_list: bool) -> float:
        """Compare the object at `address` with what this run last wrote there, else with what the plan saw; returns
        when it was read."""
        results = self._results
        remote_id = results.remote_id(address)
        if remote_id is None:
            return self._clock()  # created in this run by a step whose response has no id; the performer reports that
        location = results.location(address)
        now, read_at = self._read(location, remote_id, from_list=from_list)
        if now is None:
            raise missing(step, address)
        result = results.result_of(address)
        if result is Unread.UNKNOWN:
            return read_at
        if isinstance(result, ResourceState):
            if not matches_result(result, now):
                raise changed(step, address, before=result, now=now)
            return read_at
        seen = step.seen.get(address)
        if seen is not None and fingerprint(now) != seen:
            read_at = NEVER if from_list else self._listed_as(seen, location, remote_id)
        if read_at == NEVER:
            planned = self._planned.get((location.kind, remote_id))
            before = results.hidden(address, planned) if planned is not None else None
            raise changed(step, address, before=before, now=now)
        if step.action is Action.DELETE and step.risk is not Risk.DATA_LOSS and (contents := contents_of(now)):
            raise no_longer_empty(step, contents)
        return read_at

    def _listed_as(self, seen: str, location: ObjectLocation, remote_id: RemoteId) -> float:
        """When an object that is read with more than the plan saw was as before in the list, which may show less; or
        `NEVER`."""
        if "list" not in self._contract.kinds[location.kind].operations:
            return NEVER
        since = self._results.written_at(location.address)
        listed, read_at = self._lookup.find_as_of(location, remote_id, since=since, from_list=True)
        return read_at if listed is not None and fingerprint(listed) == seen else NEVER

    def _check_is_empty(self, step: Step, holder: Address | None) -> None:
        """The data of a column goes with it: what it is a column of had no contents when the plan was made."""
        remote_id = self._results.remote_id(holder) if holder is not None else None
        if holder is None or remote_id is None or self._clock() - self._empty.get(holder, NEVER) <= FRESH:
            return
        now = self._lookup.find(self._results.location(holder), remote_id)
        if now is None:
            raise missing(step, holder)
        if contents := contents_of(now):
            raise no_longer_empty(step, contents, of=holder)
        self._empty[holder] = self._clock()

    def _read(
        self, location: ObjectLocation, remote_id: RemoteId, *, from_list: bool
    ) -> tuple[ResourceState | None, float]:
        """The object with an id, read again while it is as before the last write of this run (None: there is none), and
        when it was read."""
        results, address = self._results, location.address
        since, last, read_at = results.written_at(address), None, NEVER

        def look() -> bool | None:
            nonlocal since, last, read_at
            found, read_at = self._lookup.find_as_of(location, remote_id, since=since, from_list=from_list)
            last = results.hidden(address, found) if found is not None else None
            since = self._clock()
            return None if results.is_behind(address, last) else True

        self._polling.until(look, self._polling.patience.lost)
        return last, read_at

    def _lock_of(self, address: Address) -> AbstractContextManager[object]:
        """The lock that keeps a check of an object from overlapping with a write of this run."""
        if address not in self._checked_again:
            return nullcontext()
        with self._guard:
            return self._locks[address]


def _serial_lock(plan: Plan, contract: Contract) -> AbstractContextManager[object]:
    """A lock for one step at a time, if a plan renames what the contract refers to by name: during the rename, a
    response may show either name. The packaged contract has no such reference."""
    renamed = {step.kind for step in plan.steps if step.action is Action.RENAME}
    by_name = {r.kind for kind in kinds().values() for r in references_by(contract, kind, "name")}
    return threading.Lock() if renamed & by_name else nullcontext()


@contextmanager
def _diagnosed(step: Step) -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        add_diagnostic(error, step)
        raise

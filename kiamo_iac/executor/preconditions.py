"""Looks, right before a step writes, whether what it stands on is still what the plan saw.

    what a step writes        read again every time: against what the plan saw, or what this run's own last write left
    what it refers to         at most a second old
    a name that is to be free in a list at most a second old, and younger than the write that freed it
    below what this run made  not looked at: nobody else knows of it yet

Between the look and the write there is still a moment: the API has no conditional writes. It is as short as one call.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from enum import Enum
from typing import Final

from kiamo_iac.api.client import Client
from kiamo_iac.api.wire import references_by
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import ApiError, ResponseError
from kiamo_iac.core.sensitive import Path, hidden_at, sensitive_paths
from kiamo_iac.core.state import Instance, RemoteId, State, fingerprint
from kiamo_iac.executor.live_lookup import FRESH, MONOTONIC, NEVER, LiveLookup, ObjectLocation, ParentGoneError
from kiamo_iac.executor.report import Outcome
from kiamo_iac.executor.scheduler import Performer
from kiamo_iac.executor.stale import changed, filled, gone, held_by, same_as_left, taken
from kiamo_iac.executor.writer import explain
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.resources import by_collection, kinds


class _Left(Enum):
    """What a write of this run left, where that is no object."""

    UNKNOWN = "it could not be read: whatever is there then is taken for it"


_UNKNOWN: Final = _Left.UNKNOWN


class PreconditionCheck:
    """A performer that looks before another one writes. A difference is a `StaleError`, and nothing is written."""

    def __init__(
        self,
        performer: Performer,
        plan: Plan,
        *,
        client: Client,
        contract: Contract,
        live: State,
        clock: Callable[[], float] = MONOTONIC,
    ) -> None:
        """`live`: the state that `plan` was made of."""
        self._performer = performer
        self._current = LiveLookup(client, contract, live, clock=clock)
        self._clock = clock
        self._ids: dict[Address, RemoteId] = {address: b.remote_id for address, b in plan.bindings.items()}
        self._names = {address: b.name for address, b in plan.bindings.items()}
        self._saw = {(i.kind.kind, i.remote_id): i for i in live}
        self._sensitive = _sensitive_settings(plan)
        self._left: dict[Address, Instance | _Left] = {}
        self._written: dict[Address, float] = {}
        self._freed: dict[Address, float] = {}
        """Address as it is below the parent's final one → when this run took that name away from something."""
        self._looked: dict[Address, float] = {}
        self._created = {step.address for step in plan.steps if step.action is Action.CREATE}
        looks = Counter(address for step in plan.steps for address in {step.address, *step.seen})
        self._looked_at_again = {address for address, count in looks.items() if count > 1}
        self._locks: defaultdict[Address, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()
        self._turn = _one_at_a_time(plan, contract)

    def perform(self, step: Step) -> Outcome:
        """Look, and then do `step`.

        Raises:
            StaleError: what it stands on is not what the plan saw; a diagnostic says what was there and what is.
            KiamoIacError: as the other performer.
        """
        with self._turn:
            with _explained(step):
                self._check_references(step)
            with self._lock_of(step.address):
                with _explained(step):
                    self._check_own(step)
                try:
                    outcome = self._performer.perform(step)
                except BaseException:
                    self._left[step.address] = _UNKNOWN  # the call may have been made all the same
                    raise
                self._remember(step, outcome)
        return replace(outcome, answer=None)

    # --- before ------------------------------------------------------------------------------------------------------

    def _check_references(self, step: Step) -> None:
        """At most one call for each collection: one thing is read by itself, several in their list."""
        groups: defaultdict[tuple[str, Address | None], list[Address]] = defaultdict(list)
        for address, seen in step.seen.items():
            if address != step.address and seen is not None and not self._is_fresh(address):
                groups[address.collection, address.parent].append(address)
        for addresses in groups.values():
            for address in addresses:
                with self._lock_of(address):
                    if not self._is_fresh(address):  # another step may have looked while this one waited
                        self._check(step, address, from_list=len(addresses) > 1)
                        self._looked[address] = self._clock()

    def _is_fresh(self, address: Address) -> bool:
        return self._clock() - self._looked.get(address, NEVER) <= FRESH

    def _check_own(self, step: Step) -> None:
        if step.action is Action.CREATE:
            self._check_name(step)
        else:
            self._check(step, step.address, from_list=False)

    def _check_name(self, step: Step) -> None:
        parent = step.address.parent
        if parent in self._created:
            return
        location = self._spot(step.address)
        try:
            holder = self._current.holder(location, since=self._freed.get(step.address, NEVER))
        except ParentGoneError:
            raise gone(step, parent or step.address) from None
        if holder is not None:
            raise taken(step, holder)

    def _check(self, step: Step, address: Address, *, from_list: bool) -> None:
        """Compare what is at `address` with what this run left there, or else with what the plan saw."""
        remote_id = self._ids.get(address)
        if remote_id is None:
            return  # made in this run by a step that failed to say so; the performer will tell
        location = self._spot(address)
        now = self._current.thing(location, remote_id, since=self._written.get(address, NEVER), from_list=from_list)
        if now is None:
            raise gone(step, address)
        now = self._hidden(address, now)
        left = self._left.get(address)
        if left is _UNKNOWN:
            return
        if isinstance(left, Instance):
            if not same_as_left(left, now):
                raise changed(step, address, before=left, now=now)
            return
        seen = step.seen.get(address)
        if seen is not None and fingerprint(now) != seen:
            saw = self._saw.get((location.kind, remote_id))
            raise changed(step, address, before=self._hidden(address, saw) if saw is not None else None, now=now)
        if step.action is Action.DELETE and step.risk is not Risk.DATA_LOSS and (held := held_by(now)):
            raise filled(step, held)

    # --- after -------------------------------------------------------------------------------------------------------

    def _remember(self, step: Step, outcome: Outcome) -> None:
        """What this step left: what the answer shows, or what is read now where it shows nothing."""
        address, location = step.address, self._spot(step.address)
        self._written[address] = self._clock()
        self._looked.pop(address, None)
        if outcome.remote_id is not None:
            self._ids[address] = outcome.remote_id
            if step.action is Action.CREATE:
                self._current.name(location.kind, location.parent_id, outcome.remote_id, step.after["name"])
            elif step.action is Action.RENAME:
                self._current.rename(location.kind, location.parent_id, outcome.remote_id, step.after["name"])
        if step.action in {Action.RENAME, Action.DELETE}:
            name = step.before["name"] if step.action is Action.RENAME else self._names.get(address, address.name)
            self._freed[Address.of(address.collection, name, address.parent)] = self._clock()
        if address in self._looked_at_again and step.action is not Action.DELETE:
            self._left[address] = self._shown(location, outcome)

    def _shown(self, location: ObjectLocation, outcome: Outcome) -> Instance | _Left:
        found = self._read(location, outcome)
        return self._hidden(location.address, found) if isinstance(found, Instance) else found

    def _hidden(self, address: Address, instance: Instance) -> Instance:
        """What was read, hidden where the plan hides it."""
        paths = self._sensitive.get(address, ())
        return replace(instance, settings=hidden_at(instance.settings, paths)) if paths else instance

    def _read(self, location: ObjectLocation, outcome: Outcome) -> Instance | _Left:
        if outcome.answer is not None:
            try:
                return self._current.shown(location, outcome.answer)
            except ResponseError:
                pass  # it shows a part, or something else; that is no reason to call a step failed that is done
        if outcome.remote_id is None:
            return _UNKNOWN
        try:
            return self._current.thing(location, outcome.remote_id, since=self._clock()) or _UNKNOWN
        except ApiError:
            return _UNKNOWN

    # --- where things are --------------------------------------------------------------------------------------------

    def _spot(self, address: Address) -> ObjectLocation:
        parent = address.parent
        kind = by_collection()[address.collection].kind
        return ObjectLocation(kind, address, self._ids.get(parent) if parent is not None else None)

    def _lock_of(self, address: Address) -> AbstractContextManager[object]:
        """Keeps a look at a thing apart from this run's own writes of it; only where there is more than one of them."""
        if address not in self._looked_at_again:
            return nullcontext()
        with self._guard:
            return self._locks[address]


def _sensitive_settings(plan: Plan) -> dict[Address, tuple[Path, ...]]:
    """Address → the settings that are sensitive: of what is live as the plan saw it, and of what a step sends."""
    found = {address: binding.sensitive for address, binding in plan.bindings.items() if binding.sensitive}
    for step in plan.steps:
        sent = sensitive_paths(step.after.get("settings", {}))
        if sent:
            found[step.address] = (*found.get(step.address, ()), *sent)
    return found


def _one_at_a_time(plan: Plan, contract: Contract) -> AbstractContextManager[object]:
    """One step at a time where a plan renames what the contract refers to by name: while such a rename is on its way,
    nobody can tell which of its names an answer will show. The packaged contract has no such case."""
    renamed = {step.kind for step in plan.steps if step.action is Action.RENAME}
    by_name = {r.kind for kind in kinds().values() for r in references_by(contract, kind, "name")}
    return threading.Lock() if renamed & by_name else nullcontext()


@contextmanager
def _explained(step: Step) -> Iterator[None]:
    try:
        yield
    except ApiError as error:
        explain(error, step)
        raise

"""After a write: its result, from its response or read back, and whether that is what was sent.

Later steps of the same run compare an object with this result, not with what the plan saw.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from kiamo_iac.api.response import kind_of
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import ApiError, ResponseError
from kiamo_iac.core.sensitive import Path, hidden_at, masked, revealed, sensitive_paths, shows
from kiamo_iac.core.state import Owned, RemoteId, ResourceState
from kiamo_iac.core.strict_json import same
from kiamo_iac.executor.live_lookup import NEVER, LiveLookup, ObjectLocation
from kiamo_iac.executor.report import Outcome
from kiamo_iac.planner.masking import comparable
from kiamo_iac.planner.plan import Action, Plan, Step
from kiamo_iac.resources import by_collection


class Unread(Enum):
    """The result of a write that could not be read."""

    UNKNOWN = "unknown"


class WriteResults:
    """The results of the writes of one run, by address. Safe under threads, for different addresses."""

    def __init__(
        self, plan: Plan, lookup: LiveLookup, *, read_back: Collection[Address], clock: Callable[[], float]
    ) -> None:
        """`read_back`: the addresses that later steps check again; only their results are kept."""
        self._lookup = lookup
        self._read_back = read_back
        self._clock = clock
        self._ids: dict[Address, RemoteId] = {address: b.remote_id for address, b in plan.bindings.items()}
        self._names = {address: b.name for address, b in plan.bindings.items()}
        self._sensitive = _sensitive_settings(plan)
        self._results: dict[Address, ResourceState | Unread] = {}
        self._written: dict[Address, float] = {}
        self._released: dict[Address, float] = {}

    def record(self, step: Step, outcome: Outcome) -> None:
        """Record the id, the name and the result of a step that is done."""
        address, location = step.address, self.location(step.address)
        self._written[address] = self._clock()
        if outcome.remote_id is not None:
            self._ids[address] = outcome.remote_id
            if step.action is Action.CREATE:
                self._lookup.record_name(location.kind, location.parent_id, outcome.remote_id, step.after["name"])
            elif step.action is Action.RENAME:
                self._lookup.record_rename(location.kind, location.parent_id, outcome.remote_id, step.after["name"])
        if step.action in {Action.RENAME, Action.DELETE}:
            name = step.before["name"] if step.action is Action.RENAME else self._names.get(address, address.name)
            self._released[Address.of(address.collection, name, address.parent)] = self._clock()
        if address in self._read_back and step.action is not Action.DELETE:
            found = self._read(location, outcome)
            self._results[address] = self.hidden(address, found) if isinstance(found, ResourceState) else found

    def record_failure(self, step: Step) -> None:
        """Record a step that failed: its call may have taken effect or not."""
        self._results[step.address] = Unread.UNKNOWN

    def result_of(self, address: Address) -> ResourceState | Unread | None:
        """The result of the last write at `address`; None: this run has not written there."""
        return self._results.get(address)

    def remote_id(self, address: Address) -> RemoteId | None:
        """The id of the object at `address`, from the plan or this run."""
        return self._ids.get(address)

    def written_at(self, address: Address) -> float:
        """When this run last wrote the object at `address`, by the clock."""
        return self._written.get(address, NEVER)

    def name_released_at(self, address: Address) -> float:
        """When this run last renamed or deleted an object with the name of `address`, by the clock."""
        return self._released.get(address, NEVER)

    def location(self, address: Address) -> ObjectLocation:
        """The location of an address on the instance."""
        parent = address.parent
        kind = by_collection()[address.collection].kind
        return ObjectLocation(kind, address, self._ids.get(parent) if parent is not None else None)

    def hidden(self, address: Address, live: ResourceState) -> ResourceState:
        """A live object, with its settings hidden where the plan hides them."""
        paths = self._sensitive.get(address, ())
        return replace(live, settings=hidden_at(live.settings, paths)) if paths else live

    def _read(self, location: ObjectLocation, outcome: Outcome) -> ResourceState | Unread:
        """The object as the response shows it; read back where the response does not have all of it."""
        if outcome.response is not None:
            try:
                return self._lookup.decode(location, outcome.response)
            except ResponseError:
                pass  # the write is done, even if the response shows only a part
        if outcome.remote_id is None:
            return Unread.UNKNOWN
        try:
            return self._lookup.find(location, outcome.remote_id, since=self._clock()) or Unread.UNKNOWN
        except ApiError:
            return Unread.UNKNOWN


def matches_result(result: ResourceState, now: ResourceState) -> bool:
    """Whether an object still is the result of a write, in the attributes that both have: the response to a write may
    leave out attributes, and mask sensitive values."""
    return result.remote_id == now.remote_id and all(
        same(masked(then[key]), masked(later[key])) or shows(later[key], then[key]) or shows(then[key], later[key])
        for then, later in ((result.attributes, now.attributes), (result.settings, now.settings))
        for key in then.keys() & later.keys()
    )


def check_created_with_parent(step: Step, sent: Mapping[str, Any], item: Mapping[str, Any], *, name_wire: str) -> None:
    """Compare `item`, created with its parent, with what that call sent for it. Keys are wire names.

    Raises:
        ResponseError: it differs; the message names the attribute.
    """
    settings = step.after.get("settings", {})
    shown = comparable(settings, item, Owned(step.address, None, {"settings": settings}))
    for wire, value in sent.items():
        if wire != name_wire and revealed(shown.get(wire, item.get(wire))) != value:
            what = f'"{wire}" is {kind_of(item.get(wire))}, and {kind_of(value)} was sent'
            if sensitive_paths(settings.get(wire)):
                what = f'"{wire}" differs from what was sent'
            msg = f"{step.address} was created with its parent, but not as sent: {what}."
            raise ResponseError(msg, hint="run plan to see what is left to do")


def _sensitive_settings(plan: Plan) -> dict[Address, tuple[Path, ...]]:
    """Address → its sensitive settings: of the live object as the plan saw it, and of what a step sends."""
    found = {address: binding.sensitive for address, binding in plan.bindings.items() if binding.sensitive}
    for step in plan.steps:
        sent = sensitive_paths(step.after.get("settings", {}))
        if sent:
            found[step.address] = (*found.get(step.address, ()), *sent)
    return found

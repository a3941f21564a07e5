"""After a write: what it left on the instance, read from its response or read back, and whether that is what was sent.

Later steps of the same run check an object against what this run left there, not against what the plan saw.
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
    """What the writes of one run left, by address. Safe under threads, for different addresses."""

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
        self._left: dict[Address, ResourceState | Unread] = {}
        self._written: dict[Address, float] = {}
        self._freed: dict[Address, float] = {}

    def record(self, step: Step, outcome: Outcome) -> None:
        """`step` is done: remember its id, its name, and what it left."""
        address, location = step.address, self.location(step.address)
        self._written[address] = self._clock()
        if outcome.remote_id is not None:
            self._ids[address] = outcome.remote_id
            if step.action is Action.CREATE:
                self._lookup.name(location.kind, location.parent_id, outcome.remote_id, step.after["name"])
            elif step.action is Action.RENAME:
                self._lookup.rename(location.kind, location.parent_id, outcome.remote_id, step.after["name"])
        if step.action in {Action.RENAME, Action.DELETE}:
            name = step.before["name"] if step.action is Action.RENAME else self._names.get(address, address.name)
            self._freed[Address.of(address.collection, name, address.parent)] = self._clock()
        if address in self._read_back and step.action is not Action.DELETE:
            found = self._read(location, outcome)
            self._left[address] = self.hidden(address, found) if isinstance(found, ResourceState) else found

    def record_failure(self, step: Step) -> None:
        """`step` failed: its call may have been made or not."""
        self._left[step.address] = Unread.UNKNOWN

    def left(self, address: Address) -> ResourceState | Unread | None:
        """What this run left at `address`; None: it has not written there."""
        return self._left.get(address)

    def remote_id(self, address: Address) -> RemoteId | None:
        """The id of the object at `address`, as the plan or this run knows it."""
        return self._ids.get(address)

    def written_at(self, address: Address) -> float:
        """When this run last wrote the object at `address`, by the clock."""
        return self._written.get(address, NEVER)

    def freed_at(self, address: Address) -> float:
        """When this run took the name of `address` away from an object, by the clock."""
        return self._freed.get(address, NEVER)

    def location(self, address: Address) -> ObjectLocation:
        """Where the object of an address is on the instance."""
        parent = address.parent
        kind = by_collection()[address.collection].kind
        return ObjectLocation(kind, address, self._ids.get(parent) if parent is not None else None)

    def hidden(self, address: Address, instance: ResourceState) -> ResourceState:
        """A live object, with its settings hidden where the plan hides them."""
        paths = self._sensitive.get(address, ())
        return replace(instance, settings=hidden_at(instance.settings, paths)) if paths else instance

    def _read(self, location: ObjectLocation, outcome: Outcome) -> ResourceState | Unread:
        """The object as the response shows it; read back where the response does not show it whole."""
        if outcome.answer is not None:
            try:
                return self._lookup.shown(location, outcome.answer)
            except ResponseError:
                pass  # the write is done, even if the response shows only a part
        if outcome.remote_id is None:
            return Unread.UNKNOWN
        try:
            return self._lookup.find(location, outcome.remote_id, since=self._clock()) or Unread.UNKNOWN
        except ApiError:
            return Unread.UNKNOWN


def same_as_left(left: ResourceState, now: ResourceState) -> bool:
    """Whether an object is as a write of this run left it, in all that both show: the response to a write may leave
    out attributes, and mask sensitive values."""
    return left.remote_id == now.remote_id and all(
        same(masked(then[key]), masked(later[key])) or shows(later[key], then[key]) or shows(then[key], later[key])
        for then, later in ((left.attributes, now.attributes), (left.settings, now.settings))
        for key in then.keys() & later.keys()
    )


def check_created_with_parent(step: Step, sent: Mapping[str, Any], item: Mapping[str, Any], *, name_wire: str) -> None:
    """Compare `item`, made by the create of its parent, with what that call sent for it. Keys are wire names.

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

"""The results of the writes of a run. What a write did not send must be as it was before; later steps compare an object
with the result of the last write, not with what the plan saw."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from enum import Enum

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.errors import ApiError, OppositeError, PostconditionError
from kiamo_iac.core.printable import json_pair
from kiamo_iac.core.sensitive import Path, hidden_at, masked, sensitive_paths, shows
from kiamo_iac.core.state import RemoteId, ResourceState
from kiamo_iac.core.strict_json import same
from kiamo_iac.executor.live_lookup import NEVER, LiveLookup, ObjectLocation
from kiamo_iac.executor.report import Outcome
from kiamo_iac.planner.plan import Action, Plan, Step
from kiamo_iac.resources import by_collection


class Unread(Enum):
    """The result of a write that could not be read."""

    UNKNOWN = "unknown"


class WriteResults:
    """The results of the writes of one run, by address. Safe under threads, for different addresses."""

    def __init__(
        self,
        plan: Plan,
        lookup: LiveLookup,
        contract: Contract,
        *,
        read_back: Collection[Address],
        clock: Callable[[], float],
    ) -> None:
        """`read_back`: the addresses that later steps check again; only their results are kept."""
        self._lookup = lookup
        self._contract = contract
        self._read_back = read_back
        self._clock = clock
        self._ids: dict[Address, RemoteId] = {address: b.remote_id for address, b in plan.bindings.items()}
        self._names = {address: b.name for address, b in plan.bindings.items()}
        self._sensitive = _sensitive_settings(plan)
        self._results: dict[Address, ResourceState | Unread] = {}
        self._written: dict[Address, float] = {}
        self._released: dict[Address, tuple[float, RemoteId | None]] = {}
        self._before: dict[Address, ResourceState | None] = {}

    def record(self, step: Step, outcome: Outcome, *, before: ResourceState | None) -> None:
        """Record the id, the name and the result of a step that is done. `before`: the object before it.

        Raises:
            PostconditionError: something was changed that was not sent.
        """
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
            self._released[Address.of(address.collection, name, address.parent)] = self._clock(), outcome.remote_id
        if step.action is Action.DELETE or (before is None and address not in self._read_back):
            self._before.pop(address, None)
            return
        result = self._result(step, location, outcome, before)
        if result is not None and before is not None and step.action is not Action.CREATE:
            self._check_unsent(step, before=before, now=result)
        if address in self._read_back:
            if step.action is Action.CREATE or before is not None:
                self._before[address] = before if step.action is not Action.CREATE else None
            self._results[address] = Unread.UNKNOWN if result is None else self.hidden(address, result)

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
        return self._released.get(address, (NEVER, None))[0]

    def name_released_by(self, address: Address) -> RemoteId | None:
        """The id of the object that had the name of `address` until this run renamed or deleted it."""
        return self._released.get(address, (NEVER, None))[1]

    def is_behind(self, address: Address, now: ResourceState | None) -> bool:
        """Whether a read shows an object as it was before the last write of this run: the instance may lag behind."""
        if address not in self._before:
            return False
        before, result = self._before[address], self._results.get(address)
        if now is None or before is None:
            return now is before
        is_as_written = not isinstance(result, ResourceState) or matches_result(result, now)
        return not is_as_written and matches_result(before, now)

    def location(self, address: Address) -> ObjectLocation:
        """The location of an address on the instance."""
        parent = address.parent
        kind = by_collection()[address.collection].kind
        return ObjectLocation(kind, address, self._ids.get(parent) if parent is not None else None)

    def hidden(self, address: Address, live: ResourceState) -> ResourceState:
        """A live object, with its settings hidden where the plan hides them."""
        paths = self._sensitive.get(address, ())
        return replace(live, settings=hidden_at(live.settings, paths)) if paths else live

    def _result(
        self, step: Step, location: ObjectLocation, outcome: Outcome, before: ResourceState | None
    ) -> ResourceState | None:
        """The object after a step; read again where it is not shown with all that it had before."""
        if outcome.shown is not None:
            now = self._lookup.resource(location, outcome.shown.row)
            had = before.attributes if before is not None else {}
            wires = self._contract.kinds[step.kind].attributes
            hidden = [key for key in self._unsent(step) if had.get(key) and key not in now.attributes]
            if all(wires[key].wire in outcome.shown.item for key in hidden):
                return now
        if outcome.remote_id is None:
            return None
        try:
            return self._lookup.find(location, outcome.remote_id, since=self._clock())
        except ApiError:
            return None

    def _unsent(self, step: Step) -> list[str]:
        """The attributes that the contract writes, and that a step did not send."""
        known = self._contract.kinds[step.kind].attributes
        return [key for key, attribute in known.items() if key not in step.after and not attribute.read_only]

    def _check_unsent(self, step: Step, *, before: ResourceState, now: ResourceState) -> None:
        """
        Raises:
            OppositeError: the object dials, and did not before.
            PostconditionError: an attribute that was not sent has changed.
        """
        dialling = before.kind.machine.running if before.kind.machine is not None and "state" not in step.after else ()
        if now.run_state in dialling and before.run_state not in dialling:
            msg = f"{step.address} is {now.run_state} after the {step.action.value}: contacts are being dialled."
            raise OppositeError(msg, hint="pause or stop it in Kiamo at once, unless it was started there")
        changed = []
        for key in self._unsent(step):
            if key not in before.attributes:  # a list may show less than a read
                continue
            one, other = before.attributes.get(key), now.attributes.get(key)
            if same(one, other) or not (one or other) or (key == "name" and identity(str(one)) == identity(str(other))):
                continue
            was, is_ = json_pair(one, other)
            changed.append(f"{key} was {was} and is {'not set' if other is None else is_}")
        if changed:
            msg = f"The {step.action.value} of {step.address} also changed what it did not send: {'; '.join(changed)}."
            raise PostconditionError(msg, hint="run plan again, and see who changed it")


def matches_result(result: ResourceState, now: ResourceState) -> bool:
    """Whether an object still is the result of a write, in the attributes that both have: the response to a write may
    leave out attributes, and mask sensitive values."""
    return result.remote_id == now.remote_id and all(
        same(masked(then[key]), masked(later[key])) or shows(later[key], then[key]) or shows(then[key], later[key])
        for then, later in ((result.attributes, now.attributes), (result.settings, now.settings))
        for key in then.keys() & later.keys()
    )


def _sensitive_settings(plan: Plan) -> dict[Address, tuple[Path, ...]]:
    """Address → its sensitive settings: of the live object as the plan saw it, and of what a step sends."""
    found = {address: binding.sensitive for address, binding in plan.bindings.items() if binding.sensitive}
    for step in plan.steps:
        sent = sensitive_paths(step.after.get("settings", {}))
        if sent:
            found[step.address] = (*found.get(step.address, ()), *sent)
    return found

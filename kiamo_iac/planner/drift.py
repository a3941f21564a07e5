"""Drift: which resources changed since the last apply, in git or on the instance, and which of their attributes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.resource import Reference, Scope
from kiamo_iac.core.state import OwedState, Owned, Ownership, RemoteId, ResourceState, State
from kiamo_iac.planner.diff import AttributeDrift, ChangedBy, FinalNames, attribute_drifts, changed_in_git, combine
from kiamo_iac.planner.matching import ResourcePair, ResourcePairs, pair_resources
from kiamo_iac.planner.run_state import still_owed
from kiamo_iac.resources import by_collection, kinds

__all__ = ["AttributeDrift", "ChangedBy", "Drift", "DriftEvent", "ResourceDrift", "RunStateChange", "drift"]


_ON_INSTANCE: Final = frozenset({ChangedBy.INSTANCE, ChangedBy.BOTH})


class DriftEvent(StrEnum):
    """What happened to a resource."""

    CHANGED = "changed"
    """Attributes differ; the name among them when git renames it."""
    NEW = "new"
    """Added in git; not created yet."""
    GONE = "gone"
    """Removed from git, or declared with `ensure: absent`."""
    DELETED = "deleted"
    """Deleted on the instance."""
    REMADE = "remade"
    """Recreated on the instance: the same name, another id."""
    RENAMED = "renamed"
    """Renamed on the instance."""
    NOT_OWNED = "not_owned"
    """Live, different from its declaration, and not in the ledger."""


@dataclass(frozen=True, slots=True)
class ResourceDrift:
    """One resource whose live state is not the applied, or not the declared one."""

    address: Address
    """As declared; of what no manifest declares, as in the ledger."""
    kind: str
    event: DriftEvent
    changed_by: ChangedBy
    attributes: tuple[AttributeDrift, ...] = ()
    """What differs, in the order of the paths."""
    lives_as: str | None = None
    """Its exact name on the instance; None: it does not exist."""
    known_id: RemoteId | None = None
    """The id in the ledger."""
    live_id: RemoteId | None = None
    """The id of the object that has its name now, or of itself under another name."""
    applied_at: str | None = None
    """When it was last applied, RFC 3339; None: not in the ledger."""
    commit: str | None = None
    """The commit it was last applied from."""
    source: SourceRange | None = None
    """Where it is declared."""

    def part_on_instance(self) -> ResourceDrift | None:
        """What of it changed on the instance; None: nothing, as far as the ledger tells."""
        if self.changed_by not in _ON_INSTANCE:
            return None
        found = tuple(attribute for attribute in self.attributes if attribute.changed_by in _ON_INSTANCE)
        origin = _combined(found) if self.event is DriftEvent.CHANGED else self.changed_by
        return replace(self, attributes=found, changed_by=origin)


@dataclass(frozen=True, slots=True)
class RunStateChange:
    """A run state that is not declared, and that others have changed: no drift."""

    left_in: str
    """The state that kiamo-iac left the resource in, or found it in when it was adopted."""
    now: str
    """The live state."""


@dataclass(frozen=True, slots=True)
class Drift:
    """All drift of one environment."""

    resources: tuple[ResourceDrift, ...]
    """By address."""
    unchanged: int = 0
    """Number of resources that are live as declared, or removed on both sides."""
    not_owned: int = 0
    """Number of declared resources that are live and not in the ledger, whether they differ or not."""
    ledger: bool = True
    """False: there is no ledger, and who changed what is unknown."""
    owed: Mapping[Address, OwedState] = field(default_factory=dict)
    """The run states that the next plan brings batches to, because an earlier run did not. No drift."""
    run_states: Mapping[Address, RunStateChange] = field(default_factory=dict)
    """The run states that others changed where none is declared. No drift."""
    on_instance: bool = False
    """What changed in git alone, or by an unknown side, is left out."""
    of_unknown_side: int = 0
    """Number of resources that are left out because nothing tells which side changed them."""

    def only_on_instance(self) -> Drift:
        """What changed on the instance, and of a resource that changed on both sides only that."""
        found = tuple(part for resource in self.resources if (part := resource.part_on_instance()) is not None)
        unknown = self.summary[ChangedBy.UNKNOWN]
        return replace(self, resources=found, on_instance=True, of_unknown_side=unknown)

    @property
    def any(self) -> bool:
        """Whether there is any."""
        return bool(self.resources)

    @property
    def summary(self) -> dict[ChangedBy, int]:
        """Number of resources by who changed them, all values present."""
        counts = {who: sum(r.changed_by is who for r in self.resources) for who in ChangedBy}
        return counts | {ChangedBy.NEITHER: self.unchanged}


def drift(desired: State, live: State, owned: Ownership | None) -> Drift:
    """Compare the declared, the last applied and the live state.

    `live` holds what `build_plan` needs; `owned` has the ledger's entries, None when there is no ledger. Resources are
    paired as for a plan, so that both agree. Blocks with `managed: false`, and what is neither declared nor managed,
    are ignored.
    """
    comparison = _Comparison(desired, live, owned or {})
    found = list(comparison.resources())
    differing = sorted(
        (r for r in found if r.changed_by is not ChangedBy.NEITHER), key=lambda r: (r.address.place, r.event)
    )
    return Drift(
        tuple(differing),
        len(found) - len(differing),
        comparison.not_owned,
        ledger=owned is not None,
        owed=comparison.owed(),
        run_states=comparison.run_states(),
    )


class _Comparison:
    def __init__(self, desired: State, live: State, owned: Ownership) -> None:
        # No capabilities: what the platform creates together with a parent matters only to a plan.
        self._pairs = pair_resources(desired, live, Capabilities({}), owned)
        self._owned = owned
        self._ledger_addresses: dict[int, Address] = {}
        self._claimed: set[Address] = {pair.owned.address for pair in self._pairs.ordered if pair.owned is not None}
        self._by_id = {(i.kind.collection, i.remote_id): i for i in live if i.remote_id is not None}
        self._names = RenameTracker(self._pairs, owned)
        self.not_owned = 0

    def resources(self) -> Iterator[ResourceDrift]:
        """Every declared and every managed resource; of those that did not change, `changed_by` is NEITHER."""
        for pair in self._pairs.ordered:  # parents come before children
            entry = self._entry(pair)
            self._ledger_addresses[id(pair)] = (
                entry.address if entry is not None else self._below(pair, pair.address.name)
            )
            if pair.desired is not None and pair.desired.lifecycle.managed:
                yield self._declared(pair, entry)
            elif pair.owned is not None and pair.desired is None:
                yield self._undeclared(pair, pair.owned)
        for address, entry in self._owned.items():
            if address not in self._claimed and entry.remote_id is not None and address.collection in by_collection():
                yield self._unclaimed(entry)

    def owed(self) -> dict[Address, OwedState]:
        """What earlier runs still owe, by the address after the next plan."""
        return {
            pair.address: owed
            for pair in self._pairs.ordered
            if pair.declared_present and (owed := still_owed(pair.owned, pair.desired, pair.live)) is not None
        }

    def run_states(self) -> dict[Address, RunStateChange]:
        """The run states that others changed, where none is declared and none is owed. A batch that has finished by
        itself is as it was started."""
        found = {}
        for pair in self._pairs.ordered:
            entry, live, machine = pair.owned, pair.live, pair.kind.machine
            if not pair.declared_present or entry is None or live is None or machine is None:
                continue
            if pair.declaration.run_state is not None or still_owed(entry, pair.desired, live) is not None:
                continue
            left, now = entry.left_in, live.run_state
            if left is not None and now is not None and not machine.satisfies(now, left):
                found[pair.address] = RunStateChange(left, now)
        return found

    def _below(self, pair: ResourcePair, name: str) -> Address:
        """The address in the ledger of `name` in the same collection as `pair`."""
        parent = self._ledger_addresses[id(pair.parent)] if pair.parent is not None else None
        return Address.of(pair.kind.collection, name, parent)

    def _entry(self, pair: ResourcePair) -> Owned | None:
        """The ledger's entry; also of an object that was deleted or recreated on the instance."""
        if pair.owned is not None or pair.desired is None:
            return pair.owned
        for name in (identity(pair.desired.name), *pair.desired.lifecycle.renamed_from):
            entry = self._owned.get(self._below(pair, name))
            if entry is not None and entry.remote_id is not None and entry.address not in self._claimed:
                self._claimed.add(entry.address)
                return entry
        return None

    # --- one resource ------------------------------------------------------------------------------------------------

    def _declared(self, pair: ResourcePair, entry: Owned | None) -> ResourceDrift:
        declaration, live = pair.declaration, pair.live
        if live is None:
            return self._missing(pair, entry)
        self.not_owned += entry is None and not pair.is_default
        if pair.declared_absent:
            origin = ChangedBy.GIT if entry is not None else ChangedBy.UNKNOWN
            return self._drift(pair, DriftEvent.GONE if entry is not None else DriftEvent.NOT_OWNED, origin, entry)
        names = self._names.final_names(pair, self._ledger_addresses)
        if entry is not None and entry.remote_id not in {None, live.remote_id}:
            other = self._by_known_id(entry)  # another object has its name now
            origin = combine(git=changed_in_git(declaration, entry, names), instance=True)
            found = attribute_drifts(declaration, entry, other or live, names)
            event = DriftEvent.REMADE if other is None else DriftEvent.RENAMED
            return self._drift(pair, event, origin, entry, found=found, live=other)
        found = attribute_drifts(declaration, entry, live, names)
        event = DriftEvent.CHANGED if entry is not None else DriftEvent.NOT_OWNED
        if any(a.path == "name" and a.changed_by in {ChangedBy.INSTANCE, ChangedBy.BOTH} for a in found):
            event = DriftEvent.RENAMED
        return self._drift(pair, event, _combined(found), entry, found=found)

    def _missing(self, pair: ResourcePair, entry: Owned | None) -> ResourceDrift:
        if pair.declared_absent:
            return self._drift(pair, DriftEvent.GONE, ChangedBy.NEITHER, entry)
        if entry is None or entry.remote_id is None:
            return self._drift(pair, DriftEvent.NEW, ChangedBy.GIT, entry)
        other = self._by_known_id(entry)
        if other is not None:
            return self._drift(pair, DriftEvent.RENAMED, ChangedBy.BOTH, entry, live=other)
        changed = changed_in_git(
            pair.declaration.compared, entry, self._names.final_names(pair, self._ledger_addresses)
        )
        return self._drift(pair, DriftEvent.DELETED, combine(git=changed, instance=True), entry)

    def _undeclared(self, pair: ResourcePair, entry: Owned) -> ResourceDrift:
        found = attribute_drifts(None, entry, pair.live_object, self._names.final_names(pair, self._ledger_addresses))
        return self._drift(pair, DriftEvent.GONE, combine(git=True, instance=bool(found)), entry, found=found)

    def _unclaimed(self, entry: Owned) -> ResourceDrift:
        """Managed, not declared, and not found under its name."""
        kind = by_collection()[entry.address.collection].kind
        other = self._by_known_id(entry)
        return ResourceDrift(
            entry.address,
            kind,
            DriftEvent.RENAMED if other is not None else DriftEvent.GONE,
            ChangedBy.BOTH if other is not None else ChangedBy.NEITHER,
            lives_as=other.name if other is not None else None,
            known_id=entry.remote_id,
            live_id=other.remote_id if other is not None else None,
            applied_at=entry.applied_at,
            commit=entry.commit,
        )

    def _by_known_id(self, entry: Owned) -> ResourceState | None:
        """The live object with the id of the ledger's entry, under any name."""
        return self._by_id.get((entry.address.collection, entry.remote_id)) if entry.remote_id is not None else None

    def _drift(
        self,
        pair: ResourcePair,
        event: DriftEvent,
        origin: ChangedBy,
        entry: Owned | None,
        *,
        found: tuple[AttributeDrift, ...] = (),
        live: ResourceState | None = None,
    ) -> ResourceDrift:
        live = live or pair.live
        return ResourceDrift(
            pair.address,
            pair.kind.kind,
            event,
            origin,
            found,
            lives_as=live.name if live is not None else None,
            known_id=entry.remote_id if entry is not None else None,
            live_id=live.remote_id if live is not None else None,
            applied_at=entry.applied_at if entry is not None else None,
            commit=entry.commit if entry is not None else None,
            source=pair.desired.source if pair.desired is not None else None,
        )


def _combined(found: tuple[AttributeDrift, ...]) -> ChangedBy:
    """Who changed a resource, from who changed its attributes."""
    found_by = {attribute.changed_by for attribute in found}
    if ChangedBy.UNKNOWN in found_by:
        return ChangedBy.UNKNOWN
    both = ChangedBy.BOTH in found_by
    return combine(git=both or ChangedBy.GIT in found_by, instance=both or ChangedBy.INSTANCE in found_by)


class RenameTracker:
    """Follows referring names through renames: planned ones, and those done since the ledger was written."""

    def __init__(self, pairs: ResourcePairs, owned: Ownership) -> None:
        self._by_live = pairs.by_live
        self._owned = owned
        self._by_entry = {pair.owned.address: pair for pair in pairs.ordered if pair.owned is not None}
        self._former = {
            Address.of(address.collection, old, address.parent): address
            for address, entry in owned.items()
            for old in entry.renamed_from
        }

    def final_names(self, pair: ResourcePair, ledger_addresses: Mapping[int, Address]) -> FinalNames:
        """For the references of `pair`. `ledger_addresses`: `id()` of a pair → its address in the ledger."""
        parent = pair.parent
        then = ledger_addresses[id(parent)] if parent is not None else None
        now = parent.live.address if parent is not None and parent.live is not None else None
        return FinalNames(
            declared=lambda _, name: identity(name),
            applied=lambda reference, name: self._applied(_target(reference, name, then)),
            live=lambda reference, name: self._live(_target(reference, name, now)),
        )

    def _applied(self, address: Address) -> str:
        known = address if address in self._owned else self._former.get(address, address)
        pair = self._by_entry.get(known)
        return pair.address.name if pair is not None else known.name

    def _live(self, address: Address) -> str:
        pair = self._by_live.get(address)
        return pair.address.name if pair is not None else address.name


def _target(reference: Reference, name: str, parent: Address | None) -> Address:
    collection = kinds()[reference.kind].collection
    return Address.of(collection, name, parent if reference.scope is Scope.SIBLING else None)

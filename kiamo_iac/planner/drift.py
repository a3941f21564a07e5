"""Who changed what since the last apply: git, or somebody on the instance; of attributes and of whole things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.ownership import Owned, Ownership
from kiamo_iac.core.resource import Reference, Scope
from kiamo_iac.core.state import Instance, RemoteId, State
from kiamo_iac.planner.diff import AttributeDrift, ChangedBy, Names, attributes, changed_in_git, moved
from kiamo_iac.planner.matching import Pair, Pairing, pair_up
from kiamo_iac.resources import by_collection, kinds

__all__ = ["AttributeDrift", "ChangedBy", "Drift", "DriftEvent", "ResourceDrift", "drift"]


class DriftEvent(StrEnum):
    """What happened to a thing."""

    CHANGED = "changed"
    """Attributes differ; the name among them when git renames it."""
    NEW = "new"
    """Git has it since; it is to be made."""
    GONE = "gone"
    """Git has it no more, or says that it is to be absent."""
    DELETED = "deleted"
    """Somebody deleted it on the instance."""
    REMADE = "remade"
    """Somebody made it anew: the name is there, under another id."""
    RENAMED = "renamed"
    """Somebody gave it another name on the instance."""
    NOT_OWNED = "not_owned"
    """It is live and not as declared, and the ledger does not have it."""


@dataclass(frozen=True, slots=True)
class ResourceDrift:
    """One thing that is not as it was applied, or not as it is declared."""

    address: Address
    """As it is declared; of what no manifest declares, as the ledger has it."""
    kind: str
    event: DriftEvent
    changed_by: ChangedBy
    attributes: tuple[AttributeDrift, ...] = ()
    """What differs, in the order of the paths."""
    lives_as: str | None = None
    """Its exact name on the instance; None: it is not there."""
    known_id: RemoteId | None = None
    """The id that the ledger has."""
    live_id: RemoteId | None = None
    """The id of what bears its name, or of itself under another name."""
    applied_at: str | None = None
    """When it was last applied, RFC 3339; None: the ledger does not have it."""
    commit: str | None = None
    """The commit it was last applied from."""
    source: SourceRange | None = None
    """Where it is declared."""


@dataclass(frozen=True, slots=True)
class Drift:
    """All of one environment."""

    resources: tuple[ResourceDrift, ...]
    """By address."""
    unchanged: int = 0
    """How many things are live as declared, or gone on both sides."""
    not_owned: int = 0
    """How many declared things are live and not in the ledger, whether they differ or not."""
    ledger: bool = True
    """False: there is no ledger, so that nobody can say who changed what."""

    @property
    def any(self) -> bool:
        """Whether there is any."""
        return bool(self.resources)

    @property
    def summary(self) -> dict[ChangedBy, int]:
        """How many things by the side that they changed on, all sides present."""
        counts = {side: sum(thing.changed_by is side for thing in self.resources) for side in ChangedBy}
        return counts | {ChangedBy.NEITHER: self.unchanged}


def drift(desired: State, live: State, owned: Ownership | None) -> Drift:
    """Compare what is declared, what was last applied, and what is live.

    `live` holds what `build_plan` needs; `owned` is what the ledger has, None when there is none. Who is who is decided
    as for a plan, so that the two say the same. References to unmanaged things, and what is neither declared nor owned,
    are not looked at.
    """
    comparison = _Comparison(desired, live, owned or {})
    found = list(comparison.things())
    differing = sorted((t for t in found if t.changed_by is not ChangedBy.NEITHER), key=lambda t: (t.address, t.event))
    return Drift(tuple(differing), len(found) - len(differing), comparison.not_owned, ledger=owned is not None)


class _Comparison:
    def __init__(self, desired: State, live: State, owned: Ownership) -> None:
        # What a contract says of things to be made together matters to a plan alone.
        self._pairing = pair_up(desired, live, Capabilities({}), owned)
        self._owned = owned
        self._known: dict[int, Address] = {}
        self._claimed: set[Address] = {pair.owned.address for pair in self._pairing.pairs if pair.owned is not None}
        self._by_id = {(i.kind.collection, i.remote_id): i for i in live if i.remote_id is not None}
        self._names = Naming(self._pairing, owned)
        self.not_owned = 0

    def things(self) -> Iterator[ResourceDrift]:
        """Every declared and every owned thing, those that did not change with the side `NEITHER`."""
        for pair in self._pairing.pairs:  # parents come before children
            entry = self._entry(pair)
            self._known[id(pair)] = entry.address if entry is not None else self._below(pair, pair.address.name)
            if pair.desired is not None and pair.desired.lifecycle.managed:
                yield self._declared(pair, entry)
            elif pair.owned is not None and pair.desired is None:
                yield self._undeclared(pair, pair.owned)
        for address, entry in self._owned.items():
            if address not in self._claimed and address.collection in by_collection():
                yield self._unclaimed(entry)

    def _below(self, pair: Pair, name: str) -> Address:
        """Where the ledger would have `name` beside this thing."""
        parent = self._known[id(pair.parent)] if pair.parent is not None else None
        return Address.of(pair.kind.collection, name, parent)

    def _entry(self, pair: Pair) -> Owned | None:
        """What the ledger has of it, or of what stood there before somebody deleted it or made it anew."""
        if pair.owned is not None or pair.desired is None:
            return pair.owned
        for name in (identity(pair.desired.name), *pair.desired.lifecycle.renamed_from):
            entry = self._owned.get(self._below(pair, name))
            if entry is not None and entry.address not in self._claimed:
                self._claimed.add(entry.address)
                return entry
        return None

    # --- one thing ---------------------------------------------------------------------------------------------------

    def _declared(self, pair: Pair, entry: Owned | None) -> ResourceDrift:
        declaration, live = pair.declaration, pair.live
        if live is None:
            return self._missing(pair, entry)
        self.not_owned += entry is None
        if pair.unwanted:
            side = ChangedBy.GIT if entry is not None else ChangedBy.UNKNOWN
            return self._thing(pair, DriftEvent.GONE if entry is not None else DriftEvent.NOT_OWNED, side, entry)
        names = self._names.of(pair, self._known)
        if entry is not None and entry.remote_id not in {None, live.remote_id}:
            elsewhere = self._elsewhere(entry)  # another thing has taken its name
            side = moved(git=changed_in_git(declaration, entry, names), instance=True)
            found = attributes(declaration, entry, elsewhere or live, names)
            event = DriftEvent.REMADE if elsewhere is None else DriftEvent.RENAMED
            return self._thing(pair, event, side, entry, found=found, live=elsewhere)
        found = attributes(declaration, entry, live, names)
        event = DriftEvent.CHANGED if entry is not None else DriftEvent.NOT_OWNED
        if any(a.path == "name" and a.changed_by in {ChangedBy.INSTANCE, ChangedBy.BOTH} for a in found):
            event = DriftEvent.RENAMED
        return self._thing(pair, event, _of_all(found), entry, found=found)

    def _missing(self, pair: Pair, entry: Owned | None) -> ResourceDrift:
        if pair.unwanted:
            return self._thing(pair, DriftEvent.GONE, ChangedBy.NEITHER, entry)
        if entry is None or entry.remote_id is None:
            return self._thing(pair, DriftEvent.NEW, ChangedBy.GIT, entry)
        elsewhere = self._elsewhere(entry)
        if elsewhere is not None:
            return self._thing(pair, DriftEvent.RENAMED, ChangedBy.BOTH, entry, live=elsewhere)
        changed = changed_in_git(pair.declaration, entry, self._names.of(pair, self._known))
        return self._thing(pair, DriftEvent.DELETED, moved(git=changed, instance=True), entry)

    def _undeclared(self, pair: Pair, entry: Owned) -> ResourceDrift:
        found = attributes(None, entry, pair.now, self._names.of(pair, self._known))
        return self._thing(pair, DriftEvent.GONE, moved(git=True, instance=bool(found)), entry, found=found)

    def _unclaimed(self, entry: Owned) -> ResourceDrift:
        """Owned, not declared, and not to be found under its name."""
        kind = by_collection()[entry.address.collection].kind
        elsewhere = self._elsewhere(entry)
        return ResourceDrift(
            entry.address,
            kind,
            DriftEvent.RENAMED if elsewhere is not None else DriftEvent.GONE,
            ChangedBy.BOTH if elsewhere is not None else ChangedBy.NEITHER,
            lives_as=elsewhere.name if elsewhere is not None else None,
            known_id=entry.remote_id,
            live_id=elsewhere.remote_id if elsewhere is not None else None,
            applied_at=entry.applied_at,
            commit=entry.commit,
        )

    def _elsewhere(self, entry: Owned) -> Instance | None:
        """The thing of the ledger's id, wherever it lives."""
        return self._by_id.get((entry.address.collection, entry.remote_id)) if entry.remote_id is not None else None

    def _thing(
        self,
        pair: Pair,
        event: DriftEvent,
        side: ChangedBy,
        entry: Owned | None,
        *,
        found: tuple[AttributeDrift, ...] = (),
        live: Instance | None = None,
    ) -> ResourceDrift:
        live = live or pair.live
        return ResourceDrift(
            pair.address,
            pair.kind.kind,
            event,
            side,
            found,
            lives_as=live.name if live is not None else None,
            known_id=entry.remote_id if entry is not None else None,
            live_id=live.remote_id if live is not None else None,
            applied_at=entry.applied_at if entry is not None else None,
            commit=entry.commit if entry is not None else None,
            source=pair.desired.source if pair.desired is not None else None,
        )


def _of_all(found: tuple[AttributeDrift, ...]) -> ChangedBy:
    """The side of a thing by those of its attributes."""
    sides = {attribute.changed_by for attribute in found}
    if ChangedBy.UNKNOWN in sides:
        return ChangedBy.UNKNOWN
    both = ChangedBy.BOTH in sides
    return moved(git=both or ChangedBy.GIT in sides, instance=both or ChangedBy.INSTANCE in sides)


class Naming:
    """Follows names through renames, declared ones and those that were done since they were written down."""

    def __init__(self, pairing: Pairing, owned: Ownership) -> None:
        self._pairing = pairing
        self._owned = owned
        self._pairs = {pair.owned.address: pair for pair in pairing.pairs if pair.owned is not None}
        self._former = {
            Address.of(address.collection, old, address.parent): address
            for address, entry in owned.items()
            for old in entry.renamed_from
        }

    def of(self, pair: Pair, known: Mapping[int, Address]) -> Names:
        """For the references of `pair`; `known`: by the identity of a pair, where the ledger has it."""
        parent = pair.parent
        then = known[id(parent)] if parent is not None else None
        now = parent.live.address if parent is not None and parent.live is not None else None
        return Names(
            declared=lambda _, name: identity(name),
            applied=lambda reference, name: self._applied(_target(reference, name, then)),
            live=lambda reference, name: self._live(_target(reference, name, now)),
        )

    def _applied(self, address: Address) -> str:
        known = address if address in self._owned else self._former.get(address, address)
        pair = self._pairs.get(known)
        return pair.address.name if pair is not None else known.name

    def _live(self, address: Address) -> str:
        pair = self._pairing.by_live.get(address)
        return pair.address.name if pair is not None else address.name


def _target(reference: Reference, name: str, parent: Address | None) -> Address:
    collection = kinds()[reference.kind].collection
    return Address.of(collection, name, parent if reference.scope is Scope.SIBLING else None)

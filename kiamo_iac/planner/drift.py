"""Who changed what since the last apply: git, or somebody on the instance; of attributes and of whole things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.ownership import Owned, Ownership
from kiamo_iac.core.state import Instance, RemoteId, State
from kiamo_iac.planner.matching import Pair, pair_up
from kiamo_iac.planner.naming import Naming
from kiamo_iac.planner.three_way import AttributeDrift, Side, attributes, authorship, changed_in_git, moved
from kiamo_iac.resources import by_collection

__all__ = ["AttributeDrift", "Drift", "Event", "Side", "ThingDrift", "authorship", "drift"]


class Event(StrEnum):
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
class ThingDrift:
    """One thing that is not as it was applied, or not as it is declared."""

    address: Address
    """As it is declared; of what no manifest declares, as the ledger has it."""
    kind: str
    event: Event
    side: Side
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

    things: tuple[ThingDrift, ...]
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
        return bool(self.things)

    @property
    def summary(self) -> dict[Side, int]:
        """How many things by the side that they changed on, all sides present."""
        counts = {side: sum(thing.side is side for thing in self.things) for side in Side}
        return counts | {Side.NEITHER: self.unchanged}


def drift(desired: State, live: State, owned: Ownership | None) -> Drift:
    """Compare what is declared, what was last applied, and what is live.

    `live` holds what `build_plan` needs; `owned` is what the ledger has, None when there is none. Who is who is decided
    as for a plan, so that the two say the same. References to unmanaged things, and what is neither declared nor owned,
    are not looked at.
    """
    comparison = _Comparison(desired, live, owned or {})
    found = list(comparison.things())
    differing = sorted((t for t in found if t.side is not Side.NEITHER), key=lambda t: (t.address, t.event))
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

    def things(self) -> Iterator[ThingDrift]:
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

    def _declared(self, pair: Pair, entry: Owned | None) -> ThingDrift:
        declaration, live = pair.declaration, pair.live
        if live is None:
            return self._missing(pair, entry)
        self.not_owned += entry is None
        if pair.unwanted:
            side = Side.GIT if entry is not None else Side.UNKNOWN
            return self._thing(pair, Event.GONE if entry is not None else Event.NOT_OWNED, side, entry)
        names = self._names.of(pair, self._known)
        if entry is not None and entry.remote_id not in {None, live.remote_id}:
            elsewhere = self._elsewhere(entry)  # another thing has taken its name
            side = moved(git=changed_in_git(declaration, entry, names), instance=True)
            found = attributes(declaration, entry, elsewhere or live, names)
            event = Event.REMADE if elsewhere is None else Event.RENAMED
            return self._thing(pair, event, side, entry, found=found, live=elsewhere)
        found = attributes(declaration, entry, live, names)
        event = Event.CHANGED if entry is not None else Event.NOT_OWNED
        if any(a.path == "name" and a.side in {Side.INSTANCE, Side.BOTH} for a in found):
            event = Event.RENAMED
        return self._thing(pair, event, _of_all(found), entry, found=found)

    def _missing(self, pair: Pair, entry: Owned | None) -> ThingDrift:
        if pair.unwanted:
            return self._thing(pair, Event.GONE, Side.NEITHER, entry)
        if entry is None or entry.remote_id is None:
            return self._thing(pair, Event.NEW, Side.GIT, entry)
        elsewhere = self._elsewhere(entry)
        if elsewhere is not None:
            return self._thing(pair, Event.RENAMED, Side.BOTH, entry, live=elsewhere)
        changed = changed_in_git(pair.declaration, entry, self._names.of(pair, self._known))
        return self._thing(pair, Event.DELETED, moved(git=changed, instance=True), entry)

    def _undeclared(self, pair: Pair, entry: Owned) -> ThingDrift:
        found = attributes(None, entry, pair.now, self._names.of(pair, self._known))
        return self._thing(pair, Event.GONE, moved(git=True, instance=bool(found)), entry, found=found)

    def _unclaimed(self, entry: Owned) -> ThingDrift:
        """Owned, not declared, and not to be found under its name."""
        kind = by_collection()[entry.address.collection].kind
        elsewhere = self._elsewhere(entry)
        return ThingDrift(
            entry.address,
            kind,
            Event.RENAMED if elsewhere is not None else Event.GONE,
            Side.BOTH if elsewhere is not None else Side.NEITHER,
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
        event: Event,
        side: Side,
        entry: Owned | None,
        *,
        found: tuple[AttributeDrift, ...] = (),
        live: Instance | None = None,
    ) -> ThingDrift:
        live = live or pair.live
        return ThingDrift(
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


def _of_all(found: tuple[AttributeDrift, ...]) -> Side:
    """The side of a thing by those of its attributes."""
    sides = {attribute.side for attribute in found}
    if Side.UNKNOWN in sides:
        return Side.UNKNOWN
    both = Side.BOTH in sides
    return moved(git=both or Side.GIT in sides, instance=both or Side.INSTANCE in sides)

"""Which live thing is which desired one: by name, by former name, and by the id that the ledger remembers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.ownership import Owned, Ownership
from kiamo_iac.core.resource import Ensure, Resource
from kiamo_iac.core.state import Instance, State
from kiamo_iac.planner.masking import hidden_like
from kiamo_iac.planner.renames import Level
from kiamo_iac.resources import children_of, kinds


@dataclass(eq=False, slots=True)
class Pair:
    """One thing, as it is desired (None: not declared), as it is live (None: not there), and as the ledger has it."""

    address: Address
    """Where it stands when the plan is done."""
    kind: type[Resource]
    desired: Instance | None
    live: Instance | None
    parent: Pair | None = None
    virtual: bool = False
    """The live side is not there yet: the platform makes it together with the new parent."""
    owned: Owned | None = None
    """What the ledger says of the live side; None: it is not ours, or there is no ledger."""

    @property
    def declaration(self) -> Instance:
        """The desired side of a pair that is declared."""
        if self.desired is None:
            msg = f"{self.address} is not declared"
            raise LookupError(msg)
        return self.desired

    @property
    def now(self) -> Instance:
        """The live side of a pair that is live."""
        if self.live is None:
            msg = f"{self.address} is not live"
            raise LookupError(msg)
        return self.live

    @property
    def ours(self) -> bool:
        """The ledger has it, with its id: an entry without one may be of something that was never made."""
        return self.owned is not None and self.owned.remote_id is not None

    @property
    def known_as(self) -> Address:
        """The address by which the ledger knows it."""
        return self.owned.address if self.owned is not None else self.address

    @property
    def protected(self) -> bool:
        """By its declaration, or by the last one that was applied."""
        declared = self.desired is not None and self.desired.lifecycle.protect
        return declared or (self.owned is not None and self.owned.protect)

    @property
    def wanted(self) -> bool:
        """Declared, and declared to be there."""
        return self.desired is not None and self.desired.lifecycle.ensure is Ensure.PRESENT

    @property
    def unwanted(self) -> bool:
        """Declared to be absent."""
        return self.desired is not None and self.desired.lifecycle.ensure is Ensure.ABSENT

    @property
    def renamed(self) -> bool:
        """It lives under another name than the one desired."""
        if self.desired is None or self.live is None or not self.wanted:
            return False
        return identity(self.live.name) != identity(self.desired.name)


@dataclass(eq=False, slots=True)
class Pairing:
    """All pairs, parents before children, and what was found on the way."""

    pairs: list[Pair] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    by_address: dict[Address, Pair] = field(default_factory=dict)
    """By the address when the plan is done."""
    by_live: dict[Address, Pair] = field(default_factory=dict)
    """By the address at which it lives now."""


def pair_up(desired: State, live: State, capabilities: Capabilities, owned: Ownership) -> Pairing:
    """Pair every declared and every live thing."""
    pairer = _Pairer(desired, live, capabilities, owned)
    for kind in kinds().values():
        if kind.parent is None:
            pairer.level(kind, None, desired.within(None, kind.collection), live.within(None, kind.collection))
    return pairer.pairing


class _Pairer:
    def __init__(self, desired: State, live: State, capabilities: Capabilities, owned: Ownership) -> None:
        self.pairing = Pairing()
        self._desired, self._live, self._capabilities = desired, live, capabilities
        self._owned: dict[tuple[Address | None, str], dict[str, Owned]] = defaultdict(dict)
        for address, entry in owned.items():
            self._owned[address.parent, address.collection][address.name] = entry

    def level(self, kind: type[Resource], parent: Pair | None, desired: list[Instance], live: list[Instance]) -> None:
        """Pair one collection below one parent, and then what stands below the pairs."""
        known = self._owned.get((parent.known_as if parent else None, kind.collection), {})
        by_name = {identity(i.name): i for i in live}
        level = Level(desired, by_name, known, self._desired, self._live)
        moves = level.moves()
        self.pairing.diagnostics += level.diagnostics
        taken = set(moves.values())
        above = parent.address if parent else None
        virtual = parent is not None and parent.live is None
        pairs: list[Pair] = []
        for d in desired:
            name = identity(d.name)
            old = moves.get(name, name)
            # A thing whose name a rename takes away is not there any more for whoever declared that name.
            match = by_name.get(old) if name in moves or old not in taken else None
            address = Address.of(kind.collection, name, above)
            ours = _entry(known, match, (name, *d.lifecycle.renamed_from))
            pairs.append(Pair(address, kind, d, match, parent, virtual=virtual and match is not None, owned=ours))
        matched = {id(p.live) for p in pairs}
        for name, i in by_name.items():
            if id(i) not in matched:
                address = Address.of(kind.collection, name, above)
                pairs.append(Pair(address, kind, None, i, parent, virtual=virtual, owned=_entry(known, i, (name,))))
        self._add(pairs)

    def _add(self, pairs: list[Pair]) -> None:
        for pair in pairs:
            if pair.live is not None and pair.live.settings:
                pair.live = hidden_like(pair.live, pair.desired, pair.owned)
            self.pairing.pairs.append(pair)
            self.pairing.by_address[pair.address] = pair
            if pair.live is not None and not pair.virtual:
                self.pairing.by_live[pair.live.address] = pair
        for pair in pairs:
            for kind in children_of(pair.kind.kind):
                desired = self._desired.within(pair.desired.address, kind.collection) if pair.desired else []
                if pair.live is not None:
                    live = self._live.within(pair.live.address, kind.collection)
                else:
                    live = self._made_with(pair, kind) if pair.wanted else []
                if desired or live:
                    self.level(kind, pair, desired, live)

    def _made_with(self, parent: Pair, kind: type[Resource]) -> list[Instance]:
        flag = {kind.system.flag: True} if kind.system else {}
        return [
            Instance(parent.address.child(kind.collection, str(things["name"])), kind, things, extras=flag)
            for things in self._capabilities.of(kind.kind).defaults
        ]


def _entry(known: dict[str, Owned], live: Instance | None, names: tuple[str, ...]) -> Owned | None:
    """What the ledger has under one of these names, if it is this live thing. An entry without an id is one that was
    about to be made: the thing under its very name is it."""
    if live is None or not known:
        return None
    for number, name in enumerate(names):
        entry = known.get(name)
        if entry is not None and (entry.remote_id == live.remote_id or (entry.remote_id is None and number == 0)):
            return entry
    return None

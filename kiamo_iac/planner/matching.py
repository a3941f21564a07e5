"""Which live thing is which desired one: by name, by former name, and where names go round in a circle, by likeness."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kiamo_iac.address import Address, identity
from kiamo_iac.diagnostics import Diagnostic, Severity
from kiamo_iac.planner.diff import same
from kiamo_iac.resources import children_of, kinds
from kiamo_iac.resources.base import Ensure, Resource
from kiamo_iac.resources.capabilities import Capabilities
from kiamo_iac.state import Instance, State


@dataclass(eq=False, slots=True)
class Pair:
    """One thing, as it is desired (None: not declared) and as it is live (None: not there)."""

    address: Address
    """Where it stands when the plan is done."""
    kind: type[Resource]
    desired: Instance | None
    live: Instance | None
    parent: Pair | None = None
    virtual: bool = False
    """The live side is not there yet: the platform makes it together with the new parent."""

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

    pairs: list[Pair]
    diagnostics: list[Diagnostic]
    by_address: dict[Address, Pair]
    """By the address when the plan is done."""
    by_live: dict[Address, Pair]
    """By the address at which it lives now."""


def pair_up(desired: State, live: State, capabilities: Capabilities) -> Pairing:
    """Pair every declared and every live thing."""
    pairing = Pairing([], [], {}, {})
    for kind in kinds().values():
        if kind.parent is None:
            found = _pair_level(
                kind,
                None,
                desired.within(None, kind.collection),
                live.within(None, kind.collection),
                _Sides(desired, live),
            )
            _descend(found, pairing, _Sides(desired, live), capabilities)
    return pairing


@dataclass(frozen=True, slots=True)
class _Sides:
    desired: State
    live: State


@dataclass(eq=False, slots=True)
class _Level:
    """The outcome of one collection below one parent."""

    pairs: list[Pair]
    diagnostics: list[Diagnostic]


def _descend(level: _Level, pairing: Pairing, sides: _Sides, capabilities: Capabilities) -> None:
    pairing.diagnostics += level.diagnostics
    for pair in level.pairs:
        pairing.pairs.append(pair)
        pairing.by_address[pair.address] = pair
        if pair.live is not None and not pair.virtual:
            pairing.by_live[pair.live.address] = pair
    for pair in level.pairs:
        for kind in children_of(pair.kind.kind):
            desired = sides.desired.within(pair.desired.address, kind.collection) if pair.desired else []
            if pair.live is not None:
                live = sides.live.within(pair.live.address, kind.collection)
            else:
                live = _made_with(pair, kind, capabilities) if pair.wanted else []
            if desired or live:
                _descend(_pair_level(kind, pair, desired, live, sides), pairing, sides, capabilities)


def _made_with(parent: Pair, kind: type[Resource], capabilities: Capabilities) -> list[Instance]:
    flag = {kind.system.flag: True} if kind.system else {}
    return [
        Instance(parent.address.child(kind.collection, str(things["name"])), kind, things, extras=flag)
        for things in capabilities.of(kind.kind).defaults
    ]


def _pair_level(
    kind: type[Resource], parent: Pair | None, desired: list[Instance], live: list[Instance], sides: _Sides
) -> _Level:
    by_name = {identity(i.name): i for i in live}
    level = _Level([], [])
    moves = _moves(desired, by_name, level, sides) if any(d.lifecycle.renamed_from for d in desired) else {}
    taken = set(moves.values())
    above = parent.address if parent else None
    virtual = parent is not None and parent.live is None
    for d in desired:
        name = identity(d.name)
        old = moves.get(name, name)
        # A thing whose name is taken away from it by a rename is not there any more for whoever declared that name.
        match = by_name.get(old) if name in moves or old not in taken else None
        address = Address.of(kind.collection, name, above)
        level.pairs.append(Pair(address, kind, d, match, parent, virtual=virtual and match is not None))
    matched = {id(p.live) for p in level.pairs}
    level.pairs += [
        Pair(Address.of(kind.collection, i.name, above), kind, None, i, parent, virtual=virtual)
        for i in live
        if id(i) not in matched
    ]
    return level


def _moves(desired: list[Instance], live: dict[str, Instance], level: _Level, sides: _Sides) -> dict[str, str]:
    """New name → old name, of everything that is to be renamed at this level."""
    wanted = {identity(d.name): d for d in desired if d.lifecycle.ensure is Ensure.PRESENT}
    olds = {name: [o for o in d.lifecycle.renamed_from if o in live and o != name] for name, d in wanted.items()}
    moves: dict[str, str] = {}
    for circle in _circles({name: o[0] for name, o in olds.items() if o and name in live}):
        if _distance(((n, n) for n in circle), wanted, live, sides) > _distance(circle.items(), wanted, live, sides):
            moves |= circle
    queue = [name for name, candidates in sorted(olds.items()) if candidates and name not in live]
    while queue:
        name = queue.pop(0)
        old = _only_one(name, olds[name], wanted[name], level)
        if old is None:
            continue
        if old in moves.values() or (old in wanted and old not in moves and not olds[old]):
            level.diagnostics.append(_ambiguous(wanted[name], old))
            continue
        moves[name] = old
        if old in wanted and old not in moves:
            queue.append(old)
    level.diagnostics += [
        _both_exist(wanted[n], o) for n, o in sorted(olds.items()) if n in live and n not in moves and _stray(o, wanted)
    ]
    return moves


def _stray(olds: list[str], wanted: dict[str, Instance]) -> bool:
    return any(o not in wanted for o in olds)


def _circles(claims: dict[str, str]) -> list[dict[str, str]]:
    """The closed circles of `name → former name` in which every name is live and declared: swaps, and longer ones."""
    circles: list[dict[str, str]] = []
    seen: set[str] = set()
    for start in sorted(claims):
        walk: dict[str, str] = {}
        name = start
        while name in claims and name not in walk and name not in seen:
            walk[name] = claims[name]
            name = claims[name]
        if walk and name == start:
            circles.append(walk)
        seen |= walk.keys() if name == start else {start}
    return circles


def _distance(
    assignment: Iterable[tuple[str, str]], wanted: dict[str, Instance], live: dict[str, Instance], sides: _Sides
) -> int:
    """How much would have to change were each new name taken by the thing of the old one."""
    return sum(_unlike(wanted[new], live[old], sides) for new, old in assignment)


def _unlike(desired: Instance, live: Instance, sides: _Sides) -> int:
    differing = sum(
        not same(value, live.attributes.get(key))
        for key, value in desired.attributes.items()
        if key not in {"name", "state"}
    )
    for kind in children_of(desired.kind.kind):
        there = {identity(i.name): i for i in sides.live.within(live.address, kind.collection)}
        for child in sides.desired.within(desired.address, kind.collection):
            found = there.get(identity(child.name))
            present = child.lifecycle.ensure is Ensure.PRESENT
            differing += (found is None) == present
            if found is not None and present:
                differing += _unlike(child, found, sides)
    return differing


def _only_one(name: str, candidates: list[str], desired: Instance, level: _Level) -> str | None:
    if len(candidates) == 1:
        return candidates[0]
    listed = " and ".join(f'"{c}"' for c in candidates)
    level.diagnostics.append(
        Diagnostic(
            "KIA0517",
            f'"{name}" has several former names that exist: {listed}',
            detail="Only one of them can be renamed, and nothing says which.",
            hint="Keep in renamed_from only the name of the thing that is meant.",
            address=desired.address,
            source=desired.source_of("renamed_from"),
        )
    )
    return None


def _ambiguous(desired: Instance, old: str) -> Diagnostic:
    return Diagnostic(
        "KIA0517",
        f'"{old}" is to become "{desired.name}", but another declaration needs "{old}" too',
        detail=f'On the instance there is one "{old}", and nothing says which of the two declarations it belongs to.',
        hint=f'Remove "{old}" from renamed_from of one of them; what is then not there is created.',
        address=desired.address,
        source=desired.source_of("renamed_from"),
    )


def _both_exist(desired: Instance, olds: list[str]) -> Diagnostic:
    listed = " and ".join(f'"{o}"' for o in olds)
    return Diagnostic(
        "KIA0601",
        f'"{desired.name}" and its former name {listed} both exist: nothing is renamed',
        severity=Severity.WARNING,
        hint="Remove renamed_from once the rename is done everywhere.",
        address=desired.address,
        source=desired.source_of("renamed_from"),
    )

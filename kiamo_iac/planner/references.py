"""References between things: what a name means on each side of the plan, and whether two of them mean the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.resource import Reference, Resource, Scope
from kiamo_iac.core.state import DanglingReference, Instance
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.matching import Pair, Pairing
from kiamo_iac.resources import kinds


class References:
    """Looks names up. A live name means the thing that bears it now; a declared one, the thing that does in the end."""

    def __init__(self, pairing: Pairing) -> None:
        self._pairing = pairing
        self._renamed_kinds = {p.kind.kind for p in pairing.pairs if p.renamed}
        self._users: dict[Address, list[tuple[Pair, Reference]]] | None = None

    def equal(self, pair: Pair, key: str, before: Any, after: Any) -> bool:
        """Whether the live value `before` of `key` is already what the declared value `after` asks for."""
        reference = _reference(pair.kind, key)
        if reference is None or before is None:
            return same(before, after)
        return reference.equal(
            before, after, lambda live, declared: self._final_name(pair, reference, live) == identity(declared)
        )

    def moved(self, pair: Pair, key: str) -> bool:
        """Whether what `key` names may bear another name in the end."""
        reference = _reference(pair.kind, key)
        return reference is not None and reference.kind in self._renamed_kinds

    def declared(self, pair: Pair, attributes: Mapping[str, Any]) -> Iterator[tuple[Reference, str, Pair | None]]:
        """Each reference in these declared attributes, the name, and the thing that bears it in the end."""
        for reference in pair.kind.references:
            for name in reference.names(attributes):
                address = _target(reference, name, pair.parent.address if pair.parent else None)
                yield reference, name, self._pairing.by_address.get(address) if address else None

    def users(self, target: Pair) -> list[tuple[Pair, Reference]]:
        """The live things that refer to the live thing `target`, with the reference they do it by, in order."""
        if self._users is None:
            self._users = {}
            for pair in self._pairing.pairs:
                if pair.live is not None and not pair.virtual:
                    for reference, address in _live_targets(pair.live):
                        self._users.setdefault(address, []).append((pair, reference))
        return self._users.get(target.live.address, []) if target.live else []

    def _final_name(self, pair: Pair, reference: Reference, name: str) -> str | None:
        if isinstance(name, DanglingReference):
            return None
        address = _target(reference, name, pair.now.address.parent if pair.kind.parent else None)
        found = self._pairing.by_live.get(address) if address else None
        return found.address.name if found else identity(name)


def _live_targets(live: Instance) -> Iterator[tuple[Reference, Address]]:
    for reference in live.kind.references:
        seen: set[Address] = set()
        for name in reference.names(live.attributes):
            address = None if isinstance(name, DanglingReference) else _target(reference, name, live.address.parent)
            if address is not None and address not in seen:
                seen.add(address)
                yield reference, address


def _reference(kind: type[Resource], key: str) -> Reference | None:
    return next((r for r in kind.references if r.attribute == key), None)


def _target(reference: Reference, name: str, parent: Address | None) -> Address | None:
    collection = kinds()[reference.kind].collection
    match reference.scope:
        case Scope.INSTANCE:
            return Address.of(collection, name)
        case Scope.SIBLING:
            return Address.of(collection, name, parent) if parent is not None else None

"""References between resources: which pair a name refers to on each side, and whether two names refer to the same
pair."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.resource import Reference, Resource, Scope
from kiamo_iac.core.state import DanglingReference, ResourceState
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.matching import ResourcePair, ResourcePairs
from kiamo_iac.resources import kinds


class ReferenceIndex:
    """Resolves names. A live name refers to the object that has it before the plan, a declared name to the one that has
    it after the plan."""

    def __init__(self, pairs: ResourcePairs) -> None:
        self._pairs = pairs
        self._renamed_kinds = {p.kind.kind for p in pairs.ordered if p.renamed}
        self._users: dict[Address, list[tuple[ResourcePair, Reference]]] | None = None

    def equal(self, pair: ResourcePair, key: str, before: Any, after: Any) -> bool:
        """Whether the live value `before` of `key` already refers to what the declared value `after` refers to."""
        reference = _reference(pair.kind, key)
        if reference is None or before is None:
            return same(before, after)
        return reference.equal(
            before, after, lambda live, declared: self._final_name(pair, reference, live) == identity(declared)
        )

    def may_be_renamed(self, pair: ResourcePair, key: str) -> bool:
        """Whether the plan renames anything of the kind that `key` refers to."""
        reference = _reference(pair.kind, key)
        return reference is not None and reference.kind in self._renamed_kinds

    def targets(
        self, pair: ResourcePair, attributes: Mapping[str, Any]
    ) -> Iterator[tuple[Reference, str, ResourcePair | None]]:
        """Each reference in these declared attributes, the name, and the pair that has it after the plan."""
        for reference in pair.kind.references:
            for name in reference.names(attributes):
                address = _target(reference, name, pair.parent.address if pair.parent else None)
                yield reference, name, self._pairs.by_address.get(address) if address else None

    def users(self, target: ResourcePair) -> list[tuple[ResourcePair, Reference]]:
        """The live objects that refer to the live object of `target`, each with the reference, in order."""
        if self._users is None:
            self._users = {}
            for pair in self._pairs.ordered:
                if pair.live is not None and not pair.made_with_parent:
                    for reference, address in _live_targets(pair.live):
                        self._users.setdefault(address, []).append((pair, reference))
        return self._users.get(target.live.address, []) if target.live else []

    def _final_name(self, pair: ResourcePair, reference: Reference, name: str) -> str | None:
        if isinstance(name, DanglingReference):
            return None
        address = _target(reference, name, pair.live_object.address.parent if pair.kind.parent else None)
        found = self._pairs.by_live.get(address) if address else None
        return found.address.name if found else identity(name)


def _live_targets(live: ResourceState) -> Iterator[tuple[Reference, Address]]:
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

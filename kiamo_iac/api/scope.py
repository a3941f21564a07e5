"""Which parts of an instance a desired state needs: the parents to read below, and the kinds to read everywhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from kiamo_iac.api.wire import references_by
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.resource import Ensure, Resource, Scope, is_temporary
from kiamo_iac.core.state import Owned, Ownership, RemoteId, ResourceState, State
from kiamo_iac.resources import by_collection, kinds


@dataclass(frozen=True, slots=True)
class NamedResources:
    """What a desired state names, kind by kind, in NFC."""

    names: Mapping[str, frozenset[str]]
    """Names, former names, and the names of parents."""
    to_delete: Mapping[str, frozenset[str]]
    """Names, and former names, of what is to be deleted: declared absent, or pruned."""
    ids: Mapping[str, frozenset[RemoteId]]
    """Ids of what is owned: it is read under whatever name it has now."""
    attributes: Mapping[tuple[str, str], frozenset[str]]
    """(kind, name) → the attributes, and `settings.KEY`, that are declared for it, or guard its deletion."""


def resources_named_by(desired: State, owned: Ownership, *, prune: bool) -> NamedResources:
    """What `desired` and the ledger name. `prune`: what is owned and not declared is to be deleted."""
    names: dict[str, set[str]] = {kind: set() for kind in kinds()}
    ids: dict[str, set[RemoteId]] = {kind: set() for kind in kinds()}
    to_delete: dict[str, set[str]] = {kind: set() for kind in kinds()}
    parents: set[str] = set()
    attributes: dict[tuple[str, str], frozenset[str]] = {}
    for instance in desired:
        lifecycle = instance.lifecycle
        own = (instance.address.name, *map(identity, lifecycle.renamed_from))
        names[instance.kind.kind].update(own)
        is_deleted = lifecycle.ensure is Ensure.ABSENT and lifecycle.managed
        if is_deleted:
            to_delete[instance.kind.kind].update(own)
        for name in own:
            _add(attributes, instance.kind, name, _guarding(instance.kind) if is_deleted else _declared(instance))
        if instance.kind.parent is not None:
            parents.add(instance.address.rsplit("/", 2)[0])
    for entry in owned.values():
        kind = by_collection().get(entry.address.collection)
        if kind is None:
            continue
        names[kind.kind].add(entry.address.name)
        if entry.remote_id is not None:
            ids[kind.kind].add(entry.remote_id)
        if prune and entry.address not in desired:
            to_delete[kind.kind].add(entry.address.name)
            _add(attributes, kind, entry.address.name, _guarding(kind))
        if kind.parent is not None:
            parents.add(entry.address.rsplit("/", 2)[0])
    for text in parents:
        parent: Address | None = Address(text)
        while parent is not None:
            names[by_collection()[parent.collection].kind].add(parent.name)
            parent = parent.parent
    return NamedResources(
        {kind: frozenset(found) for kind, found in names.items()},
        {kind: frozenset(found) for kind, found in to_delete.items()},
        {kind: frozenset(found) for kind, found in ids.items()},
        attributes,
    )


def referred_to(desired: State, kind: str) -> frozenset[str]:
    """The names in NFC of the resources of a kind that declared ones refer to, wherever they are."""
    names = (
        name
        for resource in desired
        for reference in resource.kind.references
        if reference.kind == kind
        for name in reference.names(resource.attributes)
    )
    return frozenset(map(identity, names))


def concerns_below(
    parent: ResourceState, kind: type[Resource], name: str, desired: State, owned: Ownership, *, prune: bool
) -> bool:
    """Whether a plan may be about objects of a kind with this name, in NFC, below a live parent: they are declared,
    managed or referred to there, or something is deleted there, which they may refer to, or be."""
    entries = [entry for entry in owned.values() if entry.address.collection == parent.kind.collection]
    own = [entry for entry in entries if entry.remote_id == parent.remote_id]
    names = {identity(parent.name)}.union(*map(_names_of_entry, own))
    if prune and any(entry.address not in desired for entry in own):
        return True
    for entry in owned.values():
        if entry.address.parent is not None and entry.address.parent.name in names:
            if prune and entry.address not in desired:
                return True
            if entry.address.collection == kind.collection and name in _names_of_entry(entry):
                return True
    above = [one for one in desired if one.kind is parent.kind and _is_named(one, names)]
    if any(one.lifecycle.ensure is Ensure.ABSENT or one.lifecycle.exclusive for one in above):
        return True
    parents = {one.address for one in above} | {Address.of(parent.kind.collection, own) for own in names}
    return any(
        one.lifecycle.ensure is Ensure.ABSENT
        or (one.kind is kind and _is_named(one, {name}))
        or any(
            name == identity(to) for r in one.kind.references if r.kind == kind.kind for to in r.names(one.attributes)
        )
        for one in desired
        if one.address.parent in parents
    )


def _is_named(declared: ResourceState, names: Collection[str]) -> bool:
    """Whether a live object with one of these names may be what is declared."""
    own = {declared.address.name, *map(identity, declared.lifecycle.renamed_from)}
    return not own.isdisjoint(names) or any(is_temporary(name, own) for name in names)


def _names_of_entry(entry: Owned) -> set[str]:
    return {entry.address.name, *([identity(entry.renaming_to)] if entry.renaming_to is not None else [])}


_Attributes = dict[tuple[str, str], frozenset[str]]


def _add(attributes: _Attributes, kind: type[Resource], name: str, more: frozenset[str]) -> None:
    if more:
        attributes[kind.kind, name] = more | attributes.get((kind.kind, name), frozenset())


def _declared(resource: ResourceState) -> frozenset[str]:
    return frozenset({*resource.attributes, *(f"settings.{key}" for key in resource.settings)}) - {"name"}


def _guarding(kind: type[Resource]) -> frozenset[str]:
    """What tells whether a deletion loses contacts."""
    return frozenset({kind.contents} if kind.contents else ())


def read_everywhere(wanted: NamedResources, live: Mapping[str, Collection[str]], contract: Contract) -> frozenset[str]:
    """Kinds to be read below every parent of the instance, so that everything that refers to what is deleted is read.

    `live`: of the kinds that are listed whole, the live names in NFC. Names that do not exist live need no deletion.
    """
    deleted_kinds = {
        kind
        for kind, names in wanted.to_delete.items()
        if (names if kind not in live else names & frozenset(live[kind]))
    }
    found = {
        kind.kind
        for kind in kinds().values()
        if kind.parent is not None
        and any(r.scope is Scope.INSTANCE and r.kind in deleted_kinds for r in kind.references)
    }
    while more := _required_by(found, contract) - found:
        found |= more
    return frozenset(found)


def _required_by(found: Collection[str], contract: Contract) -> set[str]:
    """Kinds that have to be read where those are: their parents, and siblings that they name by id."""
    more: set[str] = set()
    for name in found:
        kind = kinds()[name]
        if kind.parent is not None and kinds()[kind.parent].parent is not None:
            more.add(kind.parent)
        more |= {r.kind for r in references_by(contract, kind, "id") if r.scope is Scope.SIBLING}
    return more

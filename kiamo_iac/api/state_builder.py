"""Builds the live state from listed rows: addresses, references as names, and problems between lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kiamo_iac.api.wire import LiveRow, put_names, references_by
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.diagnostics import Diagnostic, Severity, by_place
from kiamo_iac.core.errors import ResponseError
from kiamo_iac.core.packed_state import PackedChildren, PackedState, PackedTops
from kiamo_iac.core.printable import printable
from kiamo_iac.core.resource import Reference, Resource, Scope
from kiamo_iac.core.state import RemoteId, ResourceState, State
from kiamo_iac.resources import children_of, kinds

_Names = dict[RemoteId, str]

IsWanted = Callable[[type[Resource], str, Collection[RemoteId], ResourceState | None], bool]
"""(kind, name in NFC, ids, parent) → whether a run is about objects of that name, or with one of those ids."""


@dataclass(frozen=True, slots=True)
class _Clash:
    """Two objects with one name."""

    found: Diagnostic
    objects: tuple[type[Resource], str, Collection[RemoteId], ResourceState | None]
    """What `IsWanted` takes."""


class StateBuilder:
    """Builds a `State` from lists of rows, parents before children."""

    def __init__(
        self,
        contract: Contract,
        *,
        below: PackedChildren | None = None,
        change: Callable[[ResourceState], ResourceState] = lambda resource: resource,
    ) -> None:
        """`below`: where everything but the services is kept; then `state` is a `PackedState`. `change`: what
        becomes of each resource."""
        self._contract = contract
        self._below = below
        self._tops: PackedTops | None = None
        self._change = change
        self._instances: dict[str, list[ResourceState]] = {kind: [] for kind in kinds()}
        self._names: dict[str, _Names] = {kind: {} for kind in kinds()}
        """Of each kind in `_named`, id → name, over the whole instance as far as it is read."""
        self._siblings: dict[tuple[Address, str], _Names] = {}
        """Of a kind below one parent, id → name; only where a contract writes references to siblings as ids."""
        self._waiting: dict[Address | None, list[tuple[type[Resource], ResourceState | None, list[LiveRow]]]] = {}
        """Parent → its lists, until all of them are added: objects of one refer to those of another."""
        self._by_id = {kind.kind: references_by(contract, kind, "id") for kind in kinds().values()}
        self._by_key = {kind.kind: references_by(contract, kind, "key") for kind in kinds().values()}
        self._keys: dict[str, _Names] = {r.kind: {} for references in self._by_key.values() for r in references}
        """Of each kind that others name by key, key → name."""
        self._sibling_targets = {
            r.kind for references in self._by_id.values() for r in references if r.scope is Scope.SIBLING
        }
        self._named = {
            *(r.kind for references in self._by_id.values() for r in references if r.scope is Scope.INSTANCE),
            *(kind.parent for kind in kinds().values() if self._is_split(kind)),
        }
        self._shared: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._clashes: list[_Clash] = []
        self._warnings: list[Diagnostic] = []

    def add(self, kind: type[Resource], parent: ResourceState | None, rows: list[LiveRow]) -> None:
        """Add one list. Its objects are built by `settle`."""
        if kind.kind in self._sibling_targets and parent is not None:
            self._siblings[parent.address, kind.kind] = {row.remote_id: row.name for row in rows}
        if kind.kind in self._named:
            self._names[kind.kind].update((row.remote_id, row.name) for row in rows)
        if kind.kind in self._keys:
            self._keys[kind.kind].update((row.extras["key"], row.name) for row in rows if "key" in row.extras)
        self._waiting.setdefault(parent.address if parent is not None else None, []).append((kind, parent, rows))

    def settle(self, parent: Address | None) -> None:
        """Build the objects directly below `parent` (None: those without one), when all of their lists are added."""
        built = [one for kind, above, rows in self._waiting.pop(parent, ()) for one in self._built(kind, above, rows)]
        if self._below is not None and parent is not None:
            self._below.add(parent, built)
            for kind in self._sibling_targets:
                self._siblings.pop((parent, kind), None)
            return
        if self._below is not None:
            self._tops = PackedTops((one for one in built if children_of(one.kind.kind)), self._below)
            built = [one for one in built if not children_of(one.kind.kind)]
        for one in built:
            self._instances[one.kind.kind].append(one)

    def of(self, kind: type[Resource]) -> Iterator[ResourceState]:
        """The objects of a kind, as far as they are built."""
        yield from self._instances[kind.kind]
        if self._below is None or self._tops is None:
            return
        if kind.parent is None:
            yield from (one for one in self._tops if one.kind is kind)
            return
        for parent in [*self._below.parents()]:
            yield from (one for one in self._below.of(parent) if one.kind is kind)

    def live_names(self) -> dict[str, Collection[str]]:
        """Of each kind that has no parent and is listed, the names in NFC."""
        return {
            kind.kind: {identity(instance.name) for instance in self._instances[kind.kind]}
            for kind in kinds().values()
            if kind.parent is None
        }

    def referring(self, kind: type[Resource], name: str, parent: Address | None) -> Iterator[ResourceState]:
        """The objects below `parent` (None: anywhere) that refer to one of a kind by this name, in NFC."""
        for one in (one for instances in self._instances.values() for one in instances):
            names = (to for r in one.kind.references if r.kind == kind.kind for to in r.names(one.attributes))
            if (parent is None or one.address.parent == parent) and name in map(identity, names):
                yield one

    def _is_split(self, kind: type[Resource]) -> bool:
        """Whether one list has the objects of all parents."""
        stanza = self._contract.kinds.get(kind.kind)
        return stanza is not None and kind.parent is not None and not stanza.listed_by_parent

    def note_orphans(self, kind: type[Resource], by_parent: Mapping[RemoteId | None, Iterable[LiveRow]]) -> None:
        """Warn of objects whose parent is not in the list of parents, where that list is complete."""
        parent = kinds()[kind.parent or ""]
        if parent.parent is not None:
            return
        known = self._names[parent.kind].keys()
        for id_, rows in by_parent.items():
            if id_ not in known:
                names = ", ".join(sorted(f'"{printable(row.name, 60)}"' for row in rows))
                summary = (
                    f'{kind.collection} of a {parent.kind} that is not listed ("{printable(str(id_), 60)}"): {names}'
                )
                self._warnings.append(Diagnostic("KIA0422", summary, Severity.WARNING))

    def state(self, is_wanted: IsWanted) -> State:
        """Everything, sorted by address. Of objects that have one name, and for which `is_wanted` is false, there is
        none, and a warning.

        Raises:
            ResponseError: other names clash; every clash is in its diagnostics.
        """
        clashes = [clash.found for clash in self._clashes if is_wanted(*clash.objects)]
        if clashes:
            msg = "Names on the instance clash: two objects have one name in Unicode NFC, in which names are compared."
            hint = "rename one of each pair in Kiamo"
            raise _with(ResponseError(msg, hint=hint), by_place(clashes))
        hint = "neither is read; to manage or export one, rename the other in Kiamo"
        self._warnings += [replace(c.found, severity=Severity.WARNING, hint=hint) for c in self._clashes]
        found = [instance for instances in self._instances.values() for instance in instances]
        if self._below is not None and self._tops is not None:
            return PackedState(found, self._tops, self._below)
        found.sort(key=lambda instance: instance.address)
        return State(found)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The warnings, in a fixed order."""
        return by_place(self._warnings)

    def _built(
        self, kind: type[Resource], parent: ResourceState | None, rows: list[LiveRow]
    ) -> Iterator[ResourceState]:
        above = parent.address if parent is not None else None
        references, by_key = self._by_id[kind.kind], self._by_key[kind.kind]
        alike = parent is not None and not kind.references and self._below is None
        seen: dict[Address, LiveRow] = {}
        addresses = [Address.of(kind.collection, row.name, above) for row in rows]
        clashing = _in_twice(addresses)
        for row, address in zip(rows, addresses, strict=True):
            if (other := seen.setdefault(address, row)) is not row:
                self._clash(kind, address, (other, row), parent)
                continue
            if address in clashing:
                continue
            for reference in references:
                put_names(row.attributes, reference, self._names_for(reference, above))
            for reference in by_key:
                put_names(row.attributes, reference, self._keys[reference.kind])
            attributes = self._share(row.attributes) if alike else row.attributes
            yield self._change(row.instance(kind, address, attributes))

    def _share(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """One mapping for all that are equal: bases tend to have the same fields, and there are tens of thousands."""
        if not all(type(value) is str for value in attributes.values()):  # 1 equals True, and a list has no hash
            return attributes
        return self._shared.setdefault(tuple(attributes.items()), attributes)

    def _names_for(self, reference: Reference, parent: Address | None) -> _Names:
        if reference.scope is Scope.SIBLING and parent is not None:
            return self._siblings.get((parent, reference.kind), {})
        return self._names[reference.kind]

    def _clash(
        self, kind: type[Resource], address: Address, rows: tuple[LiveRow, LiveRow], parent: ResourceState | None
    ) -> None:
        one, other = (f'"{printable(row.name, 60)}"' for row in rows)
        summary = f"two {kind.collection} on the instance have the name {one}"
        detail = f"Their ids are {' and '.join(printable(str(row.remote_id), 60) for row in rows)}."
        if rows[0].name != rows[1].name:
            detail += f" Their names differ only in Unicode form: {rows[0].name!a} and {rows[1].name!a}."
        found = Diagnostic(
            "KIA0421", summary if one == other else f"{summary}, {other}", detail=detail, address=address
        )
        objects = kind, address.name, frozenset(row.remote_id for row in rows), parent
        self._clashes.append(_Clash(found, objects))


def _in_twice(addresses: list[Address]) -> frozenset[Address]:
    """The addresses that two objects have."""
    if len(set(addresses)) == len(addresses):
        return frozenset()
    return frozenset(address for address, count in Counter(addresses).items() if count > 1)


def _with(error: ResponseError, diagnostics: Iterable[Diagnostic]) -> ResponseError:
    error.diagnostics = tuple(diagnostics)
    return error

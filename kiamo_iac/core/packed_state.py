"""A live state that is kept in a store, for instances of any size.

StateBuilder ─► PackedChildren.add, a parent at a time ─► PackedState ─► whoever asks for a State
"""

from __future__ import annotations

import io
import pickle
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NoReturn

from kiamo_iac.core.address import Address
from kiamo_iac.core.packing import PackedStore
from kiamo_iac.core.resource import Resource
from kiamo_iac.core.sensitive import Sensitive
from kiamo_iac.core.state import EMPTY, DanglingReference, ResourceState, State

_GROUP: Final = 64
"""Resources without a parent that are packed together."""
_UNPACKED: Final = 4
"""Parents whose children stay unpacked: those that were asked for last."""


class PackedChildren:
    """What is below each parent, in a store. Sensitive values stay as they are, in memory."""

    def __init__(self) -> None:
        self._store = PackedStore()
        self._packed: dict[Address, int] = {}
        self._beside: list[Any] = []
        """Objects that are not stored: sensitive values, and kinds."""
        self._numbers: dict[type[Resource], int] = {}
        self.count = 0

    def add(self, parent: Address, children: Iterable[ResourceState]) -> None:
        """Add everything directly below a parent, of all kinds. One thread at a time."""
        resources = [*children]
        if resources:
            self.count += len(resources)
            self._packed[parent] = self.put(resources)

    def parents(self) -> Iterator[Address]:
        """Every parent that has children, in no order."""
        return iter(self._packed)

    def of(self, parent: Address) -> list[ResourceState]:
        """Everything directly below a parent, by address."""
        at = self._packed.get(parent)
        return sorted(self.get(at, parent), key=lambda child: child.address) if at is not None else []

    def put(self, resources: Iterable[ResourceState]) -> int:
        """Store resources; returns what `get` takes."""
        rows = [
            (one.kind, one.attributes, one.settings or None, one.remote_id, one.extras or None) for one in resources
        ]
        return self._store.put(_dumped(rows, self._number))

    def get(self, at: int, parent: Address | None) -> list[ResourceState]:
        """The resources of the `put` that returned `at`, all of them directly below `parent`."""
        return [
            ResourceState(
                Address.of(kind.collection, attributes["name"], parent),
                kind,
                attributes,
                settings or EMPTY,
                remote_id=remote_id,
                extras=extras or EMPTY,
            )
            for kind, attributes, settings, remote_id, extras in _loaded(self._store.get(at), self._beside)
        ]

    def _number(self, value: Any) -> int | None:
        """The number of an object that is not stored; None for all others."""
        if isinstance(value, Sensitive):
            self._beside.append(value)
            return len(self._beside) - 1
        if isinstance(value, type) and issubclass(value, Resource):
            number = self._numbers.setdefault(value, len(self._beside))
            if number == len(self._beside):
                self._beside.append(value)
            return number
        return None


class PackedTops:
    """Resources without a parent, by address, in the same store: there are thousands of bases."""

    def __init__(self, resources: Iterable[ResourceState], store: PackedChildren) -> None:
        ordered = sorted(resources, key=lambda top: top.address)
        self._store = store
        self._addresses = [top.address for top in ordered]
        self._groups = [store.put(ordered[first : first + _GROUP]) for first in range(0, len(ordered), _GROUP)]
        self._unpacked: tuple[int, list[ResourceState]] = (-1, [])

    def __len__(self) -> int:
        return len(self._addresses)

    def __iter__(self) -> Iterator[ResourceState]:
        for at in self._groups:
            yield from self._store.get(at, None)

    def get(self, address: Address) -> ResourceState | None:
        """The resource at `address`, or None."""
        index = bisect_left(self._addresses, address)
        if index == len(self._addresses) or self._addresses[index] != address:
            return None
        number = index // _GROUP
        if self._unpacked[0] != number:
            self._unpacked = (number, self._store.get(self._groups[number], None))
        return self._unpacked[1][index % _GROUP]


def _dumped(rows: list[Any], number: Callable[[Any], int | None]) -> bytes:
    buffer = io.BytesIO()
    pickler = _Pickler(buffer, protocol=5)
    pickler.number = number
    pickler.dump(rows)
    return buffer.getvalue()


def _loaded(data: bytes, beside: list[Any]) -> Any:
    unpickler = _Unpickler(io.BytesIO(data))
    unpickler.beside = beside
    return unpickler.load()


class _Pickler(pickle.Pickler):
    number: Callable[[Any], int | None]

    def persistent_id(self, value: Any) -> int | None:
        return self.number(value)


class _Unpickler(pickle.Unpickler):
    """Of plain data; the only class that it makes objects of is that of a dangling reference."""

    beside: list[Any]

    def persistent_load(self, number: int) -> Any:
        return self.beside[number]

    def find_class(self, module: str, name: str) -> type[DanglingReference]:
        if (module, name) != (DanglingReference.__module__, DanglingReference.__qualname__):
            _refuse(name)
        return DanglingReference


def _refuse(name: str) -> NoReturn:
    msg = f"{name} is not plain data"
    raise pickle.UnpicklingError(msg)


class PackedState(State):
    """A `State` whose resources are unpacked when they are asked for; below the top level parent by parent.

    Whoever asks for one parent after the other unpacks each once. Iteration yields the top level, and then what is
    below each parent. Not safe under threads.
    """

    __slots__ = ("_below", "_packed_tops", "_unpacked")

    def __init__(self, tops: Iterable[ResourceState], packed_tops: PackedTops, below: PackedChildren) -> None:
        """`tops`: the resources without a parent that have none below them; `packed_tops`: all others without one.

        Raises:
            ValueError: two of `tops` have one address.
        """
        super().__init__(sorted(tops, key=lambda top: top.address))
        self._packed_tops = packed_tops
        self._below = below
        self._unpacked: dict[Address, dict[Address, ResourceState]] = {}

    def __getitem__(self, address: Address) -> ResourceState:
        found = self.get(address)
        if found is None:
            raise KeyError(address)
        return found

    def __contains__(self, address: object) -> bool:
        return isinstance(address, str) and self.get(Address(address)) is not None

    def __iter__(self) -> Iterator[ResourceState]:
        yield from self._packed_tops
        yield from super().__iter__()
        for parent in sorted(self._below.parents()):
            yield from self._children_of(parent).values()

    def __len__(self) -> int:
        return super().__len__() + len(self._packed_tops) + self._below.count

    def get(self, address: Address) -> ResourceState | None:
        """As `State.get`."""
        parent = address.parent
        if parent is not None:
            return self._children_of(parent).get(address)
        return super().get(address) or self._packed_tops.get(address)

    def within(self, parent: Address | None, collection: str) -> list[ResourceState]:
        """As `State.within`."""
        if parent is None:
            return [*self.tops(collection)]
        return [child for child in self._children_of(parent).values() if child.kind.collection == collection]

    def tops(self, collection: str) -> Iterator[ResourceState]:
        """As `State.tops`; they are unpacked some at a time."""
        yield from (top for top in self._packed_tops if top.kind.collection == collection)
        yield from super().within(None, collection)

    def _children_of(self, parent: Address) -> dict[Address, ResourceState]:
        found = self._unpacked.get(parent)
        if found is None:
            found = {child.address: child for child in self._below.of(parent)}
            if len(self._unpacked) >= _UNPACKED:
                del self._unpacked[next(iter(self._unpacked))]
            self._unpacked[parent] = found
        return found

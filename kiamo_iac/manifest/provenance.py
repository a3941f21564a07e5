"""The composed resources of an environment, each value with the place that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.sensitive import Sensitive
from kiamo_iac.manifest.blocks import BlockType, block_types, reading_order
from kiamo_iac.manifest.composition import Locator, merge
from kiamo_iac.manifest.loader import Loaded
from kiamo_iac.manifest.variables import Value, literal

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one value comes from."""

    source: SourceRange
    variables: tuple[tuple[str, SourceRange], ...] = ()
    """The variables filled into a string: name and place of the value."""


@dataclass(frozen=True, slots=True)
class ComposedValue:
    """A scalar, or an empty mapping or list."""

    path: Path
    """Keys and indices from its resource: `("association", "destination")`."""
    value: Any
    origin: Provenance


@dataclass(frozen=True, slots=True)
class ComposedResource:
    """One declared resource, with the resources nested in its block."""

    address: Address
    type: BlockType
    parents: Mapping[str, str]
    """Kind → name of its parents; only where no manifest declares the parent."""
    leaves: tuple[ComposedValue, ...]
    children: Mapping[str, tuple[ComposedResource, ...]]
    """Collection → its resources, in the order of declaration."""


def composed_resources(loaded: Loaded) -> Mapping[str, tuple[ComposedResource, ...]]:
    """Collection → the resources at the top, in reading order, then in the order of declaration.

    `loaded` was composed with its parts kept.
    """
    below: dict[tuple[Address | None, str], list[Address]] = {}
    for address in loaded.parts:
        parent = address.parent
        holder = parent if parent in loaded.parts else None
        below.setdefault((holder, address.collection), []).append(address)
    reading = _Composer(loaded, below)
    known = block_types()
    return {name: reading.resources(None, known[name]) for name in reading_order(known) if (None, name) in below}


class _Composer:
    def __init__(
        self,
        loaded: Loaded,
        below: Mapping[tuple[Address | None, str], Sequence[Address]],
    ) -> None:
        self._loaded = loaded
        self._variables = loaded.variables
        self._below = below
        self._block_types = block_types()

    def resources(self, parent: Address | None, block_type: BlockType) -> tuple[ComposedResource, ...]:
        found = self._below.get((parent, block_type.kind.collection), ())
        return tuple(self._resource(address, block_type, at_top=parent is None) for address in found)

    def _resource(self, address: Address, block_type: BlockType, *, at_top: bool) -> ComposedResource:
        block, places = merge(self._loaded.parts[address], lambda _: None)
        parents: dict[str, str] = {}
        above = address.parent
        if at_top:
            for ancestor in reversed(block_type.ancestors):
                if above is not None:
                    parents[ancestor.kind] = self._loaded.state[above].name
                    above = above.parent
        children = {
            name: self.resources(address, self._block_types[name]) for name in reading_order(block_type.children)
        }
        return ComposedResource(
            address,
            block_type,
            dict(reversed(parents.items())),
            tuple(self._leaves(block.body(), block.node, places, settings=self._loaded.state[address].settings)),
            {name: found for name, found in children.items() if found},
        )

    def _leaves(
        self, body: dict[str, Any], node: dict[str, Any], places: Locator, *, settings: Mapping[str, Any]
    ) -> Iterator[ComposedValue]:
        """`settings`: of the desired state, where sensitive values are hidden."""
        place = places.place(node)
        for key in sorted(body, key=_rank):
            shown = settings if key == "settings" and settings else body[key]
            yield from self._below_key((key,), body[key], place.at(key), places, shown=shown)

    def _below_key(
        self, path: Path, value: Any, source: SourceRange, places: Locator, *, shown: Any
    ) -> Iterator[ComposedValue]:
        if value and isinstance(value, dict | list) and not isinstance(shown, Sensitive):
            place = places.place(value)
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                yield from self._below_key((*path, key), inner, place.at(str(key)), places, shown=shown[key])
            return
        known = self._variables.known
        variables = tuple((name, known[name].source) for name in self._variables.names_at(source) if name in known)
        yield ComposedValue(path, shown, Provenance(source, variables))


_FIRST = (
    "name",
    "managed",
    "ensure",
    "protect",
    "renamed_from",
    "exclusive",
    "ignore_changes",
    "label",
    "datatype",
    "service",
)
"""Keys in the order in which they are shown; all others follow, in the order of declaration."""


def _rank(key: str) -> int:
    return _FIRST.index(key) if key in _FIRST else len(_FIRST)


def as_written(value: Value | list[Any] | dict[str, Any] | None) -> Any:
    """A value as a manifest writes it, with `${` of strings escaped."""
    return literal(value) if isinstance(value, str) else value

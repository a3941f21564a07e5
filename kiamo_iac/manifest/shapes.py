"""What a block of each kind may hold: its own keys, its children, and at the top of a file the names of its parents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kiamo_iac.core.resource import Resource
from kiamo_iac.resources import by_collection, children_of, kinds


@dataclass(frozen=True, slots=True)
class Shape:
    """How blocks of one kind are read."""

    kind: type[Resource]
    ancestors: tuple[type[Resource], ...]
    """The kinds that it stands below, outermost first."""
    children: Mapping[str, type[Resource]]
    """Collection → kind of what may be nested in its block."""
    keys: frozenset[str]
    """Keys that its model knows."""
    inner: tuple[str, ...]
    """Attributes that are lists or mappings of references, whose places are kept for later checks."""
    check: Callable[[Any], object]
    """Validates a block without the keys of children and ancestors; raises pydantic's ValidationError."""

    @property
    def noun(self) -> str:
        """`batch`."""
        return self.kind.kind

    @property
    def one(self) -> str:
        """`a batch`."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"


Shapes = Mapping[str, Shape]
"""Collection → shape, parents before children."""


def shapes() -> Shapes:
    """The shapes of all kinds there are now."""
    return {collection: _shape(kind) for collection, kind in by_collection().items()}


def reading_order(collections: Iterable[str]) -> list[str]:
    """The collections as a manifest is best read: what others refer to first, services before bases before batches."""
    known = by_collection()
    return sorted(collections, key=lambda name: (_rank(known[name]), not known[name].by_reference, name))


def _rank(kind: type[Resource]) -> int:
    needed = {reference.kind for reference in kind.references} | ({kind.parent} if kind.parent else set())
    return 1 + max((_rank(kinds()[name]) for name in needed if name != kind.kind), default=0)


def _shape(kind: type[Resource]) -> Shape:
    return Shape(
        kind=kind,
        ancestors=_ancestors(kind),
        children={child.collection: child for child in children_of(kind.kind)},
        keys=frozenset(kind.model_fields),
        inner=tuple(reference.attribute for reference in kind.references if reference.holds_several),
        check=kind.__pydantic_validator__.validate_python,
    )


def _ancestors(kind: type[Resource]) -> tuple[type[Resource], ...]:
    if kind.parent is None:
        return ()
    parent = kinds()[kind.parent]
    return (*_ancestors(parent), parent)

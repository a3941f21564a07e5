"""The composition of an environment: manifests, patches merged over them, and variables in both.

A patch is a manifest of the same shape. Each block is merged over the block of the same address in the layers below:

    base                         patch                          composed
    - name: spring               - name: spring                 - name: spring
      label: Spring                label: Printemps               label: Printemps        a key replaces a key
      service: Outbound            service: null                                          null removes it
      association: {a: x, b: y}    association: {b: z}            association: {a: x, b: z}   entry by entry

Children are blocks of their own. A patch adds resources that the base does not have, and may declare resources absent.
Lists are replaced, except `sensitive`, which a patch extends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.place import JoinedPlace, MergedPlace, Place
from kiamo_iac.core.printable import quote
from kiamo_iac.document.parser import Document, Node
from kiamo_iac.manifest.blocks import Block
from kiamo_iac.manifest.variables import Variables

Report = Callable[[Diagnostic], None]

JOINED: Final = "sensitive"
"""The key whose lists are joined over all layers: a patch cannot reveal by mistake what the base hides."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The manifests of one environment."""

    files: tuple[Path, ...]
    """The base: it declares a resource once."""
    patches: tuple[tuple[Path, ...], ...] = ()
    """The layers over it, the last one on top; each declares a resource once."""
    variables: Variables = field(default_factory=Variables)


class Part(NamedTuple):
    """The block of a resource in one layer."""

    block: Block
    document: Document
    """Its file, with the variables filled in."""
    layer: int
    """0: the base; 1: the first layer of patches."""


class Locator(Protocol):
    """Locates mappings and lists."""

    def place(self, node: Node) -> Place:
        """The place of `node`."""
        ...


def merge(parts: Sequence[Part], report: Report) -> tuple[Block, Locator]:
    """Merge the parts of a resource, the lowest layer first; returns its block, and the places of its values.

    With one part, that part itself. A null of a higher part that takes nothing away is reported.
    """
    lowest = parts[0].block
    if len(parts) == 1:
        return lowest, parts[0].document

    def without_effect(key: str, place: Place) -> None:
        report(_null_without_key(key, lowest, place))

    document = parts[0].document
    merging = PlacedMerge(lowest.body(), document.place(lowest.node), document, without_effect)
    for part in parts[1:]:
        merging.add_layer(part.block.body(), part.document.place(part.block.node), part.document)
    block = Block(lowest.type, merging.body, lowest.parent, lowest.address, at_top=False, path=lowest.path)
    return block, merging


class Merge:
    """A body while other bodies are merged over it, the lowest first: the rules of a patch, without any place.

    A subclass learns what happens under each key.
    """

    def __init__(self, lowest: Mapping[str, Any]) -> None:
        self.body = dict(lowest)
        """What it comes to. Changed in place; its values are not."""

    def add(self, upper: Mapping[str, Any]) -> None:
        """Merge the next layer over the body. Its name stays."""
        for key, value in upper.items():
            if key == "name":
                continue
            old = self.body.get(key)
            if value is None:
                self.removed(key, found=self.body.pop(key, ...) is not ...)
            elif isinstance(value, dict) and isinstance(old, dict):
                merged = {name: inner for name, inner in {**old, **value}.items() if value.get(name, ...) is not None}
                self.body[key] = merged
                self.merged(key, old, value, merged)
            elif key == JOINED and isinstance(value, list) and isinstance(old, list):
                items = [*old, *(item for item in value if item not in old)]
                self.body[key] = items
                self.joined(old, value, items)
            else:
                self.body[key] = value
                self.replaced(key)

    def replaced(self, key: str) -> None:
        """The value under a key is that of the next layer."""

    def removed(self, key: str, *, found: bool) -> None:
        """A null removed a key; `found`: there was one."""

    def merged(self, key: str, old: dict[str, Any], upper: dict[str, Any], merged: dict[str, Any]) -> None:
        """A mapping was merged over a mapping, entry by entry; an entry's value is replaced whole."""

    def joined(self, old: list[Any], upper: list[Any], items: list[Any]) -> None:
        """A list was added to a list; new items are at its end."""


def merge_bodies(bodies: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What bodies come to, the lowest first. There is at least one."""
    lowest, *upper = bodies
    merging = Merge(lowest)
    for body in upper:
        merging.add(body)
    return merging.body


class PlacedMerge(Merge):
    """A merge that keeps the place of every value."""

    def __init__(
        self, lowest: Mapping[str, Any], place: Place, document: Document, without_effect: Callable[[str, Place], None]
    ) -> None:
        """`place`: of the body in its document. `without_effect` gets each null that takes nothing away, by its key
        and the place of the mapping that has it."""
        super().__init__(lowest)
        self._without_effect = without_effect
        self._own = self._here = place
        self._elsewhere: dict[str, Place] = {}
        self._inner: dict[int, Place] = {}
        self._documents = [document]

    def place(self, node: Node) -> Place:
        """The place of a node; of a merged one, of each key."""
        if node is self.body:
            return MergedPlace(self._own, self._elsewhere)
        if id(node) in self._inner:
            return self._inner[id(node)]
        return next(found for document in self._documents if (found := _place(document, node)) is not None)

    def holder(self, key: str) -> Place:
        """The place of the mapping that a key comes from."""
        return self._elsewhere.get(key, self._own)

    def add_layer(self, upper: Mapping[str, Any], place: Place, document: Document) -> None:
        """Merge the next layer over the body; `place`: of it in its document."""
        self._documents.append(document)
        self._here = place
        self.add(upper)

    def replaced(self, key: str) -> None:
        self._elsewhere[key] = self._here

    def removed(self, key: str, *, found: bool) -> None:
        self._elsewhere.pop(key, None)
        if not found:
            self._without_effect(key, self._here)

    def merged(self, key: str, old: dict[str, Any], upper: dict[str, Any], merged: dict[str, Any]) -> None:
        own, here = self.place(old), self._documents[-1].place(upper)
        for name, value in upper.items():
            if value is None and name not in old:
                self._without_effect(name, here)
        self._inner[id(merged)] = MergedPlace(own, {name: here for name, value in upper.items() if value is not None})
        self._elsewhere[key] = self._here

    def joined(self, old: list[Any], upper: list[Any], items: list[Any]) -> None:
        own, here = self.place(old), self._documents[-1].place(upper)
        places = [(own, index) for index in range(len(old))]
        places += [(here, upper.index(item)) for item in items[len(old) :]]
        self._inner[id(items)] = JoinedPlace(own, tuple(places))


def _place(document: Document, node: Node) -> Place | None:
    try:
        return document.place(node)
    except KeyError:
        return None


def _null_without_key(key: str, block: Block, place: Place) -> Diagnostic:
    return Diagnostic(
        "KIA0325",
        f"null removes {quote(key)}, but no layer below this patch sets it",
        Severity.WARNING,
        hint="remove it, or correct the key",
        address=block.address,
        source=place.of_key(key),
    )

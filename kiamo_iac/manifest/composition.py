"""What the manifests of an environment are put together from: files, patches over them, and variables in both.

A patch is a manifest of the same shape. Block by block it is merged over what stands below it, found by address:

    base                         patch                          composed
    - name: spring               - name: spring                 - name: spring
      label: Spring                label: Printemps               label: Printemps        a key replaces a key
      service: Outbound            service: null                                          null takes it away
      association: {a: x, b: y}    association: {b: z}            association: {a: x, b: z}   entry by entry

Children are blocks of their own; what the base lacks, a patch adds; what it declares absent is absent. Lists are
replaced whole, but for `sensitive`: a patch adds to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.place import Joined, Overlay, Place
from kiamo_iac.core.quote import quote
from kiamo_iac.document.parser import Document, Node
from kiamo_iac.manifest.blocks import Block
from kiamo_iac.manifest.variables import Variables

Report = Callable[[Diagnostic], None]

JOINED: Final = "sensitive"
"""The key whose lists are joined, layer after layer: a patch cannot show by mistake what the base hides."""


@dataclass(frozen=True, slots=True)
class Composition:
    """The manifests of one environment."""

    files: tuple[Path, ...]
    """The base: a thing stands in it once."""
    patches: tuple[tuple[Path, ...], ...] = ()
    """Layer after layer over it, the last one on top; in each, a thing stands once."""
    variables: Variables = field(default_factory=Variables)


class Part(NamedTuple):
    """What one layer says of a thing."""

    block: Block
    document: Document
    """Its file, with the variables filled in."""
    layer: int
    """0: the base; 1: the first layer of patches."""


class Places(Protocol):
    """Says where a mapping or a list stands."""

    def place(self, node: Node) -> Place:
        """The place of `node`."""
        ...


def merge(parts: Sequence[Part], report: Report) -> tuple[Block, Places]:
    """The block that a thing's parts come to, the lowest layer first; and where everything of it stands.

    With one part, that part itself. A null of a higher part that takes nothing away is reported.
    """
    lowest = parts[0].block
    if len(parts) == 1:
        return lowest, parts[0].document
    merging = _Merging(parts[0])
    for part in parts[1:]:
        merging.add(part, report)
    block = Block(lowest.shape, merging.node, lowest.parent, lowest.address, at_top=False, path=lowest.path)
    return block, merging


class _Merging:
    """A block while layers come over it."""

    def __init__(self, lowest: Part) -> None:
        self.node = dict(lowest.block.body())
        self._own = lowest.document.place(lowest.block.node)
        self._elsewhere: dict[str, Place] = {}
        self._inner: dict[int, Place] = {}
        self._documents = [lowest.document]

    def place(self, node: Node) -> Place:
        """Where it stands; of what was merged, each key by itself."""
        if node is self.node:
            return Overlay(self._own, self._elsewhere)
        if id(node) in self._inner:
            return self._inner[id(node)]
        return next(found for document in self._documents if (found := _place(document, node)) is not None)

    def add(self, part: Part, report: Report) -> None:
        """Merge the next layer over the block."""
        self._documents.append(part.document)
        here = part.document.place(part.block.node)
        for key, value in part.block.body().items():
            if key == "name":
                continue
            old = self.node.get(key)
            if value is None:
                if self.node.pop(key, ...) is ...:
                    report(_takes_nothing(key, part.block, here))
                self._elsewhere.pop(key, None)
                continue
            if isinstance(value, dict) and isinstance(old, dict):
                self.node[key] = self._merged(old, value, report=report, part=part)
            elif key == JOINED and isinstance(value, list) and isinstance(old, list):
                self.node[key] = self._joined(old, value, part=part)
                continue
            else:
                self.node[key] = value
            self._elsewhere[key] = here

    def _merged(self, old: dict[str, Any], new: dict[str, Any], *, report: Report, part: Part) -> dict[str, Any]:
        """A mapping over a mapping, entry by entry; an entry's value is replaced whole."""
        own, here = self.place(old), part.document.place(new)
        elsewhere: dict[str, Place] = {}
        merged = dict(old)
        for name, value in new.items():
            if value is not None:
                merged[name] = value
                elsewhere[name] = here
            elif merged.pop(name, ...) is ...:
                report(_takes_nothing(name, part.block, here))
        self._inner[id(merged)] = Overlay(own, elsewhere)
        return merged

    def _joined(self, old: list[Any], new: list[Any], *, part: Part) -> list[Any]:
        own, here = self.place(old), part.document.place(new)
        items = joined(old, new)
        places = [(own, index) for index in range(len(old))] + [(here, new.index(item)) for item in items[len(old) :]]
        self._inner[id(items)] = Joined(own, tuple(places))
        return items


def joined(old: list[Any], new: list[Any]) -> list[Any]:
    """A list with what another one adds to it."""
    return [*old, *(item for item in new if item not in old)]


def _place(document: Document, node: Node) -> Place | None:
    try:
        return document.place(node)
    except KeyError:
        return None


def _takes_nothing(key: str, block: Block, place: Place) -> Diagnostic:
    return Diagnostic(
        "KIA0325",
        f"null takes {quote(key)} away, and there is none below this patch",
        Severity.WARNING,
        hint="remove it, or correct the key",
        address=block.address,
        source=place.of_key(key),
    )

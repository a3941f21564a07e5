"""From the data of one file to its blocks: what stands in which collection, below which parent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, did_you_mean
from kiamo_iac.core.quote import quote
from kiamo_iac.document.parser import Document
from kiamo_iac.manifest.shapes import Shape, Shapes

Report = Callable[[Diagnostic], None]


@dataclass(slots=True)
class Block:
    """One declared thing, before it is checked."""

    shape: Shape
    node: dict[str, Any]
    parent: Address | None
    """Of a thing of the instance, None."""
    address: Address | None
    """None when its name, or that of a parent, is missing or not text: its keys are checked all the same."""
    at_top: bool
    """It stands at the top of its file, not in its parent's block."""
    path: tuple[str | int, ...] = ()
    """The keys and indices that lead to it from the top of its file."""

    def body(self) -> dict[str, Any]:
        """What its model knows of it: itself, or where it holds children or names its parents, a copy without these."""
        children = self.shape.children
        if not children and not self.at_top:
            return self.node
        named = {kind.kind for kind in self.shape.ancestors} if self.at_top else frozenset[str]()
        if children.keys().isdisjoint(self.node) and named.isdisjoint(self.node):
            return self.node
        return {key: value for key, value in self.node.items() if key not in children and key not in named}


def read_blocks(document: Document, shapes: Shapes, report: Report) -> list[Block]:
    """Every block of a file, parents before their children; what is not a block is reported."""
    blocks = _Blocks(document, shapes, report)
    blocks.top()
    return blocks.found


class _Blocks:
    def __init__(self, document: Document, shapes: Shapes, report: Report) -> None:
        self.found: list[Block] = []
        self._document = document
        self._shapes = shapes
        self._report = report

    def top(self) -> None:
        data = self._document.data
        if data is None:
            return
        if not isinstance(data, dict):
            where = (
                self._document.place(data).range if isinstance(data, list) else SourceRange(self._document.file, 1, 1)
            )
            summary = "a manifest is a mapping of collections"
            hint = f"begin it with one of {', '.join(f'{name}:' for name in self._shapes)}"
            self._report(Diagnostic("KIA0201", summary, hint=hint, source=where))
            return
        for key in data:
            shape = self._shapes.get(key)
            if shape is None:
                nouns = {shape.noun: name for name, shape in self._shapes.items()}
                near = f'did you mean "{nouns[key]}"?' if key in nouns else did_you_mean(key, self._shapes)
                hint = near or f"a manifest holds {', '.join(self._shapes)}"
                summary = f"{quote(key)} is not a collection"
                self._report(Diagnostic("KIA0202", summary, hint=hint, source=self._document.place(data).of_key(key)))
            else:
                self._collection(shape, data, key=key, parent=None, at_top=True)

    def _collection(
        self,
        shape: Shape,
        holder: dict[str, Any],
        *,
        key: str,
        parent: Address | None,
        at_top: bool,
        lost: bool = False,
        path: tuple[str | int, ...] = (),
    ) -> None:
        """`lost`: the address of their parent is not known. `path`: to the holder."""
        value = holder[key]
        if not isinstance(value, list):
            where = self._document.place(holder).at(key)
            summary = f"{quote(shape.kind.collection)} is a list"
            hint = 'write "- name: …" for each, or remove the key' if value is None else 'begin each item with "- "'
            self._report(Diagnostic("KIA0203", summary, hint=hint, source=where))
            return
        for index, node in enumerate(value):
            if isinstance(node, dict):
                self._block(shape, node, parent=parent, at_top=at_top, lost=lost, path=(*path, key, index))
            else:
                summary, hint = f"{shape.one} is a mapping", 'write "- name: …"'
                source = self._document.place(value).at(str(index))
                self._report(Diagnostic("KIA0203", summary, hint=hint, source=source))

    def _block(
        self,
        shape: Shape,
        node: dict[str, Any],
        *,
        parent: Address | None,
        at_top: bool,
        lost: bool,
        path: tuple[str | int, ...],
    ) -> None:
        if at_top and shape.ancestors:
            parent = self._parent(shape, node)
            lost = parent is None
        name = node.get("name")
        address = None
        if isinstance(name, str) and name and not lost:
            address = Address.of(shape.kind.collection, name, parent)
        self.found.append(Block(shape, node, parent, address, at_top, path))
        for collection in shape.children:
            if collection in node:
                child = self._shapes[collection]
                lost = address is None
                self._collection(child, node, key=collection, parent=address, at_top=False, lost=lost, path=path)

    def _parent(self, shape: Shape, node: dict[str, Any]) -> Address | None:
        """The address of the parent that a block at the top of a file names."""
        address: Address | None = None
        complete = True
        for ancestor in shape.ancestors:
            name = node.get(ancestor.kind)
            if isinstance(name, str) and name:
                address = Address.of(ancestor.collection, name, address) if complete else None
                continue
            complete = False
            place = self._document.place(node)
            hint = f'add "{ancestor.kind}: …", or move it into the block of its {ancestor.kind}'
            summary = f"{shape.one} at the top of a file names its {ancestor.kind}"
            code = "KIA0203" if ancestor.kind in node else "KIA0204"
            self._report(Diagnostic(code, summary, hint=hint, source=place.at(ancestor.kind)))
        return address if complete else None

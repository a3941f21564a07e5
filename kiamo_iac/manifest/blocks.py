"""The blocks of one manifest: their types, their place among each other, and the lifecycle that they declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Final, NamedTuple, Protocol

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, did_you_mean
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import PRESENT, Ensure, Lifecycle, Resource
from kiamo_iac.document.parser import Document
from kiamo_iac.document.scalars import type_of
from kiamo_iac.resources import by_collection, children_of, kinds

Report = Callable[[Diagnostic], None]


@dataclass(frozen=True, slots=True)
class BlockType:
    """The keys, parents and children of the blocks of one kind."""

    kind: type[Resource]
    ancestors: tuple[type[Resource], ...]
    """The kinds of its parents, outermost first."""
    children: Mapping[str, type[Resource]]
    """Collection → kind that may be nested in its block."""
    keys: frozenset[str]
    """The keys of its model."""
    inner: tuple[str, ...]
    """Attributes that are lists or mappings of references: their places are kept for later checks."""
    check: Callable[[Any], object]
    """Validates a block without the keys of children and ancestors; raises pydantic's ValidationError."""

    @property
    def noun(self) -> str:
        """`batch`."""
        return self.kind.kind

    @property
    def with_article(self) -> str:
        """`a batch`."""
        return f"{'an' if self.noun[0] in 'aeiou' else 'a'} {self.noun}"


BlockTypes = Mapping[str, BlockType]
"""Collection → type, parents before children."""


def block_types() -> BlockTypes:
    """The block types of all registered kinds."""
    return {collection: _block_type(kind) for collection, kind in by_collection().items()}


def reading_order(collections: Iterable[str]) -> list[str]:
    """The collections in the order of a readable manifest: referenced kinds first, so services, bases, batches."""
    known = by_collection()
    return sorted(collections, key=lambda name: (_rank(known[name]), not known[name].by_reference, name))


def _rank(kind: type[Resource]) -> int:
    needed = {reference.kind for reference in kind.references} | ({kind.parent} if kind.parent else set())
    return 1 + max((_rank(kinds()[name]) for name in needed if name != kind.kind), default=0)


def _block_type(kind: type[Resource]) -> BlockType:
    return BlockType(
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


@dataclass(slots=True)
class Block:
    """One declared resource before validation."""

    type: BlockType
    node: dict[str, Any]
    parent: Address | None
    """None for a resource without a parent."""
    address: Address | None
    """None when its name, or that of a parent, is missing or not a string: its keys are checked nevertheless."""
    at_top: bool
    """It is at the top of its file, not in the block of its parent."""
    path: tuple[str | int, ...] = ()
    """The keys and indices from the root of its file; of a generated one, of the block that it comes from."""
    generated: bool = False
    """A template or a row had a part in it: it is not written as it stands, and no edit of a file changes it alone."""
    row: str = ""
    """The row that it comes from, as `agences.csv:12`."""

    def body(self) -> dict[str, Any]:
        """The keys for its model: the block, or a copy without its children and the names of its parents."""
        children = self.type.children
        if not children and not self.at_top:
            return self.node
        named = {kind.kind for kind in self.type.ancestors} if self.at_top else frozenset[str]()
        if children.keys().isdisjoint(self.node) and named.isdisjoint(self.node):
            return self.node
        return {key: value for key, value in self.node.items() if key not in children and key not in named}


class BlockGenerator(Protocol):
    """Makes the blocks that `use` and `for_each` of a file stand for."""

    top_key: ClassVar[str]
    """The key at the top of a file that it reads itself."""
    keys: ClassVar[frozenset[str]]
    """The keys of a block that it is asked about."""

    def at_top(self, data: dict[str, Any]) -> None:
        """Check the value of its key at the top."""
        ...

    def blocks(self, kind: type[Resource], node: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
        """The blocks that come of one, each with its row (empty without rows)."""
        ...

    def check(self, kind: type[Resource], node: dict[str, Any]) -> None:
        """Check a block that is not made of a row."""
        ...


def read_blocks(
    document: Document, block_types: BlockTypes, report: Report, generator: BlockGenerator | None = None
) -> list[Block]:
    """Every block of a file, parents before their children; anything else is reported."""
    blocks = _Blocks(document, block_types, report, generator)
    blocks.top()
    return blocks.found


class _Holder(NamedTuple):
    """What a block is read below."""

    parent: Address | None = None
    lost: bool = False
    """The address of the parent is unknown."""
    path: tuple[str | int, ...] = ()
    generated: bool = False
    row: str = ""
    at_top: bool = True

    def item(self, key: str, index: int) -> _Holder:
        """That of an item of the collection `key`."""
        return self._replace(path=(*self.path, key, index))

    def generated_of(self, row: str) -> _Holder:
        """That of a block that was generated from an item, by a row if there is one."""
        return self._replace(generated=True, row=row or self.row)


class _Blocks:
    def __init__(
        self, document: Document, block_types: BlockTypes, report: Report, generator: BlockGenerator | None
    ) -> None:
        self.found: list[Block] = []
        self._generator = generator
        self._document = document
        self._block_types = block_types
        self._report = report

    def top(self) -> None:
        data = self._document.data
        if data is None:
            return
        if not isinstance(data, dict):
            where = (
                self._document.place(data).range if isinstance(data, list) else SourceRange(self._document.file, 1, 1)
            )
            summary = f"a manifest must be a mapping of collections, got {type_of(data)}"
            hint = f"start it with one of {', '.join(f'{name}:' for name in self._block_types)}"
            self._report(Diagnostic("KIA0201", summary, hint=hint, source=where))
            return
        for key in data:
            block_type = self._block_types.get(key)
            if self._generator is not None and key == self._generator.top_key:
                self._generator.at_top(data)
            elif block_type is None:
                nouns = {block_type.noun: name for name, block_type in self._block_types.items()}
                near = f'did you mean "{nouns[key]}"?' if key in nouns else did_you_mean(key, self._block_types)
                hint = near or f"known collections: {', '.join(self._block_types)}"
                summary = f"unknown collection {quote(key)}"
                self._report(Diagnostic("KIA0202", summary, hint=hint, source=self._document.place(data).of_key(key)))
            else:
                self._collection(block_type, data, _Holder(), key=key)

    def _collection(self, block_type: BlockType, data: dict[str, Any], holder: _Holder, *, key: str) -> None:
        """The blocks under a key of `data`."""
        value = data[key]
        if not isinstance(value, list):
            where = self._document.place(data).at(key)
            summary = f"{block_type.kind.collection} must be a list, got {type_of(value)}"
            hint = 'write "- name: …" for each, or remove the key' if value is None else 'begin each item with "- "'
            self._report(Diagnostic("KIA0203", summary, hint=hint, source=where))
            return
        for index, node in enumerate(value):
            if isinstance(node, dict):
                self._item(block_type, node, holder.item(key, index))
            else:
                summary, hint = f"{block_type.with_article} must be a mapping, got {type_of(node)}", 'write "- name: …"'
                source = self._document.place(value).at(str(index))
                self._report(Diagnostic("KIA0203", summary, hint=hint, source=source))

    def _item(self, block_type: BlockType, node: dict[str, Any], at: _Holder) -> None:
        """The block of an item, or those that are generated from it."""
        generator = self._generator
        if generator is None:
            self._block(block_type, node, at)
        elif generator.keys.isdisjoint(node):
            if not at.row:
                generator.check(block_type.kind, node)
            self._block(block_type, node, at)
        else:
            for made, row in generator.blocks(block_type.kind, node):
                if not row:
                    generator.check(block_type.kind, made)
                self._block(block_type, made, at.generated_of(row))

    def _block(self, block_type: BlockType, node: dict[str, Any], at: _Holder) -> None:
        """Add a block, and those that are nested in it."""
        parent, lost, at_top = at.parent, at.lost, at.at_top
        if at_top and block_type.ancestors:
            parent = self._parent(block_type, node)
            lost = parent is None
        name = node.get("name")
        address = None
        if isinstance(name, str) and name and not lost:
            address = Address.of(block_type.kind.collection, name, parent)
        self.found.append(Block(block_type, node, parent, address, at_top, at.path, at.generated, at.row))
        for collection in block_type.children:
            if collection in node:
                generated = bool(at.row) or (at.generated and self._is_of_template(node[collection]))
                inner = _Holder(address, address is None, at.path, generated, at.row, at_top=False)
                self._collection(self._block_types[collection], node, inner, key=collection)

    def _is_of_template(self, items: Any) -> bool:
        """Whether the list of a merged block does not stand in the block itself."""
        return isinstance(items, list) and not self._document.is_written(items)

    def _parent(self, block_type: BlockType, node: dict[str, Any]) -> Address | None:
        """The address of the parent that a block at the top of a file names."""
        address: Address | None = None
        complete = True
        for ancestor in block_type.ancestors:
            name = node.get(ancestor.kind)
            if isinstance(name, str) and name:
                address = Address.of(ancestor.collection, name, address) if complete else None
                continue
            complete = False
            code, hint = "KIA0203", f"write the name of its {ancestor.kind}"
            if ancestor.kind not in node:
                summary = f'missing key "{ancestor.kind}" in {block_type.with_article} at the top of a file'
                code, hint = "KIA0204", f'add "{ancestor.kind}: …", or move it into the block of its {ancestor.kind}'
            elif name == "":
                summary = f"{ancestor.kind} must not be empty"
            else:
                summary = f"{ancestor.kind} must be a string, got {type_of(name)}"
            source = self._document.place(node).at(ancestor.kind)
            self._report(Diagnostic(code, summary, hint=hint, source=source))
        return address if complete else None


REFERENCE: Final = Lifecycle(managed=False)
"""A resource that must exist and is never written."""


def lifecycle_of(kind: type[Resource], keys: Mapping[str, Any]) -> Lifecycle:
    """The lifecycle that the valid keys of a block declare."""
    managed = not kind.by_reference or keys.get("managed") is True
    return _shared(
        ensure=Ensure(keys.get("ensure", Ensure.PRESENT)),
        managed=managed,
        protect=keys.get("protect") is True,
        renamed_from=tuple(identity(name) for name in keys.get("renamed_from", ())),
        exclusive=tuple(dict.fromkeys(keys.get("exclusive", ()))),
        initial_state=keys.get("initial_state"),
        sensitive=tuple(dict.fromkeys(keys.get("sensitive", ()))),
        ignore_changes=tuple(dict.fromkeys(keys.get("ignore_changes", ()))),
    )


@cache
def _shared(
    *,
    ensure: Ensure,
    managed: bool,
    protect: bool,
    renamed_from: tuple[str, ...],
    exclusive: tuple[str, ...],
    initial_state: str | None,
    sensitive: tuple[str, ...],
    ignore_changes: tuple[str, ...],
) -> Lifecycle:
    lifecycle = Lifecycle(ensure, managed, protect, renamed_from, exclusive, initial_state, sensitive, ignore_changes)
    return next((known for known in (PRESENT, REFERENCE) if known == lifecycle), lifecycle)

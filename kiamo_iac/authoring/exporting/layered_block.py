"""The layers that declare a resource, and edits of a key in the layer that has it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiamo_iac.authoring.exporting.unrepresentable import escaped
from kiamo_iac.authoring.sheet import BlockRef, EditTransaction
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.place import Place
from kiamo_iac.core.strict_json import same
from kiamo_iac.manifest.composition import Part, merge
from kiamo_iac.manifest.variables import variables_in


class NotWritableError(Exception):
    """What would have to change is in a file that may not be written, or in a block that is generated."""

    def __init__(self, source: SourceRange, *, generated: bool = False) -> None:
        super().__init__(str(source))
        self.source = source
        self.generated = generated


@dataclass(slots=True)
class LayeredBlock:
    """One declared resource: the blocks of all layers, the lowest first.

    Every method that edits raises NotWritableError where the block is generated, or its file may not be written; then
    nothing was edited.
    """

    parts: tuple[Part, ...]
    edits: EditTransaction
    body: Mapping[str, Any] = field(init=False)
    """What the layers come to as they were read: keys without children and the names of parents."""
    _removed: dict[str, set[str]] = field(default_factory=dict, repr=False)
    """Key of a list of texts → the items that were removed."""

    def __post_init__(self) -> None:
        self.body = merge(self.parts, lambda _: None)[0].body()

    def source_of(self, key: str | None = None) -> SourceRange:
        """The place of a key's value, or of the resource."""
        part = self._holders(key)[0] if key is not None and key in self.body else self.parts[0]
        place: Place = part.document.place(part.block.node)
        return place.range if key is None else place.at(key)

    def variables(self, key: str, entry: str | None = None) -> tuple[str, ...]:
        """The variables that a value refers to, as it is written."""
        part = self._holders(key)[0]
        raw: Any = part.document.original(part.block.node)
        value = raw[key] if isinstance(raw, dict) else None
        if entry is not None and isinstance(value, Mapping):
            value = value.get(entry)
        return variables_in(value)

    # --- the whole block ---------------------------------------------------------------------------------------------

    def remove(self) -> None:
        """Remove the block of every layer."""
        with self.edits.all_or_nothing():
            for part in self.parts:
                self.edits.remove_block(self._ref(part))

    def rename(self, name: str) -> None:
        """Change the name in every layer: layers are matched by it."""
        with self.edits.all_or_nothing():
            for part in self.parts:
                self.edits.put(self._node(part), "name", escaped(name))

    def append_children(self, collection: str, blocks: list[dict[str, Any]]) -> bool:
        """Add blocks to a collection of the lowest layer that may be written; False where none may."""
        part = self.lowest_writable()
        if part is not None:
            self.add_children(part, collection, blocks)
        return part is not None

    def lowest_writable(self) -> Part | None:
        """The lowest layer that may be written: where new children go."""
        writable = (part for part in self.parts if self.edits.may_change(part.document.file))
        return next((part for part in writable if not part.block.generated), None)

    def add_children(self, part: Part, collection: str, blocks: list[dict[str, Any]]) -> None:
        """Add blocks to a collection of one layer."""
        for block in blocks:
            self.edits.add_block(self._ref(part), collection, block)

    # --- keys --------------------------------------------------------------------------------------------------------

    def put(self, key: str, value: Any) -> None:
        """Replace the value of a key in the layer that has it."""
        self.edits.put(self._node(self._holders(key)[0], key), key, escaped(value))

    def remove_key(self, key: str) -> None:
        """Remove a key, so that no layer declares it."""
        top, *lower = self._holders(key)
        node = self._node(top, key)
        if lower:
            self.edits.put(node, key, None)
        else:
            self.edits.remove(node, key)

    def remove_items(self, key: str, items: Collection[str]) -> None:
        """Remove items of a list of texts; with its last item the key is removed."""
        top, *lower = self._holders(key)
        node = self._node(top, key)
        removed = self._removed.setdefault(key, set())
        removed.update(items)
        if lower:  # without the key here, a lower layer would declare its own list
            self.edits.put(node, key, [text for text in self.body[key] if text not in removed] or None)
            return
        for index, text in enumerate(self.body[key]):
            if text in items:
                self.edits.remove_item(node[key], index)

    # --- entries of mappings -----------------------------------------------------------------------------------------

    def put_entry(self, key: str, entry: str, value: Any) -> None:
        """Set an entry of the mapping under `key` in the layer that has it; a new one beside the others."""
        part = (self._entry_holders(key, entry) or self._holders(key))[0]
        node = self._node(part, key)
        self._replace(node[key], entry, part.block.node[key].get(entry), value)

    def remove_entry(self, key: str, entry: str) -> None:
        """Remove an entry of the mapping under `key`."""
        top, *lower = self._entry_holders(key, entry)
        node = self._node(top, key)
        if lower:
            self.edits.put(node[key], entry, None)
        else:
            self.edits.remove(node[key], entry)

    def _replace(self, mapping: dict[str, Any], key: str, old: Any, new: Any) -> None:
        """Replace a value, leaf by leaf where both are mappings. `old`: with its variables filled in."""
        if same(old, new):
            return
        if not (isinstance(old, Mapping) and isinstance(new, Mapping) and old and new):
            self.edits.put(mapping, key, escaped(new))
            return
        for name in old:
            if name not in new:
                self.edits.remove(mapping[key], name)
        for name, value in new.items():
            if name in old:
                self._replace(mapping[key], name, old[name], value)
            else:
                self.edits.put(mapping[key], name, escaped(value))

    # --- places of values --------------------------------------------------------------------------------------------

    def _holders(self, key: str) -> list[Part]:
        """The layers with a value under `key`, the highest first."""
        return [part for part in reversed(self.parts) if part.block.node.get(key) is not None]

    def _entry_holders(self, key: str, entry: str) -> list[Part]:
        """The layers with the entry in their mapping under `key`, the highest first."""
        found = []
        for part in reversed(self.parts):
            value = part.block.node.get(key, ...)
            if value is ...:
                continue
            if not isinstance(value, Mapping):
                break
            if entry in value:
                found.append(part)
                if value[entry] is None and part.layer > 0:
                    break
        return found

    def _ref(self, part: Part, key: str = "name") -> BlockRef:
        if part.block.generated:
            raise NotWritableError(part.document.place(part.block.node).at(key), generated=True)
        if not self.edits.may_change(part.document.file):
            raise NotWritableError(part.document.place(part.block.node).at(key))
        return BlockRef(part.document.file, part.block.path)

    def _node(self, part: Part, key: str = "name") -> dict[str, Any]:
        """The block of a layer as it is edited."""
        node: dict[str, Any] = self.edits.node(self._ref(part, key))
        return node


@dataclass(slots=True)
class PatchedBlock(LayeredBlock):
    """A declared resource of which only the patches of one environment may be written, above all other layers.

    What would have to change below is written over: in the patch that is there, or else in `pending`.

    A rename still raises NotWritableError: layers are matched by the name.
    """

    pending: dict[str, Any] = field(default_factory=dict)
    """The keys of a new block of the resource in the patches; collections of new blocks below it among them."""

    def append_children(self, collection: str, blocks: list[dict[str, Any]]) -> bool:
        if not LayeredBlock.append_children(self, collection, blocks):
            self.pending.setdefault(collection, []).extend(blocks)
        return True

    def remove(self) -> None:
        try:
            LayeredBlock.remove(self)
        except NotWritableError:
            if self.body.get("protect") or self.body.get("renamed_from"):  # which an absent resource may not have
                raise
            self._over("ensure", "absent")

    def put(self, key: str, value: Any) -> None:
        try:
            LayeredBlock.put(self, key, value)
        except NotWritableError:
            self._over(key, escaped(value))

    def remove_key(self, key: str) -> None:
        try:
            LayeredBlock.remove_key(self, key)
        except NotWritableError:
            self._over(key, "present" if key == "ensure" else None)

    def remove_items(self, key: str, items: Collection[str]) -> None:
        try:
            LayeredBlock.remove_items(self, key, items)
        except NotWritableError:
            removed = self._removed.setdefault(key, set())
            removed.update(items)
            self._over(key, [text for text in self.body[key] if text not in removed] or None)

    def put_entry(self, key: str, entry: str, value: Any) -> None:
        try:
            LayeredBlock.put_entry(self, key, entry, value)
        except NotWritableError:
            self._entry_over(key, entry, escaped(value))

    def remove_entry(self, key: str, entry: str) -> None:
        try:
            LayeredBlock.remove_entry(self, key, entry)
        except NotWritableError:
            self._entry_over(key, entry, None)

    def _over(self, key: str, value: Any) -> None:
        own = self.lowest_writable()
        if own is None:
            self.pending[key] = value
        else:
            self.edits.put(self._node(own), key, value)

    def _entry_over(self, key: str, entry: str, value: Any) -> None:
        own = self.lowest_writable()
        if own is None:
            self.pending.setdefault(key, {})[entry] = value
        elif isinstance(self._node(own).get(key), dict):
            self.edits.put(self._node(own)[key], entry, value)
        else:
            self.edits.put(self._node(own), key, {entry: value})

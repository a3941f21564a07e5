"""Where a key of a composed thing stands, and the edits that change or take it away there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiamo_iac.authoring.exporting.edits import Append, Edit, Path, Remove, Set
from kiamo_iac.authoring.exporting.unrepresentable import escaped
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.place import Place
from kiamo_iac.core.strict_json import same
from kiamo_iac.manifest.composition import Part, merge
from kiamo_iac.manifest.variables import names_in

Edits = dict[str, list[Edit]]
"""The file, as places name it → its edits."""
Writable = Callable[[str], bool]
"""Whether a file, as places name it, may be written."""


class NotWritableError(Exception):
    """What would have to be changed stands in a file that is not to be written."""

    def __init__(self, source: SourceRange) -> None:
        super().__init__(str(source))
        self.source = source


@dataclass(slots=True)
class LayeredBlock:
    """One declared thing: what each layer says of it, the lowest first, and the edits of it so far."""

    parts: tuple[Part, ...]
    writable: Writable
    edits: Edits
    body: Mapping[str, Any] = field(init=False)
    """What it comes to: its keys without children and the names of its parents."""
    _gone: dict[str, set[str]] = field(default_factory=dict, repr=False)
    """Of lists of texts, the items that are taken away."""

    def __post_init__(self) -> None:
        self.body = merge(self.parts, lambda _: None)[0].body()

    def source_of(self, key: str | None = None) -> SourceRange:
        """Where a key's value stands, or the thing itself."""
        part = self._holders(key)[0] if key is not None and key in self.body else self.parts[0]
        place: Place = part.document.place(part.block.node)
        return place.range if key is None else place.at(key)

    def variables(self, key: str, entry: str | None = None) -> tuple[str, ...]:
        """The variables that a value is made of, as it is written."""
        part = self._holders(key)[0]
        raw: Any = part.document.original(part.block.node)
        value = raw[key] if isinstance(raw, dict) else None
        if entry is not None and isinstance(value, Mapping):
            value = value.get(entry)
        return tuple(dict.fromkeys(name for text in _texts(value) for name in names_in(text)))

    # --- keys --------------------------------------------------------------------------------------------------------

    def put(self, key: str, value: Any) -> None:
        """A new value in the place of the old one, where that stands.

        Raises:
            NotWritableError: that file is not to be written.
        """
        part = self._holders(key)[0]
        self._edit(part, Set((*part.block.path, key), escaped(value)), key)

    def take(self, key: str) -> None:
        """The key, so that nothing is declared under it.

        Raises:
            NotWritableError: it stands in a file that is not to be written.
        """
        top, *lower = self._holders(key)
        path = (*top.block.path, key)
        self._edit(top, Set(path, None) if lower else Remove(path), key)

    def take_items(self, key: str, items: Collection[str]) -> None:
        """Items of a list of texts; with the last one the key goes.

        Raises:
            NotWritableError: it stands in a file that is not to be written.
        """
        top, *lower = self._holders(key)
        path = (*top.block.path, key)
        self._gone.setdefault(key, set()).update(items)
        if lower:  # without the key here, what stands below would be said again
            left = [text for text in self.body[key] if text not in self._gone[key]]
            self._edit(top, Set(path, left or None), key)
            return
        for index, text in enumerate(self.body[key]):
            if text in items:
                self._edit(top, Remove((*path, index)), key)

    def take_whole(self) -> None:
        """Every block of it.

        Raises:
            NotWritableError: one stands in a file that is not to be written; then none is taken.
        """
        for part in self.parts:
            self._check(part, "name")
        for part in self.parts:
            self._edit(part, Remove(part.block.path))

    def rename(self, name: str) -> None:
        """Another name, in all layers: they are found by it.

        Raises:
            NotWritableError: one stands in a file that is not to be written; then nothing is renamed.
        """
        for part in self.parts:
            self._check(part, "name")
        for part in self.parts:
            self._edit(part, Set((*part.block.path, "name"), escaped(name)))

    # --- entries of mappings -----------------------------------------------------------------------------------------

    def take_entry(self, key: str, entry: str) -> None:
        """One entry of the mapping under `key`.

        Raises:
            NotWritableError: it stands in a file that is not to be written.
        """
        top, *lower = self._entry_holders(key, entry)
        path = (*top.block.path, key, entry)
        self._edit(top, Set(path, None) if lower else Remove(path), key)

    def put_entry(self, key: str, entry: str, value: Any) -> None:
        """A value of the mapping under `key`, where it stands; a new one beside the others.

        Raises:
            NotWritableError: it stands in a file that is not to be written.
        """
        part = (self._entry_holders(key, entry) or self._holders(key))[0]
        old = part.block.node[key].get(entry)
        for edit in _deep((*part.block.path, key, entry), old, value):
            self._edit(part, edit, key)

    # --- where things stand ------------------------------------------------------------------------------------------

    def below(self) -> Part | None:
        """The lowest part that may be written: where new children go."""
        return next((part for part in self.parts if self.writable(part.document.file)), None)

    def _holders(self, key: str) -> list[Part]:
        """The parts that say something under `key`, the highest first."""
        return [part for part in reversed(self.parts) if part.block.node.get(key) is not None]

    def _entry_holders(self, key: str, entry: str) -> list[Part]:
        """The parts that have the entry in their mapping under `key`, the highest first."""
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

    def _check(self, part: Part, key: str) -> None:
        if not self.writable(part.document.file):
            raise NotWritableError(part.document.place(part.block.node).at(key))

    def _edit(self, part: Part, edit: Edit, key: str = "name") -> None:
        self._check(part, key)
        self.edits.setdefault(part.document.file, []).append(edit)

    def append(self, part: Part, collection: str, blocks: list[dict[str, Any]]) -> None:
        """New children below a part of it."""
        path = (*part.block.path, collection)
        if isinstance(part.block.node.get(collection), list):
            for block in blocks:
                self._edit(part, Append(path, block))
        else:
            self._edit(part, Set(path, blocks))


def _deep(path: Path, old: Any, new: Any) -> Iterator[Edit]:
    """The edits that make `new` of `old` at `path`, leaf by leaf where both are mappings."""
    if same(old, new):
        return
    if not (isinstance(old, Mapping) and isinstance(new, Mapping) and old and new):
        yield Set(path, escaped(new))
        return
    for key in old:
        if key not in new:
            yield Remove((*path, key))
    for key, value in new.items():
        yield from _deep((*path, key), old[key], value) if key in old else [Set((*path, key), escaped(value))]


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for item in value.values():
                yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)

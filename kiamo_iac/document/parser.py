"""Parses a YAML text to plain data, with the place of every value, and diagnostics."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from copy import copy
from typing import Any, Final, Self

from kiamo_iac.core.diagnostics import by_place
from kiamo_iac.core.place import Keys, LineIndex, Place
from kiamo_iac.document.reader import YamlReader

Node = dict[str, Any] | list[Any]

_MANY: Final = 32
"""Keys of a mapping beyond which a dictionary is faster than a search."""


class Document:
    """One YAML document as plain data, with the place of every value."""

    __slots__ = ("_added", "_first", "_lines", "_marks", "_originals", "_shapes", "data", "diagnostics", "file")

    def __init__(self, reader: YamlReader, lines: LineIndex) -> None:
        """Read the whole document."""
        self.file = lines.file
        self.data = reader.read()
        """Plain data; None also when the syntax is invalid. Refused scalars are kept as strings."""
        self.diagnostics = by_place(reader.diagnostics)
        """Sorted by place."""
        self._lines = lines
        self._marks = array("I", reader.marks)
        self._first = reader.first
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._originals: Mapping[int, Node] = {}
        self._added: dict[int, tuple[Node, Place]] = {}

    def extended(self) -> Self:
        """A document of the same text, to which `add` adds; this one stays as it is."""
        other = copy(self)
        other._added = dict(self._added)  # noqa: SLF001 - its own
        return other

    def add(self, node: Node, place: Place) -> None:
        """Give a mapping or list that is not of the text a place, such as one that was generated."""
        self._added[id(node)] = node, place

    def has(self, node: Node) -> bool:
        """Whether `place` knows a mapping or list."""
        return id(node) in self._added or id(node) in self._first

    def is_written(self, node: Node) -> bool:
        """Whether a mapping or list is of the text itself; one with variables filled in is."""
        return id(node) in self._first

    def with_data(self, data: Any, originals: Mapping[int, Node]) -> Self:
        """A document of the same text with other data of the same shape.

        `originals`: id of a node of `data` → the node of this document that it replaces; nodes of this document may be
        in `data` without being listed.
        """
        other = copy(self)
        other.data = data
        other._originals = {**self._originals, **originals}  # noqa: SLF001 - its own
        marks = {new: self._first[id(node)] for new, node in originals.items()}
        other._first = {**self._first, **marks}  # noqa: SLF001
        return other

    def original(self, node: Node) -> Node:
        """The node as the file has it: `node` itself, unless `with_data` replaced it."""
        return self._originals.get(id(node), node)

    def place(self, node: Node) -> Place:
        """The place of a mapping or list of `data`, found by identity (an alias has the place of its anchor).

        The keys are taken from `node`: call this before changing it. The place does not keep the document alive.

        Raises:
            KeyError: it is not part of this document.
        """
        added = self._added.get(id(node))
        if added is not None:
            return added[1]
        keys: Keys
        if isinstance(node, list):
            keys = len(node)
        elif len(node) > _MANY:
            keys = {key: number for number, key in enumerate(node)}
        else:
            keys = tuple(node)
            keys = self._shapes.setdefault(keys, keys)
        return Place.read(self._lines, keys, marks=self._marks, first=self._first[id(node)])


def parse(text: str, *, file: str) -> Document:
    """Read one YAML 1.2 document; `file` is its name in diagnostics. Never raises: problems are diagnostics."""
    text = text.removeprefix("\ufeff")
    lines = LineIndex(file, text)
    return Document(YamlReader(text, lines), lines)

"""YAML text in, plain data with places and diagnostics out."""

from __future__ import annotations

from array import array
from typing import Any

from kiamo_iac.diagnostics import Diagnostic
from kiamo_iac.document.place import Lines, Place
from kiamo_iac.document.reader import Reader


class Document:
    """One YAML document as plain data, with the place of everything in it."""

    __slots__ = ("_first", "_lines", "_marks", "_shapes", "data", "diagnostics", "file")

    def __init__(self, reader: Reader, lines: Lines) -> None:
        """Reads all that `reader` has."""
        self.file = lines.file
        self.data = reader.read()
        """Plain data; None too when the syntax is broken. What is refused stands as text."""
        self.diagnostics = tuple(sorted(reader.diagnostics, key=Diagnostic.sort_key))
        """Sorted by place."""
        self._lines = lines
        self._marks = array("I", reader.marks)
        self._first = reader.first
        self._shapes: dict[tuple[str, ...], tuple[str, ...]] = {}

    def place(self, node: dict[str, Any] | list[Any]) -> Place:
        """The place of a mapping or list of `data`, found by identity (an alias has the place of its anchor).

        The keys are read off `node`, so ask before changing it. The place does not keep the document alive.

        Raises:
            KeyError: it is not part of this document.
        """
        keys: tuple[str, ...] | int
        if isinstance(node, list):
            keys = len(node)
        else:
            keys = tuple(node)
            keys = self._shapes.setdefault(keys, keys)
        return Place.read(self._lines, keys, marks=self._marks, first=self._first[id(node)])


def parse(text: str, *, file: str) -> Document:
    """Read one YAML 1.2 document; `file` is its name in diagnostics. Never raises: problems are diagnostics."""
    text = text.removeprefix("\ufeff")
    lines = Lines(file, text)
    return Document(Reader(text, lines), lines)

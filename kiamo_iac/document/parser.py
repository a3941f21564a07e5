"""YAML text in, plain data with places and diagnostics out."""

from __future__ import annotations

from typing import Any

from kiamo_iac.diagnostics import Diagnostic
from kiamo_iac.document.place import Lines, Place
from kiamo_iac.document.reader import Reader


class Document:
    """One YAML document as plain data, with the place of everything in it."""

    __slots__ = ("_lines", "_offsets", "_shapes", "data", "diagnostics", "file")

    def __init__(
        self, data: Any, lines: Lines, offsets: dict[int, list[int]], *, diagnostics: tuple[Diagnostic, ...] = ()
    ) -> None:
        self.file = lines.file
        self.data = data
        """Plain data; None too when the syntax is broken. What is refused stands as text."""
        self.diagnostics = diagnostics
        """Sorted by place."""
        self._lines = lines
        self._offsets = offsets
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
        return Place.read(self._lines, keys, offsets=self._offsets[id(node)])


def parse(text: str, *, file: str) -> Document:
    """Read one YAML 1.2 document; `file` is its name in diagnostics. Never raises: problems are diagnostics."""
    text = text.removeprefix("\ufeff")
    lines = Lines(file, text)
    reader = Reader(text, lines)
    data = reader.read()
    return Document(data, lines, reader.offsets, diagnostics=tuple(sorted(reader.diagnostics, key=Diagnostic.sort_key)))

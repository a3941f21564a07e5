"""The places of a contract's entries: in the file that overrides them, else in the packaged one."""

from __future__ import annotations

from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.place import Place
from kiamo_iac.document.parser import Document

EntryPath = tuple[str, ...]
"""`("kinds", "base", "listing", "items")`."""


class EntryPlaces:
    """The places of the entries in one file."""

    def __init__(self, document: Document) -> None:
        self.file = document.file
        self._document = document
        self._places: dict[int, Place] = {}
        """By the identity of a mapping: making a place takes time for each of its keys."""

    def innermost(self, path: EntryPath) -> tuple[SourceRange, int]:
        """The place of an entry, or of its innermost parent in the file, and how many keys of the path were found."""
        node = self._document.data
        source = SourceRange(self.file, 1, 1)
        for number, part in enumerate(path):
            if not isinstance(node, dict) or part not in node:
                return source, number
            if id(node) not in self._places:
                self._places[id(node)] = self._document.place(node)
            source = self._places[id(node)].of_key(part)
            node = node[part]
        return source, len(path)


def entry_text(path: EntryPath, places: tuple[EntryPlaces, ...]) -> str:
    """An entry as messages name it: its path, with file and line where it stands in one of the files, the first that
    has it."""
    shown = ".".join(path)
    others = [path]
    if len(path) == 5 and path[2] == "operations" and path[4] == "path":
        others.append((*path[:2], "routes"))  # both paths of a kind in one line
    for file in places:
        for other in others:
            source, found = file.innermost(other)
            if found == len(other):
                return f"{shown} ({source.file}:{source.line})"
    return shown

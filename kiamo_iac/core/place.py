"""The place of a mapping or list in its file, and of each of its entries; compact, since there are very many."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import TypeAlias

from kiamo_iac.core.diagnostics import SourceRange

_COLUMN_BITS = 32
_COLUMN_MASK = (1 << _COLUMN_BITS) - 1


def pack(line: int, column: int) -> int:
    """One integer for a 1-based line and column."""
    return line << _COLUMN_BITS | column


class LineIndex:
    """The file of a text and the offsets of its lines, to convert offsets to lines and columns."""

    __slots__ = ("_starts", "file")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._starts = array("I", accumulate((len(line) + 1 for line in text.split("\n")), initial=0))

    def range(self, offset: int) -> SourceRange:
        """The line and column of a 0-based offset in the text."""
        line = bisect_right(self._starts, offset)
        return SourceRange(self.file, line, offset - self._starts[line - 1] + 1)


Keys: TypeAlias = tuple[str, ...] | dict[str, int] | int
"""Of a mapping, its keys in order (key → number where they are many); of a list, the number of items."""


class Place:
    """The place of a mapping or list (`range`), of the value under each key (`at`) and of the key itself (`of_key`).

    The items of a list have the keys "0", "1", ….
    """

    __slots__ = ("_first", "_keys", "_marks", "_text")

    def __init__(self, file: str, own: int, keys: Mapping[str, int] | None = None) -> None:
        """A place without a text; `own` and the values of `keys` are packed 1-based positions, see `pack`."""
        marks = [own, *(position for value in (keys or {}).values() for position in (value, value))]
        self._text: LineIndex | str = file
        self._keys: Keys = tuple(keys or ())
        self._marks = array("Q", marks)
        self._first = 0

    @classmethod
    def read(cls, lines: LineIndex, keys: Keys, *, marks: array[int], first: int) -> Place:
        """The place of a node in a parsed text.

        `marks`: offsets in the text, shared by the whole document. From `first` on: the mapping, then each key and its
        value in turn; or the list, then each item.
        """
        place = cls.__new__(cls)
        place._text = lines  # noqa: SLF001 - its own
        place._keys = keys  # noqa: SLF001
        place._marks = marks  # noqa: SLF001
        place._first = first  # noqa: SLF001
        return place

    @property
    def file(self) -> str:
        """The file's name, as diagnostics show it."""
        return self._text if isinstance(self._text, str) else self._text.file

    def __contains__(self, key: str) -> bool:
        """Whether the mapping has `key`."""
        return not isinstance(self._keys, int) and key in self._keys

    @property
    def range(self) -> SourceRange:
        """Where the mapping or list itself begins."""
        return self._unpack(0)

    def at(self, key: str) -> SourceRange:
        """The place of the value of `key`, or of the mapping when it has no such key."""
        if isinstance(self._keys, int):
            return self._unpack(int(key) + 1 if key.isdecimal() and int(key) < self._keys else 0)
        return self._unpack(2 * self._number(self._keys, key) + 2 if key in self._keys else 0)

    def of_key(self, key: str) -> SourceRange:
        """The place of `key` itself, or of the mapping when it has no such key; of a list, the same as `at`."""
        if isinstance(self._keys, int) or key not in self._keys:
            return self.at(key)
        return self._unpack(2 * self._number(self._keys, key) + 1)

    @staticmethod
    def _number(keys: tuple[str, ...] | dict[str, int], key: str) -> int:
        return keys[key] if isinstance(keys, dict) else keys.index(key)

    def _unpack(self, index: int) -> SourceRange:
        mark = self._marks[self._first + index]
        if isinstance(self._text, str):
            return SourceRange(self._text, mark >> _COLUMN_BITS, mark & _COLUMN_MASK)
        return self._text.range(mark)

    def __repr__(self) -> str:
        return f"Place({self.range})"


class RowPlace(Place):
    """The place of a mapping or list that was generated from a row: that in the manifest, beside the row."""

    __slots__ = ("_own", "_row")

    def __init__(self, own: Place, row: str) -> None:
        """`row`: as `SourceRange.row`."""
        self._own = own
        self._row = row

    @property
    def file(self) -> str:
        """The file of the manifest."""
        return self._own.file

    def __contains__(self, key: str) -> bool:
        return key in self._own

    @property
    def range(self) -> SourceRange:
        """Where the mapping or list begins."""
        return self._own.range._replace(row=self._row)

    def at(self, key: str) -> SourceRange:
        """The place of the value of `key`."""
        return self._own.at(key)._replace(row=self._row)

    def of_key(self, key: str) -> SourceRange:
        """The place of `key` itself."""
        return self._own.of_key(key)._replace(row=self._row)


class MergedPlace(Place):
    """The place of a merged mapping: some of its keys come from other mappings."""

    __slots__ = ("_elsewhere", "_own")

    def __init__(self, own: Place, elsewhere: Mapping[str, Place]) -> None:
        """`elsewhere`: key → the place of the mapping that it comes from."""
        self._own = own
        self._elsewhere = elsewhere

    @property
    def file(self) -> str:
        """The file of the mapping itself."""
        return self._own.file

    def __contains__(self, key: str) -> bool:
        return key in self._elsewhere or key in self._own

    @property
    def range(self) -> SourceRange:
        """Where the mapping itself begins."""
        return self._own.range

    def at(self, key: str) -> SourceRange:
        """The place of the value of `key`."""
        return self._elsewhere.get(key, self._own).at(key)

    def of_key(self, key: str) -> SourceRange:
        """The place of `key` itself."""
        return self._elsewhere.get(key, self._own).of_key(key)


class JoinedPlace(Place):
    """The place of a joined list: each item has the list and the index that it comes from."""

    __slots__ = ("_items", "_own")

    def __init__(self, own: Place, items: tuple[tuple[Place, int], ...]) -> None:
        """`own`: the place of the first list."""
        self._own = own
        self._items = items

    @property
    def file(self) -> str:
        """The file of the first list."""
        return self._own.file

    def __contains__(self, key: str) -> bool:
        return False

    @property
    def range(self) -> SourceRange:
        """Where the first list begins."""
        return self._own.range

    def at(self, key: str) -> SourceRange:
        """The place of an item."""
        place, index = self._items[int(key)]
        return place.at(str(index))

    def of_key(self, key: str) -> SourceRange:
        """The same as `at`."""
        return self.at(key)

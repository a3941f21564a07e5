"""Where a mapping stands in its file, and each of its keys, kept small: there are tens of thousands of them."""

from __future__ import annotations

from collections.abc import Mapping

from kiamo_iac.diagnostics import SourceRange

_COLUMN_BITS = 12
_COLUMN_MAX = (1 << _COLUMN_BITS) - 1


def pack(line: int, column: int) -> int:
    """One integer for a 1-based line and column (columns past 4095 are shown as 4095)."""
    return line << _COLUMN_BITS | min(column, _COLUMN_MAX)


class Place:
    """The place of a mapping (`range`) and of the value under each of its keys (`at(key)`)."""

    __slots__ = ("_keys", "_own", "file")

    def __init__(self, file: str, own: int, keys: Mapping[str, int] | None = None) -> None:
        """`own` and the values of `keys` are packed positions, see `pack`."""
        self.file = file
        self._own = own
        self._keys = keys

    @property
    def range(self) -> SourceRange:
        """Where the mapping itself begins."""
        return self._unpack(self._own)

    def at(self, key: str) -> SourceRange:
        """Where `key` stands, or the mapping when it has no such key."""
        return self._unpack((self._keys or {}).get(key, self._own))

    def _unpack(self, packed: int) -> SourceRange:
        return SourceRange(self.file, packed >> _COLUMN_BITS, packed & _COLUMN_MAX)

    def __repr__(self) -> str:
        return f"Place({self.range})"

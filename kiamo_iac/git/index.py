"""The paths that git's index lists, read without git, which an image of a pipeline often lacks (gitformat-index)."""

from __future__ import annotations

from typing import Final

_PLAIN_VERSIONS: Final = (2, 3)
"""In these, every path stands as a whole."""
_HASHES: Final = (20, 32)
"""Bytes of an object's name: SHA-1, SHA-256."""
_STAT: Final = 40
"""Bytes of an entry before the name of its object."""
_LENGTH: Final = 0x0FFF
"""Of an entry's flags: how long its path is, or that it is longer than that."""
_EXTENDED: Final = 0x4000
"""Of an entry's flags: two more bytes of them follow."""


def paths_in(index: bytes) -> list[bytes] | None:
    """The paths; None where they stand in another form (version 4, split, sparse), or it is no index at all."""
    if index[:4] != b"DIRC" or int.from_bytes(index[4:8], "big") not in _PLAIN_VERSIONS:
        return None
    found = (_paths(index, hash_size=size) for size in _HASHES)
    return next((paths for paths in found if paths is not None), None)


def _paths(index: bytes, *, hash_size: int) -> list[bytes] | None:
    paths, at, end = [], 12, len(index) - hash_size
    for _ in range(int.from_bytes(index[8:12], "big")):
        after_name = at + _STAT + hash_size
        flags = int.from_bytes(index[after_name : after_name + 2], "big")
        begin = after_name + (4 if flags & _EXTENDED else 2)
        stop = index.find(b"\0", begin, end)
        if stop <= begin or flags & _LENGTH != min(stop - begin, _LENGTH):
            return None
        paths.append(index[begin:stop])
        at += (stop - at + 8) // 8 * 8  # filled up with zero bytes, at least one
    while at < end:
        if not index[at : at + 1].isupper():  # what has to be understood, such as link (split) and sdir (sparse)
            return None
        at += 8 + int.from_bytes(index[at + 4 : at + 8], "big")
    return paths if at == end else None

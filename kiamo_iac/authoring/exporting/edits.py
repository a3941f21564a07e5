"""Changes to one file as data, and the order in which they can be made one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Keys and indices that lead to a value from the top of a file, as the file is before any of the changes."""


class Set(NamedTuple):
    """Put a value in the place of another, or under a new key."""

    path: Path
    value: Any


class Append(NamedTuple):
    """Put an item at the end of a list."""

    path: Path
    """Of the list."""
    value: Any


class Remove(NamedTuple):
    """Take a key or an item away."""

    path: Path


Edit = Set | Append | Remove


def in_order(edits: Iterable[Edit], data: Any) -> list[Edit]:
    """`edits` of a file that holds `data`, so that none of them moves what a later one means.

    What stands in something that goes is left out; a list that would lose all its items goes with its key.
    """
    edits = list(edits)
    filled = {edit.path for edit in edits if isinstance(edit, Append)}
    removed = _with_emptied({edit.path for edit in edits if isinstance(edit, Remove)}, data, filled=filled)
    kept = [edit for edit in edits if not isinstance(edit, Remove) and not _goes(edit.path, removed)]
    outermost = sorted((path for path in removed if not _goes(path[:-1], removed)), reverse=True)
    return [
        *(edit for edit in kept if isinstance(edit, Set)),
        *(edit for edit in kept if isinstance(edit, Append)),
        *map(Remove, outermost),
    ]


def _with_emptied(removed: set[Path], data: Any, *, filled: set[Path]) -> set[Path]:
    """The paths to remove, and those of lists that lose all their items by it."""
    emptied = set()
    for holder in {path[:-1] for path in removed if isinstance(path[-1], int)} - filled:
        items = _at(data, holder)
        if isinstance(items, list) and all((*holder, index) in removed for index in range(len(items))):
            emptied.add(holder)
    return removed | emptied


def _at(data: Any, path: Path) -> Any:
    for key in path:
        data = data[key]
    return data


def _goes(path: Path, removed: set[Path]) -> bool:
    """Whether it, or something that it stands in, is removed."""
    return any(path[:length] in removed for length in range(1, len(path) + 1))

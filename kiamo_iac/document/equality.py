"""Whether two values are the same data, to the type: 1 is neither True nor 1.0, and keys stand in the same order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]
"""Keys and indexes from the top of a document down to a value."""


def difference(first: Any, second: Any, path: Path = ()) -> Path | None:
    """Where two values begin to differ, or None when they are the same."""
    if type(first) is not type(second):
        return path
    if isinstance(first, dict):
        if list(first) != list(second):
            return path
        pairs = [(key, first[key], second[key]) for key in first]
    elif isinstance(first, list):
        if len(first) != len(second):
            return path
        pairs = list(zip(range(len(first)), first, second, strict=True))
    else:
        # repr tells -0.0 from 0.0, and is quick where the values are equal.
        return None if first == second and repr(first) == repr(second) else path
    for key, one, other in pairs:
        found = difference(one, other, (*path, key))
        if found is not None:
            return found
    return None


def copied(data: Any) -> Any:
    """A copy of plain data in which nothing stands twice, of the plain types alone; what is none of them stays."""
    match data:
        case str():
            return str.__str__(data)
        case Mapping():
            return {copied(key): copied(value) for key, value in data.items()}
        case list() | tuple():
            return [copied(item) for item in data]
    return data


def spelled(path: Path) -> str:
    """A path as people read it: `bases[0].label`; the top of a document is `the document`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the document"

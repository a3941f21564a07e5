"""Strict equality of plain data: types count (1 is neither True nor 1.0), and so does the order of keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Path = tuple[str | int, ...]
"""Keys and indices from the root of a document to a value."""


def difference(first: Any, second: Any, path: Path = ()) -> Path | None:
    """The path of the first difference of two values, or None when they are equal."""
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
    """A deep copy of plain data without shared nodes or subclasses; other values are kept."""
    match data:
        case str():
            return str.__str__(data)
        case Mapping():
            return {copied(key): copied(value) for key, value in data.items()}
        case list() | tuple():
            return [copied(item) for item in data]
    return data


def spelled(path: Path) -> str:
    """A path for messages: `bases[0].label`; the root is `the document`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the document"

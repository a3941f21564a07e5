"""Pieces of contracts, and of what an instance answers, of which the table is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.manners.desk import Call, Desk, Item, Reply

KINDS = ("service", "base", "field", "batch")
PATHS = {
    "service": "/services",
    "base": "/bases",
    "field": "/bases/{base}/fields",
    "batch": "/bases/{base}/batches",
}
COMMANDS = ("start", "pause", "stop")
STATES = ("new", "started", "paused", "stopped", "finished")
Answer = Callable[[Desk, str, Item, Item], Reply]
Listing = Callable[[str, list[Item], Call], Any]


def kind(name: str, /, **entries: Any) -> dict[str, Any]:
    """Entries of one kind."""
    return {"kinds": {name: entries}}


def every(**entries: Any) -> dict[str, Any]:
    """The same entries of all kinds."""
    return {"kinds": dict.fromkeys(KINDS, entries)}


def operations(**entries: Any) -> dict[str, Any]:
    """The same operations of all kinds."""
    return every(operations=entries)


def attributes(name: str, /, **entries: Any) -> dict[str, Any]:
    """Attributes of one kind."""
    return kind(name, attributes=entries)


def wires(**names: str) -> dict[str, Any]:
    """`kind__attribute="wire"`."""
    return both(*(attributes(k.split("__")[0], **{k.split("__")[1]: {"wire": wire}}) for k, wire in names.items()))


def both(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Pieces together."""
    made: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            if isinstance(value, Mapping) and isinstance(made.get(key), Mapping):
                made[key] = both(made[key], value)
            else:
                made[key] = value
    return made


def commands(**each: Any) -> dict[str, Any]:
    """The commands of a batch."""
    return kind("batch", operations=each)


# --- answers ---------------------------------------------------------------------------------------------------------


def answering(data: Any, status: int = 200, **headers: str) -> Answer:
    """The same to every call."""
    return lambda _desk, _kind, _item, _shown: (status, data, headers)


def enveloped(*keys: str, status: int = 200, **more: Any) -> Answer:
    """The object below some keys."""

    def form(_desk: Desk, _kind: str, _item: Item, shown: Item) -> Reply:
        found: Any = shown
        for key in reversed(keys):
            found = {key: found}
        return status, {**more, **found}, {}

    return form


def rows_in(*keys: str, **more: Any) -> Listing:
    """The rows below some keys."""

    def form(_kind: str, rows: list[Item], _call: Call) -> Any:
        found: Any = rows
        for key in reversed(keys):
            found = {key: found}
        return {**more, **found}

    return form


# --- values ----------------------------------------------------------------------------------------------------------


def words(**each: Any) -> tuple[Callable[[Desk, Any], Any], Callable[[Desk, Any], Any]]:
    """Words for words, both ways."""
    back = {value: word for word, value in each.items()}
    return (lambda _, value: each.get(value, value)), (lambda _, value: back[value])

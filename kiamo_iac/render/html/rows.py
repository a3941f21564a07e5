"""What the rows of a page have in common: rows stand together with those of their thing, and a few are named first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kiamo_iac.core.address import Address
from kiamo_iac.render.graph.model import group_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """The rows that are shown together."""

    title: str
    """The thing that all of them are or stand below, or the collection that all of them are in."""
    rows: tuple[T, ...]


@dataclass(frozen=True, slots=True)
class FilterOption:
    """One button of a filter."""

    key: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Buttons of which a person may press any number."""

    key: str
    """The `data-` attribute of the rows that they look at."""
    label: str
    choices: tuple[FilterOption, ...]


def grouped(rows: Iterable[tuple[Address, T]]) -> tuple[Group[T], ...]:
    """Rows as the drawing has them together, in the order in which they come to each."""
    found: dict[str, list[T]] = {}
    for address, row in rows:
        found.setdefault(group_of(address), []).append(row)
    return tuple(Group(title, tuple(some)) for title, some in found.items())


def within(address: Address) -> str:
    """What is left to say, under the title of its group, before the name of a thing: `fields/`, or nothing."""
    below = address.removeprefix(group_of(address)).removeprefix("/")
    return f"{where}/" if (where := below.rpartition("/")[0]) else ""


def filters(*columns: tuple[str, str, Sequence[tuple[str, str]]]) -> tuple[Filter, ...]:
    """A filter for each column of (key, label, (key, label) of each row) that holds more than one thing."""
    made = []
    for key, label, cells in columns:
        counts = Counter(cells)
        if len(counts) > 1:
            choices = tuple(FilterOption(name, said, count) for (name, said), count in counts.items())
            made.append(Filter(key, label, choices))
    return tuple(made)

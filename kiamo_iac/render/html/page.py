"""One self-contained page out of a template: escaped by jinja2, and locked by a policy that names its own script."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kiamo_iac.core.address import Address
from kiamo_iac.render.escape import value, visible
from kiamo_iac.render.graph.model import group_of
from kiamo_iac.render.graph.svg import graph_colors, graph_style

_FOLDER: Final = Path(__file__).parent
_PART: Final = 60
"""Rows of one table; a browser lays out only those tables of a group that are in sight."""
_UNFOLDED: Final = 60
"""Rows of a page up to which its groups are unfolded."""


def page(template: str, **context: Any) -> str:
    """The template of that name with `context`, whose text is data: all of it is escaped where it is placed.

    Whatever it holds, the page loads nothing, sends nothing and runs no script but its own: its policy allows one
    script and one style, by their digests, and no attribute can hold either.
    """
    style, script = _style(), _asset("page.js")
    assets = {"style": Markup(style), "script": Markup(script)}  # noqa: S704 - files of this package
    return _environment().get_template(template).render(context, **assets, policy=_policy(style=style, script=script))


def _policy(*, style: str, script: str) -> str:
    """The value of the page's `Content-Security-Policy` (https://www.w3.org/TR/CSP3/)."""
    rules = (
        "default-src 'none'",
        f"script-src '{_digest(script)}'",
        f"style-src '{_digest(style)}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode('utf-8')).digest()).decode('ascii')}"


def _style() -> str:
    """All of the page's CSS. Colours follow the system, then the page's button; paper is always light."""
    light = f"color-scheme: light;\n{graph_colors('light')}{_asset('light.css')}"
    dark = f"color-scheme: dark;\n{graph_colors('dark')}{_asset('dark.css')}"
    colors = (
        f":root {{\n{light}}}",
        f'@media (prefers-color-scheme: dark) {{\n:root:not([data-theme="light"]) {{\n{dark}}}\n}}',
        f':root[data-theme="dark"] {{\n{dark}}}',
        f"@media print {{\n:root:root:root {{\n{light}}}\n}}",
    )
    return "\n".join((*colors, _asset("page.css"), graph_style()))


@cache
def _asset(name: str) -> str:
    """A file of this package, with the line ends that a browser makes of it before it takes the digest."""
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"visible": visible, "value": value}
    return environment


T = TypeVar("T")


Label = tuple[str, str]
"""A name for CSS, and words for people."""


@dataclass(frozen=True, slots=True)
class RowGroup(Generic[T]):
    """The rows that are shown together, below one line that can be unfolded."""

    number: int
    """Counts the groups of a page from 1."""
    title: str
    """The object that all of them are at or below, or the collection that all of them are in."""
    rows: tuple[T, ...]
    counts: tuple[tuple[Label, int], ...]
    """How many rows there are of each sort."""
    marks: tuple[Label, ...]
    """What a person must not overlook in it, each once."""
    unfolded: bool

    @property
    def parts(self) -> list[tuple[T, ...]]:
        """The rows, a table each."""
        return [self.rows[at : at + _PART] for at in range(0, len(self.rows), _PART)]


@dataclass(frozen=True, slots=True)
class FilterOption:
    """One button of a filter."""

    key: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Buttons of which any number may be pressed."""

    key: str
    """The `data-` attribute of the rows that they filter by."""
    label: str
    options: tuple[FilterOption, ...]


def grouped_rows(
    rows: Sequence[T],
    address: Callable[[T], Address],
    sort: Callable[[T], Label],
    marks: Callable[[T], Iterable[Label]] = lambda _: (),
) -> tuple[RowGroup[T], ...]:
    """Rows as the drawing has them together, in the order in which they come to each."""
    found: dict[str, list[T]] = {}
    for row in rows:
        found.setdefault(group_of(address(row)), []).append(row)
    unfolded = len(rows) <= _UNFOLDED or len(found) == 1
    return tuple(
        RowGroup(
            number,
            title,
            tuple(some),
            counts=tuple(Counter(map(sort, some)).items()),
            marks=tuple(dict.fromkeys(mark for row in some for mark in marks(row))),
            unfolded=unfolded,
        )
        for number, (title, some) in enumerate(found.items(), start=1)
    )


def within(address: Address) -> str:
    """What is left to say, under the title of its group, before the name of an object: `fields/`, or nothing."""
    below = address.removeprefix(group_of(address)).removeprefix("/")
    return f"{where}/" if (where := below.rpartition("/")[0]) else ""


def filters(*columns: tuple[str, str, Sequence[tuple[str, str]]]) -> tuple[RowFilter, ...]:
    """A filter for each column of (key, label, (key, label) of each row) that holds more than one value."""
    made = []
    for key, label, cells in columns:
        counts = Counter(cells)
        if len(counts) > 1:
            options = tuple(FilterOption(name, text, count) for (name, text), count in counts.items())
            made.append(RowFilter(key, label, options))
    return tuple(made)

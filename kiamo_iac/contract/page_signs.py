"""What the answer to a list says, beside its rows, of further pages: keys such as `next` and `has_more`, and totals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_FURTHER: Final = re.compile(
    r"(has_?more|(has_?)?next(_?(page|cursor|token|url|link|href))?|(after_?)cursor|(page_?)?suivante?|reste)",
    re.IGNORECASE,
)
"""Keys of a response that, where they are set, say that more pages follow."""
_COUNTS: Final = re.compile(r"total(_?(count|items|elements|results|records|rows))?|x-total-count", re.IGNORECASE)
"""Keys of a response that count all objects of a list."""
END: Final[tuple[Any, ...]] = (None, "", False, {}, [])
"""Values that say that nothing follows."""


class PageSign(NamedTuple):
    """One key beside the rows of a list."""

    path: str
    """Dotted."""
    value: Any
    counted: int | None
    """All objects of the list, by this key; None: it is no count."""
    is_further: bool
    """Whether it says that more pages follow; else that there are none."""


def page_signs(data: Any, rows: int) -> Iterator[PageSign]:
    """All of them in an answer that has so many rows: at its top, and one level below. Nothing is said by a total that
    is smaller than the rows."""
    for path, key, value in _beside_rows(data):
        if _FURTHER.fullmatch(key) and not isinstance(value, list):
            yield PageSign(path, value, None, is_further=not _is_empty(value))
        elif _COUNTS.fullmatch(key) and (count := _count(value)) is not None and count >= rows:
            yield PageSign(path, value, count, is_further=count > rows)


def _beside_rows(data: Any) -> Iterator[tuple[str, str, Any]]:
    """Dotted path, key and value."""
    outer = data if isinstance(data, dict) else {}
    inner = ((f"{key}.", value) for key, value in outer.items() if isinstance(value, dict))
    for prefix, values in (("", outer), *inner):
        for key, value in values.items():
            yield prefix + key, key, value


def _count(value: Any) -> int | None:
    if type(value) is int:
        return value
    return int(value) if type(value) is str and is_count(value) else None


def _is_empty(value: Any) -> bool:
    return all(map(_is_empty, value.values())) if isinstance(value, dict) else not value


def is_count(text: str) -> bool:
    """Whether a text is a count in digits."""
    return text.isascii() and text.isdigit() and len(text) <= 18

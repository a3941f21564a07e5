"""What a response to a list, and the call that it answers, show of further pages."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from kiamo_iac.api.response import ApiResponse, kind_of
from kiamo_iac.contract.entries import Operation
from kiamo_iac.contract.page_signs import is_count, page_signs
from kiamo_iac.core.printable import printable

LONGEST_LINK: Final = 16_000
_LINK: Final = re.compile(
    r'<(?P<target>[^<>]{0,4000})>[^<>,]{0,400}?;\s{0,9}rel=(?P<rel>"[^"]{0,100}"|[^\s,;"]{1,100})'
)
_SIZE: Final = re.compile(
    r"(page_?|max_?)?(size|limit|count|results|rows|items|records)|per_?page|top|take|first|nb|nombre|limite|taille",
    re.IGNORECASE,
)
"""Parameters of a list that limit its objects."""


def cut_off(call: Operation, rows: int) -> str | None:
    """The fixed number of objects that a list was asked for, where it has as many; None: it has fewer."""
    sent = {**call.query, **call.body}
    for key, value in sent.items():
        if isinstance(value, str | int) and is_count(str(value)) and 0 < int(value) <= rows and _SIZE.fullmatch(key):
            return f'it lists {rows:,} objects, and the call asks for {int(value):,} by "{printable(key, 60)}"'
    return None


def further(response: ApiResponse, rows: int, *, keys: bool = True) -> str | None:
    """What a response says of further pages; None: nothing. `rows`: the objects that were listed so far; `keys`: not
    its total alone."""
    if keys and next_link(response.headers.get("link", "")) is not None:
        return "its header Link names a next page"
    for sign in page_signs(response.data, rows):
        shown = f'"{printable(sign.path, 60)}"'
        if sign.is_further and sign.counted is not None:
            return f"it lists {rows:,} objects, and {shown} is {sign.counted:,}"
        if sign.is_further and keys:
            return f"{shown} is {kind_of(sign.value)}"
    return None


def says_whole(data: Any, rows: int) -> str | None:
    """What shows in the answer to a list that it is whole; None: nothing."""
    for sign in page_signs(data, rows):
        if not sign.is_further:
            shown = f'"{printable(sign.path, 60)}"'
            return f"{shown} is {kind_of(sign.value)}" if sign.counted is None else f"{shown} counts them too"
    return None


def next_link(header: str) -> str | None:
    """The address of the next page in a Link header (RFC 8288); None: there is none."""
    for link in _LINK.finditer(header[:LONGEST_LINK]):
        if any(word.casefold() == "next" for word in link["rel"].strip('"').split()):
            return link["target"]
    return None


_NOT_NEXT: Final = re.compile(
    r"self|first|last|prev(ious)?|current|base|(page_?)?precedente?|premiere?|derniere?", re.IGNORECASE
)
"""Keys of addresses that are not that of the next page."""


def address_in(data: Any, prefix: str = "", depth: int = 3) -> str | None:
    """The path of an address with a query beside the rows of a response."""
    for key, value in data.items() if isinstance(data, dict) and depth else ():
        if isinstance(value, str) and "/" in value and urlsplit(value[:LONGEST_LINK]).query:
            if not _NOT_NEXT.fullmatch(key):
                return f"{prefix}{key}"
        elif not _NOT_NEXT.fullmatch(key) and (found := address_in(value, f"{prefix}{key}.", depth - 1)):
            return found
    return None

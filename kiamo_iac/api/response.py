"""The response to a call of the contract: its data, or the error for a refusal or for data of another shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kiamo_iac.contract.entries import Errors, Listing
from kiamo_iac.contract.page_signs import is_count
from kiamo_iac.core.errors import AccessError, RefusedError, ResponseError
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.printable import printable, quote
from kiamo_iac.core.strict_json import parse_json

MISSING: Final = object()
"""What `dig` returns where there is nothing."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response with a status of 200 to 299."""

    call: str
    """The call, as messages name it: `GET /api/bases/7/fields`."""
    status: int
    data: Any
    """The JSON; None when there was no body."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Found by their names in lower case."""
    entry: Callable[..., str] | None = field(default=None, repr=False, compare=False)
    """The path of an entry of its kind's contract → how messages name it."""

    def items(self, path: str | None) -> list[Any]:
        """The list under `path` (dotted; None: the response itself).

        Raises:
            ResponseError: there is no list there.
        """
        found = dig(self.data, path)
        if isinstance(found, list):
            return found
        raise self.unlike("a list", found, path=path, key=("listing", "items"))

    def rows(self, listing: Listing, *, integer: bool = False) -> list[Any]:
        """The rows of a list, as the contract describes it.

        Raises:
            ResponseError: there is none.
        """
        found = rows_of(self.data, listing, integer=integer)
        if found is not None:
            if listing.groups and not listing.whole and (other := _other_group(dig(self.data, listing.items), listing)):
                raise self.mismatch(f"there are rows under {quote(other)}, too", ("listing", "groups"))
            return found
        wanted = "an object of rows" if listing.keyed else "an object of lists" if listing.groups else "a list"
        raise self.unlike(wanted, dig(self.data, listing.items), path=listing.items, key=("listing", "items"))

    def item(self, path: str | None) -> Mapping[str, Any]:
        """The object under `path` (dotted; None: the response itself).

        Raises:
            ResponseError: there is no object there.
        """
        found = dig(self.data, path)
        if isinstance(found, dict):
            return found
        raise self.unlike("an object", found, path=path, key=("item",))

    def total(self, path: str) -> int:
        """The count under `path`.

        Raises:
            ResponseError: there is no count there.
        """
        found = dig(self.data, path)
        if type(found) is int and found >= 0:
            return found
        if type(found) is str and is_count(found):
            return int(found)
        raise self.unlike("a count", found, path=path, key=("listing", "total"))

    def unlike(self, wanted: str, found: Any, *, path: str | None = None, key: tuple[str, ...] = ()) -> ResponseError:
        """The error for data of another shape than the contract describes, at a dotted path. `key`: the entry of the
        kind's contract that says so."""
        where = "the body" if path is None else f'"{path}"'
        got = kind_of(found)
        inner = found if isinstance(found, dict) else self.data if found is MISSING else None
        if wanted == "a list" and (lists := [*_lists_in(inner)]):
            got += f"; there is a list under {' and '.join(lists[:3])}"
        return self.mismatch(f"{where} must be {wanted}, got {got}", key)

    def mismatch(self, what: str, key: tuple[str, ...] = ()) -> ResponseError:
        """The error for a response that the contract does not describe; `what` is a clause on the difference, `key` the
        entry of the kind's contract that is the likely cause."""
        hint = "compare the contract with the instance: kiamo-iac contract show"
        if key and self.entry is not None:
            hint = f"correct {self.entry(*key)}, or {hint}"
        text = f"The response to {self.call} does not match the contract: {what}."
        return ResponseError(text, hint=hint, entry=key)


def _lists_in(data: Any, prefix: str = "", depth: int = 2) -> Iterator[str]:
    """The dotted paths of the lists in an object, as messages show them."""
    for key, value in data.items() if isinstance(data, dict) else ():
        if isinstance(value, list):
            yield f'"{printable(prefix + key, 60)}"'
        elif depth > 1:
            yield from _lists_in(value, f"{prefix}{key}.", depth - 1)


def dig(data: Any, path: str | None) -> Any:
    """The value under a dotted path; where there is none, `kind_of` it is "nothing"."""
    for key in path.split(".") if path else ():
        if isinstance(data, dict):
            data = data.get(key, MISSING)
        elif isinstance(data, list) and is_count(key) and int(key) < len(data):
            data = data[int(key)]
        else:
            return MISSING
    return data


def rows_of(data: Any, listing: Listing, *, integer: bool = False) -> list[Any] | None:
    """The rows of a list; None where the data has another shape. `integer`: the keys of a keyed list are numbers."""
    found = dig(data, listing.items)
    if listing.groups:
        groups = [(group, dig(found, group)) for group in listing.groups]
        if all(rows is MISSING for _, rows in groups) or any(not _is_rows(rows) for _, rows in groups):
            return None
        found = [
            {**row, "$group": group} if isinstance(row, dict) else row
            for group, rows in groups
            if isinstance(rows, list)
            for row in rows
        ]
    elif listing.keyed is not None:
        if found == []:  # how servers written in PHP encode an empty mapping
            return []
        if not isinstance(found, dict):
            return None
        found = [
            {listing.keyed: int(key) if integer and is_count(key) else key, **row} if isinstance(row, dict) else row
            for key, row in found.items()
        ]
    if not isinstance(found, list):
        return None
    return found if listing.row is None else [dig(row, listing.row) for row in found]


def _other_group(data: Any, listing: Listing) -> str | None:
    """The key of an array beside the groups whose rows are like theirs."""
    listed = [row.keys() for group in listing.groups for row in dig(data, group) or () if isinstance(row, dict)]
    if not listed or not isinstance(data, dict):
        return None
    shared = frozenset.intersection(*map(frozenset, listed))
    known = {group.split(".")[0] for group in listing.groups}
    for key, rows in data.items():
        if key not in known and isinstance(rows, list) and any(_is_like(row, shared) for row in rows):
            return str(key)
    return None


def _is_like(row: Any, keys: frozenset[str]) -> bool:
    return isinstance(row, dict) and len(keys) > 1 and keys <= row.keys()


def _is_rows(rows: Any) -> bool:
    return rows is MISSING or rows is None or isinstance(rows, list)


def kind_of(value: Any) -> str:
    """The JSON type of a value for a message, and the value where that is short."""
    if value is MISSING:
        return "nothing"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"the number {printable(str(value), 20)}"
    if isinstance(value, str):
        return f'the string "{printable(value, 40)}"'
    return "a list" if isinstance(value, list) else "an object"


_LONGEST = 300
_TAG = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def refusal(call: str, status: int, *, body: bytes, errors: Errors) -> RefusedError:
    """The error for a response with a status of 400 or more; the code is found wherever it is in the body."""
    text = body.decode("utf-8", "replace")
    code = linear_pattern(errors.code_pattern).find(text)
    message = f"{call} was refused with {status}"
    if code is not None:
        meaning = errors.meanings.codes.get(code)
        message += f" {printable(code, 40)}" + (f" ({meaning})" if meaning else "")
        quoted = _quote_of(text, body, path=errors.message)
        message += f': "{quoted}"' if quoted and quoted.rstrip(".") not in {code, (meaning or "").rstrip(".")} else ""
    elif quoted := _quote_of(text, body, path=errors.message):
        message += f': "{quoted}"'
    if code is not None and code in errors.absent:
        status = 404
    if status in {401, 403}:
        hint = "check that the token is valid and active, and that it has the right for this method"
        return AccessError(f"{message}.", status=status, code=code, hint=hint)
    return RefusedError(f"{message}.", status=status, code=code)


def _quote_of(text: str, body: bytes, *, path: str) -> str:
    """The message of the server: what is under `path`, else the longest text of the JSON, else that of the page."""
    try:
        value = parse_json(body)
    except ValueError:
        return printable(_TAG.sub(" ", text[: 20 * _LONGEST]), _LONGEST)
    under = dig(value, path)
    return printable(under if isinstance(under, str) else _longest_text(value), _LONGEST)


def _longest_text(value: Any, depth: int = 8) -> str:
    if isinstance(value, str) or not depth:
        return value if isinstance(value, str) else ""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max((_longest_text(item, depth - 1) for item in inner), key=len, default="")

"""Reads a whole list, page by page, without duplicates and gaps. The budget ends a list that never ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeVar, assert_never

from kiamo_iac.api.client import Client, Ids
from kiamo_iac.api.response import ApiResponse, is_count, kind_of
from kiamo_iac.api.wire import Decoder, LiveRow
from kiamo_iac.contract.entries import Listing, Paging
from kiamo_iac.core.errors import RefusedError, ResponseError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.state import RemoteId

T = TypeVar("T")

_ATTEMPTS: Final = 3
"""Times that a list is read when it changes between its pages."""


_LINK: Final = re.compile(
    r'<(?P<target>[^<>]{0,4000})>[^<>,]{0,400}?;\s{0,9}rel=(?P<rel>"[^"]{0,100}"|[^\s,;"]{1,100})'
)
_LONGEST_LINK: Final = 16_000


class _ShiftedError(Exception):
    """The list changed while its pages were read; the message is the predicate of "The pages of KIND"."""


def listed_rows(client: Client, kind: str, parent_id: RemoteId | None, *, decoder: Decoder) -> list[LiveRow]:
    """Everything that the list call of `kind` has, decoded; `parent_id` goes into the call where the contract wants it.

    Raises:
        ApiError: as `listed`.
    """
    parent = client.contract.kinds[kind].parent
    ids = {} if parent is None or parent_id is None else {parent: parent_id}

    def take(item: object, response: ApiResponse) -> tuple[RemoteId, LiveRow]:
        row = decoder.row(item, response)
        return row.remote_id, row

    return listed(client, kind, ids, take=take)


def read_row(client: Client, kind: str, remote_id: RemoteId, parents: Ids, *, decoder: Decoder) -> LiveRow | None:
    """One object, read by its id; None: there is none.

    Raises:
        ApiError: it could not be read.
    """
    try:
        response = client.call(kind, "read", {**parents, "id": remote_id})
    except RefusedError as error:
        if error.status == 404:
            return None
        raise
    return decoder.row(response.item(client.contract.kinds[kind].item), response)


def listed(
    client: Client, kind: str, ids: Ids, *, take: Callable[[object, ApiResponse], tuple[RemoteId, T]]
) -> list[T]:
    """Everything that the list call of `kind` has. `take` turns an item into its id and what is kept of it.

    A list that changes between its pages is read again, up to three times. With paging and no `total`, the end is
    a page shorter than the first, or an empty one; a list of several pages is then read until two readings have
    the same ids, because no single one shows that an object was skipped when an earlier page became shorter.

    Raises:
        ApiError: a call failed, or a response is not what the contract describes.
    """
    listing = client.contract.kinds[kind].listing
    if listing.paging.style == "none":
        response = client.call(kind, "list", ids)
        found: dict[RemoteId, T] = {}
        items = response.items(listing.items)
        for item in items:
            id_, kept = take(item, response)
            found[id_] = kept
        if len(found) != len(items):
            raise response.mismatch("two objects have the same id")
        _check_complete(client, kind, response, len(items), listing)
        return list(found.values())
    shifted = before = None
    for _ in range(_ATTEMPTS):
        try:
            pages, rows = _pages(client, kind, ids, listing=listing, take=take)
        except _ShiftedError as error:
            shifted = f"The pages of {kind} {error}."
            continue
        if listing.total is not None or pages == 1 or before == rows.keys():
            return list(rows.values())
        before, shifted = rows.keys(), f"The pages of {kind} change while they are read."
    raise ResponseError(
        shifted or "",
        hint=f"compare kinds.{kind}.listing of {client.contract.origin} with the instance, or try again later",
    )


_FURTHER: Final = re.compile(
    r"(has_?more|(has_?)?next(_?(page|cursor|token|url|link))?|(after_?)cursor)", re.IGNORECASE
)
"""Keys of a response that, where they are set, say that more pages follow."""
_COUNTS: Final = re.compile(r"total(_?(count|items|elements|results|records|rows))?|x-total-count", re.IGNORECASE)
"""Keys of a response that count all objects of a list."""


def _check_complete(client: Client, kind: str, response: ApiResponse, rows: int, listing: Listing) -> None:
    """
    Raises:
        ResponseError: a list that the contract has without pages is a part of one, by its total or by what its response
            says of further pages.
    """
    why = None
    if listing.total is not None:
        total = response.total(listing.total)
        why = f"it lists {rows:,} objects, and counts {total:,}" if total != rows else None
    elif not listing.whole:
        why = _further(response, rows)
    if why is not None:
        raise ResponseError(
            f"The response to {response.call} is a part of a list: {why}.",
            hint=f"describe its pages under kinds.{kind}.listing.paging of {client.contract.origin}; "
            "if the list is whole all the same, set kinds."
            f"{kind}.listing.whole: true",
        )


def _further(response: ApiResponse, rows: int) -> str | None:
    """What a response says of further pages; None: nothing."""
    if next_link(response.headers.get("link", "")) is not None:
        return "its header Link names a next page"
    outer = response.data if isinstance(response.data, dict) else {}
    inner = ((f"{key}.", value) for key, value in outer.items() if isinstance(value, dict))
    for prefix, values in (("", outer), *inner):
        for key, value in values.items():
            if not value or isinstance(value, list):
                continue
            if _FURTHER.fullmatch(key):
                return f'"{printable(prefix + key, 60)}" is {kind_of(value)}'
            count = value if type(value) is int else int(value) if type(value) is str and is_count(value) else 0
            if _COUNTS.fullmatch(key) and count > rows:
                return f'it lists {rows:,} objects, and "{printable(prefix + key, 60)}" is {count:,}'
    return None


def next_link(header: str) -> str | None:
    """The address of the next page in a Link header (RFC 8288); None: there is none."""
    for link in _LINK.finditer(header[:_LONGEST_LINK]):
        if any(word.casefold() == "next" for word in link["rel"].strip('"').split()):
            return link["target"]
    return None


def _pages(
    client: Client,
    kind: str,
    ids: Ids,
    *,
    listing: Listing,
    take: Callable[[object, ApiResponse], tuple[RemoteId, T]],
) -> tuple[int, dict[RemoteId, T]]:
    """The number of pages, and what they have."""
    found: dict[RemoteId, T] = {}
    total = first_size = None
    number = repeated = 0
    while True:
        query = _query(listing.paging, number, seen=len(found) + repeated)
        response = client.call(kind, "list", ids, query=query)
        items = response.items(listing.items)
        before = len(found)
        for item in items:
            id_, kept = take(item, response)
            found.setdefault(id_, kept)
        new = len(found) - before
        repeated += len(items) - new
        if items and not new:
            msg = "repeat earlier objects: the instance may ignore the page number"
            raise _ShiftedError(msg)
        if listing.total is not None:
            now = response.total(listing.total)
            if total not in {None, now}:
                msg = "change while they are read"
                raise _ShiftedError(msg)
            total = now
        first_size = len(items) if first_size is None else first_size
        if _is_last(len(items), first_size, seen=len(found) + repeated, total=total):
            break
        number += 1
    if repeated or total not in {None, len(found)}:
        msg = (
            f"list {len(found)} objects, but the instance counts {total}"
            if total is not None
            else "list the same object twice"
        )
        raise _ShiftedError(msg)
    return number + 1, found


def _is_last(size: int, first_size: int, *, seen: int, total: int | None) -> bool:
    if total is not None:
        return size == 0 or seen >= total
    return size == 0 or size < first_size


def _query(paging: Paging, number: int, *, seen: int) -> dict[str, str | int]:
    match paging.style:
        case "none":
            return {}
        case "page":
            return {paging.page: paging.first + number, paging.size: paging.limit}
        case "offset":
            return {paging.offset: seen, paging.size: paging.limit}
        case other:
            assert_never(other)

"""Reads a whole list, page by page, without duplicates and gaps. The budget ends a list that never ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, assert_never

from kiamo_iac.api.client import Client, Ids
from kiamo_iac.api.response import ApiResponse
from kiamo_iac.api.wire import Decoder, LiveRow
from kiamo_iac.contract.entries import Listing, Paging
from kiamo_iac.core.errors import ResponseError
from kiamo_iac.core.state import RemoteId

T = TypeVar("T")

_ATTEMPTS: Final = 3
"""Times that a list is read when it changes between its pages."""


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

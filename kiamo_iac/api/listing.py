"""Reads a whole list, page by page, without duplicates and gaps. The budget ends a list that never ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from typing import Any, Final, TypeVar, assert_never
from urllib.parse import parse_qsl, urlsplit

from kiamo_iac.api.client import Client, Ids
from kiamo_iac.api.further_pages import LONGEST_LINK, address_in, cut_off, further, next_link
from kiamo_iac.api.response import MISSING, ApiResponse, dig
from kiamo_iac.api.shape import SOURCES
from kiamo_iac.api.wire import Decoder, LiveRow
from kiamo_iac.contract.entries import Listing, Paging
from kiamo_iac.contract.page_signs import END
from kiamo_iac.core.errors import RefusedError, ResponseError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.state import RemoteId

T = TypeVar("T")

_FOLLOWED: Final = frozenset({"cursor", "next", "link"})
"""Styles in which each page leads to the next one."""
_FEW: Final = 4
_READERS: Final = 4
"""Objects of one list that are read at a time, where there are more than a few and the list is of no parent."""
_PAGING: Final = ("listing", "paging")
_ATTEMPTS: Final = 3
"""Times that a list is read when it changes between its pages."""


class _ShiftedError(Exception):
    """The list changed while its pages were read; the message is the predicate of "The pages of KIND"."""


class _UnreadError(Exception):
    """An object is listed, and its read answers that it does not exist."""

    def __init__(self, remote_id: RemoteId) -> None:
        super().__init__()
        self.remote_id = remote_id


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
    found = read_item(client, kind, remote_id, parents)
    return decoder.row(*found) if found is not None else None


def read_item(
    client: Client, kind: str, remote_id: RemoteId, parents: Ids
) -> tuple[Mapping[str, Any], ApiResponse] | None:
    """The JSON of one object, read by its id, with what other operations show of it; None: there is none.

    Raises:
        ApiError: it could not be read.
    """
    try:
        response = client.call(kind, "read", {**parents, "id": remote_id})
    except RefusedError as error:
        if error.status == 404:
            return None
        raise
    item = response.item(client.contract.kinds[kind].item_of("read"))
    return with_sources(client, kind, item, {**parents, "id": remote_id}), response


def with_sources(client: Client, kind: str, item: Mapping[str, Any], ids: Ids) -> Mapping[str, Any]:
    """An object with what other operations show of it."""
    attributes = client.contract.kinds[kind].attributes
    shown = {name: a for name, a in attributes.items() if a.source is not None}
    if not shown:
        return item
    answers = {source: client.call(kind, source, ids).data for source in {a.source for a in shown.values()} if source}
    found = {name: dig(answers[a.source or ""], a.read or a.wire) for name, a in shown.items()}
    return {**item, SOURCES: {name: value for name, value in found.items() if value is not MISSING}}


def _completed(
    client: Client, kind: str, ids: Ids, items: list[Any], response: ApiResponse
) -> Iterable[tuple[Any, ApiResponse]]:
    """The rows of a list, each with the response that shows it: its own, or that to a read of the object."""
    stanza = client.contract.kinds[kind]
    reads = stanza.listing.detail == "read" and "read" in stanza.operations
    if not reads and all(a.source is None for a in stanza.attributes.values()):
        return ((item, response) for item in items)

    def complete(item: Any) -> tuple[Any, ApiResponse]:
        id_ = dig(item, stanza.id.wire)
        if not isinstance(item, dict) or type(id_) not in {str, int}:
            return item, response
        above = dig(item, stanza.parent_wire) if stanza.parent_wire and stanza.parent not in ids else None
        parents: dict[str, str | int] = {**ids}
        if stanza.parent is not None and isinstance(above, str | int):
            parents[stanza.parent] = above
        if not reads:
            return with_sources(client, kind, item, {**parents, "id": id_}), response
        found = read_item(client, kind, id_, parents)
        if found is None:
            raise _UnreadError(id_)
        return {**item, **found[0]}, found[1]

    if len(items) < _FEW or ids:  # lists below parents are read in parallel already
        return [*map(complete, items)]
    with ThreadPoolExecutor(_READERS, thread_name_prefix="detail") as pool:
        return [*pool.map(complete, items)]


def unread(client: Client, kind: str, remote_id: RemoteId) -> ResponseError:
    """The error for an object that is listed, and does not exist by its read: it must not pass for one that is gone."""
    entry = client.contract.entry("kinds", kind, "operations", "read", "path")
    shown = printable(str(remote_id), 60)
    return ResponseError(
        f'The {kind} with the id "{shown}" is listed, and its read answers that it does not exist.',
        hint=f"correct {entry}, or try again later",
    )


def _as_listed(
    _client: Client, _kind: str, _ids: Ids, items: list[Any], response: ApiResponse
) -> Iterable[tuple[Any, ApiResponse]]:
    """The rows of a list as they are."""
    return ((item, response) for item in items)


_Complete = Callable[[Client, str, Ids, list[Any], ApiResponse], Iterable[tuple[Any, ApiResponse]]]


def listed(
    client: Client,
    kind: str,
    ids: Ids,
    *,
    take: Callable[[object, ApiResponse], tuple[RemoteId, T]],
    completed: bool = True,
) -> list[T]:
    """Everything that the list call of `kind` has. `take` turns an item into its id and what is kept of it.
    `completed`: what the contract says that only other calls show of an object is read too; what is deleted before that
    is no longer listed.

    Raises:
        ApiError: a call failed, or a response is not what the contract describes.
    """
    complete = _completed if completed else _as_listed
    missing: set[RemoteId] = set()
    while True:
        with client.barrier.without_writes() if missing else nullcontext():
            try:
                return _listed(client, kind, ids, take=take, complete=complete)
            except _UnreadError as error:
                if error.remote_id in missing or len(missing) >= _ATTEMPTS:
                    raise unread(client, kind, error.remote_id) from None
                missing.add(error.remote_id)


def _listed(
    client: Client,
    kind: str,
    ids: Ids,
    *,
    take: Callable[[object, ApiResponse], tuple[RemoteId, T]],
    complete: _Complete,
) -> list[T]:
    """Everything that the list call of `kind` has.

    A list that changes between its pages is read again, up to three times, while the writes of this client wait. With
    paging and no `total`, the end is a page shorter than the first, or an empty one; a list of several pages is then
    read until two readings have the same ids, because no single one shows that an object was skipped when an earlier
    page became shorter.

    Raises:
        ApiError: a call failed, or a response is not what the contract describes.
    """
    listing = client.contract.kinds[kind].listing
    integer = client.contract.kinds[kind].id.type == "integer"
    if listing.paging.style == "none":
        response = client.call(kind, "list", ids)
        found: dict[RemoteId, T] = {}
        items = response.rows(listing, integer=integer)
        read = 0
        for item, shown in complete(client, kind, ids, items, response):
            id_, kept = take(item, shown)
            found[id_] = kept
            read += 1
        if len(found) != read:
            raise response.mismatch("two objects have the same id")
        _check_complete(client, kind, response, len(items), listing)
        return list(found.values())
    shifted = before = None
    with ExitStack() as held:
        for attempt in range(_ATTEMPTS):
            if attempt == 1:
                held.enter_context(client.barrier.without_writes())
            try:
                pages, rows = _pages(client, kind, ids, listing=listing, take=take, complete=complete)
            except _ShiftedError as error:
                shifted = f"The pages of {kind} {error}."
                continue
            if listing.total is not None or pages == 1 or before == rows.keys() or listing.paging.style in _FOLLOWED:
                return list(rows.values())
            before, shifted = rows.keys(), f"The pages of {kind} change while they are read."
    raise ResponseError(
        shifted or "",
        hint=f"compare kinds.{kind}.listing of {client.contract.origin} with the instance, or try again later",
        entry=_PAGING,
    )


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
        call = client.contract.kinds[kind].operations["list"]
        why = further(response, rows) or cut_off(call, rows)
    if why is not None:
        raise _part(client, kind, response, why)


def _part(client: Client, kind: str, response: ApiResponse, why: str) -> ResponseError:
    """The error for a list that is not whole."""
    return ResponseError(
        f"The response to {response.call} is a part of a list: {why}.",
        hint=f"describe its pages under kinds.{kind}.listing.paging of {client.contract.origin}; "
        "if the list is whole all the same, set kinds."
        f"{kind}.listing.whole: true",
        entry=_PAGING,
    )


def _pages(
    client: Client,
    kind: str,
    ids: Ids,
    *,
    listing: Listing,
    take: Callable[[object, ApiResponse], tuple[RemoteId, T]],
    complete: _Complete,
) -> tuple[int, dict[RemoteId, T]]:
    """The number of pages, and what they have."""
    found: dict[RemoteId, T] = {}
    total = first_size = None
    number = repeated = 0
    following: dict[str, str | int] | None = None
    followed: set[tuple[tuple[str, str | int], ...]] = set()
    while True:
        query = _query(listing.paging, number, seen=len(found) + repeated) if following is None else following
        in_body = listing.paging.within == "body"
        response = client.call(
            kind, "list", ids, query=None if in_body else query, body=query if in_body and query else None
        )
        items = response.rows(listing, integer=client.contract.kinds[kind].id.type == "integer")
        before = len(found)
        for item, shown in complete(client, kind, ids, items, response):
            id_, kept = take(item, shown)
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
        if listing.paging.style in _FOLLOWED:
            following = _next_query(client, listing.paging, response)
            if following is None:
                _check_last(client, kind, response, len(found), listing=listing)
                break
            if tuple(following.items()) in followed:
                msg = "lead back to an earlier one"
                raise _ShiftedError(msg)
            followed.add(tuple(following.items()))
            number += 1
            continue
        first_size = len(items) if first_size is None else first_size
        if _is_last(len(items), first_size, seen=len(found) + repeated, total=total):
            _check_last(client, kind, response, len(found), listing=listing)
            is_full = number == 0 and len(items) >= listing.paging.limit
            _check_total(client, kind, ids, found, total=total if is_full else None, take=take, complete=complete)
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


def _check_total(
    client: Client,
    kind: str,
    ids: Ids,
    found: Mapping[RemoteId, T],
    *,
    total: int | None,
    take: Callable[[object, ApiResponse], tuple[RemoteId, T]],
    complete: _Complete,
) -> None:
    """A first page that is full, and has as many objects as the total (None: it has not): that may be the count of one
    page.

    Raises:
        _ShiftedError: there are further objects.
    """
    if total is None:
        return
    listing = client.contract.kinds[kind].listing
    query = _query(listing.paging, 1, seen=len(found))
    in_body = listing.paging.within == "body"
    try:
        response = client.call(kind, "list", ids, query=None if in_body else query, body=query if in_body else None)
    except RefusedError:
        return  # there is no such page
    rows = response.rows(listing, integer=client.contract.kinds[kind].id.type == "integer")
    if any(take(*each)[0] not in found for each in complete(client, kind, ids, rows, response)):
        entry = client.contract.entry("kinds", kind, "listing", "total")
        msg = f"have more than the {total:,} objects of their total: correct {entry}, which may count one page"
        raise _ShiftedError(msg)


def _check_last(client: Client, kind: str, response: ApiResponse, rows: int, *, listing: Listing) -> None:
    """
    Raises:
        ResponseError: the last page says that more follow.
    """
    if rows and response.rows(listing) == []:
        return  # the page after the last one may name the one after it
    path = {"cursor": listing.paging.next, "next": listing.paging.url}.get(listing.paging.style)
    says_end = path is not None and dig(response.data, path) is not MISSING
    why = None if listing.whole else further(response, rows, keys=not says_end)
    if why is not None:
        raise _part(client, kind, response, why)


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
        case "cursor" | "next" | "link":
            return {}
        case other:
            assert_never(other)


def _next_query(client: Client, paging: Paging, response: ApiResponse) -> dict[str, str | int] | None:
    """The parameters of the next page; None: there is none. Of an address only its query is used: the call goes to the
    same path, and the token nowhere else."""
    if paging.style == "cursor":
        cursor = dig(response.data, paging.next)
        if cursor is MISSING or cursor in END:
            return None
        if type(cursor) not in {str, int} or len(str(cursor)) > LONGEST_LINK:
            raise response.unlike("a cursor", cursor, path=paging.next)
        return {paging.parameter: cursor}
    address: Any = next_link(response.headers.get("link", "")) if paging.style == "link" else None
    if paging.style == "next":
        address = dig(response.data, paging.url)
    if address is MISSING and (elsewhere := address_in(response.data)) is not None:
        key = ("listing", "paging", "url")
        raise response.mismatch(f'"{paging.url}" is missing, and "{printable(elsewhere, 60)}" is an address', key)
    if address is None or address is MISSING or address in END:
        return None
    if not isinstance(address, str) or len(address) > LONGEST_LINK:
        raise response.unlike("an address", address, path=paging.url)
    fields = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    query: dict[str, str | int] = {key: value for key, value in fields if key != client.contract.auth.query}
    if not query:
        raise response.mismatch("the address of the next page has no query")
    return query

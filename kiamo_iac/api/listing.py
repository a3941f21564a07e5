"""Reads a whole list, page by page, without duplicates and gaps. The budget ends a list that never ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Final, TypeVar, assert_never
from urllib.parse import parse_qsl, urlsplit

from kiamo_iac.api.client import Client, Ids
from kiamo_iac.api.response import MISSING, ApiResponse, dig, is_count, kind_of
from kiamo_iac.api.shape import SOURCES
from kiamo_iac.api.wire import Decoder, LiveRow
from kiamo_iac.contract.entries import Listing, Paging
from kiamo_iac.core.errors import RefusedError, ResponseError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.state import RemoteId

T = TypeVar("T")

_FOLLOWED: Final = frozenset({"cursor", "next", "link"})
"""Styles in which each page leads to the next one."""
_END: Final[tuple[Any, ...]] = (None, "", False, {}, [])
_FEW: Final = 4
_READERS: Final = 4
"""Objects of one list that are read at a time, where there are more than a few and the list is of no parent."""
_PAGING: Final = ("listing", "paging")
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
        item = response.item(client.contract.kinds[kind].item_of("read"))
        return with_sources(client, kind, item, {**parents, "id": remote_id}), response
    except RefusedError as error:
        if error.status == 404:
            return None
        raise


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

    def complete(item: Any) -> tuple[Any, ApiResponse] | None:
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
        return None if found is None else ({**item, **found[0]}, found[1])

    if len(items) < _FEW or ids:  # lists below parents are read in parallel already
        return [found for found in map(complete, items) if found is not None]
    with ThreadPoolExecutor(_READERS, thread_name_prefix="detail") as pool:
        return [found for found in pool.map(complete, items) if found is not None]


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
    `completed`: what the contract says that only other calls show of an object is read too.

    A list that changes between its pages is read again, up to three times, while the writes of this client wait. With
    paging and no `total`, the end is a page shorter than the first, or an empty one; a list of several pages is then
    read until two readings have the same ids, because no single one shows that an object was skipped when an earlier
    page became shorter.

    Raises:
        ApiError: a call failed, or a response is not what the contract describes.
    """
    listing = client.contract.kinds[kind].listing
    integer = client.contract.kinds[kind].id.type == "integer"
    complete = _completed if completed else _as_listed
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
            entry=_PAGING,
        )


def _further(response: ApiResponse, rows: int) -> str | None:
    """What a response says of further pages; None: nothing."""
    if next_link(response.headers.get("link", "")) is not None:
        return "its header Link names a next page"
    for path, key, value in _beside_rows(response.data):
        if not value or isinstance(value, list):
            continue
        if _FURTHER.fullmatch(key):
            return f'"{printable(path, 60)}" is {kind_of(value)}'
        count = _count(value)
        if _COUNTS.fullmatch(key) and count is not None and count > rows:
            return f'it lists {rows:,} objects, and "{printable(path, 60)}" is {count:,}'
    return None


def says_whole(data: Any, rows: int) -> str | None:
    """What shows in the answer to a list that it is whole; None: nothing."""
    for path, key, value in _beside_rows(data):
        if _FURTHER.fullmatch(key) and value in _END:
            return f'"{printable(path, 60)}" is {kind_of(value)}'
        if _COUNTS.fullmatch(key) and _count(value) == rows:
            return f'"{printable(path, 60)}" counts them too'
    return None


def _beside_rows(data: Any) -> Iterator[tuple[str, str, Any]]:
    """Dotted path, key and value of what is beside the rows of a list: at the top of the answer, and one below."""
    outer = data if isinstance(data, dict) else {}
    inner = ((f"{key}.", value) for key, value in outer.items() if isinstance(value, dict))
    for prefix, values in (("", outer), *inner):
        for key, value in values.items():
            yield prefix + key, key, value


def _count(value: Any) -> int | None:
    if type(value) is int:
        return value
    return int(value) if type(value) is str and is_count(value) else None


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
    complete: _Complete,
) -> tuple[int, dict[RemoteId, T]]:
    """The number of pages, and what they have."""
    found: dict[RemoteId, T] = {}
    total = first_size = None
    number = repeated = 0
    further: dict[str, str | int] | None = None
    followed: set[tuple[tuple[str, str | int], ...]] = set()
    while True:
        query = _query(listing.paging, number, seen=len(found) + repeated) if further is None else further
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
            further = _next_query(client, listing.paging, response)
            if further is None:
                break
            if tuple(further.items()) in followed:
                msg = "lead back to an earlier one"
                raise _ShiftedError(msg)
            followed.add(tuple(further.items()))
            number += 1
            continue
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
        case "cursor" | "next" | "link":
            return {}
        case other:
            assert_never(other)


def _next_query(client: Client, paging: Paging, response: ApiResponse) -> dict[str, str | int] | None:
    """The parameters of the next page; None: there is none. Of an address only its query is used: the call goes to the
    same path, and the token nowhere else."""
    if paging.style == "cursor":
        cursor = dig(response.data, paging.next)
        if cursor is MISSING or cursor in _END:
            return None
        if type(cursor) not in {str, int} or len(str(cursor)) > _LONGEST_LINK:
            raise response.unlike("a cursor", cursor, path=paging.next)
        return {paging.parameter: cursor}
    address: Any = next_link(response.headers.get("link", "")) if paging.style == "link" else None
    if paging.style == "next":
        address = dig(response.data, paging.url)
    if address is None or address is MISSING or address in _END:
        return None
    if not isinstance(address, str) or len(address) > _LONGEST_LINK:
        raise response.unlike("an address", address, path=paging.url)
    fields = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    query: dict[str, str | int] = {key: value for key, value in fields if key != client.contract.auth.query}
    if not query:
        raise response.mismatch("the address of the next page has no query")
    return query

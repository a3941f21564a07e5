"""Reads single objects of the instance during a run: afresh, as `ObjectReader`, or as `LiveLookup`, with the names that
they had when the plan was made.

An object is read by its id. `LiveLookup` reuses a list for a second: otherwise a thousand creates would read a thousand
lists.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from kiamo_iac.api.client import Client
from kiamo_iac.api.listing import listed, listed_rows, read_item, unread
from kiamo_iac.api.response import ApiResponse, dig
from kiamo_iac.api.shape import place
from kiamo_iac.api.wire import Decoder, LiveRow, put_names, references_by
from kiamo_iac.contract.entries import NO_ITEM
from kiamo_iac.contract.model import Contract
from kiamo_iac.contract.page_signs import is_count
from kiamo_iac.contract.request_checks import refused_id
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.errors import RefusedError, ResponseError
from kiamo_iac.core.resource import Reference, Scope
from kiamo_iac.core.state import RemoteId, ResourceState, State
from kiamo_iac.resources import kinds

FRESH: Final = 1.0
"""Seconds for which a list, or a check of an object that is only referred to, stays valid."""
SOON: Final = 0.75
"""Seconds after which one step renews it, while the others go on with what is known."""

NEVER: Final = float("-inf")
BY_NAME: Final = "$name"
"""As the `id` of a create: the object is looked up by its name."""


class ObjectLocation(NamedTuple):
    """The kind and address of an object, and the id of its parent on the instance."""

    kind: str
    address: Address
    parent_id: RemoteId | None


class LiveObject(NamedTuple):
    """An object as one response shows it."""

    row: LiveRow
    item: Mapping[str, Any]
    """The same by wire names."""
    raw: Mapping[str, Any] = {}
    """The same as it came."""


class ObjectReader:
    """Reads objects as they are now. Safe under threads."""

    def __init__(self, client: Client, contract: Contract) -> None:
        self._client = client
        self._contract = contract
        self.decoders: Final = {
            name: Decoder(contract, kind) for name, kind in kinds().items() if name in contract.kinds
        }

    def shown(self, kind: str, operation: str, response: ApiResponse) -> LiveObject | None:
        """The object in the response to an operation; None where it does not show a whole one."""
        stanza = self._contract.kinds[kind]
        if (path := stanza.item_of(operation)) == NO_ITEM or any(a.source for a in stanza.attributes.values()):
            return None
        try:
            return self._decoded(kind, response.item(path), response)
        except ResponseError:
            return None

    def id_in(self, kind: str, response: ApiResponse) -> RemoteId | None:
        """The id in the response to a create; None: the object is looked up by its name.

        Raises:
            ResponseError: there is none.
        """
        stanza, decoder = self._contract.kinds[kind], self.decoders[kind]
        where = stanza.operations["create"].id
        if where == BY_NAME:
            return None
        if where is None:
            if (path := stanza.item_of("create")) == NO_ITEM:
                return None
            return decoder.id_of(response.item(path), response)
        if where == "$location":
            address = urlsplit(response.headers.get("location", "")).path.rstrip("/")
            found: Any = unquote(address.rpartition("/")[2])
        else:
            found = response.data if where == "$answer" else dig(response.data, where)
        if stanza.id.type == "integer" and isinstance(found, str) and is_count(found):
            found = int(found)
        flat: dict[str, Any] = {}
        place(flat, stanza.id.wire, found)
        return decoder.id_of(flat, response)

    def shows_refused_id(self, kind: str, response: ApiResponse) -> bool:
        """Whether the object in a response has an id that no path can contain: then no list can be read either."""
        stanza = self._contract.kinds[kind]
        item = dig(response.data, stanza.item_of("create"))
        found = item.get(stanza.id.wire) if isinstance(item, dict) else None
        return isinstance(found, str) and found != "" and refused_id(found) is not None

    def find(self, kind: str, remote_id: RemoteId, parents: Mapping[str, RemoteId]) -> LiveObject | None:
        """The object with an id, or None when there is none. `parents`: the kind of its parent → the id.

        Raises:
            ApiError: it could not be read.
        """
        stanza = self._contract.kinds[kind]
        if "read" not in stanza.operations:
            return next((found for found in self.listed(kind, parents) if found.row.remote_id == remote_id), None)
        found = read_item(self._client, kind, remote_id, parents)
        return self._decoded(kind, *found) if found is not None else None

    def listed(self, kind: str, parents: Mapping[str, RemoteId]) -> list[LiveObject]:
        """The objects of a kind below a parent.

        Raises:
            ApiError: they could not be read.
        """
        stanza = self._contract.kinds[kind]

        def take(item: object, response: ApiResponse) -> tuple[RemoteId, LiveObject]:
            found = self._decoded(kind, item, response)
            return found.row.remote_id, found

        parent = parents.get(stanza.parent or "")
        found = listed(self._client, kind, parents, take=take)
        return [one for one in found if stanza.listed_by_parent or parent is None or one.row.parent_id == parent]

    def _decoded(self, kind: str, item: object, response: ApiResponse) -> LiveObject:
        decoder = self.decoders[kind]
        row = decoder.row(item, response)
        raw = item if isinstance(item, dict) else {}
        return LiveObject(row, decoder.flat(raw), raw)


_Scope = tuple[str, RemoteId | None]
"""A kind, and the id of a parent."""


class _List(NamedTuple):
    """One list, as it was read."""

    requested: float = NEVER
    received: float = NEVER
    by_id: Mapping[RemoteId, LiveRow] = {}
    by_name: Mapping[tuple[RemoteId | None, str], LiveRow] = {}

    def is_fresh(self, now: float, *, since: float, seconds: float = FRESH) -> bool:
        """Whether it was requested after `since`, and is no older than so many seconds."""
        return self.requested > since and now - self.received <= seconds


@dataclass(slots=True)
class _Slot:
    """Where a list is kept."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while it is read."""
    rows: _List = field(default_factory=_List)


class LiveLookup:
    """Looks objects up for one run. Safe under threads."""

    def __init__(self, client: Client, contract: Contract, live: State, *, clock: Callable[[], float]) -> None:
        """`live`: the state that the plan was made of; names come from it. `clock`: monotonic seconds."""
        self.clock = clock
        self._client = client
        self._contract = contract
        self._reader = ObjectReader(client, contract)
        self._by_id = {name: references_by(contract, kind, "id") for name, kind in kinds().items()}
        self._by_key = {name: references_by(contract, kind, "key") for name, kind in kinds().items()}
        self._keys: defaultdict[str, dict[RemoteId, str]] = defaultdict(dict)
        """Of each kind that others name by key, key → name."""
        self._by_name = {name: references_by(contract, kind, "name") for name, kind in kinds().items()}
        self._lock = threading.Lock()
        self._lists: defaultdict[_Scope, _Slot] = defaultdict(_Slot)
        self._names: defaultdict[_Scope, dict[RemoteId, str]] = defaultdict(dict)
        self._renamed: defaultdict[_Scope, dict[str, str]] = defaultdict(dict)
        """Name set by this run, in NFC → the name when the plan was made."""
        for resource in live:
            if "key" in resource.extras:
                self._keys[resource.kind.kind][resource.extras["key"]] = resource.name
            if resource.remote_id is not None:
                above = live.get(resource.address.parent) if resource.address.parent else None
                self.record_name(
                    resource.kind.kind, above.remote_id if above else None, resource.remote_id, resource.name
                )

    # --- writes of this run ------------------------------------------------------------------------------------------

    def record_name(self, kind: str, parent_id: RemoteId | None, remote_id: RemoteId, name: str) -> None:
        """Record the name of an object."""
        with self._lock:
            self._names[kind, parent_id][remote_id] = name
            if parent_id is not None:
                self._names[kind, None][remote_id] = name

    def record_rename(self, kind: str, parent_id: RemoteId | None, remote_id: RemoteId, name: str) -> None:
        """Record a rename of this run; references to the new name are returned with the name that the plan saw."""
        with self._lock:
            original = self._names[kind, parent_id].get(remote_id, name)
            renamed = self._renamed[kind, parent_id]
            for current in [c for c, o in renamed.items() if o == original]:
                del renamed[current]
            renamed[identity(name)] = original

    # --- lookups -----------------------------------------------------------------------------------------------------

    def find(
        self, location: ObjectLocation, remote_id: RemoteId, *, since: float = NEVER, from_list: bool = False
    ) -> ResourceState | None:
        """The object with an id, or None when it no longer exists.

        With `from_list`, or where the contract has no call to read one object, it is looked up in a list that is no
        older than `since`.

        Raises:
            ApiError: the lookup failed.
        """
        return self.find_as_of(location, remote_id, since=since, from_list=from_list)[0]

    def find_as_of(
        self, location: ObjectLocation, remote_id: RemoteId, *, since: float = NEVER, from_list: bool = False
    ) -> tuple[ResourceState | None, float]:
        """As `find`, and when that was received, by the clock."""
        if from_list or "read" not in self._contract.kinds[location.kind].operations:
            found = self._list(location, since)
            row = found.by_id.get(remote_id) if found is not None else None
            received = found.received if found is not None else self.clock()
            return self.resource(location, row) if row is not None else None, received
        one = self._reader.find(location.kind, remote_id, self._parent(location))
        if one is None and "list" in self._contract.kinds[location.kind].operations:
            found = self._list(location, self.clock())
            if found is not None and remote_id in found.by_id:
                raise unread(self._client, location.kind, remote_id)
        return self.resource(location, one.row) if one is not None else None, self.clock()

    def id_of_name(self, location: ObjectLocation, *, since: float = NEVER) -> RemoteId | None:
        """The id of the object with the name of `location`, in a list no older than `since`; None: there is none.

        Raises:
            ApiError: the lookup failed.
            ParentGoneError: its parent does not exist.
        """
        if "list" not in self._contract.kinds[location.kind].operations:
            return None
        found = self._list(location, since)
        if found is None:
            raise ParentGoneError
        row = found.by_name.get((location.parent_id if self._is_shared(location.kind) else None, location.address.name))
        return row.remote_id if row is not None else None

    # --- reading -----------------------------------------------------------------------------------------------------

    def _parent(self, location: ObjectLocation) -> dict[str, RemoteId]:
        kind = kinds()[location.kind].parent
        return {kind: location.parent_id} if kind is not None and location.parent_id is not None else {}

    def _is_shared(self, kind: str) -> bool:
        """Whether one list holds the objects of all parents."""
        stanza = self._contract.kinds[kind]
        return stanza.parent is not None and not stanza.listed_by_parent

    def _list(self, location: ObjectLocation, since: float) -> _List | None:
        """The list that `location` is in; None: its parent does not exist."""
        above = None if self._is_shared(location.kind) else location.parent_id
        with self._lock:
            slot = self._lists[location.kind, above]
        known, now = slot.rows, self.clock()
        is_fresh = known.is_fresh(now, since=since)
        if is_fresh and (known.is_fresh(now, since=since, seconds=SOON) or slot.lock.locked()):
            return known
        with slot.lock:
            if slot.rows is known or not slot.rows.is_fresh(self.clock(), since=since):
                try:
                    slot.rows = self._read(location.kind, above)
                except RefusedError as error:
                    if error.status == 404 and above is not None:
                        return None
                    raise
            return slot.rows

    def _read(self, kind: str, above: RemoteId | None) -> _List:
        requested = self.clock()
        rows = listed_rows(self._client, kind, above, decoder=self._reader.decoders[kind])
        by_id = {row.remote_id: row for row in rows}
        shared = self._is_shared(kind)
        by_name = {(row.parent_id if shared else None, identity(row.name)): row for row in rows}
        return _List(requested, self.clock(), by_id, by_name)

    def resource(self, location: ObjectLocation, row: LiveRow) -> ResourceState:
        """A row at its address, with names in its references."""
        attributes = dict(row.attributes)
        with self._lock:
            for reference in self._by_id[location.kind]:
                put_names(attributes, reference, self._names[self._scope(reference, location)])
            if "key" in row.extras:
                names = self._names[location.kind, None]
                self._keys[location.kind].setdefault(row.extras["key"], names.get(row.remote_id, row.name))
            for reference in self._by_key[location.kind]:
                put_names(attributes, reference, self._keys[reference.kind])
            for reference in self._by_name[location.kind]:
                _restore_names(attributes, reference, self._renamed.get(self._scope(reference, location)))
        return row.instance(kinds()[location.kind], location.address, attributes)

    def _scope(self, reference: Reference, location: ObjectLocation) -> _Scope:
        return reference.kind, location.parent_id if reference.scope is Scope.SIBLING else None


class ParentGoneError(Exception):
    """The parent of an object no longer exists."""


def _restore_names(attributes: dict[str, object], reference: Reference, renamed: Mapping[str, str] | None) -> None:
    """Replace names set by this run with those from when the plan was made."""
    value = attributes.get(reference.attribute)
    if renamed and value is not None:
        attributes[reference.attribute] = reference.map(value, lambda name: renamed.get(identity(name), name))


MONOTONIC: Final[Callable[[], float]] = time.monotonic

"""Reads single objects of the instance during a run, with the names that they had when the plan was made.

An object is read by its id. A list is reused for a second: otherwise a thousand creates would read a thousand lists.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kiamo_iac.api.client import Client
from kiamo_iac.api.listing import listed_rows
from kiamo_iac.api.response import ApiResponse
from kiamo_iac.api.wire import Decoder, LiveRow, put_names, references_by
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.errors import RefusedError
from kiamo_iac.core.resource import Reference, Scope
from kiamo_iac.core.state import RemoteId, ResourceState, State
from kiamo_iac.resources import kinds

FRESH: Final = 1.0
"""Seconds for which a list, or a check of an object that is only referred to, stays valid."""

NEVER: Final = float("-inf")


class ObjectLocation(NamedTuple):
    """The kind and address of an object, and the id of its parent on the instance."""

    kind: str
    address: Address
    parent_id: RemoteId | None


_Scope = tuple[str, RemoteId | None]
"""A kind, and the id of a parent."""


@dataclass(slots=True)
class _List:
    """One list, read by one thread while others wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    requested: float = NEVER
    received: float = NEVER
    by_id: dict[RemoteId, LiveRow] = field(default_factory=dict)
    by_name: dict[tuple[RemoteId | None, str], LiveRow] = field(default_factory=dict)


class LiveLookup:
    """Looks objects up for one run. Safe under threads."""

    def __init__(self, client: Client, contract: Contract, live: State, *, clock: Callable[[], float]) -> None:
        """`live`: the state that the plan was made of; names come from it. `clock`: monotonic seconds."""
        self.clock = clock
        self._client = client
        self._contract = contract
        self._decoders = {name: Decoder(contract, kind) for name, kind in kinds().items() if name in contract.kinds}
        self._by_id = {name: references_by(contract, kind, "id") for name, kind in kinds().items()}
        self._by_name = {name: references_by(contract, kind, "name") for name, kind in kinds().items()}
        self._lock = threading.Lock()
        self._lists: defaultdict[_Scope, _List] = defaultdict(_List)
        self._names: defaultdict[_Scope, dict[RemoteId, str]] = defaultdict(dict)
        self._renamed: defaultdict[_Scope, dict[str, str]] = defaultdict(dict)
        """Name set by this run, in NFC → the name when the plan was made."""
        for resource in live:
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
        if from_list or "read" not in self._contract.kinds[location.kind].operations:
            found = self._list(location, since)
            row = found.by_id.get(remote_id) if found is not None else None
            return self._resource(location, row) if row is not None else None
        ids = {"id": remote_id, **self._parent(location)}
        try:
            response = self._client.call(location.kind, "read", ids)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise
        return self.decode(location, response)

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

    def decode(self, location: ObjectLocation, response: ApiResponse) -> ResourceState:
        """The object in a response.

        Raises:
            ResponseError: the response does not have all of it.
        """
        item = response.item(self._contract.kinds[location.kind].item)
        return self._resource(location, self._decoders[location.kind].row(item, response))

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
            found = self._lists[location.kind, above]
        with found.lock:
            if found.requested <= since or self.clock() - found.received > FRESH:
                requested = self.clock()
                try:
                    rows = listed_rows(self._client, location.kind, above, decoder=self._decoders[location.kind])
                except RefusedError as error:
                    if error.status == 404 and above is not None:
                        return None
                    raise
                found.by_id = {row.remote_id: row for row in rows}
                shared = self._is_shared(location.kind)
                found.by_name = {(row.parent_id if shared else None, identity(row.name)): row for row in rows}
                found.requested, found.received = requested, self.clock()
            return found

    def _resource(self, location: ObjectLocation, row: LiveRow) -> ResourceState:
        attributes = dict(row.attributes)
        with self._lock:
            for reference in self._by_id[location.kind]:
                put_names(attributes, reference, self._names[self._scope(reference, location)])
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

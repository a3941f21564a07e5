"""Sends the call of a write, with what the contract wants of the object as it is right before: all of it where one
replaces all of it, a version that goes back, or the whole list of a parent that holds its children inside."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from kiamo_iac.api.client import Client
from kiamo_iac.api.response import ApiResponse
from kiamo_iac.contract.entries import Listing
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import RefusedError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.state import RemoteId
from kiamo_iac.executor.live_lookup import ObjectReader

Ids = Mapping[str, RemoteId]
Body = Mapping[str, Any]


class Sender:
    """Sends writes to one instance. Safe under threads."""

    def __init__(self, client: Client, contract: Contract, reader: ObjectReader) -> None:
        self._client = client
        self._contract = contract
        self._reader = reader
        self._locks: dict[tuple[str, RemoteId], threading.Lock] = {}
        self._guard = threading.Lock()

    def __call__(self, kind: str, operation: str, ids: Ids, body: Body | None) -> ApiResponse:
        """Make a call; where the contract says so, with what the object has right before it.

        Raises:
            ApiError: a call failed.
        """
        stanza = self._contract.kinds[kind]
        if stanza.inside is not None and stanza.parent is not None:
            return self._replace_list(kind, operation, ids, body)
        call = stanza.operations.get(operation)
        needs_object = call is not None and "id" in ids and (call.reads_first or self._is_part(kind, operation, body))
        with self._lock_of(kind, ids.get("id")):
            under = None
            if needs_object:
                parents = {key: id_ for key, id_ in ids.items() if key != "id"}
                found = self._reader.find(kind, ids["id"], parents)
                if found is None:  # what replaces it would be a part of it
                    raise _missing(kind, operation, ids["id"])
                under = found.raw
            return self._client.call(kind, operation, ids, body=body, under=under)

    def _is_part(self, kind: str, operation: str, body: Body | None) -> bool:
        """Whether an update replaces what stands below a key, and sends a part of that only."""
        return operation == "update" and body is not None and self._client.is_nested(kind, body)

    def _lock_of(self, kind: str, id_: RemoteId | None) -> AbstractContextManager[object]:
        """The lock of an object that is read and written in two calls."""
        stanzas = self._contract.kinds
        is_shared = any(other.inside is not None and other.parent == kind for other in stanzas.values())
        if id_ is None or not (is_shared or any(call.reads_first for call in stanzas[kind].operations.values())):
            return nullcontext()
        with self._guard:
            return self._locks.setdefault((kind, id_), threading.Lock())

    def _replace_list(self, kind: str, operation: str, ids: Ids, body: Body | None) -> ApiResponse:
        """Write an object that exists only inside its parent: the parent's list is read, and replaced. What was not
        declared goes back as it was."""
        stanza = self._contract.kinds[kind]
        above, inside = stanza.parent or "", stanza.inside
        if inside is None:
            raise AssertionError
        parents = {above: ids[above]}
        with self._lock_of(above, ids[above]):
            parent = self._reader.find(above, ids[above], {})
            rows = self._reader.listed(kind, parents)
            changed = self._client.shaped(kind, body or {})
            new = [
                {**one.raw, **changed} if one.row.remote_id == ids.get("id") else dict(one.raw)
                for one in rows
                if operation != "delete" or one.row.remote_id != ids.get("id")
            ]
            if operation == "create":
                new.append(changed)
            if parent is None:
                raise _missing(above, operation, ids[above])
            body = {inside.wire: _as_shown(new, stanza.listing)}
            return self._client.call(above, inside.write, {"id": ids[above]}, body=body, under=parent.raw)


def _as_shown(rows: list[dict[str, Any]], listing: Listing) -> Any:
    """The list of a parent in the form in which its read shows it."""
    if (key := listing.keyed) is None:
        return rows
    return {str(row.get(key)): {name: value for name, value in row.items() if name != key} for row in rows}


def _missing(kind: str, operation: str, remote_id: RemoteId) -> RefusedError:
    """The error for a write that is based on an object that does not exist, as if the instance had refused it."""
    shown = printable(str(remote_id), 60)
    return RefusedError(f'The {operation} was not sent: the {kind} with the id "{shown}" does not exist.', status=404)

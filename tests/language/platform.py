"""A small platform of these tests: rows in memory behind a transport, with a hook for every manner of speaking.

It has no code of the program. By default it speaks as the packaged contract says.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import httpx

Row = dict[str, Any]

PATHS = {
    "service": "/api/services",
    "base": "/api/bases",
    "field": "/api/bases/(?P<base>[^/]+)/fields",
    "batch": "/api/bases/(?P<base>[^/]+)/batches",
}
OPERATIONS = {"POST": "create", "GET": "list"}
OBJECT_OPERATIONS = {"GET": "read", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
AFTER = {
    ("new", "start"): "started",
    ("new", "stop"): "stopped",
    ("started", "pause"): "paused",
    ("started", "stop"): "stopped",
    ("paused", "start"): "started",
    ("paused", "resume"): "started",
    ("paused", "stop"): "stopped",
}


class Called(NamedTuple):
    """One call: its operation, the ids in its path, and what came with it."""

    kind: str
    operation: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Any


class RefusedError(Exception):
    """The platform refuses a call."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class Platform(httpx.BaseTransport):
    """Rows by kind and id; subclasses are its manners."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Row]] = {kind: {} for kind in PATHS}
        self.calls: list[tuple[str, str]] = []
        """(method, path with query), as they came."""
        self.done: list[Called] = []
        """Every write that was carried out."""
        self._number = 0
        self._lock = threading.RLock()

    def seed(self, kind: str, **row: Any) -> Row:
        """A row that was always there."""
        made = self.make(kind, row)
        return self.rows[kind].setdefault(str(made["id"]), made)

    def named(self, kind: str, name: str) -> Row:
        """The row with a name."""
        return next(row for row in self.rows[kind].values() if row["name"] == name)

    def writes(self) -> list[str]:
        """The writes so far: `update base`."""
        return [f"{call.operation} {call.kind}" for call in self.done]

    # --- the manner --------------------------------------------------------------------------------------------------

    def resolve(self, method: str, path: str, query: Mapping[str, str], body: Any) -> tuple[str, str, dict[str, str]]:
        """Kind, operation and ids of a call."""
        for kind, pattern in PATHS.items():
            if found := re.fullmatch(pattern, path):
                return kind, OPERATIONS[method], found.groupdict()
            if found := re.fullmatch(f"{pattern}/(?P<id>[^/]+)(?P<command>/command)?", path):
                ids = {key: text for key, text in found.groupdict().items() if text and key != "command"}
                return kind, body["command"] if found["command"] else OBJECT_OPERATIONS[method], ids
        raise RefusedError(404, "ERR_3000")

    def decode(self, request: httpx.Request) -> Any:
        """The body of a request."""
        content = request.read()
        return json.loads(content) if content else None

    def taken(self, call: Called) -> Row:
        """What a create or an update sets, by the platform's own names."""
        return dict(call.body or {})

    def shown(self, kind: str, row: Row) -> Any:
        """A row, as a read shows it."""
        return {key: value for key, value in row.items() if key != "base"}

    def listed(self, kind: str, row: Row) -> Any:
        """A row, as a list shows it."""
        return self.shown(kind, row)

    def list_of(self, call: Called, rows: list[Any]) -> Any:
        """The answer that lists rows; a response, or its JSON."""
        return rows

    def answered(self, call: Called, row: Row | None) -> Any:
        """The answer to any other call; a response, or its JSON."""
        return self.shown(call.kind, row) if row is not None else None

    def refused(self, error: RefusedError) -> httpx.Response:
        """The answer that refuses."""
        return json_response({"code": error.code, "message": "No."}, error.status)

    def updated(self, row: Row, changes: Row) -> None:
        """Carry out an update."""
        row.update(changes)

    # --- the platform ------------------------------------------------------------------------------------------------

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path, _, query = request.url.raw_path.decode().partition("?")
        path = request.url.path
        with self._lock:
            self.calls.append((request.method, request.url.raw_path.decode()))
            try:
                fields = dict(parse_qsl(query))
                body = self.decode(request)
                kind, operation, ids = self.resolve(request.method, path, fields, body)
                found = self._carried_out(Called(kind, operation, ids, fields, body))
            except RefusedError as error:
                return self.refused(error)
        return found if isinstance(found, httpx.Response) else json_response(found)

    def _carried_out(self, call: Called) -> Any:
        rows = self.rows[call.kind]
        if call.operation == "list":
            if "base" in call.ids and call.ids["base"] not in self.rows["base"]:
                raise RefusedError(404, "ERR_3000")
            below = [row for row in rows.values() if row.get("base") == call.ids.get("base")]
            return self.list_of(call, [self.listed(call.kind, row) for row in below])
        if call.operation == "create":
            row = self._create(call)
            self.done.append(call)
            return self.answered(call, row)
        row = rows.get(call.ids["id"], {})
        if not row:
            raise RefusedError(404, "ERR_3000")
        if call.operation == "read":
            return self.answered(call, row)
        if call.operation == "update":
            self.updated(row, self.taken(call))
        elif call.operation == "delete":
            self._delete(call.kind, str(row["id"]))
        else:
            reached = AFTER.get((row["state"], call.operation))
            if reached is None:
                raise RefusedError(409, "ERR_2100")
            row["state"] = reached
        self.done.append(call)
        return self.answered(call, None if call.operation == "delete" else row)

    def _create(self, call: Called) -> Row:
        sent = self.taken(call)
        fields = sent.pop("fields", [])
        name = sent.get("name")
        if any(
            row["name"] == name and row.get("base") == call.ids.get("base") for row in self.rows[call.kind].values()
        ):
            raise RefusedError(409, "ERR_2060")
        row = self.seed(call.kind, **sent, **call.ids)
        if call.kind == "base":
            self.seed("field", base=str(row["id"]), name="phone", label="Phone", datatype="phone", default=True)
            for field in fields:
                self.seed("field", base=str(row["id"]), **field)
        return row

    def make(self, kind: str, row: Row) -> Row:
        """A new row."""
        self._number += 1
        made = {"id": f"{kind}-{self._number}", **row}
        if kind == "batch":
            made.setdefault("state", "new")
        if kind == "field":
            made.setdefault("default", False)
        if kind == "base":
            made.setdefault("contacts", 0)
        return made

    def _delete(self, kind: str, id_: str) -> None:
        del self.rows[kind][id_]
        for child in ("field", "batch"):
            for key, row in [*self.rows[child].items()]:
                if kind == "base" and row.get("base") == id_:
                    del self.rows[child][key]


def json_response(data: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    """A response with JSON; none where there is no data."""
    content = b"" if data is None else json.dumps(data).encode()
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))

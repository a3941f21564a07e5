"""An instance that can have any manner: the platform's objects and rules, and in front of them an API whose routes,
wire names, envelopes, pages and answers are chosen freely.

It shares no code with the program: neither the emulator nor the contract. What it is sent it takes strictly: an
attribute that it does not know, a version that is not the newest or an unknown route is refused.
"""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.faults.wire import Message, accepting, answer, read_message

TOKEN = "0dd5" * 10

Item = dict[str, Any]
Reply = tuple[int, Any, dict[str, str]]
"""Status, JSON (bytes: as they are; None: no body), and headers."""
ROUTES = {
    "service": {
        "list": "GET /services",
        "create": "POST /services",
        "read": "GET /services/{id}",
        "update": "PUT /services/{id}",
        "delete": "DELETE /services/{id}",
    },
    "base": {
        "list": "GET /bases",
        "create": "POST /bases",
        "read": "GET /bases/{id}",
        "update": "PUT /bases/{id}",
        "delete": "DELETE /bases/{id}",
    },
    "field": {
        "list": "GET /bases/{base}/fields",
        "create": "POST /bases/{base}/fields",
        "read": "GET /bases/{base}/fields/{id}",
        "update": "PUT /bases/{base}/fields/{id}",
        "delete": "DELETE /bases/{base}/fields/{id}",
    },
    "batch": {
        "list": "GET /bases/{base}/batches",
        "create": "POST /bases/{base}/batches",
        "read": "GET /bases/{base}/batches/{id}",
        "update": "PUT /bases/{base}/batches/{id}",
        "delete": "DELETE /bases/{base}/batches/{id}",
        "command": "PUT /bases/{base}/batches/{id}/command",
    },
}
WRITABLE = {
    "service": ("name", "label"),
    "base": ("name", "label", "motd"),
    "field": ("name", "label", "datatype"),
    "batch": ("name", "service", "association"),
}
SHOWN = {
    "service": ("id", "name", "label"),
    "base": ("id", "name", "label", "motd", "contacts"),
    "field": ("id", "name", "label", "datatype", "default"),
    "batch": ("id", "name", "service", "association", "state", "contacts"),
}
AFTER = {
    ("new", "start"): "started",
    ("new", "stop"): "stopped",
    ("started", "pause"): "paused",
    ("started", "stop"): "stopped",
    ("paused", "start"): "started",
    ("paused", "resume"): "started",
    ("paused", "stop"): "stopped",
}
COMMANDS = frozenset({"start", "pause", "stop", "resume"})


class RefusalError(Exception):
    """A call is refused."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Call:
    """A call that reached the server."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        """Its body; None without one."""
        return json.loads(self.raw) if self.raw else None


def put(item: Item, path: str, value: Any) -> None:
    """Set a value under a dotted path."""
    *above, last = path.split(".")
    for key in above:
        item = item.setdefault(key, {})
    item[last] = value


def take(item: Item, path: str) -> tuple[bool, Any]:
    """Whether there is a value under a dotted path, and which."""
    found: Any = item
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            return False, None
        found = found[key]
    return True, found


def _refused(error: RefusalError) -> Reply:
    return error.status, {"code": error.code, "message": error.message}, {}


@dataclass
class Desk:
    """One instance. Keys of the knobs are `kind.attribute`, `kind.operation`, a kind, an operation, or `*`."""

    prefix: str = "/api"
    is_admitted: Callable[[Call], bool] = lambda call: call.headers.get("kiamo-api-token") == TOKEN
    routes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Over `ROUTES`: `METHOD /path/{base}/{id}?key={id}`; commands under their names, or all under `command`."""
    body_ids: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """kind.operation → placeholder → the key of the body that has it."""
    command: Callable[[Item], str | None] = lambda body: body.get("command")
    """The command in a body; None: there is none."""
    has_resume: bool = False
    """A paused batch is resumed, not started."""
    unwrap: Mapping[str, Callable[[str, Call], Any]] = field(default_factory=dict)
    """How the body of a write is read."""
    names: Mapping[str, str] = field(default_factory=dict)
    """kind.attribute → its wire name, which may be a dotted path."""
    forms: Mapping[str, tuple[Callable[[Desk, Any], Any], Callable[[Desk, Any], Any]]] = field(default_factory=dict)
    """kind.attribute → value to wire, and back."""
    hides: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Kind → the wire names that neither a list nor a read shows."""
    list_hides: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Kind → the wire names that a list does not show."""
    adds: Mapping[str, Callable[[Desk, Item], Item]] = field(default_factory=dict)
    """Kind → what is shown beside its attributes."""
    accepts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Kind → what a body may hold beside its attributes."""
    lists: Mapping[str, Callable[[str, list[Item], Call], Any]] = field(default_factory=dict)
    """Rows → the response to a list: its JSON, or a `Reply`."""
    answers: Mapping[str, Callable[[Desk, str, Item, Item], Reply]] = field(default_factory=dict)
    """Kind, item, and how it is shown → the answer to a write."""
    refused: Callable[[RefusalError], Reply] = _refused
    is_whole: bool = False
    """An update replaces: what it leaves out is empty afterwards."""
    has_versions: bool = False
    """An update has to bring the version that it is based on."""
    inside: bool = False
    """A base shows its fields, and an update of it replaces all of them."""
    numbered: frozenset[str] = frozenset()
    """Kinds whose ids are numbers."""
    nameless: frozenset[str] = frozenset()
    """Kinds without ids: the name identifies."""
    upserts: Mapping[str, str] = field(default_factory=dict)
    """Kind → the key of a body whose create is an update where there is such an object: the id, or the name."""
    drops_null: bool = False
    """What is null is not shown."""
    default_field: Item | None = field(
        default_factory=lambda: {"name": "phone", "label": "Phone", "datatype": "phone", "default": True}
    )
    """What every new base has."""
    forbidden: frozenset[str] = frozenset({"Interdit"})
    """Names that are in use, wherever they are."""

    items: dict[str, dict[Any, Item]] = field(default_factory=lambda: {"service": {}, "base": {}})
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _last: int = 0
    _base_at_hand: Item | None = None

    def __post_init__(self) -> None:
        found = []
        for kind, packaged in ROUTES.items():
            for operation, text in {**packaged, **self.routes.get(kind, {})}.items():
                method, _, target = text.partition(" ")
                path, _, query = target.partition("?")
                pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
                found.append((kind, operation, method, re.compile(pattern), dict(parse_qsl(query))))
        found.sort(key=lambda route: (-len(route[4]), route[3].groups))
        self._routes = found

    # --- what it has -------------------------------------------------------------------------------------------------

    def add(self, kind: str, base: Item | None = None, **attributes: Any) -> Item:
        """Make an object by hand, in the words of this class."""
        self._last += 1
        id_: Any = f"k{self._last}" if kind not in self.numbered else self._last
        made: Item = {"id": attributes["name"] if kind in self.nameless else id_, "version": 1, "label": None}
        made |= attributes
        if kind == "base":
            made = {"motd": None, "contacts": 0, "fields": {}, "batches": {}} | made
            if self.default_field is not None:
                self.add("field", made, **self.default_field)
        if kind == "field":
            made = {"default": False} | made
        if kind == "batch":
            made = {"association": {}, "state": "new", "contacts": 0} | made
            made["base"] = (base or {})["id"]
        self._holder(kind, base)[made["id"]] = made
        return made

    def _holder(self, kind: str, base: Item | None) -> dict[Any, Item]:
        if kind in {"service", "base"}:
            return self.items[kind]
        holder: dict[Any, Item] = (base or {})["fields" if kind == "field" else "batches"]
        return holder

    def service_id(self, name: Any) -> Any:
        """The id of a service."""
        return self._one(self.items["service"].values(), name)

    def _one(self, items: Any, name: Any) -> Any:
        for item in items:
            if item["name"] == name:
                return item["id"]
        raise RefusalError(400, "ERR_1110", "no such object")

    def field_id(self, name: Any) -> Any:
        """The id of a field of the base whose batch is shown or written."""
        return self._one((self._base_at_hand or {})["fields"].values(), name)

    def field_name(self, id_: Any) -> Any:
        """The name of a field of the base whose batch is shown or written."""
        fields = (self._base_at_hand or {})["fields"]
        if id_ not in fields:
            raise RefusalError(400, "ERR_1120", "no such field")
        return fields[id_]["name"]

    def tree(self) -> Item:
        """All of it, by names."""
        services = {item["id"]: item for item in self.items["service"].values()}
        return {
            "services": {item["name"]: item["label"] for item in services.values()},
            "bases": {
                base["name"]: {
                    "label": base["label"],
                    "motd": base["motd"],
                    "fields": {f["name"]: (f["label"], f["datatype"]) for f in base["fields"].values()},
                    "batches": {
                        b["name"]: (services[b["service"]]["name"], dict(b["association"]), b["state"])
                        for b in base["batches"].values()
                    },
                }
                for base in self.items["base"].values()
            },
        }

    # --- calls -------------------------------------------------------------------------------------------------------

    def handle(self, message: Message) -> Message:
        """Answer one call."""
        path, _, query = message.target.partition("?")
        call = Call(message.method, path, dict(parse_qsl(query)), message.headers, message.body)
        with self._lock:
            self.calls.append(call)
            try:
                status, data, headers = self._handled(call)
            except RefusalError as error:
                status, data, headers = self.refused(error)
        body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data, ensure_ascii=False)
        return answer(status, body, **{name.replace("-", "_"): text for name, text in headers.items()})

    def _handled(self, call: Call) -> Reply:
        if not self.is_admitted(call):
            raise RefusalError(401, "", "The authentication token is not valid")
        if not call.path.startswith(self.prefix + "/"):
            raise RefusalError(404, "", "no such address")
        routed = self._routed(call)
        if routed is None:
            if any(pattern.fullmatch(call.path[len(self.prefix) :]) for _, _, _, pattern, _ in self._routes):
                raise RefusalError(405, "ERR_3100", f"{call.method} is not for {call.path}")
            raise RefusalError(404, "ERR_3000", f"no route for {call.method} {call.path}")
        kind, operation, ids = routed
        body: Any = None
        if operation not in {"list", "read", "status"} and call.raw:
            read = self._chosen(self.unwrap, kind, operation)
            body = read(kind, call) if read else call.json
        if isinstance(body, dict):
            body = dict(body)
            for placeholder, key in self.body_ids.get(f"{kind}.{operation}", {}).items():
                if key not in body:
                    raise RefusalError(400, "ERR_1160", f"{key} is missing")
                ids[placeholder] = body.pop(key)
        return self._done(kind, operation, ids, body, call)

    def _routed(self, call: Call) -> tuple[str, str, dict[str, Any]] | None:
        rest = call.path[len(self.prefix) :]
        for kind, operation, method, pattern, wanted in self._routes:
            match = pattern.fullmatch(rest)
            if match is None or method != call.method:
                continue
            ids: dict[str, Any] = {key: unquote(text) for key, text in match.groupdict().items()}
            for key, text in wanted.items():
                if text.startswith("{") and key in call.query:
                    ids[text.strip("{}")] = call.query[key]
                elif call.query.get(key) != text:
                    break
            else:
                return kind, operation, ids
        return None

    def _done(self, kind: str, operation: str, ids: dict[str, Any], body: Any, call: Call) -> Reply:
        base = self._base(ids) if kind in {"field", "batch"} else None
        self._base_at_hand = base
        if operation == "list":
            return self._listed(kind, base, call)
        key = self.upserts.get(kind)
        if operation == "create" and (body or {}).get(key) in self.items.get(kind, {}):
            operation, ids["id"] = "update", body[key]
            body = {name: value for name, value in body.items() if name != key or key == "name"}
        if operation == "create":
            made = self._created(kind, base, body or {})
            return self._answered(kind, "create", made, 201)
        item, base = self._found(kind, ids, base)
        self._base_at_hand = base
        if operation == "read":
            return self._answered(kind, "read", item, 200)
        if operation == "status":
            return 200, {"state": self._wire("batch", "state", item["state"])}, {}
        if operation == "delete":
            if kind == "batch" and item["state"] not in {"stopped", "finished"}:
                raise RefusalError(400, "ERR_2010", "Batch must be stopped before deletion")
            del self._holder(kind, base)[item["id"]]
            return self._answered(kind, "delete", item, 204)
        command = operation if operation in COMMANDS else self.command(body or {}) if kind == "batch" else None
        if command is not None:
            after = AFTER.get((item["state"], command))
            if after is None or (self.has_resume and (item["state"], command) == ("paused", "start")):
                raise RefusalError(400, "ERR_2100", "Cannot set batch to this state")
            item["state"] = after
            return self._answered(kind, "command", item, 200)
        if operation == "command":
            raise RefusalError(400, "ERR_1130", "command is missing")
        self._updated(kind, item, base, body or {})
        return self._answered(kind, "update", item, 200)

    def _base(self, ids: dict[str, Any]) -> Item | None:
        if "base" not in ids:
            return None
        id_ = int(ids["base"]) if "base" in self.numbered and str(ids["base"]).isdigit() else ids["base"]
        if id_ not in self.items["base"]:
            raise RefusalError(404, "ERR_3000", "no such base")
        return self.items["base"][id_]

    def _found(self, kind: str, ids: dict[str, Any], base: Item | None) -> tuple[Item, Item | None]:
        id_ = ids.get("id")
        if kind in self.numbered and str(id_).isdigit():
            id_ = int(str(id_))
        bases = [base] if base is not None or kind in {"service", "base"} else [*self.items["base"].values()]
        for each in bases:
            if id_ in self._holder(kind, each):
                return self._holder(kind, each)[id_], each
        raise RefusalError(404, "ERR_3000", f"no such {kind}")

    def _listed(self, kind: str, base: Item | None, call: Call) -> Reply:
        bases = [base] if base is not None or kind in {"service", "base"} else [*self.items["base"].values()]
        rows = []
        for each in bases:
            for item in self._holder(kind, each).values():
                shown = self.shown(kind, item)
                rows.append({k: v for k, v in shown.items() if k not in self.list_hides.get(kind, ())})
        form = self._chosen(self.lists, kind, "list")
        found: Any = form(kind, rows, call) if form else rows
        return found if isinstance(found, tuple) else (200, found, {})

    def _answered(self, kind: str, operation: str, item: Item, status: int) -> Reply:
        shown = self.shown(kind, item)
        form = self._chosen(self.answers, kind, operation)
        if form:
            reply: Reply = form(self, kind, item, shown)
            return reply
        return status, None if status == 204 else shown, {}

    def _chosen(self, knob: Mapping[str, Any], kind: str, operation: str) -> Any:
        write = "*" if operation not in {"list", "read"} else operation
        keys = (f"{kind}.{operation}", kind, operation, write)
        return next((knob[key] for key in keys if key in knob), None)

    # --- objects on the wire -----------------------------------------------------------------------------------------

    def shown(self, kind: str, item: Item) -> Item:
        """An object as the API shows it."""
        found: Item = {}
        if kind == "batch":
            self._base_at_hand = self.items["base"][item["base"]]
        for name in SHOWN[kind]:
            wire = self.names.get(f"{kind}.{name}", name)
            if (name == "id" and kind in self.nameless) or wire in self.hides.get(kind, ()):
                continue
            if self.drops_null and item[name] is None:
                continue
            put(found, wire, self._wire(kind, name, item[name]))
        if self.has_versions:
            found["version"] = item["version"]
        if kind == "base" and self.inside:
            found[self.names.get("base.fields", "fields")] = [self.shown("field", f) for f in item["fields"].values()]
        if kind in self.adds:
            found |= self.adds[kind](self, item)
        return found

    def _wire(self, kind: str, name: str, value: Any) -> Any:
        form = self.forms.get(f"{kind}.{name}")
        return value if form is None or value is None else form[0](self, value)

    def _taken(self, kind: str, body: Any) -> Item:
        """The attributes in a body, in the words of this class."""
        if not isinstance(body, dict):
            raise RefusalError(400, "ERR_1000", "the body must be an object")
        found: Item = {}
        known = set(self.accepts.get(kind, ())) | ({"version"} if self.has_versions else set())
        for name in WRITABLE[kind]:
            wire = self.names.get(f"{kind}.{name}", name)
            known.add(wire.split(".")[0])
            is_there, value = take(body, wire)
            if is_there:
                form = self.forms.get(f"{kind}.{name}")
                found[name] = value if form is None or value is None else form[1](self, value)
        if unknown := body.keys() - known:
            raise RefusalError(400, "ERR_1020", f"{kind}: unknown {sorted(unknown)}")
        return found

    def _created(self, kind: str, base: Item | None, body: Item) -> Item:
        fields: list[Item] = []
        if kind == "base":
            wire = self.names.get("base.fields", "fields")
            body = dict(body)
            fields = [self._taken("field", each) for each in body.pop(wire, [])]
        found = self._taken(kind, body)
        if "name" not in found:
            raise RefusalError(400, "ERR_1040", "name is missing")
        taken = {item["name"] for item in self._holder(kind, base).values()} | self.forbidden
        if found["name"] in taken:
            raise RefusalError(400, "ERR_2060", "Name already in use")
        self._check(kind, found, base)
        made = self.add(kind, base, **found)
        for each in fields:
            self.add("field", made, **each)
        return made

    def _check(self, kind: str, found: Item, base: Item | None) -> None:
        if kind == "batch" and "service" in found and found["service"] not in self.items["service"]:
            raise RefusalError(400, "ERR_1110", f"no such service: {found['service']!r}")
        if kind == "batch" and found.get("association"):
            known = {each["name"] for each in (base or {})["fields"].values()}
            if not isinstance(found["association"], dict) or not set(found["association"].values()) <= known:
                raise RefusalError(400, "ERR_1120", f"invalid association: {found['association']!r}")

    def _updated(self, kind: str, item: Item, base: Item | None, body: Item) -> None:
        if self.has_versions and body.get("version") != item["version"]:
            raise RefusalError(409, "ERR_1020", f"version {item['version']} is the newest")
        body = dict(body)
        wire = self.names.get("base.fields", "fields")
        fields = body.pop(wire, None) if kind == "base" and self.inside else None
        found = self._taken(kind, body)
        if self.is_whole:
            found = {"association" if name == "association" else name: found.get(name) for name in WRITABLE[kind]}
            if not found["name"] or (kind == "batch" and not found["service"]):
                raise RefusalError(400, "ERR_1010", "attributes are missing")
            if kind == "batch" and found["association"] is None:
                found["association"] = {}
        if kind == "batch" and item["state"] == "started" and found.keys() & {"service", "association"}:
            changed = [key for key in ("service", "association") if key in found and found[key] != item[key]]
            if changed:
                raise RefusalError(400, "ERR_1020", "not while it is started")
        self._check(kind, found, base)
        item.update(found)
        item["version"] += 1
        if fields is not None:
            self._replace_fields(item, fields)

    def _replace_fields(self, base: Item, rows: list[Item]) -> None:
        before = dict(base["fields"])
        base["fields"].clear()
        by_name = {each["name"]: each for each in before.values()}
        id_wire, default = (self.names.get(f"field.{name}", name) for name in ("id", "default"))
        for row in rows:
            plain = {key: value for key, value in row.items() if key not in {id_wire, default, "version"}}
            found = self._taken("field", plain)
            old = before.get(row.get(id_wire)) or by_name.get(found.get("name"))
            if old is None:
                self.add("field", base, **found)
            else:
                base["fields"][old["id"]] = old | found
        if any(each["default"] and each["id"] not in base["fields"] for each in before.values()):
            base["fields"] |= before
            raise RefusalError(400, "ERR_2050", "Cannot delete a default field")


@contextmanager
def serving(desk: Desk, *, port: int = 0) -> Iterator[Desk]:
    """The instance behind a port of loopback (0: any free one)."""

    def serve(peer: socket.socket) -> None:
        with peer.makefile("rb") as stream:
            while (message := read_message(stream)) is not None:
                peer.sendall(desk.handle(message).whole())

    with accepting(serve, port=port) as own:
        desk.url = f"http://127.0.0.1:{own}"
        yield desk

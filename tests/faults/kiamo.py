"""A Kiamo of the tests' own: the default contract's API, written by hand from the vendor's error table.

It shares no code with the program: no emulator, no contract. It keeps the platform's rules, writes down every call, and
has knobs for an instance that is slow to show, keeps other values than it was sent, or does not do as it is told.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from tests.faults.wire import Message, accepting, answer, read_message

TOKEN = "5e1f" * 10
"""May do everything."""
DATATYPES = {"string", "text", "integer", "decimal", "boolean", "date", "datetime", "phone", "email"}
CLOSED = {"stopped", "finished"}
AFTER = {
    ("new", "start"): "started",
    ("new", "stop"): "stopped",
    ("started", "pause"): "paused",
    ("started", "stop"): "stopped",
    ("paused", "start"): "started",
    ("paused", "stop"): "stopped",
}
NAME = re.compile(r"\w[\w .\-]*")
COLLECTIONS = ("services", "bases", "fields", "batches")
GIVEN = {"id", "contacts", "default", "state", "fields"}
"""What a body never sets."""

Item = dict[str, Any]
Keeping = Callable[[Item], Item]
"""Attributes as they were sent → as they are kept."""


@dataclass(frozen=True)
class Call:
    """One call that reached the server."""

    number: int
    method: str
    path: str
    """With its query."""
    body: Any
    """Parsed; None without one."""
    status: int
    code: str
    """`ERR_nnnn` of a refusal, else empty."""
    committed: bool
    """Whether it changed anything."""
    at: float
    """By the server's clock."""

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    def __str__(self) -> str:
        shown = "" if self.body is None else " " + json.dumps(self.body, ensure_ascii=False)
        return f"{self.method} {self.path}{shown} → {self.status} {self.code}".strip()


class RefusalError(Exception):
    """The platform refuses a call."""

    def __init__(self, status: int, code: str = "", message: str = "No.", **headers: str) -> None:
        super().__init__(code)
        self.status, self.code, self.headers = status, code, headers
        self.body = json.dumps({"code": code, "message": message} if code else {"message": message})


@dataclass
class Kiamo:
    """One instance. `handle` answers one call; `serving` puts it behind a port. Safe under threads."""

    prefix: str = "k"
    """Of every id, so that two instances have none in common."""
    clock: Callable[[], float] = time.monotonic

    # --- knobs -------------------------------------------------------------------------------------------------------
    list_lag: float = 0.0
    """Seconds, by the clock, for which a new object is in no list."""
    lists_behind: int = 0
    """Number of readings of its list in which a new object is missing."""
    keeping: Keeping | None = None
    """How services, bases, fields and batches are kept."""
    ignored: set[str] = field(default_factory=set)
    """Commands that are answered 200 and not done."""
    after: dict[tuple[str, str], str] = field(default_factory=lambda: dict(AFTER))
    """The state that a command leads to from a state."""
    instead: dict[str, str] = field(default_factory=dict)
    """Command → the one that is done in its place."""
    bare: bytes | None = None
    """The body of every answer to a write, in place of the object."""
    bare_commands: bytes | None = None
    """As `bare`, of commands alone."""
    names_unique: bool = True
    names_fold: bool = False
    """Names that differ in case alone are the same."""
    denied: set[str] = field(default_factory=set)
    """Methods that the token has no right to: 403."""
    expires_after: int | None = None
    """Writes after which the token is not valid any more: 401."""
    writes_per_second: float | None = None
    """More of them are answered 429."""
    retry_after: str | None = "1"
    """Of these 429s."""
    page_size: int | None = None
    """Lists of bases of at most that many, with `?page=` from 1."""
    counted: bool = False
    """Lists of bases are `{"items": […], "total": n}`."""
    starts_may_finish: bool = False
    """A started batch is finished as soon as it has been read as started."""

    # --- what it has -------------------------------------------------------------------------------------------------
    services: dict[str, Item] = field(default_factory=dict)
    bases: dict[str, Item] = field(default_factory=dict)
    """Each with `fields` and `batches`, by id."""
    calls: list[Call] = field(default_factory=list)
    url: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)
    _last: int = 0
    _born: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Id → when it is first in its list, and in how many readings it is missing yet."""
    _slots: list[float] = field(default_factory=list)

    # --- for tests ---------------------------------------------------------------------------------------------------

    @property
    def writes(self) -> list[Call]:
        """All calls but reads."""
        return [call for call in self.calls if call.is_write]

    @property
    def committed(self) -> list[Call]:
        """The calls that changed something."""
        return [call for call in self.calls if call.committed]

    def by_hand(self, method: str, path: str, body: object = None) -> Any:
        """What a supervisor does at the console: neither logged nor subject to knobs. `path` without `/api`."""
        data = b"" if body is None else json.dumps(body).encode()
        with self.lock:
            born = dict(self._born)
            _, made, _ = self._route(method, path, "", data)
            self._born = born
        return made

    def service(self, name: str, **more: Any) -> str:
        """Make a service by hand; its id."""
        return str(self.by_hand("POST", "/services", {"name": name} | more)["id"])

    def base(self, name: str, **more: Any) -> str:
        """Make a base by hand; its id."""
        return str(self.by_hand("POST", "/bases", {"name": name, "fields": []} | more)["id"])

    def batch(self, base: str, name: str, service: str, *commands: str, **more: Any) -> str:
        """Make a batch by hand, with ids of base and service, and give it some commands; its id."""
        body = {"name": name, "service": service, "association": {"destination": "phone"}} | more
        made = str(self.by_hand("POST", f"/bases/{base}/batches", body)["id"])
        for command in commands:
            self.by_hand("PUT", f"/bases/{base}/batches/{made}/command", {"command": command})
        return made

    def id_of(self, *names: str) -> str:
        """The id of a base, or of a field or batch of it."""
        (base,) = [each for each in self.bases.values() if each["name"] == names[0]]
        if len(names) == 1:
            return str(base["id"])
        (child,) = [
            each for below in ("fields", "batches") for each in base[below].values() if each["name"] == names[1]
        ]
        return str(child["id"])

    def state_of(self, base: str, batch: str) -> str:
        """The run state of a batch."""
        return str(self.bases[self.id_of(base)]["batches"][self.id_of(base, batch)]["state"])

    def show(self) -> None:
        """Everything is in its list from now on."""
        self._born.clear()

    def tree(self) -> Item:
        """All of it without ids, default fields and counts, sorted: two equal trees are equal instances."""

        def plain(item: Item, *keys: str) -> Item:
            return {key: item[key] for key in item if key not in {"id", "contacts", "default", *keys}}

        def named(item: Item) -> tuple[str, str]:
            return item["name"], json.dumps(item, sort_keys=True)

        services = {each["id"]: each["name"] for each in self.services.values()}
        with self.lock:
            bases = [
                plain(base)
                | {
                    "fields": sorted((plain(f) for f in base["fields"].values() if not f["default"]), key=named),
                    "batches": sorted(
                        (plain(b) | {"service": services.get(b["service"])} for b in base["batches"].values()),
                        key=named,
                    ),
                }
                for base in self.bases.values()
            ]
            return deepcopy(
                {
                    "services": sorted((plain(each) for each in self.services.values()), key=named),
                    "bases": sorted(bases, key=named),
                }
            )

    def duplicates(self) -> list[str]:
        """Names that stand twice where they are to be unique."""
        groups = [("services", self.services.values()), ("bases", self.bases.values())]
        for base in self.bases.values():
            groups += [(base["name"], base[below].values()) for below in ("fields", "batches")]
        found = []
        for where, items in groups:
            names = [item["name"] for item in items]
            found += [f"{where}: {name}" for name in sorted(set(names)) if names.count(name) > 1]
        return found

    # --- calls -------------------------------------------------------------------------------------------------------

    def handle(self, request: Message) -> Message:
        """Answer one call, and write it down."""
        path, _, query = request.target.partition("?")
        with self.lock:
            made, code, committed = None, "", False
            try:
                self._admit(request)
                if not path.startswith("/api/"):
                    raise RefusalError(404, message="no such address")
                status, made, committed = self._route(
                    request.method, path.removeprefix("/api"), query, request.body, keeping=self.keeping
                )
                reply = self._reply(request, status, made)
            except RefusalError as refusal:
                code = refusal.code
                reply = answer(refusal.status, refusal.body, **refusal.headers)
            self.calls.append(
                Call(
                    len(self.calls) + 1,
                    request.method,
                    request.target,
                    _parsed(request.body),
                    reply.status,
                    code,
                    committed,
                    self.clock(),
                )
            )
            return reply

    def _reply(self, request: Message, status: int, made: Any) -> Message:
        if request.method != "GET" and self.bare is not None:
            return answer(status, self.bare)
        if request.path.endswith("/command") and self.bare_commands is not None:
            return answer(status, self.bare_commands)
        return answer(status, b"" if status == 204 else json.dumps(made, ensure_ascii=False))

    def _admit(self, request: Message) -> None:
        expired = self.expires_after is not None and len(self.committed) >= self.expires_after
        if request.headers.get("kiamo-api-token") != TOKEN or expired:
            raise RefusalError(401, message="The authentication token is not valid")
        if request.method in self.denied:
            raise RefusalError(403, message="Forbidden")
        if request.method != "GET" and self.writes_per_second is not None:
            now = self.clock()
            self._slots = [at for at in self._slots if at > now - 1]
            if len(self._slots) >= self.writes_per_second:
                more = {} if self.retry_after is None else {"retry_after": self.retry_after}
                raise RefusalError(429, message="Too many requests", **more)
            self._slots.append(now)

    def _route(
        self, method: str, path: str, query: str, data: bytes, *, keeping: Keeping | None = None
    ) -> tuple[int, Any, bool]:
        """Status, JSON of the answer, and whether anything changed."""
        parts = path.strip("/").split("/")
        holder: Item
        match parts:
            case ["services" | "bases" as kind]:
                holder = self.services if kind == "services" else self.bases
                return self._collection(method, kind, holder, {}, query, data, keeping)
            case ["services", id_]:
                return self._object(method, "services", self._found(self.services, id_, "ERR_3001"), {}, data, keeping)
            case ["bases", id_]:
                return self._object(method, "bases", self._found(self.bases, id_), {}, data, keeping)
            case ["bases", base_id, "fields" | "batches" as kind]:
                base = self._found(self.bases, base_id)
                return self._collection(method, kind, base[kind], base, query, data, keeping)
            case ["bases", base_id, "fields" | "batches" as kind, id_]:
                base = self._found(self.bases, base_id)
                return self._object(method, kind, self._found(base[kind], id_), base, data, keeping)
            case ["bases", base_id, "batches", id_, "command"]:
                base = self._found(self.bases, base_id)
                if method != "PUT":
                    raise RefusalError(405, "ERR_3100")
                return self._command(self._found(base["batches"], id_), _body(data))
        raise RefusalError(404, "ERR_3000")

    def _found(self, holder: Mapping[str, Item], id_: str, code: str = "ERR_3000") -> Item:
        if id_ not in holder:
            raise RefusalError(404, code)
        return holder[id_]

    def _collection(
        self, method: str, kind: str, holder: Item, base: Item, query: str, data: bytes, keeping: Keeping | None
    ) -> tuple[int, Any, bool]:
        if method == "GET":
            return 200, self._listed(kind, holder, query), False
        if method != "POST":
            raise RefusalError(405, "ERR_3100")
        body = _body(data)
        self._check_new(kind, body, base)
        made = self._make(kind, holder, body, base, keeping)
        return 201, _shown(kind, made), True

    def _listed(self, kind: str, holder: Item, query: str) -> list[Item] | Item:
        rows = []
        for id_, item in holder.items():
            shown_from, missing = self._born.get(id_, (float("-inf"), 0))
            if missing > 0:
                self._born[id_] = (shown_from, missing - 1)
            if missing <= 0 and self.clock() >= shown_from:
                rows.append(_shown(kind, item))
        total = len(rows)
        if self.page_size is not None and kind == "bases":
            page = int(parse_qs(query).get("page", ["1"])[0])
            rows = rows[(page - 1) * self.page_size : page * self.page_size]
        return {"items": rows, "total": total} if self.counted and kind == "bases" else rows

    def _make(self, kind: str, holder: Item, body: Item, base: Item, keeping: Keeping | None) -> Item:
        kept = {key: value for key, value in body.items() if key not in GIVEN}
        kept = keeping(deepcopy(kept)) if keeping is not None else kept
        self._last += 1
        made = {"id": f"{self.prefix}{self._last}"} | kept
        match kind:
            case "bases":
                made |= {"contacts": 0, "fields": {}, "batches": {}}
                self._make(
                    "fields", made["fields"], {"name": "phone", "label": "Phone", "datatype": "phone"}, made, None
                )
                made["fields"][next(iter(made["fields"]))]["default"] = True
                for each in body["fields"]:
                    self._make("fields", made["fields"], each, made, keeping)
            case "fields":
                made["default"] = False
            case "batches":
                made |= {"association": kept.get("association", {}), "state": "new", "contacts": 0}
        holder[made["id"]] = made
        self._born[made["id"]] = (self.clock() + self.list_lag, self.lists_behind)
        return made

    def _object(
        self, method: str, kind: str, item: Item, base: Item, data: bytes, keeping: Keeping | None
    ) -> tuple[int, Any, bool]:
        match method:
            case "GET":
                shown = _shown(kind, item)
                if self.starts_may_finish and item.get("state") == "started":
                    item["state"] = "finished"
                return 200, shown, False
            case "PUT":
                body = {key: value for key, value in _body(data).items() if key not in GIVEN}
                self._check_update(kind, item, body, base)
                kept = keeping(deepcopy(body)) if keeping is not None else body
                before = deepcopy(item)
                item.update(kept)
                return 200, _shown(kind, item), item != before
            case "DELETE":
                self._check_delete(kind, item, base)
                holder: Item = {"services": self.services, "bases": self.bases}.get(kind) or base[kind]
                del holder[item["id"]]
                return 204, None, True
        raise RefusalError(405, "ERR_3100")

    def _command(self, batch: Item, body: Item) -> tuple[int, Any, bool]:
        if "command" not in body:
            raise RefusalError(400, "ERR_1130")
        command = self.instead.get(body["command"], body["command"])
        if command not in {"start", "pause", "stop"}:
            raise RefusalError(400, "ERR_1190")
        if batch["state"] in CLOSED:
            raise RefusalError(400, "ERR_2090")
        after = self.after.get((batch["state"], command))
        if after is None:
            raise RefusalError(400, "ERR_2100")
        if command == "start" and not batch["association"]:
            raise RefusalError(400, "ERR_2015")
        if body["command"] in self.ignored:
            return 200, _shown("batches", batch), False
        batch["state"] = after
        return 200, _shown("batches", batch), True

    # --- rules -------------------------------------------------------------------------------------------------------

    def _check_new(self, kind: str, body: Item, base: Item) -> None:
        if "name" not in body:
            raise RefusalError(400, "ERR_1040")
        self._check_name(kind, body["name"], base)
        match kind:
            case "bases":
                if not isinstance(body.get("fields"), list):
                    raise RefusalError(400, "ERR_1060")
                taken = {"phone"}
                for each in body["fields"]:
                    self._check_field(each)
                    if each["name"] in taken:
                        raise RefusalError(400, "ERR_2060")
                    taken.add(each["name"])
            case "fields":
                self._check_field(body)
            case "batches":
                if "service" not in body:
                    raise RefusalError(400, "ERR_1100")
                self._check_batch(body, base)

    def _check_name(self, kind: str, name: Any, base: Item) -> None:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise RefusalError(400, "ERR_1050")
        siblings: Item = base[kind] if base else {"services": self.services, "bases": self.bases}[kind]
        fold = str.casefold if self.names_fold else str
        if self.names_unique and any(fold(each["name"]) == fold(name) for each in siblings.values()):
            raise RefusalError(400, "ERR_2060")

    def _check_field(self, body: Any) -> None:
        if not isinstance(body, dict) or "name" not in body:
            raise RefusalError(400, "ERR_1040")
        if not NAME.fullmatch(body["name"]):
            raise RefusalError(400, "ERR_1050")
        if "label" not in body:
            raise RefusalError(400, "ERR_1070")
        if body.get("datatype") not in DATATYPES:
            raise RefusalError(400, "ERR_1080")

    def _check_batch(self, body: Item, base: Item) -> None:
        if "service" in body and not isinstance(body["service"], str):
            raise RefusalError(400, "ERR_1110")
        if "service" in body and body["service"] not in self.services:
            raise RefusalError(404, "ERR_3001")
        roles = body.get("association", {})
        fields = {each["name"] for each in base["fields"].values()}
        if not isinstance(roles, dict) or not all(field in fields or field == "" for field in roles.values()):
            raise RefusalError(400, "ERR_1120")

    def _check_update(self, kind: str, item: Item, body: Item, base: Item) -> None:
        changed = {key for key, value in body.items() if item.get(key) != value}
        state = item.get("state")
        if item.get("default"):
            raise RefusalError(400, "ERR_2040")
        if state in CLOSED:
            raise RefusalError(400, "ERR_2070")
        if "name" in changed:
            if kind == "fields":
                raise RefusalError(400, "ERR_1020")
            if kind == "batches" and state != "new":
                raise RefusalError(400, "ERR_2080")
            self._check_name(kind, body["name"], base)
        if kind == "fields" and "datatype" in changed:
            raise RefusalError(400, "ERR_1080")
        if kind == "batches":
            self._check_batch(body, base)
            if state == "started" and changed & {"service", "association"}:
                raise RefusalError(400, "ERR_2100")

    def _check_delete(self, kind: str, item: Item, base: Item) -> None:
        open_batches = [
            each for home in self.bases.values() for each in home["batches"].values() if each["state"] not in CLOSED
        ]
        match kind:
            case "services":
                if any(each["service"] == item["id"] for each in open_batches):
                    raise RefusalError(400, "ERR_2140")
            case "bases":
                if any(each["state"] not in CLOSED for each in item["batches"].values()):
                    raise RefusalError(400, "ERR_2000")
            case "fields":
                if item["default"]:
                    raise RefusalError(400, "ERR_2050")
                for each in base["batches"].values():
                    if each["state"] not in CLOSED and item["name"] in each["association"].values():
                        raise RefusalError(400, "ERR_1120")
            case "batches":
                if item["state"] not in CLOSED:
                    raise RefusalError(400, "ERR_2010")


def _shown(kind: str, item: Item) -> Item:
    return deepcopy({key: value for key, value in item.items() if kind != "bases" or key not in {"fields", "batches"}})


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode("utf-8", "replace")


def _body(data: bytes) -> Item:
    body = _parsed(data)
    if not isinstance(body, dict):
        raise RefusalError(400, "ERR_1000")
    return body


# --- ways to keep something else than was sent -----------------------------------------------------------------------


def each_text(change: Callable[[str], str]) -> Keeping:
    """Every text but names and references."""
    return lambda sent: {
        key: change(value) if isinstance(value, str) and key not in {"name", "service", "datatype"} else value
        for key, value in sent.items()
    }


trimmed = each_text(str.strip)
lower_case = each_text(str.lower)
unix_lines = each_text(lambda text: text.replace("\r\n", "\n"))


def dropping(key: str) -> Keeping:
    """One attribute is not kept."""
    return lambda sent: {name: value for name, value in sent.items() if name != key}


def adding(key: str, value: object) -> Keeping:
    """One attribute more than was sent."""
    return lambda sent: sent | {key: value}


@contextmanager
def serving(kiamo: Kiamo) -> Iterator[Kiamo]:
    """The instance behind a port of loopback."""

    def serve(peer: socket.socket) -> None:
        with peer.makefile("rb") as stream:
            while (request := read_message(stream)) is not None:
                peer.sendall(kiamo.handle(request).whole())

    with accepting(serve) as port:
        kiamo.url = f"http://127.0.0.1:{port}"
        yield kiamo

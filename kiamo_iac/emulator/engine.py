"""The engine of the emulator: API calls under one contract, and methods for tests to set and read its state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from kiamo_iac.contract.entries import Operation
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.strict_json import write_json
from kiamo_iac.emulator.answers import Answer, Answers
from kiamo_iac.emulator.bodies import RequestBody
from kiamo_iac.emulator.faults import OF_CONNECTION, CalledOperation, Fault, FaultKind, Faults, Moment
from kiamo_iac.emulator.messages import JSON_HEADERS, Call, CallLog, EmulatorRequest, EmulatorResponse, Peak
from kiamo_iac.emulator.operations import Operations
from kiamo_iac.emulator.refusal import Refusal, TokenRights
from kiamo_iac.emulator.router import Match, Router
from kiamo_iac.emulator.seeding import SeedDocuments
from kiamo_iac.emulator.store import TOP, IdGenerator, ObjectStore, StoredObject
from kiamo_iac.emulator.wire import ObjectBody


class Engine:
    """Kiamo's API as one contract describes it. Safe under threads: calls are transactions, one after the other."""

    def __init__(
        self,
        contract: Contract,
        *,
        database: str | Path = ":memory:",
        seed: int = 0,
        latency: float = 0.0,
        tokens: Mapping[str, Collection[str]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`latency`: seconds that the HTTP server waits before each call; `tokens`: 40 hexadecimal digits → verbs.
        `clock`: monotonic seconds, for lists that lag.

        Raises:
            ValueError: a token is malformed, or the database is not one of an emulator under this contract.
        """
        self.contract = contract
        self.latency = latency
        self._tokens = TokenRights(tokens)
        self._router = Router(contract)
        self._answers = Answers(contract)
        self._store = ObjectStore(database, contract.model_dump_json())
        self._operations = Operations(contract, self._store, IdGenerator(contract, self._store, seed))
        self._documents = SeedDocuments(contract, self._operations)
        self._log = CallLog()
        self._lock = threading.RLock()
        self._clock = clock
        self._unlisted: dict[int, float] = {}
        """Number of an object → until when no list has it, by the clock."""
        self.faults = Faults()
        """Those that calls are still to be hit by."""

    # --- calls -------------------------------------------------------------------------------------------------------

    def handle(self, request: EmulatorRequest) -> EmulatorResponse:
        """Answer a request, whatever it holds.

        Raises:
            ConnectionError: a fault of the connection hits the call, before or after it takes effect.
        """
        with self.flight(request):
            fault = self.fault_for(request)
            if fault is None or fault.kind not in OF_CONNECTION:
                return self.answer(request, fault)
            if fault.when is Moment.AFTER:
                self.answer(request, fault)
            else:
                self.log_unanswered(request, fault)
            msg = f"the emulator plays {fault}"
            raise ConnectionResetError(msg)

    def fault_for(self, request: EmulatorRequest) -> Fault | None:
        """The fault that hits this call, or None; it counts the call."""
        return self.faults.take(request, self._called(request)) if self.faults else None

    def _called(self, request: EmulatorRequest) -> CalledOperation:
        try:
            found = self._router.find(request.method, request.path)
            body = RequestBody(request).of if request.body else None
            route = self._router.choose(found, request.query, body).route
        except Refusal:
            return CalledOperation()
        return CalledOperation(route.operation, route.kind)

    def log_unanswered(self, request: EmulatorRequest, fault: Fault) -> None:
        """Log a call that a fault kept from taking effect; its status is 0."""
        call = self._log.start(self._without_token(request)[0])
        call.fault = str(fault.kind)
        self._log.add(call)

    def _without_token(self, request: EmulatorRequest) -> tuple[EmulatorRequest, str | None]:
        """A request without the token in its query, and the token; None where that and the header differ."""
        token, key = request.header(self.contract.auth.header), self.contract.auth.query
        if key is None:
            return request, token
        query = dict(request.query)
        return replace(request, query=query), token if query.pop(key, None) == token else None

    def flight(self, request: EmulatorRequest) -> AbstractContextManager[None]:
        """Count a call as in flight; for servers that wait before they `answer`."""
        return self._log.flight(request.method)

    def answer(self, request: EmulatorRequest, fault: Fault | None = None) -> EmulatorResponse:
        """The response to a call that is already counted as in flight. `fault`: what `fault_for` it returned; a fault
        of the connection is left to the server."""
        request, token = self._without_token(request)
        with self._lock:
            call = self._log.start(request)
            if fault is not None:
                call.fault = str(fault.kind)
                if fault.kind is FaultKind.STATUS and fault.when is Moment.BEFORE:
                    call.status = int(fault.value)
                    self._log.add(call)
                    return _status_of(fault)
            try:
                self._tokens.check(token, request.method)
                status, text, headers = self._serve(request, call, fault)
            except Refusal as refusal:
                status, text, headers = self._answers.refused(refusal)
                call.code = refusal.code
            call.status = status
            self._log.add(call)
        if fault is not None and fault.kind is FaultKind.STATUS:
            return _status_of(fault)
        return EmulatorResponse(status, {**(JSON_HEADERS if text else {}), **headers}, text.encode())

    def _serve(self, request: EmulatorRequest, call: Call, fault: Fault | None) -> Answer:
        found = self._router.find(request.method, request.path)
        call.kind = found[0].route.kind
        readers = [match.route.reads_body for match in found]
        sent = RequestBody(request)

        def body(declared: Operation) -> Mapping[str, Any]:
            call.body = found = sent.of(declared)
            return found

        is_needed = all(readers) and not any(match.route.pages_in_body for match in found)
        reads = any(readers) and (bool(request.body) or is_needed)
        match = self._router.choose(found, request.query, body if reads else None)
        call.kind, call.operation, call.body = match.route.kind, match.route.operation, match.body
        call.id, call.parent = match.ids.get("id"), match.parent
        operations = self._operations
        if call.operation == "list":
            return self._listed(match, request)
        if call.operation == "read":
            return self._item(match, operations.read(call.kind, match.ids["id"], match.parent))
        if match.route.shows:
            stored = operations.read(call.kind, match.ids["id"], match.parent)
            return Answer(200, operations.wires[call.kind].part(stored, match.route.shows, operations.shown))
        if fault is not None and fault.kind is FaultKind.IGNORE:
            return self._act_without_effect(match, call, fault, request)
        with self._store.transaction():
            return self._act(match, call, fault, request)

    def _listed(self, match: Match, request: EmulatorRequest) -> Answer:
        kind, paging = match.route.kind, self.contract.kinds[match.route.kind].listing.paging
        asked: Mapping[str, Any] = (match.body or {}) if match.route.pages_in_body else request.query
        rows = self._operations.list(kind, match.parent, asked, without=self._not_listed())
        more: list[tuple[str, Any]] = []
        headers: dict[str, str] = {}
        if rows.next is not None and paging.style == "cursor":
            more = [(paging.next or "", str(rows.next))]
        elif rows.next is not None:
            address = f"{request.path}?{urlencode({**request.query, paging.offset: rows.next})}"
            if paging.style == "link":
                headers["link"] = f'<{address}>; rel="next"'
            else:
                more = [(paging.url or "", address)]
        return Answer(200, self._answers.rows(kind, rows.text, rows.total, more), headers)

    def _act_without_effect(self, match: Match, call: Call, fault: Fault, request: EmulatorRequest) -> Answer:
        try:
            with self._store.transaction():
                answer = self._act(match, call, fault, request)
                raise _RolledBack
        except _RolledBack:
            if fault.value == "done" or match.route.operation == "delete":
                return answer
        if match.route.operation == "create":
            return Answer(200, "{}")
        return self._item(match, self._operations.read(match.route.kind, match.ids["id"], match.parent))

    def _not_listed(self) -> list[int]:
        if self._unlisted:
            now = self._clock()
            self._unlisted = {n: until for n, until in self._unlisted.items() if until > now}
        return list(self._unlisted)

    def _item(self, match: Match, stored: StoredObject) -> Answer:
        kind, operation = match.route.kind, match.route.operation
        inside = self._operations.inside(stored) if operation == "read" else None
        return self._answers.item(kind, operation, stored.wire, inside=inside)

    def _act(self, match: Match, call: Call, fault: Fault | None, request: EmulatorRequest) -> Answer:
        operations, kind = self._operations, match.route.kind
        if match.route.operation == "create" and (known := self._known(match)) is not None:
            call.operation, call.id = "update", known.id
            operations.update(known, self._draft(match, fault), self.contract.kinds[kind].operations["update"])
            return self._item(match, known)
        if match.route.operation == "create":
            stored = operations.create(kind, match.parent, self._draft(match, fault))
            call.id = stored.id
            if fault is not None and fault.kind is FaultKind.LAG:
                until = self._clock() + fault.seconds
                self._unlisted |= dict.fromkeys(range(stored.n, self._store.newest + 1), until)
            ids = {**match.ids, "id": operations.wires[kind].typed(kind, stored.id, stored.name)}
            return self._answers.created(kind, stored.wire, ids, request.path)
        stored = operations.read(kind, self._id_in(match), match.parent)
        match match.route.operation:
            case "update":
                operations.update(stored, self._draft(match, fault), match.route.call)
            case "delete":
                operations.delete(stored)
                return self._answers.deleted(kind)
            case command:
                operations.command(stored, command, self._draft(match, fault))
        return self._item(match, stored)

    def _known(self, match: Match) -> StoredObject | None:
        """Where names identify, and one call creates and changes: the object that a create names, if there is one."""
        stanza, route = self.contract.kinds[match.route.kind], match.route
        update = stanza.operations.get("update")
        if stanza.identity != "name" or stanza.parent is not None or update is None:
            return None
        if (update.method, update.path, update.body) != (route.call.method, route.call.path, route.call.body):
            return None
        name = self._operations.body_of(route, match.body).attributes.get("name")
        found = self._store.named(route.kind, name, TOP) if isinstance(name, str) else []
        return found[0] if found else None

    def _id_in(self, match: Match) -> str:
        """The id of the object that a call is about, in its address or, where it goes back with an update, its body."""
        if "id" in match.ids:
            return match.ids["id"]
        sent = (match.body or {}).get(self.contract.kinds[match.route.kind].id.wire)
        if sent is None:
            raise Refusal("ERR_1160")
        return str(sent)

    def _draft(self, match: Match, fault: Fault | None) -> ObjectBody:
        draft = self._operations.body_of(match.route, match.body)
        if fault is not None and fault.kind is FaultKind.NORMALISE:
            fault.normalised(draft)
        return draft

    # --- control: no API calls ---------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Delete all objects, calls and faults, and generate ids from the start again."""
        with self._lock, self._store.transaction():
            self._store.clear()
            self._log.clear()
            self._unlisted.clear()
            self.faults.clear()

    def seed(self, document: Mapping[str, Any]) -> None:
        """Add the objects of a document: all of them, or none.

        Raises:
            ValueError: it is not a seed document; the message says where.
        """
        with self._lock, self._store.transaction():
            self._documents.seed(document)

    def dump(self, *, ids: bool = False) -> dict[str, Any]:
        """All objects, as a document that `seed` reads."""
        with self._lock:
            return self._documents.dump(ids=ids)

    def calls(self, *, after: int = 0) -> list[Call]:
        """The calls after call number `after`, in the order in which they took effect."""
        return self._log.calls(after)

    @property
    def peak(self) -> Peak:
        """The highest number of calls in flight at once since the last reset."""
        return self._log.peak

    def finish(self, base: str, batch: str) -> None:
        """Finish a started batch, as Kiamo itself does when every contact is done.

        Raises:
            ValueError: there is no such batch, or it is not started.
        """
        with self._lock, self._store.transaction():
            stored = self._find("batch", batch, self._find("base", base, TOP).n)
            if stored.attributes["state"] != "started":
                msg = f'batch "{batch}" is {stored.attributes["state"]}: only a started batch can finish'
                raise ValueError(msg)
            stored.attributes["state"] = "finished"
            self._operations.save(stored)

    def set_contacts(self, base: str, contacts: int, *, batch: str | None = None) -> None:
        """Set the number of contacts of a base, or of a batch of it.

        Raises:
            ValueError: there is no such object, or the number is negative.
        """
        if type(contacts) is not int or contacts < 0:
            msg = f"contacts must be a whole number, 0 or more, not {contacts!r}"
            raise ValueError(msg)
        with self._lock, self._store.transaction():
            stored = self._find("base", base, TOP)
            if batch is not None:
                stored = self._find("batch", batch, stored.n)
            stored.attributes["contacts"] = contacts
            self._operations.save(stored)

    def _find(self, kind: str, name: str, parent: int) -> StoredObject:
        found = self._store.named(kind, name, parent)
        if not found:
            msg = f'no {kind} is called "{name}"'
            raise ValueError(msg)
        return found[0]

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _RolledBack(Exception):  # noqa: N818 - undoes a transaction
    """A write whose effect a fault ignores."""


def _status_of(fault: Fault) -> EmulatorResponse:
    headers = {**JSON_HEADERS, **({"retry-after": fault.retry_after} if fault.retry_after else {})}
    return EmulatorResponse(int(fault.value), headers, write_json({"error": f"the emulator plays {fault}"}).encode())

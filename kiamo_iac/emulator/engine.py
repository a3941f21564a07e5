"""The engine of the emulator: API calls under one contract, and methods for tests to set and read its state."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.strict_json import write_json
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
            body = request.document() if request.body else None
            route = self._router.choose(found, request.query, body).route
        except Refusal:
            return CalledOperation()
        return CalledOperation(route.operation, route.kind)

    def log_unanswered(self, request: EmulatorRequest, fault: Fault) -> None:
        """Log a call that a fault kept from taking effect; its status is 0."""
        call = self._log.start(request)
        call.fault = str(fault.kind)
        self._log.add(call)

    def flight(self, request: EmulatorRequest) -> AbstractContextManager[None]:
        """Count a call as in flight; for servers that wait before they `answer`."""
        return self._log.flight(request.method)

    def answer(self, request: EmulatorRequest, fault: Fault | None = None) -> EmulatorResponse:
        """The response to a call that is already counted as in flight. `fault`: what `fault_for` it returned; a fault
        of the connection is left to the server."""
        with self._lock:
            call = self._log.start(request)
            if fault is not None:
                call.fault = str(fault.kind)
                if fault.kind is FaultKind.STATUS and fault.when is Moment.BEFORE:
                    call.status = int(fault.value)
                    self._log.add(call)
                    return _status_of(fault)
            try:
                status, text = self._serve(request, call, fault)
            except Refusal as refusal:
                status, text = refusal.status, self._refused(refusal)
                call.code = refusal.code
            call.status = status
            self._log.add(call)
        if fault is not None and fault.kind is FaultKind.STATUS:
            return _status_of(fault)
        return EmulatorResponse(status, JSON_HEADERS if text else {}, text.encode())

    def _serve(self, request: EmulatorRequest, call: Call, fault: Fault | None) -> tuple[int, str]:
        self._tokens.check(request.header(self.contract.auth.header), request.method)
        found = self._router.find(request.method, request.path)
        call.kind = found[0].route.kind
        readers = [match.route.reads_body for match in found]
        if any(readers) and (request.body or all(readers)):
            call.body = request.document()
        match = self._router.choose(found, request.query, call.body)
        call.kind, call.operation = match.route.kind, match.route.operation
        call.id, call.parent = match.ids.get("id"), match.parent
        operations = self._operations
        if call.operation == "list":
            return 200, operations.list(call.kind, call.parent, request.query, without=self._not_listed())
        if call.operation == "read":
            return 200, self._item(operations.read(call.kind, match.ids["id"], match.parent))
        if fault is not None and fault.kind is FaultKind.IGNORE:
            return self._act_without_effect(match, call, fault)
        with self._store.transaction():
            return self._act(match, call, fault)

    def _act_without_effect(self, match: Match, call: Call, fault: Fault) -> tuple[int, str]:
        try:
            with self._store.transaction():
                answer = self._act(match, call, fault)
                raise _RolledBack
        except _RolledBack:
            if fault.value == "done" or match.route.operation == "delete":
                return answer
        if match.route.operation == "create":
            return 200, "{}"
        return 200, self._item(self._operations.read(match.route.kind, match.ids["id"], match.parent))

    def _not_listed(self) -> list[int]:
        if self._unlisted:
            now = self._clock()
            self._unlisted = {n: until for n, until in self._unlisted.items() if until > now}
        return list(self._unlisted)

    def _item(self, stored: StoredObject) -> str:
        return self._operations.wires[stored.kind].item(stored.wire)

    def _act(self, match: Match, call: Call, fault: Fault | None) -> tuple[int, str]:
        operations, kind = self._operations, match.route.kind
        if match.route.operation == "create":
            stored = operations.create(kind, match.parent, self._draft(match, call, fault))
            call.id = stored.id
            if fault is not None and fault.kind is FaultKind.LAG:
                until = self._clock() + fault.seconds
                self._unlisted |= dict.fromkeys(range(stored.n, self._store.newest + 1), until)
            return 201, self._item(stored)
        stored = operations.read(kind, match.ids["id"], match.parent)
        match match.route.operation:
            case "update":
                operations.update(stored, self._draft(match, call, fault))
            case "delete":
                operations.delete(stored)
                return 204, ""
            case command:
                operations.command(stored, command)
        return 200, self._item(stored)

    def _draft(self, match: Match, call: Call, fault: Fault | None) -> ObjectBody:
        draft = self._operations.body_of(match.route, call.body)
        if fault is not None and fault.kind is FaultKind.NORMALISE:
            fault.normalised(draft)
        return draft

    def _refused(self, refusal: Refusal) -> str:
        errors = self.contract.errors
        message = refusal.message or errors.meanings.codes.get(refusal.code or "", "Unknown error")
        document: dict[str, Any] = {}
        for path, value in ((errors.code, refusal.code), (errors.message, message)):
            *folders, last = path.split(".")
            inner = document
            for folder in folders:
                inner = inner.setdefault(folder, {})
            if value is not None:
                inner[last] = value
        return write_json(document)

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

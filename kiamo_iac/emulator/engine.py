"""The engine of the emulator: API calls under one contract, and methods for tests to set and read its state."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.strict_json import write_json
from kiamo_iac.emulator.messages import JSON_HEADERS, Call, CallLog, EmulatorRequest, EmulatorResponse, Peak
from kiamo_iac.emulator.operations import Operations
from kiamo_iac.emulator.refusal import Refusal, TokenRights
from kiamo_iac.emulator.router import Match, Router
from kiamo_iac.emulator.seeding import SeedDocuments
from kiamo_iac.emulator.store import TOP, IdGenerator, ObjectStore, StoredObject


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
    ) -> None:
        """`latency`: seconds that the HTTP server waits before each call; `tokens`: 40 hexadecimal digits → verbs.

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

    # --- calls -------------------------------------------------------------------------------------------------------

    def handle(self, request: EmulatorRequest) -> EmulatorResponse:
        """Answer a request. Never raises, whatever the request holds."""
        with self.flight(request):
            return self.answer(request)

    def flight(self, request: EmulatorRequest) -> AbstractContextManager[None]:
        """Count a call as in flight; for servers that wait before they `answer`."""
        return self._log.flight(request.method)

    def answer(self, request: EmulatorRequest) -> EmulatorResponse:
        """As `handle`, for a call that is already counted as in flight."""
        with self._lock:
            call = self._log.start(request)
            try:
                status, text = self._serve(request, call)
            except Refusal as refusal:
                status, text = refusal.status, self._refused(refusal)
                call.code = refusal.code
            call.status = status
            self._log.add(call)
        return EmulatorResponse(status, JSON_HEADERS if text else {}, text.encode())

    def _serve(self, request: EmulatorRequest, call: Call) -> tuple[int, str]:
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
            return 200, operations.list(call.kind, call.parent, request.query)
        if call.operation == "read":
            return 200, self._item(operations.read(call.kind, match.ids["id"], match.parent))
        with self._store.transaction():
            return self._act(match, call)

    def _item(self, stored: StoredObject) -> str:
        return self._operations.wires[stored.kind].item(stored.wire)

    def _act(self, match: Match, call: Call) -> tuple[int, str]:
        operations, kind = self._operations, match.route.kind
        if match.route.operation == "create":
            stored = operations.create(kind, match.parent, operations.body_of(match.route, call.body))
            call.id = stored.id
            return 201, self._item(stored)
        stored = operations.read(kind, match.ids["id"], match.parent)
        match match.route.operation:
            case "update":
                operations.update(stored, operations.body_of(match.route, call.body))
            case "delete":
                operations.delete(stored)
                return 204, ""
            case command:
                operations.command(stored, command)
        return 200, self._item(stored)

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
        """Delete all objects and calls, and generate ids from the start again."""
        with self._lock, self._store.transaction():
            self._store.clear()
            self._log.clear()

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

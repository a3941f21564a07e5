"""The emulator: one function from a request to an answer, and the doors through which tests look behind it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import control
from kiamo_iac.emulator.ids import Ids
from kiamo_iac.emulator.log import Log
from kiamo_iac.emulator.message import JSON_HEADERS, Call, Peak, Request, Response
from kiamo_iac.emulator.operations import Operations
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.router import Match, Router
from kiamo_iac.emulator.seeding import Documents
from kiamo_iac.emulator.store import TOP, Store, Thing
from kiamo_iac.emulator.strict_json import parse, write
from kiamo_iac.emulator.tokens import Tokens


class Emulator:
    """A Kiamo in a box, speaking one contract. Safe under threads: calls are transactions, one after the other."""

    def __init__(
        self,
        contract: Contract,
        *,
        database: str | Path = ":memory:",
        seed: int = 0,
        latency: float = 0.0,
        tokens: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        """`latency` is in seconds, and the HTTP server's to keep; `tokens` maps 40 hexadecimal characters to verbs.

        Raises:
            ValueError: the tokens are not tokens, or the database is not one of an emulator under this contract.
        """
        self.contract = contract
        self.latency = latency
        self._tokens = Tokens(tokens)
        self._router = Router(contract)
        self._store = Store(database, contract.model_dump_json())
        self._operations = Operations(contract, self._store, Ids(contract, self._store, seed))
        self._documents = Documents(contract, self._operations)
        self._log = Log()
        self._lock = threading.RLock()

    # --- calls -------------------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answer a request. Never raises for anything that a request can hold."""
        with self.flight(request):
            return self.answer(request)

    def flight(self, request: Request) -> AbstractContextManager[None]:
        """Counts a call as in flight; for servers that wait before they `answer`."""
        return self._log.flight(request.method)

    def answer(self, request: Request) -> Response:
        """As `handle`, for a call that is already counted as in flight."""
        if request.path.startswith(control.PREFIX):
            return control.answer(self, request)
        with self._lock:
            call = self._log.start(request)
            try:
                status, text = self._serve(request, call)
            except Refusal as refusal:
                status, text = refusal.status, self._refused(refusal)
                call.code = refusal.code
            call.status = status
            self._log.add(call)
        return Response(status, JSON_HEADERS if text else {}, text.encode())

    def _serve(self, request: Request, call: Call) -> tuple[int, str]:
        self._tokens.check(request.header(self.contract.auth.header), request.method)
        found = self._router.find(request.method, request.path)
        call.kind = found[0].route.kind
        readers = [match.route.reads_body for match in found]
        if any(readers) and (request.body or all(readers)):
            call.body = parse(request.body)
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

    def _item(self, thing: Thing) -> str:
        return self._operations.wires[thing.kind].item(thing.wire)

    def _act(self, match: Match, call: Call) -> tuple[int, str]:
        operations, kind = self._operations, match.route.kind
        if match.route.operation == "create":
            thing = operations.create(kind, match.parent, operations.draft(match.route, call.body))
            call.id = thing.id
            return 201, self._item(thing)
        thing = operations.read(kind, match.ids["id"], match.parent)
        match match.route.operation:
            case "update":
                operations.update(thing, operations.draft(match.route, call.body))
            case "delete":
                operations.delete(thing)
                return 204, ""
            case command:
                operations.command(thing, command)
        return 200, self._item(thing)

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
        return write(document)

    # --- behind the API ----------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """Empty it: no things, no calls; ids are made from the start again."""
        with self._lock, self._store.transaction():
            self._store.clear()
            self._log.clear()

    def seed(self, document: Mapping[str, Any]) -> None:
        """Add what a document says, all of it or nothing.

        Raises:
            ValueError: the document has not the shape of one; the message says where.
        """
        with self._lock, self._store.transaction():
            self._documents.seed(document)

    def dump(self, *, ids: bool = False) -> dict[str, Any]:
        """Everything there is, as a document that `seed` reads."""
        with self._lock:
            return self._documents.dump(ids=ids)

    def calls(self, *, after: int = 0) -> list[Call]:
        """The log, in the order in which calls took effect; only what came after call number `after`."""
        return self._log.calls(after)

    @property
    def peak(self) -> Peak:
        """How many calls were in flight at once, at most, since the last reset."""
        return self._log.peak

    def finish(self, base: str, batch: str) -> None:
        """What Kiamo itself does when every contact is done: a started batch is finished.

        Raises:
            ValueError: there is no such batch, or it is not started.
        """
        with self._lock, self._store.transaction():
            thing = self._find("batch", batch, self._find("base", base, TOP).n)
            if thing.attributes["state"] != "started":
                msg = f'batch "{batch}" is {thing.attributes["state"]}: only a started one can finish'
                raise ValueError(msg)
            thing.attributes["state"] = "finished"
            self._operations.save(thing)

    def set_contacts(self, base: str, contacts: int, *, batch: str | None = None) -> None:
        """Set how many contacts a base, or a batch of it, has.

        Raises:
            ValueError: there is no such thing, or the number is negative.
        """
        if type(contacts) is not int or contacts < 0:
            msg = f"{contacts!r} is not a number of contacts"
            raise ValueError(msg)
        with self._lock, self._store.transaction():
            thing = self._find("base", base, TOP)
            if batch is not None:
                thing = self._find("batch", batch, thing.n)
            thing.attributes["contacts"] = contacts
            self._operations.save(thing)

    def _find(self, kind: str, name: str, parent: int) -> Thing:
        found = self._store.named(kind, name, parent)
        if not found:
            msg = f'there is no {kind} called "{name}"'
            raise ValueError(msg)
        return found[0]

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

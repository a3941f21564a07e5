"""A small server of Terraform's HTTP state protocol, with a real lock, in the manner of Terraform's own or of GitLab.

Written from the client of Terraform and the server of GitLab, not from our backend: GET 200, 204 or 404; POST with
`?ID=` while locked; LOCK and UNLOCK (GitLab: POST and DELETE on /lock); 423 (GitLab: 409) with the lock info of whoever
holds it.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from tests.http.loopback import DroppedError, QuietHandler, listening

USER, PASSWORD = "robot", "s3cret-of-the-ledger"
LOCK_KEYS = {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"}


class Closeable(Protocol):
    """What `contextlib.closing` takes."""

    def close(self) -> None:
        """Let go."""


@dataclass
class State:
    """One state, and what was asked of it."""

    gitlab: bool = False
    body: bytes | None = None
    lock: dict[str, Any] | None = None
    serials: set[int] = field(default_factory=set)
    log: list[str] = field(default_factory=list)
    """`METHOD status`, in order."""
    faults: list[str] = field(default_factory=list)
    """For the next writes: `drop` (before), `commit and drop` (after), or a status."""
    redirect: str | None = None
    held_answer: bytes | None = None
    """Said in place of who holds the lock."""
    spoken: dict[str, tuple[int, bytes, str]] = field(default_factory=dict)
    """Method → the status, body and content type that something else in the place of the server answers."""
    rewritten: tuple[int, bytes, str] | None = None
    """How it says that it has done something, other than to read."""
    url: str = ""
    clients: list[Closeable] = field(default_factory=list)
    """Are closed before the server."""
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def address(self) -> str:
        """Where the state stands."""
        path = "api/v4/projects/42/terraform/state/kiamo" if self.gitlab else "state"
        return f"{self.url}/{path}"


class Handler(QuietHandler):
    """Answers one request after the other."""

    state: State

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        with self.state.guard:
            try:
                status, answer = self._answer(body)
            except DroppedError:
                self.state.log.append(f"{self.command} dropped")
                self.close_connection = True
                return
            self.state.log.append(f"{self.command} {status}")
        kind = "application/json"
        if self.command in self.state.spoken:
            status, answer, kind = self.state.spoken[self.command]
        elif self.state.rewritten is not None and status == 200 and self.command != "GET":
            status, answer, kind = self.state.rewritten
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status == 302 and self.state.redirect:
            self.send_header("Location", self.state.redirect)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_LOCK = do_UNLOCK = _serve  # noqa: N815 - http.server's names

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        state, parts = self.state, urlsplit(self.path)
        expected = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        if self.headers.get("Authorization") != expected:
            return 401, f"who is {self.headers.get('Authorization')}?".encode()
        if state.redirect:
            return 302, b""
        own = urlsplit(state.address).path
        locking = parts.path == (f"{own}/lock" if state.gitlab else own)
        lock, unlock = ("POST", "DELETE") if state.gitlab else ("LOCK", "UNLOCK")
        if locking and self.command == lock:
            return self._lock(json.loads(body))
        if locking and self.command == unlock:
            return self._unlock(json.loads(body)["ID"])
        if parts.path != own:
            return 404, b"no such state"
        if self.command == "GET":
            empty = (204, b"") if state.gitlab else (404, b"nothing here")
            return empty if state.body is None else (200, state.body)
        if self.command == "POST":
            return self._write(body, parse_qs(parts.query).get("ID", [None])[0])
        return 405, b"no such method"

    def _lock(self, info: dict[str, Any]) -> tuple[int, bytes]:
        state = self.state
        if state.gitlab and (missing := LOCK_KEYS - info.keys()):
            return 400, f"{missing} is missing".encode()
        if state.lock is None:
            state.lock = info
            return 200, json.dumps(info).encode()
        if state.held_answer is not None:
            return 423, state.held_answer
        if state.gitlab:  # of the holder it knows three keys; the others are repeated from the question
            held = {key: state.lock[key] for key in ("ID", "Who", "Created")}
            return 409, json.dumps({**info, **held}).encode()
        return 423, json.dumps(state.lock).encode()

    def _unlock(self, lock_id: str) -> tuple[int, bytes]:
        if self.state.lock is None or self.state.lock["ID"] != lock_id:
            return 409, b"not locked by that id"
        self.state.lock = None
        return 200, b""

    def _write(self, body: bytes, lock_id: str | None) -> tuple[int, bytes]:
        state = self.state
        fault = state.faults.pop(0) if state.faults else ""
        if fault == "drop":
            raise DroppedError
        if fault and fault != "commit and drop":
            return int(fault), b"not now"
        if (state.lock["ID"] if state.lock else None) != lock_id:
            return 409, b"locked by somebody else"
        serial = json.loads(body).get("serial")
        if state.gitlab and (type(serial) is not int or serial in state.serials):
            return 422, b"no serial, or one that was there before"
        state.serials.add(serial)
        state.body = body
        if fault:
            raise DroppedError
        return 200, b""


@contextmanager
def serving(state: State) -> Iterator[State]:
    """`state` behind a port of loopback."""
    with listening(Handler, state=state) as state.url:
        try:
            yield state
        finally:
            for client in state.clients:
                client.close()

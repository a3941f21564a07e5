"""Just enough of HTTP/1.1 to read and write whole messages on a socket, and a loop that accepts connections."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import BinaryIO

REASONS = {200: "OK", 201: "Created", 204: "No Content"}


@dataclass(frozen=True)
class Message:
    """A request (`line` is `GET /api/bases HTTP/1.1`) or an answer (`line` is `HTTP/1.1 200 OK`)."""

    line: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By name in lower case."""
    body: bytes = b""

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def status(self) -> int:
        return int(self.line.split(" ")[1])

    def head(self, **headers: str | None) -> bytes:
        """Line and headers; `headers` replaces some (content_length="9"), None removes one."""
        shown = dict(self.headers) | {"content-length": str(len(self.body))}
        for name, value in headers.items():
            shown.pop(name.replace("_", "-"), None)
            if value is not None:
                shown[name.replace("_", "-")] = value
        return "\r\n".join([self.line, *(f"{name}: {value}" for name, value in shown.items()), "", ""]).encode()

    def whole(self) -> bytes:
        return self.head() + self.body


def answer(status: int, body: bytes | str = b"", **headers: str) -> Message:
    """An answer; `headers` as `retry_after="1"`. JSON unless `content_type` says otherwise."""
    data = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = {} if status == 204 else {"content-type": "application/json"}
    return Message(f"HTTP/1.1 {status} {REASONS.get(status, 'As it is')}", kind | named, data)


def read_message(stream: BinaryIO) -> Message | None:
    """The next message of a connection, all of whose bodies have a length; None at the end of it.

    Raises:
        OSError: the connection broke.
        EOFError: it ended within a message.
    """
    line = stream.readline()
    if not line:
        return None
    headers = {}
    while (row := stream.readline()) not in (b"\r\n", b""):
        name, _, value = row.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if row == b"":
        raise EOFError
    size = int(headers.get("content-length", "0"))
    body = stream.read(size)
    if len(body) < size:
        raise EOFError
    return Message(line.decode("latin-1").strip(), headers, body)


@contextmanager
def accepting(
    serve: Callable[[socket.socket], None], tls: ssl.SSLContext | None = None, *, port: int = 0
) -> Iterator[int]:
    """A port of loopback (0: any free one) where `serve` has each connection, in a thread of its own."""
    listener = socket.create_server(("127.0.0.1", port), backlog=64)
    peers: set[socket.socket] = set()

    def one(peer: socket.socket) -> None:
        with suppress(OSError, EOFError):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with peer if tls is None else tls.wrap_socket(peer, server_side=True) as talk:
                serve(talk)
        peer.close()
        peers.discard(peer)

    def accept() -> None:
        with suppress(OSError):
            while True:
                peer, _ = listener.accept()
                peers.add(peer)
                threading.Thread(target=one, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for peer in list(peers):
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def without(message: Message, *names: str) -> Message:
    """A message without some headers."""
    return replace(message, headers={name: value for name, value in message.headers.items() if name not in names})

"""Servers that misbehave: a listening socket and a script of what to do with each request."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from kiamo_iac.http.retry import Limits

CERTIFICATES = Path(__file__).parent / "certificates"
"""`loopback.pem`: key and certificate for 127.0.0.1, of no use but here; `authority.pem`: the certificate alone."""

SHORT = Limits(deadline=0.4, patience=0.01)
LISTED = b'[{"id": "1", "name": "prospects"}]'
NAME = {"name": "x"}

Script = Callable[[socket.socket, bytes], None]
"""Answers one request, whose head and body it is given; the connection is closed after it."""


@dataclass
class Wild:
    """A running server."""

    port: int
    requests: list[bytes] = field(default_factory=list)
    """Every request that came, headers and body."""
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _request(peer: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = peer.recv(65536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += peer.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def wild(script: Script, *, tls: bool = False, port: int = 0) -> Iterator[Wild]:
    """A server on loopback that does as `script` says with every request, one connection after the other. `port`: 0
    for any."""
    listener = socket.create_server(("127.0.0.1", port))
    server = Wild(listener.getsockname()[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if tls:
        context.load_cert_chain(CERTIFICATES / "loopback.pem")

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer, suppress(OSError):
                server.connections += 1
                talk = context.wrap_socket(peer, server_side=True) if tls else peer
                with talk:
                    while request := _request(talk):
                        server.requests.append(request)
                        script(talk, request)
                        if not getattr(script, "keep", False):
                            break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def answer(body: bytes, *, status: str = "200 OK", headers: str = "Connection: close\r\n") -> bytes:
    """A whole answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def always(data: bytes) -> Script:
    """Send these bytes, whatever was asked."""

    def script(peer: socket.socket, request: bytes) -> None:
        peer.sendall(data)

    return script


def drip(data: bytes) -> Script:
    """Send these bytes one by one, twenty a second."""

    def script(peer: socket.socket, request: bytes) -> None:
        for at in range(len(data)):
            peer.sendall(data[at : at + 1])
            threading.Event().wait(0.05)

    return script

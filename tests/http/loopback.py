"""What the small HTTP servers of tests share: a port of loopback, a silent handler, and connections that drop."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class DroppedError(Exception):
    """The connection is closed without a response."""


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections open, and writes nothing to stderr."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@contextmanager
def listening(handler: type[QuietHandler], **attributes: Any) -> Iterator[str]:
    """A server with a handler that has `attributes`; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (handler,), attributes))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

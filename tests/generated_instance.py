"""An instance of any size that holds nothing: every list is made when it is asked for.

`python -m tests.generated_instance BASES` serves one on loopback and prints its url. Paths and wire names are those of
the packaged contract.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "0123456789" * 4
SERVICES = 20
FIELDS = 25
BATCHES = 10
STATES = ("new", "started", "paused")


def rows(path: str, bases: int) -> list[dict[str, Any]]:
    """The list at a path, such as `bases/b7/fields`."""
    match path.split("/"):
        case ["services"]:
            return [{"id": f"s{n}", "name": service(n), "label": f"The agents of service {n}"} for n in range(SERVICES)]
        case ["bases"]:
            return [{"id": f"b{n}", "name": base(n), "label": f"The contacts of base {n}"} for n in range(bases)]
        case ["bases", id_, "fields"]:
            return [
                {"id": f"f{n}-{id_}", "name": field(n), "label": f"Field {n} of {id_}", "datatype": "string"}
                for n in range(FIELDS)
            ]
        case ["bases", id_, "batches"]:
            number = int(id_[1:])
            return [
                {
                    "id": f"t{n}-{id_}",
                    "name": f"batch_{n}",
                    "service": f"s{(number + n) % SERVICES}",
                    "association": {"destination": field(0), "city": field(n)},
                    "state": STATES[n % len(STATES)],
                }
                for n in range(BATCHES)
            ]
    raise KeyError(path)


def base(number: int) -> str:
    """The name of a base."""
    return f"base {number:05}"


def service(number: int) -> str:
    """The name of a service."""
    return f"service {number:02}"


def field(number: int) -> str:
    """The name of a field."""
    return f"field_{number}"


class GeneratedInstance(ThreadingHTTPServer):
    """Serves GET; counts the calls, path by path."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, bases: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bases = bases
        self.calls: Counter[str] = Counter()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: GeneratedInstance

    def do_GET(self) -> None:
        path = self.path.removeprefix("/api/")
        with self.server.lock:
            self.server.calls[path] += 1
        try:
            status, body = 200, json.dumps(rows(path, self.server.bases)).encode()
        except (KeyError, ValueError):
            status, body = 404, b'{"code": "ERR_3000"}'
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
        """Nothing is logged."""


@contextmanager
def serving(bases: int) -> Iterator[GeneratedInstance]:
    """An instance on a thread of this process."""
    with GeneratedInstance(bases) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    """Serve until the process is ended."""
    with GeneratedInstance(int(sys.argv[1])) as server:
        print(server.url, flush=True)  # noqa: T201
        server.serve_forever()


if __name__ == "__main__":
    main()

"""The emulator as an HTTP server: an ASGI application, with its latency, and uvicorn in a thread."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from kiamo_iac.core.urls import is_loopback
from kiamo_iac.emulator.emulator import PREFIX, Emulator, refused_host
from kiamo_iac.emulator.messages import JSON_HEADERS, EmulatorRequest, EmulatorResponse

_STOPPING = 5.0
"""Seconds for calls in flight when the server stops."""


class _Uvicorn(uvicorn.Server):
    """Sets an event when it has started."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listening.set()


class Server:
    """A running server, as a context manager; it does not close the emulator."""

    def __init__(self, emulator: Emulator, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Port 0: any free port."""
        self._emulator = emulator
        self._host = host
        self._port = port
        self._uvicorn: _Uvicorn | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8090`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    def __enter__(self) -> Self:
        """
        Raises:
            OSError: the port is in use, or the host is not one of this machine's.
        """
        listener = _listener(self._host, self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            create_app(self._emulator, local=is_loopback(self._host)),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=int(_STOPPING),
        )
        self._uvicorn = _Uvicorn(config)
        self._thread = threading.Thread(
            target=self._uvicorn.run, kwargs={"sockets": [listener]}, name="emulator", daemon=True
        )
        self._thread.start()
        while not self._uvicorn.listening.wait(0.1) and self._thread.is_alive():
            pass
        if not self._uvicorn.listening.is_set():
            msg = "the emulator's server did not start"
            raise RuntimeError(msg)
        return self

    def wait(self) -> None:
        """Wait until the server ends, or a signal raises an exception."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(0.5)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._uvicorn is not None and self._thread is not None:
            self._uvicorn.should_exit = True
            self._thread.join()


def _listener(host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only on sockets whose protocol is TCP: otherwise
    # every response waits 40 ms for the client's delayed ACK (measured: 22 calls a second instead of over 1,000).
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # there, it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def serve(emulator: Emulator, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called with the URL once the server answers.

    Raises:
        OSError: the port is in use, or the host is not one of this machine's.
    """
    with _sigterm_as_sigint(), Server(emulator, host=host, port=port) as server:
        try:
            ready(server.url)  # a reader of the URL may stop the server at once
            server.wait()
        except KeyboardInterrupt:
            return


@contextmanager
def _sigterm_as_sigint() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


MOST_BYTES: Final = 128 * 1024 * 1024
"""Of the body of a request: a live state of 250,000 objects is some 50 MB."""


def create_app(emulator: Emulator, *, local: bool = False) -> Starlette:
    """The ASGI application of `emulator`. `answer` commits the call: injected network faults go before or after it.
    `local`: it listens on loopback only, so that a request for another host comes from a page (DNS rebinding)."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        request = EmulatorRequest(
            method=http.method,
            path=scope["raw_path"].decode("latin-1"),
            query=http.query_params,
            headers=http.headers,
            body=await _body(http),
        )
        if len(request.body) > MOST_BYTES:
            answer: EmulatorResponse = EmulatorResponse(413, JSON_HEADERS, b'{"error": "the body is too large"}')
        elif local and (refused := refused_host(request)):
            answer = refused
        elif request.path.startswith(PREFIX):
            answer = emulator.answer(request)
        else:
            with emulator.flight(request):
                if emulator.latency:
                    await asyncio.sleep(emulator.latency)
                # A call takes microseconds, far less than handing it to a thread would.
                answer = emulator.answer(request)
        response = HttpResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))
        await response(scope, receive, send)

    return Starlette(routes=[Mount("/", app=endpoint)])


async def _body(http: HttpRequest) -> bytes:
    """The body, cut once it is larger than `MOST_BYTES`."""
    chunks, size = [], 0
    async for chunk in http.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            break
    return b"".join(chunks)

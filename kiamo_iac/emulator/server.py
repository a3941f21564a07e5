"""The emulator as an HTTP server: an ASGI application, with its latency, and uvicorn in a thread."""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Final, NamedTuple, Self

import uvicorn
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from kiamo_iac.core.urls import is_loopback
from kiamo_iac.emulator.emulator import PREFIX, Emulator, refused_host
from kiamo_iac.emulator.faults import OF_CONNECTION, Fault, FaultKind, Moment
from kiamo_iac.emulator.messages import JSON_HEADERS, EmulatorRequest, EmulatorResponse

_CONNECTION: Final = "kiamo_iac.connection"
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


class _Protocol(H11Protocol):
    """Gives each request its connection, in `scope["state"]`, for faults that close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, _CONNECTION: transport}


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
            http=_Protocol,
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


def create_app(emulator: Emulator, *, local: bool = False) -> ASGIApp:
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
                fault = emulator.fault_for(request)
                if fault is not None and fault.kind in OF_CONNECTION:
                    await _play(emulator, request, fault, _Exchange(scope, receive, send))
                    return
                answer = emulator.answer(request, fault)
        await _respond(answer, _Exchange(scope, receive, send))

    return endpoint  # no router: none matches a path with a line break in it


class _Exchange(NamedTuple):
    """One request of ASGI, and the way to its response."""

    scope: Scope
    receive: Receive
    send: Send

    @property
    def connection(self) -> asyncio.Transport:
        """Its connection."""
        found: asyncio.Transport = self.scope["state"][_CONNECTION]
        return found

    async def closed(self) -> None:
        """Wait until the connection is closed."""
        while (await self.receive())["type"] != "http.disconnect":
            continue


async def _respond(answer: EmulatorResponse, exchange: _Exchange) -> None:
    await HttpResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))(*exchange)


async def _play(emulator: Emulator, request: EmulatorRequest, fault: Fault, exchange: _Exchange) -> None:
    """Play a fault of the connection; uvicorn answers nothing on a connection that is closed."""
    answer = EmulatorResponse(204)
    if fault.when is Moment.BEFORE:
        emulator.log_unanswered(request, fault)
    else:
        answer = emulator.answer(request, fault)
    match fault.kind:
        case FaultKind.SILENCE:
            with suppress(TimeoutError):
                await asyncio.wait_for(exchange.closed(), fault.seconds)
            exchange.connection.close()
        case FaultKind.SLOW:
            await _start(answer, exchange)
            for at in range(len(answer.body)):
                with suppress(TimeoutError):
                    await asyncio.wait_for(exchange.closed(), fault.seconds)
                    return
                await exchange.send({"type": "http.response.body", "body": answer.body[at : at + 1], "more_body": True})
            await exchange.send({"type": "http.response.body", "body": b""})
            return
        case FaultKind.TRUNCATE:
            await _start(answer, exchange)
            half = answer.body[: len(answer.body) // 2]
            await exchange.send({"type": "http.response.body", "body": half, "more_body": True})
            exchange.connection.close()
        case _:
            # Without it, closing ends the stream in good order, which some clients take for an empty response.
            linger = struct.pack("ii", 1, 0)
            exchange.connection.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            exchange.connection.abort()
    await exchange.closed()


async def _start(answer: EmulatorResponse, exchange: _Exchange) -> None:
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    await exchange.send({"type": "http.response.start", "status": answer.status, "headers": raw})


async def _body(http: HttpRequest) -> bytes:
    """The body, cut once it is larger than `MOST_BYTES`."""
    chunks, size = [], 0
    async for chunk in http.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            break
    return b"".join(chunks)

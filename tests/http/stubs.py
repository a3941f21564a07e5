"""A transport that answers from a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx

URL = "http://127.0.0.1:1"
CANARY = "c0ffee" * 6 + "c0de"
"""A token: nothing that comes out may hold it."""

NEVER_SENT = [httpx.ConnectError("refused"), httpx.ConnectTimeout("late"), httpx.ProxyError("no")]
"""Failures before anything was sent."""
UNKNOWN = [httpx.ReadTimeout("late"), httpx.ReadError("reset"), httpx.RemoteProtocolError("cut"), httpx.WriteError("x")]
"""Failures after which a write may have been done."""

Script = Callable[[httpx.Request], httpx.Response]


class Stub(httpx.BaseTransport):
    """Answers as a function says, and remembers what it was asked."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._lock = threading.Lock()
        self.asked: list[str] = []
        self.tokens: list[str | None] = []
        self.bodies: list[Any] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
            self.tokens.append(request.headers.get("Kiamo-Api-Token"))
            self.bodies.append(json.loads(request.read()) if request.read() else None)
        return self._script(request)


def reply(data: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> httpx.Response:
    """An answer with JSON, or with bytes as they are."""
    body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
    return httpx.Response(status, headers=dict(headers or {}), stream=httpx.ByteStream(body))


def in_turn(*replies: httpx.Response | Exception) -> Script:
    """Each of them once; the last one for ever."""
    left = list(replies)

    def script(request: httpx.Request) -> httpx.Response:
        given = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(given, Exception):
            given.request = request  # type: ignore[attr-defined]  # as httpx itself does, token and all
            raise given
        return given

    return script

"""The emulator as an ASGI application: latency, and nothing else that is not HTTP."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from kiamo_iac.emulator.callers import refused_host
from kiamo_iac.emulator.control import PREFIX
from kiamo_iac.emulator.engine import Emulator
from kiamo_iac.emulator.message import JSON_HEADERS, Request, Response

MOST_BYTES: Final = 128 * 1024 * 1024
"""Of the body of a request: a live state of 250,000 objects is some 50 MB."""


def create_app(emulator: Emulator, *, local: bool = False) -> Starlette:
    """An application that speaks for `emulator`. Faults of the wire belong around `answer`: before it nothing has
    happened, after it the call is committed. `local`: it is reached from this machine alone, so that a request for
    another host is a page's whose name was led here."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        request = Request(
            method=http.method,
            path=scope["raw_path"].decode("latin-1"),
            query=http.query_params,
            headers=http.headers,
            body=await _body(http),
        )
        if len(request.body) > MOST_BYTES:
            answer: Response = Response(413, JSON_HEADERS, b'{"error": "the body is too large"}')
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
    """The body, or so much of it that it is known to be too large."""
    chunks, size = [], 0
    async for chunk in http.stream():
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            break
    return b"".join(chunks)

"""The emulator as an ASGI application: latency, and nothing else that is not HTTP."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from kiamo_iac.emulator.control import PREFIX
from kiamo_iac.emulator.engine import Emulator
from kiamo_iac.emulator.message import Request


def create_app(emulator: Emulator) -> Starlette:
    """An application that speaks for `emulator`. Faults of the wire belong around `answer`: before it nothing has
    happened, after it the call is committed."""

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        http = HttpRequest(scope, receive)
        request = Request(
            method=http.method,
            path=scope["raw_path"].decode("latin-1"),
            query=http.query_params,
            headers=http.headers,
            body=await http.body(),
        )
        if request.path.startswith(PREFIX):
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

"""The endpoints under `/_emulator/`, which need no token: to set the stage for a test, and to look behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kiamo_iac.emulator.callers import refused_host, refused_page
from kiamo_iac.emulator.message import JSON_HEADERS, Request, Response
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.strict_json import parse, write

if TYPE_CHECKING:
    from kiamo_iac.emulator.engine import Emulator

PREFIX = "/_emulator/"


def answer(emulator: Emulator, request: Request) -> Response:
    """Answer a control request: 200 with JSON, 204, or 400, 403, 404, 405, 421 with an `error`."""
    if refused := refused_host(request) or refused_page(request):
        return refused
    endpoints = _ENDPOINTS.get(request.path.removeprefix(PREFIX))
    if endpoints is None:
        return _json(404, {"error": f"there is no {request.path}; there are {', '.join(sorted(_ENDPOINTS))}"})
    if request.method not in endpoints:
        return _json(405, {"error": f"{request.path} takes {', '.join(sorted(endpoints))}"})
    try:
        document = endpoints[request.method](emulator, request)
    except Refusal:
        return _json(400, {"error": "the body is not a JSON object"})
    except ValueError as error:
        return _json(400, {"error": str(error)})
    return Response(204) if document is None else _json(200, document)


def _json(status: int, document: Mapping[str, Any]) -> Response:
    return Response(status, JSON_HEADERS, write(document).encode())


def _reset(emulator: Emulator, _: Request) -> None:
    emulator.reset()


def _seed(emulator: Emulator, request: Request) -> None:
    emulator.seed(parse(request.body))


def _dump(emulator: Emulator, request: Request) -> dict[str, Any]:
    return emulator.dump(ids=request.query.get("ids", "") not in {"", "0", "false"})


def _calls(emulator: Emulator, request: Request) -> dict[str, Any]:
    calls = emulator.calls(after=int(request.query.get("after", "0")))
    return {"calls": [call.document() for call in calls], "peak": asdict(emulator.peak)}


def _advance(emulator: Emulator, request: Request) -> None:
    body = _exactly(request, {"base", "batch"})
    emulator.finish(_text(body, "base"), _text(body, "batch"))


def _contacts(emulator: Emulator, request: Request) -> None:
    body = _exactly(request, {"base", "contacts"}, "batch")
    batch = _text(body, "batch") if "batch" in body else None
    emulator.set_contacts(_text(body, "base"), body["contacts"], batch=batch)


def _exactly(request: Request, keys: set[str], *optional: str) -> dict[str, Any]:
    body = parse(request.body)
    if set(body) - set(optional) != keys:
        msg = f"the body holds {', '.join(sorted(keys))}{''.join(f', and {o} or not' for o in optional)}"
        raise ValueError(msg)
    return body


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body[key]
    if not isinstance(value, str):
        msg = f"{key} is a name"
        raise ValueError(msg)
    return value


_ENDPOINTS: dict[str, dict[str, Callable[[Emulator, Request], dict[str, Any] | None]]] = {
    "reset": {"POST": _reset},
    "seed": {"POST": _seed},
    "dump": {"GET": _dump},
    "calls": {"GET": _calls},
    "advance": {"POST": _advance},
    "contacts": {"POST": _contacts},
}

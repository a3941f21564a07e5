"""The emulator: the API of one contract, and the control endpoints under `/_emulator/` for tests.

Its tokens are public and its control endpoints need none, so it accepts requests from programs of this machine, and
none from pages in a browser. A page of any site can send requests to loopback, and can read the responses if its own
host name resolves there (DNS rebinding). It cannot forge the headers that show this: `Host`, `Origin` and
`Sec-Fetch-Site`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from kiamo_iac.contract.openapi import openapi_document
from kiamo_iac.core.strict_json import write_json
from kiamo_iac.core.urls import is_loopback
from kiamo_iac.emulator.engine import Engine
from kiamo_iac.emulator.faults import Fault
from kiamo_iac.emulator.messages import JSON_HEADERS, EmulatorRequest, EmulatorResponse
from kiamo_iac.emulator.refusal import Refusal

PREFIX: Final = "/_emulator/"
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+)(?::([0-9]{1,5}))?")
_ORIGIN: Final = re.compile(r"https?://([^/?#@]+)", re.IGNORECASE)
_OWN_SITE: Final = frozenset({"same-origin", "none"})
"""`none`: the user entered the address."""


class Emulator(Engine):
    """A local Kiamo emulator. Safe under threads: calls are transactions, one after the other."""

    def answer(self, request: EmulatorRequest, fault: Fault | None = None) -> EmulatorResponse:
        """As of the engine; control requests are answered too, and no fault hits them."""
        return _answer(self, request) if request.path.startswith(PREFIX) else super().answer(request, fault)

    def fault_for(self, request: EmulatorRequest) -> Fault | None:
        """As of the engine."""
        return None if request.path.startswith(PREFIX) else super().fault_for(request)


# --- who may call it -------------------------------------------------------------------------------------------------


def refused_host(request: EmulatorRequest) -> EmulatorResponse | None:
    """The response to a request whose `Host` is not this machine; None for any other. Every browser sends a `Host`."""
    host = request.header("host")
    if host is None or _is_local(host):
        return None
    return _json(421, {"error": "the Host header is not this machine: call localhost, 127.0.0.1 or [::1]"})


def refused_page(request: EmulatorRequest) -> EmulatorResponse | None:
    """The response to a request that a page of another site makes; None for any other."""
    origin, site = request.header("origin"), request.header("sec-fetch-site")
    if origin is not None and not _is_own(origin, request.header("host")):
        return _json(403, {"error": "requests from pages of another origin are not allowed"})
    if site is not None and site.strip().lower() not in _OWN_SITE:
        return _json(403, {"error": "requests from pages of another site are not allowed"})
    return None


def _is_local(authority: str) -> bool:
    found = _AUTHORITY.fullmatch(authority)
    return found is not None and is_loopback(found[1].strip("[]"))


def _is_own(origin: str, host: str | None) -> bool:
    """Whether an `Origin` is that of the emulator itself. `null` (a file, a sandboxed frame) never is."""
    found = _ORIGIN.fullmatch(origin)
    return found is not None and host is not None and found[1].lower() == host.lower() and _is_local(found[1])


# --- the control endpoints --------------------------------------------------------------------------------------------


def _answer(emulator: Engine, request: EmulatorRequest) -> EmulatorResponse:
    """Answer a control request: 200 with JSON, 204, or 400, 403, 404, 405, 421 with an `error`."""
    if refused := refused_host(request) or refused_page(request):
        return refused
    endpoints = _ENDPOINTS.get(request.path.removeprefix(PREFIX))
    if endpoints is None:
        return _json(404, {"error": f"unknown endpoint {request.path} (known: {', '.join(sorted(_ENDPOINTS))})"})
    if request.method not in endpoints:
        return _json(405, {"error": f"{request.path} allows only {', '.join(sorted(endpoints))}"})
    try:
        document = endpoints[request.method](emulator, request)
    except Refusal:
        return _json(400, {"error": "the body must be a JSON object"})
    except ValueError as error:
        return _json(400, {"error": str(error)})
    return EmulatorResponse(204) if document is None else _json(200, document)


def _json(status: int, document: Mapping[str, Any]) -> EmulatorResponse:
    return EmulatorResponse(status, JSON_HEADERS, write_json(document).encode())


def _reset(emulator: Engine, _: EmulatorRequest) -> None:
    emulator.reset()


def _seed(emulator: Engine, request: EmulatorRequest) -> None:
    emulator.seed(request.document())


def _dump(emulator: Engine, request: EmulatorRequest) -> dict[str, Any]:
    return emulator.dump(ids=request.query.get("ids", "") not in {"", "0", "false"})


def _calls(emulator: Engine, request: EmulatorRequest) -> dict[str, Any]:
    after = request.query.get("after", "0")
    if not (after.isascii() and after.isdigit()):
        msg = "after must be a whole number"
        raise ValueError(msg)
    return {"calls": [call.document() for call in emulator.calls(after=int(after))], "peak": asdict(emulator.peak)}


def _advance(emulator: Engine, request: EmulatorRequest) -> None:
    body = _exactly(request, {"base", "batch"})
    emulator.finish(_text(body, "base"), _text(body, "batch"))


def _contacts(emulator: Engine, request: EmulatorRequest) -> None:
    body = _exactly(request, {"base", "contacts"}, "batch")
    batch = _text(body, "batch") if "batch" in body else None
    emulator.set_contacts(_text(body, "base"), body["contacts"], batch=batch)


def _openapi(emulator: Engine, _: EmulatorRequest) -> dict[str, Any]:
    return openapi_document(emulator.contract)


def _faults(emulator: Engine, _: EmulatorRequest) -> dict[str, Any]:
    return {"faults": emulator.faults.left()}


def _add_faults(emulator: Engine, request: EmulatorRequest) -> None:
    faults = _exactly(request, {"faults"})["faults"]
    if not isinstance(faults, list) or not all(isinstance(text, str) for text in faults):
        msg = "faults must be a list of strings"
        raise ValueError(msg)
    emulator.faults.add([Fault.parse(text) for text in faults])


def _clear_faults(emulator: Engine, _: EmulatorRequest) -> None:
    emulator.faults.clear()


def _exactly(request: EmulatorRequest, keys: set[str], *optional: str) -> dict[str, Any]:
    body = request.document()
    if set(body) - set(optional) != keys:
        msg = f"the body must have the keys {', '.join(sorted(keys))}{''.join(f', and may have {o}' for o in optional)}"
        raise ValueError(msg)
    return body


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body[key]
    if not isinstance(value, str):
        msg = f"{key} must be a string"
        raise ValueError(msg)
    return value


_ENDPOINTS: dict[str, dict[str, Callable[[Engine, EmulatorRequest], dict[str, Any] | None]]] = {
    "reset": {"POST": _reset},
    "seed": {"POST": _seed},
    "dump": {"GET": _dump},
    "calls": {"GET": _calls},
    "advance": {"POST": _advance},
    "contacts": {"POST": _contacts},
    "openapi": {"GET": _openapi},
    "faults": {"GET": _faults, "POST": _add_faults, "DELETE": _clear_faults},
}

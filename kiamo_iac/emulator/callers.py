"""Who may call an emulator: programs of this machine, and no page in a browser.

Its tokens are public and its control endpoints need none. A page of any site can send requests to loopback, and read
the answers too once its own name leads there (DNS rebinding). What no page can forge gives it away: `Host`, `Origin`
and `Sec-Fetch-Site`.
"""

from __future__ import annotations

import re
from typing import Final

from kiamo_iac.core.urls import is_loopback
from kiamo_iac.emulator.message import JSON_HEADERS, Request, Response
from kiamo_iac.emulator.strict_json import write

_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+)(?::([0-9]{1,5}))?")
_ORIGIN: Final = re.compile(r"https?://([^/?#@]+)", re.IGNORECASE)
_OWN_SITE: Final = frozenset({"same-origin", "none"})
"""`none`: a person typed the address."""


def refused_host(request: Request) -> Response | None:
    """An answer for a request that was sent to another name than this machine's; None: it was not. One without a `Host`
    is no browser's."""
    host = request.header("host")
    if host is None or _is_local(host):
        return None
    return _refused(421, "the Host of the request is not this machine: call localhost, 127.0.0.1 or [::1]")


def refused_page(request: Request) -> Response | None:
    """An answer for a request that a page of another site makes; None: none does."""
    origin, site = request.header("origin"), request.header("sec-fetch-site")
    if origin is not None and not _is_own(origin, request.header("host")):
        return _refused(403, "the request comes from a page of another origin")
    if site is not None and site.strip().lower() not in _OWN_SITE:
        return _refused(403, "the request comes from a page of another site")
    return None


def _is_local(authority: str) -> bool:
    found = _AUTHORITY.fullmatch(authority)
    return found is not None and is_loopback(found[1].strip("[]"))


def _is_own(origin: str, host: str | None) -> bool:
    """Whether an `Origin` is that of the emulator itself. `null` (a file, a sandboxed frame) is that of none."""
    found = _ORIGIN.fullmatch(origin)
    return found is not None and host is not None and found[1].lower() == host.lower() and _is_local(found[1])


def _refused(status: int, why: str) -> Response:
    return Response(status, JSON_HEADERS, write({"error": why}).encode())

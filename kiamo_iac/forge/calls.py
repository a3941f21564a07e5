"""Calls to the API of a forge: JSON in both directions, pages, and errors with a hint for each status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from kiamo_iac.core.errors import AccessError, RefusedError, ResponseError, TransportError
from kiamo_iac.core.printable import printable
from kiamo_iac.http.message import Request, Response, Send
from kiamo_iac.http.retry import PASSING

_LONGEST_WAIT: Final = 60.0
_PAGE: Final = 100
_MOST_PAGES: Final = 100


class TransientError(TransportError):
    """The same call may succeed later. `wait`: the seconds that the server asks for, or None."""

    def __init__(self, message: str, *, wait: float | None) -> None:
        super().__init__(message, sent=True, hint="try again later")
        self.wait = wait


class ForgeClient:
    """Makes calls to one forge."""

    def __init__(self, send: Send, headers: Mapping[str, str], *, hints: Mapping[int, str]) -> None:
        """`headers`: of every call. `hints`: what to do about a status."""
        self._send = send
        self._headers = headers
        self._hints = hints

    def call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON of the response.

        Raises:
            AccessError, RefusedError: the forge refused.
            TransportError: no usable response, or not now.
            ResponseError: the response is not JSON, or a redirect.
        """
        return self._call(method, url, body)[0]

    def pages(self, url: str, query: str, *, has_next: Callable[[Mapping[str, str]], bool]) -> Iterator[Any]:
        """The items of a list, page by page. `query`: of each page. `has_next`: whether the headers of a page announce
        another one; its address is built here, never taken from a response.

        Raises:
            ApiError: as `call`.
        """
        for page in range(1, _MOST_PAGES + 1):
            data, headers = self._call("GET", f"{url}?{query}per_page={_PAGE}&page={page}")
            if not isinstance(data, list):
                msg = f"The response to GET {url} is not a list."
                raise ResponseError(msg)
            yield from data
            if not has_next(headers):
                return

    def _call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> tuple[Any, Mapping[str, str]]:
        headers = dict(self._headers)
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        response = self._send(Request(method, url, headers, data))
        call = f"{method} {url}"
        if not 200 <= response.status < 300:
            raise self._refused(call, response)
        try:
            return json.loads(response.body), response.headers
        except (ValueError, RecursionError) as error:
            msg = f"The response to {call} is not JSON."
            raise ResponseError(msg) from error

    def _refused(self, call: str, response: Response) -> Exception:
        status = response.status
        message = f"{call} returned {status}{_quoted(response.body)}."
        hint = self._hints.get(status)
        asked = _seconds(response.headers.get("retry-after"))
        # GitHub returns 403 as well as 429 to a client that calls too often (its "Rate limits for the REST API").
        if status in PASSING or (status == 403 and asked is not None):
            return TransientError(message, wait=asked)
        if 300 <= status < 400:
            return ResponseError(message, hint="redirects are never followed, as the token would be sent along")
        if status in {401, 403}:
            return AccessError(message, status=status, hint=hint)
        return RefusedError(message, status=status, hint=hint)


def _quoted(body: bytes) -> str:
    """The message of an error body, in quotes; both forges put it under `message` or `error`."""
    try:
        data = json.loads(body[:65536])
    except (ValueError, RecursionError):
        return ""
    text = (data.get("message") or data.get("error")) if isinstance(data, dict) else None
    if isinstance(text, dict | list):  # GitLab lists the errors of each parameter
        text = json.dumps(text, ensure_ascii=False)
    return f': "{printable(text, 200)}"' if isinstance(text, str) and text else ""


def _seconds(text: str | None) -> float | None:
    return min(float(text), _LONGEST_WAIT) if text is not None and text.isdecimal() and text.isascii() else None

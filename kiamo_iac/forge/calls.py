"""One call to a forge's API: JSON there and back, or an error that says what may be done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from kiamo_iac.core.errors import AccessError, RefusedError, ResponseError, TransportError
from kiamo_iac.core.printable import printable

_PASSING: Final = frozenset({429, 502, 503, 504})
_LONGEST_WAIT: Final = 60.0


class Send(Protocol):
    """One HTTP call: status, headers (lower-case names) and body of whatever answer came, redirects not followed.

    Whatever makes it adds the token, and hides it in answers that are quoted.
    """

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, /
    ) -> tuple[int, Mapping[str, str], bytes]:
        """
        Raises:
            TransportError: no usable answer came.
            ResponseError: the answer cannot be read.
            UsageError: the token must not go to `url`.
        """


class PassingError(TransportError):
    """The same call may go through later. `wait`: the seconds that the server asks for, or None."""

    def __init__(self, message: str, *, wait: float | None) -> None:
        super().__init__(message, sent=True, hint="try again later")
        self.wait = wait


class Calls:
    """Calls to one forge."""

    def __init__(self, send: Send, headers: Mapping[str, str], *, refusals: Mapping[int, str]) -> None:
        """`headers`: of every call. `refusals`: the hint for a status."""
        self._send = send
        self._headers = headers
        self._refusals = refusals

    def __call__(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> tuple[Any, Mapping[str, str]]:
        """The JSON of the answer, and its headers.

        Raises:
            AccessError, RefusedError: the forge said no.
            TransportError: no usable answer, or not now.
            ResponseError: the answer is not JSON, or a redirect.
        """
        headers = dict(self._headers)
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        status, received, answer = self._send(method, url, headers, data)
        call = f"{method} {url}"
        if not 200 <= status < 300:
            raise self._refused(call, status, received, answer)
        try:
            return json.loads(answer), received
        except (ValueError, RecursionError) as error:
            msg = f"The answer to {call} is not JSON."
            raise ResponseError(msg) from error

    def _refused(self, call: str, status: int, headers: Mapping[str, str], body: bytes) -> Exception:
        message = f"{call} was answered with {status}{_said(body)}."
        hint = self._refusals.get(status)
        asked = _seconds(headers.get("retry-after"))
        # GitHub answers 403 as well as 429 to whoever calls too often (its "Rate limits for the REST API").
        if status in _PASSING or (status == 403 and asked is not None):
            return PassingError(message, wait=asked)
        if 300 <= status < 400:
            return ResponseError(message, hint="redirects are never followed, for the token would go with them")
        if status in {401, 403}:
            return AccessError(message, status=status, hint=hint)
        return RefusedError(message, status=status, hint=hint)


def _said(body: bytes) -> str:
    """What an error body says, in quotes; both forges put it under `message` or `error`."""
    try:
        data = json.loads(body[:65536])
    except (ValueError, RecursionError):
        return ""
    said = (data.get("message") or data.get("error")) if isinstance(data, dict) else None
    if isinstance(said, dict | list):  # GitLab tells what is wrong with each of several parameters
        said = json.dumps(said, ensure_ascii=False)
    return f': "{printable(said, 200)}"' if isinstance(said, str) and said else ""


def _seconds(text: str | None) -> float | None:
    return min(float(text), _LONGEST_WAIT) if text is not None and text.isdecimal() and text.isascii() else None

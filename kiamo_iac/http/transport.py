"""A transport that stays within the process: calls go straight to a function, such as the emulator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar
from urllib.parse import parse_qsl

import httpx


class Reply(Protocol):
    """What the function answers."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers."""

    @property
    def body(self) -> bytes:
        """The whole body."""


R = TypeVar("R")


class InProcess(httpx.BaseTransport, Generic[R]):
    """Hands every request to `handle`, from whichever thread makes the call.

    `request` makes what `handle` takes out of a method, a percent-encoded path, the query, the headers and the body.
    """

    def __init__(
        self,
        handle: Callable[[R], Reply],
        *,
        request: Callable[[str, str, Mapping[str, str], Mapping[str, str], bytes], R],
    ) -> None:
        self._handle = handle
        self._request = request

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of the function."""
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        fields = dict(parse_qsl(query, keep_blank_values=True))
        reply = self._handle(self._request(request.method, path, fields, dict(request.headers), request.read()))
        return httpx.Response(reply.status, headers=dict(reply.headers), stream=httpx.ByteStream(reply.body))

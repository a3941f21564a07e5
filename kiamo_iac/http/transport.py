"""Replacements of the network: the type of a transport, and one that passes calls to a function in the same process,
such as the emulator's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeAlias, TypeVar
from urllib.parse import parse_qsl

import httpx

Transport: TypeAlias = httpx.BaseTransport
"""A caller hands requests to one, and reads its responses."""


class Reply(Protocol):
    """What the function returns."""

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
        """The function's reply."""
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        fields = dict(parse_qsl(query, keep_blank_values=True))
        reply = self._handle(self._request(request.method, path, fields, dict(request.headers), request.read()))
        return httpx.Response(reply.status, headers=dict(reply.headers), stream=httpx.ByteStream(reply.body))

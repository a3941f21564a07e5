"""The parts of a call: request, response, endpoint and secret, and the protocol of a caller. This module does not
import httpx, which takes long: ledger and forge import it at their top."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, Self
from urllib.parse import quote, quote_plus

from kiamo_iac.core.errors import KiamoIacError, UsageError
from kiamo_iac.core.secret import HIDDEN, Secret

_NO_HEADERS: Final[Mapping[str, str]] = {}
_SENDABLE: Final = re.compile(r"[\x21-\x7e]+")
"""Checked here, because h11 quotes the value that it refuses."""


class Meter(Protocol):
    """Counts the bytes that a run reads. Both methods raise a BudgetError beyond the limit."""

    def check(self) -> None:
        """Before each attempt."""

    def count(self, size: int) -> None:
        """While the body is read: so many bytes of it have come."""


class CallWitness(Protocol):
    """Sees every attempt of a call that writes."""

    def sending(self, method: str, path: str, /) -> int:
        """An attempt is about to be sent; returns its number."""

    def answered(self, n: int, status: int | None, error: str, /) -> None:
        """Attempt number `n` is over; `status` None: no whole response came, for the reason `error`; 0: it was not
        sent."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call, however often it is attempted."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS, repr=False)
    """Beside those that every call has. The secret is not among them: the caller adds it."""
    body: bytes | None = field(default=None, repr=False)
    name: str = ""
    """In messages and in the log; left out, method and path: `GET /api/bases/7/fields`."""
    meter: Meter | None = None
    write: bool | None = None
    """Whether it may change anything; None: unless it is a GET."""

    @property
    def is_write(self) -> bool:
        """Whether it may change anything."""
        return self.method != "GET" if self.write is None else self.write

    @property
    def path(self) -> str:
        """The path as it is written, without the query."""
        parts = self.url.partition("?")[0].split("/", 3)
        return f"/{parts[3]}" if len(parts) > 3 else "/"

    def __str__(self) -> str:
        return self.name or f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Response:
    """A whole response of any status, read within deadline and size limit. Redirects are responses like others."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """Found by their names in lower case."""
    body: bytes = field(repr=False)
    """After decompression; of a status from 300 on, without the secret that was sent."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How messages name a server and its address."""

    address: str
    """What is to be checked: `the url of the environment`."""
    example: str
    """An address that can be used."""
    owner: str
    """Whose addresses may be called, in the genitive: `the ledger's`."""
    hint: str
    """What to check where a call would go to another address."""
    error: type[KiamoIacError] = UsageError
    """The class of that error."""
    server: str = "the server"
    """Who is waited for."""
    takes_query: bool = True
    """Whether its address may hold a query."""


class Authorization:
    """A secret, and the header that carries it; `query`: the query parameter that carries it too."""

    __slots__ = ("_secret", "header", "query", "value")

    def __init__(self, header: str, value: Secret, secret: Secret, *, query: str | None = None) -> None:
        self.header = header
        self.query = query
        self.value = value
        self._secret = secret

    @classmethod
    def basic(cls, user: str, password: Secret) -> Self:
        """A user and a password, for HTTP's Basic scheme (RFC 7617)."""
        pair = f"{user}:{password.reveal()}".encode()
        return cls("Authorization", Secret(f"Basic {b64encode(pair).decode('ascii')}"), password)

    @classmethod
    def bearer(cls, token: Secret) -> Self:
        """A token, for the Bearer scheme (RFC 6750)."""
        return cls("Authorization", Secret(f"Bearer {_sendable(token).reveal()}"), token)

    @classmethod
    def token(cls, header: str, token: Secret, *, query: str | None = None) -> Self:
        """A token without a scheme, in a header that the server defines, and in a query parameter.

        Raises:
            UsageError: a header cannot carry it.
        """
        return cls(header, _sendable(token), token, query=query)

    def hide(self, text: str) -> str:
        """`text` without the secret."""
        for secret in self._secrets():
            text = text.replace(secret, HIDDEN)
        return text

    def hide_in(self, body: bytes) -> bytes:
        """`body` without the secret."""
        for secret in self._secrets():
            body = body.replace(secret.encode(), HIDDEN.encode())
        return body

    def _secrets(self) -> Iterator[str]:
        yield from filter(None, (self.value.reveal(), self._secret.reveal()))
        if self.query is not None:
            yield from filter(None, {quote(self._secret.reveal(), safe=""), quote_plus(self._secret.reveal())})


def _sendable(token: Secret) -> Secret:
    if not _SENDABLE.fullmatch(token.reveal()):
        msg = "The token holds characters that a header cannot carry."
        raise UsageError(msg, hint="a token is one line of printable ASCII characters without spaces")
    return token


class Send(Protocol):
    """Makes a call: `HttpCaller`, or a function that a test puts in its place."""

    def __call__(self, request: Request, /) -> Response:
        """
        Raises:
            TransportError: no usable response came.
            ResponseError: the response cannot be read.
            UsageError: the secret must not be sent to this url; nothing was sent.
        """

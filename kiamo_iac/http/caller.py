"""Calls to a server that is not an instance, such as one that keeps a ledger, or a forge: any method, any answer, one
origin."""

from __future__ import annotations

import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from kiamo_iac import __version__
from kiamo_iac.core.environ import variable
from kiamo_iac.core.errors import ApiError, UsageError
from kiamo_iac.core.ledger_settings import gitlab_state
from kiamo_iac.core.secret import HIDDEN, Secret
from kiamo_iac.core.urls import Origin, origin_of_call, parse_url
from kiamo_iac.http.exchange import Exchange, Received
from kiamo_iac.http.network import Connection, proxy_for, same_origin, trusted
from kiamo_iac.http.retry import CONNECTS, PASSING, Failed, Limits, may_repeat, retry_after, wait_before

LIMITS: Final = Limits(deadline=60.0, patience=60.0, body=128 * 1024 * 1024)
"""A ledger of 250,000 resources, as many as a run reads unless it is set otherwise, is some 100 MB."""
_JOB_USER: Final = "gitlab-ci-token"
"""GitLab's name for whoever holds a job token (its documentation of managed Terraform states)."""
_PRINTABLE: Final = re.compile(r"[\x20-\x7e]+")


class Credentials:
    """A user and a password, for HTTP's Basic scheme (RFC 7617)."""

    __slots__ = ("authorization", "header", "password")

    def __init__(self, user: str, password: Secret) -> None:
        self.header = "Authorization"
        self.password = password
        pair = f"{user}:{password.reveal()}".encode()
        self.authorization = Secret(f"Basic {b64encode(pair).decode('ascii')}")


class Token:
    """A token in a header: `Authorization: Bearer …` (RFC 6750), or a header of the server's own."""

    __slots__ = ("authorization", "header", "password")

    def __init__(self, token: Secret, *, header: str | None = None) -> None:
        self.header = header or "Authorization"
        self.password = token
        self.authorization = token if header is not None else Secret(f"Bearer {token.reveal()}")


class Plain:
    """Calls one server, one call at a time, from any thread. Redirects are never followed, cookies never kept."""

    def __init__(
        self,
        address: str,
        credentials: Credentials | Token | None = None,
        *,
        server: str = "the ledger",
        transport: httpx.BaseTransport | None = None,
        ca_bundle: Path | None = None,
        limits: Limits = LIMITS,
        pause: Callable[[float], object] = time.sleep,
        told: Callable[[str], object] | None = None,
    ) -> None:
        """`address`: of the server; only its origin is ever called. `server`: its name in messages. `transport`: takes
        the place of the network. `pause`: waits that many seconds between repetitions. `told`: is told of every call,
        without a password.

        Raises:
            UsageError: the address is not one that a password may be sent to, or the certificates cannot be read.
        """
        self._server = server
        self._origin = _checked(address, server)
        self._password = credentials.password.reveal().encode() if credentials is not None else b""
        authorization = credentials.authorization if credentials is not None else None
        header = credentials.header if credentials is not None else "Authorization"
        self._exchange = Exchange(header, authorization, limits, f"the address of {server}")
        self._limits = limits
        self._pause = pause
        self._told = told
        self._lock = threading.Lock()
        self._transport = transport or Connection(
            self._origin,
            trust=trusted(ca_bundle) if self._origin.scheme == "https" else None,
            proxy=proxy_for(self._origin),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, /
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and body of the answer, whatever its status. GET is repeated as
        `retry.may_repeat` allows; a call of another method only where it was never sent.

        Raises:
            TransportError: no usable answer came.
            ResponseError: the answer cannot be read.
            UsageError: `url` is of another origin than the address.
        """
        origin = _checked(url, self._server)
        target = httpx.URL(url)
        if origin != self._origin or not same_origin(target, origin):
            msg = f"{origin.host} is another server than that of {self._server}'s address."
            raise UsageError(msg, hint=f"all addresses of {self._server} have one scheme, host and port")
        received = self._until_answered(method, target, headers=headers, body=body)
        answer = received.body
        if received.status >= 300 and self._password:
            answer = answer.replace(self._password, HIDDEN.encode())
        return received.status, {key.lower(): value for key, value in received.headers.items()}, answer

    def _until_answered(
        self, method: str, target: httpx.URL, *, headers: Mapping[str, str], body: bytes | None
    ) -> Received:
        attempt, begun = 1, time.monotonic()
        while True:
            reply = self._once(method, target, headers=headers, body=body)
            failed = reply if isinstance(reply, Failed) else _passing(reply)
            if failed is None or not may_repeat(method, failed) or attempt >= CONNECTS:
                break
            wait = wait_before(attempt, failed)
            if time.monotonic() - begun + wait > self._limits.patience:
                break
            self._pause(wait)
            attempt += 1
        if isinstance(reply, Failed):
            raise reply.error
        return reply

    def _once(
        self, method: str, target: httpx.URL, *, headers: Mapping[str, str], body: bytes | None
    ) -> Received | Failed:
        sent = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": f"kiamo-iac/{__version__}"}
        request = httpx.Request(method, target, headers={**sent, **headers}, content=body)
        call = f"{method} {target.raw_path.partition(b'?')[0].decode('ascii')}"  # as it is sent: acme%2Ftelephony
        with self._lock:
            received = self._exchange.make(self._transport, request, call=call)
        if self._told is not None:
            self._told(f"{call}: {'no answer' if isinstance(received, Failed) else received.status}")
        return received


def credentials_for(address: str, environ: Mapping[str, str], *, prefix: str) -> Credentials | None:
    """What the environment has for the server of `address`: `<prefix>_LEDGER_USERNAME` and `<prefix>_LEDGER_PASSWORD`
    (or `…_PASSWORD_FILE`); else, for a managed state of the GitLab that runs this pipeline, the token of the job; else
    None. Whether they may go there at all, `manifest.pins` has said before.

    Raises:
        UsageError: half of them is there, or the address is not one that a password may be sent to.
    """
    _checked(address)
    user, password = variable(environ, f"{prefix}_LEDGER_USERNAME"), _password(environ, f"{prefix}_LEDGER_PASSWORD")
    if user is not None and password is not None:
        return Credentials(user, password)
    if user is not None or password is not None:
        msg = f"Only one of {prefix}_LEDGER_USERNAME and {prefix}_LEDGER_PASSWORD is set."
        raise UsageError(msg, hint="set both, or neither")
    token, gitlab = environ.get("CI_JOB_TOKEN"), environ.get("CI_API_V4_URL")
    if token and gitlab and _is_state_of(gitlab, address):
        return Credentials(_JOB_USER, Secret(token))
    return None


def _is_state_of(gitlab: str, address: str) -> bool:
    """Whether a managed state of this GitLab's API is meant: its host may serve other things too, and the job's token
    opens more of the API."""
    try:
        api, state = parse_url(gitlab), parse_url(address)
    except ValueError:  # a GitLab on plain http, where no ledger is kept
        return False
    below = state.path.startswith(f"{api.path.rstrip('/')}/projects/")
    return state.origin == api.origin and below and gitlab_state(address) == address


def _password(environ: Mapping[str, str], name: str) -> Secret | None:
    value, file = variable(environ, name), variable(environ, f"{name}_FILE")
    if value is not None and file is not None:
        msg = f"Both {name} and {name}_FILE are set."
        raise UsageError(msg, hint="set one of them")
    if file is not None:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            msg = f"The file that {name}_FILE names cannot be read."
            raise UsageError(msg) from None
    if value is not None and not _PRINTABLE.fullmatch(value):
        msg = f"{name} holds characters that a password of HTTP cannot have, or nothing."
        raise UsageError(msg)
    return Secret(value) if value is not None else None


def _passing(received: Received) -> Failed | None:
    if received.status not in PASSING:
        return None
    wait = retry_after(received.headers.get("retry-after"))
    return Failed(ApiError(f"{received.status}"), status=received.status, wait=wait)


def _checked(address: str, server: str = "the ledger") -> Origin:
    """The origin of an address, when a password may be sent there: https, or http to loopback.

    Raises:
        UsageError: it may not.
    """
    try:
        return origin_of_call(address)
    except ValueError as error:
        example = "api/v4/projects/1/terraform/state/kiamo" if server == "the ledger" else "api/v4"
        msg = f"The address of {server} cannot be used: {error}."
        raise UsageError(msg, hint=f"write it as https://gitlab.example.com/{example}") from error

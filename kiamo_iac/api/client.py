"""The call: an operation of the contract made over HTTP, and its answer or a typed error."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import httpx

from kiamo_iac import __version__
from kiamo_iac.api.budget import Budget
from kiamo_iac.api.response import ApiResponse, dig, refusal
from kiamo_iac.contract.model import Contract, Operation
from kiamo_iac.contract.outgoing import refused_id
from kiamo_iac.core.errors import AccessError, ApiError, BudgetError, ResponseError, UsageError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.core.urls import Origin, origin_of
from kiamo_iac.http.exchange import Exchange, Received
from kiamo_iac.http.network import Connection, proxy_for, same_origin, trusted
from kiamo_iac.http.retry import CONNECTS, PASSING, Failed, Limits, may_repeat, retry_after, wait_before

Ids = Mapping[str, str | int]
"""Placeholder of the contract → id: `id` the thing's own, a kind's name its parent's."""

_HEADERS = httpx.Headers(
    {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": f"kiamo-iac/{__version__}"}
)
_HEADERS_OF_A_BODY = httpx.Headers([*_HEADERS.raw, (b"Content-Type", b"application/json")])


class _Call(NamedTuple):
    """One call, as often as it is made."""

    name: str
    """In messages: `GET /api/bases/7/fields`."""
    method: str
    target: str
    """Its whole address."""
    content: bytes | None
    is_list: bool
    rows_at: str | None
    """Where a list answer holds its rows; None: it is the list itself."""

    @property
    def is_read(self) -> bool:
        return self.method == "GET"


_SENDABLE = re.compile(r"[\x21-\x7e]+")
"""Checked here, for h11 would quote the value that it refuses."""


class Client:
    """Calls one instance, from as many threads as wanted.

    Each call in flight has a connection of its own, kept for the next call (one httpx transport a thread was measured
    fastest; a stack of them is the same, and serves readers and writers in turn). All share one TLS context.
    Redirects are never followed, cookies never kept, and of the environment only proxies are looked at (see
    `network.proxy_for`): no .netrc, no certificates.
    """

    def __init__(
        self,
        url: str,
        token: Secret,
        contract: Contract,
        *,
        transport: httpx.BaseTransport | None = None,
        ca_bundle: Path | None = None,
        limits: Limits | None = None,
        budget: Budget | None = None,
        pause: Callable[[float], object] | None = None,
        told: Callable[[str], object] | None = None,
    ) -> None:
        """`transport`: takes the place of the network; it must bear calls from several threads. `budget`: of the
        run that this client is part of; left out, one of its own. `pause`: waits that many seconds between repetitions.
        `told`: is told of every call that was made, in one line without a token.

        Raises:
            UsageError: the url is not one that a token may be sent to, the token is not one that can be sent, or the
                certificates cannot be read.
        """
        if not _SENDABLE.fullmatch(token.reveal()):
            msg = "The token holds characters that a header cannot carry."
            raise UsageError(msg, hint="a token is 40 hexadecimal characters on one line")
        self.url = url
        self.contract = contract
        self._budget = budget or Budget()
        self._limits = limits or Limits(body=self._budget.largest_answer)
        self._origin = _checked(url)
        self._base = url.rstrip("/") + contract.prefix.path
        self._exchange = Exchange(contract.auth.header, token, self._limits)
        self._closing = threading.Event()
        self._pause = pause or self._closing.wait
        self._told = told
        self._idle: deque[httpx.BaseTransport] = deque()
        self._given = transport
        if transport is None:
            self._trust = trusted(ca_bundle) if self._origin.scheme == "https" else None
            self._proxy = proxy_for(self._origin)

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection, those in flight when their call is over, and end the waits between repetitions."""
        self._closing.set()
        self._drop_idle()

    def call(
        self,
        kind: str,
        operation: str,
        ids: Ids | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
    ) -> ApiResponse:
        """Make the contract's `operation` of `kind`; `body` (by wire names) and `query` go beside what it fixes.

        Raises:
            TransportError: no usable answer came.
            BudgetError: the run would read more than it may.
            ResponseError: the answer is not what an API says: a redirect, HTML, JSON that is not strict, too large.
            RefusedError: the instance said no; AccessError when it was the token that may not.
            ApiError: the contract has no such operation.
        """
        made = self._operation(kind, operation)
        for id_ in (ids or {}).values():
            if why := refused_id(id_):
                shown = printable(str(id_), 60)
                msg = f'{made.method} {made.path} was not made: the id "{shown}" {why}.'
                raise ResponseError(msg, hint="look at what the instance answers: such an id cannot stand in a path")
        path, fixed_query, fixed_body = made.render(ids or {})
        target = self._base + path
        if fields := {**fixed_query, **(query or {})}:
            target += "?" + urlencode(fields)
        content = self._content(made, {**(body or {}), **fixed_body}, wanted=body is not None)
        name = f"{made.method} {self.contract.prefix.path}{path}"
        listing = self.contract.kinds[kind].listing
        call = _Call(name, made.method, target, content, is_list=operation == "list", rows_at=listing.items)
        reply = self._until_answered(call)
        if isinstance(reply, Failed):
            raise reply.error
        return reply

    def _operation(self, kind: str, operation: str) -> Operation:
        stanza = self.contract.kinds.get(kind)
        if stanza is None or operation not in stanza.operations:
            raise ApiError(
                f'The contract has no operation "{operation}" of a {kind}.',
                hint=f"declare it under kinds.{kind}.operations.{operation} in {self.contract.origin}",
            )
        return stanza.operations[operation]

    def _content(self, operation: Operation, body: Mapping[str, Any], *, wanted: bool) -> bytes | None:
        if not body and not wanted:
            return None
        try:
            return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except ValueError as error:
            reason = "half of a surrogate pair" if isinstance(error, UnicodeError) else "a number that is not finite"
            msg = f"The body of {operation.method} {operation.path} holds {reason}, which JSON cannot carry."
            raise ApiError(msg) from None

    def _until_answered(self, call: _Call) -> ApiResponse | Failed:
        """The one place that makes a call again. Whether it may is for `retry.may_repeat` to say."""
        attempt, waited, begun = 1, 0.0, time.monotonic()
        while True:
            reply = self._once(call)
            if isinstance(reply, ApiResponse) or not may_repeat(call.method, reply):
                return reply
            if not reply.sent and attempt >= CONNECTS:
                return reply
            wait = wait_before(attempt, reply)
            if max(waited, time.monotonic() - begun) + wait > self._limits.patience:
                return self._impatient(reply, call.name)
            if self._pause(wait) or self._closing.is_set():
                return reply
            waited += wait
            attempt += 1

    def _impatient(self, failed: Failed, name: str) -> Failed:
        if failed.wait is not None and failed.error.hint is None:
            failed.error.hint = f"the instance asked to wait {failed.wait:.0f} s before {name} is made again: try later"
        return failed

    def _once(self, call: _Call) -> ApiResponse | Failed:
        headers = _HEADERS if call.content is None else _HEADERS_OF_A_BODY
        try:
            request = httpx.Request(call.method, call.target, headers=headers, content=call.content)
        except httpx.InvalidURL:
            msg = f"{printable(call.name, 200)} was not made: its address is too long."
            raise ApiError(msg, hint=f"look at the paths of {self.contract.origin}") from None
        self._check_address(request.url, call)
        spend = None
        if call.is_read:  # of a write that was made, the answer is read whatever it costs
            self._budget.check(call.name)
            spend = partial(self._budget.received, call.name, call.target)
        transport, begun = self._borrow(), time.monotonic()
        try:
            received = self._exchange.make(transport, request, call=call.name, spend=spend)
        finally:
            self._give_back(transport)
        if self._told is not None:
            ended = "no answer" if isinstance(received, Failed) else f"{received.status}"
            self._told(f"{call.name}: {ended}, {(time.monotonic() - begun) * 1000:.0f} ms")
        return received if isinstance(received, Failed) else self._understood(received, call)

    def _check_address(self, url: httpx.URL, call: _Call) -> None:
        """A last look at what httpx is about to call: it takes dot segments out of a path, for one.

        Raises:
            ApiError: it is another address than the contract's; nothing is sent.
        """
        path = "/" + call.target.split("/", 3)[3]
        if url.raw_path.decode("ascii") != path or not same_origin(url, self._origin):
            msg = f"{call.name} was not made: it would go to another address than the contract's."
            raise ApiError(msg, hint=f"look at the paths of {self.contract.origin}")

    def _understood(self, received: Received, call: _Call) -> ApiResponse | Failed:
        status, name = received.status, call.name
        if 200 <= status < 300:
            try:
                return ApiResponse(name, status, self._parsed(received.body, call))
            except BudgetError as spent:
                return Failed(spent, lasting=True, status=status)
            except ValueError as wrong:
                text = f"{name} was answered with {status} and a body that is not the JSON of an API: {wrong}."
                hint = (
                    "check the url of the environment and the contract's prefix: something else may be answering there"
                )
                return Failed(ResponseError(text, hint=hint), lasting=True, status=status)
        if status < 400 or status > 599:
            where = printable(received.headers.get("location", ""), 100)
            text = f"{name} was answered with {status}" + (f', pointing at "{where}"' if where else "")
            hint = "redirects are never followed, since the token would go along: give the environment its final url"
            return Failed(ResponseError(f"{text}.", hint=hint), lasting=True, status=status)
        error = refusal(name, status, body=received.body, errors=self.contract.errors)
        wait = retry_after(received.headers.get("retry-after")) if status in PASSING else None
        return Failed(error, lasting=isinstance(error, AccessError), status=status, wait=wait)

    def _parsed(self, body: bytes, call: _Call) -> Any:
        """
        Raises:
            BudgetError: the run would read more than it may.
            ValueError: the body is not JSON as strict_json reads it.
        """
        if not body.strip():
            return None
        with self._budget.parsing(body):
            if not call.is_read:
                self._budget.weigh_write(body)
                return parse_json(body)
            self._budget.weigh(call.name, call.target, body, rows_at=call.rows_at, is_list=call.is_list)
            data = parse_json(body)
            if call.is_list and isinstance(rows := dig(data, call.rows_at), list):
                self._budget.listed(call.name, call.target, len(rows))
        return data

    def _borrow(self) -> httpx.BaseTransport:
        if self._given is not None:
            return self._given
        try:
            return self._idle.pop()
        except IndexError:
            return Connection(self._origin, trust=self._trust, proxy=self._proxy)

    def _give_back(self, transport: httpx.BaseTransport) -> None:
        if transport is self._given:
            return
        self._idle.append(transport)
        if self._closing.is_set():
            self._drop_idle()

    def _drop_idle(self) -> None:
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # another thread was faster
                return


def _checked(url: str) -> Origin:
    """The origin of a url, when a token may be sent there: https, or http to loopback (a second line of defence behind
    the project file's own check).

    Raises:
        UsageError: it may not.
    """
    try:
        origin = origin_of(url)
        if not same_origin(httpx.URL(url), origin):
            msg = "it can be read in two ways"
            raise ValueError(msg)
    except (ValueError, httpx.InvalidURL) as error:
        msg = f"The url of the environment cannot be used: {error}."
        raise UsageError(msg, hint="write it as https://kiamo.example.com") from error
    return origin

"""The one HTTP caller: it calls one origin, with a secret, within a deadline and a size limit, and repeats a call where
that is safe. It follows no redirects, keeps no cookies, and reads only proxies from the environment."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from kiamo_iac import __version__
from kiamo_iac.core.errors import KiamoIacError, TransportError, UsageError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.urls import Origin, origin_of, origin_of_call
from kiamo_iac.http.attempt import attempt
from kiamo_iac.http.message import Authorization, CallWitness, Endpoint, Request, Response
from kiamo_iac.http.network import Connection, proxy_for, same_origin, trusted
from kiamo_iac.http.pacing import TURN, Gate, Permit, waiting
from kiamo_iac.http.retry import CONNECTS, FailedAttempt, Limits, may_repeat, passing, wait_before

_HEADERS: Final = httpx.Headers(
    {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": f"kiamo-iac/{__version__}"}
)


class HttpCaller:
    """Calls one server. Safe under threads.

    Each call in flight has a connection of its own, kept for the next call (one httpx transport a thread was
    measured fastest; a stack of transports is as fast). All share one TLS context.
    """

    def __init__(
        self,
        address: str,
        endpoint: Endpoint,
        authorization: Authorization | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        ca_bundle: Path | None = None,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        gate: Gate | None = None,
        witness: CallWitness | None = None,
        stop: threading.Event | None = None,
        show: Callable[[str], object] | None = None,
        pause: Callable[[float], object] | None = None,
        log: Callable[[str], object] | None = None,
    ) -> None:
        """`address`: of the server; only its origin is ever called. `transport`: takes the place of the network; it
        must be safe under threads. `ca_bundle`: the authorities that certificates are checked against; None:
        the system's. `gate`: every attempt passes it; shared by all callers of a run. `witness`: sees each attempt
        that writes. `stop`: ends the waits once it is set; calls that need not wait are still made. `show`: is given a
        line of text for each wait of a second or more; unused with a `gate`, which has its own. `pause`: replaces the
        waits between attempts (tests). `log`: is given one line for each attempt, without the secret and without the
        query.

        Raises:
            UsageError: the address is not one that a secret may be sent to, or the certificates cannot be read.
        """
        self._endpoint = endpoint
        self._origin = origin_for(address, endpoint)
        self._authorization = authorization
        self._limits = limits
        self._gate = gate
        self._witness = witness
        self._closing = threading.Event()
        self._stop = stop or self._closing
        self._show = show
        self._pause = pause
        self._log = log
        self._idle: deque[httpx.BaseTransport] = deque()
        self._given = transport
        if transport is None:
            self._trust = trusted(ca_bundle) if self._origin.scheme == "https" else None
            self._proxy = proxy_for(self._origin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection, those in flight when their call is over, and end the waits between attempts."""
        self._closing.set()
        self._drop_idle()

    def __call__(self, request: Request, /) -> Response:
        """The response, whatever its status. A call is repeated as `retry.may_repeat` allows.

        Raises:
            TransportError: no usable response came.
            ResponseError: the response cannot be read.
            BudgetError: as the request's meter says.
            BusyError: the gate is closed for longer than the run may wait.
            KiamoIacError: the call would go to another address than the server's; of the class that `Endpoint` names.
        """
        outcome = self._with_retries(request)
        if isinstance(outcome, FailedAttempt):
            raise outcome.error
        return outcome

    def _with_retries(self, request: Request) -> Response | FailedAttempt:
        """Attempt the call until it succeeds, must not be repeated, or `Limits` end the attempts."""
        attempts, spent, outcome = 0, 0.0, None
        while True:
            permit = self._enter(request, again=attempts > 0)
            if permit is None and self._gate is not None:
                return outcome or _stopped(request)
            begun = time.monotonic()
            outcome, failed = self._attempt(request, permit)
            attempts += 1
            if failed is None or not may_repeat(request.method if request.is_write else "GET", failed):
                return outcome
            most = self._limits.most(failed) if failed.sent or self._is_reached() else CONNECTS
            if most is not None and attempts >= most:
                return outcome
            wait = 0.0 if self._is_held(request, failed) else wait_before(attempts, failed)
            spent += time.monotonic() - begun + wait
            if spent > self._limits.patience or not self._rest(wait, request, failed):
                return outcome

    def _attempt(
        self, request: Request, permit: Permit | None
    ) -> tuple[Response | FailedAttempt, FailedAttempt | None]:
        """The outcome of one attempt, and the failure where it is one that may pass. The gate is notified of it."""
        try:
            outcome = self._send(request)
        except BaseException:
            if self._gate is not None and permit is not None:
                self._gate.abandoned(permit)
            raise
        failed = outcome if isinstance(outcome, FailedAttempt) else passing(outcome)
        if self._gate is not None and permit is not None:
            if failed is None:
                self._gate.succeeded(permit)
            else:
                self._gate.failed(permit, failed)
        return outcome, failed

    def _send(self, request: Request) -> Response | FailedAttempt:
        built = self._build(request)
        if request.meter is not None:
            request.meter.check()
        witness = self._witness if request.is_write else None
        n = witness.sending(request.method, request.path) if witness is not None else 0
        transport, begun = self._acquire(), time.monotonic()
        try:
            outcome = attempt(
                transport,
                built,
                call=str(request),
                authorization=self._authorization,
                limits=self._limits,
                checked=self._endpoint.address,
                meter=request.meter,
            )
        finally:
            self._release(transport)
        if witness is not None:
            if isinstance(outcome, FailedAttempt):
                witness.answered(n, None if outcome.sent else 0, str(outcome.error))
            else:
                witness.answered(n, outcome.status, "")
        if self._log is not None:
            status = "no answer" if isinstance(outcome, FailedAttempt) else outcome.status
            self._log(f"{request}: {status}, {(time.monotonic() - begun) * 1000:.0f} ms")
        return outcome

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _enter(self, request: Request, *, again: bool) -> Permit | None:
        if self._gate is None:
            return None
        return self._gate.enter(str(request), write=request.is_write, again=again, ended=self._is_ended)

    def _is_reached(self) -> bool:
        """Whether the server has answered before in this run: then it is waited for, as for one that answers 503."""
        return self._gate is not None and self._gate.reached

    def _is_held(self, request: Request, failed: FailedAttempt) -> bool:
        """Whether the gate holds the next attempt for long enough."""
        return self._gate is not None and (failed.wait is not None or self._gate.holds(write=request.is_write))

    def _is_ended(self) -> bool:
        return self._closing.is_set() or self._stop.is_set()

    def _rest(self, seconds: float, request: Request, failed: FailedAttempt) -> bool:
        """Wait between two attempts; False: the waits are ended."""
        if self._gate is not None:
            return self._gate.rest(seconds, call=str(request), why=failed, ended=self._is_ended)
        if self._show is not None and seconds >= 1:
            self._show(waiting(seconds, failed.reason(self._endpoint.server)))
        if self._pause is not None:
            self._pause(seconds)
            return not self._is_ended()
        until = time.monotonic() + seconds
        while not self._is_ended() and (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, TURN))
        return not self._is_ended()

    def _build(self, request: Request) -> httpx.Request:
        """The request of httpx, whose address is compared once more: httpx removes dot segments from a path. (It also
        percent-encodes a query, which does not change the target.)"""
        headers = _HEADERS
        if request.headers:
            headers = _HEADERS.copy()
            headers.update(request.headers)
        try:
            built = httpx.Request(request.method, request.url, headers=headers, content=request.body)
        except httpx.InvalidURL:
            raise self._refusal(request, "its address is too long, or not a URL") from None
        if not same_origin(built.url, self._origin) or built.url.raw_path.partition(b"?")[0] != request.path.encode():
            raise self._refusal(request, f"it would go to another address than {self._endpoint.owner}")
        return built

    def _refusal(self, request: Request, why: str) -> KiamoIacError:
        return self._endpoint.error(f"{printable(str(request), 200)} was not made: {why}.", hint=self._endpoint.hint)

    def _acquire(self) -> httpx.BaseTransport:
        if self._given is not None:
            return self._given
        try:
            return self._idle.pop()
        except IndexError:
            return Connection(self._origin, trust=self._trust, proxy=self._proxy)

    def _release(self, transport: httpx.BaseTransport) -> None:
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


def _stopped(request: Request) -> FailedAttempt:
    msg = f"{request} was not made: the run was stopped while it waited to make this call."
    return FailedAttempt(TransportError(msg, sent=False, hint="run plan to see what is left to do"), sent=False)


def origin_for(address: str, endpoint: Endpoint) -> Origin:
    """The origin of an address that a secret may be sent to: https, or http to loopback.

    Raises:
        UsageError: it may not.
    """
    try:
        origin = origin_of_call(address) if endpoint.takes_query else origin_of(address)
        if not same_origin(httpx.URL(address), origin):
            msg = "it can be read in two ways"
            raise ValueError(msg)
    except (ValueError, httpx.InvalidURL) as error:
        start = endpoint.address[:1].upper() + endpoint.address[1:]
        msg = f"{start} cannot be used: {error}."
        raise UsageError(msg, hint=f"write it as {endpoint.example}") from error
    return origin

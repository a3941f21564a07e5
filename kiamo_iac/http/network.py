"""One connection to a server, on which every wait, also within the headers, ends at the deadline of the call.

httpx limits each single read, so a slow response can take unlimited time, and it accepts no network backend. So this
transport is built on httpcore, which httpx uses itself and whose backend is part of its public interface.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.urls import Origin

DEADLINE = "kiamo_iac.deadline"
"""Key of `httpx.Request.extensions`: when the call must be over, in seconds of `time.monotonic`."""
CONNECT_SECONDS = 10.0
"""Longest wait for one address of the host to accept the connection."""
IDLE_SECONDS = 4.0
"""An idle connection is not used again after this. Less than the 5 s after which common servers close it: a write that
meets a closing connection has an unknown outcome."""
PROVEN: Final = 8
"""Calls that a connection has carried, after which the server is known to keep it."""
FRESH_SECONDS: Final = 0.1
"""A kept connection is as good as in use for so long behind a call."""


class _Usage:
    """When the call now on the connection must be over, and what the connection has carried. One call at a time."""

    __slots__ = ("_at", "_carried", "_ended", "is_unchecked")

    def __init__(self) -> None:
        self._at = float("inf")
        self._carried = 0
        self._ended = 0.0
        self.is_unchecked = False
        """Whether the connection is used without a look at whether the server has closed it, which is a system call. A
        write always needs that look, as its outcome would be unknown; a read is repeated."""

    def connected(self) -> None:
        """The connection is a new one."""
        self._carried = 0

    def begin(self, request: httpx.Request) -> None:
        """A call is to be sent."""
        self._at = request.extensions.get(DEADLINE, float("inf"))
        self.is_unchecked = (
            request.method == "GET" and self._carried >= PROVEN and time.monotonic() - self._ended < FRESH_SECONDS
        )

    def end(self) -> None:
        """The response was read, or is no longer read. The next call decides whether to look at the connection."""
        self._carried += 1
        self._ended = time.monotonic()
        self.is_unchecked = True

    def left(self, expired: type[httpcore.TimeoutException], timeout: float | None) -> float | None:
        """The seconds left, or `timeout` when that is less.

        Raises:
            httpcore.TimeoutException: none are left; of the class `expired`.
        """
        if self._at == float("inf"):
            return timeout
        left = self._at - time.monotonic()
        if left <= 0:
            msg = "the deadline of the call has passed"
            raise expired(msg)
        return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    """Makes few system calls: each releases the GIL, and with many calls in flight the thread then waits for
    it (a tenth of the time for reading was spent there)."""

    __slots__ = ("_inner", "_socket", "_timeout", "_tls", "_usage")

    def __init__(self, inner: httpcore.NetworkStream, usage: _Usage, *, tls: int = 0) -> None:
        """`tls`: how many layers of it there are; with two, as to an https proxy, the socket is not the stream."""
        self._inner = inner
        self._usage = usage
        self._tls = tls
        self._socket: Any = inner.get_extra_info("socket") if tls < 2 else None
        self._timeout = -1.0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._usage.left(httpcore.ReadTimeout, timeout)
        if self._socket is None:
            return self._inner.read(max_bytes, left)
        try:
            self._limit(left)
            received: bytes = self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(error) from error
        except OSError as error:
            raise httpcore.ReadError(error) from error
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._usage.left(httpcore.WriteTimeout, timeout)
        if not buffer:  # httpcore ends every message with one
            return
        if self._socket is None:
            self._inner.write(buffer, left)
            return
        try:
            self._limit(left)
            self._socket.sendall(buffer)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(error) from error
        except OSError as error:
            raise httpcore.WriteError(error) from error

    def _limit(self, left: float | None) -> None:
        """Set the timeout of the socket, unless the one that it has is at most a hundredth longer."""
        if left is None:
            self._socket.settimeout(None)
            self._timeout = -1.0
        elif not left <= self._timeout <= left * 1.01:
            self._timeout = left * 1.005
            self._socket.settimeout(self._timeout)

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._usage.left(httpcore.ConnectTimeout, timeout)
        secure = self._inner.start_tls(ssl_context, server_hostname, left)
        return _Stream(secure, self._usage, tls=self._tls + 1)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._usage.is_unchecked:
            return False
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, usage: _Usage) -> None:
        self._inner = httpcore.SyncBackend()
        self._usage = usage

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self._usage.connected()
        left = self._usage.left(httpcore.ConnectTimeout, timeout or CONNECT_SECONDS)
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._usage)


class _Body(httpx.SyncByteStream):
    def __init__(self, inner: Any, usage: _Usage) -> None:
        self._inner = inner
        self._usage = usage

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._inner
        except _FAILURES as error:
            raise _as_httpx(error) from None

    def close(self) -> None:
        self._usage.end()
        self._inner.close()


class Connection(httpx.BaseTransport):
    """One connection to one origin, made when it is needed and kept while it is in use; for one call at a time."""

    def __init__(self, origin: Origin, *, trust: ssl.SSLContext | None = None, proxy: str | None = None) -> None:
        """`trust`: needed for https only. `proxy`: see `proxy_for`."""
        self._origin = origin
        self._usage = _Usage()
        pool: dict[str, Any] = {
            "ssl_context": trust,
            "max_connections": 1,
            "keepalive_expiry": IDLE_SECONDS,
            "network_backend": _Backend(self._usage),
        }
        self._pool = httpcore.ConnectionPool(**pool) if proxy is None else _proxy_pool(proxy, pool)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it; the body is read by the caller, from `stream`, as it came over the wire.

        Raises:
            httpx.TransportError: no usable response; the subclass says when it failed.
            ValueError: it is for another origin; nothing was sent.
        """
        if not same_origin(request.url, self._origin):
            msg = f"this connection is only to {self._origin}"
            raise ValueError(msg)
        self._usage.begin(request)
        url = request.url
        sent = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.read() or None,
        )
        try:
            answer = self._pool.handle_request(sent)
        except _FAILURES as error:
            raise _as_httpx(error) from None
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream, self._usage))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()


_FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError)


def _as_httpx(error: Exception) -> httpx.TransportError:
    """httpx has an exception of the same name for each of httpcore's."""
    name: type[httpx.TransportError] = getattr(httpx, type(error).__name__, httpx.TransportError)
    return name(str(error))


def _proxy_pool(proxy: str, pool: dict[str, Any]) -> httpcore.HTTPProxy:
    url = httpx.URL(proxy)
    return httpcore.HTTPProxy(
        proxy_url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
        proxy_auth=(url.username, url.password) if url.username else None,
        proxy_ssl_context=pool["ssl_context"] if url.scheme == "https" else None,
        **pool,
    )


def trusted(ca_bundle: Path | None = None) -> ssl.SSLContext:
    """What certificates are checked against: only `ca_bundle`, or else the system's authorities (or certifi's).

    The check cannot be turned off.

    Raises:
        UsageError: the bundle cannot be read, or holds no certificate.
    """
    if ca_bundle is None:
        context = ssl.create_default_context()
        if not context.cert_store_stats()["x509_ca"]:
            import certifi

            context.load_verify_locations(certifi.where())
        return context
    try:
        return ssl.create_default_context(cafile=str(ca_bundle))
    except OSError as error:
        msg = f"The certificates of {ca_bundle} cannot be read: {error.strerror or error}."
        raise UsageError(msg, hint="pass --ca-bundle a file of certificates in PEM form") from error


def same_origin(url: httpx.URL, origin: Origin) -> bool:
    """Whether httpx, which makes the call, reads the scheme, host and port that were checked."""
    host = url.raw_host.decode("ascii", "replace")
    if ":" in host:
        import ipaddress

        host = str(ipaddress.IPv6Address(host))
    port = url.port if url.port is not None else {"http": 80, "https": 443}.get(url.scheme)
    return (url.scheme, host, port) == (origin.scheme, origin.host, origin.port) and not url.userinfo


def proxy_for(origin: Origin) -> str | None:
    """The proxy for an origin that environment or system name (`HTTPS_PROXY`, `NO_PROXY`), or None.

    Only for https: there the proxy sees a tunnel, never the token. Plain http goes to loopback only.

    Raises:
        UsageError: the proxy is neither an http nor an https proxy.
    """
    if origin.scheme != "https" or proxy_bypass(origin.host):
        return None
    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy:
        return None
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    if httpx.URL(proxy).scheme not in {"http", "https"}:
        msg = "The proxy for https is neither an http nor an https proxy."
        raise UsageError(msg, hint="set HTTPS_PROXY to an http proxy, or add the host to NO_PROXY")
    return proxy

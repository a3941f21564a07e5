"""One attempt of a request over one transport: the whole response within deadline and size limit, or the failure;
neither contains the secret."""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Iterator
from typing import Any, Final

import httpx

from kiamo_iac.core.errors import BudgetError, ResponseError, TransportError
from kiamo_iac.core.printable import printable
from kiamo_iac.http.message import Authorization, Meter, Response
from kiamo_iac.http.network import DEADLINE
from kiamo_iac.http.retry import FailedAttempt, Limits

_ERROR_BODY: Final = 64 * 1024
"""Bytes of the body of an error response that are read."""
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def attempt(
    transport: httpx.BaseTransport,
    request: httpx.Request,
    *,
    call: str,
    authorization: Authorization | None,
    limits: Limits,
    checked: str,
    meter: Meter | None,
) -> Response | FailedAttempt:
    """Send `request` and read the response. `call`: its name in messages. `checked`: what is to be checked where no
    server answers.

    No exception of httpx is raised, not as a cause either: they contain the request with the secret.
    """
    deadline = time.monotonic() + limits.deadline
    request.extensions[DEADLINE] = deadline
    if authorization is not None:
        request.headers[authorization.header] = authorization.value.reveal()
    url = request.url
    if authorization is not None and authorization.query is not None:
        request.url = url.copy_set_param(authorization.query, authorization.value.reveal())
    try:
        response = transport.handle_request(request)
        try:
            body = b"".join(_chunks(response, deadline=deadline, most=limits.body, meter=meter))
        finally:
            response.close()
    except (httpx.TransportError, OSError, UnicodeError) as error:
        text = str(error) if authorization is None else authorization.hide(str(error))
        text = printable(text, 200) or type(error).__name__
        host = request.url.netloc.decode("ascii")
        return _failure(error, text, call=call, host=host, checked=checked, limits=limits)
    except BudgetError as error:
        return FailedAttempt(error, lasting=True)
    except _UnreadableError as error:
        return FailedAttempt(ResponseError(f"The response to {call} {error}."), lasting=True)
    finally:
        if authorization is not None:
            request.headers.pop(authorization.header, None)
            request.url = url
    if response.status_code >= 300 and authorization is not None:  # messages quote it, and some servers echo the secret
        body = authorization.hide_in(body)
    return Response(response.status_code, response.headers, body)


class _UnreadableError(Exception):
    """The body cannot be read; the message ends a sentence that begins with "The response to …"."""


def _chunks(response: httpx.Response, *, deadline: float, most: int, meter: Meter | None) -> Iterator[bytes]:
    """The body as it was before compression, no more than `most` bytes of it in memory.

    Not httpx's own decoders: they inflate a chunk whole, and 64 KiB of gzip can hold 64 MiB.
    """
    is_error = response.status_code >= 400
    most = _ERROR_BODY if is_error else most
    inflate = _inflater(response.headers.get("content-encoding", "identity"))
    left, begun = most, False
    stream: Any = response.stream
    for raw in stream:
        begun = begun or bool(raw)
        if time.monotonic() > deadline:
            msg = "the deadline of the call has passed"
            raise httpx.ReadTimeout(msg)
        chunk = raw if inflate is None else _inflated(inflate, raw, most=left + 1)
        left -= len(chunk)
        if left < 0 and is_error:
            return
        if left < 0:
            msg = (
                f"is larger than {most // (1024 * 1024)} MiB" if most >= 1024 * 1024 else f"is larger than {most} bytes"
            )
            raise _UnreadableError(msg)
        if meter is not None:
            meter.count(most - left)
        yield chunk
    if inflate is not None and begun and not inflate.eof:  # an empty body is not cut short, whatever the header says
        msg = "the compressed body is incomplete"
        raise httpx.RemoteProtocolError(msg)


def _inflater(encoding: str) -> Any:
    match encoding.strip().lower():
        case "identity" | "":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        case other:
            msg = f'is compressed as "{printable(other, 40)}", which was not requested'
            raise _UnreadableError(msg)


def _inflated(inflate: Any, raw: bytes, *, most: int) -> bytes:
    try:
        chunk: bytes = inflate.decompress(raw, most)
    except zlib.error:
        msg = "says that it is gzip and is not"
        raise _UnreadableError(msg) from None
    if inflate.unused_data:
        msg = "holds more after the end of its gzip"
        raise _UnreadableError(msg)
    return chunk


def _failure(error: Exception, text: str, *, call: str, host: str, checked: str, limits: Limits) -> FailedAttempt:
    """The failure for an exception of httpx."""
    sent = not isinstance(error, (*_NEVER_SENT, UnicodeError))
    hint = None
    lasting = isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError | UnicodeError)
    match error:
        case _ if "CERTIFICATE_VERIFY_FAILED" in text or isinstance(error, ssl.SSLCertVerificationError):
            what = f"the certificate of {host} is not trusted: {text}"
            hint = "pass --ca-bundle FILE with the authority that signed it; the check cannot be skipped"
            lasting = True
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            what = f"{host} did not accept a connection in time"
        case httpx.TimeoutException():
            what = f"no complete response came within {limits.deadline:g} s"
        case httpx.ProxyError():
            what = f"the proxy refused: {text}"
            hint = "check HTTPS_PROXY and NO_PROXY"
        case httpx.ConnectError():
            what = f"no connection to {host}: {text}"
            hint = f"check {checked}, the network, and that the server is running"
        case _:
            what = f"the connection closed before the response was complete: {text}"
    return FailedAttempt(TransportError(f"{call} failed: {what}.", sent=sent, hint=hint), sent=sent, lasting=lasting)

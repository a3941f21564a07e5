"""Checks of the parts of a request that a contract or an instance chooses: the token's header, paths and ids.

A merge request can change the contract. It must not send the token in a header that proxies log or act on, nor
call a path outside of the prefix. Everything is refused that a server or a proxy could read as another path or header.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote, unquote_to_bytes

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
"""A field name of RFC 9110 §5.6.2."""
_RESERVED: Final = frozenset(
    [
        # framing and routing of a message: RFC 9110, 9112, 7230
        "host", "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "http2-settings",
        "expect", "range", "max-forwards", "upgrade-insecure-requests", "date", "via", "forwarded", "location",
        "age", "allow", "server", "vary", "etag", "last-modified", "expires", "retry-after", "www-authenticate",
        "authentication-info", "warning", "link", "refresh", "priority", "prefer", "early-data",
        # stored, cached or logged by servers, proxies and browsers
        "cookie", "cookie2", "set-cookie", "set-cookie2", "user-agent", "referer", "referrer", "origin", "from",
        "cache-control", "pragma", "dnt", "save-data", "clear-site-data", "report-to", "nel", "alt-svc",
        "alt-used", "strict-transport-security", "traceparent", "tracestate", "baggage", "b3", "x-request-id",
        "x-correlation-id", "request-id", "correlation-id", "x-amzn-trace-id", "x-cloud-trace-context",
        "uber-trace-id",
        # acted on by proxies and frameworks: another host, address, path or method
        "proxy", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "client-ip", "x-host",
        "x-original-host", "x-original-url", "x-rewrite-url", "x-http-method", "x-http-method-override",
        "x-method-override", "x-requested-with", "x-sendfile", "x-server-name", "x-custom-ip-authorization",
        "destination", "overwrite", "depth",
    ]
)  # fmt: skip
_RESERVED_PREFIXES: Final = (
    "accept", "content-", "if-", "proxy-", "sec-", "access-control-", "x-forwarded", "x-accel-", "x-b3-", "x-envoy-",
    "x-original-", "x-proxy", "cf-", "cdn-", "fastly-", "x-varnish", "x-cache",
)  # fmt: skip
_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@\-]|%[0-9A-Fa-f]{2}|[{}])+")
"""The contract checks whether braces hold a placeholder."""
_BRACES: Final = re.compile(r"\{[^{}]*\}")
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_\-]+")
_DOTS: Final = frozenset({"", ".", ".."})
_LONGEST_ID: Final = 1_000
"""Characters; three percent-encoded ids still fit into a URL."""


def refused_header(name: str) -> str | None:
    """Why the token cannot be sent in this header, as a predicate; None: it can."""
    if not _TOKEN.fullmatch(name):
        return "must be a valid name of an HTTP header"
    plain = name.lower().replace("_", "-")  # as CGI reads it
    if plain in _RESERVED or plain.startswith(_RESERVED_PREFIXES):
        return "cannot carry the token: it has another meaning in HTTP, or proxies log it"
    return None


def refused_path(path: str) -> str | None:
    """Why a call cannot have this path, which may contain placeholders, as a predicate; None: it can."""
    for segment in path.removesuffix("/").split("/")[1:]:
        if not segment:
            return 'contains "//"'
        if not {"\\", ";"}.isdisjoint(segment):
            return 'contains a backslash or ";", which servers read in different ways'
        if not _SEGMENT.fullmatch(segment):
            return "contains a character that must be percent-encoded"
        plain = unquote_to_bytes(_BRACES.sub("x", segment))
        if any(byte < 0x20 or byte == 0x7F or byte in b"%\\/;?#" for byte in plain):
            return "contains a percent-encoded character that no path needs"
        if plain.decode("latin-1") in _DOTS:
            return 'contains "." or ".." as a segment'
    return None


def refused_id(id_: str | int) -> str | None:
    """Why a path cannot contain an id, as a predicate; None: it can.

    The id is percent-encoded, but a server that decodes twice or too early must not read more than one segment.
    """
    text = str(id_)
    if len(text) > _LONGEST_ID:
        return f"is longer than {_LONGEST_ID:,} characters"
    if _PLAIN_ID.fullmatch(text):
        return None
    while True:
        if text.partition(";")[0] in _DOTS:
            return "is empty or has only dots, and would change the path"
        if any(c in "/\\" or ord(c) < 0x20 or ord(c) == 0x7F for c in text):
            return "contains a slash, a backslash or a control character, and could change the path"
        further = unquote(normalize("NFKC", text))
        if further == text:
            return None
        text = further

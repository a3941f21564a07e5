"""Addresses of instances: what may receive a token."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit


class Origin(NamedTuple):
    """Scheme, host and port (RFC 6454), in one form, so that two of them compare."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """The origin of a URL that a token may be sent to.

    Raises:
        ValueError: it may not, or it is no URL; the message says why and never shows user or password.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        msg = "it holds characters that a URL cannot hold"
        raise ValueError(msg)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        msg = "it is not a URL"
        raise ValueError(msg) from error
    if parts.scheme not in {"http", "https"} or not host:
        msg = "it does not begin with https:// and a host"
        raise ValueError(msg)
    if "@" in parts.netloc:
        msg = "it holds a user or a password"
        raise ValueError(msg)
    if "?" in url or "#" in url:
        msg = "it holds a query or a fragment"
        raise ValueError(msg)
    if parts.scheme == "http" and not is_loopback(host):
        msg = "http is for this machine alone: any other host needs https"
        raise ValueError(msg)
    return Origin(parts.scheme, host.lower(), {"http": 80, "https": 443}[parts.scheme] if port is None else port)


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: localhost, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

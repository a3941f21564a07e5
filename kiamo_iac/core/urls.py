"""URLs that a secret may be sent to: one strict grammar that every URL parser reads in the same way, and their
origins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

_LONGEST: Final = 2048
_PORTS: Final = {"http": 80, "https": 443, "ssh": 22}
_PARTS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://([^/?#]*)([^?#]*)([?#].*)?")
_AUTHORITY: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::(.*))?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_\-]{0,61}[A-Za-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0[Xx][0-9A-Fa-f]*")
"""The last label of a host that some parsers read as an IPv4 address: 127.1, 0x7f.1, 2130706433 (WHATWG URL, "ends in
a number")."""
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,2}")
_IPV6: Final = re.compile(r"[0-9A-Fa-f:]{2,39}")
_SEGMENT: Final = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@\-]|%[0-9A-Fa-f]{2})+")
_ENCODED: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_MAY_BE_ENCODED: Final = re.compile(r"[ !\"$&'()*+,/:<=>@\[\]^`{|}]")
"""Not letters and digits, since one path would have two spellings, nor characters that change how a path is parsed."""
_BELOW: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,=:@\-]+")
_QUERY: Final = re.compile(r"\?[!\"$-\[\]-~]*")
_USER: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:%\-]*")
_SCP: Final = re.compile(r"(?:[A-Za-z0-9._\-]+@)?([A-Za-z0-9][A-Za-z0-9._\-]*|\[[0-9A-Fa-f:]+\]):((?!//|:)[!-~]+)")
"""The short form of ssh that git accepts: `git@git.example.com:group/name.git`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454), normalised so that equal origins compare equal."""

    scheme: str
    """http, https or ssh."""
    host: str
    """In lower case; an IPv6 address without brackets and in its shortest form."""
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Url:
    """A parsed URL."""

    origin: Origin
    path: str
    """As it is written: empty, or with a slash at its beginning."""

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"

    def contains(self, other: Url) -> bool:
        """Whether `other` is this URL or below it, by segments of the path.

        False also when the added segments are percent-encoded: a server could read them as another path.
        """
        own, added = self.path.rstrip("/"), other.path.rstrip("/")
        if self.origin != other.origin or not (added == own or added.startswith(f"{own}/")):
            return False
        return all(_BELOW.fullmatch(segment) for segment in added[len(own) :].split("/")[1:])


def parse_url(text: str) -> Url:
    """A URL that a secret may be sent to: https, or http to this machine; nothing but scheme, host, port and path.

    Raises:
        ValueError: it is anything else; the message says why, without user and password.
    """
    return _parsed(text, schemes=("https", "http"))


def origin_of(text: str) -> Origin:
    """The origin of `parse_url`.

    Raises:
        ValueError: as there.
    """
    return parse_url(text).origin


def origin_of_call(text: str) -> Origin:
    """The origin of a URL that is called, which may have a query too.

    Raises:
        ValueError: as `parse_url`.
    """
    address, mark, query = text.partition("?")
    if mark and not _QUERY.fullmatch(mark + query):
        msg = "its query contains characters that a URL cannot contain"
        raise ValueError(msg)
    return origin_of(address)


def origin_of_pin(text: str, *, ssh: bool = False) -> Origin:
    """The origin in a pin: scheme, host and port, without a slash after them. `ssh`: whether ssh is allowed.

    Raises:
        ValueError: it is anything else.
    """
    url = _parsed(text.strip(), schemes=("https", "http", "ssh") if ssh else ("https", "http"))
    if url.path:
        msg = f"it contains more than scheme, host and port: write {url.origin}"
        raise ValueError(msg)
    return url.origin


def origin_of_remote(text: str) -> Origin:
    """The origin of a git remote: `https://…`, `ssh://…`, or `user@host:path`, which is ssh on port 22. A user and a
    password are allowed in it, as pipelines write it into the configuration of a checkout; the origin lacks them.

    Raises:
        ValueError: it is none of these (a path, a program `ext::…`, `git://`, http to another machine), or git
            reads another host from it.
    """
    short = _SCP.fullmatch(text)
    if short is not None:
        origin, user, path = _parsed(f"ssh://{short[1]}", schemes=("ssh",)).origin, "", short[2]
    else:
        url = _parsed(text, schemes=("https", "http", "ssh"), user=True)
        origin, user, path = url.origin, text.partition("://")[2].partition("/")[0].rpartition("@")[0], url.path
    if origin.scheme == "ssh":
        _check_git_host(user, path)
    return origin


def page_of_remote(text: str) -> str:
    """The https address of the repository for people, from a git remote; without user, password and `.git`.

    Raises:
        ValueError: as `origin_of_remote`, or the path cannot be in the address of a page.
    """
    origin = origin_of_remote(text)
    short = _SCP.fullmatch(text)
    path = short[2] if short is not None else text.partition("://")[2].partition("/")[2]
    path = path.strip("/").removesuffix(".git")
    port = f":{origin.port}" if origin.scheme == "https" and origin.port != _PORTS["https"] else ""
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    page = f"{'http' if origin.scheme == 'http' else 'https'}://{host}{port}/{path}"
    parse_url(page)
    return page


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine: localhost, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _parsed(text: str, *, schemes: tuple[str, ...], user: bool = False) -> Url:
    if len(text) > _LONGEST:
        msg = f"it is longer than {_LONGEST} characters"
        raise ValueError(msg)
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        msg = "it contains characters that a URL cannot contain"
        raise ValueError(msg)
    found = _PARTS.fullmatch(text)
    scheme = found[1].lower() if found is not None else ""
    if found is None or scheme not in schemes or not found[2]:
        msg = f"it must begin with {schemes[0]}:// and a host"
        raise ValueError(msg)
    authority = found[2]
    if user and "@" in authority:
        before, _, authority = authority.partition("@")
        authority = authority if _USER.fullmatch(before) else "@"
    if "@" in authority:
        msg = "it contains a user or a password"
        raise ValueError(msg)
    if found[4]:
        msg = "it contains a query or a fragment"
        raise ValueError(msg)
    host, port = _host_and_port(authority)
    if scheme == "http" and not is_loopback(host):
        msg = "http is allowed for this machine only; use https"
        raise ValueError(msg)
    if not user:
        _check_path(found[3])
    return Url(Origin(scheme, host, _PORTS[scheme] if port is None else port), found[3])


def _host_and_port(authority: str) -> tuple[str, int | None]:
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        msg = "its host and port cannot be separated"
        raise ValueError(msg)
    port = found[2]
    if port is not None and not (_PORT.fullmatch(port) and int(port) <= 65535):
        msg = "its port must be a number from 1 to 65535, without leading zeros"
        raise ValueError(msg)
    return _host(found[1]), int(port) if port is not None else None


def _host(text: str) -> str:
    if text.startswith("["):
        import ipaddress

        try:
            return str(ipaddress.IPv6Address(text[1:-1] if _IPV6.fullmatch(text[1:-1]) else ""))
        except ValueError as error:
            msg = "the part in brackets must be an IPv6 address"
            raise ValueError(msg) from error
    labels = text.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(text) > 253:
        msg = "its host must be a DNS name (in its xn-- form for letters beyond ASCII, without a dot at the end)"
        raise ValueError(msg)
    if _NUMBER.fullmatch(labels[-1]) and not (
        len(labels) == 4 and all(_DECIMAL.fullmatch(label) and int(label) <= 255 for label in labels)
    ):
        msg = "its host is a number: write an IPv4 address as four decimal numbers without leading zeros"
        raise ValueError(msg)
    return text.lower()


def _check_git_host(user: str, path: str) -> None:
    """Check that git reads the same host from an ssh address.

    Git decodes the address first, and reads the text after the first `@[` as the host, in the path too (its connect.c,
    `parse_connect_url` and `host_end`).

    Raises:
        ValueError: git may find another host than the one in the URL.
    """
    if "%" in user or not {"[", "]"}.isdisjoint(unquote_to_bytes(path).decode("latin-1")):
        msg = "it contains % in the user or brackets in the path, from which git may read another host"
        raise ValueError(msg)


def _check_path(path: str) -> None:
    """Refuse what a server or a proxy could read as another path: dot segments, empty segments, `;` and their encoded
    forms. An encoded slash is allowed: GitLab's API has `group%2Fname`.

    Raises:
        ValueError: it is one of these.
    """
    for segment in path.removesuffix("/").split("/")[1:]:
        if not _SEGMENT.fullmatch(segment):
            msg = 'its path contains "//", or a character that must be percent-encoded'
            raise ValueError(msg)
        plain = unquote_to_bytes(segment).decode("latin-1")
        if not {"", ".", ".."}.isdisjoint(plain.split("/")):
            msg = 'its path contains "." or ".." as a segment, or ends in an encoded slash'
            raise ValueError(msg)
        encoded = {unquote_to_bytes(found).decode("latin-1") for found in _ENCODED.findall(segment)}
        if not all(_MAY_BE_ENCODED.fullmatch(character) for character in encoded):
            msg = "its path contains a percent-encoded character that no path needs"
            raise ValueError(msg)

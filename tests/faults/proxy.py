"""A proxy in front of a server that plays faults by rule: to the n-th call of a method and path, before or after the
server has seen it.

    proxy.play(reset, "POST", "/api/bases$")                      the first create of a base is committed, then reset
    proxy.play(reset, "POST", when=BEFORE)                        … never reaches the server
    proxy.play(reply(503, retry_after="30"), "POST", on=always, when=BEFORE)
    proxy.play(doing(lambda: kiamo.by_hand(…)), "PUT", on=nth(2), when=BEFORE)

The first rule that matches a call is played. Faults that change the server's answer (`cut_short`, `cut_chunk`,
`dripping`, `truncated`, `changed`) are played after it.
"""

from __future__ import annotations

import random
import re
import socket
import ssl
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import BinaryIO

from tests.faults.wire import Message, accepting, answer, read_message, without


class When(Enum):
    """On which side of the server's work a fault is played."""

    BEFORE = "before"
    """The server never sees the call, unless the fault passes it on."""
    AFTER = "after"
    """The server has done it, and its answer is lost or changed."""


BEFORE, AFTER = When.BEFORE, When.AFTER


@dataclass(frozen=True)
class Exchange:
    """One call on its way through the proxy."""

    peer: socket.socket
    """The client's connection."""
    request: Message
    reply: Message | None
    """The server's answer; None before it was asked."""
    closing: threading.Event
    """Is set when the proxy ends."""

    @property
    def answered(self) -> Message:
        """The server's answer.

        Raises:
            AssertionError: this fault is to be played after the server.
        """
        assert self.reply is not None
        return self.reply


Fault = Callable[[Exchange], "Message | bool"]
"""Plays on the client's connection. Returns the answer to send; True: go on as if nothing had been; False: all is sent,
and the connection is closed."""
On = Callable[[int], bool]
"""Whether the n-th matching call (from 1) has the fault."""


def nth(*numbers: int) -> On:
    """These alone."""
    return lambda number: number in numbers


def first(count: int) -> On:
    """The first `count`."""
    return lambda number: number <= count


def after_first(count: int) -> On:
    """All but the first `count`."""
    return lambda number: number > count


def always(_: int) -> bool:
    """All of them."""
    return True


def share(part: float, seed: int = 1) -> On:
    """A part of them (0 to 1), always the same ones for a seed."""
    return lambda number: random.Random(f"{seed} {number}").random() < part


FIRST = nth(1)


@dataclass
class Rule:
    """Which calls have a fault. `seen` and `played` count."""

    fault: Fault
    method: str
    path: re.Pattern[str]
    on: On
    when: When
    seen: int = 0
    played: int = 0


@dataclass
class Proxy:
    """A running proxy."""

    upstream: tuple[str, int]
    url: str = ""
    rules: list[Rule] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    """`METHOD target` of every call that came, in order."""
    replies: list[tuple[str, int | None]] = field(default_factory=list)
    """`METHOD target` of every call that came, in order, with the status of the whole answer; None: there was none, or
    a fault has sent what it would."""
    closing: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def play(self, fault: Fault, method: str = ".*", path: str = "", *, on: On = FIRST, when: When = AFTER) -> Rule:
        """Play a fault from now on. `method` and `path` (without the query; searched for) are patterns."""
        rule = Rule(fault, method, re.compile(path), on, when)
        with self.lock:
            self.rules.append(rule)
        return rule

    def peace(self) -> None:
        """No fault any more."""
        with self.lock:
            self.rules.clear()

    def rule_for(self, request: Message) -> Rule | None:
        """The rule that is to be played to a call; all that match have counted it."""
        with self.lock:
            chosen = None
            for rule in self.rules:
                if re.fullmatch(rule.method, request.method) and rule.path.search(request.path):
                    rule.seen += 1
                    if chosen is None and rule.on(rule.seen):
                        rule.played += 1
                        chosen = rule
            self.passed.append(f"{request.method} {request.target}")
            return chosen

    def serve(self, peer: socket.socket) -> None:
        """One connection of a client, with one of its own to the server."""
        with socket.create_connection(self.upstream) as up, up.makefile("rb") as back, peer.makefile("rb") as stream:
            up.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := read_message(stream)) is not None:
                rule = self.rule_for(request)
                call = f"{request.method} {request.target}"
                with self.lock:
                    at = len(self.replies)
                    self.replies.append((call, None))
                outcome: Message | bool = True
                if rule is not None and rule.when is BEFORE:
                    outcome = rule.fault(Exchange(peer, request, None, self.closing))
                if outcome is True:
                    outcome = reply = _forward(request, up, back)
                    if rule is not None and rule.when is AFTER:
                        played = rule.fault(Exchange(peer, request, reply, self.closing))
                        outcome = reply if played is True else played
                if not isinstance(outcome, Message):
                    return
                self.replies[at] = call, outcome.status
                peer.sendall(outcome.whole())
                if outcome.headers.get("connection") == "close":
                    return


def _forward(request: Message, up: socket.socket, back: BinaryIO) -> Message:
    up.sendall(request.whole())
    reply = read_message(back)
    if reply is None:
        raise EOFError
    return reply


@contextmanager
def proxying(url: str, *, certificate: Path | None = None) -> Iterator[Proxy]:
    """A proxy in front of `url`; with a certificate (and its key) it speaks TLS."""
    host, _, port = url.rpartition("/")[2].partition(":")
    proxy = Proxy((host, int(port)))
    tls = None
    if certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    with accepting(proxy.serve, tls) as own:
        proxy.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{own}"
        try:
            yield proxy
        finally:
            proxy.closing.set()


# --- faults ----------------------------------------------------------------------------------------------------------


def reset(exchange: Exchange) -> bool:
    """The connection is reset."""
    exchange.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def dropped(exchange: Exchange) -> bool:
    """The connection ends in order, without an answer."""
    return False


def silence(exchange: Exchange) -> bool:
    """No answer, until the client has had enough."""
    exchange.peer.settimeout(0.05)
    while not exchange.closing.is_set():
        with suppress(TimeoutError):
            if not exchange.peer.recv(1):
                return False
    return False


def cut_short(exchange: Exchange) -> bool:
    """Content-Length is larger than the body; the connection ends."""
    reply = exchange.answered
    exchange.peer.sendall(reply.head(content_length=str(len(reply.body) + 20)) + reply.body)
    return False


def cut_chunk(exchange: Exchange) -> bool:
    """A chunk ends in its middle."""
    reply = exchange.answered
    head = reply.head(content_length=None, transfer_encoding="chunked")
    exchange.peer.sendall(head + f"{len(reply.body) + 20:x}\r\n".encode() + reply.body)
    return False


def truncated(body: bytes = b"[]") -> Fault:
    """A body without a length that was cut so that it is still JSON."""

    def fault(exchange: Exchange) -> bool:
        exchange.peer.sendall(exchange.answered.head(content_length=None, connection="close") + body)
        return False

    return fault


def dripping(seconds: float = 0.3) -> Fault:
    """A byte every few moments, from the status line on."""

    def fault(exchange: Exchange) -> bool:
        for byte in exchange.answered.whole():
            exchange.peer.sendall(bytes([byte]))
            if exchange.closing.wait(seconds):
                break
        return False

    return fault


def reply(status: int, body: bytes | str = b'{"message": "Not now."}', **headers: str) -> Fault:
    """Another answer; `retry_after="1"`, `content_type="text/html"`, `location=…`."""
    return lambda exchange: answer(status, body, **headers)


def html(status: int = 200) -> Fault:
    """The page of something else that answers."""
    return reply(status, "<!doctype html><title>Sign in</title>", content_type="text/html")


def gzip_bomb(mebibytes: int) -> Fault:
    """Zeros, a thousand to one."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)) + packer.flush()
    return reply(200, packed, content_encoding="gzip")


def changed(change: Callable[[bytes], bytes]) -> Fault:
    """The server's answer with another body."""
    return lambda exchange: Message(
        exchange.answered.line, without(exchange.answered, "content-length").headers, change(exchange.answered.body)
    )


def doing(act: Callable[[], object]) -> Fault:
    """Something happens at that moment, and the call goes on."""

    def fault(exchange: Exchange) -> bool:
        act()
        return True

    return fault


def held(until: threading.Event, begun: threading.Event | None = None) -> Fault:
    """The call waits for an event; `begun` is set when it does."""

    def fault(exchange: Exchange) -> bool:
        if begun is not None:
            begun.set()
        while not until.wait(0.02) and not exchange.closing.is_set():
            pass
        return True

    return fault


def then(act: Callable[[], object], fault: Fault) -> Fault:
    """Something happens, and then a fault is played."""

    def both(exchange: Exchange) -> Message | bool:
        act()
        return fault(exchange)

    return both

"""Requests and responses of the emulator, their JSON, and the log of calls; no HTTP library is involved."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from kiamo_iac.contract.entries import EMULATOR
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.emulator.refusal import Refusal

JSON_HEADERS: Final = {"content-type": "application/json", "server": EMULATOR}

DEEPEST: Final = 64
"""Levels of lists and objects that a body may have."""
KEPT: Final = 500_000
"""Calls that the log keeps; older ones are dropped, which leaves a gap in the numbers."""

_BRACKETS: Final = re.compile(rb"[\[{]")


@dataclass(frozen=True, slots=True)
class EmulatorRequest:
    """One request."""

    method: str
    path: str
    """Percent-encoded, without the query."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The value of a header, whatever the case of its name; None when it was not sent."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), None)

    def document(self) -> dict[str, Any]:
        """The JSON object of the body.

        Raises:
            Refusal: ERR_1000 for a body that is not JSON, ERR_1020 for JSON that is not an object or too deep.
        """
        try:
            value = parse_json(self.body)
        except ValueError as error:
            raise Refusal("ERR_1000") from error
        if not isinstance(value, dict) or (len(_BRACKETS.findall(self.body)) > DEEPEST and _is_too_deep(value)):
            raise Refusal("ERR_1020")
        return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        containers = [v for v in level if isinstance(v, (dict, list))]
        level = [inner for c in containers for inner in (c.values() if isinstance(c, dict) else c)]
    return any(isinstance(v, (dict, list)) for v in level)


@dataclass(frozen=True, slots=True)
class EmulatorResponse:
    """The response to one request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


# --- the log ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Call:
    """One entry of the log. Headers are never logged, so no token is."""

    n: int
    """Grows with every call, in the order in which calls took effect; a reset does not set it back."""
    method: str
    path: str
    query: Mapping[str, str]
    status: int = 0
    code: str | None = None
    """The vendor's code of a refusal."""
    kind: str | None = None
    operation: str | None = None
    """As the contract names it: `list`, `create`, …, or a state command."""
    id: str | None = None
    """Of the object itself; of a create, the generated id."""
    parent: str | None = None
    """The id of its parent."""
    body: Any = None
    """The JSON that was sent, or None."""
    fault: str | None = None
    """The kind of the fault that hit it; with the status 0, it had no effect."""

    def document(self) -> dict[str, Any]:
        """The same as JSON, without empty values."""
        filled = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in filled.items() if value is not None and value != {}}


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest number of calls in flight at once."""

    total: int = 0
    reads: int = 0
    writes: int = 0


class CallLog:
    """Calls in the order in which they took effect. Safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=KEPT)
        self._number = 0
        self._reads = self._writes = 0
        self._peak = Peak()

    @contextmanager
    def flight(self, method: str) -> Iterator[None]:
        """Count a call as in flight while this lasts."""
        read = method == "GET"
        self._count(read=read, by=1)
        try:
            yield
        finally:
            self._count(read=read, by=-1)

    def _count(self, *, read: bool, by: int) -> None:
        with self._lock:
            self._reads += by if read else 0
            self._writes += 0 if read else by
            reads, writes, peak = self._reads, self._writes, self._peak
            if reads > peak.reads or writes > peak.writes or reads + writes > peak.total:
                self._peak = Peak(max(reads + writes, peak.total), max(reads, peak.reads), max(writes, peak.writes))

    def start(self, request: EmulatorRequest) -> Call:
        """A new entry, not in the log yet."""
        with self._lock:
            self._number += 1
            return Call(self._number, request.method, request.path, dict(request.query))

    def add(self, call: Call) -> None:
        """Put an entry into the log."""
        with self._lock:
            self._calls.append(call)

    def calls(self, after: int) -> list[Call]:
        """The entries with numbers above `after`."""
        with self._lock:
            return [call for call in self._calls if call.n > after]

    @property
    def peak(self) -> Peak:
        """The highest number of calls in flight at once since the last reset."""
        return self._peak

    def clear(self) -> None:
        """Drop all calls and the peak; numbers go on."""
        with self._lock:
            self._calls.clear()
            self._peak = Peak()

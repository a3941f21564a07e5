"""Requests, answers and the log of calls: what goes in and out of the emulator, apart from any HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
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


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to one request."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


JSON_HEADERS = {"content-type": "application/json"}


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
    """Of the thing itself; of a create, the id that it was given."""
    parent: str | None = None
    """The id of its parent."""
    body: Any = None
    """The JSON that was sent, or None."""

    def document(self) -> dict[str, Any]:
        """The same as JSON, without what is empty."""
        filled = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in filled.items() if value is not None and value != {}}


@dataclass(frozen=True, slots=True)
class Peak:
    """How many calls were in flight at once, at most."""

    total: int = 0
    reads: int = 0
    writes: int = 0

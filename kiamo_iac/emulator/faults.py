"""Faults that the emulator plays: which calls they hit, and what happens before or after such a call takes effect.

status=503,call=create base,times=2,retry-after=1     two creates are refused, and have no effect
reset,call=POST,when=after                            a POST takes effect, and the connection is reset
lag=2,call=create batch                               a new batch is in no list for 2 seconds
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

from kiamo_iac.emulator.messages import EmulatorRequest
from kiamo_iac.emulator.wire import ObjectBody

_LONGEST: Final = 3600.0


class FaultKind(StrEnum):
    """What happens to a call."""

    STATUS = "status"
    """It is answered with this status, 429 or 500 to 599."""
    RESET = "reset"
    """Its connection is reset without a response."""
    SILENCE = "silence"
    """There is no response for so many seconds; then the connection closes."""
    SLOW = "slow"
    """The response comes one byte every so many seconds."""
    TRUNCATE = "truncate"
    """Half of the response comes; then the connection closes."""
    LAG = "lag"
    """What it creates is in no list for so many seconds."""
    NORMALISE = "normalise"
    """Labels and settings are kept in another form than they were sent in."""
    IGNORE = "ignore"
    """A write has no effect; the response shows the object as it was, or with `done` as if it had."""


class Moment(StrEnum):
    """When a fault happens."""

    BEFORE = "before"
    """Instead of the call, which has no effect."""
    AFTER = "after"
    """When the call has taken effect."""


class CalledOperation(NamedTuple):
    """An operation of the contract that a request calls; both empty: none."""

    operation: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault."""

    kind: FaultKind
    value: str = ""
    """Of a status, its number; of a wait, its seconds; of `normalise`, the form; of `ignore`, empty or `done`."""
    call: str = "*"
    """`METHOD [PATH]` with `*` in the path, or `OPERATION [KIND]` of the contract; `*`: every call."""
    when: Moment = Moment.AFTER
    skip: int = 0
    """So many such calls pass before the first one is hit."""
    times: int = 1
    """So many are hit; 0: all of them."""
    retry_after: str = ""
    """Of a status: the header `Retry-After`."""

    @classmethod
    def parse(cls, text: str) -> Fault:
        """The fault that `KIND[=VALUE][,KEY=VALUE…]` describes; keys are call, when, skip, times and, at the end,
        retry-after, whose value may hold commas.

        Raises:
            ValueError: it is malformed; the message says what is wrong.
        """
        text, asks, retry_after = text.partition(",retry-after=")
        first, *rest = (part.strip() for part in text.split(","))
        name, _, value = first.partition("=")
        kind = _word(FaultKind, name, "fault")
        given: dict[str, Any] = {}
        for part in rest:
            key, equals, setting = part.partition("=")
            if not equals or key not in _KEYS or key in given:
                msg = f'"{part}" is not one of {", ".join(f"{known}=…" for known in _KEYS)}, each once'
                raise ValueError(msg)
            given[key] = _KEYS[key](setting.strip())
        if given.get("when") is Moment.BEFORE and kind in _OF_EFFECT:
            msg = f"{kind.value} concerns the effect of a call: remove when=before"
            raise ValueError(msg)
        if asks and kind is not FaultKind.STATUS:
            msg = "retry-after belongs to status=NUMBER"
            raise ValueError(msg)
        given.setdefault("when", Moment.BEFORE if kind is FaultKind.STATUS else Moment.AFTER)
        return cls(kind, _checked_value(kind, value.strip()), retry_after=retry_after.strip(), **given)

    def __str__(self) -> str:
        """As `parse` reads it."""
        parts = [f"{self.kind.value}={self.value}" if self.value else self.kind.value]
        parts += [f"call={self.call}", f"when={self.when.value}", f"skip={self.skip}", f"times={self.times}"]
        return ",".join([*parts, *([f"retry-after={self.retry_after}"] if self.retry_after else [])])

    @property
    def seconds(self) -> float:
        """Of a wait: how long it is."""
        return float(self.value)

    def hits(self, request: EmulatorRequest, called: CalledOperation) -> bool:
        """Whether it concerns this call."""
        first, _, second = self.call.partition(" ")
        if first == "*" or first.isupper():
            return first in {"*", request.method} and fnmatchcase(request.path, second or "*")
        return first == called.operation and second in {"", called.kind}

    def normalised(self, draft: ObjectBody) -> None:
        """Change the label and the settings of a body as this fault keeps them."""
        form = FORMS[self.value]
        if "label" in draft.attributes:
            draft.attributes["label"] = _mapped(draft.attributes["label"], form)
        draft.settings = {} if self.value == "drop" else _mapped(draft.settings, form)


class Faults:
    """The faults of one emulator, the first that concerns a call hits it. Safe under threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Fault] = []
        """With what is left of their `skip` and `times`."""

    def __bool__(self) -> bool:
        return bool(self._pending)

    def add(self, faults: Iterable[Fault]) -> None:
        """Add faults after those that there are."""
        with self._lock:
            self._pending += faults

    def clear(self) -> None:
        """Remove all."""
        with self._lock:
            self._pending.clear()

    def left(self) -> list[str]:
        """Those that have not hit all of their calls, with what is left of `skip` and `times`."""
        with self._lock:
            return [str(fault) for fault in self._pending]

    def take(self, request: EmulatorRequest, called: CalledOperation) -> Fault | None:
        """The fault that hits this call, or None. Each concerned fault counts it, until one hits."""
        with self._lock:
            for at, fault in enumerate(self._pending):
                if not fault.hits(request, called):
                    continue
                if fault.skip:
                    self._pending[at] = replace(fault, skip=fault.skip - 1)
                    continue
                if fault.times == 1:
                    del self._pending[at]
                elif fault.times:
                    self._pending[at] = replace(fault, times=fault.times - 1)
                return fault
        return None


FORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "trim": str.strip,
    "lower": str.lower,
    "crlf": lambda text: text.replace("\r\n", "\n").replace("\n", "\r\n"),
    "entities": lambda text: html.escape(text, quote=False),
    "drop": str,
}
"""How `normalise` keeps a text; `drop` keeps no setting."""
_OF_EFFECT: Final = frozenset(FaultKind) - {FaultKind.STATUS, FaultKind.RESET, FaultKind.SILENCE}
"""Faults of a call that takes effect, or of its response."""
OF_CONNECTION: Final = frozenset({FaultKind.RESET, FaultKind.SILENCE, FaultKind.SLOW, FaultKind.TRUNCATE})
"""Faults that a server plays with the connection."""
_SECONDS: Final = {FaultKind.SILENCE: "60", FaultKind.SLOW: "0.3", FaultKind.LAG: "2"}
"""The seconds of each wait, where none are given."""


def _mapped(value: Any, form: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return form(value)
    if isinstance(value, dict):
        return {key: _mapped(inner, form) for key, inner in value.items()}
    return [_mapped(inner, form) for inner in value] if isinstance(value, list) else value


def _checked_value(kind: FaultKind, value: str) -> str:
    match kind:
        case FaultKind.STATUS:
            if not (value.isascii() and value.isdigit() and (value == "429" or 500 <= int(value) <= 599)):
                msg = f'status must be 429 or 500 to 599, as in status=503, not "{value}"'
                raise ValueError(msg)
        case FaultKind.SILENCE | FaultKind.SLOW | FaultKind.LAG:
            value = value or _SECONDS[kind]
            try:
                fits = 0 < float(value) <= _LONGEST
            except ValueError:
                fits = False
            if not fits:
                msg = f'{kind.value} takes seconds, as in {kind.value}={_SECONDS[kind]}, not "{value}"'
                raise ValueError(msg)
        case FaultKind.NORMALISE:
            if value not in FORMS:
                msg = f'normalise takes one of {", ".join(FORMS)}, as in normalise=trim, not "{value}"'
                raise ValueError(msg)
        case FaultKind.IGNORE:
            if value not in {"", "done"}:
                msg = f'ignore takes nothing or done, not "{value}"'
                raise ValueError(msg)
        case FaultKind.RESET | FaultKind.TRUNCATE:
            if value:
                msg = f"{kind.value} takes no value"
                raise ValueError(msg)
    return value


def _word(words: type[FaultKind | Moment], text: str, what: str) -> Any:
    try:
        return words(text)
    except ValueError:
        msg = f'unknown {what} "{text}" (known: {", ".join(words)})'
        raise ValueError(msg) from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        msg = f'skip and times take a whole number, not "{text}"'
        raise ValueError(msg)
    return int(text)


def _call(text: str) -> str:
    if not text:
        msg = "call takes METHOD [PATH], or OPERATION [KIND]"
        raise ValueError(msg)
    return text


_KEYS: Final[Mapping[str, Callable[[str], Any]]] = {
    "call": _call,
    "when": lambda text: _word(Moment, text, "moment"),
    "skip": _count,
    "times": _count,
}

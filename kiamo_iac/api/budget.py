"""How much one run may still read from an instance, and how long it may wait for it, counted over all of its calls and
threads."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from kiamo_iac.api.response import dig
from kiamo_iac.core.errors import BudgetError
from kiamo_iac.core.settings import LimitSettings
from kiamo_iac.http.message import Meter
from kiamo_iac.http.pacing import Gate

_VALUES_OF_A_ROW: Final = 16
"""Values of one response (texts, numbers, lists, objects) for each row of the limit: what they take in memory is many
times what they take on the wire. A field has 4, a batch of ten roles 20."""
_FEW_VALUES: Final = 100_000
"""Always allowed, whatever the limit of rows: they fit into the memory of any machine."""
_VALUES_OF_A_WRITE: Final = 500_000
"""Values of the response to a write, which shows one object: a base that was made with 10,000 fields has 60,000."""
_ROWS_OF_A_STEP: Final = 4
"""A create brings itself, and what the platform makes with it."""
_BYTES_OF_A_STEP: Final = 64 * 1024
_RESPONSES: Final = 16
"""The largest response is this part of all bytes, and at least 32 MiB."""
_LARGEST_RESPONSE: Final = 32 * 1024 * 1024
_LARGE: Final = 1024 * 1024
"""Bytes of a response, beyond which it is not parsed in parallel with others: this limits the memory in use."""


class Budget:
    """The rows and bytes of one run, and the gate that its calls pass. Safe under threads.

    A repeated call counts once, with its largest response: a run that reads each list many times while it writes needs
    no more than one that reads it once. Responses to writes are counted separately.
    """

    def __init__(
        self,
        settings: LimitSettings = LimitSettings(),  # noqa: B008 - frozen
        *,
        gate: Gate | None = None,
        show: Callable[[str], object] | None = None,
    ) -> None:
        """`gate`: replaces the one that the settings describe (tests). `show`: is given a line of text when a call has
        to wait at the gate."""
        self._settings = settings
        self.gate = gate or Gate(
            writes_per_second=settings.writes_per_second, retry_wait=settings.retry_wait, show=show
        )
        self._rows = _Counted(settings.rows)
        self._bytes = _Counted(settings.bytes)
        self._values_written = self._bytes_written = 0
        """Of all responses to writes, which are kept for the checks before later steps."""
        self._lock = threading.Lock()
        self._parsing = threading.Lock()

    @property
    def largest_response(self) -> int:
        """The bytes of one response, after decompression."""
        return max(_LARGEST_RESPONSE, self._settings.bytes // _RESPONSES)

    def expect(self, *, steps: int) -> None:
        """Raise the limits for the objects that so many steps of a plan add, and for the reads that check them."""
        with self._lock:
            self._rows.most += _ROWS_OF_A_STEP * steps
            self._bytes.most += _BYTES_OF_A_STEP * steps

    def meter(self, call: str, target: str) -> Meter:
        """The meter of one call. `target`: identifies the call when it is repeated."""
        return _CallMeter(self, call, target)

    def check(self, call: str) -> None:
        """
        Raises:
            BudgetError: an earlier call has used it up; `call` is not made.
        """
        if self._rows.spent or self._bytes.spent:
            msg = f"{call} was not made: the read limit of this run is reached."
            raise BudgetError(msg, hint=self._hint("rows" if self._rows.spent else "bytes"))

    def received(self, call: str, target: str, size: int) -> None:
        """So many bytes of the response to `call` have come. `target`: identifies the call when it is repeated.

        Raises:
            BudgetError: that is more than the run may read.
        """
        with self._lock:
            within = self._bytes.add(target, size)
        if not within:
            msg = f"The response to {call} exceeds the read limit of this run: {_mib(self._bytes.most)}."
            raise BudgetError(msg, hint=self._hint("bytes"))

    def listed(self, call: str, target: str, rows: int) -> None:
        """The response to `call` lists so many rows. `target`: as in `received`.

        Raises:
            BudgetError: that is more than the run may read.
        """
        with self._lock:
            before = self._rows.total - self._rows.of(target)
            within = self._rows.add(target, rows)
        if not within:
            others = f", after {before:,} in earlier responses" if before else ""
            counted = f"{rows:,} row{'' if rows == 1 else 's'}{others}"
            msg = f"The response to {call} lists {counted}, and the limit of a run is {self._rows.most:,}."
            raise BudgetError(msg, hint=self._hint("rows"))

    def parsing(self, body: bytes) -> AbstractContextManager[object]:
        """To be held while a body is parsed and counted."""
        return self._parsing if len(body) > _LARGE else nullcontext()

    def weigh(self, call: str, target: str, body: bytes, *, rows_at: str | None, is_list: bool) -> None:
        """Before `body` is parsed, look whether that would take too much memory. `rows_at`: a dotted path to the rows.

        Raises:
            BudgetError: it would.
            ValueError: it is no JSON.
        """
        most = self._most_values()
        if _values_in(body) > most:
            msg = f"The response to {call} contains more than {most:,} values: the limit for {self._rows.most:,} rows."
            raise BudgetError(msg, hint=self._hint("rows"))
        left = self._rows.most - self._rows.total + self._rows.of(target)
        if is_list and body.count(b"{") > left:
            self.listed(call, target, _rows_in(body, rows_at))

    def weigh_write(self, body: bytes) -> None:
        """As `weigh`, of the response to a write. What they hold does not count with what is read, for a write has been
        made; but one of them shows one object, and all together as much as a run may read.

        Raises:
            ValueError: this one, or all together, hold more.
        """
        values = _values_in(body)
        with self._lock:
            self._values_written += values
            self._bytes_written += len(body)
            together = self._values_written > max(self._most_values(), _VALUES_OF_A_WRITE)
            together |= self._bytes_written > max(self._bytes.most, self.largest_response)
        if values > _VALUES_OF_A_WRITE:
            msg = f"it contains more than {_VALUES_OF_A_WRITE:,} values"
            raise ValueError(msg)
        if together:
            msg = "all responses to writes together exceed the read limit of this run"
            raise ValueError(msg)

    def _most_values(self) -> int:
        return max(_VALUES_OF_A_ROW * self._rows.most, _FEW_VALUES)

    def _hint(self, key: str) -> str:
        now = self._settings.rows if key == "rows" else self._settings.bytes
        return (
            "check the instance; if it has this much data, raise "
            f"limits: {{{key}: {now}}} of the environment in kiamo.yaml"
        )


@dataclass(frozen=True, slots=True)
class _CallMeter:
    budget: Budget
    call: str
    target: str

    def check(self) -> None:
        self.budget.check(self.call)

    def count(self, size: int) -> None:
        self.budget.received(self.call, self.target, size)


class _Counted:
    """One number, as the sum of the largest that each call came to."""

    __slots__ = ("_by_target", "most", "total")

    def __init__(self, most: int) -> None:
        self.most = most
        self.total = 0
        self._by_target: dict[str, int] = {}

    @property
    def spent(self) -> bool:
        return self.total > self.most

    def of(self, target: str) -> int:
        return self._by_target.get(target, 0)

    def add(self, target: str, count: int) -> bool:
        """Whether the sum is still within the limit."""
        more = count - self._by_target.get(target, 0)
        if more > 0:
            self._by_target[target] = count
            self.total += more
        return self.total <= self.most


def _values_in(body: bytes) -> int:
    """No fewer than the values that its JSON holds, but for the outermost."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def _rows_in(body: bytes, path: str | None) -> int:
    """How many rows a list holds; nothing of a row is kept while they are counted."""
    keys = frozenset(path.split(".")) if path else frozenset[str]()

    def skeleton(pairs: list[tuple[str, Any]]) -> dict[str, Any] | None:
        return {key: value for key, value in pairs if key in keys and isinstance(value, dict | list)} or None

    try:
        text = body.decode("utf-8-sig")
        found = json.loads(text, object_pairs_hook=skeleton, parse_float=len, parse_int=len)
    except RecursionError:
        msg = "it is nested too deeply"
        raise ValueError(msg) from None
    rows = dig(found, path)
    return len(rows) if isinstance(rows, list) else 0


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.0f} MiB" if size >= 1024**2 else f"{size:,} bytes"

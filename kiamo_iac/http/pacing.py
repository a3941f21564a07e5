"""The gate that all calls of a run to one server pass. It closes while the server asks to wait, lets a single call
through to try after several failed in a row, and slows calls down together after a 429."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from kiamo_iac.core.errors import BusyError
from kiamo_iac.http.retry import FailedAttempt

FAILURES: Final = 5
"""Failed calls in a row after which the gate closes, where the server does not ask for it."""
_UNPROVEN: Final = 8
"""Writes in flight until the first of a run has succeeded."""
_FIRST_CLOSING: Final = 1.0
_LONGEST_CLOSING: Final = 15.0
"""Seconds that the gate closes where the server does not say for how long; doubled each time in a row."""
_JITTER: Final = 0.2
_SLACK: Final = 1.0
"""Seconds by which a wait may exceed what is left: four times 30 s are 120 s, whatever the calls between them take."""
_SERVER: Final = "the instance"
TURN: Final = 0.1
"""Longest wait in seconds before it is looked whether the wait is to end."""
_REMINDER: Final = 30.0
"""Seconds of waiting after which it is shown again."""
_WINDOW: Final = 5.0
"""Least seconds over which the rate is measured that the server accepted."""
_DECREASE: Final = 0.7
_SMALL_DECREASE: Final = 0.85
"""Of the rate that was too high: what is sent after it. The small one where the same rate was too high before."""
_INCREASE: Final = 0.01
"""Of the rate that was too high, added for each second of calls that succeed; halved each time that the same rate is
too high again."""
_FAST_INCREASE: Final = 0.05
"""Of the rate, where it is above the one that was too high: the server takes more than it did."""
_SLOWEST: Final = 0.1
_UNMEASURED: Final = 5.0
"""Calls a second that are taken as too many, where too few have succeeded to measure."""
_FEW: Final = 5
_UNLIMITED: Final = 500.0
"""A rate that has grown beyond this is no limit any more."""


def waiting(seconds: float, reason: str, *, more: bool = False) -> str:
    """The line that shows a wait."""
    return f"waiting {max(round(seconds), 1)} s{' more' if more else ''}: {reason}"


class Gate:
    """The gate of one run to one server. Safe under threads.

    Reads and writes are two lanes, each with its own failures in a row and its own rate. Both wait while the gate is
    closed.

    - A `Retry-After`, and any 429, closes the gate: for as long as the server asks, and no shorter than a back-off that
      doubles each time in a row. So do `FAILURES` failures in a row (429, 502, 503, 504, no response) in a lane.
    - After that one call of the lane is let through. The others wait for its outcome: a success opens the lane, a
      failure closes the gate again.
    - A 429 lowers the rate of its lane below what the server accepted before it; each success raises it a little.
    - A run waits `retry_wait` seconds at a closed gate in all; waits for the rate do not count. Where a wait would
      exceed this, every call is refused, for good.
    """

    def __init__(
        self,
        *,
        writes_per_second: float | None = None,
        retry_wait: float = math.inf,
        show: Callable[[str], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`writes_per_second`: never exceeded; None: until a 429, writes are not limited. `show`: is given a line of
        text when a wait begins, and from time to time while it lasts. `pause`: replaces the waits, together with
        `clock` (tests)."""
        self._changed = threading.Condition(threading.Lock())
        self._reads = _Lane(None, allowed=None)
        self._writes = _Lane(writes_per_second, allowed=_UNPROVEN)
        self._retry_wait = retry_wait
        self._show = show
        self._clock = clock
        self._pause = pause
        self._jitter = jitter
        self._closed = False
        """False: certainly open. True: `_closed_until` and `_refusal` say whether it is."""
        self._closed_until = self._shown_until = self._show_at = -math.inf
        self._reason = ""
        self._waited = 0.0
        self._refusal: str | None = None
        self.reached = False
        """Whether the server has answered a call of this run."""

    def enter(self, call: str, *, write: bool, again: bool, ended: Callable[[], bool]) -> Permit | None:
        """Wait until `call` may be sent. None: it is not to be sent, because `ended` is true while it waits.

        Every permit is to be given back: to `succeeded`, `failed` or `abandoned`. `again`: the call was sent before.

        Raises:
            BusyError: the run would have to wait longer than it may.
        """
        lane = self._writes if write else self._reads
        if lane.free and not self._closed:
            return Permit(lane, lane.closings, self._clock(), counted=False)
        passed = -math.inf
        while True:
            with self._changed:
                now = self._clock()
                if self._refusal is not None:
                    raise self._busy(call, again=again)
                until = self._wait(lane, now, passed)
                if until is None:
                    return Permit(lane, lane.closings, now, counted=lane.allowed is not None)
                shown = self._shown(until, now)
            if shown is not None and self._show is not None:
                self._show(shown)
            if ended():
                return None
            if self._rest(until - now):
                passed = until

    def succeeded(self, permit: Permit) -> None:
        """The server answered as one that can take calls, whatever its status."""
        lane = permit.lane
        lane.accepted.append(permit.since)
        self.reached = True
        if not permit.counted and lane.free and not lane.failures:
            return
        with self._changed:
            lane.leave(permit)
            if permit.closings == lane.closings:
                lane.recover()
            self._changed.notify_all()

    def failed(self, permit: Permit, failed: FailedAttempt) -> None:
        """The call got no response, or one that asks to try again later."""
        if failed.lasting or (failed.status is None and not self.reached):
            self.abandoned(permit)
            return
        self.reached = True
        with self._changed:
            permit.lane.leave(permit)
            self._register(permit, failed)
            self._changed.notify_all()

    def abandoned(self, permit: Permit) -> None:
        """The call was not sent, or its outcome says nothing of the server."""
        with self._changed:
            permit.lane.leave(permit)
            self._changed.notify_all()

    def holds(self, *, write: bool) -> bool:
        """Whether a call that failed is held at the gate, and needs no back-off of its own."""
        lane = self._writes if write else self._reads
        return self._closed or lane.allowed == 1

    def rest(self, seconds: float, *, call: str, why: FailedAttempt, ended: Callable[[], bool]) -> bool:
        """Wait before `call` is repeated while the gate is open for others; False: `ended` before that."""
        if seconds >= 1 and self._show is not None:
            self._show(waiting(seconds, f"{call}: {why.reason(_SERVER)}"))
        until = self._clock() + seconds
        while not ended():
            if self._clock() >= until or self._rest(until - self._clock()):
                return not ended()
        return False

    # --- under the lock ----------------------------------------------------------------------------------------------

    def _wait(self, lane: _Lane, now: float, passed: float) -> float | None:
        """The moment until which a call of `lane` waits, infinite while it waits for the outcome of another; None: it
        is let through. `passed`: the moment until which it has waited already."""
        until = self._closed_until
        if now < until and passed < until:
            return until
        self._closed = False
        if lane.allowed is not None and lane.in_flight >= lane.allowed:
            return math.inf
        if lane.rate is not None:
            if now < lane.next and passed < lane.next:
                return lane.next
            interval = 1 / lane.rate
            lane.next = max(lane.next, now - interval) + interval
        if lane.allowed is not None:
            lane.in_flight += 1
        return None

    def _register(self, permit: Permit, failed: FailedAttempt) -> None:
        """Count a failure, and close the gate if need be."""
        lane, now, asked = permit.lane, self._clock(), failed.wait
        lane.failures += 1
        if permit.closings != lane.closings:
            if asked is not None:  # it was sent before the gate closed: only a later moment that is asked for counts
                self._close(now, asked, asked, failed)
            return
        if failed.status == 429:
            lane.slow_down(now, now + (asked or 0.0))
        elif asked is None and lane.failures < FAILURES and lane.allowed != 1:
            return
        in_a_row = lane.close(now)
        doubled = in_a_row - (1 if asked is None else 2)
        own = min(_FIRST_CLOSING * 2.0**doubled, _LONGEST_CLOSING) if doubled >= 0 else 0.0
        self._close(now, asked, max(asked or 0.0, own), failed, jitter=_JITTER * self._jitter())

    def _close(
        self, now: float, asked: float | None, seconds: float, failed: FailedAttempt, *, jitter: float = 0.0
    ) -> None:
        """Close the gate for `seconds`, of which the server asked for `asked`, and `jitter`, which does not count."""
        begun = max(now, self._closed_until)
        left = self._retry_wait - self._waited
        more = now + seconds - begun
        if more <= 0 or self._refusal is not None:
            return
        self._closed, self._reason = True, failed.reason(_SERVER)
        least = now + (asked or 0.0) - begun
        if least > left + _SLACK or (asked or 0.0) > self._retry_wait or left <= 0:
            waited = f"has waited {self._waited:.0f} s, as long as it may"
            waits = f"may wait only {math.floor(left)} s more" if left >= 1 else waited
            self._refusal = f"{self._reason}, and this run {waits}"
            return
        more = max(min(more, left), least)
        self._waited += more
        self._closed_until = begun + more + jitter
        if self._closed_until >= self._shown_until + 1:
            self._show_at = now

    def _shown(self, until: float, now: float) -> str | None:
        """What is to be shown of a wait at the closed gate: when it begins, and from time to time."""
        is_known = until < self._shown_until + 1
        if until != self._closed_until or now < self._show_at or until - now < (_REMINDER / 4 if is_known else 0.5):
            return None
        self._shown_until, self._show_at = until, now + _REMINDER
        return waiting(until - now, self._reason, more=is_known)

    def _busy(self, call: str, *, again: bool) -> BusyError:
        return BusyError(
            f"{call} was not made{' again' if again else ''}: {self._refusal}.",
            hint="try again later, or raise "
            f"limits: {{retry_wait: {self._retry_wait:g}}} of the environment in kiamo.yaml",
        )

    def _rest(self, seconds: float) -> bool:
        """Wait so many seconds, or a part of them; true: all of them are over, whatever the clock shows."""
        if self._pause is not None and seconds < math.inf:
            self._pause(seconds)
            return True
        with self._changed:
            self._changed.wait(max(min(seconds, TURN), 0.0))
        return False


class _Lane:
    """The reads, or the writes, of a run. Its methods are called under the lock of the gate."""

    def __init__(self, ceiling: float | None, *, allowed: int | None) -> None:
        self._ceiling = ceiling
        self.rate = ceiling
        """Calls a second; None: any number."""
        self._too_high = math.inf
        self._increase = _INCREASE
        self.next = -math.inf
        """The moment of the next call at that rate."""
        self.allowed = allowed
        """Calls in flight at a time; None: any number. 1: one tries whether the server takes calls again."""
        self.in_flight = 0
        """Of those that were let through while `allowed` was a number."""
        self.failures = self._closings_in_a_row = 0
        """Since the last success."""
        self.closings = 0
        """How often the gate was closed for this lane."""
        self._closed_at = -math.inf
        self.accepted: deque[float] = deque(maxlen=4096)
        """The moments at which successful calls were sent."""
        self.free = False
        """Whether a call passes unless the gate is closed."""
        self._settle()

    def leave(self, permit: Permit) -> None:
        """A call is over."""
        self.in_flight -= permit.counted

    def close(self, now: float) -> int:
        """From now on, one call at a time tries. The number of closings since the last success."""
        self._closed_at = now
        self.closings += 1
        self._closings_in_a_row += 1
        self.allowed = 1
        self._settle()
        return self._closings_in_a_row

    def recover(self) -> None:
        """A call succeeded."""
        self.failures = self._closings_in_a_row = 0
        self.allowed = None
        if self.rate is not None:
            slow, fast = self._increase * self._too_high, _FAST_INCREASE * self.rate
            increase = slow if self.rate <= 1.1 * self._too_high else fast
            self.rate = min(self.rate + increase / self.rate, self._ceiling or math.inf)
            if self._ceiling is None and self.rate > _UNLIMITED:
                self.rate = None
        self._settle()

    def slow_down(self, now: float, until: float) -> None:
        """The server answered 429, and takes calls again at `until`: what it accepted lately, over the time from then
        to `until`, is what it takes."""
        begin = max(self._closed_at, now - max(_WINDOW, 2 * (until - now)))
        sent = [moment for moment in list(self.accepted) if moment >= begin]  # a copy: others append to it
        if len(sent) < _FEW:
            self.rate = max((self.rate or _UNMEASURED) * _DECREASE, _SLOWEST)
            self._too_high, self._increase = self.rate, _INCREASE
        else:
            too_high = min(self.rate or math.inf, len(sent) / max(until - sent[0], 1.0))
            is_known = 0.75 <= too_high / self._too_high <= 1.25
            self._increase = self._increase / 2 if is_known else _INCREASE
            self._too_high = too_high
            self.rate = max(too_high * (_SMALL_DECREASE if is_known else _DECREASE), _SLOWEST)
        self._settle()

    def _settle(self) -> None:
        self.free = self.allowed is None and self.rate is None


class Permit(NamedTuple):
    """That a call may be sent now."""

    lane: _Lane
    closings: int
    """Of the lane, when the call was let through."""
    since: float
    """When that was."""
    counted: bool
    """Whether it is one of the few that were allowed in flight."""

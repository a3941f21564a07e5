"""Clocks for waits that take long: one that stands still but for them, and one that runs fast."""

from __future__ import annotations

import time
from typing import Any

from kiamo_iac.http.pacing import Gate


class FakeClock:
    """Seconds since its start, moved by `pause` alone. For one thread."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        """The waits, in the order in which they began."""
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._now += seconds

    def gate(self, **settings: Any) -> Gate:
        """A gate that waits by this clock, without jitter."""
        return Gate(clock=self, pause=self.pause, jitter=lambda: 0.0, **settings)


class FastClock:
    """Seconds that pass `speed` times as fast. Safe under threads."""

    def __init__(self, speed: float) -> None:
        self._speed = speed

    def __call__(self) -> float:
        return time.monotonic() * self._speed

    def pause(self, seconds: float) -> None:
        time.sleep(max(seconds, 0.0) / self._speed)

    def gate(self, **settings: Any) -> Gate:
        """A gate that waits by this clock, without jitter."""
        return Gate(clock=self, pause=self.pause, jitter=lambda: 0.0, **settings)

"""Which failed calls are repeated, and after how long."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from kiamo_iac.core.errors import ApiError
from kiamo_iac.http.message import Response

PASSING: Final = frozenset({429, 502, 503, 504})
"""Statuses after which the same call may succeed later."""
CONNECTS: Final = 4
"""Attempts to connect; few, so that an unreachable server is reported soon."""
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 8.0


@dataclass(frozen=True, slots=True)
class Limits:
    """How long calls may take, in seconds, and how large a body may be, in bytes."""

    deadline: float = 30.0
    """Of one call as a whole, from connecting to the last byte."""
    patience: float = 60.0
    """Of one call: its attempts and its own waits between them, without the time at the gate of a run (`pacing.Gate`),
    which has a limit of its own. No wait begins that would exceed it."""
    body: int = 32 * 1024 * 1024
    """Of one body, after decompression."""
    attempts: int | None = None
    """Of one call that was sent; None: as many as `patience` leaves time for."""
    unanswered: int | None = None
    """Of one call that was sent and gets no response, where that is less; None: as `attempts`."""

    def most(self, failed: FailedAttempt) -> int | None:
        """After how many attempts no other is made, the last of which has failed so."""
        return self.unanswered if failed.status is None and self.unanswered is not None else self.attempts


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt without a response, or with one that asks to try again later."""

    error: ApiError
    sent: bool = True
    """Whether the server may have seen it: then a write is not repeated, because its outcome is unknown."""
    lasting: bool = False
    """True: it would fail the same way again (a certificate, a missing right)."""
    status: int | None = None
    wait: float | None = None
    """Seconds that the server asked to wait (`Retry-After`)."""

    def reason(self, server: str) -> str:
        """Why the next attempt waits; `server`: who is waited for."""
        if self.status is None:
            return f"{server} gave no usable response" if self.sent else f"{server} cannot be reached"
        asked = f" (Retry-After: {math.ceil(self.wait)})" if self.wait is not None else ""
        return f"{server} answered {self.status}{asked}"


def passing(response: Response) -> FailedAttempt | None:
    """What a response with one of the statuses of `PASSING` asks for; None for any other response."""
    if response.status not in PASSING:
        return None
    wait = retry_after(response.headers.get("retry-after"))
    return FailedAttempt(ApiError(f"{response.status}"), status=response.status, wait=wait)


def may_repeat(method: str, failed: FailedAttempt) -> bool:
    """Whether the call may be made again: any call that was never sent or was answered 429, which says that it was not
    carried out, and a GET after a failure that may pass.

    Writes of unknown outcome are never repeated here: their effect must be read first.
    """
    if failed.lasting:
        return False
    if not failed.sent or failed.status == 429:
        return True
    return method == "GET" and (failed.status is None or failed.status in PASSING)


def wait_before(attempt: int, failed: FailedAttempt, *, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait after attempt number `attempt`: as the server asked, or exponential; both with jitter."""
    if failed.wait is not None:
        return failed.wait + _FIRST_WAIT * jitter()
    return min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT) * (0.5 + jitter() / 2)


def retry_after(text: str | None, *, now: Callable[[], float] = time.time) -> float | None:
    """The seconds that a `Retry-After` header asks for (RFC 9110 §10.2.3: a number or a date), or None."""
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = parsedate_to_datetime(text)
            utc = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            seconds = max(utc.timestamp() - now(), 0.0)
        except (ValueError, OverflowError, OSError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None

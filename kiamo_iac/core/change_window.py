"""The hours in which an environment may be changed: parsed from the project file, and asked for a point in time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from kiamo_iac.core.diagnostics import did_you_mean

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
"""As `datetime.weekday` counts them."""
EVERY_DAY: Final = ("daily", "every day")
"""Written in the place of days."""
WRITTEN: Final = "Mon-Fri 19:00-08:00 Europe/Paris"
"""A change window as an example."""

_WINDOW: Final = re.compile(r"(?P<days>\S.*?)\s+(?P<opens>[\d:]+)\s*-\s*(?P<closes>[\d:]+)(?:\s+(?P<zone>\S+))?")
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_DAY_MINUTES: Final = 24 * 60
_LOOK_AHEAD: Final = 15 * _DAY_MINUTES
"""Minutes: a weekly window may fall into the hour that a clock change skips, but not twice in a row."""
_UNOFFICIAL: Final = ("posix/", "right/", "posixrules", "localtime", "Factory")
"""Names that some systems have and IANA does not: with leap seconds, or the setting of the machine."""


class WindowError(ValueError):
    """A change window that cannot be parsed; `str()` is the reason, `hint` what to write."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Span:
    """The same hours on some days of the week, in the local time of `zone`."""

    days: frozenset[int]
    """The days on which it opens, 0 is Monday; a span that passes midnight closes on the next day."""
    opens: int
    """Minutes since midnight."""
    closes: int
    """Minutes since midnight of the day on which it opens, exclusive; more than 1440 past midnight."""
    zone: ZoneInfo

    def is_open(self, now: datetime) -> bool:
        """Whether the local time is within it. An hour repeated by a clock change counts twice, a skipped one never."""
        wall = now.astimezone(self.zone)
        minute = wall.hour * 60 + wall.minute
        today, yesterday = wall.weekday(), (wall.weekday() - 1) % 7
        return (today in self.days and self.opens <= minute < self.closes) or (
            yesterday in self.days and minute < self.closes - _DAY_MINUTES
        )


@dataclass(frozen=True, slots=True)
class ChangeWindow:
    """When an environment may be changed."""

    text: str
    """As written in the project file."""
    spans: tuple[Span, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `Mon-Fri 19:00-08:00 Europe/Paris; Sat,Sun 00:00-24:00 Europe/Paris`.

        Raises:
            WindowError: it cannot be read, or names a time zone that IANA does not have.
        """
        return cls(" ".join(text.split()), tuple(_span(part.strip()) for part in text.split(";")))

    def is_open(self, now: datetime) -> bool:
        """Whether it is open.

        Raises:
            ValueError: `now` has no time zone.
        """
        if now.tzinfo is None:
            msg = "the time has no time zone"
            raise ValueError(msg)
        return any(span.is_open(now) for span in self.spans)

    def next_opening(self, now: datetime) -> datetime | None:
        """The first full minute from `now` on at which it is open, in its local time; None: not within two weeks.

        Searched minute by minute, because arithmetic on local times breaks at clock changes.
        """
        minute = now.astimezone(UTC).replace(second=0, microsecond=0)
        for _ in range(_LOOK_AHEAD):
            minute += timedelta(minutes=1)
            for span in self.spans:
                if span.is_open(minute):
                    return minute.astimezone(span.zone)
        return None


def _span(text: str) -> Span:
    found = _WINDOW.fullmatch(text)
    if found is None:
        msg = f'"{text}" is not days, hours and a time zone' if text else "a change window is empty"
        raise WindowError(msg, hint=f"write {WRITTEN}, or daily in the place of Mon-Fri")
    opens, closes = _minutes(found["opens"]), _minutes(found["closes"])
    if opens == _DAY_MINUTES:
        msg = "a window cannot open at 24:00"
        raise WindowError(msg, hint="write 00:00 of the next day")
    if opens == closes:
        msg = f"{found['opens']}-{found['closes']} is ambiguous: a whole day, or nothing"
        raise WindowError(msg, hint="write 00:00-24:00 for a whole day")
    days = frozenset(day for part in found["days"].split(",") for day in _days(part.strip()))
    if found["zone"] is None:
        msg = f'"{text}" has no time zone'
        raise WindowError(msg, hint=f"add an IANA time zone: {text} Europe/Paris")
    return Span(days, opens, closes if closes > opens else closes + _DAY_MINUTES, _zone(found["zone"]))


def _minutes(text: str) -> int:
    if not _TIME.fullmatch(text):
        msg = f'"{text}" is not a time'
        raise WindowError(msg, hint="write hours and minutes with two digits each, from 00:00 to 24:00")
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _days(text: str) -> list[int]:
    """The days of `Mon`, of `Fri-Mon`, which goes over Sunday, or of `daily`."""
    if " ".join(text.lower().split()) in EVERY_DAY:
        return list(range(len(DAYS)))
    ends = [end.strip() for end in text.split("-")]
    for end in ends:
        if end not in DAYS:
            msg = f'"{end}" is not a day of the week'
            meant = end[:3].capitalize()  # not the nearest one: that of "Lun" (Monday) would be Sunday
            known = f"the days are {', '.join(DAYS)}, and daily"
            raise WindowError(msg, hint=f'write "{meant}"' if meant in DAYS else known)
    if len(ends) > 2:
        msg = f'"{text}" is not a range of days'
        raise WindowError(msg, hint="write Mon-Fri, or Mon,Wed,Fri")
    first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
    return [day % 7 for day in range(first, first + (last - first) % 7 + 1)]


def _zone(name: str) -> ZoneInfo:
    from zoneinfo import ZoneInfo, available_timezones  # 6 ms, and most environments have no window

    try:
        if not name.startswith(_UNOFFICIAL):
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        pass  # the reason depends on the system
    known = available_timezones()
    if not known:
        msg = "this machine has no time zone data"
        raise WindowError(msg, hint="install it: pip install tzdata, or the tzdata package of the system")
    msg = f'"{name}" is not an IANA time zone'
    raise WindowError(msg, hint=did_you_mean(name, known) or "write one such as Europe/Paris, or UTC")

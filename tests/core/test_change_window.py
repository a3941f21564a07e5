"""Change windows: what can be written, and when they are open, both changes of clock among it."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from kiamo_iac.core.change_window import WRITTEN, ChangeWindow, WindowError
from kiamo_iac.core.settings import GuardSettings

PARIS = ZoneInfo("Europe/Paris")


def is_open(text: str, at: str, zone: str = "Europe/Paris") -> bool:
    return ChangeWindow.parse(text).is_open(datetime.fromisoformat(at).replace(tzinfo=ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        # 2026-01-05 is a Monday
        (WRITTEN, "2026-01-05 18:59:59", False),
        (WRITTEN, "2026-01-05 19:00", True),
        (WRITTEN, "2026-01-06 07:59:59", True),
        (WRITTEN, "2026-01-06 08:00", False),
        (WRITTEN, "2026-01-05 07:00", False),  # past midnight of Sunday, which has no window
        (WRITTEN, "2026-01-09 23:59", True),
        (WRITTEN, "2026-01-10 07:59", True),  # Saturday, but it opened on Friday
        (WRITTEN, "2026-01-10 19:00", False),
        ("Fri-Mon 10:00-12:00 Europe/Paris", "2026-01-05 11:00", True),
        ("Fri-Mon 10:00-12:00 Europe/Paris", "2026-01-11 11:00", True),
        ("Fri-Mon 10:00-12:00 Europe/Paris", "2026-01-06 11:00", False),
        ("Sun 22:00-02:00 Europe/Paris", "2026-01-05 01:59", True),
        ("Sun 22:00-02:00 Europe/Paris", "2026-01-11 01:59", False),
        ("Mon,Wed 10:00-12:00 Europe/Paris", "2026-01-07 10:00", True),
        ("Mon, Wed 10:00 - 12:00 Europe/Paris", "2026-01-06 10:00", False),
        ("Mon-Tue,Sat 10:00-12:00 Europe/Paris", "2026-01-10 10:00", True),
        ("Sat 00:00-24:00 Europe/Paris", "2026-01-10 23:59:59", True),
        ("Sat 00:00-24:00 Europe/Paris", "2026-01-11 00:00", False),
        ("Sat 22:00-00:00 Europe/Paris", "2026-01-10 23:59:59", True),
        ("Sat 22:00-00:00 Europe/Paris", "2026-01-11 00:00", False),
        ("Mon 10:00-11:00 Europe/Paris; Tue 12:00-13:00 Europe/Paris", "2026-01-06 12:30", True),
        ("Mon 10:00-11:00 Europe/Paris; Tue 12:00-13:00 Europe/Paris", "2026-01-06 10:30", False),
    ],
)
def test_when_it_is_open(text: str, at: str, expected: bool) -> None:
    assert is_open(text, at) is expected


def test_the_clock_is_that_of_the_zone_wherever_the_run_is() -> None:
    assert is_open("Mon 00:00-02:00 Europe/Paris", "2026-01-04 23:30", "UTC")
    assert is_open("Mon 00:00-02:00 Europe/Paris", "2026-01-04 18:30", "America/New_York")
    assert not is_open("Mon 00:00-02:00 Europe/Paris", "2026-01-05 01:00", "UTC")
    both = "Mon 10:00-11:00 Europe/Paris; Mon 10:00-11:00 Asia/Tokyo"
    assert is_open(both, "2026-01-05 09:30", "UTC")
    assert is_open(both, "2026-01-05 01:30", "UTC")
    assert not is_open(both, "2026-01-05 10:30", "UTC")


def open_minutes(text: str, day: str) -> int:
    """How many minutes of real time it is open from 12:00 UTC before to 12:00 UTC of `day`."""
    window = ChangeWindow.parse(text)
    start = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(hours=12)
    return sum(window.is_open(start + timedelta(minutes=m)) for m in range(24 * 60))


@pytest.mark.parametrize(
    ("day", "night", "early", "skipped"),
    [
        ("2026-03-22", 13 * 60, 60, 60),
        ("2026-03-29", 12 * 60, 60, 0),  # at 02:00 it is 03:00
        ("2026-10-25", 14 * 60, 60, 120),  # at 03:00 it is 02:00 again
    ],
)
def test_changes_of_clock(day: str, night: int, early: int, skipped: int) -> None:
    assert open_minutes("Sat 19:00-08:00 Europe/Paris", day) == night
    assert open_minutes("Sun 01:00-02:00 Europe/Paris", day) == early
    assert open_minutes("Sun 02:00-03:00 Europe/Paris", day) == skipped


def test_the_hour_that_comes_twice() -> None:
    window = ChangeWindow.parse("Sun 02:00-02:30 Europe/Paris")
    first = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    assert [window.is_open(first + timedelta(minutes=m)) for m in (-20, 0, 20, 60, 80)] == [
        False,
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        (WRITTEN, "2026-01-05 12:00", "2026-01-05 19:00+01:00"),
        (WRITTEN, "2026-01-10 08:00", "2026-01-12 19:00+01:00"),
        ("Sun 02:30-04:00 Europe/Paris", "2026-03-28 12:00", "2026-03-29 03:00+02:00"),
        ("Sun 02:00-03:00 Europe/Paris", "2026-03-28 12:00", "2026-04-05 02:00+02:00"),
        ("Sun 02:00-02:30 Europe/Paris", "2026-10-24 12:00", "2026-10-25 02:00+02:00"),
    ],
)
def test_when_it_opens_next(text: str, now: str, expected: str) -> None:
    window = ChangeWindow.parse(text)
    opening = window.next_opening(datetime.fromisoformat(now).replace(tzinfo=PARIS))
    assert opening is not None
    assert opening.isoformat(" ", "minutes") == expected
    assert opening.tzinfo is PARIS
    assert not window.is_open(opening.astimezone(UTC) - timedelta(minutes=1))


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        ChangeWindow.parse(WRITTEN).is_open(datetime(2026, 1, 5))  # noqa: DTZ001 - that is the case


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        ("", "window is empty", WRITTEN),
        (f"{WRITTEN};", "window is empty", WRITTEN),
        ("at night", "not days, hours", WRITTEN),
        ("19:00-08:00 Europe/Paris", "not days, hours", WRITTEN),
        ("Mon-Fri Europe/Paris", "not days, hours", WRITTEN),
        ("Mon-Fri 19:00-08:00", "has no time zone", "Mon-Fri 19:00-08:00 Europe/Paris"),
        ("Mon-Fri 19:00-08:00 Europe/Pariss", "not an IANA time zone", 'did you mean "Europe/Paris"?'),
        ("Mon-Fri 19:00-08:00 +01:00", "not an IANA time zone", "such as"),
        ("Mon-Fri 19:00-08:00 Europe", "not an IANA time zone", ""),
        ("Mon-Fri 19:00-08:00 ../Paris", "not an IANA time zone", ""),
        ("Mon-Fri 19:00-08:00 /etc/localtime", "not an IANA time zone", ""),
        ("Mon-Fri 19:00-08:00 right/Europe/Paris", "not an IANA time zone", 'did you mean "Europe/Paris"?'),
        ("Mon-Fri 19:00-08:00 Europe/Paris Europe/Paris", "not days, hours", WRITTEN),
        ("Monday 19:00-08:00 Europe/Paris", "not a day", 'write "Mon"'),
        ("mon 19:00-08:00 Europe/Paris", "not a day", 'write "Mon"'),
        ("Lun 19:00-08:00 Europe/Paris", "not a day", "the days are Mon"),
        ("Mon,,Tue 19:00-08:00 Europe/Paris", '"" is not a day', "the days are Mon"),
        ("Mon-Wed-Fri 19:00-08:00 Europe/Paris", "not a range of days", "Mon,Wed,Fri"),
        ("Mon 24:00-08:00 Europe/Paris", "cannot open at 24:00", "00:00"),
        ("Mon 08:00-08:00 Europe/Paris", "a whole day, or nothing", "00:00-24:00"),
        ("Mon 8:00-09:00 Europe/Paris", "not a time", "two digits"),
        ("Mon 08:00-25:00 Europe/Paris", "not a time", "24:00"),
        ("Mon 08:00-24:01 Europe/Paris", "not a time", "24:00"),
        ("Mon 08:60-09:00 Europe/Paris", "not a time", "two digits"),
        ("Mon 0800-0900 Europe/Paris", "not a time", "two digits"),
    ],
)
def test_what_cannot_be_read(text: str, words: str, hint: str) -> None:
    with pytest.raises(WindowError, match=words) as caught:
        ChangeWindow.parse(text)
    assert hint in caught.value.hint


def test_a_machine_without_zone_data_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> ZoneInfo:
        raise zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(zoneinfo, "ZoneInfo", nothing)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    with pytest.raises(WindowError, match="no time zone data") as caught:
        ChangeWindow.parse(WRITTEN)
    assert "tzdata" in caught.value.hint


def test_what_is_not_said() -> None:
    settings = GuardSettings()
    assert (settings.max_deletes, settings.max_delete_percent, settings.max_update_percent) == (None, None, None)
    assert (settings.allow_start, settings.allow_stop, settings.change_window) == (False, False, None)
    assert [settings.delete_percent(managed) for managed in (0, 9, 10)] == [50, 50, 30]
    assert GuardSettings(max_delete_percent=7).delete_percent(9) == 7
    assert ChangeWindow.parse(f"  {WRITTEN.replace(' ', '   ')} ") == ChangeWindow.parse(WRITTEN)


@pytest.mark.parametrize("days", ["daily", "Daily", "every day", "every  day", "Mon-Sun", "Thu-Wed", "Mon-Fri,Sat,Sun"])
def test_d26_every_day_can_be_written(days: str) -> None:
    window = ChangeWindow.parse(f"{days} 19:00-08:00 Europe/Paris")
    assert window.spans[0].days == frozenset(range(7))
    with pytest.raises(WindowError) as caught:
        ChangeWindow.parse("always 19:00-08:00 Europe/Paris")
    assert caught.value.hint == "the days are Mon, Tue, Wed, Thu, Fri, Sat, Sun, and daily"

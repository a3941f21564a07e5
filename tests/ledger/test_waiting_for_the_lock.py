"""A wait for the lock of another run is shown, and a lock without an id has a hint that can be followed."""

from __future__ import annotations

import re
import time

import pytest

from kiamo_iac.core.errors import LockedError
from kiamo_iac.ledger.lock import LockInfo, acquire


def test_d14_a_wait_for_a_lock_is_shown_when_it_begins_and_each_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now, lines = [100.0], list[str]()

    def pause(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    holder = LockInfo("id", "alice\x1b[31m@host")
    with pytest.raises(LockedError):
        acquire(
            lambda: holder,
            timeout=70,
            locked_error=lambda other: other.locked_error("x", environment="staging"),
            pause=pause,
            show=lines.append,
        )
    found = [re.fullmatch(r"waiting up to (\d+) s for the lock: it is held by (.*)", line) for line in lines]
    assert [each and each[2].startswith("alice") for each in found] == [True, True, True]
    assert "\x1b" not in "".join(lines)
    assert lines[0].startswith("waiting up to 70 s")
    free: list[str] = []
    acquire(lambda: None, timeout=70, locked_error=lambda _: LockedError("x"), show=free.append)
    assert free == []


@pytest.mark.parametrize("response", [None, {}, {"ID": ""}, {"Who": "alice"}, ["x"], {"ID": 7}])
def test_d28_a_lock_without_an_id_has_a_hint_without_a_place_for_it(response: object) -> None:
    error = LockInfo.from_terraform(response).locked_error("https://h/state", environment="staging")
    assert error.hint is not None
    assert "ledger unlock" not in error.hint
    assert "remove the lock at the backend (GitLab: Operate > Terraform states)" in error.hint
    named = LockInfo.from_terraform({"ID": "abc"}).locked_error("https://h/state", environment="staging")
    assert (named.hint or "").endswith("kiamo-iac ledger unlock -e staging abc")

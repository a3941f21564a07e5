"""A long look for the outcome of a call is shown, once; a short one is not."""

from __future__ import annotations

from kiamo_iac.executor.delivery import Polling


def test_d14_a_long_wait_for_an_outcome_is_shown_once() -> None:
    now, lines = [0.0], list[str]()

    def pause(seconds: float) -> bool:
        now[0] += seconds
        return False

    polling = Polling(clock=lambda: now[0], pause=pause, show=lines.append)
    assert polling.until(lambda: None, 30.0) is None
    assert len(lines) == 1
    assert lines[0].startswith("waiting up to 2")
    assert polling.until(lambda: now[0] >= 31.0 or None, 30.0) is True
    assert polling.until(lambda: None, 1.5) is None
    assert len(lines) == 1

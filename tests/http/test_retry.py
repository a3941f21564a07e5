"""When a call is made again, and after how long."""

from __future__ import annotations

import pytest

from kiamo_iac.core.errors import ApiError
from kiamo_iac.http.retry import FailedAttempt, may_repeat, retry_after, wait_before

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
TROUBLE = ApiError("trouble")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("0", 0.0),
        ("120", 120.0),
        ("1e9", 1e9),
        ("1000000000", 1e9),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
        ("Tue, 14 Nov 2023 23:14:20 +0100", 60.0),
        ("Tue, 14 Nov 2023 22:13:19 GMT", 0.0),
        ("Tue, 99 Nov 2023 22:13:19 GMT", None),
    ],
)
def test_f06_what_retry_after_asks_for(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, now=lambda: NOW) == seconds


def test_waits_grow_to_a_limit_and_are_spread() -> None:
    failed = FailedAttempt(TROUBLE)
    assert [wait_before(n, failed, jitter=lambda: 1.0) for n in range(1, 9)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 8.0, 8.0]
    assert [wait_before(n, failed, jitter=lambda: 0.0) for n in (1, 2, 9)] == [0.1, 0.2, 4.0]
    assert 0.1 <= wait_before(1, failed) <= 0.2


def test_f06_a_wait_that_was_asked_for_is_never_cut_short() -> None:
    assert wait_before(1, FailedAttempt(TROUBLE, wait=30.0), jitter=lambda: 0.0) == 30.0
    assert wait_before(9, FailedAttempt(TROUBLE, wait=0.0), jitter=lambda: 1.0) == 0.2


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_what_may_be_made_again(method: str) -> None:
    reads = method == "GET"
    assert may_repeat(method, FailedAttempt(TROUBLE, sent=False))
    assert not may_repeat(method, FailedAttempt(TROUBLE, sent=False, lasting=True))
    assert may_repeat(method, FailedAttempt(TROUBLE)) == reads
    assert may_repeat(method, FailedAttempt(TROUBLE, status=503)) == reads
    assert may_repeat(method, FailedAttempt(TROUBLE, status=429))
    assert not may_repeat(method, FailedAttempt(TROUBLE, status=500))
    assert not may_repeat(method, FailedAttempt(TROUBLE, status=400))

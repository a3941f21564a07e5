"""The gate that all calls of a run pass: closed, tried, slowed down, and refused for good."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import pytest

from kiamo_iac.core.errors import ApiError, BusyError
from kiamo_iac.http.pacing import FAILURES, Gate, Permit
from kiamo_iac.http.retry import FailedAttempt
from tests.http.clock import FakeClock, FastClock

UNSENT = FailedAttempt(ApiError("no connection"), sent=False)


def busy(status: int = 503, wait: float | None = None) -> FailedAttempt:
    return FailedAttempt(ApiError(str(status)), status=status, wait=wait)


def enter(gate: Gate, *, write: bool = True) -> Permit:
    permit = gate.enter("POST /api/bases" if write else "GET /api/bases", write=write, again=False, ended=lambda: False)
    assert permit is not None
    return permit


def answered(gate: Gate, failed: FailedAttempt | None = None, *, write: bool = True) -> None:
    """One call, and its outcome."""
    permit = enter(gate, write=write)
    if failed is None:
        gate.succeeded(permit)
    else:
        gate.failed(permit, failed)


def test_an_open_gate_holds_nothing_up() -> None:
    clock = FakeClock()
    gate = clock.gate()
    for _ in range(100):
        answered(gate)
        answered(gate, write=False)
    assert clock.pauses == []


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("status", [429, 503])
def test_f06_all_calls_wait_as_long_as_the_server_asks(status: int, write: bool) -> None:
    for other in (True, False):
        clock = FakeClock()
        gate = clock.gate()
        answered(gate, busy(status, 30), write=write)
        answered(gate, write=other)
        assert clock() == 30


def test_f06_a_later_moment_counts_and_an_earlier_one_does_not() -> None:
    clock = FakeClock()
    gate = clock.gate()
    first, second, third = enter(gate), enter(gate), enter(gate)
    gate.failed(first, busy(503, 20))
    gate.failed(second, busy(503, 30))
    gate.failed(third, busy(503, 10))
    answered(gate)
    assert clock() == 30


def test_f32_failures_in_a_row_close_the_gate_for_longer_each_time() -> None:
    clock = FakeClock()
    gate = clock.gate()
    for _ in range(FAILURES):
        answered(gate, busy())
    assert clock() == 0
    for _ in range(7):
        answered(gate, busy())
    assert clock.pauses == [1, 2, 4, 8, 15, 15, 15]
    answered(gate)
    for _ in range(FAILURES - 1):
        answered(gate, busy())
    now = clock()
    answered(gate)
    assert clock() == now


def test_f32_a_429_closes_the_gate_at_once() -> None:
    clock = FakeClock()
    gate = clock.gate()
    for _ in range(4):
        answered(gate, busy(429))
    answered(gate)
    assert clock.pauses == [1, 2, 4, 8]


def test_f06_asked_to_wait_no_time_for_ever_is_no_licence_to_hammer() -> None:
    clock = FakeClock()
    gate = clock.gate(retry_wait=120)
    for _ in range(13):
        answered(gate, busy(429, 0), write=False)
    with pytest.raises(BusyError):
        enter(gate)


def test_f32_reads_do_not_open_the_gate_for_writes() -> None:
    clock = FakeClock()
    gate = clock.gate()
    for _ in range(FAILURES + 2):
        answered(gate, busy())
        answered(gate, write=False)
    assert clock() == 1 + 2 + 4


def test_f05_the_wait_of_a_run_is_limited() -> None:
    clock = FakeClock()
    gate = clock.gate(retry_wait=120)
    for _ in range(4):
        answered(gate, busy(503, 30))
    assert clock() == 90
    gate.failed(enter(gate), busy(503, 30))
    refused = (
        r"^GET /api/bases was not made: the instance answered 503 \(Retry-After: 30\), and this run has waited 120 s"
    )
    for _ in range(2):
        with pytest.raises(BusyError, match=refused) as caught:
            enter(gate, write=False)
    assert caught.value.hint == "try again later, or raise limits: {retry_wait: 120} of the environment in kiamo.yaml"
    assert clock() == 120


def test_f06_a_wait_that_the_run_may_not_make_is_refused_before_it_begins() -> None:
    clock = FakeClock()
    gate = clock.gate(retry_wait=120)
    gate.failed(enter(gate), busy(503, 121))
    with pytest.raises(BusyError, match=r"\(Retry-After: 121\), and this run may wait only 120 s more\.$"):
        enter(gate)
    gate = clock.gate(retry_wait=120)
    answered(gate, busy(503, 90))
    answered(gate, busy(503, 32))
    with pytest.raises(BusyError, match=r"\(Retry-After: 32\), and this run may wait only 30 s more\.$"):
        enter(gate)
    assert clock() == 90


def test_a_wait_of_its_own_is_cut_to_what_is_left() -> None:
    clock = FakeClock()
    gate = clock.gate(retry_wait=10)
    for _ in range(FAILURES + 4):
        answered(gate, busy())
    assert clock.pauses == [1, 2, 4, 3]
    with pytest.raises(BusyError, match="has waited 10 s, as long as it may"):
        enter(gate)


def test_waits_at_the_same_time_count_once_and_waits_for_the_rate_do_not() -> None:
    clock = FakeClock()
    gate = clock.gate(retry_wait=30, writes_per_second=0.5)
    first, second = enter(gate), enter(gate)
    gate.failed(first, busy(503, 30))
    gate.failed(second, busy(503, 30))
    for _ in range(20):
        answered(gate)
    assert 30 + 19 * 2 - 2 <= clock() <= 30 + 20 * 2


def test_f23_what_never_answered_is_not_waited_for() -> None:
    clock = FakeClock()
    gate = clock.gate()
    for _ in range(20):
        answered(gate, UNSENT)
    assert (clock(), gate.reached) == (0, False)
    answered(gate)
    for _ in range(FAILURES):
        answered(gate, UNSENT)
    answered(gate)
    assert (clock(), gate.reached) == (1, True)


def test_writes_per_second() -> None:
    clock = FakeClock()
    gate = clock.gate(writes_per_second=4)
    for _ in range(41):
        answered(gate)
    assert clock() == pytest.approx(39 / 4)  # the second one may follow the first at once
    now = clock()
    for _ in range(100):
        answered(gate, write=False)
    assert clock() == now


def _limited(clock: Callable[[], float], per_second: int) -> Callable[[], bool]:
    """Whether a server that takes so many calls in any second takes this one."""
    taken: deque[float] = deque()

    def takes() -> bool:
        now = clock()
        while taken and taken[0] <= now - 1:
            taken.popleft()
        if len(taken) >= per_second:
            return False
        taken.append(now)
        return True

    return takes


@pytest.mark.parametrize("wait", [None, 1.0])
@pytest.mark.parametrize("per_second", [2, 10, 50])
def test_f32_the_rate_settles_below_what_the_server_takes(per_second: int, wait: float | None) -> None:
    clock = FakeClock()
    gate, takes = clock.gate(retry_wait=120), _limited(clock, per_second)
    done = refused = 0
    while done < 60 * per_second:
        permit = enter(gate)
        if takes():
            gate.succeeded(permit)
            done += 1
        else:
            gate.failed(permit, busy(429, wait))
            refused += 1
    assert refused <= 2 + done / 20
    assert done / clock() > per_second * 0.6


def test_f32_a_long_run_at_a_limited_rate_does_not_use_up_its_waits() -> None:
    clock = FakeClock()
    gate, takes = clock.gate(retry_wait=60), _limited(clock, 10)
    done = 0
    while done < 20_000:
        permit = enter(gate)
        if takes():
            gate.succeeded(permit)
            done += 1
        else:
            gate.failed(permit, busy(429, 1))
    assert done / clock() > 7


def test_f06_a_quota_of_a_minute_is_spread_over_it() -> None:
    """600 writes in each minute: the first 600 at once, and then no faster than a minute takes."""
    clock = FakeClock()
    gate = clock.gate(retry_wait=120)
    for _ in range(600):
        answered(gate)
    answered(gate, busy(429, 60))
    assert clock() == 0
    begun = 60
    for _ in range(300):
        answered(gate)
    assert (clock() - begun) / 300 == pytest.approx(1 / 8, rel=0.3)


@pytest.mark.parametrize("probe", [None, busy(503, 5)])
def test_f32_one_call_tries_while_the_others_wait(probe: FailedAttempt | None) -> None:
    clock = FastClock(100)
    gate = clock.gate()
    answered(gate, busy(503, 5))
    entered: list[Permit] = []
    threads = [threading.Thread(target=lambda: entered.append(enter(gate))) for _ in range(6)]
    for thread in threads:
        thread.start()
    _until(lambda: entered)
    time.sleep(0.1)
    assert len(entered) == 1
    if probe is not None:
        gate.failed(entered.pop(), probe)
        _until(lambda: entered)
        time.sleep(0.1)
        assert len(entered) == 1
    gate.succeeded(entered[0])
    for thread in threads:
        thread.join(10)
    assert len(entered) == (6 if probe is None else 5)


def test_a_call_that_was_not_made_lets_the_next_one_try() -> None:
    clock = FakeClock()
    gate = clock.gate()
    answered(gate, busy(503, 5))
    gate.abandoned(enter(gate))
    gate.failed(enter(gate), FailedAttempt(ApiError("too large"), lasting=True))
    answered(gate)
    assert clock() == 5


def test_only_a_few_writes_are_in_flight_until_one_has_succeeded() -> None:
    gate = Gate()
    permits = [enter(gate) for _ in range(8)]
    more: list[Permit] = []
    thread = threading.Thread(target=lambda: more.append(enter(gate)))
    thread.start()
    time.sleep(0.05)
    assert more == []
    gate.succeeded(permits[0])
    thread.join(10)
    assert len(more) == 1
    assert [enter(gate) for _ in range(30)]


def test_f31_a_wait_ends_when_the_run_is_stopped() -> None:
    gate, stop = Gate(), threading.Event()
    answered(gate, busy(503, 60))
    threading.Timer(0.1, stop.set).start()
    begun = time.monotonic()
    assert gate.enter("GET /x", write=False, again=False, ended=stop.is_set) is None
    assert not gate.rest(60, call="GET /x", why=busy(), ended=stop.is_set)
    assert 0.05 < time.monotonic() - begun < 5


def test_real_waits_are_never_shorter_than_asked() -> None:
    gate = Gate()
    answered(gate, busy(503, 0.3))
    begun = time.monotonic()
    for _ in range(3):  # outcomes of other calls wake the one that waits
        threading.Timer(0.1, lambda: gate.abandoned(Permit(gate._reads, 0, 0.0, counted=False))).start()
    answered(gate)
    assert time.monotonic() - begun >= 0.29


def test_o19_each_wait_is_shown_once_and_again_while_it_lasts() -> None:
    clock, shown = FakeClock(), list[str]()
    gate = Gate(show=shown.append, clock=clock, jitter=lambda: 0.0)
    wave = [enter(gate) for _ in range(4)]
    for permit in wave:
        gate.failed(permit, busy(503, 70))
    assert shown == []  # a run that makes no further call does not wait

    def ended() -> bool:
        clock.pause(8)
        return False

    assert gate.enter("POST /x", write=True, again=False, ended=ended) is not None
    assert shown == [
        "waiting 70 s: the instance answered 503 (Retry-After: 70)",
        "waiting 38 s more: the instance answered 503 (Retry-After: 70)",
    ]


def _until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)

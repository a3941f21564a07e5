"""Order, parallelism, failures and stops of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from graphlib import CycleError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.errors import AccessError, ApiError, BudgetError, BusyError, RefusedError
from kiamo_iac.executor.report import Outcome, Status, StepResult
from kiamo_iac.executor.scheduler import UnexpectedError, execute
from kiamo_iac.planner.plan import Plan, Step
from tests.executor.steps import graph, plan, step

DONE, FAILED, SKIPPED = Status.DONE, Status.FAILED, Status.SKIPPED


class Actor:
    """A performer that records its steps, and does what the test sets for each."""

    def __init__(self, act: Callable[[Step], None] | None = None) -> None:
        self._act = act
        self._lock = threading.Lock()
        self._in_flight = 0
        self.most = 0
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.order_held = True

    def perform(self, step: Step) -> Outcome:
        with self._lock:
            self.begun.append(step.id)
            self.order_held &= set(step.depends_on) <= set(self.ended)
            self._in_flight += 1
            self.most = max(self.most, self._in_flight)
        try:
            if self._act is not None:
                self._act(step)
        finally:
            with self._lock:
                self._in_flight -= 1
        with self._lock:
            self.ended.append(step.id)
        return Outcome(f"id{step.id}")


class Watcher:
    """An observer that records events and their threads."""

    def __init__(self) -> None:
        self.started_: list[int] = []
        self.finished_: list[tuple[int, Status]] = []
        self.threads: set[int] = set()
        self.most = 0

    def started(self, step: Step) -> None:
        self.threads.add(threading.get_ident())
        self.started_.append(step.id)
        self.most = max(self.most, len(set(self.started_) - {id_ for id_, _ in self.finished_}))

    def finished(self, results: Sequence[StepResult]) -> None:
        assert results
        self.threads.add(threading.get_ident())
        self.finished_ += [(result.step.id, result.status) for result in results]


def refuse(*ids: int, error: type[RefusedError] = RefusedError) -> Callable[[Step], None]:
    def act(step: Step) -> None:
        if step.id in ids:
            msg = f"no to {step.id}"
            raise error(msg, status=400)

    return act


@st.composite
def graphs(draw: st.DrawFn) -> dict[int, list[int]]:
    size = draw(st.integers(0, 25))
    return {
        id_: draw(st.lists(st.integers(1, id_ - 1), max_size=3, unique=True)) if id_ > 1 else []
        for id_ in range(1, size + 1)
    }


def below(needs: dict[int, list[int]], failed: set[int]) -> set[int]:
    """What depends on these, directly or not."""
    found: set[int] = set()
    for id_, above in needs.items():  # ids ascend, and depend on smaller ones only
        if (failed | found) & set(above):
            found.add(id_)
    return found


@given(needs=graphs(), parallelism=st.integers(1, 6))
def test_every_step_is_done_after_what_it_depends_on(needs: dict[int, list[int]], parallelism: int) -> None:
    actor, watcher = Actor(), Watcher()
    report = execute(graph(needs), actor, parallelism=parallelism, observer=watcher)
    assert report.ok
    assert [r.step.id for r in report.results] == list(needs)
    assert [r.outcome for r in report.results] == [Outcome(f"id{id_}") for id_ in needs]
    assert sorted(actor.begun) == list(needs)
    assert actor.order_held
    assert actor.most <= parallelism
    assert len(watcher.started_) == len(set(watcher.started_) & set(needs))
    assert watcher.most <= parallelism
    assert sorted(watcher.finished_) == [(id_, DONE) for id_ in needs]
    assert watcher.threads <= {threading.get_ident()}


@given(needs=graphs(), data=st.data(), parallelism=st.integers(1, 4))
def test_f19_a_failure_takes_what_depends_on_it_and_nothing_else(
    needs: dict[int, list[int]], data: st.DataObject, parallelism: int
) -> None:
    bad = set(data.draw(st.lists(st.sampled_from(list(needs)), max_size=4))) if needs else set()
    report = execute(graph(needs), Actor(refuse(*bad)), parallelism=parallelism)
    skipped = below(needs, bad)
    for result in report.results:
        id_ = result.step.id
        expected = SKIPPED if id_ in skipped else FAILED if id_ in bad else DONE
        assert result.status is expected
        match expected:
            case Status.DONE:
                assert (result.error, result.because, result.detail) == (None, None, None)
            case Status.FAILED:
                assert isinstance(result.error, RefusedError)
                assert (result.because, result.detail) == (None, f"no to {id_}")
            case Status.SKIPPED:
                assert result.because in bad - skipped
                assert id_ in below(needs, {result.because or 0})
                assert (result.error, result.outcome, result.seconds) == (None, None, 0.0)
                assert result.detail == f"Step {result.because} failed."
    counts = {DONE: len(needs) - len(bad | skipped), FAILED: len(bad - skipped), SKIPPED: len(skipped)}
    assert report.counts == counts
    assert report.ok == (not bad)


def test_as_many_as_allowed_are_in_flight_at_once() -> None:
    barrier = threading.Barrier(4)
    actor = Actor(lambda step: (barrier.wait(10), None)[1])
    report = execute(graph({id_: [] for id_ in range(1, 13)}), actor, parallelism=4)
    assert report.ok
    assert actor.most == 4


def test_one_at_a_time_goes_by_id_among_what_is_ready() -> None:
    actor = Actor()
    execute(graph({1: [], 2: [], 3: [1], 4: [], 5: [2, 3], 6: [4]}), actor, parallelism=1)
    assert actor.begun == [1, 2, 3, 4, 5, 6]


def test_what_becomes_ready_goes_before_larger_ids_that_wait() -> None:
    actor = Actor()
    execute(graph({1: [], 2: [1], 3: [], 4: []}), actor, parallelism=1)
    assert actor.begun == [1, 2, 3, 4]


def test_nothing_to_do_is_done() -> None:
    report = execute(plan(), Actor())
    assert report.ok
    assert report.counts == {DONE: 0, FAILED: 0, SKIPPED: 0}


def test_f18_a_token_that_may_not_ends_the_run() -> None:
    actor = Actor(refuse(2, error=AccessError))
    report = execute(graph({1: [], 2: [], 3: [2], 4: [], 5: [1]}), actor, parallelism=1)
    assert actor.begun == [1, 2]
    assert [r.status for r in report.results] == [DONE, FAILED, SKIPPED, SKIPPED, SKIPPED]
    assert [r.because for r in report.results] == [None, None, 2, 2, 2]


@pytest.mark.parametrize("error", [BudgetError, BusyError])
def test_f05_a_run_that_has_used_up_what_it_may_read_or_wait_ends(error: type[ApiError]) -> None:
    def act(step: Step) -> None:
        if step.id == 2:
            raise error("no more")

    actor = Actor(act)
    report = execute(graph({1: [], 2: [], 3: [], 4: [1]}), actor, parallelism=1)
    assert actor.begun == [1, 2]
    assert [r.status for r in report.results] == [DONE, FAILED, SKIPPED, SKIPPED]
    assert [r.because for r in report.results] == [None, None, 2, 2]


def test_what_is_in_flight_when_the_token_fails_ends_as_it_does() -> None:
    failed, released = threading.Event(), threading.Event()

    def act(step: Step) -> None:
        if step.id == 1:
            assert failed.wait(10)
            released.set()
        elif step.id == 2:
            failed.set()
            refuse(2, error=AccessError)(step)

    report = execute(graph({1: [], 2: [], 3: []}), Actor(act), parallelism=2)
    assert [r.status for r in report.results] == [DONE, FAILED, SKIPPED]
    assert released.is_set()


def test_what_waits_for_a_thread_when_the_token_fails_is_not_begun() -> None:
    """Four are submitted, and two of them begin; the observer hears of the failure last."""
    both = threading.Barrier(2, timeout=10)

    def act(step: Step) -> None:
        both.wait()
        refuse(1, 2, error=AccessError)(step)

    actor = Actor(act)
    report = execute(graph({id_: [] for id_ in range(1, 7)}), actor, parallelism=2)
    assert sorted(actor.begun) == [1, 2]
    assert [r.status for r in report.results] == [FAILED, FAILED, *[SKIPPED] * 4]
    assert len({r.because for r in report.results[2:]} | {1, 2}) == 2


def test_a_write_is_reported_as_started_when_it_has_a_thread() -> None:
    """Four are submitted; the third is reported after the end of the first."""
    heard = threading.Event()

    class Heard(Watcher):
        def started(self, step: Step) -> None:
            super().started(step)
            if step.id == 3:
                heard.set()

    def act(step: Step) -> None:
        if step.id > 1:
            assert heard.wait(10)

    watcher = Heard()
    assert execute(graph({id_: [] for id_ in range(1, 6)}), Actor(act), parallelism=2, observer=watcher).ok
    assert watcher.started_[:3] == [1, 2, 3]
    assert watcher.most == 2


def test_a_write_waits_for_no_observer_unless_it_is_alone() -> None:
    """The observer has the result of a first one only when a third one has begun."""
    begun = threading.Event()

    def act(step: Step) -> None:
        if step.id == 3:
            begun.set()

    class Slow(Watcher):
        def finished(self, results: Sequence[StepResult]) -> None:
            assert begun.wait(10)
            super().finished(results)

    assert execute(graph({1: [], 2: [], 3: []}), Actor(act), parallelism=2, observer=Slow()).ok


def test_f08_a_stop_lets_calls_in_flight_end_and_begins_nothing_more() -> None:
    stop, both = threading.Event(), threading.Barrier(2)

    def act(step: Step) -> None:
        both.wait(10)
        stop.set()

    actor, watcher = Actor(act), Watcher()
    report = execute(graph({1: [], 2: [], 3: [], 4: [1]}), actor, parallelism=2, observer=watcher, stop=stop)
    assert sorted(actor.ended) == [1, 2]
    assert [r.status for r in report.results] == [DONE, DONE, SKIPPED, SKIPPED]
    assert [r.because for r in report.results] == [None] * 4
    assert [r.detail for r in report.results[2:]] == ["The run was stopped."] * 2
    assert watcher.finished_[2:] == [(3, SKIPPED), (4, SKIPPED)]


def test_an_error_after_a_stop_is_not_what_ended_the_run() -> None:
    stop = threading.Event()

    def act(step: Step) -> None:
        stop.set()
        refuse(1, error=AccessError)(step)

    report = execute(graph({1: [], 2: [1], 3: []}), Actor(act), parallelism=1, stop=stop)
    assert [(r.status, r.because) for r in report.results] == [(FAILED, None), (SKIPPED, 1), (SKIPPED, None)]


def test_a_stop_before_the_start_does_nothing() -> None:
    stop = threading.Event()
    stop.set()
    actor = Actor()
    assert execute(graph({1: [], 2: [1]}), actor, stop=stop).counts[SKIPPED] == 2
    assert actor.begun == []


def test_a_stop_after_a_failure_tells_them_apart() -> None:
    stop = threading.Event()

    def act(step: Step) -> None:
        if step.id == 2:
            stop.set()
        refuse(1)(step)

    report = execute(graph({1: [], 2: [], 3: [1], 4: [2]}), Actor(act), parallelism=1, stop=stop)
    assert [(r.status, r.because) for r in report.results] == [
        (FAILED, None),
        (DONE, None),
        (SKIPPED, 1),
        (SKIPPED, None),
    ]


@pytest.mark.parametrize("mistake", [KeyError("x"), RecursionError(), SystemExit(3), KeyboardInterrupt()])
def test_a_bug_is_a_failure_that_ends_the_run(mistake: BaseException) -> None:
    def act(step: Step) -> None:
        if step.id == 1:
            raise mistake

    report = execute(graph({1: [], 2: [], 3: [1]}), Actor(act), parallelism=1)
    assert [(r.status, r.because) for r in report.results] == [(FAILED, None), (SKIPPED, 1), (SKIPPED, 1)]
    error = report.results[0].error
    assert isinstance(error, UnexpectedError)
    assert error.__cause__ is mistake
    assert "bases/b1" in str(error)


def test_a_mistake_of_the_observer_is_raised_when_calls_in_flight_are_over() -> None:
    class Broken(Watcher):
        def finished(self, results: Sequence[StepResult]) -> None:
            msg = "the terminal is gone"
            raise OSError(msg)

    actor = Actor()
    with pytest.raises(OSError, match="the terminal is gone"):
        execute(graph({1: [], 2: [], 3: []}), actor, parallelism=2, observer=Broken())
    assert sorted(actor.ended) == sorted(actor.begun)


def test_plans_that_cannot_be_run() -> None:
    with pytest.raises(ValueError, match="step 2 depends on step 9"):
        execute(graph({1: [], 2: [9]}), Actor())
    with pytest.raises(CycleError):
        execute(graph({1: [2], 2: [1]}), Actor())
    with pytest.raises(ValueError, match="refused"):
        execute(Plan("staging", "", (step(1),), diagnostics=(Diagnostic("KIA0501", "no"),)), Actor())
    with pytest.raises(ValueError, match="parallelism must be 1 or more"):
        execute(graph({1: []}), Actor(), parallelism=0)


def test_the_duration_is_reported() -> None:
    (result,) = execute(graph({1: []}), Actor()).results
    assert result.seconds > 0

"""Steps that only look: one after the other within their group, beside the writes and not in their stead."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from kiamo_iac.core.errors import AccessError
from kiamo_iac.executor.report import Outcome, Status, StepResult
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.planner.plan import Step
from tests.executor.steps import graph


def test_a_group_of_looks_holds_no_write_up() -> None:
    """Steps 1 to 3 look and wait until all writes, of which one at a time is allowed, are done."""
    writes_done = threading.Event()
    done: list[int] = []

    class Performer:
        def perform(self, step: Step) -> Outcome:
            if step.id <= 3:
                assert writes_done.wait(10)
            done.append(step.id)
            if {4, 5, 6} <= set(done):
                writes_done.set()
            return Outcome(f"id{step.id}")

    report = execute(
        graph({n: [] for n in range(1, 7)}),
        Performer(),
        parallelism=1,
        verification_group=lambda step: "group" if step.id <= 3 else None,
    )
    assert report.ok
    assert done == [4, 5, 6, 1, 2, 3]


def test_looks_of_one_group_are_never_at_once_and_groups_are() -> None:
    together = threading.Barrier(3, timeout=10)
    threads: dict[str, set[int]] = {}

    class Performer:
        def perform(self, step: Step) -> Outcome:
            group = str(step.id % 3)
            threads.setdefault(group, set()).add(threading.get_ident())
            together.wait()
            return Outcome(f"id{step.id}")

    report = execute(
        graph({n: [] for n in range(1, 10)}),
        Performer(),
        parallelism=1,
        verification_group=lambda step: str(step.id % 3),
    )
    assert report.ok
    assert [len(t) for t in threads.values()] == [1, 1, 1]


def test_what_only_verified_comes_at_once_and_what_wrote_by_itself() -> None:
    """The third of a group was not created with its parent, and is created by itself."""

    class Performer:
        def perform(self, step: Step) -> Outcome:
            return Outcome(f"id{step.id}", found=step.id != 3)

    class Watcher:
        def __init__(self) -> None:
            self.heard: list[list[int]] = []

        def started(self, step: Step) -> None:
            pass

        def finished(self, results: Sequence[StepResult]) -> None:
            self.heard.append([result.step.id for result in results])

    watcher, group = Watcher(), graph({n: [] for n in range(1, 6)})
    assert execute(group, Performer(), verification_group=lambda _: "group", observer=watcher).ok
    heard = [ids for taken in watcher.heard for ids in ([taken[:3], taken[3:]] if len(taken) == 5 else [taken])]
    assert heard == [[1, 2, 3], [4, 5]]


def test_a_group_that_has_begun_is_verified_to_its_end_after_a_stop() -> None:
    stop = threading.Event()

    class Performer:
        def perform(self, step: Step) -> Outcome:
            stop.set()
            return Outcome(f"id{step.id}", found=True)

    report = execute(graph({1: [], 2: [], 3: []}), Performer(), verification_group=lambda _: "group", stop=stop)
    assert report.ok


@pytest.mark.parametrize("bad", [1, 4])
def test_an_error_that_ends_the_run_ends_a_group_that_may_write(bad: int) -> None:
    """In the group itself, and in the write beside it."""
    other_begun, refused = threading.Event(), threading.Event()
    begun: list[int] = []

    class Performer:
        def perform(self, step: Step) -> Outcome:
            begun.append(step.id)
            if step.id == bad:
                assert other_begun.wait(10)
                msg = "no"
                raise AccessError(msg, status=403)
            other_begun.set()
            assert refused.wait(10)
            return Outcome(f"id{step.id}")

    class Watcher:
        def started(self, step: Step) -> None:
            pass

        def finished(self, results: Sequence[StepResult]) -> None:
            refused.set()

    report = execute(
        graph({n: [] for n in range(1, 5)}),
        Performer(),
        verification_group=lambda step: "group" if step.id < 4 else None,
        observer=Watcher(),
    )
    assert sorted(begun) == [1, 4]
    assert [result.because for result in report.results if result.status is Status.SKIPPED] == [bad, bad]

"""Steps that only look: one after the other within their group, beside the writes and not in their stead."""

from __future__ import annotations

import threading

from kiamo_iac.executor.report import Outcome
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

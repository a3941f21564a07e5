"""A rename and the update behind it are one call, where nothing has to happen between them; each has its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kiamo_iac.core.errors import PostconditionError, RefusedError
from kiamo_iac.core.state import KeptValue
from kiamo_iac.emulator import Emulator
from kiamo_iac.executor.joining import JoinedStep, joined
from kiamo_iac.executor.report import Outcome, Status, StepResult
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.planner.plan import Action, Plan, Step
from tests.executor.rig import base_of, mark, perform, writes
from tests.executor.steps import plan, step

RENAME, UPDATE = Action.RENAME, Action.UPDATE
A = "bases/a"
RENAMED = step(2, RENAME, A, before={"name": "old"}, after={"name": "a"})
UPDATED = step(3, UPDATE, A, needs=[2], before={"label": "L"}, after={"label": "M"})


def shape(steps: Sequence[Step]) -> dict[int, tuple[int, ...]]:
    return {each.id: each.depends_on for each in joined(steps)}


def test_a_rename_and_its_update_are_one_step_with_what_both_have() -> None:
    (one,) = joined([RENAMED, UPDATED])
    assert isinstance(one, JoinedStep)
    assert (one.id, one.action, one.parts) == (2, RENAME, (RENAMED, UPDATED))
    assert (one.before, one.after) == ({"name": "old", "label": "L"}, {"name": "a", "label": "M"})


def test_what_waits_for_either_waits_for_both() -> None:
    steps = [step(1), RENAMED, UPDATED, step(4, needs=[2]), step(5, needs=[3]), step(6, needs=[2, 3])]
    assert shape(steps) == {1: (), 2: (), 4: (2,), 5: (2,), 6: (2,)}


def test_what_the_update_waits_for_before_the_rename_comes_first() -> None:
    update = step(3, UPDATE, A, needs=[1, 2])
    assert shape([step(1), RENAMED, update]) == {1: (), 2: (1,)}


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([RENAMED, step(3), step(4, UPDATE, A, needs=[2, 3])], id="it waits for what comes later"),
        pytest.param([RENAMED, step(3, UPDATE, "bases/b", needs=[2])], id="of another resource"),
        pytest.param([step(2, UPDATE, A), step(3, RENAME, A, needs=[2])], id="the other way round"),
        pytest.param([RENAMED, step(3, UPDATE, A)], id="not behind it"),
        pytest.param([RENAMED, step(3, Action.START, f"{A}/batches/x", needs=[2])], id="a command"),
    ],
)
def test_whatever_may_come_between_keeps_them_apart(steps: list[Step]) -> None:
    assert shape(steps) == {each.id: each.depends_on for each in steps}


def test_of_two_renames_the_one_that_the_update_waits_for_makes_it() -> None:
    temporary = step(1, RENAME, A, before={"name": "old"}, after={"name": "a-tmp"})
    final = step(2, RENAME, A, needs=[1], before={"name": "a-tmp"}, after={"name": "a"})
    found = joined([temporary, final, UPDATED])
    assert [(each.id, each.depends_on) for each in found] == [(1, ()), (2, (1,))]
    assert found[1].after == {"name": "a", "label": "M"}


class Watcher:
    """An observer that records what is reported."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[StepResult] = []

    def started(self, step: Step) -> None:
        self.begun.append(step.id)

    def finished(self, results: Sequence[StepResult]) -> None:
        self.ended += results


class Performer:
    """Performs with one outcome, or error."""

    def __init__(self, end: Outcome | Exception) -> None:
        self._end = end

    def perform(self, step: Step) -> Outcome:
        if isinstance(self._end, Exception):
            raise self._end
        return self._end


def reported(end: Outcome | Exception, steps: Plan) -> tuple[list[StepResult], Watcher]:
    watcher = Watcher()
    report = execute(steps, Performer(end), observer=watcher)
    assert watcher.begun == [each.id for each in steps.steps][: len(watcher.begun)]
    assert sorted(watcher.ended, key=lambda result: result.step.id) == list(report.results)
    return list(report.results), watcher


def test_each_has_its_result() -> None:
    kept = (KeptValue("label", "M", "m"),)
    results, watcher = reported(Outcome("7", kept=kept, notes=("kept",)), plan(RENAMED, UPDATED))
    assert watcher.begun == [2, 3]
    assert [(r.step, r.status) for r in results] == [(RENAMED, Status.DONE), (UPDATED, Status.DONE)]
    assert [r.outcome for r in results] == [Outcome("7"), Outcome("7", kept=kept, notes=("kept",))]


def test_of_a_refused_one_the_rename_failed_and_the_update_was_not_tried() -> None:
    results, _ = reported(RefusedError("no", status=400), plan(RENAMED, UPDATED, step(4, needs=[3])))
    assert [(r.status, r.because) for r in results] == [
        (Status.FAILED, None),
        (Status.SKIPPED, 2),
        (Status.SKIPPED, 2),
    ]


def test_of_one_that_took_effect_otherwise_both_failed() -> None:
    results, _ = reported(PostconditionError("the label is not as wanted"), plan(RENAMED, UPDATED))
    assert [r.status for r in results] == [Status.FAILED] * 2
    assert results[0].error is results[1].error


def test_it_is_one_call_at_the_instance(emulator: Emulator) -> None:
    address, old, sent = "bases/clients", "bases/prospects", {"label": "Clients"}
    begun = mark(emulator)
    rename = step(1, RENAME, address, before={"name": "prospects"}, after={"name": "clients"})
    update = step(2, UPDATE, address, needs=[1], before={"label": "Prospects"}, after=sent)
    assert perform(emulator, rename, update, renamed={old: address}).ok
    assert writes(emulator, begun) == [("base", "update")]
    now: dict[str, Any] = base_of(emulator, "clients")
    assert now["label"] == "Clients"

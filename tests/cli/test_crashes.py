"""A run that ends at any step, before or after the ledger knows of it: the next one converges, the ledger is right."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kiamo_iac.app.recording import Recorder
from kiamo_iac.core.errors import ApiError
from kiamo_iac.executor.joining import parts_of
from kiamo_iac.executor.report import StepResult
from kiamo_iac.executor.writer import Writer
from kiamo_iac.planner.plan import Step
from tests.cli.conftest import Desk

BEFORE = """\
services: [{name: Ventes}]
bases:
  - {name: a, label: A}
  - {name: b, label: B}
  - name: old
    label: Old
    fields: [{name: city, label: City, datatype: string}]
    batches: [{name: x, service: Ventes, association: {destination: phone}}]
  - {name: gone, label: Gone}
"""
AFTER = """\
services: [{name: Ventes}]
bases:
  - {name: b, label: A, renamed_from: [a]}
  - {name: a, label: B2, renamed_from: [b]}
  - name: young
    renamed_from: [old]
    label: Young
    fields: [{name: city, label: Town, datatype: string}]
    batches:
      - {name: y, renamed_from: [x], service: Ventes, association: {destination: phone}}
      - {name: z, service: Ventes, association: {destination: city}}
"""
STEPS = 10
"""Of the plan from the one to the other, pruning; a test says so."""
LAST = ("apply", "-e", "staging", "--yes", "--prune", "--parallelism", "1")


@pytest.fixture
def ready(desk: Desk) -> Desk:
    """What was before is applied, what comes after is written."""
    desk.manifest(BEFORE)
    desk.apply()
    desk.manifest(AFTER)
    return desk


def check(desk: Desk, ids: dict[str, object]) -> None:
    """One clean run brings all of it level, with every thing still the one that it was; a second one writes nothing."""
    code, out, err = desk.run(*LAST)
    assert code == 0, out + err
    owned = {address: thing["id"] for address, thing in desk.owned().items()}
    live = {}
    for base in desk.emulator.dump(ids=True)["bases"]:
        live[f"bases/{base['name']}"] = base["id"]
        for collection in ("fields", "batches"):
            for child in base.get(collection, ()):
                if not child.get("default"):
                    live[f"bases/{base['name']}/{collection}/{child['name']}"] = child["id"]
    assert owned == live
    kept = {
        "a": "b",
        "b": "a",
        "old": "young",
        "old/fields/city": "young/fields/city",
        "old/batches/x": "young/batches/y",
    }
    assert all(ids[f"bases/{then}"] == owned[f"bases/{now}"] for then, now in kept.items())
    written = len(desk.writes())
    code, out, _ = desk.run(*LAST)
    assert (code, "No changes" in out) == (0, True)
    assert len(desk.writes()) == written


def ids_of(desk: Desk) -> dict[str, object]:
    """Address → id, before."""
    return {address: thing["id"] for address, thing in desk.owned().items()}


def test_the_plan_has_every_sort_of_step(ready: Desk) -> None:
    code, out, _ = ready.run(*LAST)
    assert code == 0
    assert f"Applied: {STEPS} done." in out


@pytest.mark.parametrize("k", range(STEPS))
def test_a_run_that_fails_from_step_k_on(ready: Desk, monkeypatch: pytest.MonkeyPatch, k: int) -> None:
    ids, perform = ids_of(ready), Writer.perform
    done: list[Step] = []

    def failing(self: Writer, step: Step) -> object:
        if len(done) + len(parts_of(step)) > k:
            msg = "The line is cut."
            raise ApiError(msg)
        done.extend(parts_of(step))
        return perform(self, step)

    with monkeypatch.context() as cut:
        cut.setattr(Writer, "perform", failing)
        assert ready.run(*LAST)[0] == (4 if done else 1)  # no write was sent before the first
    check(ready, ids)


@pytest.mark.parametrize("k", range(STEPS))
def test_a_run_that_dies_after_step_k_before_the_ledger_knows(
    ready: Desk, monkeypatch: pytest.MonkeyPatch, k: int
) -> None:
    ids, finished = ids_of(ready), Recorder.finished
    done: list[StepResult] = []

    def dying(self: Recorder, results: Sequence[StepResult]) -> None:
        for result in results:
            if len(done) >= k:
                raise KeyboardInterrupt
            done.append(result)
            finished(self, [result])

    with monkeypatch.context() as death:
        death.setattr(Recorder, "finished", dying)
        assert ready.run(*LAST)[0] == 130
    check(ready, ids)

"""The report of an apply, and how it is followed while it runs."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime

import jsonschema
import pytest

from kiamo_iac.core.errors import ApiError, KiamoIacError
from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.render.base import ASCII, Style
from kiamo_iac.render.progress import LiveTable, StepLines
from kiamo_iac.render.run import DONE, FAILED, NOT_TRIED, RunFacts, report_schema, run_json, run_text, totals
from tests.render.plans import full_plan, hostile_plan


@dataclass(frozen=True)
class Ended:
    """One result."""

    step: Step
    status: str
    error: KiamoIacError | None = None
    because: int | None = None
    notes: tuple[str, ...] = ()
    started_at: datetime | None = None
    seconds: float = 0.0


NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
FACTS = RunFacts("20261128T120000Z-000abc", NOON, 3.14159)
RUN = "Run 20261128T120000Z-000abc: started at 2026-11-28T12:00:00Z, 3.1 s.\n\n"


def mixed(plan: Plan) -> list[Ended]:
    """The first step done, the second failed, the rest not tried."""
    first, second, third, fourth, *_ = plan.steps
    return [
        Ended(first, DONE, started_at=NOON, seconds=1.25),
        Ended(
            second,
            FAILED,
            ApiError('The instance refused: ERR_2100\n::error::"x"', hint="look\x07"),
            started_at=NOON,
            seconds=0.03,
        ),
        Ended(third, NOT_TRIED, because=2),
        Ended(fourth, NOT_TRIED),
    ]


def test_a_run_that_failed_says_of_every_step_what_became_of_it() -> None:
    assert run_text(mixed(full_plan()), FACTS, Style(ASCII)) == (
        f"{RUN}"
        "done       +  create services/Win-back\n"
        "           started at 2026-11-28T12:00:00Z, 1.2 s\n"
        "failed     [] stop bases/prospects/batches/old\n"
        '           manifests/prospects.yaml:31:5: The instance refused: ERR_2100\\u000a::error::"x"\n'
        "           hint: look\\u0007\n"
        "           started at 2026-11-28T12:00:00Z, 0.0 s\n"
        "not tried  -  delete bases/prospects/batches/old\n"
        '           manifests/prospects.yaml:31:5: Step 2 failed: stop "bases/prospects/batches/old".\n'
        "not tried  ~  update bases/prospects\n"
        "           manifests/prospects.yaml:12:5: The run was stopped before this step.\n"
        "\n"
        "Applied in part: 1 done, 1 failed, 2 not tried.\n"
    )


def test_a_run_that_went_well_is_one_line() -> None:
    results = [Ended(step, DONE) for step in full_plan().steps]
    assert run_text(results, FACTS, Style()) == f"{RUN}Applied: 11 done.\n"
    assert totals([]) == "nothing to do"


def test_a_run_that_went_well_shows_its_notes() -> None:
    first, *rest = full_plan().steps
    results = [Ended(first, DONE, notes=('label is kept otherwise: "a\x07".',)), *(Ended(step, DONE) for step in rest)]
    assert run_text(results, FACTS, Style(ASCII)) == (
        f"{RUN}"
        "done       +  create services/Win-back\n"
        '           note: label is kept otherwise: "a\\u0007".\n'
        "\n"
        "Applied: 11 done.\n"
    )


def test_colour_adds_nothing_but_colour() -> None:
    import click

    plain = run_text(mixed(full_plan()), FACTS, Style())
    colored = run_text(mixed(full_plan()), FACTS, Style(color=True))
    assert colored != plain
    assert click.unstyle(colored) == plain


@pytest.mark.parametrize("plan", [full_plan(), hostile_plan()], ids=["full", "hostile"])
def test_json_meets_its_schema(plan: Plan) -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())
    results = [Ended(step, FAILED, ApiError("so"), started_at=NOON, seconds=1.23456) for step in plan.steps]
    read = json.loads(run_json(plan, results, FACTS).encode())
    jsonschema.Draft202012Validator(report_schema()).validate(read)
    assert read["summary"] == {"done": 0, "failed": len(plan.steps), "not_tried": 0}
    assert [r["address"] for r in read["results"]] == [str(step.address) for step in plan.steps]
    run = (read["run_id"], read["started_at"], read["seconds"])
    assert run == ("20261128T120000Z-000abc", "2026-11-28T12:00:00Z", 3.142)
    assert {(r["started_at"], r["seconds"]) for r in read["results"]} == {("2026-11-28T12:00:00Z", 1.235)}
    untried = json.loads(run_json(plan, [Ended(plan.steps[0], NOT_TRIED)], FACTS))["results"][0]
    assert (untried["started_at"], untried["seconds"]) == (None, 0)


def test_lines_are_counted() -> None:
    plan = full_plan()
    written: list[str] = []
    with StepLines(plan, style=Style(ASCII), write=written.append) as progress:
        first, *others = mixed(plan)
        progress.started(first.step)
        progress.finished([first])
        progress.finished(others)
    assert "".join(written).splitlines(keepends=True) == [
        "[1/11] done: +  create services/Win-back\n",
        '[2/11] failed: [] stop bases/prospects/batches/old: The instance refused: ERR_2100\\u000a::error::"x"\n',
        "[3/11] not tried: -  delete bases/prospects/batches/old\n",
        "[4/11] not tried: ~  update bases/prospects\n",
    ]


@pytest.mark.parametrize("color", [True, False])
def test_the_live_display_is_plain_text_whatever_names_hold(color: bool) -> None:
    plan = hostile_plan()
    stream = io.StringIO()
    with LiveTable(plan, style=Style(color=color), stream=stream) as progress:
        progress.started(plan.steps[0])
        progress.finished([Ended(plan.steps[0], FAILED, ApiError("[bold]no[/bold] :warning: \x1b[31m"))])
    shown = stream.getvalue()
    assert "failed: ~ update bases/x\\u000a::error::pwned\\u202e%2F\\u009b[%2Fred]" in shown
    assert "[bold]no[/bold] :warning: \\u001b[31m" in shown

"""The report of an apply, and how it is followed while it runs."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from threading import Thread

import jsonschema
import pytest

from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.progress import Lines, Live
from kiamo_iac.render.run import Outcome, run_json, run_text, totals
from kiamo_iac.render.schemas import report_schema
from kiamo_iac.render.symbols import ASCII
from tests.render.plans import full_plan, hostile_plan


@dataclass(frozen=True)
class Ended:
    """One result."""

    step: Step
    outcome: Outcome
    detail: str | None = None


def mixed(plan: Plan) -> list[Ended]:
    """The first step done, the second failed, the rest not tried."""
    first, second, *rest = plan.steps
    return [
        Ended(first, Outcome.DONE),
        Ended(second, Outcome.FAILED, 'The instance refused: ERR_2100\n::error::"x"'),
        *(Ended(step, Outcome.NOT_TRIED, "it depends on step 2") for step in rest[:1]),
    ]


def test_a_run_that_failed_says_of_every_step_what_became_of_it() -> None:
    assert run_text(mixed(full_plan()), Style(ASCII)) == (
        "done       +  create services/Win-back\n"
        "failed     [] stop bases/prospects/batches/old\n"
        '           manifests/prospects.yaml:31:5: The instance refused: ERR_2100\\u000a::error::"x"\n'
        "not tried  -  delete bases/prospects/batches/old\n"
        "           manifests/prospects.yaml:31:5: it depends on step 2\n"
        "\n"
        "Applied: 1 done, 1 failed, 1 not tried.\n"
    )


def test_a_run_that_went_well_is_one_line() -> None:
    results = [Ended(step, Outcome.DONE) for step in full_plan().steps]
    assert run_text(results, Style()) == "Applied: 11 done.\n"
    assert totals([]) == "nothing to do"


def test_colour_adds_nothing_but_colour() -> None:
    import click

    plain = run_text(mixed(full_plan()), Style())
    colored = run_text(mixed(full_plan()), Style(color=True))
    assert colored != plain
    assert click.unstyle(colored) == plain


@pytest.mark.parametrize("plan", [full_plan(), hostile_plan()], ids=["full", "hostile"])
def test_json_meets_its_schema(plan: Plan) -> None:
    jsonschema.Draft202012Validator.check_schema(report_schema())
    results = [Ended(step, Outcome.FAILED, "so") for step in plan.steps]
    read = json.loads(run_json(plan, results).encode())
    jsonschema.Draft202012Validator(report_schema()).validate(read)
    assert read["summary"] == {"done": 0, "failed": len(plan.steps), "not_tried": 0}
    assert [r["address"] for r in read["results"]] == [str(step.address) for step in plan.steps]


def test_lines_are_whole_and_counted_when_threads_write_them() -> None:
    plan = full_plan()
    written: list[str] = []
    with Lines(plan, style=Style(ASCII), write=written.append) as progress:
        for step in plan.steps:
            progress.started(step)
        threads = [
            Thread(target=progress.finished, args=(step,), kwargs={"outcome": "done", "detail": None})
            for step in plan.steps
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(line.split("]")[0] for line in written) == sorted(f"[{n}/11" for n in range(1, 12))
    assert any("done: +  create bases/clients\n" in line for line in written)


@pytest.mark.parametrize("color", [True, False])
def test_the_live_display_is_plain_text_whatever_names_hold(color: bool) -> None:
    plan = hostile_plan()
    stream = io.StringIO()
    with Live(plan, style=Style(color=color), stream=stream) as progress:
        progress.started(plan.steps[0])
        progress.finished(plan.steps[0], outcome="failed", detail="[bold]no[/bold] :warning: \x1b[31m")
    shown = stream.getvalue()
    assert "failed: ~ update bases/x\\u000a::error::pwned\\u202e%2F\\u009b[%2Fred]" in shown
    assert "[bold]no[/bold] :warning: \\u001b[31m" in shown

"""The report of an apply as Markdown: data in code alone, what to do first, a table of every step."""

from __future__ import annotations

import pytest

from kiamo_iac.core.errors import ApiError, PartialError
from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.comment_page import MAX_BYTES
from kiamo_iac.render.run import DONE, FAILED
from kiamo_iac.render.run_markdown import run_markdown
from tests.render.hostile import HOSTILE, plan_of
from tests.render.plans import full_plan, hostile_plan
from tests.render.test_markdown import HTML, OURS, WORDS, tokens
from tests.render.test_run import FACTS, NOON, Ended, mixed

TABLE = {f"{part}_{side}" for part in ("table", "thead", "tbody", "tr", "th", "td") for side in ("open", "close")}
FAILURE = PartialError(
    "The plan was applied in part: 1 failed, 2 not tried.", hint="run plan to see what is left to do"
)


def cells_of(text: str) -> list[list[str]]:
    """The rows of the table; everything outside of code is checked to be ours."""
    rows: list[list[str]] = []
    for token in tokens(text):
        assert token.type in OURS or token.type in TABLE, token
        if token.type == "html_block":
            assert HTML.fullmatch(token.content.strip()), token.content
        elif token.type == "text":
            assert WORDS.fullmatch(token.content), token.content
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline" and rows and token.level == 4:
            rows[-1].append(token.content)
    return rows


def test_it_says_what_failed_and_why_what_was_not_tried_and_what_to_do() -> None:
    assert run_markdown(full_plan(), mixed(full_plan()), FACTS, failure=FAILURE) == (
        "<!-- kiamo-iac:apply:staging -->\n"
        "### Apply to `staging`\n"
        "\n"
        "**Applied in part: 1 done, 1 failed, 2 not tried.**\n"
        "\n"
        "**Error:** `The plan was applied in part: 1 failed, 2 not tried.`\n"
        "\n"
        "**What to do next:** `run plan to see what is left to do`\n"
        "\n"
        "Run `20261128T120000Z-000abc` on `http://127.0.0.1:8090`, started at `2026-11-28T12:00:00Z`, 3.1 s.\n"
        "\n"
        "**Failed** (1):\n"
        "\n"
        "- stop `bases/prospects/batches/old` at `manifests/prospects.yaml:31:5`: "
        '`The instance refused: ERR_2100\\u000a::error::"x"` Hint: `look\\u0007`\n'
        "\n"
        "**Not tried** (2):\n"
        "\n"
        "- delete `bases/prospects/batches/old` at `manifests/prospects.yaml:31:5`: "
        '`Step 2 failed: stop "bases/prospects/batches/old".`\n'
        "- update `bases/prospects` at `manifests/prospects.yaml:12:5`: `The run was stopped before this step.`\n"
        "\n"
        "| step | action | resource | outcome | started at | seconds |\n"
        "| ---: | --- | --- | --- | --- | ---: |\n"
        "| 1 | create | `services/Win-back` | done | `2026-11-28T12:00:00Z` | 1.2 |\n"
        "| 2 | stop | `bases/prospects/batches/old` | **failed** | `2026-11-28T12:00:00Z` | 0.0 |\n"
        "| 3 | delete | `bases/prospects/batches/old` | **not tried** | - | - |\n"
        "| 4 | update | `bases/prospects` | **not tried** | - | - |\n"
    )


def test_a_run_without_steps_is_a_few_lines() -> None:
    text = run_markdown(full_plan(), [], FACTS, failure=None)
    assert "**Applied: nothing to do.**" in text
    assert "|" not in text


def test_a_note_is_shown() -> None:
    step = full_plan().steps[0]
    text = run_markdown(full_plan(), [Ended(step, DONE, notes=("label is kept as `a`.",))], FACTS, failure=None)
    assert "- create `services/Win-back`: ``label is kept as `a`.``\n" in text


@pytest.mark.parametrize("plan", [hostile_plan(), *map(plan_of, HOSTILE)])
def test_data_is_never_markup(plan: Plan) -> None:
    data = str(plan.steps[0].address)
    error = ApiError(f"no: {data} | @here `#1` <b>", hint=f"look at {data}")
    results = [Ended(step, FAILED, error, notes=(data,), started_at=NOON) for step in plan.steps]
    text = run_markdown(plan, results, FACTS, failure=PartialError(data, hint=data))
    rows = cells_of(text)
    assert {len(row) for row in rows} == {6}
    assert len(rows) == len(plan.steps) + 1


def test_a_long_run_is_cut_and_counted() -> None:
    (step, *_) = full_plan().steps
    text = run_markdown(full_plan(), [Ended(step, DONE, started_at=NOON)] * 5000, FACTS, failure=None)
    assert len(text.encode()) <= MAX_BYTES
    assert " of 5,000 steps are not shown." in text

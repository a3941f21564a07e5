"""The report of an apply: what was done, what failed and why, what was not tried."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import click

from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, json_document, visible
from kiamo_iac.render.progress import line_of

FORMAT_VERSION = "1.0"
"""Of the report's JSON; the first number changes when a reader of the old form would misread the new one."""


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    FAILED = "failed"
    NOT_TRIED = "not_tried"

    @property
    def words(self) -> str:
        """As people read it."""
        return self.value.replace("_", " ")


class Result(Protocol):
    """One step and what became of it."""

    @property
    def step(self) -> Step:
        """The step."""

    @property
    def outcome(self) -> Outcome:
        """What became of it."""

    @property
    def detail(self) -> str | None:
        """Why, in full sentences, where it was not done."""


def run_text(results: Sequence[Result], style: Style) -> str:
    """The table of an apply, in the order of the plan, with a line of totals at the end."""
    lines: list[str] = []
    for outcome in Outcome:
        chosen = [result for result in results if result.outcome == outcome]
        if outcome is Outcome.DONE and len(chosen) == len(results):
            continue  # they have all been told in the plan, and nothing is to be looked up
        for result in chosen:
            lines += _row(result, style)
    if lines:
        lines = [*lines, ""]
    return document([*lines, f"Applied: {totals(results)}."])


def _row(result: Result, style: Style) -> list[str]:
    word = f"{result.outcome.words:9}"
    head = line_of(result.step, style)
    rows = [f"{_paint(word, result.outcome, style)}  {head}"]
    if result.outcome is not Outcome.DONE:
        where = f"{visible(str(result.step.source))}: " if result.step.source else ""
        rows.append(f"           {where}{visible(result.detail or 'no reason is known')}")
    return rows


def _paint(text: str, outcome: Outcome, style: Style) -> str:
    if not style.color:
        return text
    return click.style(text, fg={Outcome.DONE: "green", Outcome.FAILED: "red"}.get(outcome, "yellow"))


def summary_data(results: Sequence[Result]) -> dict[str, int]:
    """Outcome → how many, all outcomes present."""
    return {outcome.value: sum(result.outcome == outcome for result in results) for outcome in Outcome}


def totals(results: Sequence[Result]) -> str:
    """`3 done, 1 failed, 2 not tried`; what there is none of is left out, and of no results it says `nothing to do`."""
    counts = {Outcome(key): number for key, number in summary_data(results).items()}
    return ", ".join(f"{number} {outcome.words}" for outcome, number in counts.items() if number) or "nothing to do"


def run_json(plan: Plan, results: Sequence[Result]) -> str:
    """The report of `apply --format json`: `schemas/report.schema.json` describes it."""
    return json_document(
        {
            "format_version": FORMAT_VERSION,
            "environment": plan.environment,
            "url": plan.url,
            "summary": summary_data(results),
            "results": [
                {
                    "id": result.step.id,
                    "action": result.step.action.value,
                    "address": result.step.address,
                    "kind": result.step.kind,
                    "outcome": result.outcome.value,
                    "detail": result.detail,
                    "source": str(result.step.source) if result.step.source else None,
                }
                for result in results
            ],
        }
    )

"""The report of an apply, as text and as JSON: what was done, what failed and why, what was not tried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

import click

from kiamo_iac.core.common_records import ADDRESS, ENVIRONMENT, KIND, PLACE_OR_NULL, URL, major, version_of
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.provenance import PROVENANCE, PlanProvenance
from kiamo_iac.core.record import Record, counts, derived, integer, list_of, nullable, one_of, seconds, text
from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.planner.plan_json import ACTION
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, json_document, visible

FORMAT_VERSION = "1.3"
"""Of the report's JSON; the first number changes when a reader of the old form would misread the new one."""

DONE, FAILED, NOT_TRIED = OUTCOMES = ("done", "failed", "not_tried")
"""The outcomes of a step as JSON has them; text has a space for the underscore."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """Which run it was."""

    run_id: str
    started_at: datetime
    """In UTC."""
    seconds: float
    """From then to the end of its last step."""
    provenance: PlanProvenance | None = None
    """Where its plan comes from; None: unknown."""


class ReportedStep(Protocol):
    """One step and what became of it: the shape of the executor's results."""

    @property
    def step(self) -> Step:
        """The step."""

    @property
    def status(self) -> str:
        """One of `OUTCOMES`."""

    @property
    def error(self) -> KiamoIacError | None:
        """Why it failed."""

    @property
    def because(self) -> int | None:
        """Of a step not tried: the id of the failed step that it depends on, or None when the run was stopped."""

    @property
    def started_at(self) -> datetime | None:
        """In UTC; None when it was not tried."""

    @property
    def seconds(self) -> float:
        """How long it took."""

    @property
    def notes(self) -> Sequence[str]:
        """What is to be known of it besides, in full sentences."""


def run_text(results: Sequence[ReportedStep], facts: RunFacts, style: Style) -> str:
    """Every step by outcome, with reasons and notes; when all are done, those with notes. First the run, last the
    totals."""
    lines = [f"Run {facts.run_id}: started at {rfc3339(facts.started_at)}, {facts.seconds:.1f} s."]
    known = facts.provenance.of_git if facts.provenance is not None else ()
    lines += [", ".join(f"{label}: {visible(text)}" for label, text in known), ""] if known else [""]
    shown = results if any(result.status != DONE for result in results) else [each for each in results if each.notes]
    if shown:
        steps = {result.step.id: result.step for result in results}
        for outcome in OUTCOMES:
            for result in shown:
                if result.status == outcome:
                    lines += _rows(result, steps, style)
        lines.append("")
    return document([*lines, f"{heading(results)}: {totals(results)}."])


def heading(results: Sequence[ReportedStep]) -> str:
    """How much of the plan is applied."""
    done = sum(result.status == DONE for result in results)
    if done == len(results):
        return "Applied"
    return "Applied in part" if done else "Not applied"


def _rows(result: ReportedStep, steps: dict[int, Step], style: Style) -> Iterator[str]:
    yield f"{_painted(f'{words(result.status):9}', result.status, style)}  {line_of(result.step, style)}"
    if result.status != DONE:
        where = f"{visible(str(result.step.source))}: " if result.step.source else ""
        yield f"           {where}{visible(why(result, steps) or '')}"
        if result.error is not None and result.error.hint:
            yield f"           hint: {visible(result.error.hint)}"
    if result.started_at is not None:
        yield f"           started at {rfc3339(result.started_at)}, {result.seconds:.1f} s"
    for note in result.notes:
        yield f"           note: {visible(note)}"


def why(result: ReportedStep, steps: dict[int, Step]) -> str | None:
    """Why a step was not done, as a sentence; None for one that is done."""
    if result.status == DONE:
        return None
    if result.error is not None:
        return str(result.error)
    if result.because is None:
        return "The run was stopped before this step."
    first = steps[result.because]
    return f'Step {first.id} failed: {first.action.value} "{first.address}".'


def line_of(step: Step, style: Style) -> str:
    """`+ create bases/prospects`."""
    return f"{style.symbols.actions[step.action]} {step.action.value} {visible(step.address)}"


def rfc3339(moment: datetime) -> str:
    """A moment in UTC, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def words(outcome: str) -> str:
    """An outcome as people read it."""
    return outcome.replace("_", " ")


def _painted(text: str, outcome: str, style: Style) -> str:
    if not style.color:
        return text
    return click.style(text, fg={DONE: "green", FAILED: "red"}.get(outcome, "yellow"))


def totals(results: Sequence[ReportedStep]) -> str:
    """`3 done, 1 failed, 2 not tried`; zero counts are left out; `nothing to do` without results."""
    counts = [(sum(result.status == outcome for result in results), outcome) for outcome in OUTCOMES]
    return ", ".join(f"{number} {words(outcome)}" for number, outcome in counts if number) or "nothing to do"


class _Row(NamedTuple):
    result: ReportedStep
    detail: str | None


class _RunReport(NamedTuple):
    plan: Plan
    facts: RunFacts
    results: tuple[_Row, ...]

    @property
    def summary(self) -> dict[str, int]:
        return {outcome: sum(row.result.status == outcome for row in self.results) for outcome in OUTCOMES}


_RESULT: Final = Record(
    _Row,
    "One step and what became of it.",
    {
        "id": derived(integer("The id of the step in the plan.", minimum=1), "result.step.id"),
        "action": derived(ACTION, "result.step.action"),
        "address": derived(ADDRESS, "result.step.address"),
        "kind": derived(KIND, "result.step.kind"),
        "outcome": derived(one_of(OUTCOMES, "What became of it."), "result.status"),
        "detail": nullable(text("Why it was not done.")),
        "hint": derived(
            nullable(text("What to do about it.")), lambda row: row.result.error.hint if row.result.error else None
        ),
        "source": derived(PLACE_OR_NULL, "result.step.source"),
        "started_at": derived(
            nullable(text("When, RFC 3339 in UTC; null: it was not tried.")),
            lambda row: rfc3339(row.result.started_at) if row.result.started_at else None,
        ),
        "seconds": derived(seconds("How long it took; 0: it was not tried."), "result.seconds"),
        "notes": derived(
            list_of(text("A sentence."), "What is to be known besides: a value kept otherwise, a lost answer."),
            "result.notes",
        ),
    },
)
REPORT: Final = Record(
    _RunReport,
    "What became of an applied plan.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "environment": derived(ENVIRONMENT, "plan.environment"),
        "url": derived(URL, "plan.url"),
        "run_id": derived(text("Names the run in its journal and in the ledger too."), "facts.run_id"),
        "started_at": derived(
            text("When the plan was made and its first step could start, RFC 3339 in UTC."),
            lambda report: rfc3339(report.facts.started_at),
        ),
        "seconds": derived(seconds("From then to the end of the last step."), "facts.seconds"),
        "summary": derived(counts(OUTCOMES, "How many steps of each outcome."), "summary"),
        "provenance": derived(nullable(PROVENANCE), "facts.provenance"),
        "results": list_of(_RESULT, "Every step of the plan, in its order."),
    },
)


def run_json(plan: Plan, results: Sequence[ReportedStep], facts: RunFacts) -> str:
    """The report of `apply --format json`: `schemas/report.schema.json` describes it."""
    steps = {result.step.id: result.step for result in results}
    rows = tuple(_Row(result, why(result, steps)) for result in results)
    return json_document(REPORT.data(_RunReport(plan, facts, rows)))


def report_schema() -> Schema:
    """The schema of `apply --format json`."""
    return schema_document("report", major(FORMAT_VERSION), title="A report of kiamo-iac", body=REPORT.body)

"""Journals: a table of the runs of an environment, and one run call by call, as text, JSON and Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kiamo_iac.core.common_records import ENVIRONMENT, major, version_of
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.record import Record, definitions, derived, list_of, nullable
from kiamo_iac.ledger.journal import RECORDS, Journal, JournalCall, JournalStep, journal_definitions
from kiamo_iac.planner.plan import Action
from kiamo_iac.render.base import Style, columns
from kiamo_iac.render.comment_page import code
from kiamo_iac.render.escape import document, json_document, visible

FORMAT_VERSION: Final = "1.0"
"""Of the JSON; the first number changes when a reader of the old form would misread the new one."""
_HEADS: Final = ("run", "started", "operation", "result", "commit")
_COMMIT: Final = 10
"""Characters of a commit that are shown."""


def journal_list_text(journals: Sequence[Journal], style: Style) -> str:
    """A row for each run, the newest first."""
    del style
    return document(columns([_HEADS, *map(_row, journals)]))


def _row(journal: Journal) -> tuple[str, ...]:
    head = journal.head
    operation = f"undo of {head.undoes}" if head.undoes else head.operation
    return head.run, head.started_at, visible(operation), result_of(journal), (head.commit or "-")[:_COMMIT]


def result_of(journal: Journal) -> str:
    """`3 done, 1 failed`; of a run without an end, that it was killed."""
    end = journal.end
    if end is None:
        done = sum(result.status == "done" for result in journal.results.values())
        return f"did not end: {done} of {len(journal.steps)} done"
    counts = ((end.done, "done"), (end.failed, "failed"), (end.not_tried, "not tried"))
    found = ", ".join(f"{number} {word}" for number, word in counts if number) or "nothing to do"
    return f"{found} (interrupted)" if end.interrupted else found


def journal_text(journal: Journal, style: Style) -> str:
    """One run: every step with its calls, and what became of them."""
    lines = [_title(journal), ""]
    for step in journal.steps.values():
        lines.append(f"{status_of(journal, step.id):9}  {style.symbols.actions[Action(step.action)]} {_line(step)}")
        lines += [f"           {line}" for line in _details(journal, step)]
    others = journal.calls_of(None)
    if others:
        lines += ["", "Calls of no step:", *(f"  {_call_line(journal, call)}" for call in others)]
    return document([*lines, "", f"{result_of(journal)}."])


def journal_markdown(journal: Journal) -> str:
    """One run as a table in Markdown, for a job summary."""
    rows = ["| step | result | calls |", "| --- | --- | --- |"]
    for step in journal.steps.values():
        calls = "<br>".join(code(_call_line(journal, call)) for call in journal.calls_of(step.id))
        rows.append(f"| {code(_line(step))} | {status_of(journal, step.id)} | {calls} |")
    return "\n".join([f"### {_title(journal)}", "", *rows, "", f"{result_of(journal)}.", ""])


def _title(journal: Journal) -> str:
    head = journal.head
    what = f"undo of {head.undoes}" if head.undoes else head.operation
    return visible(f"{what} of {head.environment} ({head.instance}), {head.started_at}, run {head.run}")


def status_of(journal: Journal, step: int) -> str:
    """What became of a step: `done`, `failed`, `not tried`, or `unknown` where the journal ends before."""
    result = journal.results.get(step)
    if result is not None:
        return result.status.replace("_", " ")
    return "unknown" if journal.calls_of(step) else "not tried"


def _line(step: JournalStep) -> str:
    return f"{step.action} {visible(step.address)}"


def _details(journal: Journal, step: JournalStep) -> Iterator[str]:
    for call in journal.calls_of(step.id):
        yield _call_line(journal, call)
    result = journal.results.get(step.id)
    if result is not None:
        yield from map(visible, result.notes)
        if result.error:
            yield visible(result.error)


def _call_line(journal: Journal, call: JournalCall) -> str:
    answer = journal.answers.get(call.n)
    if answer is None:
        became = "no answer recorded"
    else:
        became = str(answer.status) if answer.status is not None else f"no answer: {answer.error}"
    return visible(f"{call.at} {call.method} {call.path}: {became}")


class _Listing(NamedTuple):
    environment: str
    journals: Sequence[Journal]

    @property
    def runs(self) -> list[Journal]:
        return list(self.journals)


_SUMMARY: Final = Record(
    Journal,
    "One run.",
    {
        "head": derived(RECORDS["head"], "head"),
        "end": derived(nullable(RECORDS["end"]), "end"),
    },
)
RUNS: Final = Record(
    _Listing,
    "The runs of an environment that have a journal.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "environment": ENVIRONMENT,
        "runs": derived(list_of(_SUMMARY, "The newest first."), "runs"),
    },
)
RUN: Final = Record(
    Journal,
    "One run, call by call.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "head": derived(RECORDS["head"], "head"),
        "steps": derived(list_of(RECORDS["step"], "In the order of the plan."), lambda found: found.steps.values()),
        "calls": derived(list_of(RECORDS["call"], "In their order."), lambda found: found.calls.values()),
        "answers": derived(list_of(RECORDS["answer"], "In their order."), lambda found: found.answers.values()),
        "results": derived(list_of(RECORDS["result"], "In their order."), lambda found: found.results.values()),
        "end": derived(nullable(RECORDS["end"]), "end"),
    },
)


def journal_list_json(environment: str, journals: Sequence[Journal]) -> str:
    """The runs, the newest first: `schemas/runs.schema.json` describes it."""
    return json_document(RUNS.data(_Listing(environment, journals)))


def journal_json(journal: Journal) -> str:
    """One run: `schemas/run.schema.json` describes it."""
    return json_document(RUN.data(journal))


def runs_schema() -> Schema:
    """The schema of `journal list --format json`."""
    title, used = "The runs of kiamo-iac in an environment", definitions(RECORDS["head"], RECORDS["end"])
    return schema_document("runs", major(FORMAT_VERSION), title=title, body=RUNS.body, definitions=used)


def run_schema() -> Schema:
    """The schema of `journal show --format json`."""
    title, used = "A run of kiamo-iac", journal_definitions()
    return schema_document("run", major(FORMAT_VERSION), title=title, body=RUN.body, definitions=used)

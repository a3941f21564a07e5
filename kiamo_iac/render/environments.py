"""The plans of all environments in one table: as text, as JSON, and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, assert_never

import click

from kiamo_iac.core.common_records import DIAGNOSTIC, ENVIRONMENT, major, version_of
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.record import Form, Record, definitions, derived, list_of, nullable, text
from kiamo_iac.planner.plan import FORMAT_VERSION as PLAN_VERSION
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.planner.plan_json import PLAN, STEP
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted, diagnostic_lines
from kiamo_iac.render.escape import document, json_document, visible
from kiamo_iac.render.view import Alarm, PlanVerdict, PlanView, plan_view

FORMAT_VERSION = "1.0"
"""Of the JSON; the first number changes when a reader of the old form would misread the new one."""

_EXIT_CODE: Final = "That of `plan -e` for this environment."
_HEADS = ("environment", *(action.value for action in Action), "cannot be undone", "data loss", "result")


@dataclass(frozen=True, slots=True)
class EnvironmentPlan:
    """One environment: its plan, or why there is none."""

    environment: str
    plan: Plan | None
    error: KiamoIacError | None = None


_ERROR: Final = Record(
    KiamoIacError,
    "Why there is no plan.",
    {
        "message": derived(text("One full sentence."), str),
        "hint": nullable(text("What to do about it.")),
        "exit_code": derived(Form({"type": "integer", "description": _EXIT_CODE}, int), "exit_code"),
    },
    definition="error",
)
_PLANS: Final = Record(
    tuple,
    "The plans of all environments, side by side.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "environments": derived(
            list_of(
                Record(
                    EnvironmentPlan,
                    "One environment: either `plan` or `error` is null.",
                    {"environment": ENVIRONMENT, "plan": nullable(PLAN), "error": nullable(_ERROR)},
                ),
                "In the order of the project file.",
            ),
            lambda rows: rows,
        ),
    },
)


def plans_schema() -> Schema:
    """The schema of `plan --all-environments --format json`."""
    return schema_document(
        "plans",
        f"{major(FORMAT_VERSION)}-{major(PLAN_VERSION)}",
        title="Plans of all environments",
        body=_PLANS.body,
        definitions=definitions(STEP, DIAGNOSTIC, PLAN, _ERROR),
    )


def table_text(rows: Sequence[EnvironmentPlan], style: Style) -> str:
    """A table, and below it why an environment has no plan."""
    return document(_text_lines(rows, style))


def table_markdown(rows: Sequence[EnvironmentPlan], _style: Style) -> str:
    """A comment for a merge request; its hidden marker is `<!-- kiamo-iac:plan-all -->`."""
    from kiamo_iac.render.comment_page import code

    lines = ["<!-- kiamo-iac:plan-all -->", "### kiamo-iac: all environments", ""]
    lines += [_markdown_row(_HEADS), _markdown_row(["---", *["---:"] * (len(_HEADS) - 2), "---"])]
    for row in rows:
        name, *counts = _cells(row)
        lines.append(_markdown_row([code(name), *counts]))
    return "\n".join(lines) + "\n"


def table_json(rows: Sequence[EnvironmentPlan], _style: Style) -> str:
    """Every plan whole, or its error."""
    return json_document(_PLANS.data(tuple(rows)))


TABLES: Mapping[str, Callable[[Sequence[EnvironmentPlan], Style], str]] = MappingProxyType(
    {"text": table_text, "json": table_json, "markdown": table_markdown}
)
"""Format → what writes it."""


def _cells(row: EnvironmentPlan) -> list[str]:
    if row.plan is None:
        return [row.environment, *["-"] * (len(_HEADS) - 2), "no plan"]
    view = plan_view(row.plan)
    irreversible = sum(bool(step.alarms) for step in view.rows)
    data_loss = sum(Alarm.DATA_LOSS in step.alarms for step in view.rows)
    counts = {action: str(count) for action, count in view.counts}
    if view.also_deleted:
        counts[Action.DELETE] += f" (+{view.also_deleted})"
    return [row.environment, *counts.values(), str(irreversible), str(data_loss), _result(view)]


def _result(view: PlanView) -> str:
    match view.verdict:
        case PlanVerdict.REFUSED:
            return f"refused: {counted(view.error_count, 'error')}"
        case PlanVerdict.GUARDED:
            return f"{counted(len(view.rows), 'change')}, blocked by {counted(view.guard_count, 'guard')}"
        case PlanVerdict.READY:
            return counted(len(view.rows), "change")
        case PlanVerdict.UNCHANGED:
            return "no changes"
        case _:
            assert_never(view.verdict)


def _text_lines(rows: Sequence[EnvironmentPlan], style: Style) -> Iterator[str]:
    cells = [[visible(cell) for cell in _cells(row)] for row in rows]
    widths = [max(map(len, column)) for column in zip(_HEADS, *cells, strict=True)]
    yield _paint(_aligned(_HEADS, widths), style, bold=True)
    for row, line in zip(rows, cells, strict=True):
        yield _paint(_aligned(line, widths), style, fg=_color(row))
    for row in rows:
        if row.error is not None:
            yield ""
            yield f"{visible(row.environment)}: {visible(str(row.error))}"
            if row.error.hint:
                yield f"    hint: {visible(row.error.hint)}"
            for lines in diagnostic_lines(row.error.diagnostics, style):
                yield from (f"  {line}" for line in lines)
    yield ""
    changing = [row.environment for row in rows if row.plan is not None and (row.plan.steps or not row.plan.applyable)]
    if changing:
        yield f"To see one in full: kiamo-iac plan -e {shell_word(changing[0], 'ENV')}"


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right."""
    last = len(cells) - 1
    padded = [
        cell.ljust(width) if index in {0, last} else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()


def _color(row: EnvironmentPlan) -> str | None:
    if row.plan is None or not row.plan.applyable:
        return "red"
    return "yellow" if row.plan.steps else None


def _paint(text: str, style: Style, *, fg: str | None = None, bold: bool = False) -> str:
    return click.style(text, fg=fg, bold=bold) if style.color and (fg or bold) else text


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

"""The plans of all environments in one table: as text, as JSON, and as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, assert_never

import click

from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.printable import shell_word
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.planner.plan_json import PLAN
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted, diagnostic_lines
from kiamo_iac.render.escape import document, json_document, visible
from kiamo_iac.render.view import Alarm, PlanView, Verdict, plan_view

FORMAT_VERSION = "1.0"
"""Of the JSON; the first number changes when a reader of the old form would misread the new one."""

_HEADS = ("environment", *(action.value for action in Action), "cannot be undone", "data loss", "result")


@dataclass(frozen=True, slots=True)
class EnvironmentPlan:
    """One environment: its plan, or why there is none."""

    environment: str
    plan: Plan | None
    error: KiamoIacError | None = None


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
    return json_document({"format_version": FORMAT_VERSION, "environments": [_data(row) for row in rows]})


TABLES: Mapping[str, Callable[[Sequence[EnvironmentPlan], Style], str]] = MappingProxyType(
    {"text": table_text, "json": table_json, "markdown": table_markdown}
)
"""Format → what writes it."""


def _data(row: EnvironmentPlan) -> dict[str, Any]:
    error = row.error
    return {
        "environment": row.environment,
        "plan": PLAN.data(row.plan) if row.plan is not None else None,
        "error": {"message": str(error), "hint": error.hint, "exit_code": error.exit_code} if error else None,
    }


def _cells(row: EnvironmentPlan) -> list[str]:
    if row.plan is None:
        return [row.environment, *["-"] * (len(_HEADS) - 2), "no plan"]
    view = plan_view(row.plan)
    lasting = sum(bool(step.alarms) for step in view.rows)
    losing = sum(Alarm.DATA_LOSS in step.alarms for step in view.rows)
    counts = (str(count) for _, count in view.counts)
    return [row.environment, *counts, str(lasting), str(losing), _result(view)]


def _result(view: PlanView) -> str:
    match view.verdict:
        case Verdict.BLOCKED:
            return f"blocked by {counted(view.error_count, 'error')}"
        case Verdict.GUARDED:
            return f"{counted(len(view.rows), 'change')}, blocked by {counted(view.guard_count, 'guard')}"
        case Verdict.READY:
            return counted(len(view.rows), "change")
        case Verdict.UNCHANGED:
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

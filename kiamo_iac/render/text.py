"""The plan as people read it: what will happen, why, where it is declared, and what cannot be undone."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import assert_never

import click

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Severity, worst_first
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted, diagnostic_lines
from kiamo_iac.render.escape import document, value, visible
from kiamo_iac.render.wording import attributes, changes, consequence, remark, summary_line

_WIDTH = 100
"""Attributes stand on one line up to this column, else on a line each; nothing is ever cut."""


class TextPlan:
    """The text format."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._symbols = style.symbols

    def render(self, plan: Plan) -> str:
        """The whole plan, ending with a newline."""
        return document(self._lines(plan))

    def _lines(self, plan: Plan) -> Iterator[str]:
        yield self._bold(f"Environment {visible(plan.environment)}, {visible(plan.url)}")
        yield ""
        for root, steps in _by_root(plan.steps):
            yield self._bold(visible(root))
            for step in steps:
                yield from self._step_lines(step)
            yield ""
        lasting = [step for step in plan.steps if step.risk is not Risk.REVERSIBLE]
        if lasting:
            yield self._bold("Cannot be undone:")
            for step in lasting:
                yield f"  {self._head(step)}: {consequence(step)}"
            yield ""
        for diagnostic in worst_first(plan.diagnostics):
            yield from diagnostic_lines(diagnostic, self._style)
            yield ""
        yield from self._ending(plan)

    def _ending(self, plan: Plan) -> Iterator[str]:
        if plan.steps:
            yield self._bold(f"Plan: {summary_line(plan)}")
        elif plan.applyable:
            yield self._bold(f"No changes: {visible(plan.environment)} is as its manifests say.")
        if not plan.applyable:
            errors = sum(d.severity is Severity.ERROR for d in plan.diagnostics)
            yield self._paint(
                f"Refused: this plan will not be applied, because of the {counted(errors, 'error')} above.", "red"
            )

    def _step_lines(self, step: Step) -> Iterator[str]:
        said = remark(step)
        note = f", {self._paint(said, 'red')}" if said else ""
        yield f"  {self._head(step)} ({visible(step.kind)}{note})"
        yield from (f"      {line}" for line in self._facts(step))
        where = f"{visible(str(step.source))}: " if step.source else ""
        yield f"      {where}{visible(step.reason)}"

    def _head(self, step: Step) -> str:
        sign = self._paint(f"{self._symbols.actions[step.action]} {step.action.value}", _color(step.action))
        return f"{sign} {visible(step.address)}"

    def _facts(self, step: Step) -> list[str]:
        if step.changes or (step.before and step.after):
            arrow = self._symbols.arrow
            return [f"{visible(path)}: {value(before)} {arrow} {value(after)}" for path, before, after in changes(step)]
        facts = [f"{visible(path)}: {value(data)}" for path, data in attributes(step)]
        joined = ", ".join(facts)
        return [joined] if facts and len(joined) <= _WIDTH else facts

    def _paint(self, text: str, color: str) -> str:
        return click.style(text, fg=color) if self._style.color else text

    def _bold(self, text: str) -> str:
        return click.style(text, bold=True) if self._style.color else text


def _by_root(steps: tuple[Step, ...]) -> Iterator[tuple[Address, list[Step]]]:
    """Steps by the thing of the instance that they stand at or below, in the order in which the plan comes to it."""
    order = list(dict.fromkeys(_root(step.address) for step in steps))
    rank = {root: number for number, root in enumerate(order)}
    together = sorted(steps, key=lambda step: (rank[_root(step.address)], step.id))
    for root, group in groupby(together, key=lambda step: _root(step.address)):
        yield root, list(group)


def _root(address: Address) -> Address:
    return Address("/".join(address.split("/")[:2]))


def _color(action: Action) -> str:
    match action:
        case Action.CREATE:
            return "green"
        case Action.UPDATE | Action.RENAME | Action.PAUSE:
            return "yellow"
        case Action.DELETE | Action.STOP:
            return "red"
        case Action.START:
            return "magenta"
        case _:
            assert_never(action)

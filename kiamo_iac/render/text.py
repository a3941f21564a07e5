"""The plan as people read it: what will happen, why, where it is declared, and what cannot be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, assert_never

import click

from kiamo_iac.address import Address
from kiamo_iac.diagnostics import Severity, worst_first
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted, diagnostic_lines
from kiamo_iac.render.escape import document, value, visible

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
                yield f"  {self._head(step)}: {_consequence(step)}"
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
        remark = _remark(step)
        note = f", {self._paint(remark, 'red')}" if remark else ""
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
            return [
                f"{visible(path)}: {value(before)} {arrow} {value(after)}" for path, before, after in _changes(step)
            ]
        attributes = step.after or step.before
        facts = [
            f"{visible(path)}: {value(data)}"
            for path, data in _flat(attributes)
            if not (path == "name" and data == step.address.name)
        ]
        joined = ", ".join(facts)
        return [joined] if facts and len(joined) <= _WIDTH else facts

    def _paint(self, text: str, color: str) -> str:
        return click.style(text, fg=color) if self._style.color else text

    def _bold(self, text: str) -> str:
        return click.style(text, bold=True) if self._style.color else text


def summary_line(plan: Plan) -> str:
    """`2 to create, 1 to update, 0 to rename, 1 to delete; 1 to start, 0 to pause, 1 to stop.`"""
    counts = plan.summary
    runs = (Action.START, Action.PAUSE, Action.STOP)
    parts = {action: f"{count} to {action.value}" for action, count in counts.items()}
    things = ", ".join(part for action, part in parts.items() if action not in runs)
    return f"{things}; {', '.join(parts[action] for action in runs)}."


def _by_root(steps: tuple[Step, ...]) -> Iterator[tuple[Address, list[Step]]]:
    """Steps by the thing of the instance that they stand at or below, in the order in which the plan comes to it."""
    order = list(dict.fromkeys(_root(step.address) for step in steps))
    rank = {root: number for number, root in enumerate(order)}
    together = sorted(steps, key=lambda step: (rank[_root(step.address)], step.id))
    for root, group in groupby(together, key=lambda step: _root(step.address)):
        yield root, list(group)


def _root(address: Address) -> Address:
    return Address("/".join(address.split("/")[:2]))


def _changes(step: Step) -> Iterator[tuple[str, Any, Any]]:
    if step.changes:
        yield from ((change.path, change.before, change.after) for change in step.changes)
        return
    for path in dict.fromkeys([*step.before, *step.after]):
        yield path, step.before.get(path), step.after.get(path)


def _flat(attributes: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, data in attributes.items():
        if isinstance(data, Mapping) and data:
            yield from _flat(data, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", data


def _remark(step: Step) -> str:
    """What a person must not overlook about the step, in words."""
    match step.risk:
        case Risk.REVERSIBLE:
            return "dials people" if step.action is Action.START else ""
        case Risk.IRREVERSIBLE:
            return f"cannot be undone: {_consequence(step)}"
        case Risk.DATA_LOSS:
            return f"data loss, cannot be undone: {_consequence(step)}"
        case _:
            assert_never(step.risk)


def _consequence(step: Step) -> str:
    if step.risk is Risk.DATA_LOSS:
        return "contacts, or what is known of them, are deleted"
    match step.action:
        case Action.START:
            return "dials people"
        case Action.STOP:
            return "once stopped, it never runs again"
        case Action.DELETE:
            return "its id and its history are gone for good"
        case Action.CREATE | Action.UPDATE | Action.RENAME | Action.PAUSE:
            return "another apply cannot put it back"
        case _:
            assert_never(step.action)


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

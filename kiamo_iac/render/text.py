"""Plan, drift and check as text: the verdict first, then what cannot be undone, then every change with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, assert_never

import click

from kiamo_iac.core.address import Address
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted, group_lines
from kiamo_iac.render.escape import document, value, visible
from kiamo_iac.render.view import (
    COMMON_REASONS,
    Entry,
    ListSection,
    PlanVerdict,
    PlanView,
    StepRow,
    plan_view,
    unchanged,
)

if TYPE_CHECKING:
    from kiamo_iac.core.provenance import PlanProvenance
    from kiamo_iac.planner.drift import ChangedBy, Drift
    from kiamo_iac.render.view_drift import DriftView

_WIDTH = 100
"""Attributes are on one line up to this column, else on a line each; nothing is ever cut."""
_SHORT = 60
"""A compact line has the values of a change up to this length, else the names of the attributes alone."""


class TextPlan:
    """The text format of a plan."""

    def __init__(self, style: Style) -> None:
        self._paint = _Paint(style)

    def render(self, plan: Plan, provenance: PlanProvenance | None = None) -> str:  # noqa: ARG002 - not shown
        """The whole plan, ending with a newline."""
        return self.draw(plan_view(plan))

    def draw(self, view: PlanView) -> str:
        """The same of a view."""
        return document(self._lines(view))

    def _lines(self, view: PlanView) -> Iterator[str]:
        paint = self._paint
        yield paint.bold(f"Environment {visible(view.environment)}, {visible(view.url)}")
        yield self._verdict(view)
        if view.rows or view.diagnostics or view.sections:
            yield ""
            yield from self._body(view)

    def _body(self, view: PlanView) -> Iterator[str]:
        paint = self._paint
        yield from paint.lists(view.alarms)
        if view.common_reasons:
            yield paint.bold(f"{COMMON_REASONS}:")
            for each in view.common_reasons:
                yield f"  {paint.action(each.action)}: {visible(each.reason)} ({counted(each.count, 'step')})"
            yield ""
        if paint.style.compact:
            yield from map(self._compact_line, view.rows)
            yield from [""] if view.rows else []
        else:
            yield from self._groups(view)
        yield from paint.lists(view.sections)
        for group in view.diagnostics:
            yield from group_lines(group, paint.style)
            yield ""
        if view.rows:
            yield paint.bold(f"Plan: {view.summary}")
        if view.alarms or view.verdict is not PlanVerdict.READY:
            yield self._verdict(view)  # the one on top may have scrolled away

    def _groups(self, view: PlanView) -> Iterator[str]:
        for root, rows in _by_root(view.rows):
            yield self._paint.bold(visible(root))
            for row in rows:
                yield from self._row_lines(row)
            yield ""

    def _compact_line(self, row: StepRow) -> str:
        """A step on one line: what it does to what, the attributes that change, the alarms, and a reason of its own."""
        step = row.step
        alarms = ", ".join(alarm.label for alarm in row.alarms)
        changed = ""
        if step.action in {Action.UPDATE, Action.RENAME}:
            facts_of = self._facts(row)
            alone = len(facts_of) == 1 and len(facts_of[0]) <= _SHORT
            changed = facts_of[0] if alone else ", ".join(visible(path) for path, *_ in row.changes)
        facts = "; ".join(filter(None, (changed, visible(row.own_reason), *map(visible, row.notes))))
        marked = f" [{self._paint.color(alarms, 'red')}]" if alarms else ""
        return f"  {self._paint.action(step.action)} {visible(step.address)}{marked}{f': {facts}' if facts else ''}"

    def _verdict(self, view: PlanView) -> str:
        match view.verdict:
            case PlanVerdict.REFUSED:
                return self._paint.color(view.verdict_line, "red")
            case PlanVerdict.GUARDED:
                return self._paint.color(view.verdict_line, "yellow")
            case PlanVerdict.READY:
                return view.verdict_line
            case PlanVerdict.UNCHANGED:
                return self._paint.bold(unchanged(visible(view.environment)))
            case _:
                assert_never(view.verdict)

    def _row_lines(self, row: StepRow) -> Iterator[str]:
        step = row.step
        note = f", {self._paint.color(row.remark, 'red')}" if row.remark else ""
        yield f"  {self._paint.action(step.action)} {visible(step.address)} ({visible(step.kind)}{note})"
        yield from (f"      {line}" for line in self._facts(row))
        place_and_reason = filter(None, (visible(str(step.source)) if step.source else "", visible(row.own_reason)))
        yield from (f"      {line}" for line in filter(None, [": ".join(place_and_reason)]))
        yield from (f"      {visible(note)}" for note in row.notes)

    def _facts(self, row: StepRow) -> list[str]:
        if row.changes:
            arrow = self._paint.style.symbols.arrow
            return [f"{visible(path)}: {value(before)} {arrow} {value(after)}" for path, before, after in row.changes]
        facts = [f"{visible(path)}: {value(data)}" for path, data in row.attributes]
        joined = ", ".join(facts)
        return [joined] if facts and len(joined) <= _WIDTH else facts


class TextDrift:
    """The text format of a drift."""

    def __init__(self, style: Style) -> None:
        self._paint = _Paint(style)

    def render(self, drift: Drift, *, environment: str) -> str:
        """All of it, ending with a line that counts."""
        from kiamo_iac.render.view_drift import drift_view

        return self.draw(drift_view(drift, environment=environment))

    def draw(self, view: DriftView) -> str:
        """The same of a view. Its alarms are shown with the rows."""
        return document(self._lines(view))

    def _lines(self, view: DriftView) -> Iterator[str]:
        from kiamo_iac.render.view_drift import NO_LEDGER

        paint = self._paint
        yield paint.bold(f"Environment {visible(view.environment)}")
        if view.drifted:
            yield view.verdict_line
        yield ""
        if not view.ledger:
            yield NO_LEDGER
            yield ""
        for row in view.rows:
            resource = row.resource
            event_text = paint.color(row.event_text, _side_color(resource.changed_by))
            yield f"{paint.bold(visible(resource.address))} ({visible(resource.kind)}): {event_text}"
            yield from (f"    {line}" for line in (*row.lines, *row.notes))
            yield ""
        yield from paint.lists(view.sections)
        yield paint.bold(view.summary)


class _Paint:
    """Text in the style of where it goes."""

    def __init__(self, style: Style) -> None:
        self.style = style

    def color(self, text: str, color: str) -> str:
        return click.style(text, fg=color) if self.style.color else text

    def bold(self, text: str) -> str:
        return click.style(text, bold=True) if self.style.color else text

    def action(self, action: Action) -> str:
        return self.color(f"{self.style.symbols.actions[action]} {action.value}", _action_color(action))

    def lists(self, sections: Iterable[ListSection]) -> Iterator[str]:
        for section in sections:
            yield self.bold(f"{section.title} ({len(section.entries):,}):")
            yield from (f"  {self._entry(entry)}" for entry in section.entries)
            yield ""

    def _entry(self, entry: Entry) -> str:
        action = f"{self.action(entry.action)} " if entry.action is not None else ""
        return ": ".join(filter(None, (f"{action}{visible(entry.address)}", entry.words, visible(entry.text))))


def _by_root(rows: tuple[StepRow, ...]) -> Iterator[tuple[Address, list[StepRow]]]:
    """Rows by the topmost object that they are at or below, in the order in which the plan comes to it."""
    order = list(dict.fromkeys(_root(row.step.address) for row in rows))
    rank = {root: number for number, root in enumerate(order)}
    together = sorted(rows, key=lambda row: (rank[_root(row.step.address)], row.step.id))
    for root, group in groupby(together, key=lambda row: _root(row.step.address)):
        yield root, list(group)


def _root(address: Address) -> Address:
    return Address("/".join(address.split("/")[:2]))


def _action_color(action: Action) -> str:
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


def _side_color(side: ChangedBy) -> str:
    from kiamo_iac.planner.drift import ChangedBy

    match side:
        case ChangedBy.NEITHER:
            return "green"
        case ChangedBy.GIT:
            return "yellow"
        case ChangedBy.INSTANCE:
            return "magenta"
        case ChangedBy.BOTH:
            return "red"
        case ChangedBy.UNKNOWN:
            return "cyan"
        case _:
            assert_never(side)

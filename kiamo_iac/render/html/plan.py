"""A plan as an HTML page: the verdict, what cannot be undone, each step with its reason, and a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from markupsafe import Markup

from kiamo_iac.core.provenance import PlanProvenance
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.base import NO_CONTEXT, PageContext, Style
from kiamo_iac.render.diagnostics import DiagnosticGroup
from kiamo_iac.render.escape import value
from kiamo_iac.render.graph.build import plan_graph
from kiamo_iac.render.graph.condense import fitted
from kiamo_iac.render.graph.svg import svg_of
from kiamo_iac.render.html.page import filters, grouped_rows, page, within
from kiamo_iac.render.view import Alarm, PlanVerdict, PlanView, StepRow, plan_view

MAX_NODES: Final = 120
"""Of the drawing; a larger plan is drawn with less in it."""
_GIST: Final = 6
"""How many attributes a folded step names."""
_SHORT: Final = 120
"""A longer value is left to the unfolded step: nothing is cut but by the browser, where the line ends, as half a token
would not be recognised as one."""
_ALIKE: Final = 3
"""So many diagnostics of one code are one card."""


@dataclass(frozen=True, slots=True)
class StepCells:
    """What the table has of a step beside its row; text is data."""

    row: StepRow
    where: str
    """See `page.within`."""
    gist: str
    """The first attributes that it is about."""

    @property
    def step(self) -> Step:
        """The step itself."""
        return self.row.step

    @property
    def alarms(self) -> Sequence[Alarm]:
        """The alarms that it raises."""
        return self.row.alarms


class HtmlPlan:
    """The HTML format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan, provenance: PlanProvenance | None = None, context: PageContext = NO_CONTEXT) -> str:
        """The whole page, ending with a newline."""
        return self.draw(plan_view(plan), plan, provenance, context)

    def draw(
        self, view: PlanView, plan: Plan, provenance: PlanProvenance | None = None, context: PageContext = NO_CONTEXT
    ) -> str:
        """The same of a view, and of the plan that is drawn as a graph."""
        rows = [StepCells(row, where=within(row.step.address), gist=_attribute_summary(row)) for row in view.rows]
        fit = fitted(plan_graph(plan), nodes=MAX_NODES)
        steps = [row.step for row in view.rows]
        return page(
            "plan.html.j2",
            view=view,
            provenance=provenance.facts if provenance is not None else (),
            verdict=_verdict(view.verdict),
            cards=_cards(view.diagnostics),
            href=context.href,
            command=context.command if view.verdict in {PlanVerdict.READY, PlanVerdict.GUARDED} else "",
            groups=grouped_rows(
                rows,
                lambda row: row.step.address,
                lambda row: (row.step.action.value, row.step.action.value),
                lambda row: [(alarm.value, alarm.label) for alarm in row.alarms],
            ),
            filters=filters(
                ("action", "Action", [(s.action.value, s.action.value) for s in _by_action(steps)]),
                ("risk", "Risk", [(s.risk.value, _risk(s.risk)) for s in _by_risk(steps)]),
                ("kind", "Kind", [(s.kind, s.kind) for s in steps]),
            ),
            note=fit.note,
            drawing=Markup(svg_of(fit)) if steps else None,  # noqa: S704 - its writer escapes all that is data
        )


def _cards(diagnostics: Sequence[DiagnosticGroup]) -> list[list[DiagnosticGroup]]:
    """Diagnostics, a card each; `_ALIKE` or more of one code and severity are one, in the place of the first."""
    alike: dict[tuple[str, str], list[DiagnosticGroup]] = {}
    for group in diagnostics:
        alike.setdefault((group.first.code, group.first.severity), []).append(group)
    cards: list[list[DiagnosticGroup]] = []
    for group in diagnostics:
        same = alike[group.first.code, group.first.severity]
        if len(same) < _ALIKE:
            cards.append([group])
        elif group is same[0]:
            cards.append(same)
    return cards


def _verdict(verdict: PlanVerdict) -> str:
    """The verdict in a word or three."""
    match verdict:
        case PlanVerdict.REFUSED:
            return "Refused"
        case PlanVerdict.GUARDED:
            return "Blocked by a guard"
        case PlanVerdict.READY:
            return "Can be applied"
        case PlanVerdict.UNCHANGED:
            return "No changes"
        case _:
            assert_never(verdict)


def _attribute_summary(row: StepRow) -> str:
    """What a folded step says of its attributes."""
    first: list[tuple[str, Any]] = [
        *((path, f"{value(before)} → {value(after)}") for path, before, after in row.changes[:_GIST]),
        *((path, value(data)) for path, data in row.attributes[:_GIST]),
    ]
    parts = [f"{path}: {values}" if len(values) <= _SHORT else path for path, values in first]
    more = len(row.changes) + len(row.attributes) - len(parts)
    return ", ".join([*parts, f"{more} more"] if more else parts)


def _risk(risk: Risk) -> str:
    match risk:
        case Risk.REVERSIBLE:
            return "reversible"
        case Risk.IRREVERSIBLE:
            return "cannot be undone"
        case Risk.DATA_LOSS:
            return "data loss"
        case _:
            assert_never(risk)


def _by_action(steps: Sequence[Step]) -> list[Step]:
    order = list(Action)
    return sorted(steps, key=lambda step: order.index(step.action))


def _by_risk(steps: Sequence[Step]) -> list[Step]:
    order = list(Risk)
    return sorted(steps, key=lambda step: order.index(step.risk))

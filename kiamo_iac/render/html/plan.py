"""A plan as an HTML page: what it comes to, what cannot be undone, each step with its reason, and a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from markupsafe import Markup

from kiamo_iac.core.diagnostics import Severity, worst_first
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted
from kiamo_iac.render.escape import value
from kiamo_iac.render.graph.build import plan_graph
from kiamo_iac.render.graph.condense import fitted
from kiamo_iac.render.graph.svg import svg_of
from kiamo_iac.render.html.page import page
from kiamo_iac.render.html.rows import filters, grouped, within
from kiamo_iac.render.wording import attributes, changes, consequence, held

MAX_NODES: Final = 120
"""Of the drawing; a larger plan is drawn with less in it."""
_NAMED: Final = 12
"""How many steps of a risk are named at the top; all of them are in the table."""
_GIST: Final = 3
"""How many attributes a folded step names."""
_SHORT: Final = 48
"""A longer value is left to the unfolded step: nothing is ever cut, as half a token would be hidden by nobody."""


@dataclass(frozen=True, slots=True)
class Row:
    """A step as it is shown; text is data."""

    step: Step
    where: str
    """See `rows.within`."""
    grave: str
    """Why it is to be looked at twice; empty: it is not."""
    gist: str
    """The first attributes that it is about."""
    changes: tuple[tuple[str, Any, Any], ...]
    attributes: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a person must not overlook, and the first steps that it is about."""

    key: str
    title: str
    steps: tuple[tuple[Step, str], ...]
    """Each with its consequence."""
    count: int


class HtmlPlan:
    """The HTML format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan) -> str:
        """The whole page, ending with a newline."""
        rows = [_row(step) for step in plan.steps]
        fit = fitted(plan_graph(plan), nodes=MAX_NODES)
        errors = sum(d.severity is Severity.ERROR for d in plan.diagnostics)
        guards = len(held(plan))
        return page(
            "plan.html.j2",
            plan=plan,
            counts=[(action.value, count) for action, count in plan.summary.items()],
            verdict=_verdict(plan, guarded=bool(guards)),
            errors=counted(errors, "error"),
            guards=counted(guards, "note"),
            alarms=_alarms(plan.steps),
            groups=grouped((row.step.address, row) for row in rows),
            filters=filters(
                ("action", "Action", [(s.action.value, s.action.value) for s in _by_action(plan.steps)]),
                ("risk", "Risk", [(s.risk.value, _risk(s.risk)) for s in _by_risk(plan.steps)]),
                ("kind", "Kind", [(s.kind, s.kind) for s in plan.steps]),
            ),
            diagnostics=worst_first(plan.diagnostics),
            note=fit.note,
            drawing=Markup(svg_of(fit)) if plan.steps else None,  # noqa: S704 - its writer escapes all that is data
        )


def _verdict(plan: Plan, *, guarded: bool) -> str:
    """`refused`, `held` (apply will refuse it as it stands), `ready`, or `level`: nothing to do."""
    if not plan.applyable:
        return "refused"
    if not plan.steps:
        return "level"
    return "held" if guarded else "ready"


def _row(step: Step) -> Row:
    both = tuple(changes(step))
    facts = () if both else tuple(attributes(step))
    return Row(
        step,
        where=within(step.address),
        grave=_grave(step),
        gist=_gist(both, facts),
        changes=both,
        attributes=facts,
    )


def _gist(both: Sequence[tuple[str, Any, Any]], facts: Sequence[tuple[str, Any]]) -> str:
    """What a folded step says of its attributes."""
    said = [
        *((path, f"{value(before)} → {value(after)}") for path, before, after in both[:_GIST]),
        *((path, value(data)) for path, data in facts[:_GIST]),
    ]
    parts = [f"{path}: {values}" if len(values) <= _SHORT else path for path, values in said]
    more = len(both) + len(facts) - len(parts)
    return ", ".join([*parts, f"{more} more"] if more else parts)


def _grave(step: Step) -> str:
    """A word or two for the table; the alarms at the top have the whole sentence."""
    if step.action is Action.START:
        return "dials people"
    return "" if step.risk is Risk.REVERSIBLE else _risk(step.risk)


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


def _alarms(steps: Sequence[Step]) -> list[Alarm]:
    """Each step in the first of these that it belongs to; those that no step belongs to are left out."""
    loses = [step for step in steps if step.risk is Risk.DATA_LOSS]
    dials = [step for step in steps if step.action is Action.START and step.risk is not Risk.DATA_LOSS]
    rest = [step for step in steps if step.risk is Risk.IRREVERSIBLE and step.action is not Action.START]
    kinds = (
        ("loss", "Data is lost", loses),
        ("dials", "People are dialled", dials),
        ("undone", "Cannot be undone", rest),
    )
    return [
        Alarm(key, title, tuple((step, consequence(step)) for step in some[:_NAMED]), len(some))
        for key, title, some in kinds
        if some
    ]


def _by_action(steps: Sequence[Step]) -> list[Step]:
    order = list(Action)
    return sorted(steps, key=lambda step: order.index(step.action))


def _by_risk(steps: Sequence[Step]) -> list[Step]:
    order = list(Risk)
    return sorted(steps, key=lambda step: order.index(step.risk))

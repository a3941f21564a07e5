"""A plan as annotations: its errors, what it loses and whom it dials, its warnings, and a notice that counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kiamo_iac.core.diagnostics import worst_first
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.github.commands import Annotation, Level, annotations_text, of_diagnostic
from kiamo_iac.render.wording import consequence, summary_line

_RANK: Final = {Risk.DATA_LOSS: 0, Risk.IRREVERSIBLE: 2, Risk.REVERSIBLE: 3}


class GithubPlan:
    """The format for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan) -> str:
        """Workflow commands, a line each."""
        if not plan.applyable:
            counts = f" {summary_line(plan)}" if plan.steps else ""  # of manifests with errors nobody knows them
            closing = f"Refused: the plan for {plan.environment} will not be applied.{counts}"
        elif plan.steps:
            closing = f"Plan for {plan.environment}: {summary_line(plan)}"
        else:
            closing = f"No changes: {plan.environment} is as its manifests say."
        return annotations_text(_annotations(plan), closing=closing)


def _annotations(plan: Plan) -> Iterator[Annotation]:
    """Of one level, the first are the worst: what is lost, whom it dials, what cannot be undone, then the warnings."""
    lasting = [step for step in plan.steps if step.risk is not Risk.REVERSIBLE or step.action is Action.START]
    yield from map(_of_step, sorted(lasting, key=_badness))
    yield from map(of_diagnostic, worst_first(plan.diagnostics))


def _badness(step: Step) -> int:
    return 1 if step.action is Action.START and step.risk is not Risk.DATA_LOSS else _RANK[step.risk]


def _of_step(step: Step) -> Annotation:
    said = f"{step.action.value} {step.address}: {consequence(step)}"
    return Annotation(Level.WARNING, _title(step), (said, step.reason), step.source)


def _title(step: Step) -> str:
    if step.risk is Risk.DATA_LOSS:
        return "data loss"
    return "dials people" if step.action is Action.START else "cannot be undone"

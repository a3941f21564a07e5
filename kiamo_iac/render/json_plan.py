"""The plan as JSON: design §7's shape, described by `schemas/plan.schema.json`."""

from __future__ import annotations

from typing import Any

from kiamo_iac.planner.plan import FORMAT_VERSION, Action, Plan, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import diagnostic_data, worst_first
from kiamo_iac.render.escape import json_document


class JsonPlan:
    """The JSON format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan) -> str:
        """The whole plan, ending with a newline."""
        return json_document(plan_data(plan))


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan as plain data, keys in the order in which they are written."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": plan.environment,
        "url": plan.url,
        "summary": summary_data(plan),
        "steps": [step_data(step) for step in plan.steps],
        "diagnostics": [diagnostic_data(d) for d in worst_first(plan.diagnostics)],
        "applyable": plan.applyable,
    }


def summary_data(plan: Plan) -> dict[str, int]:
    """Action → how many, all actions present."""
    counts = plan.summary
    return {action.value: counts[action] for action in Action}


def step_data(step: Step) -> dict[str, Any]:
    """One step as plain data."""
    return {
        "id": step.id,
        "action": step.action.value,
        "address": step.address,
        "kind": step.kind,
        "depends_on": list(step.depends_on),
        "risk": step.risk.value,
        "before": dict(step.before),
        "after": dict(step.after),
        "changes": [{"path": c.path, "before": c.before, "after": c.after} for c in step.changes],
        "reason": step.reason,
        "source": str(step.source) if step.source else None,
    }

"""The plan as plain data, and back: the one place that knows the shape of its JSON (`schemas/plan.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiamo_iac.address import Address
from kiamo_iac.diagnostics import Diagnostic, Severity, SourceRange, diagnostic_data, worst_first
from kiamo_iac.planner.plan import FORMAT_VERSION, Action, Cause, FieldChange, Plan, Risk, Step


def plan_data(plan: Plan) -> dict[str, Any]:
    """The plan as plain data, keys in the order in which they are written; its bindings are no part of it."""
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
        "cause": step.cause.value,
        "before": dict(step.before),
        "after": dict(step.after),
        "changes": [{"path": c.path, "before": c.before, "after": c.after} for c in step.changes],
        "reason": step.reason,
        "source": str(step.source) if step.source else None,
        "seen": dict(sorted(step.seen.items())),
    }


def plan_of(data: Mapping[str, Any]) -> Plan:
    """The plan that `plan_data` wrote, without bindings. What is derived (`summary`, `applyable`) is not looked at.

    Raises:
        ValueError, TypeError, LookupError, AttributeError: the data has another shape.
    """
    return Plan(
        environment=data["environment"],
        url=data["url"],
        steps=tuple(_step(item) for item in data["steps"]),
        diagnostics=tuple(_diagnostic(item) for item in data["diagnostics"]),
    )


def _step(data: Mapping[str, Any]) -> Step:
    return Step(
        id=data["id"],
        action=Action(data["action"]),
        address=Address.parse(data["address"]),
        kind=data["kind"],
        depends_on=tuple(data["depends_on"]),
        risk=Risk(data["risk"]),
        before=dict(data["before"]),
        after=dict(data["after"]),
        changes=tuple(FieldChange(c["path"], c["before"], c["after"]) for c in data["changes"]),
        reason=data["reason"],
        source=_place(data["source"]),
        cause=Cause(data["cause"]),
        seen={Address.parse(address): seen for address, seen in data["seen"].items()},
    )


def _diagnostic(data: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        code=data["code"],
        summary=data["summary"],
        severity=Severity(data["severity"]),
        detail=data["detail"],
        hint=data["hint"],
        address=Address.parse(data["address"]) if data["address"] is not None else None,
        source=_place(data["source"]),
        related=tuple((item["message"], _needed(_place(item["source"]))) for item in data["related"]),
    )


def _place(text: str | None) -> SourceRange | None:
    """`file:line:column`; the file may hold colons."""
    if text is None:
        return None
    file, line, column = text.rsplit(":", 2)
    return SourceRange(file, int(line), int(column))


def _needed(place: SourceRange | None) -> SourceRange:
    if place is None:
        msg = "a place is missing"
        raise ValueError(msg)
    return place

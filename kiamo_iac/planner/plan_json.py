"""The plan as plain data, and back: the one place that knows the shape of its JSON (`schemas/plan.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, diagnostic_data, worst_first
from kiamo_iac.planner.plan import FORMAT_VERSION, Action, Cause, FieldChange, Plan, Risk, Step

T = TypeVar("T", str, int)


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
        environment=text_in(data["environment"]),
        url=text_in(data["url"]),
        steps=tuple(_step(item) for item in data["steps"]),
        diagnostics=tuple(_diagnostic(item) for item in data["diagnostics"]),
    )


def text_in(value: Any) -> str:
    """`value`, which has to be text.

    Raises:
        TypeError: it is not.
    """
    return _typed(value, str)


def _step(data: Mapping[str, Any]) -> Step:
    return Step(
        id=_typed(data["id"], int),
        action=Action(data["action"]),
        address=Address.parse(data["address"]),
        kind=text_in(data["kind"]),
        depends_on=tuple(_typed(needed, int) for needed in data["depends_on"]),
        risk=Risk(data["risk"]),
        before=dict(data["before"]),
        after=dict(data["after"]),
        changes=tuple(FieldChange(text_in(c["path"]), c["before"], c["after"]) for c in data["changes"]),
        reason=text_in(data["reason"]),
        source=_place(data["source"]),
        cause=Cause(data["cause"]),
        seen={Address.parse(address): _optional(seen) for address, seen in data["seen"].items()},
    )


def _diagnostic(data: Mapping[str, Any]) -> Diagnostic:
    return Diagnostic(
        code=text_in(data["code"]),
        summary=text_in(data["summary"]),
        severity=Severity(data["severity"]),
        detail=_optional(data["detail"]),
        hint=_optional(data["hint"]),
        address=Address.parse(data["address"]) if data["address"] is not None else None,
        source=_place(data["source"]),
        related=tuple((text_in(item["message"]), _place_in(item["source"])) for item in data["related"]),
    )


def _place(text: str | None) -> SourceRange | None:
    return None if text is None else _place_in(text)


def _place_in(text: str) -> SourceRange:
    """`file:line:column`; the file may hold colons."""
    file, line, column = text.rsplit(":", 2)
    return SourceRange(file, int(line), int(column))


def _optional(value: Any) -> str | None:
    return None if value is None else text_in(value)


def _typed(value: Any, type_: type[T]) -> T:
    if type(value) is not type_:
        msg = f"{type_.__name__} expected"
        raise TypeError(msg)
    return value

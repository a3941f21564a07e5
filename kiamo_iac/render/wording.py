"""What the formats of a plan say alike: what a step does, what it would take to go back, and its facts as pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, assert_never

from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.planner.plan import Action, Plan, Risk, Step

_GUARDS: Final = "KIA07"
"""How the codes of guards begin (see `codes`): in a plan they are notes on what apply will say."""


def summary_line(plan: Plan) -> str:
    """`2 to create, 1 to update, 0 to rename, 1 to delete; 1 to start, 0 to pause, 1 to stop.`"""
    counts = plan.summary
    runs = (Action.START, Action.PAUSE, Action.STOP)
    parts = {action: f"{count} to {action.value}" for action, count in counts.items()}
    things = ", ".join(part for action, part in parts.items() if action not in runs)
    return f"{things}; {', '.join(parts[action] for action in runs)}."


def held(plan: Plan) -> list[Diagnostic]:
    """The notes of guards: why apply will refuse the plan as it stands."""
    return [said for said in plan.diagnostics if said.code.startswith(_GUARDS)]


def remark(step: Step) -> str:
    """What a person must not overlook about the step, in words; empty when there is nothing."""
    match step.risk:
        case Risk.REVERSIBLE:
            return "dials people" if step.action is Action.START else ""
        case Risk.IRREVERSIBLE:
            return f"cannot be undone: {consequence(step)}"
        case Risk.DATA_LOSS:
            return f"data loss, cannot be undone: {consequence(step)}"
        case _:
            assert_never(step.risk)


def consequence(step: Step) -> str:
    """Why the step cannot be undone, in words."""
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


def changes(step: Step) -> Iterator[tuple[str, Any, Any]]:
    """Attribute, before and after, of what the step changes; nothing of a create or a delete."""
    if step.changes:
        yield from ((change.path, change.before, change.after) for change in step.changes)
        return
    if step.before and step.after:
        for path in dict.fromkeys([*step.before, *step.after]):
            yield path, step.before.get(path), step.after.get(path)


def attributes(step: Step) -> Iterator[tuple[str, Any]]:
    """The attributes of what is created or deleted, paths dotted; without the name, where the address says it."""
    for path, data in _flat(step.after or step.before):
        if not (path == "name" and data == step.address.name):
            yield path, data


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in data.items():
        if isinstance(item, Mapping) and item:
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item

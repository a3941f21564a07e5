"""The JSON of `artifacts:reports:terraform`, which a merge request shows as three numbers.

https://docs.gitlab.com/user/infrastructure/iac/mr_integration/. GitLab knows `create`, `update` and `delete` alone. So
things are counted, not steps: a batch that is paused, changed and started again is one thing to update.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, assert_never

from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import json_document

if TYPE_CHECKING:
    from kiamo_iac.planner.drift import Drift, ThingDrift


class GitlabPlan:
    """Things that the plan makes, changes and deletes; the style of text does not touch it.

    A thing that is made counts as made, whatever else is done to it (a start); so does one that is deleted. A
    replacement is both. All others, renamed, started, paused or stopped ones among them, are changed.
    """

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan) -> str:
        """`{"create": …, "update": …, "delete": …}`, ending with a newline."""
        made = {step.address for step in plan.steps if step.action is Action.CREATE}
        gone = {step.address for step in plan.steps if step.action is Action.DELETE}
        others = {step.address for step in plan.steps} - made - gone
        return _report(create=len(made), update=len(others), delete=len(gone))


class GitlabDrift:
    """Things that are not as they were applied, by what would make manifests and instance level again.

    Made: what only git has. Deleted: what git has no more. Changed: all others. Who changed it, the widget has no word
    for.
    """

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """`{"create": …, "update": …, "delete": …}`, ending with a newline."""
        del environment
        counts = Counter(map(_action, drift.things))
        return _report(create=counts["create"], update=counts["update"], delete=counts["delete"])


def _action(thing: ThingDrift) -> str:
    from kiamo_iac.planner.drift import Event

    match thing.event:
        case Event.NEW | Event.DELETED:
            return "create"
        case Event.GONE:
            return "delete"
        case Event.CHANGED | Event.REMADE | Event.RENAMED | Event.NOT_OWNED:
            return "update"
        case _:
            assert_never(thing.event)


def _report(*, create: int, update: int, delete: int) -> str:
    return json_document({"create": create, "update": update, "delete": delete})

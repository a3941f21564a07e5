"""The plan as JSON: design §7's shape, described by `schemas/plan.schema.json`."""

from __future__ import annotations

from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.plan_json import plan_data
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import json_document


class JsonPlan:
    """The JSON format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan) -> str:
        """The whole plan, ending with a newline."""
        return json_document(plan_data(plan))

"""The JSON Schemas of what is said of environments: their composed manifests, and the plans of all of them."""

from __future__ import annotations

from kiamo_iac.core.json_schema import Schema, closed, defined, list_of, schema_document, text
from kiamo_iac.planner.plan import FORMAT_VERSION as PLAN_VERSION
from kiamo_iac.planner.plan_json import plan_schema
from kiamo_iac.render import composed, environments
from kiamo_iac.render.schema_parts import ADDRESS, ENVIRONMENT, KIND, PLACE, major, version_of


def composed_schema() -> Schema:
    """The schema of `render --format json`."""
    variable = closed({"name": text("Its name."), "source": PLACE}, "A variable that was filled in.")
    step = {"type": ["string", "integer"]}
    value = closed(
        {
            "path": list_of(step, "Keys, and from 0 on indices, below the thing.", minItems=1),
            "value": {"description": "A scalar, or an empty mapping or list; variables filled in."},
            "source": PLACE,
            "variables": list_of(variable, "Those that its text refers to, in their order."),
        },
        "One value and where it comes from.",
    )
    thing = closed(
        {"address": ADDRESS, "kind": KIND, "values": list_of(value, "In the order in which they are shown.")},
        "One declared thing.",
    )
    body = closed(
        {
            "format_version": version_of(composed.FORMAT_VERSION),
            "environment": ENVIRONMENT,
            "things": list_of(thing, "Every thing that its manifests declare, parents before their children."),
        },
        "The manifests as one environment composes them.",
    )
    return schema_document("composed", major(composed.FORMAT_VERSION), title="Manifests, composed", body=body)


def plans_schema() -> Schema:
    """The schema of `plan --all-environments --format json`."""
    plan = plan_schema()
    body_of_plan = {key: plan[key] for key in ("description", "type", "properties", "required", "additionalProperties")}
    error = closed(
        {
            "message": text("One full sentence."),
            "hint": {"type": ["string", "null"], "description": "What to do about it."},
            "exit_code": {"type": "integer", "description": "That of `plan -e` for this environment."},
        },
        "Why there is no plan.",
    )
    row = closed(
        {"environment": ENVIRONMENT, "plan": _or_null("plan"), "error": _or_null("error")},
        "One environment: either `plan` or `error` is null.",
    )
    body = closed(
        {
            "format_version": version_of(environments.FORMAT_VERSION),
            "environments": list_of(row, "In the order of the project file."),
        },
        "The plans of all environments, side by side.",
    )
    return schema_document(
        "plans",
        f"{major(environments.FORMAT_VERSION)}-{major(PLAN_VERSION)}",
        title="Plans of all environments",
        body=body,
        definitions={**plan["definitions"], "plan": body_of_plan, "error": error},
    )


def _or_null(name: str) -> Schema:
    return {
        "description": f"The {name}, or null.",
        "type": ["object", "null"],
        "if": {"type": "object"},
        "then": defined(name),
    }

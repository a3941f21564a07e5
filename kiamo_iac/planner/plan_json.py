"""The JSON of a plan: one declaration writes it, reads it back, and is its schema (`schemas/plan.schema.json`)."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.core.common_records import (
    ADDRESS,
    DIAGNOSTIC,
    ENVIRONMENT,
    KIND,
    PATH,
    PLACE_OR_NULL,
    URL,
    diagnostics_list,
    major,
    version_of,
)
from kiamo_iac.core.diagnostics import worst_first
from kiamo_iac.core.json_schema import Schema, closed, schema_document
from kiamo_iac.core.provenance import PROVENANCE, PlanProvenance
from kiamo_iac.core.record import (
    Key,
    Record,
    anything,
    boolean,
    counts,
    definitions,
    derived,
    enum,
    integer,
    list_of,
    mapping_of,
    nullable,
    text,
)
from kiamo_iac.planner.plan import FORMAT_VERSION, Action, Cause, FieldChange, Plan, Risk, Step

ACTION: Final = enum(Action, "What is done.")
CHANGE: Final = Record(
    FieldChange,
    "One attribute that differs; null is an attribute that is not set.",
    {
        "path": PATH,
        "before": anything("Its value as it is live."),
        "after": anything("Its value as it will be."),
    },
)
STEP: Final = Record(
    Step,
    "One API call, or one resource that is created with its parent.",
    {
        "id": integer("The number of the step, in the order of the plan.", minimum=1),
        "action": ACTION,
        "address": ADDRESS,
        "kind": KIND,
        "depends_on": list_of(
            integer(minimum=1), "Ids of the steps that must be done before, ascending.", uniqueItems=True
        ),
        "risk": enum(Risk, "What cannot be undone about it."),
        "cause": enum(
            Cause,
            "Why the step is planned: a block of a manifest, an exclusive list, pruning, or what an earlier run owes.",
        ),
        "before": mapping_of(None, "The attributes concerned as they are live."),
        "after": mapping_of(None, "The same as they will be."),
        "changes": list_of(CHANGE, "The attributes that differ."),
        "reason": text("Why, for people."),
        "source": PLACE_OR_NULL,
        "seen": Key(
            mapping_of(
                nullable(text("A fingerprint; null: it did not exist.", pattern="^[0-9a-f]{32}$")),
                "What the plan saw of this resource and of the targets of its references, by address.",
                keys=ADDRESS,
            ),
            lambda step: sorted(step.seen.items()),
            "seen",
        ),
        "also_deletes": list_of(
            ADDRESS, "Of a delete: what is below it and goes with it, without default fields. Left out where empty."
        ),
    },
    definition="step",
    optional={"also_deletes": []},
)
SUMMARY: Final = counts(
    Action,
    "How many steps of each action, and how many resources go with what is deleted.",
    optional={"also_deleted": "Fields and batches of deleted bases, without a step of their own. Left out where 0."},
)
PLAN: Final = Record(
    Plan,
    "The changes that bring one environment in line with its manifests.",
    {
        "format_version": version_of(FORMAT_VERSION),
        "environment": ENVIRONMENT,
        "url": URL,
        "summary": derived(SUMMARY, lambda plan: {**plan.summary, "also_deleted": len(plan.also_deleted)}),
        "steps": list_of(STEP, "Every step, in an order in which they can be done."),
        "diagnostics": Key(
            diagnostics_list("Diagnostics of the plan, worst first."),
            lambda plan: worst_first(plan.diagnostics),
            "diagnostics",
        ),
        "applyable": derived(boolean("False: the plan is refused, see the errors in `diagnostics`."), "applyable"),
    },
    definition="plan",
)
"""Its bindings are no part of it."""


def plan_data(plan: Plan, provenance: PlanProvenance | None = None) -> dict[str, Any]:
    """The JSON of a plan, with where it comes from if that is known."""
    data = PLAN.data(plan)
    return data if provenance is None else {**data, "provenance": PROVENANCE.data(provenance)}


def plan_schema() -> Schema:
    """The schema of `plan --format json`."""
    title = "A plan of kiamo-iac"
    properties = {**PLAN.properties, "provenance": PROVENANCE.schema}
    body = closed(properties, str(PLAN.body["description"]), required=list(PLAN.names))
    return schema_document(
        "plan", major(FORMAT_VERSION), title=title, body=body, definitions=definitions(STEP, DIAGNOSTIC)
    )

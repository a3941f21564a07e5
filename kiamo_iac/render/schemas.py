"""The JSON Schemas of what is written as JSON, out of the enums that the code uses."""

from __future__ import annotations

from typing import Any

from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.core.json_schema import (
    ANY,
    Schema,
    closed,
    list_of,
    mapping_of,
    one_of,
    schema_document,
    text,
    text_or_null,
)
from kiamo_iac.planner.drift import ChangedBy, DriftEvent
from kiamo_iac.render import ledger, run
from kiamo_iac.render.json_formats import CHECK_FORMAT_VERSION, DRIFT_FORMAT_VERSION
from kiamo_iac.render.schema_parts import (
    ACTION,
    ADDRESS,
    ENVIRONMENT,
    KIND,
    PATH,
    PLACE_OR_NULL,
    URL,
    count,
    counts,
    diagnostic,
    diagnostics_list,
    id_or_null,
    major,
    version_of,
)


def validate_schema() -> Schema:
    """The schema of `validate --format json`."""
    result = closed(
        {
            "format_version": version_of(CHECK_FORMAT_VERSION),
            "valid": {"type": "boolean", "description": "False when there are errors."},
            "files": count("How many manifests were read."),
            "things": count("How many things they declare."),
            "summary": counts(Severity, "How many diagnostics of each severity."),
            "diagnostics": diagnostics_list("Every problem of every file, by place."),
        },
        "What `validate` found.",
    )
    return schema_document(
        "validate",
        major(CHECK_FORMAT_VERSION),
        title="A validation by kiamo-iac",
        body=result,
        definitions={"diagnostic": diagnostic()},
    )


def report_schema() -> Schema:
    """The schema of `apply --format json`."""
    outcomes = list(run.OUTCOMES)
    result = closed(
        {
            "id": {"type": "integer", "minimum": 1, "description": "The id of the step in the plan."},
            "action": ACTION,
            "address": ADDRESS,
            "kind": KIND,
            "outcome": one_of(outcomes, "What became of it."),
            "detail": text_or_null("Why it was not done."),
            "hint": text_or_null("What to do about it."),
            "source": PLACE_OR_NULL,
        },
        "One step and what became of it.",
    )
    report = closed(
        {
            "format_version": version_of(run.FORMAT_VERSION),
            "environment": ENVIRONMENT,
            "url": URL,
            "summary": counts(outcomes, "How many steps of each outcome."),
            "results": list_of(result, "Every step of the plan, in its order."),
        },
        "What became of an applied plan.",
    )
    return schema_document("report", major(run.FORMAT_VERSION), title="A report of kiamo-iac", body=report)


def drift_schema() -> Schema:
    """The schema of `drift --format json`."""
    side = one_of(ChangedBy, "Who changed it.")
    values = {"declared": "declared", "applied": "last applied", "live": "live"}
    attribute = closed(
        {
            "path": PATH,
            "side": side,
            **{key: {"description": f"Its value as it is {word}."} for key, word in values.items()},
        },
        "One attribute that differs; null is an attribute that is not set.",
    )
    thing = closed(
        {
            "address": ADDRESS,
            "kind": KIND,
            "event": one_of(DriftEvent, "What became of it."),
            "side": side,
            "attributes": list_of(attribute, "What differs, where it is changed."),
            "lives_as": text_or_null("Its name on the instance; null: it is not there."),
            "known_id": id_or_null("The id that the ledger has."),
            "live_id": id_or_null("The id on the instance."),
            "applied_at": text_or_null("When it was last applied, RFC 3339."),
            "commit": text_or_null("The commit that it was last applied from."),
            "source": PLACE_OR_NULL,
        },
        "One thing that is not as it was applied, or not as it is declared.",
    )
    drift = closed(
        {
            "format_version": version_of(DRIFT_FORMAT_VERSION),
            "environment": ENVIRONMENT,
            "ledger": {"type": "boolean", "description": "False: there is none, and every side is `unknown`."},
            "drifted": {"type": "boolean", "description": "Whether there is any drift."},
            "summary": counts(ChangedBy, "How many things changed on each side."),
            "not_owned": count("How many declared things are live and not in the ledger."),
            "things": list_of(thing, "By address."),
        },
        "Who changed what since the last apply: git, or somebody on the instance.",
    )
    return schema_document("drift", major(DRIFT_FORMAT_VERSION), title="A drift of kiamo-iac", body=drift)


def owned_schema() -> Schema:
    """The schema of `ledger list --format json`."""
    thing: dict[str, Any] = {
        "address": ADDRESS,
        "id": id_or_null("The id on the instance; null: it is not known."),
        "attributes": mapping_of(ANY, "What was declared when it was last applied."),
        "protect": {"type": "boolean", "description": "Never deleted, not even when it is no longer declared."},
        "renamed_from": list_of(text("A former name."), "Former names that were declared."),
        "applied_at": text_or_null("When it was last applied, RFC 3339."),
        "commit": text_or_null("The commit that it was last applied from."),
        "version": text_or_null("The version of kiamo-iac."),
    }
    owned = closed(
        {
            "format_version": version_of(ledger.FORMAT_VERSION),
            "environment": ENVIRONMENT,
            "found": {"type": "boolean", "description": "False: there is no ledger."},
            "things": list_of(closed(thing, "One thing that is ours."), "By address."),
        },
        "What is ours, as the ledger says.",
    )
    return schema_document("owned", major(ledger.FORMAT_VERSION), title="What kiamo-iac owns", body=owned)

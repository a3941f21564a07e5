"""The JSON Schemas of what is written as JSON, out of the enums that the code uses."""

from __future__ import annotations

from typing import Any

from kiamo_iac.diagnostics import Severity
from kiamo_iac.planner.drift import Event, Side
from kiamo_iac.planner.plan import FORMAT_VERSION, Action, Cause, Risk
from kiamo_iac.render import diagnostics, drift_json, run

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _object(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _nullable(description: str, **keys: Any) -> dict[str, Any]:
    return {"type": ["string", "null"], "description": description, **keys}


_COUNT = {"type": "integer", "minimum": 0}
_PLACE = {"type": "string", "pattern": r":[1-9][0-9]*:[1-9][0-9]*$", "description": "`file:line:column`, 1-based."}
_ADDRESS = {
    "type": "string",
    "pattern": "^[^/]+/[^/]+(/[^/]+/[^/]+)*$",
    "description": "Collections and names in turn.",
}


def _counts(keys: list[str], description: str) -> dict[str, Any]:
    return _object(dict.fromkeys(keys, _COUNT), description)


def definitions() -> dict[str, Any]:
    """What the schemas share, for `$defs`."""
    related = _object(
        {"message": {"type": "string"}, "source": _PLACE}, "Another place that matters, with a word on why."
    )
    return {
        "diagnostic": _object(
            {
                "code": {"type": "string", "pattern": "^KIA[0-9]{4}$"},
                "severity": {"enum": [severity.value for severity in Severity]},
                "summary": {"type": "string", "description": "One short sentence."},
                "detail": _nullable("Full sentences, when the summary is not enough."),
                "hint": _nullable("What to do about it."),
                "address": {"anyOf": [_ADDRESS, {"type": "null"}]},
                "source": {"anyOf": [_PLACE, {"type": "null"}]},
                "related": {"type": "array", "items": related},
            },
            "One problem or remark.",
        )
    }


def _step() -> dict[str, Any]:
    change = _object(
        {"path": {"type": "string", "description": "Dotted below mappings."}, "before": {}, "after": {}},
        "One attribute that differs; null is an attribute that is not set.",
    )
    return _object(
        {
            "id": {"type": "integer", "minimum": 1},
            "action": {"enum": [action.value for action in Action]},
            "address": _ADDRESS,
            "kind": {"type": "string"},
            "depends_on": {
                "type": "array",
                "items": {"type": "integer", "minimum": 1},
                "uniqueItems": True,
                "description": "Ids of the steps that must be done before, ascending.",
            },
            "risk": {"enum": [risk.value for risk in Risk]},
            "cause": {
                "enum": [cause.value for cause in Cause],
                "description": "Who wants it: a block of a manifest, a list said to be complete, or pruning.",
            },
            "before": {"type": "object", "description": "The attributes concerned as they are live."},
            "after": {"type": "object", "description": "The same as they will be."},
            "changes": {"type": "array", "items": change},
            "reason": {"type": "string"},
            "source": {"anyOf": [_PLACE, {"type": "null"}]},
            "seen": {
                "type": "object",
                "propertyNames": {"pattern": _ADDRESS["pattern"]},
                "additionalProperties": _nullable("A fingerprint; null: it was not there.", pattern="^[0-9a-f]{32}$"),
                "description": "What the plan saw of this thing, and of what it is to refer to.",
            },
        },
        "One call to be made, or one thing that comes with its parent's creation.",
    )


def plan_schema() -> dict[str, Any]:
    """The schema of `plan --format json`."""
    plan = _object(
        {
            "format_version": {"const": FORMAT_VERSION},
            "environment": {"type": "string"},
            "url": {"type": "string"},
            "summary": _counts([action.value for action in Action], "How many steps of each action."),
            "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
            "diagnostics": {"type": "array", "items": {"$ref": "#/$defs/diagnostic"}},
            "applyable": {
                "type": "boolean",
                "description": "False: the plan is refused, see the errors in `diagnostics`.",
            },
        },
        "What is to be done to bring one environment level with its manifests.",
    )
    return {"$schema": DIALECT, "title": "A plan of kiamo-iac", **plan, "$defs": {"step": _step(), **definitions()}}


def validate_schema() -> dict[str, Any]:
    """The schema of `validate --format json`."""
    result = _object(
        {
            "format_version": {"const": diagnostics.FORMAT_VERSION},
            "valid": {"type": "boolean", "description": "False when there are errors."},
            "files": _COUNT | {"description": "How many manifests were read."},
            "things": _COUNT | {"description": "How many things they declare."},
            "summary": _counts([severity.value for severity in Severity], "How many diagnostics of each severity."),
            "diagnostics": {"type": "array", "items": {"$ref": "#/$defs/diagnostic"}},
        },
        "What `validate` found.",
    )
    return {"$schema": DIALECT, "title": "A validation by kiamo-iac", **result, "$defs": definitions()}


def report_schema() -> dict[str, Any]:
    """The schema of `apply --format json`."""
    outcomes = list(run.OUTCOMES)
    result = _object(
        {
            "id": {"type": "integer", "minimum": 1, "description": "The id of the step in the plan."},
            "action": {"enum": [action.value for action in Action]},
            "address": _ADDRESS,
            "kind": {"type": "string"},
            "outcome": {"enum": outcomes},
            "detail": _nullable("Why it was not done."),
            "hint": _nullable("What to do about it."),
            "source": {"anyOf": [_PLACE, {"type": "null"}]},
        },
        "One step and what became of it.",
    )
    report = _object(
        {
            "format_version": {"const": run.FORMAT_VERSION},
            "environment": {"type": "string"},
            "url": {"type": "string"},
            "summary": _counts(outcomes, "How many steps of each outcome."),
            "results": {"type": "array", "items": result, "description": "Every step of the plan, in its order."},
        },
        "What became of an applied plan.",
    )
    return {"$schema": DIALECT, "title": "A report of kiamo-iac", **report}


def drift_schema() -> dict[str, Any]:
    """The schema of `drift --format json`."""
    attribute = _object(
        {
            "path": {"type": "string", "description": "Dotted below mappings."},
            "side": {"enum": [side.value for side in Side]},
            "declared": {},
            "applied": {},
            "live": {},
        },
        "One attribute that differs; null is an attribute that is not set.",
    )
    remote_id = {"type": ["string", "integer", "null"]}
    thing = _object(
        {
            "address": _ADDRESS,
            "kind": {"type": "string"},
            "event": {"enum": [event.value for event in Event]},
            "side": {"enum": [side.value for side in Side]},
            "attributes": {"type": "array", "items": attribute},
            "lives_as": _nullable("Its name on the instance; null: it is not there."),
            "known_id": remote_id | {"description": "The id that the ledger has."},
            "live_id": remote_id | {"description": "The id on the instance."},
            "applied_at": _nullable("When it was last applied, RFC 3339."),
            "commit": _nullable("The commit that it was last applied from."),
            "source": {"anyOf": [_PLACE, {"type": "null"}]},
        },
        "One thing that is not as it was applied, or not as it is declared.",
    )
    drift = _object(
        {
            "format_version": {"const": drift_json.FORMAT_VERSION},
            "environment": {"type": "string"},
            "ledger": {"type": "boolean", "description": "False: there is none, and every side is `unknown`."},
            "drifted": {"type": "boolean", "description": "Whether there is any drift."},
            "summary": _counts([side.value for side in Side], "How many things changed on each side."),
            "not_owned": _COUNT | {"description": "How many declared things are live and not in the ledger."},
            "things": {"type": "array", "items": thing, "description": "By address."},
        },
        "Who changed what since the last apply: git, or somebody on the instance.",
    )
    return {"$schema": DIALECT, "title": "A drift of kiamo-iac", **drift}

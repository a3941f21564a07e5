"""The JSON Schema of the ledger: of the whole document, and of each line of the file."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.ledger.content import FORMAT_VERSION, SPENT_KEPT
from kiamo_iac.ledger.entry import KEYS

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TIME: Final = {"type": "string", "description": "RFC 3339, UTC, to the second."}
_ADDRESS: Final = {
    "type": "string",
    "pattern": "^[^/]+/[^/]+(/[^/]+/[^/]+)*$",
    "description": "Collections and names in turn.",
}
_HEAD: Final[dict[str, Any]] = {
    "format_version": {"const": FORMAT_VERSION},
    "environment": {"type": "string"},
    "lineage": {"type": "string", "minLength": 1, "description": "Made with the ledger and kept for its life."},
    "serial": {"type": "integer", "minimum": 0, "description": "Grows with every change."},
}


def ledger_schema() -> dict[str, Any]:
    """The schema: the document that remote backends keep, or any line of the file."""
    entry = {
        "address": _ADDRESS,
        "remote_id": {
            "type": ["string", "integer", "null"],
            "description": "The id on the instance; null: it was about to be made.",
        },
        "attributes": {"type": "object", "description": "What was declared when it was last applied."},
        "protect": {"type": "boolean"},
        "renamed_from": {"type": "array", "items": {"type": "string"}},
        "applied_at": _TIME,
        "commit": {"type": ["string", "null"], "description": "The git commit of the manifests."},
        "version": {"type": "string", "description": "The version of kiamo-iac."},
    }
    spend = _object({"digest": {"type": "string"}, "at": _TIME}, "A saved plan that was applied.")
    document = _object(
        {
            **_HEAD,
            "spent": {"type": "array", "items": {"$ref": "#/$defs/spend"}, "maxItems": SPENT_KEPT},
            "entries": {"type": "array", "items": {"$ref": "#/$defs/entry"}},
        },
        "A whole ledger, as the remote backends keep it.",
    )
    header = _object(_HEAD, "The first line of a ledger's file; `serial` is that before its records.")
    records = {
        "put": {"$ref": "#/$defs/entry"},
        "forget": _ADDRESS,
        "spend": {"$ref": "#/$defs/spend"},
    }
    return {
        "$schema": _DIALECT,
        "title": "The ledger of kiamo-iac, or a line of its file",
        "description": "What kiamo-iac owns in one environment.",
        "anyOf": [{"$ref": "#/$defs/document"}, {"$ref": "#/$defs/header"}, {"$ref": "#/$defs/record"}],
        "$defs": {
            "document": document,
            "header": header,
            "record": {
                "description": "Every other line: what changed.",
                "oneOf": [_object({key: value}, f"A record to {key}.") for key, value in records.items()],
            },
            "entry": _object({key: entry[key] for key in KEYS}, "One thing that is ours."),
            "spend": spend,
        },
    }


def _object(properties: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }

"""The JSON Schema of the ledger: of the whole document, and of each line of the file."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.core.json_schema import (
    ANY,
    Schema,
    closed,
    defined,
    list_of,
    mapping_of,
    schema_document,
    text,
    text_or_null,
)
from kiamo_iac.ledger.content import APPLIED_PLANS_KEPT, FORMAT_VERSION
from kiamo_iac.ledger.entry import COMMIT, KEYS, TIME, WORD

_ADDRESS: Final = text("Collections and names in turn.", pattern="^[^/]+/[^/]+(/[^/]+/[^/]+)*$")
_HEAD: Final[dict[str, Any]] = {
    "format_version": {"const": FORMAT_VERSION, "description": "Of every form that a ledger is written in."},
    "environment": text("The environment whose things it owns."),
    "lineage": text("Made with the ledger and kept for its life.", pattern=WORD),
    "serial": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1, "description": "Grows with every change."},
}


def ledger_schema() -> Schema:
    """The schema: the document that remote backends keep, or any line of the file."""
    entry = {
        "address": _ADDRESS,
        "remote_id": {
            "type": ["string", "integer", "null"],
            "description": "The id on the instance; null: it was about to be made.",
        },
        "attributes": mapping_of(ANY, "What was declared when it was last applied."),
        "protect": {"type": "boolean", "description": "Never deleted, not even when it is no longer declared."},
        "renamed_from": list_of(text("A former name."), "Former names that were declared."),
        "applied_at": _time("When it was last applied", TIME.replace("^", "^(").replace("$", ")?$")),
        "commit": text_or_null("The git commit of the manifests.", pattern=COMMIT),
        "version": text("The version of kiamo-iac.", pattern=WORD.replace("{1,", "{0,")),
    }
    spend = closed(
        {"digest": text("Of the saved plan.", pattern=WORD), "at": _time("When it was applied", TIME)},
        "A saved plan that was applied.",
    )
    document = closed(
        {
            **_HEAD,
            "spent": list_of(defined("spend"), "The saved plans that were applied.", maxItems=APPLIED_PLANS_KEPT),
            "entries": list_of(defined("entry"), "Everything that is ours, by address."),
        },
        "A whole ledger, as the remote backends keep it.",
    )
    header = closed(_HEAD, "The first line of a ledger's file; `serial` is that before its records.")
    record = closed(
        {"put": defined("entry"), "forget": _ADDRESS, "spend": defined("spend")},
        "Every other line: what changed.",
        required=[],
    )
    body = {
        "type": "object",
        "description": "What kiamo-iac owns in one environment.",
        "if": {"required": ["entries"]},
        "then": defined("document"),
        "else": {"if": {"required": ["lineage"]}, "then": defined("header"), "else": defined("record")},
    }
    definitions = {
        "document": document,
        "header": header,
        "record": {**record, "minProperties": 1, "maxProperties": 1},
        "entry": closed({key: entry[key] for key in KEYS}, "One thing that is ours."),
        "spend": spend,
    }
    title = "The ledger of kiamo-iac, or a line of its file"
    return schema_document("ledger", FORMAT_VERSION, title=title, body=body, definitions=definitions)


def _time(what: str, pattern: str) -> Schema:
    return text(f"{what}: RFC 3339, UTC, to the second.", pattern=pattern)

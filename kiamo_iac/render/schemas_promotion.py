"""The JSON Schema of a promotion."""

from __future__ import annotations

from kiamo_iac.authoring.promoting.promotion import Strategy
from kiamo_iac.core.json_schema import Schema, closed, list_of, one_of, schema_document, text, text_or_null
from kiamo_iac.render.promotion_json import FORMAT_VERSION
from kiamo_iac.render.schema_parts import (
    ADDRESS,
    ENVIRONMENT,
    PATH,
    PLACE_OR_NULL,
    diagnostic,
    diagnostics_list,
    major,
    version_of,
)


def promotion_schema() -> Schema:
    """The schema of `promote --format json`."""
    file = text("The file, from the folder of the project file.")
    change = closed(
        {
            "address": ADDRESS,
            "path": text_or_null("The attribute, dotted below mappings; null: the thing itself."),
            "from": {"description": "As `from` writes it, variables unfilled; of a thing, its body; null: not at all."},
            "to": {"description": "As `to` writes it; null: not at all."},
            "how": one_of(Strategy, "How it is brought over; `left`: not at all."),
            "files": list_of(file, "What changes for it."),
            "source": PLACE_OR_NULL,
        },
        "One difference.",
    )
    changed = closed(
        {
            "file": file,
            "new": {"type": "boolean", "description": "Whether it is not there yet."},
            "diff": text("A unified diff."),
        },
        "One file that changes.",
    )
    leaf = closed({"address": ADDRESS, "path": PATH}, "One value that differs by its variables alone.")
    body = closed(
        {
            "format_version": version_of(FORMAT_VERSION),
            "from": ENVIRONMENT,
            "to": ENVIRONMENT,
            "level": {"type": "boolean", "description": "Whether there is nothing to promote, and nothing missing."},
            "live": {"type": "boolean", "description": "Whether the instances were looked at."},
            "written": {"type": "boolean", "description": "Whether the files have been written."},
            "missing": diagnostics_list("What `to` has to have first."),
            "changes": list_of(change, "Parents before their children."),
            "notes": diagnostics_list("What somebody should know, by place."),
            "by_variables": list_of(leaf, "Written alike, and of another value in each. Not changed."),
            "only_to": list_of(ADDRESS, "What `to` alone declares. Not changed."),
            "files": list_of(changed, "By name."),
        },
        "What would bring the manifests of one environment level with those of another.",
    )
    definitions = {"diagnostic": diagnostic()}
    title = "A promotion of kiamo-iac"
    return schema_document("promotion", major(FORMAT_VERSION), title=title, body=body, definitions=definitions)

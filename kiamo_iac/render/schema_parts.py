"""The pieces that the schemas of several JSON formats share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kiamo_iac.core.common_records import DIAGNOSTIC
from kiamo_iac.core.json_schema import Schema, closed, defined, list_of, one_of, text, text_or_null
from kiamo_iac.planner.plan import Action

PLACE_PATTERN: Final = r":[1-9][0-9]*:[1-9][0-9]*$"
ADDRESS_PATTERN: Final = "^[^/]+/[^/]+(/[^/]+/[^/]+)*$"
PLACE: Final = text("Where it stands, `file:line:column`, 1-based.", pattern=PLACE_PATTERN)
PLACE_OR_NULL: Final = text_or_null(
    "Where it stands, `file:line:column`, 1-based; null: nowhere.", pattern=PLACE_PATTERN
)
ADDRESS: Final = text("Of the thing: collections and names in turn.", pattern=ADDRESS_PATTERN)
KIND: Final = text("Of the thing, such as `batch`.")
ENVIRONMENT: Final = text("The environment.")
URL: Final = text("The address of its instance.")
ACTION: Final = one_of(Action, "What is done.")
PATH: Final = text("The attribute, dotted below mappings.")


def count(description: str) -> Schema:
    """A number of things."""
    return {"type": "integer", "minimum": 0, "description": description}


def counts(keys: Iterable[str], description: str) -> Schema:
    """A number for each key, all keys present."""
    return closed({str(key): count(f"How many: {key}.") for key in keys}, description)


def version_of(version: str) -> Schema:
    """The `format_version` of a format."""
    return {
        "const": version,
        "description": "The first number changes when a reader of the old form would misread the new one.",
    }


def major(version: str) -> str:
    """The first number of a version, which a schema's `$id` carries."""
    return version.partition(".")[0]


def diagnostic() -> Schema:
    """One diagnostic."""
    return DIAGNOSTIC.body


def diagnostics_list(description: str) -> Schema:
    """Several of them; the schema holds `diagnostic` among its definitions."""
    return list_of(defined("diagnostic"), description)


def id_or_null(description: str) -> Schema:
    """An id on the instance, where there may be none."""
    return {"type": ["string", "integer", "null"], "description": description}

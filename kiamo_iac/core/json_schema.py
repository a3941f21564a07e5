"""The common parts of all JSON Schemas: the dialect, the form of an `$id`, and the pieces that they are built from.

They use what draft-07 and 2020-12 have in common: a `$ref` has no other key beside it, and alternatives are chosen by
`if`, never tried one after the other (docs/adr/0017-json-schemas.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from kiamo_iac import PROJECT_URL

DIALECT: Final = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]
ANY: Final[Mapping[str, Any]] = {}
"""The schema of any value."""


def schema_document(
    name: str,
    version: str | int,
    *,
    title: str,
    body: Mapping[str, Any],
    definitions: Mapping[str, Any] | None = None,
) -> Schema:
    """A whole schema. `version` changes when a document that was valid no longer is. Nothing fetches the `$id`."""
    document = {"$schema": DIALECT, "$id": f"{PROJECT_URL}/schemas/{name}/{version}", "title": title, **body}
    return {**document, "definitions": dict(definitions)} if definitions else document


def closed(properties: Mapping[str, Any], description: str, *, required: Iterable[str] | None = None) -> Schema:
    """An object with these keys and no others; `required`: the keys that it must have; None: all."""
    needed = list(properties if required is None else required)
    return {
        "type": "object",
        "description": description,
        "properties": dict(properties),
        **({"required": needed} if needed else {}),
        "additionalProperties": False,
    }


def mapping_of(values: Mapping[str, Any], description: str, **more: Any) -> Schema:
    """An object with any keys and such values."""
    return {"type": "object", "description": description, "additionalProperties": dict(values), **more}


def list_of(items: Mapping[str, Any], description: str, **more: Any) -> Schema:
    """An array of such items."""
    return {"type": "array", "description": description, "items": dict(items), **more}


def text(description: str, **more: Any) -> Schema:
    """A string."""
    return {"type": "string", "description": description, **more}


def one_of(values: Iterable[str], description: str) -> Schema:
    """One of a closed list."""
    return {"description": description, "enum": [str(value) for value in values]}


def defined(name: str) -> Schema:
    """The schema of that name in `definitions`."""
    return {"$ref": f"#/definitions/{name}"}


def with_null(schema: Mapping[str, Any]) -> Schema:
    """The same, and null. A schema without a type and without a closed list takes null already."""
    copy = dict(schema)
    if "type" in copy:
        copy["type"] = [*([copy["type"]] if isinstance(copy["type"], str) else copy["type"]), "null"]
    if "enum" in copy:
        copy["enum"] = [*copy["enum"], None]
    if "else" in copy:
        copy["else"] = with_null(copy["else"])
    return copy


def pattern(expression: str, message: str) -> Schema:
    """Text of that form; `message` is what an editor shows for any other text."""
    return {"pattern": expression, "patternErrorMessage": message}


def when(key: str, value: str, then: Mapping[str, Any]) -> Schema:
    """For an `allOf`: what holds of an object whose `key` has that value."""
    return {"if": {"properties": {key: {"const": value}}, "required": [key]}, "then": dict(then)}

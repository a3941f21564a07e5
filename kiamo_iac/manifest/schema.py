"""The JSON Schema of a manifest, out of the models, for editors."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.manifest.shapes import Shape, shapes
from kiamo_iac.resources.base import COMMON_KEYS
from kiamo_iac.resources.capabilities import Capabilities

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER: Final = "urn:kiamo-iac:manifest:1"
"""The number changes when a manifest that was valid no longer is."""


def manifest_schema(capabilities: Capabilities | None = None) -> dict[str, Any]:
    """The schema of one manifest, draft 2020-12.

    With `capabilities`, closed lists of the contract are in it, and attributes that it has no wire name for are not.
    """
    known = shapes()
    definitions: dict[str, Any] = {}
    for shape in known.values():
        definitions[shape.noun] = _block(shape, capabilities)
        if shape.ancestors:
            definitions[f"{shape.noun}_at_top"] = _at_top(shape, definitions[shape.noun])
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "A manifest of kiamo-iac",
        "type": "object",
        "properties": {
            collection: _list_of(f"{shape.noun}_at_top" if shape.ancestors else shape.noun, shape)
            for collection, shape in known.items()
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


def _list_of(definition: str, shape: Shape) -> dict[str, Any]:
    return {
        "description": f"Each {shape.noun}, by its name.",
        "type": "array",
        "items": {"$ref": f"#/$defs/{definition}"},
    }


def _block(shape: Shape, capabilities: Capabilities | None) -> dict[str, Any]:
    model = shape.kind.model_json_schema()
    properties = {key: _plain(value, model.get("$defs", {})) for key, value in model["properties"].items()}
    if capabilities is not None:
        said = capabilities.of(shape.noun)
        kept = said.attributes | COMMON_KEYS | ({"state"} if shape.kind.machine else set())
        properties = {key: value for key, value in properties.items() if key in kept}
        for attribute, choices in said.choices.items():
            if attribute in properties:
                properties[attribute] |= {"enum": list(choices)}
    if shape.children:
        properties["exclusive"]["items"] = {"enum": list(shape.children)}
    else:
        del properties["exclusive"]
    for collection, child in shape.children.items():
        properties[collection] = {"type": "array", "items": {"$ref": f"#/$defs/{child.kind}"}}
    summary = (shape.kind.__doc__ or "").partition("\n")[0]
    return {
        "description": summary,
        "type": "object",
        "properties": properties,
        "required": model["required"],
        "additionalProperties": False,
    }


def _at_top(shape: Shape, block: dict[str, Any]) -> dict[str, Any]:
    """The same block at the top of a file, where it names what it stands below."""
    names = {
        kind.kind: {"type": "string", "minLength": 1, "description": f"The name of its {kind.kind}."}
        for kind in shape.ancestors
    }
    return {**block, "properties": {**names, **block["properties"]}, "required": [*names, *block["required"]]}


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:
    """A property without titles, and with what it refers to written out."""
    if isinstance(schema, list):
        return [_plain(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = {k: v for k, v in definitions[name].items() if k != "description"}
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return {key: _plain(value, definitions) for key, value in schema.items() if key != "title"}

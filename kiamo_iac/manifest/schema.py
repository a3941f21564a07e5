"""The JSON Schemas of manifests, patches and single kinds, generated from the models, for editors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kiamo_iac.core.capabilities import Capabilities, KindCapabilities
from kiamo_iac.core.json_schema import Schema, closed, defined, list_of, mapping_of, schema_document, text, with_null
from kiamo_iac.core.resource import COMMON_KEYS
from kiamo_iac.manifest.blocks import BlockType, BlockTypes, block_types
from kiamo_iac.manifest.generation import FOR_EACH, MAX_GENERATED, TEMPLATES, USE
from kiamo_iac.manifest.variables import EACH, VARIABLE_NAME

VERSION: Final = 1
"""Changes when a valid manifest becomes invalid."""

_NAMED: Final = r"\$\{(" + VARIABLE_NAME.pattern + "|" + EACH + r"\.[^${}]+)\}"
_VARIABLE: Final = f"(^|[^$]){_NAMED}"
_ALONE: Final = f"^({_NAMED})+$"
_DEFINITIONS: Final[Schema] = {
    "variable": {"$comment": "Text that holds a variable, such as ${brand}.", "type": "string", "pattern": _VARIABLE},
    "variable_alone": {"$comment": "Nothing but a variable, such as ${on}.", "type": "string", "pattern": _ALONE},
}
"""Without descriptions: an editor would show them for the attribute."""
_SCALAR: Final[Schema] = {"type": ["string", "number", "boolean"]}
_CELL: Final[Schema] = {"type": ["string", "number", "boolean", "null"]}
_GENERATING: Final[Schema] = {
    USE: {
        "description": "The name of a template, or a list of names, the last one on top. Its keys are merged under "
        "those of the block.",
        "if": {"type": "array"},
        "then": {"type": "array", "items": {"type": "string"}},
        "else": {"type": "string"},
    },
    FOR_EACH: {
        "description": "The rows: {csv: FILE}, or a list of scalars or mappings. The block stands for one resource a "
        f"row, at most {MAX_GENERATED:,} in all; ${{{EACH}}} in its strings is the scalar, ${{{EACH}.code}} the value "
        "of the column code. Not within a block that has for_each.",
        "if": {"type": "array"},
        "then": {
            "type": "array",
            "minItems": 1,
            "items": {"if": {"type": "object"}, "then": {"additionalProperties": _CELL}, "else": _SCALAR},
        },
        "else": closed(
            {
                "csv": text(
                    "A CSV file in UTF-8, with , or ; between its columns and their names in the first line. "
                    "Its path is relative to the project file, and within its folder.",
                    minLength=1,
                )
            },
            "A file with the rows.",
        ),
    },
}


def manifest_schema(capabilities: Capabilities | None = None) -> Schema:
    """The schema of one manifest.

    With `capabilities`, closed lists of the contract are in it, and attributes that it has no wire name for are not.
    """
    return _whole("manifest", "A manifest of kiamo-iac", capabilities)


def patch_schema(capabilities: Capabilities | None = None) -> Schema:
    """The schema of a patch, where null removes an attribute."""
    return _whole("patch", "A patch over the manifests of kiamo-iac", capabilities, patch=True)


def kind_schema(kind: str, capabilities: Capabilities | None = None) -> Schema:
    """The schema of one resource: a block at the top of a manifest.

    Raises:
        KeyError: there is no such kind.
    """
    by_noun = {block_type.noun: block_type for block_type in block_types().values()}
    block_type = by_noun[kind]
    below = {name: _generated(_block(by_noun[name], capabilities)) for name in _descendants(block_type)}
    return schema_document(
        _named(f"kind-{kind}", capabilities),
        VERSION,
        title=f"{block_type.with_article.capitalize()} of kiamo-iac",
        body=_generated(_at_top(block_type, _block(block_type, capabilities))),
        definitions={**_DEFINITIONS, **_GENERATING, **below},
    )


def _whole(name: str, title: str, capabilities: Capabilities | None, *, patch: bool = False) -> Schema:
    known = block_types()
    definitions: Schema = {**_DEFINITIONS, **({} if patch else _GENERATING)}
    properties: Schema = {} if patch else {TEMPLATES: _templates(known, capabilities)}
    for collection, block_type in known.items():
        plain = _block(block_type, capabilities)
        block = _removable(plain) if patch else _generated(plain)
        definitions[block_type.noun] = block
        at_top = block_type.noun
        if block_type.ancestors:
            at_top = f"{block_type.noun}_at_top"
            above = _at_top(block_type, _removable(plain) if patch else plain)
            definitions[at_top] = above if patch else _generated(above)
        properties[collection] = list_of(defined(at_top), f"Each {block_type.noun}, by its name.")
    body = {
        "type": ["object", "null"],
        "description": "Collections of resources. A project may have many manifests; a resource is in one of them.",
        "properties": properties,
        "additionalProperties": False,
    }
    return schema_document(_named(name, capabilities), VERSION, title=title, body=body, definitions=definitions)


def _named(name: str, capabilities: Capabilities | None) -> str:
    """The name in the `$id`: different schemas have different ones."""
    return name if capabilities is None else f"{name}-in-force"


def _descendants(block_type: BlockType) -> list[str]:
    known = {found.noun: found for found in block_types().values()}
    found: list[str] = []
    for child in block_type.children.values():
        found += [child.kind, *_descendants(known[child.kind])]
    return found


def _block(block_type: BlockType, capabilities: Capabilities | None) -> Schema:
    model = block_type.kind.model_json_schema()
    known = capabilities.of(block_type.noun) if capabilities is not None else None
    properties: Schema = {}
    for key, value in model["properties"].items():
        if known is not None and not _is_known(block_type, known, key):
            continue
        plain = _plain(value, model.get("$defs", {}))
        if known is not None and key in known.choices:
            plain = {"enum": list(known.choices[key]), "description": plain["description"]}
        words = [plain.pop("description"), *_rules(block_type, key, known)]
        properties[key] = {"description": " ".join(words), **_with_variables(plain)}
    ignorable = sorted(key for key in properties if key not in {*COMMON_KEYS, "name", "state"})
    properties["ignore_changes"]["items"] = {
        "type": "string",
        **_either("variable", {"pattern": f"^({'|'.join(ignorable)}|settings(\\..+)?)$"}),
        "defaultSnippets": _snippets([*ignorable, "settings"]),
    }
    if block_type.children:
        properties["exclusive"]["items"] = _with_variables({"enum": list(block_type.children)})
    else:
        del properties["exclusive"]
    for collection, child in block_type.children.items():
        properties[collection] = list_of(
            defined(child.kind), f"Each {child.kind} of this {block_type.noun}, by its name."
        )
    return {
        "description": (block_type.kind.__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": properties,
        "required": model["required"],
        "additionalProperties": False,
    }


def _is_known(block_type: BlockType, known: KindCapabilities, key: str) -> bool:
    return key in known.attributes or key in COMMON_KEYS or (key == "state" and block_type.kind.machine is not None)


def _at_top(block_type: BlockType, block: Schema) -> Schema:
    """The block at the top of a file, where it names its parents."""
    names = {kind.kind: text(f"The name of its {kind.kind}.", minLength=1) for kind in block_type.ancestors}
    return {**block, "properties": {**names, **block["properties"]}, "required": [*names, *block["required"]]}


def _generated(block: Schema) -> Schema:
    """A block of a manifest, which may be generated: templates may have all its required keys but the name."""
    others = [key for key in block["required"] if key != "name"]
    made = {**block, "properties": {**block["properties"], **{key: defined(key) for key in _GENERATING}}}
    made["required"] = ["name"]
    return {**made, "if": {"required": [USE]}, "else": {"required": others}} if others else made


def _templates(known: BlockTypes, capabilities: Capabilities | None) -> Schema:
    """The templates at the top of a manifest: each may have the keys of any kind but the name."""
    properties: Schema = {}
    for block_type in known.values():
        for key, value in _at_top(block_type, _block(block_type, capabilities))["properties"].items():
            if key != "name":  # of two kinds that differ in a key, what is the same
                properties[key] = value if properties.get(key, value) == value else _common(properties[key], value)
    keys = closed(properties, "Keys of a block.", required=[])
    description = "Templates by their names: keys that blocks share. A block names those that it has in `use`."
    return mapping_of(keys, description)


def _common(first: Schema, second: Schema) -> Schema:
    same = {key: value for key, value in first.items() if second.get(key) == value}
    begin, end = first["description"], second["description"]
    sentences = [part for part in begin.split(". ") if part in end.split(". ")]
    return {**same, "description": begin if begin == end else f"{'. '.join(sentences).rstrip('.')}."}


def _removable(block: Schema) -> Schema:
    """A block of a patch: each key that is neither a name nor a collection may be null, and each entry of a mapping."""
    properties = {}
    for key, value in block["properties"].items():
        made = value
        if key not in block["required"] and "$ref" not in value.get("items", {}):
            made = with_null(value)
            made["description"] += " In a patch, null removes it."
            if made.get("additionalProperties"):
                made["additionalProperties"] = with_null(made["additionalProperties"])
        properties[key] = made
    return {**block, "properties": properties}


def _with_variables(schema: Schema) -> Schema:
    """The schema before variables are filled in: `${name}` may replace any scalar.

    An editor completes from `defaultSnippets`, since it does not look for values behind an `else`.
    """
    made = dict(schema)
    if isinstance(made.get("items"), dict):
        made["items"] = _with_variables(made["items"])
    if isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = _with_variables(made["additionalProperties"])
    if "enum" in made:
        made.pop("type", None)
        choices = made.pop("enum")
        return {**made, **_either("variable", {"enum": choices}), "defaultSnippets": _snippets(choices)}
    match made.get("type"):
        case "boolean":
            otherwise = {"type": made.pop("type")}
            return {**made, **_either("variable_alone", otherwise), "defaultSnippets": _snippets([True, False])}
        case "integer" | "number":
            otherwise = {key: made.pop(key) for key in ("type", "minimum", "maximum") if key in made}
            return {**made, **_either("variable_alone", otherwise)}
        case "string" if "maxLength" in made:
            longest = made.pop("maxLength")
            return {**made, **_either("variable", {"maxLength": longest})}
    return made


def _either(variable: str, otherwise: Schema) -> Schema:
    return {"if": defined(variable), "else": otherwise}


def _snippets(values: list[Any]) -> list[Schema]:
    return [{"label": str(value).lower() if isinstance(value, bool) else value, "body": value} for value in values]


def _plain(schema: Any, definitions: Schema) -> Any:
    """A property without titles, with its references resolved."""
    if isinstance(schema, list):
        return [_plain(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = {k: v for k, v in definitions[name].items() if k != "description"}
        schema = {**target, **{k: v for k, v in schema.items() if k != "$ref"}}
    return {key: _plain(value, definitions) for key, value in schema.items() if key != "title"}


def _rules(block_type: BlockType, key: str, known: KindCapabilities | None) -> Iterator[str]:
    """The rules of an attribute as sentences, with the vendor's codes; `known`: the kind in the contract, if any."""
    kind = block_type.kind
    machine = kind.machine
    if key in kind.immutable:
        code = kind.immutable[key]
        yield f"Cannot be changed once the {kind.kind} exists{_code(code)}: another value is refused."
    for reference in kind.references:
        if reference.attribute == key and reference.missing:
            yield f"Each {reference.kind} that it references must exist ({reference.missing})."
    if machine is None:
        pass
    elif key in {"name", "renamed_from"} and machine.rename_only_in is not None and "name" not in kind.immutable:
        states = " or ".join(sorted(machine.rename_only_in))
        yield f"A {kind.kind} can be renamed only while it is {states}{_code(machine.rename)}."
    elif key in machine.frozen_in:
        states = " or ".join(sorted(machine.frozen_in[key]))
        yield f"Cannot be changed while it is {states}: the plan leaves that state first and returns to it."
    elif key in {"state", "initial_state"}:
        needs = {needed.attribute: needed.code for needed in machine.requires.values()}
        for attribute, code in needs.items():
            yield f"Starting requires {attribute}{_code(code)} and --allow-start: contacts are dialled."
    if known is not None:
        yield from _of_contract(key, known)


def _of_contract(key: str, known: KindCapabilities) -> Iterator[str]:
    if key in known.required:
        yield f"Required on creation{_code(known.required[key])}."
    if key == "name" and known.name_pattern is not None:
        yield f"The contract allows {known.name_pattern}."


def _code(code: str | None) -> str:
    return f" ({code})" if code else ""

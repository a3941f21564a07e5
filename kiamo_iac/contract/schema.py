"""The JSON Schemas of a contract and of an override, from the contract's models, for editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.json_schema import ANY, Schema, closed, defined, schema_document, with_null
from kiamo_iac.resources import kinds

VERSION: Final = 1
"""Changes when a contract that was valid no longer is."""

_NAMED: Final = {"KindContract": "kind", "Operation": "operation", "Attribute": "attribute"}
"""Models that become definitions; the others are inlined."""

_DESCRIPTIONS: Final[Mapping[str, str]] = {
    "Contract.contract_version": "The version of the contract's format.",
    "Contract.name": "The name that is shown.",
    "Contract.kinds": "Every kind of the instance.",
    "Auth.header": "The name of the header.",
    "Auth.query": "The query parameter that carries the token too.",
    "Failure.path": "The dotted path of what shows it.",
    "Failure.is": "The value, or a list of values, of a failure.",
    "Failure.unless": "The value, or a list of values, of a success.",
    "Errors.absent": "Codes of an object that does not exist, whatever the status.",
    "Contract.basis": "The basis of every entry that has none.",
    "Operation.form": "The form field that carries the body as JSON; $fields: each attribute is a field.",
    "Operation.wrap": "The key that the attributes of a create or update are sent under; none: no key.",
    "Operation.item": "The dotted path of the object in the answer; none: it shows no object.",
    "Operation.id": "Where the answer to a create has the id: a dotted path, $location, $answer or $name.",
    "Operation.send": "What an update sends; whole: every writable attribute, as read right before.",
    "Operation.carry": "Dotted paths of what is read right before, and goes back with the call.",
    "Paging.next": "cursor: its dotted path in the response.",
    "Paging.parameter": "cursor: the parameter that carries it.",
    "Paging.url": "next: the dotted path of the address of the next page, of which only the query is used.",
    "Paging.within": "Where the parameters are sent.",
    "Listing.groups": "The keys of several arrays below items, which are one list.",
    "Listing.keyed": "The rows are the values of an object; each key is this attribute of its row, by wire name.",
    "Listing.row": "The dotted path of the object in each row.",
    "Listing.detail": "The list shows less than a read: every object is read.",
    "Attribute.read": "Its dotted path in a response; $group: the key of the array that its row is in.",
    "Attribute.from": "The operation whose response shows it.",
    "Attribute.shape": "The form of its value: $ is the value; $role and $field are an entry of a mapping.",
    "KindRoutes.all": "The path of list and create.",
    "KindRoutes.one": "The path of read, update and delete.",
    "KindRoutes.basis": "The basis of these operations.",
    "Calls.form": "The form field that carries the body as JSON; $fields: each attribute is a field.",
    "Calls.wrap": "The key that creates and updates send their attributes under; $kind: the name of the kind.",
    "Inside.wire": "The dotted path of the list in the parent's write.",
    "Inside.read": "The dotted path of the list in the response to the parent's read.",
    "Inside.write": "The operation of the parent that replaces the list.",
    "KindContract.identity": "name: objects have no id, and their name identifies them.",
    "Prefix.path": "Empty, or a path that begins with a slash and does not end with one.",
    "Meanings.codes": "The vendor's message for each of its codes.",
    "Errors.code_pattern": "A regular expression that finds the code anywhere in the body.",
    "Errors.code": "The dotted path of the code in an error's body.",
    "Errors.message": "The dotted path of the message in an error's body.",
    "IdRule.wire": "Its wire name.",
    "IdRule.type": "Its type in JSON.",
    "NameRule.pattern": "A regular expression for the whole name.",
    "NameRule.taken": "The vendor's code for a name that is in use; null: names are not unique.",
    "Operation.method": "The HTTP method.",
    "Operation.path": "After the prefix. {id} is the id of the object, {base} (any kind's name) that of its parent.",
    "Operation.query": "Query parameters; placeholders are filled in.",
    "Operation.body": "Sent with the attributes of a create or update; the whole body of a state command.",
    "Paging.style": "none: all at once. page: number and size. offset: number of objects to skip.",
    "Paging.page": "The query parameter for the number of the page.",
    "Paging.offset": "The query parameter for the number of objects to skip.",
    "Paging.size": "The query parameter for the size of a page.",
    "Paging.first": "The number of the first page.",
    "Paging.limit": "Objects a page.",
    "Listing.items": "The dotted path of the array in the response; null: the response is the array itself.",
    "Listing.total": "The dotted path of the number of objects; null: the response does not have it.",
    "Listing.whole": "A response without pages is whole, whatever it says of further pages.",
    "Attribute.wire": "Its name in the API.",
    "Attribute.required": "A create must have it.",
    "Attribute.missing": "The vendor's code when a create lacks it.",
    "Attribute.read_only": "Read, and never written.",
    "Attribute.refers_to": "The kind that it refers to.",
    "Attribute.by": "The form of a reference in the API: id, name, or the read-only attribute key of its target.",
    "Attribute.choices": "The closed list of its values.",
    "Attribute.values": "Word of manifests → value of the API, where they differ.",
    "Embedded.wire": "The wire name of the list.",
    "MadeWithParent.things": "The attributes of each, in the words of manifests.",
    "KindContract.parent": "The kind of its parent.",
    "KindContract.parent_wire": "The wire name of its parent's id, where one list has the children of all parents.",
    "KindContract.operations": "list, create, read, update, delete, and a state command under its own name.",
    "KindContract.item": "The dotted path of the object in a response; null: the response is the object itself.",
    "KindContract.attributes": "Attribute of manifests → its form in the API.",
    "KindContract.embedded": "Child kinds that are sent inside a create.",
}
"""Descriptions that the models do not have; a test requires one for every key."""


def contract_schema() -> Schema:
    """The schema of a whole contract, as `contract show --format json` prints it."""
    return _schema("contract", "A contract of kiamo-iac", override=False)


def override_schema() -> Schema:
    """The schema of a file that `contract:` in the project file names: the entries that differ."""
    return _schema("contract-override", "An override of the contract of kiamo-iac", override=True)


def _schema(name: str, title: str, *, override: bool) -> Schema:
    model = Contract.model_json_schema()
    writer = _SchemaWriter(model["$defs"], override=override)
    body = writer.of(model, owner="Contract")
    stanza = body["properties"]["kinds"].pop("additionalProperties")
    stanzas = closed(dict.fromkeys(kinds(), stanza), body["properties"]["kinds"]["description"], required=[])
    body["properties"]["kinds"] = stanzas
    merged = "Merged over the packaged contract: mappings key by key, null removes a key, any other value replaces."
    body["description"] = (
        merged if override else "The routes and wire names of an instance's API, each entry with its basis."
    )
    if override:
        body["type"] = ["object", "null"]
    return schema_document(name, VERSION, title=title, body=body, definitions=writer.definitions)


class _SchemaWriter:
    """One walk over pydantic's schema, which has titles, defaults and alternatives without a name."""

    def __init__(self, models: Mapping[str, Any], *, override: bool) -> None:
        self.definitions: dict[str, Any] = {}
        self._models = models
        self._override = override

    def of(self, node: Mapping[str, Any], *, owner: str) -> Schema:
        """The same as schema documents have it; `owner` is the model that holds `node`."""
        if "$ref" in node:
            return self._model(node["$ref"].rpartition("/")[2])
        if "anyOf" in node:  # how pydantic writes that it may be null
            (inner,) = (choice for choice in node["anyOf"] if choice != {"type": "null"})
            return with_null(self.of(inner, owner=owner))
        schema = {key: value for key, value in node.items() if key not in {"title", "default", "$defs"}}
        if "enum" in schema:
            schema.pop("type", None)
        if "items" in schema:
            schema["items"] = self.of(schema["items"], owner=owner)
        if isinstance(schema.get("additionalProperties"), dict):
            values = self.of(schema["additionalProperties"], owner=owner)
            schema["additionalProperties"] = self._removable(values)
        if "properties" in schema:
            self._properties(schema, owner=owner)
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
        return schema

    def _model(self, name: str) -> Schema:
        model = self._models[name]
        if not model:
            return dict(ANY)
        if name not in _NAMED:
            return self.of(model, owner=name)
        if _NAMED[name] not in self.definitions:
            self.definitions[_NAMED[name]] = {}  # before the definitions that it refers to
            self.definitions[_NAMED[name]] = self._removable(self.of(model, owner=name))
        return defined(_NAMED[name])

    def _properties(self, schema: Schema, *, owner: str) -> None:
        needed = schema.get("required", [])
        properties: Schema = {}
        for key, value in schema["properties"].items():
            inner = self.of(value, owner=owner)
            if f"{owner}.{key}" in _DESCRIPTIONS:
                inner["description"] = _DESCRIPTIONS[f"{owner}.{key}"]
            properties[key] = inner if key in needed else self._removable(inner)
        schema["properties"] = properties
        if self._override:
            schema.pop("required", None)

    def _removable(self, schema: Schema) -> Schema:
        """In an override, null removes an optional key."""
        known = schema.get("type", [])
        if not self._override or "$ref" in schema or "null" in known or None in schema.get("enum", ()):
            return schema
        return with_null(schema)

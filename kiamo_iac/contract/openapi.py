"""A contract as an OpenAPI document: what the emulator speaks, for clients, mocks and tests."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

from kiamo_iac.contract.entries import EVERY_FIELD, NO_ITEM, Attribute, KindContract, Operation
from kiamo_iac.contract.model import Contract

Schema = dict[str, Any]
_PLACEHOLDER: Final = re.compile(r"\{([a-z_]+)\}")
_FORM: Final = "application/x-www-form-urlencoded"
_JSON: Final = "application/json"
_REFUSED: Final[Mapping[str, str]] = {
    "400": "Invalid, or not possible in this state",
    "401": "No valid token",
    "403": "The token may not do this",
    "404": "There is no such object",
    "405": "Not implemented",
}


def openapi_document(contract: Contract) -> Schema:
    """OpenAPI 3.1: a path for every address of the contract, an operation for every method there. Calls that differ
    only in their bodies are one operation."""
    calls: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for kind, stanza in contract.kinds.items():
        for name, call in stanza.operations.items() if stanza.inside is None else ():
            calls.setdefault((contract.prefix.path + call.path, call.method.lower()), []).append((kind, name))
    writer = _Writer(contract)
    paths: dict[str, Schema] = {}
    for (path, method), named in calls.items():
        paths.setdefault(path, {})[method] = writer.operation(path, named)
    token = {"type": "apiKey", "in": "header", "name": contract.auth.header}
    return {
        "openapi": "3.1.0",
        "info": {"title": contract.name, "version": contract.contract_version},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"securitySchemes": {"token": token}},
    }


class _Writer:
    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def operation(self, path: str, named: Sequence[tuple[str, str]]) -> Schema:
        """The OpenAPI operation of one or several calls with one address."""
        kinds = list(dict.fromkeys(kind for kind, _ in named))
        calls = [(kind, name, self._contract.kinds[kind].operations[name]) for kind, name in named]
        verbs = " or ".join(dict.fromkeys(name for _, name in named))
        found: Schema = {
            "operationId": f"{'_'.join(dict.fromkeys(name for _, name in named))}_{'_'.join(kinds)}",
            "summary": f"{verbs.capitalize()} a {' or '.join(kinds)}",
            "tags": kinds,
            "parameters": self._parameters(path, calls),
            "responses": self._responses(calls),
        }
        bodies = [body for kind, name, call in calls if (body := self._body(kind, name, call)) is not None]
        if bodies:
            content = _FORM if any(call.form is not None for _, _, call in calls) else _JSON
            found["requestBody"] = {"required": True, "content": {content: {"schema": _joined(bodies)}}}
        return found

    def _parameters(self, path: str, calls: Sequence[tuple[str, str, Operation]]) -> list[Schema]:
        found: dict[str, Schema] = {}
        for placeholder in _PLACEHOLDER.findall(path):
            schema = self._id_of(calls[0][0], placeholder)
            found[placeholder] = {"name": placeholder, "in": "path", "required": True, "schema": schema}
        for kind, name, call in calls:
            for key, text in call.query.items():
                is_required = all(key in other.query for _, _, other in calls)
                found[key] = {"name": key, "in": "query", "required": is_required, "schema": self._fixed(kind, text)}
            for key, schema in (self._pages(kind, within="query") if name == "list" else {}).items():
                found[key] = {"name": key, "in": "query", "schema": schema}
        return list(found.values())

    def _pages(self, kind: str, *, within: str) -> dict[str, Schema]:
        """The parameters of a page."""
        paging = self._contract.kinds[kind].listing.paging
        if paging.within != within:
            return {}
        number: Schema = {"type": "integer", "minimum": paging.first}
        size: Schema = {"type": "integer", "minimum": 1, "maximum": paging.limit}
        match paging.style:
            case "page":
                return {paging.page: number, paging.size: size}
            case "offset":
                return {paging.offset: {"type": "integer", "minimum": 0}, paging.size: size}
            case "cursor":
                return {paging.parameter: {"type": "string"}}
            case _:
                return {}

    def _id_of(self, kind: str, placeholder: str) -> Schema:
        stanza = self._contract.kinds[kind if placeholder == "id" else placeholder]
        return {"type": stanza.id.type, **({"minLength": 1} if stanza.id.type == "string" else {})}

    def _fixed(self, kind: str, value: JsonValue) -> Schema:
        """A value of a template: an id, or one value."""
        if isinstance(value, Mapping):
            inner = {key: self._fixed(kind, each) for key, each in value.items()}
            return {"type": "object", "properties": inner, "required": list(inner)}
        if isinstance(value, str) and (whole := _PLACEHOLDER.fullmatch(value)):
            return self._id_of(kind, whole[1])
        return {"type": "string", "enum": [value]} if isinstance(value, str) else {"enum": [value]}

    # --- bodies

    def _body(self, kind: str, name: str, call: Operation) -> Schema | None:
        fixed = {key: self._fixed(kind, value) for key, value in call.body.items()}
        fixed |= self._pages(kind, within="body") if name == "list" else {}
        required = [key for key in fixed if key in call.body]
        if name not in {"create", "update"}:
            return _in_form(call, {"type": "object", "properties": fixed, "required": required}) if fixed else None
        sent = self._sent(kind, name)
        if call.wrap is not None:
            wrapped = {"type": "object", "properties": {**fixed, call.wrap: sent}, "required": [*required, call.wrap]}
            return _in_form(call, wrapped)
        properties = {**sent["properties"], **fixed}
        return _in_form(call, {**sent, "properties": properties, "required": [*sent.get("required", ()), *required]})

    def _sent(self, kind: str, name: str) -> Schema:
        """What a create or an update sends of an object."""
        stanza = self._contract.kinds[kind]
        found: Schema = {"type": "object", "properties": {}}
        for attribute, entry in stanza.attributes.items():
            if not entry.read_only:
                value = self._value(attribute, entry)
                if attribute == "name" and stanza.names is not None:
                    value = {"type": "string", "pattern": f"^(?:{stanza.names.pattern})$"}
                _put(found, entry.wire, value, is_required=entry.required and name == "create")
        for child, embedded in stanza.embedded.items():
            if name == "create":
                rows = {"type": "array", "items": self._sent(child, "create")}
                _put(found, embedded.wire, rows, is_required=True)
        return found

    def _value(self, name: str, entry: Attribute) -> Schema:
        if entry.shape is not None:
            return {}
        if entry.refers_to is not None and name == "association":
            return {"type": "object", "additionalProperties": self._reference(entry)}
        if entry.refers_to is not None:
            return self._reference(entry)
        if entry.choices is not None:
            return {"type": "string", "enum": list(entry.choices)}
        return {"type": "string"}

    def _reference(self, entry: Attribute) -> Schema:
        target = self._contract.kinds[entry.refers_to or ""]
        return {"type": target.id.type if entry.by == "id" else "string"}

    # --- responses

    def _responses(self, calls: Sequence[tuple[str, str, Operation]]) -> Schema:
        found: dict[str, Schema] = {}
        for kind, name, call in calls:
            status, schema = self._answer(kind, name, call)
            found[status] = {"description": f"{name} succeeded"}
            if schema is not None:
                found[status]["content"] = {_JSON: {"schema": schema}}
            if call.id == "$location":
                found[status]["headers"] = {"Location": {"schema": {"type": "string"}}}
        refused = {status: {"description": text, "content": {_JSON: {}}} for status, text in _REFUSED.items()}
        if self._contract.errors.failed is not None:
            found.setdefault("200", {"description": "Succeeded, or refused", "content": {_JSON: {}}})
            refused = {status: refused[status] for status in ("401", "403")}
        return found | refused

    def _answer(self, kind: str, name: str, call: Operation) -> tuple[str, Schema | None]:
        """Status and schema of a success."""
        stanza = self._contract.kinds[kind]
        failed = self._contract.errors.failed
        if name == "list":
            return "200", self._rows(kind, stanza) if failed is None else {}
        if name == "create":
            schema = self._seen(kind, stanza.item_of("create")) if call.id is None else self._created(stanza, call)
            return "201", schema
        if name == "delete" or stanza.item_of(name) == NO_ITEM:
            return ("204", None) if failed is None or "unless" not in failed.model_fields_set else ("200", {})
        return "200", self._seen(kind, stanza.item_of(name)) if failed is None else {}

    def _created(self, stanza: KindContract, call: Operation) -> Schema | None:
        if call.id == "$answer":
            return {"type": stanza.id.type}
        if call.id is None or call.id in {"$location", "$name"}:
            return None
        found: Schema = {"type": "object", "properties": {}}
        _put(found, call.id, {"type": stanza.id.type})
        return found

    def _rows(self, kind: str, stanza: KindContract) -> Schema:
        listing = stanza.listing
        if listing.groups or listing.keyed or listing.row:
            return {}
        rows: Schema = {"type": "array", "items": self._seen(kind, None)}
        if listing.items is None:
            return rows
        found: Schema = {"type": "object", "properties": {}}
        _put(found, listing.items, rows)
        if listing.total is not None:
            _put(found, listing.total, {"type": "integer"})
        if listing.paging.style in {"cursor", "next"}:
            _put(found, listing.paging.next or listing.paging.url or "", {"type": ["string", "null"]})
        return found

    def _seen(self, kind: str, path: str | None) -> Schema:
        """An object in a response."""
        stanza = self._contract.kinds[kind]
        seen: Schema = {"type": "object", "properties": {}}
        _put(seen, stanza.id.wire, {"type": stanza.id.type})
        for name, entry in stanza.attributes.items():
            if entry.source is None and not (entry.read or "").startswith("$"):
                _put(seen, entry.read or entry.wire, {"type": "string"} if name == "name" else {})
        if path is None or path == NO_ITEM:
            return seen
        found: Schema = {"type": "object", "properties": {}}
        _put(found, path, seen)
        return found


def _in_form(call: Operation, schema: Schema) -> Schema:
    if call.form is None or call.form == EVERY_FIELD:
        return schema
    text = {"type": "string", "contentMediaType": _JSON, "contentSchema": schema}
    return {"type": "object", "properties": {call.form: text}, "required": [call.form]}


def _put(schema: Schema, path: str, value: Schema, *, is_required: bool = False) -> None:
    """Set the schema of what stands under a dotted path; a number in it enters a list."""
    *above, last = path.split(".")
    for key in above:
        if key.isdigit():
            return  # what is in a list may have any form
        if is_required:
            schema["required"] = [*dict.fromkeys([*schema.get("required", ()), key])]
        schema = schema["properties"].setdefault(key, {"type": "object", "properties": {}})
        if "properties" not in schema:
            return
    schema["properties"][last] = value
    if is_required:
        schema["required"] = [*dict.fromkeys([*schema.get("required", ()), last])]


def _joined(bodies: Sequence[Schema]) -> Schema:
    """One schema for several bodies: of commands that differ in a word, the closed list of their words."""
    first = bodies[0]
    if len(bodies) == 1:
        return first
    keys = first["properties"].keys()
    if any(each["properties"].keys() != keys for each in bodies):
        return {"anyOf": list(bodies)}
    joined = {}
    for key, value in first["properties"].items():
        words = [word for each in bodies for word in each["properties"][key].get("enum", ())]
        joined[key] = {**value, "enum": list(dict.fromkeys(words))} if words else value
    return {**first, "properties": joined}

"""Shorthands of a contract: written out, so that the rest of the program sees one form of it."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from pydantic import BaseModel

from kiamo_iac.contract.entries import NO_ITEM, BasedEntry

_METHODS: Final = {"list": "GET", "create": "POST", "read": "GET", "update": "PUT", "delete": "DELETE"}
_ALL: Final = ("list", "create")
_WRAPPED: Final = frozenset({"create", "update"})
_CALLS: Final = frozenset({"form", "wrap"})
_ROUTES: Final = frozenset({"all", "one", "basis"})
_HAVE_BODIES: Final = frozenset({"POST", "PUT", "PATCH"})


def merge(under: Any, over: Any, *, path: tuple[str, ...] = (), keep_null: bool = False) -> Any:
    """`over` merged over `under`: mappings key by key, null removes a key, any other value replaces, and so do the
    `body` of an operation and the `shape` of an attribute. `keep_null`: null stays, to remove a key of what the result
    is merged over."""
    if not isinstance(under, Mapping) or not isinstance(over, Mapping) or replaces(path):
        return over
    merged = dict(under)
    for key, value in over.items():
        if value is None and not keep_null:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value, path=(*path, str(key)), keep_null=keep_null)
    return merged


def replaces(path: tuple[str, ...]) -> bool:
    """Whether the entry at a path is replaced as a whole."""
    if len(path) != 5 or path[0] != "kinds":
        return False
    return (path[2], path[4]) in {("operations", "body"), ("attributes", "shape")}


def expanded_override(data: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """An override whose `basis` and `routes` are written out; they concern what the override has."""
    found: dict[str, Any] = deepcopy(dict(data))
    for stanza in _mappings(found.get("kinds")):
        _expand_routes(stanza)
    if isinstance(basis := found.pop("basis", None), str):
        _fill_basis(found, model, basis)
    return found


def expanded(data: Any, model: type[BaseModel]) -> Any:
    """A whole contract with every shorthand written out. What has another shape than a contract stays as it is."""
    if not isinstance(data, Mapping):
        return data
    found = expanded_override(data, model)
    calls = _taken(found, "calls", _CALLS)
    stanzas = found.get("kinds")
    for kind, stanza in stanzas.items() if isinstance(stanzas, dict) else ():
        if isinstance(stanza, dict):
            _expand_identity(stanza)
            _expand_calls(kind, stanza, calls if isinstance(calls, dict) else {})
    for stanza in _mappings(stanzas):
        if isinstance(stanza.get("inside"), dict):
            _expand_inside(stanza, stanzas.get(stanza.get("parent")) if isinstance(stanzas, dict) else None)
    return found


def _taken(value: dict[str, Any], key: str, known: frozenset[str]) -> Any:
    """A shorthand, which is removed unless it has a key that the model has yet to refuse."""
    found = value.get(key)
    return value.pop(key) if isinstance(found, dict) and found.keys() <= known else found


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [each for each in value.values() if isinstance(each, dict)] if isinstance(value, dict) else []


def _expand_routes(stanza: dict[str, Any]) -> None:
    routes = stanza.get("routes")
    operations = stanza.get("operations")
    if not isinstance(routes, dict) or (operations is not None and not isinstance(operations, dict)):
        return
    _taken(stanza, "routes", _ROUTES)
    operations = stanza.setdefault("operations", {})
    for name, method in _METHODS.items():
        path = routes.get("all" if name in _ALL else "one")
        operation = operations.setdefault(name, {}) if isinstance(path, str) else None
        if isinstance(operation, dict):
            operation.setdefault("path", path)
            operation.setdefault("method", method)
            if "basis" in routes:
                operation.setdefault("basis", routes["basis"])


def _expand_identity(stanza: dict[str, Any]) -> None:
    """The name takes the place of the id, in the id's rule and in `{name}`."""
    attributes = stanza.get("attributes")
    name = attributes.get("name") if isinstance(attributes, dict) else None
    if stanza.get("identity") != "name" or not isinstance(name, dict):
        return
    basis = stanza["id"].get("basis") if isinstance(stanza.get("id"), dict) else name.get("basis")
    stanza["id"] = {"wire": name.get("read") or name.get("wire"), "type": "string", "basis": basis}
    operations = stanza.get("operations")
    if isinstance(operations, dict):
        stanza["operations"] = _renamed(operations)


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    return value.replace("{name}", "{id}") if isinstance(value, str) else value


def _expand_calls(kind: str, stanza: dict[str, Any], calls: dict[str, Any]) -> None:
    own = _taken(stanza, "calls", _CALLS)
    defaults = {**calls, **(own if isinstance(own, dict) else {})}
    operations = stanza.get("operations")
    for name, operation in operations.items() if isinstance(operations, dict) else ():
        if not isinstance(operation, dict):
            continue
        if "form" in defaults and operation.get("method") in _HAVE_BODIES and name != "list":
            operation.setdefault("form", defaults["form"])
        if "wrap" in defaults and name in _WRAPPED:
            operation.setdefault("wrap", defaults["wrap"])
        if operation.get("wrap") == "$kind":
            operation["wrap"] = kind
        for key in ("wrap", "form"):
            if operation.get(key) == NO_ITEM:
                del operation[key]


def _expand_inside(stanza: dict[str, Any], parent: Any) -> None:
    """The operations of objects inside their parent: its read lists them, and its write replaces the list."""
    inside, kind = stanza["inside"], stanza.get("parent")
    calls = parent.get("operations") if isinstance(parent, dict) else None
    read = calls.get("read") if isinstance(calls, dict) else None
    write = calls.get(inside.get("write", "update")) if isinstance(calls, dict) else None
    if not isinstance(read, dict) or not isinstance(write, dict) or not isinstance(parent, dict):
        return
    below = {
        key: deepcopy(value)
        for key, value in write.items()
        if key in {"method", "path", "query", "form", "wrap", "basis"}
    }
    below = {**_of_parent(below, f"{{{kind}}}"), "item": NO_ITEM}
    listed = {
        key: deepcopy(value)
        for key, value in read.items()
        if key in {"method", "path", "query", "body", "form", "basis"}
    }
    stanza["operations"] = {
        "list": _of_parent(listed, f"{{{kind}}}"),
        "create": {**below, "id": "$name"},
        "update": below,
        "delete": below,
    }
    where = inside.get("read") or ".".join(filter(None, (read.get("item") or parent.get("item"), inside.get("wire"))))
    listing = stanza.get("listing")
    kept = {key: listing[key] for key in ("groups", "keyed", "row") if isinstance(listing, dict) and key in listing}
    stanza["listing"] = {**kept, "items": where, "basis": read.get("basis"), "whole": True}


def _of_parent(value: Any, placeholder: str) -> Any:
    if isinstance(value, dict):
        return {key: _of_parent(each, placeholder) for key, each in value.items()}
    if isinstance(value, list):
        return [_of_parent(each, placeholder) for each in value]
    return value.replace("{id}", placeholder) if isinstance(value, str) else value


def _fill_basis(value: Any, model: Any, basis: str) -> None:
    """Add `basis` where an entry needs one and has none."""
    if not isinstance(value, dict):
        return
    if isinstance(model, type) and issubclass(model, BaseModel):
        if issubclass(model, BasedEntry):
            value.setdefault("basis", basis)
        for key, info in model.model_fields.items():
            _fill_basis(value.get(info.alias or key), _inner(info.annotation), basis)
    elif typing.get_origin(model) in {dict, Mapping}:
        for each in value.values():
            _fill_basis(each, _inner(typing.get_args(model)[1]), basis)


def _inner(annotation: Any) -> Any:
    """An annotation without `| None`."""
    choices = [choice for choice in typing.get_args(annotation) if choice is not type(None)]
    return choices[0] if type(None) in typing.get_args(annotation) and len(choices) == 1 else annotation

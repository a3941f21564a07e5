"""Entries of a contract that have no effect, or another one than they seem to have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from kiamo_iac.contract.entries import EVERY_FIELD, Inside, KindContract, Operation
from kiamo_iac.contract.operation_checks import Contradiction
from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import ReferenceShape, Resource

_CHANGES: Final = frozenset({"list", "create", "update", "delete"})
"""Operations that an attribute cannot be read from, beside the commands."""
_CARRY: Final = frozenset({"list", "create", "read"})
"""Operations before which no object is read."""

_VALUE: Final = re.compile(r"\$|\$field|[^$]*/\$|[^$]*\$[^a-z$][^$]*")
"""A place for the value: alone, or in a text such as an address."""


def language_contradictions(
    kinds: Mapping[str, KindContract], stanza: KindContract, model: type[Resource], *, at: tuple[str, ...]
) -> Iterator[Contradiction]:
    """All of a kind. `at`: its path."""
    yield from _operations(stanza, at=at)
    yield from _sources(stanza, model, at=at)
    yield from _shapes(stanza, model, at=at)
    if stanza.listing.detail == "read" and "read" not in stanza.operations:
        yield _unread((*at, "listing", "detail"), "every object of the list is read")
    if stanza.inside is not None:
        parent = kinds.get(stanza.parent or "")
        above = parent.operations if parent is not None else {}
        yield from _inside(stanza, stanza.inside, parent, at=(*at, "inside"))
        for needed in ("read", stanza.inside.write):
            if needed not in above:
                why = f"{stanza.parent or 'its parent'} has no operation {quote(needed)}"
                yield Contradiction((*at, "inside"), why, "write the operation of the parent that replaces the list")


def _inside(
    stanza: KindContract, inside: Inside, parent: KindContract | None, *, at: tuple[str, ...]
) -> Iterator[Contradiction]:
    """A list inside the parent that another call than an update would write, or that has the name of something else."""
    if inside.write in _CHANGES - {"update"} | {"read"}:
        why = f"{inside.write} of {stanza.parent or 'its parent'} does not replace the list"
        yield Contradiction((*at, "write"), why, "write update, or the operation of its own that replaces the list")
    if "." in inside.wire:
        yield Contradiction((*at, "wire"), f"{quote(inside.wire)} is a path, and the list is one key", "write one key")
    if parent is not None and (call := parent.operations.get("update")) is not None and call.send == "whole":
        item = parent.item_of("read")
        if inside.read is not None and item is not None and not inside.read.startswith(f"{item}."):
            why = f"it is not below {quote(item)}, and the whole {stanza.parent} that is sent would be without it"
            yield Contradiction((*at, "read"), why, "write the path of the list below item")
    for name, attribute in parent.attributes.items() if parent is not None else ():
        if attribute.wire.split(".")[0] == inside.wire.split(".")[0]:
            why = f"{quote(inside.wire)} is the key of the attribute {quote(name)} of a {stanza.parent}"
            yield Contradiction((*at, "wire"), why, "write the key of the list in the parent's write")


def query_contradictions(kinds: Mapping[str, KindContract], parameter: str | None) -> Iterator[Contradiction]:
    """Calls that use the query parameter of the token for something else."""
    for kind, stanza in kinds.items() if parameter is not None else ():
        paging = stanza.listing.paging
        of_pages = {
            "page": (paging.page, paging.size),
            "offset": (paging.offset, paging.size),
            "cursor": (paging.parameter,),
        }.get(paging.style, ())
        if any(parameter in call.query for call in stanza.operations.values()) or parameter in of_pages:
            why = f"{quote(str(parameter))} is a query parameter of the calls of a {kind}"
            yield Contradiction(("auth", "query"), why, "write the parameter that the instance reads the token from")


def _operations(stanza: KindContract, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    for name, call in stanza.operations.items():
        here = (*at, "operations", name)
        is_inside = stanza.inside is not None
        yield from _signs(call, at=here)
        if call.id is not None and name != "create":
            yield Contradiction((*here, "id"), "has no effect: only a create makes an id", "remove it")
        if call.send == "whole" and name != "update":
            yield Contradiction((*here, "send"), "has no effect: only an update sends attributes", "remove it")
        if call.wrap is not None and name not in {"create", "update"} and not is_inside:
            hint = "write the key into body, which is the whole body of a command"
            yield Contradiction((*here, "wrap"), "has no effect: only creates and updates are wrapped", hint)
        if call.carry and name in _CARRY:
            yield Contradiction((*here, "carry"), f"has no effect: no object is read before a {name}", "remove it")
        elif call.reads_first and "read" not in stanza.operations and not is_inside:
            key = "send" if call.send == "whole" else "carry"
            yield _unread((*here, key), "the object is read right before")


def _signs(call: Operation, *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """Words with a `$` that mean nothing, and would be sent or looked for as they are."""
    known = {
        "form": (call.form, (EVERY_FIELD,)),
        "wrap": (call.wrap, ("$kind",)),
        "id": (call.id, ("$location", "$answer", "$name")),
        "item": (call.item, ()),
    }
    for key, (value, meant) in known.items():
        if value is not None and value.startswith("$") and (value not in meant or key == "wrap"):
            hint = did_you_mean(value, meant) or f"write {', '.join((*meant, 'or a name of the instance'))}"
            yield Contradiction((*at, key), f"{quote(value)} has no meaning", hint)
    if call.wrap is not None and "." in call.wrap:
        why = f"{quote(call.wrap)} is a path, and requests are wrapped in one key"
        yield Contradiction((*at, "wrap"), why, "write one key")


def _unread(path: tuple[str, ...], why: str) -> Contradiction:
    return Contradiction(path, f"{why}, and there is no operation read", "write the operation read")


def _sources(stanza: KindContract, model: type[Resource], *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """Operations that attributes are read from: a command is none, it would be given by every plan."""
    commands = {command for moves in (model.machine.moves if model.machine else {}).values() for command in moves}
    for name, attribute in stanza.attributes.items():
        source = attribute.source
        here = (*at, "attributes", name, "from")
        if source is None:
            continue
        if source in commands | _CHANGES | {"resume"}:
            hint = "write the name of an operation of its own, such as status, and declare it under operations"
            yield Contradiction(here, f"{quote(source)} is no call that reads an object", hint)
        elif source not in stanza.operations:
            hint = f"declare it under {'.'.join((*at, 'operations'))}, with method, path and basis"
            yield Contradiction(here, f"there is no operation {quote(source)}", hint)


def _shapes(stanza: KindContract, model: type[Resource], *, at: tuple[str, ...]) -> Iterator[Contradiction]:
    """Shapes without a place for the value."""
    references = {each.attribute: each for each in model.references}
    for name, attribute in stanza.attributes.items():
        if attribute.shape is None:
            continue
        texts = [*_texts(attribute.shape)]
        reference = references.get(name)
        is_one = reference is None or reference.shape is ReferenceShape.ONE
        if (isinstance(attribute.shape, list) and (is_one or len(attribute.shape) != 1)) or (
            is_one and "$role" in texts
        ):
            hint = (
                "write the form of one value" if is_one else "write one entry, such as [{role: $role, field: $field}]"
            )
            why = "is a list, and the attribute has one value" if is_one else "must have one entry"
            yield Contradiction((*at, "attributes", name, "shape"), why, hint)
            continue
        if any(text.count("$") > 1 for text in texts):
            hint = "write $ once, where the value stands"
            yield Contradiction((*at, "attributes", name, "shape"), "has two places for one value", hint)
            continue
        if reference is not None and reference.shape is ReferenceShape.MAPPING:
            complete = "$role" in texts and any(map(_VALUE.fullmatch, texts))
            hint = "write one entry, such as [{role: $role, field: $field}]"
        else:
            complete = any("$" in text for text in texts)
            hint = "write $ where the value stands, such as {id: $}"
        if not complete:
            yield Contradiction((*at, "attributes", name, "shape"), "has no place for the value", hint)


def _texts(shape: Any) -> Iterator[str]:
    if isinstance(shape, str):
        yield shape
    elif isinstance(shape, dict):
        for key, value in shape.items():
            yield key
            yield from _texts(value)
    elif isinstance(shape, list):
        for value in shape:
            yield from _texts(value)

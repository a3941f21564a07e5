"""What pydantic says of a block, as diagnostics: one sentence, the exact place, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, did_you_mean
from kiamo_iac.core.printable import quote
from kiamo_iac.core.secret import redact
from kiamo_iac.document.scalars import type_of
from kiamo_iac.manifest.blocks import Block
from kiamo_iac.manifest.composition import Locator


class _Found(NamedTuple):
    """One error of pydantic, located."""

    path: str
    """`association.destination`."""
    value: Any
    context: Mapping[str, Any]
    message: str
    block: Block


class _Said(NamedTuple):
    code: str
    summary: str
    hint: str


_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_.\[\]]+")
_NOUNS: Final = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "an integer",
    "float_type": "a number",
    "dict_type": "a mapping",
    "list_type": "a list",
}
_HINTS: Final = {
    "string_type": "put it in quotes",
    "bool_type": "write true or false, without quotes",
    "int_type": "write digits alone, without quotes",
    "float_type": "write a number, without quotes",
    "dict_type": 'write "key: value" pairs',
    "list_type": 'begin each item with "- ", or write [one, two]',
}


def explain(error: ValidationError, block: Block, places: Locator) -> tuple[list[Diagnostic], set[str]]:
    """The diagnostics of an invalid block, and the keys of it that cannot be used."""
    found: list[Diagnostic] = []
    unusable: set[str] = set()
    for detail in error.errors(include_url=False, include_input=False):
        location = detail["loc"]
        unusable.add(str(location[0]))
        path, value, source = _walk(block, places, location)
        if detail["type"] == "extra_forbidden":
            source = places.place(block.node).of_key(str(location[0]))
        said = _say(detail["type"], _Found(path, value, detail.get("ctx", {}), detail["msg"], block))
        found.append(Diagnostic(said.code, said.summary, hint=said.hint, source=source, address=block.address))
    return found, unusable


def _walk(block: Block, places: Locator, location: tuple[int | str, ...]) -> tuple[str, Any, SourceRange]:
    """Follow pydantic's location as far as the data goes; the rest of it names alternatives of a type, not keys."""
    path = ""
    value: Any = block.node
    source = places.place(block.node).range
    for step in location:
        if isinstance(value, dict) and step in value:
            path += f".{step}" if path else str(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            path += f"[{step}]"
        else:
            break
        source = places.place(value).at(str(step))
        value = value[step]
    return path or str(location[0]), value, source


def _say(kind: str, found: _Found) -> _Said:
    if kind in _NOUNS:
        hint = _HINTS[kind] if found.value is not None else "write a value, or remove the key"
        return _Said("KIA0203", f"{_shown(found.path)} must be {_NOUNS[kind]}, got {type_of(found.value)}", hint)
    said = _SAID.get(kind)
    if said is not None:
        return said(found)
    summary = f"{_shown(found.path)} {redact(found.message).removeprefix('Input ').replace('should be', 'must be', 1)}"
    return _Said("KIA0206", summary, "write a value that the attribute accepts")


def _shown(path: str) -> str:
    """A path, in quotes only where it holds other characters than attributes do: keys of a mapping are free text."""
    shown = quote(path)
    return shown[1:-1] if _PLAIN_PATH.fullmatch(path) else shown


def _unknown(found: _Found) -> _Said:
    block_type = found.block.type
    summary = f"unknown key {quote(found.path)} in {block_type.with_article}"
    if found.path in {kind.kind for kind in block_type.ancestors}:
        return _Said(
            "KIA0202", summary, f"remove it: this {block_type.noun} is already in the block of its {found.path}"
        )
    keys = block_type.keys | block_type.children.keys()
    return _Said("KIA0202", summary, did_you_mean(found.path, keys) or f"known keys: {', '.join(sorted(keys))}")


def _missing(found: _Found) -> _Said:
    return _Said(
        "KIA0204", f"missing key {quote(found.path)} in {found.block.type.with_article}", f'add "{found.path}: …"'
    )


def _choice(found: _Found) -> _Said:
    choices = re.findall(r"'([^']*)'", str(found.context.get("expected", "")))
    shown = quote(found.value) if isinstance(found.value, str) else type_of(found.value)
    return not_among(found.path, shown, choices, near=str(found.value))


def not_among(path: str, shown: str, choices: list[str], *, near: str) -> _Said:
    """What is said of a value outside of a closed list."""
    hint = did_you_mean(near, choices) or f"use one of {', '.join(choices)}"
    return _Said("KIA0205", f"{_shown(path)} does not accept {shown}", hint)


def _short(found: _Found) -> _Said:
    return _Said("KIA0206", f"{_shown(found.path)} must not be empty", "write a value, or remove the key")


def _long(found: _Found) -> _Said:
    limit = found.context.get("max_length")
    return _Said("KIA0206", f"{_shown(found.path)} is longer than {limit} characters", "shorten it")


_SAID: Final[Mapping[str, Callable[[_Found], _Said]]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "literal_error": _choice,
    "enum": _choice,
    "string_too_short": _short,
    "string_too_long": _long,
}

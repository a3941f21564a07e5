"""Values under dotted paths in JSON, and their forms; a number in a path enters a list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final
from urllib.parse import quote, unquote

MISSING: Final = object()
"""There is no value."""

_PLACE: Final = re.compile(r'"\\u0000(\d+)\\u0000"')


def look(document: Any, path: str) -> Any:
    """The value under a path, or `MISSING`."""
    for key in path.split("."):
        if isinstance(document, Mapping) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return MISSING
    return document


def take(document: dict[str, Any], path: str) -> Any:
    """The value under a path, which is removed with the objects that it leaves empty, or `MISSING`."""
    key, _, rest = path.partition(".")
    inner = document.get(key, MISSING)
    if not rest:
        document.pop(key, None)
        return inner
    if not isinstance(inner, dict):
        return MISSING
    found = take(inner, rest)
    if not inner and found is not MISSING:
        del document[key]
    return found


def put(document: Any, path: str, value: Any) -> None:
    """Set the value under a path; what is not there on the way to it is created."""
    keys = path.split(".")
    for key, after in pairwise(keys):
        inner = _at(document, key)
        if not isinstance(inner, dict | list):
            inner = [] if after.isdigit() else {}
            _set(document, key, inner)
        document = inner
    _set(document, keys[-1], value)


def _at(document: Any, key: str) -> Any:
    found = look(document, key)
    return None if found is MISSING else found


def _set(document: Any, key: str, value: Any) -> None:
    if isinstance(document, list):
        document.extend([None] * (int(key) + 1 - len(document)))
        document[int(key)] = value
    else:
        document[key] = value


def under(pairs: Iterable[tuple[str, Any]]) -> Any:
    """A document with these values under these paths."""
    found = [*pairs]
    document: Any = [] if found and found[0][0].split(".")[0].isdigit() else {}
    for path, value in found:
        put(document, path, value)
    return document


def texts_under(pairs: Sequence[tuple[str, str]]) -> str:
    """The JSON of a document with these JSON texts under these paths."""
    template = json.dumps(under((path, f"\0{at}\0") for at, (path, _) in enumerate(pairs)))
    return _PLACE.sub(lambda match: pairs[int(match[1])][1], template)


def merged(document: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`document` with `more` in it; objects that both have are merged."""
    for key, value in more.items():
        inner = document.get(key)
        document[key] = merged(inner, value) if isinstance(inner, dict) and isinstance(value, Mapping) else value
    return document


# --- forms ------------------------------------------------------------------------------------------------------------


def formed(shape: Any, value: Any) -> Any:
    """A value in its form: `$` is the value; `$role` and `$field` are those of an entry of a mapping."""
    if isinstance(shape, list):
        entries = value.items() if isinstance(value, dict) else ((None, inner) for inner in value or ())
        return [_filled(shape[0], role, inner) for role, inner in entries]
    if isinstance(shape, dict) and "$role" in shape:
        return {role: _filled(shape["$role"], role, inner) for role, inner in (value or {}).items()}
    return None if value is None else _filled(shape, None, value)


def _filled(shape: Any, role: Any, value: Any) -> Any:
    if isinstance(shape, dict):
        return {key: _filled(inner, role, value) for key, inner in shape.items()}
    if isinstance(shape, list):
        return [_filled(inner, role, value) for inner in shape]
    if not isinstance(shape, str):
        return shape
    if shape in {"$", "$field"}:
        return value
    if shape == "$role":
        return role
    return shape.replace("$", quote(str(value), safe=""))


def unformed(shape: Any, value: Any) -> Any:
    """The value in a form.

    Raises:
        ValueError: it does not have that form.
    """
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise ValueError(shape)
        entries = [_found(shape[0], each) for each in value]
        return {e["$role"]: e["$"] for e in entries} if _has_role(shape[0]) else [e["$"] for e in entries]
    if isinstance(shape, dict) and "$role" in shape:
        if not isinstance(value, dict):
            raise ValueError(shape)
        return {role: _found(shape["$role"], each)["$"] for role, each in value.items()}
    return None if value is None else _found(shape, value)["$"]


def _has_role(shape: Any) -> bool:
    if isinstance(shape, dict | list):
        return any(map(_has_role, shape.values() if isinstance(shape, dict) else shape))
    return bool(shape == "$role")


def _found(shape: Any, value: Any) -> dict[str, Any]:
    if isinstance(shape, dict):
        if not isinstance(value, dict) or not shape.keys() <= value.keys():
            raise ValueError(shape)
        found: dict[str, Any] = {}
        for key, inner in shape.items():
            found |= _found(inner, value[key])
        return found
    if shape in {"$", "$field"}:
        return {"$": value}
    if shape == "$role":
        if not isinstance(value, str):
            raise ValueError(shape)
        return {"$role": value}
    if isinstance(shape, str) and "$" in shape:
        before, _, after = shape.partition("$")
        if not isinstance(value, str) or not (value.startswith(before) and value.endswith(after)):
            raise ValueError(shape)
        return {"$": unquote(value[len(before) : len(value) - len(after)])}
    if json.dumps(shape) != json.dumps(value):
        raise ValueError(shape)
    return {}

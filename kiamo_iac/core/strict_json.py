"""Strict JSON (RFC 8259): no NaN, no number out of range, no duplicate key, no half of a surrogate pair; and the
equality of JSON values."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn


def parse_json(body: bytes) -> Any:
    """The value of `body`.

    Raises:
        ValueError: it is not strict JSON in UTF-8; the message is the second half of a sentence on it.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        msg = "it is not UTF-8"
        raise ValueError(msg) from None
    try:
        value = decode_json(text)
    except json.JSONDecodeError as error:
        what = "it is HTML" if text.lstrip()[:1] == "<" else f"{error.msg}, line {error.lineno} column {error.colno}"
        raise ValueError(what) from None
    if "\\u" in text and not _is_text(value):
        msg = "it holds half of a surrogate pair"
        raise ValueError(msg)
    return value


def write_json(value: Any) -> str:
    """Compact JSON that `parse_json` reads, with letters as they are.

    Raises:
        ValueError: the value holds NaN, infinity or half of a surrogate pair.
        TypeError: the value holds a type that JSON has no form for.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


def decode_json(text: str) -> Any:
    """The value of a JSON text, which may hold halves of surrogate pairs.

    Raises:
        ValueError: it is not JSON (`json.JSONDecodeError`, with the place), or has a duplicate key, a number out of
            range or too many levels; the message is a clause on what is wrong.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        msg = "it is nested too deeply"
        raise ValueError(msg) from None


def same(a: Any, b: Any) -> bool:
    """Equal as JSON values: `1` and `1.0` are, `true` and `1` are not."""
    if type(a) is str or type(b) is str or isinstance(a, str) or isinstance(b, str):  # a wrapper compares its value
        return bool(a == b)
    if a != b:
        return False
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, Mapping):
        return all(same(value, b[key]) for key, value in a.items())
    if isinstance(a, list | tuple):
        return all(map(same, a, b))
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        msg = "an object holds the same key twice"
        raise ValueError(msg)
    return found


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        msg = "a number is out of range"
        raise ValueError(msg)
    return value


def _constant(text: str) -> NoReturn:
    msg = f"{text} is not JSON"
    raise ValueError(msg)


def _is_text(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_constant=_constant)

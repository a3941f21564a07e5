"""JSON as the emulator reads and writes it: RFC 8259 to the letter, and nothing that could not be written back."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from kiamo_iac.emulator.refusal import Refusal

DEEPEST = 64
"""Levels of lists and objects that a body may have."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_BRACKETS = re.compile(rb"[\[{]")


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        Refusal: ERR_1000 for what is not JSON, ERR_1020 for JSON that is not an object or far too deep.
    """
    try:
        value = json.loads(
            body.decode(), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique_keys
        )
    except (ValueError, RecursionError) as error:
        raise Refusal("ERR_1000") from error
    if b"\\u" in body and _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        raise Refusal("ERR_1000")
    if not isinstance(value, dict) or (len(_BRACKETS.findall(body)) > DEEPEST and _is_too_deep(value)):
        raise Refusal("ERR_1020")
    return value


def write(value: Any) -> str:
    """Compact JSON, in which letters stay letters.

    Raises:
        ValueError: NaN, infinity or a lone surrogate stands in it.
        TypeError: something that JSON has no form for does.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: unlike `==`, true is not 1."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _no_constant(text: str) -> float:
    msg = f"{text} is not JSON"
    raise ValueError(msg)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        msg = "a number too large to be kept"
        raise ValueError(msg)
    return number


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        msg = "a key stands twice"
        raise ValueError(msg)
    return found


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        containers = [v for v in level if isinstance(v, (dict, list))]
        level = [inner for c in containers for inner in (c.values() if isinstance(c, dict) else c)]
    return any(isinstance(v, (dict, list)) for v in level)

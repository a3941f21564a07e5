"""Data is never markup: names and values are made visible before a person or a CI system reads them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kiamo_iac.core.printable import CI_PREFIX, guarded, hidden, visible
from kiamo_iac.core.sensitive import Sensitive
from kiamo_iac.core.state import DanglingReference

__all__ = ["document", "json_document", "quoted", "value", "visible"]


def quoted(text: str) -> str:
    """`text` in double quotes, so that no value can be taken for the words around it."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{visible(inner)}"'


def value(data: Any) -> str:
    """A value of an attribute as people read it: strings in quotes, the rest as JSON writes it, None as `(not set)`."""
    match data:
        case None:
            return "(not set)"
        case DanglingReference() | Sensitive():
            return visible(data)
        case str():
            return quoted(data)
        case _:
            return visible(json.dumps(data, ensure_ascii=False, default=_plain))


def document(lines: Iterable[str]) -> str:
    """Join lines into a text that ends with a newline; none of them can open as a CI command (`::error::`)."""
    return "".join(f"{guarded(line)}\n" for line in lines)


def json_document(data: Any) -> str:
    r"""`data` as JSON, two spaces of indent, a newline at the end; hidden characters are `\uXXXX`, so nothing is lost.

    The order of keys is that of `data`. Lone surrogates are written as JSON escapes: the result is always valid UTF-8.
    """
    text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False, default=_plain)
    table = {ord(char): json.dumps(char)[1:-1] for char in hidden(text)} | {0x7F: "\\u007f"}
    table.pop(ord("\n"), None)  # the layout's own: json.dumps has escaped those of the data
    return CI_PREFIX.sub(r"#\\u0023", text.translate(table)) + "\n"


def _plain(data: Any) -> Any:
    """What `json` cannot write of itself, as plain data."""
    if isinstance(data, Mapping):
        return dict(data)
    msg = f"{type(data).__name__} has no place in an attribute"
    raise TypeError(msg)

"""Data is never markup: names and values are made visible before a person or a CI system reads them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kiamo_iac.secret import conceal
from kiamo_iac.state import Gone

_CI_PREFIX = re.compile(r"##(?=\[|vso\[|teamcity\[)")
"""Azure Pipelines, GitHub's first form and TeamCity look for their commands anywhere in a line."""

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Controls (C0, DEL, C1), formats (bidi, zero-width, tags), lone surrogates, line and paragraph separators."""


def _hidden(text: str) -> Iterator[str]:
    """The hidden characters of `text`, each once."""
    return (char for char in set(text) if unicodedata.category(char) in _HIDDEN_CATEGORIES)


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""`text` on one line, without secrets, with what cannot be seen written as `\uXXXX`, and CI commands broken."""
    text = conceal(text)  # before anything is escaped or cut: of half a secret nobody could say what it is
    if not (text.isascii() and text.isprintable()):
        text = text.translate({ord(char): _escaped(char) for char in _hidden(text)})
    return _CI_PREFIX.sub(r"#\\u0023", text)


def quoted(text: str) -> str:
    """`text` in double quotes, so that no value can be taken for the words around it."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{visible(inner)}"'


def value(data: Any) -> str:
    """A value of an attribute as people read it: strings in quotes, the rest as JSON writes it, None as `(not set)`."""
    match data:
        case None:
            return "(not set)"
        case Gone():
            return visible(data)
        case str():
            return quoted(data)
        case _:
            return visible(json.dumps(data, ensure_ascii=False, default=_plain))


def yaml_scalar(text: str) -> str:
    r"""A scalar of YAML as it stands on its line, CI commands broken by an escape that YAML reads back: `"#\x23["`."""
    if not _CI_PREFIX.search(text):
        return text
    if text.startswith('"'):
        text = text[1:-1]
    else:
        text = text[1:-1].replace("''", "'") if text.startswith("'") else text
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    broken = _CI_PREFIX.sub(r"#\\x23", text)
    return f'"{broken}"'


def document(lines: Iterable[str]) -> str:
    """Join lines into a text that ends with a newline; none of them can open as a CI command (`::error::`)."""
    return "".join(f"{_guarded(line)}\n" for line in lines)


def _guarded(line: str) -> str:
    body = line.lstrip()
    return f"{line[: len(line) - len(body)]}\\u003a{body[1:]}" if body.startswith("::") else line


def json_document(data: Any) -> str:
    r"""`data` as JSON, two spaces of indent, a newline at the end; hidden characters are `\uXXXX`, so nothing is lost.

    The order of keys is that of `data`. Lone surrogates are written as JSON escapes: the result is always valid UTF-8.
    """
    text = json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False, default=_plain)
    table = {ord(char): json.dumps(char)[1:-1] for char in _hidden(text)} | {0x7F: "\\u007f"}
    table.pop(ord("\n"), None)  # the layout's own: json.dumps has escaped those of the data
    return _CI_PREFIX.sub(r"#\\u0023", text.translate(table)) + "\n"


def _plain(data: Any) -> Any:
    """What `json` cannot write of itself, as plain data."""
    if isinstance(data, Mapping):
        return dict(data)
    msg = f"{type(data).__name__} has no place in an attribute"
    raise TypeError(msg)

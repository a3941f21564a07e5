"""Plain data as canonical YAML that every parser, of YAML 1.1 and 1.2, reads as the same data.

Two spaces of indent, lists indented below their key, keys in the given order; strings are quoted where a parser could
read another type; long lines are never folded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kiamo_iac.core.printable import BLANK, CI_PREFIX
from kiamo_iac.document.scalars import resolve

WIDTH: Final = 120
"""Columns that a mapping or list in brackets may fill."""
INDENT: Final = 2

_OLD_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "~", "=", "<<"})
"""What some parser does not read as a string, in lower case."""
_FIRST: Final = frozenset("-?:,[]{}#&*!|>'\"%@`")
"""No unquoted string begins with these."""
_LIKE_A_NUMBER: Final = re.compile(
    r"[-+]?\.?[0-9][-+0-9_.,:/() ]*"  # numbers, phone numbers, times, versions
    r"|[-+]?\.?[0-9][0-9_.]*[eE][-+]?[0-9_.]*"
    r"|[-+]?0[xob][0-9a-fA-F_]*"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*"
    r"|[-+]?\.(?:inf|nan)"
    r"|[+.][-+0-9_.,:/() ]*",
    re.IGNORECASE | re.DOTALL,
)
_SIMPLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?: [A-Za-z0-9_]+)*")
"""Nearly all strings: of these, only `_OLD_WORDS` need quotes."""
_INT64: Final = 2**63
LONGEST_KEY: Final = 1000
"""libyaml accepts at most 1,024 characters for a key without a "?"."""


class WrittenValue(NamedTuple):
    """A value as it is written behind a "-" or a ":"."""

    head: str
    """What follows the sign on its line; empty for a mapping or list in lines."""
    lines: list[str]
    """The lines below, without the indent of their level."""


def scalar(value: Any, *, flow: bool = False, inert: bool = False) -> str:
    r"""One value on one line; `flow`: in brackets. `inert`: a text that a CI system would obey as a command in a log is
    written with an escape: `"#\x23[error]"`.

    Raises:
        ValueError: it cannot be written as YAML: NaN, integers beyond 64 bits, halves of surrogate pairs.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            if not -_INT64 <= value < _INT64:
                msg = "an integer beyond 64 bits cannot be kept exactly"
                raise ValueError(msg)
            return str(value)
        case float():
            return _float(value)
        case str() if inert and CI_PREFIX.search(value):
            return CI_PREFIX.sub(r"#\\x23", _in_double_quotes(value))
        case str():
            return value if is_plain(value, flow=flow) else quoted(value)
    msg = f"{type(value).__name__} is not plain data"
    raise ValueError(msg)


def _float(value: float) -> str:
    if not math.isfinite(value):
        msg = "a number that is not finite cannot be written as JSON"
        raise ValueError(msg)
    text = repr(value)
    # YAML 1.1 wants a point in a number with an exponent.
    return text if "." in text or "e" not in text else text.replace("e", ".0e")


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Whether every parser reads unquoted `text` as this string."""
    if _SIMPLE.fullmatch(text) and text.isascii():
        return text.lower() not in _OLD_WORDS
    return (
        text != ""
        and text[0] not in _FIRST
        and text == text.strip()
        and text.lower() not in _OLD_WORDS
        and not text.startswith("...")
        and not text.endswith(":")
        and ": " not in text
        and " #" not in text
        and not (flow and any(sign in text for sign in ",[]{}:?"))
        and not any(map(is_hidden, text))
        and not _LIKE_A_NUMBER.fullmatch(text)
        and resolve(text) == (text, None)
    )


def is_hidden(char: str) -> bool:
    """Whether a character is written as an escape because it is invisible, or changes how others are shown."""
    if char in BLANK:
        return True
    return not char.isprintable() and not (char.isspace() and char not in "\t\n\r\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029")


def quoted(text: str) -> str:
    r"""`text` in double quotes, or in single quotes where only double ones would need an escape.

    Raises:
        ValueError: it contains half of a surrogate pair.
    """
    if ('"' in text or "\\" in text) and "'" not in text and not any(map(is_hidden, text)):
        return f"'{text}'"
    return _in_double_quotes(text)


def _in_double_quotes(text: str) -> str:
    return f'"{"".join(_escaped(char) for char in text)}"'


_ESCAPES: Final[Mapping[str, str]] = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if not is_hidden(char):
        return char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        msg = "half of a surrogate pair cannot be written as YAML"
        raise ValueError(msg)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def flow_text(data: Any, *, spaced: bool = False, inert: bool = False) -> str:
    """Data on one line, in brackets; `spaced` puts a space inside of braces: `{ name: city }`. `inert`: see `scalar`.

    Raises:
        ValueError: see `scalar`.
    """
    match data:
        case Mapping():
            if not data:
                return "{}"
            inner = ", ".join(
                f"{_key(key, flow=True, inert=inert)} {flow_text(value, spaced=spaced, inert=inert)}"
                for key, value in data.items()
            )
            return f"{{ {inner} }}" if spaced else f"{{{inner}}}"
        case str():
            return scalar(data, flow=True, inert=inert)
        case Sequence():
            return f"[{', '.join(flow_text(item, spaced=spaced, inert=inert) for item in data)}]"
    return scalar(data, flow=True)


def _key(key: Any, *, flow: bool = False, inert: bool = False) -> str:
    if not isinstance(key, str):
        msg = "a key must be a string"
        raise ValueError(msg)
    text = scalar(key, flow=flow, inert=inert)
    return f"{text}:" if len(text) <= LONGEST_KEY else f"? {text} :"


def literal(text: str) -> WrittenValue | None:
    """Several lines as a literal block, or None where that would hide or lose characters."""
    lines = text.split("\n")
    ends = lines[-1] == ""
    if ends:
        lines.pop()
    if not ends and len(lines) < 2:
        return None
    if not lines or not lines[0] or not lines[-1] or lines[0] != lines[0].lstrip():
        return None
    if any(line != line.rstrip() or any(map(is_hidden, line)) for line in lines):
        return None
    return WrittenValue("|" if ends else "|-", lines)


class WriteStyle(NamedTuple):
    """How data is written in lines."""

    flow: Collection[str] = ()
    """Keys whose mapping, list, or mappings in a list are written in brackets, where they hold only values of one line,
    and fit."""
    width: int = WIDTH
    """Available columns."""
    literals: bool = True
    """Text of several lines may be written as a literal block."""
    inert: bool = False
    """No value may be a command to a CI system, see `scalar`."""

    def narrower(self, columns: int) -> WriteStyle:
        """With less room."""
        return self._replace(width=self.width - columns)


DEFAULT: Final = WriteStyle()


def write(data: Any, style: WriteStyle = DEFAULT) -> WrittenValue:
    """Data as it is written behind a "-" or a ":", in lines where it is a mapping or a list that is not empty.

    Raises:
        ValueError: see `scalar`.
    """
    match data:
        case str():
            lines = literal(data) if style.literals and "\n" in data else None
            return lines or WrittenValue(scalar(data, inert=style.inert), [])
        case Mapping():
            return WrittenValue("", _mapping(data, style)) if data else WrittenValue("{}", [])
        case Sequence():
            return WrittenValue("", _sequence(data, style)) if data else WrittenValue("[]", [])
    return WrittenValue(scalar(data), [])


def _mapping(data: Mapping[str, Any], style: WriteStyle) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        narrower = style.narrower(INDENT)
        lines += entry_lines(key, write_under(key, value, narrower), inert=style.inert)
    return lines


def write_under(key: str | None, value: Any, style: WriteStyle) -> WrittenValue:
    """A value under `key`, or an item of the list under it."""
    return _small(value, style, len(key)) if key is not None and key in style.flow else write(value, style)


def _sequence(data: Sequence[Any], style: WriteStyle) -> list[str]:
    lines: list[str] = []
    for item in data:
        lines += item_lines(write(item, style.narrower(INDENT)))
    return lines


def entry_lines(key: Any, written: WrittenValue, *, inert: bool = False) -> list[str]:
    """The lines of a key with its value. `inert`: see `scalar`."""
    text = _key(key, inert=inert)
    if text.startswith("? "):
        return [text.removesuffix(" :"), *_under(":", written)]
    return _under(text, written)


def item_lines(written: WrittenValue) -> list[str]:
    """The lines of an item of a list."""
    return _under("-", written)


def _small(value: Any, style: WriteStyle, before: int) -> WrittenValue:
    """A value under a key of `style.flow`; `before` is the length of the key."""
    if not isinstance(value, Mapping | Sequence) or isinstance(value, str):
        return write(value, style)
    if value and is_small(value):
        text = flow_text(value, inert=style.inert)
        if len(text) <= style.width - before:
            return WrittenValue(text, [])
    if isinstance(value, Mapping) or not value:
        return write(value, style)
    lines: list[str] = []
    for item in value:
        narrower = style.narrower(INDENT)
        lines += item_lines(_small(item, narrower, 0) if isinstance(item, Mapping) else write(item, narrower))
    return WrittenValue("", lines)


def is_small(value: Any) -> bool:
    """Whether a mapping or list has only values of one line."""
    items: Any = value.values() if isinstance(value, Mapping) else value
    return not isinstance(value, str) and all(
        (not isinstance(item, Mapping | Sequence) or (isinstance(item, str) and "\n" not in item)) for item in items
    )


def _under(sign: str, written: WrittenValue) -> list[str]:
    """The lines of an entry whose sign is "-" or "key:"; a mapping or list begins on the line of its "-"."""
    if not written.lines:
        return [f"{sign} {written.head}"]
    below = [f"{' ' * INDENT}{line}" if line else "" for line in written.lines]
    if sign == "-" and not written.head:
        return [f"- {written.lines[0]}", *below[1:]]
    return [f"{sign} {written.head}".rstrip(), *below]


def dump(data: Any, *, indent: int = 0, flow: Collection[str] = (), inert: bool = False) -> str:
    """Plain data (dict, list, str, int, float, bool, None) as a canonical YAML text that ends with a newline.

    `indent` is the number of spaces before every line. `flow` names keys whose mapping or list, or whose list's
    mappings, are written in brackets when they hold only values of one line and fit: `fields` makes
    `- {name: city, label: City}`. `inert`: no line is a command to a CI system; text of several lines is quoted then.
    Parsing it returns the same data, except strings that look like a token, which `parse` refuses.

    Raises:
        ValueError: it cannot be written as YAML: NaN, integers beyond 64 bits, halves of surrogate pairs,
            keys that are not text.
    """
    written = write(data, WriteStyle(flow, WIDTH - indent, literals=not inert, inert=inert))
    below = [f"{' ' * INDENT}{line}" if line else "" for line in written.lines] if written.head else written.lines
    lines = [written.head, *below] if written.head else below
    return "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in lines)

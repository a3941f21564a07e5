"""The values of scalars: the core schema of YAML 1.2, without the forms that are mistaken for something else."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from kiamo_iac.core.diagnostics import Severity
from kiamo_iac.core.printable import quote

Scalar = str | int | float | bool | None


class ScalarProblem(NamedTuple):
    """What is wrong with a scalar."""

    code: str
    summary: str
    hint: str
    severity: Severity = Severity.ERROR


_WORDS: Final[Mapping[str, Scalar]] = {
    "": None,
    **dict.fromkeys(("null", "Null", "NULL", "~"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_OLD_BOOLEANS: Final = frozenset(
    form for word in ("yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper())
)
WORDS: Final = frozenset(_WORDS) | _OLD_BOOLEANS
NUMERIC: Final = frozenset("0123456789+-.")
"""An unquoted scalar that is not in `WORDS` and does not begin with one of `NUMERIC` is a string."""

_INTEGER: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_KEEPS_ZERO: Final = re.compile(r"\+[0-9.]|[-+]?0[0-9]")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?", re.DOTALL)
_BASED: Final = re.compile(r"[-+]?0(?:o[0-7]+|x[0-9a-fA-F]+|b[01]+)")
_SPECIAL: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_SEXAGESIMAL: Final = re.compile(r"[-+]?[0-9]+(?::[0-5]?[0-9])+")
_INT64: Final = 2**63
_NOT_ZERO: Final = re.compile(r"[-+]?[0.]*[1-9]")


def type_of(value: Any) -> str:
    """The type of a value as messages name it: `a string`."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "a mapping"


def resolve(text: str) -> tuple[Scalar, ScalarProblem | None]:
    """The value of an unquoted scalar, and its problem or None; a refused scalar is its text."""
    if text in _WORDS:
        return _WORDS[text], None
    if text in _OLD_BOOLEANS:
        hint = f"write true or false, or quote it: {quote(text)}"
        return text, ScalarProblem(
            "KIA0118", f"unquoted {quote(text)} is a string in YAML 1.2, not a boolean", hint, Severity.WARNING
        )
    return _number(text) if text[0] in NUMERIC else (text, None)


def _number(text: str) -> tuple[Scalar, ScalarProblem | None]:
    if _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text):
        if _KEEPS_ZERO.match(text):
            lost = "plus" if text[0] == "+" else "zero"
            summary = f"unquoted {quote(text)} is a number: the leading {lost} of a phone number would be lost"
            return text, ScalarProblem("KIA0114", summary, f"quote it: {quote(text)}")
        return _exact(text)
    if _DATE.fullmatch(text):
        return text, ScalarProblem(
            "KIA0115",
            f"unquoted {quote(text)} is a date to some YAML parsers and a string to others",
            f"quote it: {quote(text)}",
        )
    if _BASED.fullmatch(text) or _SPECIAL.fullmatch(text):
        hint = (
            f"write it in decimal, or quote it: {quote(text)}"
            if _BASED.fullmatch(text)
            else f"quote it if it is a string: {quote(text)}"
        )
        return text, ScalarProblem("KIA0116", f"{quote(text)} is not a valid JSON number", hint)
    if _SEXAGESIMAL.fullmatch(text):
        hint = f"quote it: {quote(text)}"
        return text, ScalarProblem(
            "KIA0118",
            f"unquoted {quote(text)} is a string in YAML 1.2 and a number in YAML 1.1",
            hint,
            Severity.WARNING,
        )
    return text, None


class SpelledFloat(float):
    """A number that JSON writes otherwise than the file: `1.10`, `1e3`."""

    spelling: str
    """As the file has it."""

    def __new__(cls, spelling: str) -> Self:
        """The number that `spelling` is."""
        made = super().__new__(cls, spelling)
        made.spelling = spelling
        return made

    def __getnewargs__(self) -> tuple[Any]:
        """For copies: of its spelling."""
        return (self.spelling,)


def respelled(number: SpelledFloat) -> ScalarProblem:
    """The warning that a number is sent in another spelling than it is written in."""
    text, written = number.spelling, json.dumps(number)
    hint = f"to keep it as it is written, quote it: {quote(text)}; for the number, write {written}"
    return ScalarProblem("KIA0123", f"{quote(text)} is the number {written}", hint, Severity.WARNING)


def _exact(text: str) -> tuple[Scalar, ScalarProblem | None]:
    problem = ScalarProblem(
        "KIA0116", "the number is too large to keep exactly", "quote it if it is a string, such as an identifier"
    )
    if _INTEGER.fullmatch(text):
        value = int(text) if len(text) < 21 else _INT64
        return (value, None) if -_INT64 <= value < _INT64 else (text, problem)
    number = float(text)
    if not math.isfinite(number):
        return text, problem
    if number == 0 and _NOT_ZERO.match(text):
        return text, problem._replace(summary="the number is too small to keep: it would be 0")
    written = json.dumps(number)
    if text in {written, written.replace("e", ".0e")}:  # both YAML 1.1 and 1.2 read 1.0e+16 as a number
        return number, None
    spelled = SpelledFloat(text)
    return spelled, respelled(spelled)


_TEXT_TAGS: Final = frozenset({"!", "tag:yaml.org,2002:str"})
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "tag:yaml.org,2002:int": (int,),
    "tag:yaml.org,2002:float": (float, int),
    "tag:yaml.org,2002:bool": (bool,),
    "tag:yaml.org,2002:null": (type(None),),
}


def refused_tag(tag: str) -> ScalarProblem:
    """The problem of a tag that is not in the core schema."""
    shown = quote(tag.replace("tag:yaml.org,2002:", "!!"))
    return ScalarProblem("KIA0107", f"the tag {shown} is not supported", "remove the tag: only plain data is allowed")


def tagged(tag: str, text: str) -> tuple[Scalar, ScalarProblem | None]:
    """The value of a scalar with an explicit tag, and its problem: only tags of the core schema are supported."""
    if tag in _TEXT_TAGS:
        return text, None
    if tag not in _TYPES:
        return text, refused_tag(tag)
    value, problem = resolve(text)
    if problem is None and type(value) in _TYPES[tag]:
        return value, None
    return text, ScalarProblem("KIA0107", f"{quote(text)} does not match its tag", "remove the tag")

"""The words for pydantic's errors on single values: types, choices and lengths, in manifests and contracts alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.printable import quote
from kiamo_iac.core.secret import redact
from kiamo_iac.document.scalars import type_of

_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_.\[\]]+")
_TYPES: Final = {
    "string_type": ("a string", "put it in quotes"),
    "bool_type": ("true or false", "write true or false, without quotes"),
    "bool_parsing": ("true or false", "write true or false, without quotes"),
    "int_type": ("an integer", "write digits only, without quotes"),
    "int_parsing": ("an integer", "write digits only, without quotes"),
    "int_from_float": ("an integer", "write digits only, without quotes"),
    "float_type": ("a number", "write a number, without quotes"),
    "dict_type": ("a mapping", 'write "key: value" pairs'),
    "model_type": ("a mapping", 'write "key: value" pairs'),
    "list_type": ("a list", 'begin each item with "- ", or write [one, two]'),
    "tuple_type": ("a list", 'begin each item with "- ", or write [one, two]'),
}
"""Pydantic's type of an error → the type that is wanted, and a hint."""


class Rule(Enum):
    """The rule that a value violates."""

    TYPE = auto()
    CHOICE = auto()
    BOUNDS = auto()
    """Of length, of size, or any other rule."""


class ValueProblem(NamedTuple):
    """One sentence without a full stop, and a hint."""

    rule: Rule
    path: str
    predicate: str
    """The sentence after its subject, which is the path."""
    hint: str

    @property
    def summary(self) -> str:
        """`association.destination must be a string, got a list`."""
        return f"{shown_path(self.path)} {self.predicate}"


def value_problem(
    kind: str, *, path: str, value: Any, context: Mapping[str, Any] | None = None, message: str = ""
) -> ValueProblem:
    """The problem of `value` at `path` (`association.destination`).

    `kind`, `context`, `message`: `type`, `ctx` and `msg` of pydantic's error.
    """
    if kind in _TYPES:
        wanted, hint = _TYPES[kind]
        if value is None:
            hint = "write a value, or remove the key"
        elif kind == "string_type" and isinstance(value, dict | list):
            hint = "write one string"
        return ValueProblem(Rule.TYPE, path, f"must be {wanted}, got {type_of(value)}", hint)
    worded = _WORDED.get(kind)
    if worded is not None:
        return worded(path, value, context or {})
    rule = redact(message).removeprefix("Input ").replace("should be", "must be", 1)
    return ValueProblem(Rule.BOUNDS, path, rule, "write a value that the attribute accepts")


def shown_path(path: str) -> str:
    """A path, in quotes only where it holds other characters than attributes do: keys of a mapping are free text."""
    shown = quote(path)
    return shown[1:-1] if _PLAIN_PATH.fullmatch(path) else shown


def not_among(path: str, value: Any, choices: Iterable[str]) -> ValueProblem:
    """The problem of a value that is not in a closed list."""
    known = list(choices)
    got = quote(value) if isinstance(value, str) else type_of(value)
    wanted = f"one of {', '.join(known)}" if len(known) > 1 else "".join(map(quote, known))
    hint = did_you_mean(str(value), known) or f"write {wanted}"
    return ValueProblem(Rule.CHOICE, path, f"must be {wanted}, got {got}", hint)


def _choice(path: str, value: Any, context: Mapping[str, Any]) -> ValueProblem:
    return not_among(path, value, re.findall(r"'([^']*)'", str(context.get("expected", ""))))


def _short(path: str, _: Any, __: Mapping[str, Any]) -> ValueProblem:
    return ValueProblem(Rule.BOUNDS, path, "must not be empty", "write a value, or remove the key")


def _long(path: str, value: Any, context: Mapping[str, Any]) -> ValueProblem:
    predicate = f"must have at most {context.get('max_length')} characters, got {len(value)}"
    return ValueProblem(Rule.BOUNDS, path, predicate, "shorten it")


def _small(path: str, value: Any, context: Mapping[str, Any]) -> ValueProblem:
    return ValueProblem(Rule.BOUNDS, path, f"must be {context.get('ge')} or more, got {value}", "correct it")


def _large(path: str, value: Any, context: Mapping[str, Any]) -> ValueProblem:
    return ValueProblem(Rule.BOUNDS, path, f"must be {context.get('le')} or less, got {value}", "correct it")


def _pattern(path: str, _: Any, context: Mapping[str, Any]) -> ValueProblem:
    predicate = f"must match the pattern {context.get('pattern')}"
    return ValueProblem(Rule.BOUNDS, path, predicate, "write a value that the pattern matches")


_WORDED: Final[Mapping[str, Callable[[str, Any, Mapping[str, Any]], ValueProblem]]] = {
    "literal_error": _choice,
    "enum": _choice,
    "string_too_short": _short,
    "string_too_long": _long,
    "greater_than_equal": _small,
    "less_than_equal": _large,
    "string_pattern_mismatch": _pattern,
}

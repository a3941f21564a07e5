"""The expressions of GitHub Actions, as far as our own files use them, for running these files without GitHub.

https://docs.github.com/en/actions/reference/workflows-and-actions/expressions: `&&`, `||`, `!`, `==`, `!=`, texts in
single quotes, contexts, and the functions below. Anything else is an error here, so that no file of ours outgrows this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*')|(?P<name>[A-Za-z_][\w.\-]*)|(?P<sign>&&|\|\||==|!=|!|\(|\)|,))")
_EMBEDDED = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def filled(text: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Any:
    """`text` with every `${{ … }}` worked out; a text that is one expression gives its value as it is."""
    if whole := re.fullmatch(r"\$\{\{((?:(?!\}\}).)*)\}\}", text.strip(), re.DOTALL):
        return evaluated(whole[1], contexts, functions)
    return _EMBEDDED.sub(lambda found: text_of(evaluated(found[1], contexts, functions)), text)


def condition(text: object, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> bool:
    """What `if:` comes to. Without a function that asks how things stand, `success() &&` is understood."""
    inner = str(text)
    if found := re.fullmatch(r"\s*\$\{\{(.*)\}\}\s*", inner, re.DOTALL):
        inner = found[1]
    asked = re.search(r"\b(?:success|failure|cancelled|always)\(\)", inner) is not None
    return bool(evaluated(inner, contexts, functions)) and (asked or functions["success"]())


def evaluated(text: str, contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]) -> Any:
    """The value of one expression."""
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        assert found is not None, f"not an expression: {text}"
        tokens.append(found[0].strip())
        at = found.end()
    return _Reading(tokens, contexts, {"contains": _contains, "fromJSON": json.loads, **functions}).whole()


class _Reading:
    def __init__(self, tokens: list[str], contexts: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]]):
        self.tokens, self.contexts, self.functions = tokens, contexts, functions

    def whole(self) -> Any:
        value = self.either()
        assert not self.tokens, f"left over: {self.tokens}"
        return value

    def either(self) -> Any:
        value = self.both()
        while self.taken("||"):
            following = self.both()
            value = value or following
        return value

    def both(self) -> Any:
        value = self.equal()
        while self.taken("&&"):
            following = self.equal()
            value = following if value else value
        return value

    def equal(self) -> Any:
        value = self.single()
        while self.tokens and self.tokens[0] in {"==", "!="}:
            sign, other = self.tokens.pop(0), self.single()
            value = (text_of(value) == text_of(other)) is (sign == "==")
        return value

    def single(self) -> Any:
        if self.taken("!"):
            return not self.single()
        if self.taken("("):
            value = self.either()
            assert self.taken(")")
            return value
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1]
        if self.taken("("):
            arguments = []
            while not self.taken(")"):
                arguments.append(self.either())
                self.taken(",")
            return self.functions[token](*arguments)
        return self.context(token)

    def context(self, name: str) -> Any:
        """A name that leads nowhere is null, as on GitHub; a context that there is none of is a mistake."""
        first, *rest = name.split(".")
        value = self.contexts[first]
        for part in rest:
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def taken(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False


def _contains(where: Any, what: Any) -> bool:
    return what in where


def text_of(value: Any) -> str:
    """A value as it stands in a text."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)

"""Fills `${name}` in the strings of a manifest with the variables of the project file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, Self

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, SuggestionBudget
from kiamo_iac.core.known_forms import forms_in
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.secret import TOKEN, redact
from kiamo_iac.core.sensitive import names_secret
from kiamo_iac.document.parser import Document, Node
from kiamo_iac.document.reader import LOOKS_LIKE_TOKEN, REVOKE, ROTATE
from kiamo_iac.document.scalars import SpelledFloat, respelled

MARK: Final = "${"
"""A text without it has no variables."""
VARIABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_FILLED: Final = 16 * 1024 * 1024
"""Characters of all strings with variables filled in, aliases included: as many as one file may have."""
EACH: Final = "each"
"""What `for_each` fills in: `${each}`, or `${each.code}` of a column. No variable has this name."""
_COLUMN: Final = f"{EACH}."
_FOUND: Final = re.compile(r"\$\$\{|\$\{([^${}]*)(\}?)")

Value = str | int | float | bool
Report = Callable[[Diagnostic], None]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the project file."""

    value: Value
    source: SourceRange
    """The place of its value."""


class ColumnReference(NamedTuple):
    """`${each.code}` in a string; without a column, `${each}`."""

    column: str | None

    def __str__(self) -> str:
        return f"${{{EACH}}}" if self.column is None else f"${{{_COLUMN}{self.column}}}"


class RowText(str):
    """A string that each row of `for_each` fills in; its text is the one that is written."""

    __slots__ = ("parts",)
    parts: tuple[Value | ColumnReference, ...]
    """Variables are filled in."""

    @classmethod
    def of(cls, text: str, parts: Iterable[Value | ColumnReference]) -> Self:
        """`text`: as it is written."""
        made = cls(text)
        made.parts = tuple(parts)
        return made

    @property
    def references(self) -> Iterator[ColumnReference]:
        """The columns that it refers to, in their order."""
        return (part for part in self.parts if isinstance(part, ColumnReference))


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of one environment, and which of them were used."""

    known: Mapping[str, Variable] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    filled: dict[SourceRange, tuple[str, ...]] = field(default_factory=dict)
    """Place of a filled string → its variables and columns (`each.code`), in their order."""
    sizes: dict[str, int] = field(default_factory=dict)
    """File → characters of its filled strings."""
    suggestions: SuggestionBudget = field(default_factory=SuggestionBudget, compare=False)

    def fill(self, document: Document, report: Report) -> Document:
        """`document` with its variables filled in; what cannot be filled in is reported and kept."""
        return _Filler(self, document, report).filled()

    def names_at(self, source: SourceRange) -> tuple[str, ...]:
        """The variables and columns that were filled into the string at a place."""
        return self.filled.get(source.written, ())

    def explained(self, diagnostic: Diagnostic) -> Diagnostic:
        """A diagnostic with the places where the variables of its value are set."""
        names = self.names_at(diagnostic.source) if diagnostic.source is not None else ()
        if not names:
            return diagnostic
        given = tuple((f"{quote(name)} is set here", self.known[name].source) for name in names if name in self.known)
        of_a_type = diagnostic.hint is not None and diagnostic.code == "KIA0203"
        hint = f"{diagnostic.hint}, where the variable is set" if of_a_type else diagnostic.hint
        return replace(diagnostic, hint=hint, related=(*diagnostic.related, *given))


def names_in(text: str) -> tuple[str, ...]:
    """The names of the variables that `text` refers to, in their order."""
    return tuple(found[1] for found in _FOUND.finditer(text) if found[1] and found[2])


def variables_in(value: Any) -> tuple[str, ...]:
    """The names of the variables that the texts of a written value refer to, each once, in their order."""
    return tuple(dict.fromkeys(name for text in _texts_in(value) for name in names_in(text)))


def _texts_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts_in(inner)
        case list():
            for inner in value:
                yield from _texts_in(inner)


def is_variable(value: Any) -> bool:
    """Whether a value is exactly one reference to a variable."""
    found = _FOUND.fullmatch(value) if isinstance(value, str) else None
    return found is not None and found[1] is not None and bool(found[2])


def literal(text: str) -> str:
    """`text` with `${` escaped, as a manifest writes it."""
    return text.replace(MARK, "$${")


def as_text(value: Value) -> str:
    """A value inside a string, as manifests write it; a number as the project file spells it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.spelling if isinstance(value, SpelledFloat) else str(value)


def secret_in(filled: str) -> Diagnostic | None:
    """The problem, without a place, of a string that became a secret by what was filled in; or None."""
    forms = forms_in(filled)
    if forms:
        return Diagnostic("KIA0240", f"this looks like {forms[0].name}", hint=ROTATE)
    return Diagnostic("KIA0117", LOOKS_LIKE_TOKEN, hint=REVOKE) if TOKEN.search(filled) else None


class _Filler:
    """Fills one document; nodes without variables are shared with the original."""

    def __init__(self, variables: Variables, document: Document, report: Report) -> None:
        self._variables = variables
        self._document = document
        self._report = report
        self._originals: dict[int, Node] = {}
        self._done: dict[int, Any] = {}
        self._sizes: dict[int, int] = {}
        """id of a node → characters filled in below it, for its aliases."""
        self._left = MAX_FILLED - sum(size for file, size in variables.sizes.items() if file != document.file)
        self._made = 0
        self._full = False
        self._places: dict[int, Place] = {}

    def filled(self) -> Document:
        data = self._document.data
        if not isinstance(data, dict | list):
            return self._document
        filled = self._node(data)
        self._variables.sizes[self._document.file] = self._made
        return self._document.with_data(filled, self._originals)

    def _node(self, node: Node) -> Node:
        done: Node | None = self._done.get(id(node))
        if done is not None:  # an alias
            return done if self._fits(self._sizes[id(node)], self._place(node).range) else node
        before = self._made
        entries: Iterable[tuple[Any, Any]] = node.items() if isinstance(node, dict) else enumerate(node)
        changed: dict[Any, Any] = {}
        for key, value in entries:
            if isinstance(node, dict) and MARK in key:
                self._refuse(
                    node, key, "variables are not supported in keys", "write the key without a variable", at_key=True
                )
            new = self._value(node, key, value)
            if new is not value:
                changed[key] = new
        result: Node = node
        if changed and isinstance(node, dict):
            result = {**node, **changed}
        elif changed:
            result = [changed.get(index, value) for index, value in enumerate(node)]
        if result is not node:
            self._originals[id(result)] = node
        self._done[id(node)] = result
        self._sizes[id(node)] = self._made - before
        return result

    def _place(self, node: Node) -> Place:
        """The place of a node, cached: it is slow for a long mapping, and needed for each of its strings."""
        return self._places.get(id(node)) or self._places.setdefault(id(node), self._document.place(node))

    def _fits(self, size: int, source: SourceRange) -> bool:
        """Count so many more characters; False, reported once a file, when they exceed the limit."""
        if self._made + size > self._left:
            summary = f"strings with variables filled in exceed {MAX_FILLED:,} characters in total"
            if not self._full:
                hint = "use variables for names and labels, and write longer text in the manifest itself"
                self._report(Diagnostic("KIA0112", summary, hint=hint, source=source))
            self._full = True
            return False
        self._made += size
        return True

    def _value(self, node: Node, key: Any, value: Any) -> Any:
        if isinstance(value, dict | list):
            return self._node(value)
        return self._string(node, key, value) if isinstance(value, str) and MARK in value else value

    def _string(self, node: Node, key: Any, text: str) -> Value:
        parts: list[Value | ColumnReference] = []
        end = 0
        for found in _FOUND.finditer(text):
            parts.append(text[end : found.start()])
            end = found.end()
            value = self._variable(node, key, found)
            if value is None:
                return text
            parts.append(value)
        parts.append(text[end:])
        parts = [part for part in parts if part != ""]
        source = self._place(node).at(str(key))
        if not self._fits(sum(len(part) for part in parts if isinstance(part, str)), source):
            return text
        self._variables.filled[source] = names_in(text)
        values = [part for part in parts if not isinstance(part, ColumnReference)]
        if len(values) < len(parts):
            return RowText.of(text, parts)
        filled = values[0] if len(values) == 1 else "".join(map(as_text, values))
        if isinstance(filled, SpelledFloat):
            problem = respelled(filled)
            self._report(Diagnostic(problem.code, problem.summary, problem.severity, hint=problem.hint, source=source))
        return self._checked(filled, source) if isinstance(filled, str) else filled

    def _checked(self, filled: str, source: SourceRange) -> str:
        """The string; one that became a secret by its variables is reported, and redacted."""
        problem = secret_in(filled)
        if problem is None:
            return filled
        self._report(replace(problem, source=source))
        return redact(filled)

    def _variable(self, node: Node, key: Any, found: re.Match[str]) -> Value | ColumnReference | None:
        """The value of one `${name}`, or None, which is reported."""
        name, closed = found[1], found[2]
        if name is None:
            return MARK
        if closed and (name == EACH or name.startswith(_COLUMN)):
            return ColumnReference(name.removeprefix(_COLUMN) if name != EACH else None)
        if not closed or not VARIABLE_NAME.fullmatch(name):
            what = "is not closed" if not closed else f"is not a variable: {quote(name)} is not a valid name"
            hint = 'write "${name}" with letters, digits and underscores, or "$${" for a literal "${"'
            self._refuse(node, key, f"{quote(found[0])} {what}", hint)
            return None
        variable = self._variables.known.get(name)
        if variable is None:
            near = self._variables.suggestions.near(name, self._variables.known)
            hint = near or f'add "{name}: …" under variables: in the project file'
            self._refuse(node, key, f"undefined variable {quote(name)}", hint, code="KIA0320")
            return None
        self._variables.used.add(name)
        return variable.value

    def _refuse(
        self, node: Node, key: Any, summary: str, hint: str, *, code: str = "KIA0322", at_key: bool = False
    ) -> None:
        place = self._place(node)
        source = place.of_key(str(key)) if at_key else place.at(str(key))
        self._report(Diagnostic(code, summary, hint=hint, source=source))


def unused(name: str, variable: Variable, *, where: str) -> Diagnostic:
    """The warning for a variable that no manifest uses. `where`: `of any environment`."""
    summary = f"no manifest {where} uses the variable {quote(name)}"
    hint = f'write "${{{name}}}" in a manifest, or remove the variable'
    return Diagnostic("KIA0321", summary, Severity.WARNING, hint=hint, source=variable.source)


def named_as_secret(name: str, variable: Variable) -> Diagnostic | None:
    """The warning for a variable that is named like a secret and has a value that could be one, or None."""
    if not is_secret(name, variable):
        return None
    summary = f"the variable {quote(name)} is named like a secret, but git keeps its value; outputs mask it"
    hint = "remove it, and set the value in Kiamo by hand"
    return Diagnostic("KIA0245", summary, Severity.WARNING, hint=hint, source=variable.source)


def is_secret(name: str, variable: Variable) -> bool:
    """Whether a variable is sensitive, by its name."""
    return isinstance(variable.value, str) and bool(variable.value) and names_secret(name)

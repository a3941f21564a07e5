"""Reads typed values of the project file, its guards, limits and variables; problems are kept with their place."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from kiamo_iac.core.change_window import WRITTEN, ChangeWindow, WindowError
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, did_you_mean
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.settings import (
    DEFAULT_BYTES,
    DEFAULT_JOURNALS,
    DEFAULT_RETRY_WAIT,
    DEFAULT_ROWS,
    MAX_BYTES,
    MAX_JOURNALS,
    MAX_RETRY_WAIT,
    MAX_ROWS,
    MAX_WRITES_PER_SECOND,
    MIN_WRITES_PER_SECOND,
    GuardSettings,
    LimitSettings,
)
from kiamo_iac.document.parser import Document
from kiamo_iac.document.scalars import type_of
from kiamo_iac.document.value_errors import not_among
from kiamo_iac.manifest.paths import PathProblem, inside
from kiamo_iac.manifest.variables import EACH, MARK, VARIABLE_NAME, Variable


def wrong_type(what: str, wanted: str, value: Any) -> str:
    """The summary for a value of a wrong type, or for an empty one of the right type."""
    is_empty = value in ("", []) and wanted.startswith(type_of(value))
    return f"{what} must not be empty" if is_empty else f"{what} must be {wanted}, got {type_of(value)}"


_OUT_OF_BOUNDS: Final = "correct it, or remove the key"


class KeyReader:
    """Reads values of one document. An invalid value is reported and returned as None."""

    def __init__(self, document: Document, root: Path) -> None:
        self.document = document
        self.diagnostics: list[Diagnostic] = []
        self._root = root

    def report(
        self,
        code: str,
        summary: str,
        source: SourceRange,
        hint: str,
        *,
        related: tuple[tuple[str, SourceRange], ...] = (),
    ) -> None:
        """Add a diagnostic."""
        self.diagnostics.append(Diagnostic(code, summary, hint=hint, source=source, related=related))

    def check_keys(
        self,
        node: dict[str, Any],
        *,
        known: Collection[str],
        what: str,
    ) -> None:
        """Report unknown keys of `node`."""
        place = self.place(node)
        for key in node:
            if key not in known:
                hint = did_you_mean(key, known) or f"known keys: {', '.join(known)}"
                self.report("KIA0302", f"unknown key {quote(key)} in {what}", place.of_key(key), hint)

    def place(self, node: dict[str, Any] | list[Any]) -> Place:
        """The place of a mapping or list of the document."""
        return self.document.place(node)

    def path(self, value: Any, source: SourceRange, *, what: str) -> Path | None:
        """A path inside the project; it need not exist. `what`: the key, as messages name it."""
        if not isinstance(value, str) or not value:
            self.report(
                "KIA0301",
                wrong_type(what, "a string", value),
                source,
                'write it relative to the project file, such as "manifests"',
            )
            return None
        path = inside(self._root, value)
        if isinstance(path, PathProblem):
            self.report(path.code, f"{path.summary}: {quote(value)}", source, path.hint)
            return None
        return path

    def text(self, node: dict[str, Any], key: str, *, example: str) -> str | None:
        """The string under `key`, or None."""
        value = node.get(key)
        if key not in node or (isinstance(value, str) and value):
            return value
        self.report(
            "KIA0301",
            wrong_type(key, "a string", value),
            self.place(node).at(key),
            f"write {key}: {example}",
        )
        return None

    def choice(self, node: dict[str, Any], key: str, choices: Collection[str]) -> str | None:
        """One of `choices`, or None."""
        value = self.text(node, key, example=" or ".join(choices))
        if value is None or value in choices:
            return value
        problem = not_among(key, value, choices)
        self.report("KIA0313", problem.summary, self.place(node).at(key), problem.hint)
        return None

    def integer(
        self, node: dict[str, Any], key: str, *, least: int = 0, most: int | None = None, code: str = "KIA0310"
    ) -> int | None:
        """An integer from `least` to `most`, or None. `code`: for one out of bounds."""
        if key not in node:
            return None
        value = node[key]
        source = self.place(node).at(key)
        if not isinstance(value, int) or isinstance(value, bool):
            self.report(
                "KIA0301",
                wrong_type(key, "an integer", value),
                source,
                "write digits only, without quotes",
            )
            return None
        if value < least or (most is not None and value > most):
            bounds = f"{least} or more" if most is None else f"from {least} to {most}"
            self.report(code, f"{key} must be {bounds}, got {value}", source, _OUT_OF_BOUNDS)
            return None
        return value

    def number(self, node: dict[str, Any], key: str, *, least: float, most: float, code: str) -> float | None:
        """A number from `least` to `most`, or None. `code`: for one out of bounds."""
        if key not in node:
            return None
        value = node[key]
        source = self.place(node).at(key)
        if not isinstance(value, int | float) or isinstance(value, bool):
            self.report("KIA0301", wrong_type(key, "a number", value), source, "write digits only, without quotes")
            return None
        if not least <= value <= most:
            self.report(code, f"{key} must be from {least} to {most}, got {value}", source, _OUT_OF_BOUNDS)
            return None
        return value

    def boolean(self, node: dict[str, Any], key: str) -> bool:
        """A boolean; False when the key is missing."""
        value = node.get(key, False)
        if isinstance(value, bool):
            return value
        self.report(
            "KIA0301",
            wrong_type(key, "true or false", value),
            self.place(node).at(key),
            "write true or false",
        )
        return False


_GUARD_KEYS: Final = (
    "max_deletes",
    "max_delete_percent",
    "max_update_percent",
    "allow_start",
    "allow_stop",
    "change_window",
)


def read_guards(reader: KeyReader, value: Any, source: SourceRange) -> GuardSettings:
    """The guards; missing or invalid keys have their defaults."""
    if not isinstance(value, dict):
        reader.report("KIA0301", wrong_type("guards", "a mapping", value), source, "write guards: {allow_start: true}")
        return GuardSettings()
    reader.check_keys(value, known=_GUARD_KEYS, what="guards")
    return GuardSettings(
        max_deletes=reader.integer(value, "max_deletes"),
        max_delete_percent=reader.integer(value, "max_delete_percent", most=100),
        max_update_percent=reader.integer(value, "max_update_percent", most=100),
        allow_start=reader.boolean(value, "allow_start"),
        allow_stop=reader.boolean(value, "allow_stop"),
        change_window=_window(reader, value),
        place=reader.place(value),
    )


def _window(reader: KeyReader, node: dict[str, Any]) -> ChangeWindow | None:
    text = reader.text(node, "change_window", example=f'"{WRITTEN}"')
    if text is None:
        return None
    try:
        return ChangeWindow.parse(text)
    except WindowError as error:
        source = reader.place(node).at("change_window")
        reader.report("KIA0311", f"invalid change_window: {error}", source, error.hint)
        return None


_LIMIT_KEYS: Final = ("rows", "bytes", "writes_per_second", "retry_wait")
_LIMIT_CODE: Final = "KIA0315"


def read_limits(reader: KeyReader, value: Any, source: SourceRange) -> LimitSettings:
    """The limits; missing or invalid keys have their defaults."""
    if not isinstance(value, dict):
        reader.report(
            "KIA0301",
            wrong_type("limits", "a mapping", value),
            source,
            f"write limits: {{rows: {DEFAULT_ROWS}}}",
        )
        return LimitSettings()
    reader.check_keys(value, known=_LIMIT_KEYS, what="limits")
    rows = reader.integer(value, "rows", least=1, most=MAX_ROWS, code=_LIMIT_CODE)
    size = reader.integer(value, "bytes", least=1, most=MAX_BYTES, code=_LIMIT_CODE)
    slowest, fastest = MIN_WRITES_PER_SECOND, MAX_WRITES_PER_SECOND
    rate = reader.number(value, "writes_per_second", least=slowest, most=fastest, code=_LIMIT_CODE)
    wait = reader.number(value, "retry_wait", least=0, most=MAX_RETRY_WAIT, code=_LIMIT_CODE)
    return LimitSettings(
        rows=DEFAULT_ROWS if rows is None else rows,
        bytes=DEFAULT_BYTES if size is None else size,
        writes_per_second=rate,
        retry_wait=DEFAULT_RETRY_WAIT if wait is None else wait,
    )


def read_journals(reader: KeyReader, value: Any, source: SourceRange) -> int:
    """How many journals are kept; the default where it is missing or invalid."""
    if not isinstance(value, dict):
        summary = wrong_type("journals", "a mapping", value)
        reader.report("KIA0301", summary, source, f"write journals: {{keep: {DEFAULT_JOURNALS}}}")
        return DEFAULT_JOURNALS
    reader.check_keys(value, known=("keep",), what="journals")
    keep = reader.integer(value, "keep", least=1, most=MAX_JOURNALS, code=_LIMIT_CODE)
    return DEFAULT_JOURNALS if keep is None else keep


def read_variables(reader: KeyReader, value: Any, source: SourceRange) -> dict[str, Variable]:
    """The valid variables of a mapping; the others are reported."""
    if not isinstance(value, dict):
        reader.report(
            "KIA0301",
            wrong_type("variables", "a mapping of names", value),
            source,
            'write "brand: ACME" below it',
        )
        return {}
    place = reader.place(value)
    found: dict[str, Variable] = {}
    for name, given in value.items():
        if not VARIABLE_NAME.fullmatch(name):
            hint = "use ASCII letters, digits and underscores; do not begin with a digit"
            reader.report("KIA0323", f"invalid variable name {quote(name)}", place.of_key(name), hint)
        elif name == EACH:
            hint = "rename it"
            reader.report("KIA0323", f"{quote(EACH)} is the row of for_each, not a variable", place.of_key(name), hint)
        elif not isinstance(given, str | int | float | bool):
            hint = "write one value; for larger differences between environments, write a patch"
            reader.report(
                "KIA0323",
                wrong_type(f"the variable {quote(name)}", "a string, a number or a boolean", given),
                place.at(name),
                hint,
            )
        elif isinstance(given, str) and MARK in given:
            hint = "write its value out"
            reader.report("KIA0323", f"the variable {quote(name)} refers to another variable", place.at(name), hint)
        else:
            found[name] = Variable(given, place.at(name))
    return found

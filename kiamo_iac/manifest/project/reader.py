"""The data of a project file while it is read: each value checked for its type, every problem kept with its place."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from kiamo_iac.core.change_window import WRITTEN, ChangeWindow, WindowError
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, did_you_mean
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.settings import DEFAULT_BYTES, DEFAULT_ROWS, MAX_BYTES, MAX_ROWS, GuardSettings, LimitSettings
from kiamo_iac.document.parser import Document
from kiamo_iac.manifest.paths import PathProblem, inside
from kiamo_iac.manifest.variables import MARK, VARIABLE_NAME, Variable


class KeyReader:
    """One document, and what was found wrong with it. A value that cannot be used comes as None, and has been told."""

    def __init__(self, document: Document, root: Path) -> None:
        self.document = document
        self.diagnostics: list[Diagnostic] = []
        self._root = root

    def say(
        self,
        code: str,
        summary: str,
        source: SourceRange,
        hint: str,
        *,
        related: tuple[tuple[str, SourceRange], ...] = (),
    ) -> None:
        """Keep a problem."""
        self.diagnostics.append(Diagnostic(code, summary, hint=hint, source=source, related=related))

    def check_keys(
        self,
        node: dict[str, Any],
        *,
        known: Collection[str],
        what: str,
    ) -> None:
        """Tell of keys that `what` does not have."""
        place = self.place(node)
        for key in node:
            if key not in known:
                hint = did_you_mean(key, known) or f"{what} takes {', '.join(known)}"
                self.say("KIA0302", f"{quote(key)} is not a key of {what}", place.of_key(key), hint)

    def place(self, node: dict[str, Any] | list[Any]) -> Place:
        """Where a mapping or list of the document stands."""
        return self.document.place(node)

    def path(self, value: Any, source: SourceRange) -> Path | None:
        """A path inside the project; it need not exist."""
        if not isinstance(value, str) or not value:
            self.say("KIA0301", "a path is text", source, 'write it relative to the project file, such as "manifests"')
            return None
        path = inside(self._root, value)
        if isinstance(path, PathProblem):
            self.say(path.code, f"{path.summary}: {quote(value)}", source, path.hint)
            return None
        return path

    def text(self, node: dict[str, Any], key: str, *, example: str) -> str | None:
        """The text under `key`; None too when there is none."""
        value = node.get(key)
        if key not in node or (isinstance(value, str) and value):
            return value
        self.say("KIA0301", f'"{key}" is text', self.place(node).at(key), f"write {key}: {example}")
        return None

    def choice(self, node: dict[str, Any], key: str, choices: Collection[str]) -> str | None:
        """One of `choices`; None too when there is none."""
        value = self.text(node, key, example=" or ".join(choices))
        if value is None or value in choices:
            return value
        hint = did_you_mean(value, choices) or f"it takes {', '.join(choices)}"
        self.say("KIA0313", f'"{key}" does not take {quote(value)}', self.place(node).at(key), hint)
        return None

    def number(
        self, node: dict[str, Any], key: str, *, least: int = 0, most: int | None = None, code: str = "KIA0310"
    ) -> int | None:
        """A whole number from `least` up to `most`; None too when there is none. `code`: of one out of bounds."""
        if key not in node:
            return None
        value = node[key]
        source = self.place(node).at(key)
        if not isinstance(value, int) or isinstance(value, bool):
            self.say("KIA0301", f'"{key}" is a whole number', source, "write digits alone, without quotes")
            return None
        if value < least or (most is not None and value > most):
            bounds = f"{least} or more" if most is None else f"from {least} to {most}"
            self.say(code, f'"{key}" is {bounds}, not {value}', source, "correct it, or remove the key")
            return None
        return value

    def switch(self, node: dict[str, Any], key: str) -> bool:
        """True or false; false too when there is none."""
        value = node.get(key, False)
        if isinstance(value, bool):
            return value
        self.say("KIA0301", f'"{key}" is true or false', self.place(node).at(key), "write true or false")
        return False


_GUARD_KEYS: Final = ("max_deletes", "max_delete_percent", "max_update_percent", "allow_start", "change_window")


def read_guards(nodes: KeyReader, value: Any, source: SourceRange) -> GuardSettings:
    """What `guards` says; what it leaves out, or says wrongly, is as without it."""
    if not isinstance(value, dict):
        nodes.say("KIA0301", '"guards" is a mapping', source, "write guards: {allow_start: true}")
        return GuardSettings()
    nodes.check_keys(value, known=_GUARD_KEYS, what="guards")
    percent = nodes.number(value, "max_delete_percent", most=100)
    return GuardSettings(
        max_deletes=nodes.number(value, "max_deletes"),
        max_delete_percent=GuardSettings().max_delete_percent if percent is None else percent,
        max_update_percent=nodes.number(value, "max_update_percent", most=100),
        allow_start=nodes.switch(value, "allow_start"),
        change_window=_window(nodes, value),
        place=nodes.place(value),
    )


def _window(nodes: KeyReader, node: dict[str, Any]) -> ChangeWindow | None:
    text = nodes.text(node, "change_window", example=f'"{WRITTEN}"')
    if text is None:
        return None
    try:
        return ChangeWindow.parse(text)
    except WindowError as error:
        source = nodes.place(node).at("change_window")
        nodes.say("KIA0311", f"the change window cannot be read: {error}", source, error.hint)
        return None


_LIMIT_KEYS: Final = ("rows", "bytes")
_LIMIT_CODE: Final = "KIA0315"


def read_limits(nodes: KeyReader, value: Any, source: SourceRange) -> LimitSettings:
    """What `limits` says; what it leaves out, or says wrongly, is as without it."""
    if not isinstance(value, dict):
        nodes.say("KIA0301", '"limits" is a mapping', source, f"write limits: {{rows: {DEFAULT_ROWS}}}")
        return LimitSettings()
    nodes.check_keys(value, known=_LIMIT_KEYS, what="limits")
    rows = nodes.number(value, "rows", least=1, most=MAX_ROWS, code=_LIMIT_CODE)
    size = nodes.number(value, "bytes", least=1, most=MAX_BYTES, code=_LIMIT_CODE)
    return LimitSettings(DEFAULT_ROWS if rows is None else rows, DEFAULT_BYTES if size is None else size)


def read_variables(nodes: KeyReader, value: Any, source: SourceRange) -> dict[str, Variable]:
    """The variables of a mapping; whatever cannot be one has been told."""
    if not isinstance(value, dict):
        nodes.say("KIA0301", '"variables" is a mapping of names', source, 'write "brand: ACME" below it')
        return {}
    place = nodes.place(value)
    found: dict[str, Variable] = {}
    for name, given in value.items():
        if not VARIABLE_NAME.fullmatch(name):
            hint = "use letters of ASCII, digits and underscores, and begin with no digit"
            nodes.say("KIA0323", f"{quote(name)} is not a name for a variable", place.of_key(name), hint)
        elif not isinstance(given, str | int | float | bool):
            hint = "write one value; for a longer difference between environments, write a patch"
            nodes.say(
                "KIA0323", f"the variable {quote(name)} is text, a number, or true or false", place.at(name), hint
            )
        elif isinstance(given, str) and MARK in given:
            hint = "write its value out"
            nodes.say("KIA0323", f"the variable {quote(name)} refers to another one", place.at(name), hint)
        else:
            found[name] = Variable(given, place.at(name))
    return found

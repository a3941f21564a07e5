"""The data of a project file while it is read: each value checked for its type, every problem kept with its place."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange, did_you_mean
from kiamo_iac.core.place import Place
from kiamo_iac.core.quote import quote
from kiamo_iac.document.parser import Document
from kiamo_iac.manifest.paths import Refused, inside


class Nodes:
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
        if isinstance(path, Refused):
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

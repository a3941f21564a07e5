"""A derived contract as a file: an override, with each question as a comment at its place."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Any, Final

from kiamo_iac.contract.collection.derive import DerivedContract
from kiamo_iac.contract.collection.requests import Collection
from kiamo_iac.contract.places import EntryPath
from kiamo_iac.core.printable import printable
from kiamo_iac.document.writing import flow_text, scalar

_COLUMNS: Final = 118
_IN_LINES: Final = frozenset({"kinds", "operations", "attributes", "embedded"})
"""Keys whose entries have a line each."""


def override_text(collection: Collection, derived: DerivedContract) -> str:
    """The file."""
    return "\n".join([*_head(collection, derived), *_Writer(derived).lines(), ""])


def _head(collection: Collection, derived: DerivedContract) -> Iterator[str]:
    asked, count = len(derived.questions), len(collection.requests)
    yield f"# Derived by kiamo-iac from {printable(collection.name, 60)} ({collection.format}, {count} requests)."
    yield "# What is certain is marked documented. What is not is null, and no call is made for it."
    yield f'# {asked} question{"" if asked == 1 else "s"}, each marked "# ?", with its candidates below it.'
    yield "# Put the right entry in the place of null, and delete the comment; then run kiamo-iac contract check FILE."


class _Writer:
    def __init__(self, derived: DerivedContract) -> None:
        self._data = derived.data
        self._questions = derived.questions
        self._written: set[int] = set()

    def lines(self) -> Iterator[str]:
        yield from self._mapping(self._data, ())

    def _mapping(self, data: dict[str, Any], path: EntryPath) -> Iterator[str]:
        indent = "  " * len(path)
        for key, value in data.items():
            at = (*path, key)
            yield from self._asked(at, indent)
            if isinstance(value, dict) and value and (key in _IN_LINES or path == ("kinds",)):
                if len(at) < 3:
                    yield ""
                yield f"{indent}{scalar(key)}:"
                yield from self._mapping(value, at)
            else:
                yield f"{indent}{scalar(key)}: {flow_text(value)}"
        below = {question.path[len(path)] for question in self._questions if question.path[: len(path)] == path}
        for key in sorted(below - data.keys() - {""}):
            yield from self._asked((*path, key), indent)

    def _asked(self, path: EntryPath, indent: str) -> Iterator[str]:
        for number, question in enumerate(self._questions):
            if question.path != path or number in self._written:
                continue
            self._written.add(number)
            label = path[-1]
            text = f"{label}: {question.text}"
            for line, piece in enumerate(wrap(printable(text, 2000), _COLUMNS - len(indent) - 4) or [label]):
                yield f"{indent}# {'?' if line == 0 else ' '} {piece}"
            for candidate in question.candidates:
                yield f"{indent}#     {printable(candidate, 1000)}"

"""The glossary and the public class names of the package say the same."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import kiamo_iac

PACKAGE = Path(kiamo_iac.__file__).parent
ROWS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in (PACKAGE.parent / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| word", "| ---"))
]
CLASSES = Counter(
    node.name
    for path in PACKAGE.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
)
DIALECT = re.compile(
    r"\b(?:things?|told|nobody|somebody|in a box|made anew|made new|hold(?:s|ing)? together|left alone"
    r"|let(?:s|ting)? go|come(?:s)? along|on which clock|strangers?)\b",
    re.IGNORECASE,
)
"""Words that no message and no docstring uses."""
QUOTED = re.compile(r"`[^`\n]*`|\b(?:FROM|INTO|UPDATE|TABLE|ON|INDEX) things\b")
"""Code within a docstring, and the table of the emulator's database."""


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Every docstring and message of a file, with its line; a single word is a key, and none of them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, QUOTED.sub("", node.value)


def words(name: str) -> set[str]:
    """The words of a class name: `LockInfo` → lock, info."""
    return {word.lower() for word in re.findall(r"[A-Z][a-z0-9]*", name)}


def test_a_public_class_name_means_one_thing() -> None:
    assert {name: count for name, count in CLASSES.items() if count > 1} == {}


def test_every_word_is_explained_once_and_every_class_named_exists() -> None:
    terms = [row[0] for row in ROWS]
    assert len(terms) > 50
    assert {term: count for term, count in Counter(terms).items() if count > 1} == {}
    assert all(row[1] for row in ROWS)
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[2])}
    assert sorted(named - CLASSES.keys()) == []


def test_no_public_class_is_called_by_another_word_than_the_glossary_s() -> None:
    banned = {word for row in ROWS for word in re.split(r",\s*", row[3]) if word}
    assert {name for name in CLASSES if words(name) & banned} == set()


@pytest.mark.parametrize("room", sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()))
def test_messages_and_docstrings_are_in_plain_words(room: str) -> None:
    found = [
        f"{path.relative_to(PACKAGE).as_posix()}:{line}: {match[0]}"
        for path in sorted((PACKAGE / room).rglob("*.py"))
        for line, text in texts(path)
        for match in DIALECT.finditer(text)
    ]
    assert found == []

"""Syntax errors in plain words."""

from __future__ import annotations

import pytest

from kiamo_iac.document.parser import parse
from tests.document.reading import codes, where


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: b: c\n", "1:5", '": "'),
        ("a:\n\tb: c\n", "2:1", "tab"),
        ("a: 1\nb: 'x\nc: 2\n", "2:4", "not closed"),
        ('a: "x\n', "1:4", "not closed"),
        ("a: [1, 2\nb: 3\n", "2:2", '","'),
        ("a: {b: 1\n", "2:1", '"}"'),
        ("a:\n  b: 1\n c: 2\n", "3:2", "expected a key"),
        ("a: @x\n", "1:4", "character"),
        ("a: 1\nbcd\n", "3:1", '":"'),
        ('a: "\\q"\n', "1:5", "invalid escape"),
        ("- a\nb: 1\n", "2:1", '"- "'),
        ("a: 'x' y\n", "1:8", "key"),
    ],
)
def test_broken_syntax_is_said_in_plain_words(text: str, place: str, words: str) -> None:
    document = parse(text, file="m.yaml")
    assert codes(document) == ["KIA0101"]
    assert where(document) == [f"m.yaml:{place}"]
    assert words in document.diagnostics[0].summary
    assert document.diagnostics[0].hint


def test_problems_before_a_syntax_error_are_said_too() -> None:
    document = parse("a: 0612\nb: {b: 1, b: 2}\nc: 'x\n", file="m.yaml")
    assert codes(document) == ["KIA0114", "KIA0108", "KIA0101"]


@pytest.mark.parametrize("character", ["\x01", "\x1b", "\x7f", "\ud800", "\ufffe"])
def test_characters_outside_of_yaml(character: str) -> None:
    document = parse(f"a: 1\nb: x{character}\n", file="m.yaml")
    assert codes(document) == ["KIA0119"]
    assert where(document) == ["m.yaml:2:5"]

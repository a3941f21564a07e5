"""What no manifest can hold, and how the rest is written so that no variable is read."""

from __future__ import annotations

from typing import Any

import pytest

from kiamo_iac.authoring.exporting.unrepresentable import escaped, refused, refused_name

TOKEN = "0123456789abcdef" * 2 + "01234567"


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", ["0612345678", "", "${x}", 2**63 - 1, -(2**63), 1.5, True, None, {"a": [1]}, _deep(24)]
)
def test_what_a_manifest_can_hold(value: Any) -> None:
    assert refused(value) is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (TOKEN, "looks like a token"),
        ({"a": [f"Bearer {TOKEN}"]}, "looks like a token"),
        ("my own secret", "looks like a token"),
        ({TOKEN: 1}, "has a key that looks like a token"),
        ("\ud800", "holds half of a surrogate pair"),
        (2**63, "is a number too large to be kept exactly"),
        ({"${a}": 1}, 'has a key with "${", where a manifest reads no variables'),
        ({"\u00e9": 1, "e\u0301": 2}, "has two keys that are the same in Unicode NFC"),
        (_deep(25), "is nested too deeply"),
    ],
)
def test_what_it_cannot_hold(value: Any, why: str) -> None:
    assert refused(value, is_secret=lambda text: "secret" in text) == why


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("prospects", None),
        ("n" * 256, "is longer than 255 characters"),
        ("a\u202eb", "holds the invisible character U+202E"),
        ("a/b", None),
        (TOKEN, "looks like a token"),
    ],
)
def test_names(name: str, why: str | None) -> None:
    assert refused_name(name) == why


def test_nothing_is_taken_for_a_variable() -> None:
    assert escaped({"a": ["${x}", "$${x}", 1]}) == {"a": ["$${x}", "$$${x}", 1]}

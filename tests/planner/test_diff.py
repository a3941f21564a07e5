"""Differences between two values: nested ones are reported at their own path."""

from __future__ import annotations

from typing import Any

import pytest

from kiamo_iac.planner.diff import field_changes
from kiamo_iac.planner.plan import FieldChange

CASES: dict[str, tuple[Any, Any, list[FieldChange]]] = {
    "equal": ({"a": {"b": 1}}, {"a": {"b": 1}}, []),
    "a leaf, three levels down": (
        {"hours": {"mon": {"open": 8, "close": 18}, "tue": {}}, "pace": 1},
        {"hours": {"mon": {"open": 9, "close": 18}, "tue": {}}, "pace": 1},
        [FieldChange("settings.hours.mon.open", 8, 9)],
    ),
    "leaves in the order of their paths": (
        {"b": {"y": 1, "x": 1}, "a": 1},
        {"b": {"y": 2, "x": 2}, "a": 2},
        [FieldChange("settings.a", 1, 2), FieldChange("settings.b.x", 1, 2), FieldChange("settings.b.y", 1, 2)],
    ),
    "a leaf on one side": (
        {"a": {"b": 1}},
        {"a": {"c": 2}},
        [FieldChange("settings.a.b", 1, None), FieldChange("settings.a.c", None, 2)],
    ),
    "a list is one value": (
        {"a": {"list": [1, {"b": 2}]}},
        {"a": {"list": [1, {"b": 3}]}},
        [FieldChange("settings.a.list", [1, {"b": 2}], [1, {"b": 3}])],
    ),
    "a mapping against a scalar": ({"a": {"b": 1}}, {"a": 1}, [FieldChange("settings.a", {"b": 1}, 1)]),
    "types differ": ({"a": 1}, {"a": True}, [FieldChange("settings.a", 1, True)]),
    "null against no key": ({"a": None}, {}, [FieldChange("settings", {"a": None}, {})]),
}


@pytest.mark.parametrize(("before", "after", "expected"), CASES.values(), ids=CASES)
def test_a_difference_is_at_its_path(before: Any, after: Any, expected: list[FieldChange]) -> None:
    assert list(field_changes("settings", before, after)) == expected

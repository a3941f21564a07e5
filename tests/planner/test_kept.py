"""Values that the instance keeps in another form than they were sent in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.sensitive import MASK, Sensitive, hidden
from kiamo_iac.core.state import KeptValue, Owned, ResourceState
from kiamo_iac.planner.diff import attribution
from kiamo_iac.planner.kept import alike, as_sent, original
from kiamo_iac.planner.masking import comparable
from kiamo_iac.planner.matching import is_as_sent
from kiamo_iac.resources import kinds

BASE = Address.of("bases", "b")


def entry(*kept: tuple[str, Any, Any], **attributes: Any) -> Owned:
    return Owned(BASE, "1", attributes, kept=tuple(KeptValue(*pair) for pair in kept))


@pytest.mark.parametrize(
    ("declared", "live", "pair", "expected"),
    [
        ("A ", "A", ("label", "A ", "A"), "A "),
        ("A ", "A", ("settings.label", "A ", "A"), "A"),
        ("B", "A", ("label", "A ", "A"), "A"),
        ("A ", "C", ("label", "A ", "A"), "C"),
        ("A", "A", ("label", "A ", "A"), "A"),
        ("A", None, ("label", "A", None), "A"),
        (3, "3", ("label", 3, "3"), 3),
        (3, 3, ("label", 3, "3"), 3),
        (["b", "a"], ["a", "b"], ("label", ["b", "a"], ["a", "b"]), ["b", "a"]),
        (["b", "c"], ["a", "b"], ("label", ["b", "a"], ["a", "b"]), ["a", "b"]),
        ({"x": "A ", "y": 1}, {"x": "A", "y": 2}, ("label.x", "A ", "A"), {"x": "A ", "y": 2}),
        ({"x": 1}, {"x": 1, "z": 0}, ("label.z", None, 0), {"x": 1}),
        ({"x": 1}, {"x": 1, "z": 5}, ("label.z", None, 0), {"x": 1, "z": 5}),
        ({"x": 1, "y": 2}, {"x": 1}, ("label.y", 2, None), {"x": 1, "y": 2}),
        ({"x": 1, "y": None}, {"x": 1, "y": None}, ("label.q", 2, None), {"x": 1, "y": None}),
        ({"a.b": "A "}, {"a.b": "A"}, ("label.a.b", "A ", "A"), {"a.b": "A "}),
        ({"a": {"b": ["A "]}}, {"a": {"b": ["A"]}}, ("label.a.b", ["A "], ["A"]), {"a": {"b": ["A "]}}),
    ],
)
def test_a_live_value_counts_as_what_was_sent_while_neither_side_changes(
    declared: Any, live: Any, pair: tuple[str, Any, Any], expected: Any
) -> None:
    assert as_sent("label", declared, live, entry(pair)) == expected
    assert as_sent("label", declared, live, None) == live


@pytest.mark.parametrize(
    ("sent", "kept", "is_alike"),
    [
        ("A ", "A", True),
        ("a\r\nb", "a\nb", True),
        ("a & b", "a &amp; b", True),
        ("Clients", "clients", True),
        (3, "3", True),
        (True, "true", True),
        (["b", "a"], ["a", "b"], True),
        ({"x": 1, "y": 2}, {"x": "1"}, True),
        ("A", "B", False),
        ("A", None, False),
        (["a"], ["a", "b"], False),
        ({"x": 1}, {"x": 2}, False),
        (Sensitive("one-secret"), Sensitive("another"), False),
        ({"x": [Sensitive("one-secret")]}, {"x": [Sensitive("another")]}, False),
    ],
)
def test_what_is_the_same_text_in_another_spelling(sent: Any, kept: Any, is_alike: bool) -> None:
    assert alike(sent, kept) is is_alike


def test_what_a_killed_run_was_to_create_may_be_kept_otherwise() -> None:
    intent = Owned(BASE, None, {"name": "b", "label": "Clients ", "settings": {"pace": 3}})
    live = ResourceState(BASE, kinds()["base"], {"name": "b", "label": "Clients"}, {"pace": "3"}, remote_id="1")
    assert is_as_sent(intent, live)
    assert not is_as_sent(intent, replace(live, attributes={"name": "b", "label": "Others"}))
    assert not is_as_sent(intent, replace(live, settings={}))


def test_a_sensitive_value_beside_a_kept_one_is_still_compared() -> None:
    declared = hidden({"mail": {"host": "mx ", "password": "s3cret-of-1"}})
    applied = {"mail": {"host": "mx ", "password": MASK}}
    owned = entry(("settings.mail.host", "mx ", "mx"), settings=applied)
    same = comparable(declared, hidden({"mail": {"host": "mx", "password": "s3cret-of-1"}}), owned)
    assert same == declared
    other = comparable(declared, hidden({"mail": {"host": "mx", "password": "another-one"}}), owned)
    assert other != declared
    assert other["mail"]["host"] == "mx "


def test_a_change_in_git_is_attributed_to_git_alone() -> None:
    owned = entry(("label", "A ", "A"), label="A ")
    assert attribution(owned, "label", "A", "B") == "changed in git since the last apply"
    assert attribution(owned, "label", "C", "A ") == "changed on the instance"
    assert attribution(owned, "label", "C", "B") == "changed on both sides"
    assert (original("label", "A", owned), original("label", "C", owned)) == ("A ", "C")

"""Sensitive settings between three sides of which the ledger knows one by its presence alone."""

from __future__ import annotations

from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.resource import Lifecycle
from kiamo_iac.core.sensitive import MASK, Sensitive, hidden, masked, revealed
from kiamo_iac.core.state import Owned, ResourceState, fingerprint
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.masking import applied_for_display, as_declared, as_live, comparable, hidden_like, not_compared
from kiamo_iac.resources import kinds

BASE = Address.of("bases", "b")


def entry(settings: dict[str, Any] | None) -> Owned | None:
    return Owned(BASE, "1", {"settings": settings}) if settings is not None else None


def live(settings: dict[str, Any], *sensitive: str) -> ResourceState:
    return ResourceState(
        BASE, kinds()["base"], {"name": "b"}, hidden(settings), Lifecycle(sensitive=sensitive), remote_id="1"
    )


@pytest.mark.parametrize(
    ("declared", "now", "applied", "differs"),
    [
        ({"pwd": "a"}, {"pwd": "a"}, None, False),
        ({"pwd": "a"}, {"pwd": "b"}, {"pwd": MASK}, True),
        ({"pwd": "a"}, {"pwd": "****"}, {"pwd": MASK}, False),
        ({"pwd": "a"}, {"pwd": "****"}, {"other": 1}, True),
        ({"pwd": "a"}, {"pwd": "****"}, None, True),
        ({"pwd": "a"}, {}, {"pwd": MASK}, False),
        ({"pwd": "a"}, {"pwd": None}, {"pwd": MASK}, False),
        ({"pwd": "a"}, {"pwd": ""}, {"pwd": "an old value"}, False),
        ({"x": "a"}, {"x": "****"}, {"x": "a"}, True),
        ({"s": {"h": 1, "pwd": "a"}}, {"s": {"h": 1, "pwd": "***"}}, {"s": {"h": 1, "pwd": MASK}}, False),
        ({"s": {"h": 1, "pwd": "a"}}, {"s": {"h": 1}}, {"s": {"h": 1, "pwd": MASK}}, False),
        ({"s": {"h": 1, "pwd": "a"}}, {"s": {"h": 2}}, {"s": {"h": 1, "pwd": MASK}}, True),
        ({"s": {"h": 1, "pwd": "a"}}, {"s": {"h": 1}}, {"s": {"h": 1}}, True),
        ({"s": {"h": 1, "pwd": "a"}}, {}, {"s": {"h": 1, "pwd": MASK}}, True),
        ({"s": {"pwd": "a"}}, {}, {"s": {"pwd": MASK}}, False),
        ({"s": [{"pwd": "a"}]}, {"s": [{"pwd": "••••"}]}, {"s": [{"pwd": MASK}]}, False),
        ({"s": [{"pwd": "a"}]}, {"s": [{"pwd": "••••"}]}, {"s": []}, True),
        ({"s": [{"pwd": "a"}]}, {"s": []}, {"s": [{"pwd": MASK}]}, True),
    ],
)
def test_what_a_declared_setting_is_compared_with(
    declared: dict[str, Any], now: dict[str, Any], applied: dict[str, Any] | None, differs: bool
) -> None:
    wanted, there = hidden(declared), hidden(now)
    compared = comparable(wanted, there, entry(applied))
    assert (not same(compared, dict(wanted))) is differs
    paths = not_compared(wanted, there, entry(applied))
    if not differs:  # otherwise another entry of the same mapping may differ, and be sent with it
        assert bool(paths) is not same(revealed(there), declared)
    assert not same(there, wanted) or paths == []


def test_the_live_side_is_hidden_where_any_other_side_has_a_secret() -> None:
    desired = live({"pwd": "a", "zone": "x"}, "settings.zone", "settings.only.live")
    there = ResourceState(
        BASE, kinds()["base"], {"name": "b"}, {"zone": 1, "only": {"live": 2, "x": 3}, "old": "y", "n": 4}
    )
    found = hidden_like(there, desired, entry({"old": MASK}))
    assert masked(found.settings) == {"zone": MASK, "only": {"live": MASK, "x": 3}, "old": MASK, "n": 4}
    assert hidden_like(there, None, None) is there
    bare = ResourceState(BASE, kinds()["base"], {"name": "b"})
    assert hidden_like(bare, desired, None) is bare


def test_what_the_ledger_does_not_know_is_taken_for_another_side() -> None:
    declared = {"pwd": Sensitive("a"), "x": 1, "l": [Sensitive("b")]}
    applied = {"pwd": MASK, "x": 2, "l": [MASK], "gone": MASK}
    assert same(as_declared(applied, declared), {**declared, "x": 2, "gone": MASK})
    assert same(as_live(applied, {"pwd": "c", "x": 3, "l": ["d"]}), {"pwd": "c", "x": 2, "l": ["d"]})
    shown = applied_for_display({"pwd": "an old value", "x": 2, "l": ["old"]}, declared)
    assert shown == {"pwd": MASK, "x": 2, "l": [MASK]}
    assert as_declared(None, declared["pwd"]) is applied_for_display(None, declared["pwd"]) is None


def test_a_fingerprint_only_shows_that_a_secret_exists() -> None:
    first, second = live({"pwd": "a", "x": 1}), live({"pwd": "b", "x": 1})
    assert fingerprint(first) == fingerprint(second)
    assert fingerprint(first) == fingerprint(live({"pwd": MASK, "x": 1}))
    assert fingerprint(first) != fingerprint(live({"x": 1}))
    assert fingerprint(first) != fingerprint(live({"pwd": "a", "x": 2}))

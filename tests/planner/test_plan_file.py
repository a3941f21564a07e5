"""Saved plans: read back unchanged, refused after any modification, compared with the plan that is derived now."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.core.errors import PlanFileError, StaleError
from kiamo_iac.core.sensitive import hide
from kiamo_iac.core.state import State
from kiamo_iac.planner import plan_file
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.plan_compare import Finding, PlanDifference, Presence, check_bound, check_same, compare
from kiamo_iac.planner.plan_file import (
    Options,
    SavedPlan,
    contract_digest,
    declared_digests,
    load_plan,
    manifests_digest,
    text_of,
)
from tests.planner.conftest import Planner, _instances
from tests.render.plans import PROVENANCE_OF_TESTS

DESIRED: dict[str, Any] = {
    "services": [{"name": "Sales"}, {"name": "Win back", "managed": True}],
    "bases": [
        {
            "name": "prospects",
            "label": "New",
            "fields": [{"name": "city", "label": "Ville d’appel", "datatype": "string"}],
            "batches": [
                {"name": "spring", "service": "Sales", "association": {"destination": "city"}, "settings": {"pace": 1}},
                {"name": "summer", "renamed_from": ["old"], "service": "Sales"},
                {"name": "retired", "ensure": "absent"},
            ],
        }
    ],
}
LIVE: dict[str, Any] = {
    "services": [{"name": "Sales"}, {"name": "Care"}],
    "bases": [
        {
            "name": "prospects",
            "label": "Old",
            "batches": [
                {"name": "old", "service": "Sales", "association": {}, "state": "new"},
                {"name": "retired", "service": "Care", "association": {}, "state": "started"},
                {"name": "stranger", "service": "Care", "association": {}, "state": "new"},
            ],
        },
        {"name": "elsewhere"},
    ],
}
CANARY = "deadbeef" * 5
REMARK = Diagnostic(
    "KIA0601",
    "a remark",
    Severity.WARNING,
    detail="Of some length.",
    hint="leave it",
    address=Address("services/Sales"),
    source=SourceRange("C:/manifests/a.yaml", 3, 5),
    related=(("first here", SourceRange("manifests/b.yaml", 1, 1)),),
)


def saved_of(plan: Plan) -> SavedPlan:
    return SavedPlan(
        plan=plan,
        tool_version="1.2.3",
        created_at="2026-02-03T04:05:06Z",
        manifests_digest="a" * 64,
        contract_digest="b" * 64,
        nonce="c" * 32,
        options=Options(prune=True, targets=(Address("bases/prospects"),), may_stop=(Address("bases/x/batches/y"),)),
        provenance=PROVENANCE_OF_TESTS,
    )


@pytest.fixture
def made(plan: Planner) -> Plan:
    return replace(plan(DESIRED, LIVE), diagnostics=(REMARK,))


def load(text: str) -> SavedPlan:
    return load_plan(text.encode(), shown="plan.json")


# --- there and back --------------------------------------------------------------------------------------------------


def test_a_saved_plan_is_read_back_whole(made: Plan) -> None:
    saved = saved_of(made)
    text = text_of(saved)
    assert text.isascii()
    assert load(text) == replace(saved, plan=replace(made, bindings={}))
    assert load(text).digest == saved.digest == json.loads(text)["digest"]
    assert text_of(load(text)) == text
    assert len(made.steps) == 7
    assert sum(line.startswith('{"id"') for line in text.splitlines()) == 7


def test_an_empty_plan_can_be_saved(made: Plan) -> None:
    empty = replace(made, steps=(), diagnostics=(), bindings={})
    assert load(text_of(saved_of(empty))).plan == empty


def test_two_plans_alike_have_two_digests(made: Plan) -> None:
    assert saved_of(made).digest != replace(saved_of(made), nonce="d" * 32).digest


def test_a_refused_plan_is_not_saved(made: Plan) -> None:
    with pytest.raises(ValueError, match="refused"):
        text_of(saved_of(replace(made, diagnostics=(Diagnostic("KIA0503", "no"),))))


def test_what_looks_like_a_token_is_not_written(plan: Planner) -> None:
    live = copy.deepcopy(LIVE)
    live["bases"][0]["batches"][1]["settings"] = {CANARY: [f"Bearer {CANARY}"]}
    made = plan(DESIRED, live)
    assert any(CANARY in str(step.before) for step in made.steps)
    text = text_of(saved_of(made))
    assert CANARY not in text
    assert load(text).digest == saved_of(made).digest
    assert compare(load(text).plan, made).finding is Finding.SAME


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a saved plan"),
        ("<html>", "is not a saved plan: it is HTML"),
        ("[]", "is missing"),
        ('{"saved": []}', "is missing"),
        ('{"saved": {}, "saved": {}}', "the same key twice"),
        ("[" * 100_000, "nested too deeply"),
        ('{"saved": NaN}', "NaN is not JSON"),
    ],
)
def test_what_is_no_saved_plan(text: str, says: str) -> None:
    with pytest.raises(PlanFileError, match=says) as caught:
        load(text)
    assert caught.value.exit_code == 1
    assert "plan --out" in (caught.value.hint or "")


def test_a_plan_too_large_is_neither_written_nor_read(made: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    text = text_of(saved_of(made))
    monkeypatch.setattr(plan_file, "MAX_BYTES", 500)
    with pytest.raises(PlanFileError, match="7 steps, more than can be saved"):
        text_of(saved_of(made))
    with pytest.raises(PlanFileError, match="larger than"):
        load(text)


@pytest.mark.parametrize("change", [{"format_version": "2.0"}, {"saved": {"format_version": "0", "tool_version": "9"}}])
def test_another_format_is_reported_first(made: Plan, change: dict[str, Any]) -> None:
    data = json.loads(text_of(saved_of(made))) | change
    with pytest.raises(PlanFileError, match="in a format that this version does not support") as caught:
        load(json.dumps(data))
    assert caught.value.hint


def test_an_accident_is_caught_by_the_digest(made: Plan) -> None:
    with pytest.raises(PlanFileError, match="digest does not match") as caught:
        load(text_of(saved_of(made)).replace('"New"', '"Newt"'))
    assert caught.value.hint


# --- flipping every field --------------------------------------------------------------------------------------------


Path = tuple[Any, ...]


def _leaves(data: Any, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(data, dict | list):
        for key in data if isinstance(data, dict) else range(len(data)):
            yield from _leaves(data[key], (*path, key))


def _others(value: Any) -> list[Any]:
    match value:
        case bool():
            return [not value, int(value), None]
        case int():
            return [value + 1, float(value), value == 1, str(value), None]
        case str():
            return [f"{value}x", "", 7, None, [value], CANARY]
        case None:
            return ["x", 0, {}, False]
        case list():
            return [[*value, *value[-1:]] if value else ["x"], value[::-1] if len(value) > 1 else None, value[1:], {}]
        case dict():
            return [{**value, "x": 1}, list(value), None]
        case _:
            raise AssertionError(value)


def _without(data: Any, path: Path) -> Any:
    found = copy.deepcopy(data)
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return found


def _with(data: Any, path: Path, value: Any) -> Any:
    found = copy.deepcopy(data)
    inner = found
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return found


def _mutants(data: Any) -> Iterator[tuple[Path, Any]]:
    for path in _leaves(data):
        if path:
            yield path, _without(data, path)
            at = data
            for key in path:
                at = at[key]
            for value in _others(at):
                if value != at or type(value) is not type(at):
                    yield path, _with(data, path, value)


_SHOWN_ONLY = ("created_at",)
"""Under `saved`: any text there leaves what is applied as it is. A nonce is 32 hexadecimal characters."""


def _accepted(data: dict[str, Any], derive: Callable[[Options], Plan]) -> bool:
    """As apply does it; True when it would go on."""
    try:
        saved = load(json.dumps(data))
        check_bound(
            saved,
            environment=None,
            url="http://127.0.0.1:1",
            manifests_digest="a" * 64,
            contract_digest="b" * 64,
            tool_version="1.2.3",
        )
        check_same(saved.plan, derive(saved.options))
    except (PlanFileError, StaleError) as error:
        return not (str(error).endswith(".") and error.hint)
    return True


@pytest.mark.parametrize("attacker", [False, True], ids=["careless", "recomputes the digest"])
def test_flip_every_field_and_nothing_is_written_that_was_not_shown(made: Plan, attacker: bool) -> None:
    original = json.loads(text_of(saved_of(made)))

    def derive(options: Options) -> Plan:
        return made if options == saved_of(made).options else replace(made, steps=made.steps[:-1])

    assert _accepted(original, derive)
    counted, passed = 0, set()
    for path, mutant in _mutants(original):
        if attacker and isinstance(mutant, dict) and path != ("digest",):
            mutant.pop("digest", None)
            mutant["digest"] = plan_file._digest(mutant)
        counted += 1
        if _accepted(mutant, derive):
            passed.add(path)
    assert counted > 1000
    allowed = {("saved", key) for key in _SHOWN_ONLY} if attacker else set()
    # of both, apply shows what it finds itself
    shown = {path for path in passed if path[0] in {"diagnostics", "provenance"} or path[-1] == "source"}
    assert passed - shown == allowed
    assert bool(shown) is attacker


def test_duplicate_keys_are_refused(made: Plan) -> None:
    text = text_of(saved_of(made))
    for key in ("steps", "environment", "saved"):
        with pytest.raises(PlanFileError, match="same key twice"):
            load(text.replace(f'"{key}":', f'"{key}": 1,\n"{key}":', 1))


# --- compared --------------------------------------------------------------------------------------------------------


def _changed(plan: Planner, change: Callable[[dict[str, Any]], None]) -> Plan:
    live = copy.deepcopy(LIVE)
    change(live)
    return plan(DESIRED, live)


def _saw(change: PlanDifference) -> tuple[str, Presence, Presence]:
    return (change.address, change.saw, change.now)


UNRELATED: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "another base": lambda live: live["bases"].append({"name": "more"}),
    "another base's label": lambda live: live["bases"][1].update(label="X"),
    "an undeclared batch": lambda live: live["bases"][0]["batches"][2].update(state="stopped"),
    "contacts come in": lambda live: live["bases"][0].update(contacts=12),
    "a service that nothing is written to": lambda live: live["services"].append({"name": "Third"}),
}


@pytest.mark.parametrize("name", UNRELATED)
def test_unrelated_live_changes_are_no_difference(made: Plan, plan: Planner, name: str) -> None:
    assert compare(made, _changed(plan, UNRELATED[name])).finding is Finding.SAME


PRESENT, MISSING, NOT = Presence.PRESENT, Presence.MISSING, Presence.NOT_IN_PLAN
RELATED: Mapping[str, tuple[Callable[[dict[str, Any]], None], set[tuple[str, Presence, Presence]]]] = {
    "the label of a target": (
        lambda live: live["bases"][0].update(label="Other"),
        {("bases/prospects", PRESENT, PRESENT)},
    ),
    "settings of a target that no step writes": (
        lambda live: live["bases"][0]["batches"][0].update(settings={"a": 1}),
        {("bases/prospects/batches/summer", PRESENT, PRESENT)},
    ),
    "what a create refers to": (
        lambda live: live["services"][0].update(label="Changed"),
        {("services/Sales", PRESENT, PRESENT)},
    ),
    "the object to delete is deleted": (
        lambda live: live["bases"][0]["batches"].pop(1),
        {("bases/prospects/batches/retired", PRESENT, NOT)},
    ),
    "the resource to create exists": (
        lambda live: live["services"].append({"name": "Win back"}),
        {("services/Win back", MISSING, NOT)},
    ),
    "the resource to create exists, and differs": (
        lambda live: live["bases"][0].update(fields=[{"name": "city", "label": "B", "datatype": "string"}]),
        {("bases/prospects/fields/city", MISSING, PRESENT)},
    ),
    "a batch was renamed already": (
        lambda live: live["bases"][0]["batches"][0].update(name="summer"),
        {("bases/prospects/batches/summer", PRESENT, NOT)},
    ),
    "a base is deleted": (
        lambda live: live["bases"].pop(0),
        {
            ("bases/prospects", PRESENT, MISSING),
            ("bases/prospects/batches/summer", PRESENT, MISSING),
            ("bases/prospects/batches/retired", PRESENT, NOT),
        },
    ),
}


@pytest.mark.parametrize("name", RELATED)
def test_f11_a_change_of_what_was_seen_is_stale(made: Plan, plan: Planner, name: str) -> None:
    change, expected = RELATED[name]
    derived = _changed(plan, change)
    verdict = compare(made, derived)
    assert verdict.finding is Finding.STALE
    assert {_saw(c) for c in verdict.changes} >= expected
    if name != "the resource to create exists, and differs":  # which spring's association refers to as well
        assert {_saw(c) for c in verdict.changes} == expected
    with pytest.raises(StaleError) as caught:
        check_same(made, derived)
    assert caught.value.exit_code == 3
    assert {d.address for d in caught.value.diagnostics} >= {address for address, _, _ in expected}
    assert {d.code for d in caught.value.diagnostics} == {"KIA0805"}


def test_a_resource_that_is_new_in_the_plan_is_stale(plan: Planner) -> None:
    desired = {"bases": [{"name": "prospects", "exclusive": ["batches"]}]}
    live: dict[str, Any] = {"bases": [{"name": "prospects", "batches": []}]}
    made = plan(desired, live)
    live["bases"][0]["batches"] = [{"name": "late", "service": "S", "association": {}, "state": "stopped"}]
    verdict = compare(made, plan(desired, live))
    assert [_saw(c) for c in verdict.changes] == [("bases/prospects/batches/late", NOT, PRESENT)]


def test_when_the_new_plan_is_refused_its_reasons_are_reported(made: Plan, plan: Planner) -> None:
    derived = _changed(plan, lambda live: live["bases"][0]["batches"][0].update(state="started"))
    assert not derived.applyable
    with pytest.raises(StaleError, match="the new plan is refused") as caught:
        check_same(made, derived)
    assert [d.code for d in caught.value.diagnostics] == ["KIA0508"]


def test_other_steps_with_the_same_sights_are_tampering(made: Plan) -> None:
    other = replace(made, steps=(replace(made.steps[0], after={"label": "trust me"}), *made.steps[1:]))
    assert compare(other, made).finding is Finding.TAMPERED
    with pytest.raises(PlanFileError, match="the file was modified") as caught:
        check_same(other, made)
    assert caught.value.exit_code == 1


def test_other_words_alone_are_stale(made: Plan) -> None:
    other = replace(made, steps=(replace(made.steps[0], reason="changed by another client"), *made.steps[1:]))
    assert compare(other, made).finding is Finding.STALE


# --- what it is bound to ---------------------------------------------------------------------------------------------

BOUND: Mapping[str, Any] = {
    "environment": "test",
    "url": "http://127.0.0.1:1",
    "manifests_digest": "a" * 64,
    "contract_digest": "b" * 64,
    "tool_version": "1.2.3",
}


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"environment": "production"}, PlanFileError, 'for the environment "test", not for "production"'),
        ({"url": "https://other.example"}, PlanFileError, "is now at https://other.example"),
        ({"tool_version": "2"}, PlanFileError, 'by kiamo-iac "1.2.3"'),
        ({"manifests_digest": "f" * 64}, StaleError, "Manifests changed since"),
        ({"contract_digest": "f" * 64}, StaleError, "The contract changed since"),
        ({"contract_digest": "f", "manifests_digest": "f"}, StaleError, "Manifests and the contract changed since"),
    ],
)
def test_f13_a_plan_is_bound_to_what_it_was_made_for(
    made: Plan, change: dict[str, Any], error: type[Exception], says: str
) -> None:
    check_bound(saved_of(made), **BOUND)
    check_bound(saved_of(made), **{**BOUND, "environment": None})
    with pytest.raises(error, match=says):
        check_bound(saved_of(made), **{**BOUND, **change})


def state(document: dict[str, Any]) -> State:
    return State(_instances(document, live=False))


def test_d27_the_digest_of_manifests_is_that_of_what_they_declare() -> None:
    blocks: dict[str, Any] = {
        "services": [{"name": "Sales"}],
        "bases": [{"name": "a", "label": "A", "settings": {"x": 1}}, {"name": "b", "protect": True}],
    }
    digest = manifests_digest(state(blocks))
    assert len(digest) == 64
    assert manifests_digest(state({"bases": blocks["bases"][::-1], "services": blocks["services"]})) == digest
    different: tuple[Callable[[Any], object], ...] = (
        lambda made: made["bases"].pop(),
        lambda made: made["bases"][0].update(label="B"),
        lambda made: made["bases"][0].update(settings={"x": True}),
        lambda made: made["bases"][1].update(protect=False),
        lambda made: made["bases"][1].update(ensure="absent"),
        lambda made: made["services"][0].update(managed=True, label="Sales"),
    )
    for change in different:
        changed = copy.deepcopy(blocks)
        change(changed)
        assert manifests_digest(state(changed)) != digest


def test_changed_manifests_name_the_addresses_and_places_that_differ(made: Plan) -> None:
    before = {"bases": [{"name": "a", "label": "A"}, {"name": "b", "label": "B"}, {"name": "c", "label": "C"}]}
    after = {"bases": [{"name": "a", "label": "A"}, {"name": "b", "label": "other"}, {"name": "d", "label": "D"}]}
    saved = replace(saved_of(made), declared=declared_digests(state(before)))
    changed = {**BOUND, "manifests_digest": "f" * 64}
    with pytest.raises(StaleError, match=r"Manifests changed since the plan was saved \(3 resources\)\.") as caught:
        check_bound(saved, **changed, desired=state(after))
    assert [(str(d.address), d.summary) for d in caught.value.diagnostics] == [
        ("bases/b", "it is declared otherwise"),
        ("bases/c", "it is no longer declared"),
        ("bases/d", "it is newly declared"),
    ]
    many = state({"bases": [{"name": f"n{n:02}"} for n in range(40)]})
    with pytest.raises(StaleError, match=r"\(43 resources, 20 are shown\)") as caught:
        check_bound(saved, **changed, desired=many)
    assert len(caught.value.diagnostics) == 20


def test_a_digest_of_a_declaration_does_not_serve_to_guess_a_sensitive_value(made: Plan) -> None:
    one, other = ({"bases": [{"name": "a", "settings": {"pace": 1, "pin": hide(pin)}}]} for pin in ("1234", "5678"))
    assert manifests_digest(state(one)) != manifests_digest(state(other))
    assert declared_digests(state(one)) == declared_digests(state(other))
    saved = replace(saved_of(made), declared=declared_digests(state(one)))
    with pytest.raises(StaleError, match=r"\(only values that are sensitive\)"):
        check_bound(saved, **{**BOUND, "manifests_digest": "f" * 64}, desired=state(other))


def test_the_digest_of_a_contract_is_that_of_its_data() -> None:
    assert contract_digest({"a": 1, "b": [True]}) == contract_digest({"b": [True], "a": 1})
    assert contract_digest({"a": 1}) != contract_digest({"a": True}) != contract_digest({"a": 1.0})

"""What the ledger adds to a plan: pruning, protection, resources renamed or recreated on the instance; and targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kiamo_iac.planner.plan import Cause, Plan, Standing

from .conftest import CAPABILITIES, PHONE, Planner, entry

Shown = Callable[[Plan], list[str]]

CITY = {"name": "city", "label": "City", "datatype": "string"}
SALES = {"services": [{"name": "Sales"}]}


def batch(name: str = "spring", **more: Any) -> dict[str, Any]:
    return {"name": name, "service": "Sales", "association": {"destination": "phone"}, **more}


def one_base(*batches: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**SALES, "bases": [{"name": "p", "batches": list(batches), **more}]}


def codes(plan: Plan) -> list[str]:
    return [f"{d.code} {d.severity}" for d in plan.diagnostics]


# --- pruning -----------------------------------------------------------------------------------------------------


def test_without_prune_undeclared_resources_are_only_noted(plan: Planner) -> None:
    result = plan(SALES, one_base(), owned=[entry("bases/p")])
    assert result.steps == ()
    assert codes(result) == ["KIA0607 note"]
    assert "bases/p" in result.diagnostics[0].summary


def test_prune_deletes_managed_resources_only(plan: Planner, shown: Shown) -> None:
    live = {**SALES, "bases": [{"name": "p"}, {"name": "q"}]}
    result = plan(SALES, live, owned=[entry("bases/p")], prune=True)
    assert shown(result) == ["delete bases/p"]
    assert result.steps[0].cause is Cause.PRUNE
    assert result.steps[0].reason.startswith("managed, no longer declared")


def test_without_a_ledger_nothing_is_pruned(plan: Planner) -> None:
    result = plan(SALES, one_base(), owned=None, prune=True)
    assert result.steps == ()
    assert codes(result) == ["KIA0606 warning"]


def test_a_pruned_base_stops_its_own_batches_and_bows_to_others(plan: Planner, shown: Shown, refused: Shown) -> None:
    live = one_base(batch(state="started"), batch("old", state="stopped"))
    both = [entry("bases/p"), entry("bases/p/batches/spring")]
    assert shown(plan(SALES, live, owned=both, prune=True)) == ["stop bases/p/batches/spring", "delete bases/p after 1"]
    assert refused(plan(SALES, live, owned=both[:1], prune=True)) == ["KIA0515 None"]
    for may_stop in ("bases/p/batches/spring", "bases/p"):
        named = plan(SALES, live, owned=both[:1], prune=True, may_stop=[may_stop])
        assert shown(named) == ["stop bases/p/batches/spring", "delete bases/p after 1"]
        assert [step.standing for step in named.steps] == [Standing.UNMANAGED, Standing.MANAGED]


def test_o15_a_pruned_base_says_what_goes_with_it(plan: Planner) -> None:
    live = one_base(batch(state="stopped"), batch("old", state="finished"), fields=[CITY])
    result = plan(SALES, live, owned=[entry("bases/p"), entry("bases/p/batches/spring")], prune=True)
    assert result.steps[0].also_deletes == ("bases/p/batches/old", "bases/p/batches/spring", "bases/p/fields/city")
    assert result.steps[0].reason.endswith("also deletes 2 batches, 1 field")
    assert codes(result) == []


def test_a_deleted_base_whose_batches_cannot_be_listed_says_so(plan: Planner) -> None:
    batches = CAPABILITIES.kinds["batch"]
    unlisted = replace(batches, operations=batches.operations - {"list"})
    capabilities = replace(CAPABILITIES, kinds={**CAPABILITIES.kinds, "batch": unlisted})
    result = plan(SALES, one_base(), owned=[entry("bases/p")], prune=True, capabilities=capabilities)
    assert codes(result) == ["KIA0611 warning"]
    assert "bases/p is deleted with all its batches, which no guard counts" in result.diagnostics[0].summary


def test_a_child_is_pruned_below_a_declared_base(plan: Planner, shown: Shown) -> None:
    owned = [entry("bases/p"), entry("bases/p/fields/city"), entry("bases/p/batches/spring")]
    live = one_base(batch(state="paused"), batch("strange", state="new"), fields=[CITY])
    assert shown(plan(one_base(), live, owned=owned, prune=True)) == [
        "stop bases/p/batches/spring",
        "delete bases/p/batches/spring after 1",
        "delete bases/p/fields/city",
    ]


def test_what_is_only_about_to_be_made_is_not_pruned(plan: Planner) -> None:
    assert plan(SALES, one_base(), owned=[entry("bases/p", None)], prune=True).steps == ()


def test_what_is_renamed_on_the_instance_is_not_pruned(plan: Planner) -> None:
    live = {**SALES, "bases": [{"name": "q", "id": "7"}]}
    result = plan(SALES, live, owned=[entry("bases/p", "7")], prune=True)
    assert result.steps == ()
    assert codes(result) == ["KIA0604 warning"]
    result = plan(SALES, live, owned=[entry("bases/p", "7")], prune=True, targets=["bases/p"])
    assert codes(result) == ["KIA0604 warning"], "it is in the ledger, and so no target that is nowhere"


def test_what_is_recreated_on_the_instance_is_not_pruned(plan: Planner) -> None:
    result = plan(SALES, one_base(), owned=[entry("bases/p", "another")], prune=True)
    assert result.steps == ()
    assert codes(result) == ["KIA0608 warning"]


# --- protection --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protected", ["bases/p", "bases/p/fields/city"])
def test_protection_outlives_its_block(plan: Planner, protected: str) -> None:
    addresses = ["bases/p", "bases/p/fields/city"]
    owned = [entry(a, protect=a == protected) for a in addresses]
    result = plan(SALES, one_base(fields=[CITY]), owned=owned, prune=True)
    assert result.steps == ()
    assert codes(result) == ["KIA0605 warning"]
    assert result.diagnostics[0].hint is not None
    assert "protect: false" in result.diagnostics[0].hint


def test_protection_is_removed_in_a_separate_change(plan: Planner, shown: Shown, refused: Shown) -> None:
    absent = one_base(ensure="absent")
    assert refused(plan(absent, one_base(), owned=[entry("bases/p", protect=True)])) == ["KIA0514 m.yaml:2:12"]
    assert shown(plan(absent, one_base(), owned=[entry("bases/p")])) == ["delete bases/p"]


def test_an_exclusive_list_does_not_delete_what_is_protected(plan: Planner, refused: Shown) -> None:
    owned = [entry("bases/p/fields/city", protect=True)]
    assert refused(plan(one_base(exclusive=["fields"]), one_base(fields=[CITY]), owned=owned)) == [
        "KIA0514 m.yaml:2:12"
    ]


# --- renamed, recreated, deleted -----------------------------------------------------------------------------------


def test_what_is_renamed_on_the_instance_is_renamed_back_with_its_children(plan: Planner, shown: Shown) -> None:
    desired = one_base(batch(), label="P")
    live = {**SALES, "bases": [{"name": "p2", "id": "7", "label": "P", "batches": [batch(state="started")]}]}
    batches = entry("bases/p/batches/spring", "id-bases/p2/batches/spring")
    result = plan(desired, live, owned=[entry("bases/p", "7"), batches])
    assert shown(result) == ["rename bases/p"]
    assert (result.steps[0].before, result.steps[0].after) == ({"name": "p2"}, {"name": "p"})
    assert codes(result) == ["KIA0602 warning"]


def test_a_batch_renamed_and_started_on_the_instance_cannot_be_renamed_back(plan: Planner, refused: Shown) -> None:
    live = one_base(batch("x", id="7", state="started"))
    result = plan(one_base(batch()), live, owned=[entry("bases/p/batches/spring", "7")])
    assert "KIA0508 m.yaml:3:1" in refused(result)


def test_what_is_recreated_on_the_instance_is_not_changed(plan: Planner, refused: Shown) -> None:
    for block in ({"label": "P"}, {"ensure": "absent"}):
        result = plan(one_base(**block), one_base(), owned=[entry("bases/p", "another")])
        assert refused(result) == ["KIA0520 m.yaml:2:10"]
        assert result.diagnostics[0].hint is not None
        assert "adopt bases/p" in result.diagnostics[0].hint


def test_what_is_deleted_on_the_instance_is_recreated_with_a_warning(plan: Planner, shown: Shown) -> None:
    result = plan(one_base(), SALES, owned=[entry("bases/p")])
    assert shown(result) == ["create bases/p"]
    assert codes(result) == ["KIA0603 warning"]


def test_a_rename_whose_record_was_lost_is_done(plan: Planner) -> None:
    desired = {"bases": [{"name": "b", "renamed_from": ["a"]}]}
    result = plan(desired, {"bases": [{"name": "b", "id": "7"}]}, owned=[entry("bases/a", "7")])
    assert (result.steps, codes(result)) == ((), [])


def test_what_is_renamed_on_the_instance_and_declared_under_both_names_is_refused(
    plan: Planner, refused: Shown
) -> None:
    desired = {"bases": [{"name": "a"}, {"name": "b"}]}
    result = plan(desired, {"bases": [{"name": "b", "id": "7"}]}, owned=[entry("bases/a", "7")])
    assert [r[:7] for r in refused(result)] == ["KIA0517"]


def swap() -> dict[str, Any]:
    return {"bases": [{"name": "a", "renamed_from": ["b"]}, {"name": "b", "renamed_from": ["a"]}]}


@pytest.mark.parametrize(
    ("a_is", "done", "renames"),
    [("1", False, 3), ("2", True, 0), ("1", True, 3), ("2", False, 0)],
    ids=["declared now", "done and recorded", "swapped back by hand", "done and not recorded"],
)
def test_the_ledger_decides_whether_a_swap_is_done(plan: Planner, a_is: str, done: bool, renames: int) -> None:
    """Nothing but ids tells the two bases apart."""
    b_is = "1" if a_is == "2" else "2"
    owned_a = "2" if done else "1"
    owned = [
        entry("bases/a", owned_a, renamed_from=("b",) if done else ()),
        entry("bases/b", "1" if done else "2", renamed_from=("a",) if done else ()),
    ]
    result = plan(swap(), {"bases": [{"name": "a", "id": a_is}, {"name": "b", "id": b_is}]}, owned=owned)
    assert result.applyable
    assert len(result.steps) == renames


@pytest.mark.parametrize(
    ("live", "renames"),
    [
        ([("a", "1"), ("b-tmp", "2")], [("a", "b"), ("b-tmp", "a")]),
        ([("b", "1"), ("b-tmp", "2")], [("b-tmp", "a")]),
    ],
)
def test_a_swap_that_was_interrupted_is_finished(
    plan: Planner, live: list[tuple[str, str]], renames: list[tuple[str, str]]
) -> None:
    bases = [{"name": name, "id": id_} for name, id_ in live]
    result = plan(swap(), {"bases": bases}, owned=[entry("bases/a", "1"), entry("bases/b", "2")])
    assert codes(result) == []
    assert [(s.before["name"], s.after["name"]) for s in result.steps] == renames


@pytest.mark.parametrize(
    ("last", "live", "words"),
    [
        ("old", "old", "changed in git since the last apply"),
        ("new", "old", "changed on the instance"),
        ("older", "old", "changed on both sides"),
    ],
)
def test_the_reason_of_an_update_names_who_changed_it(plan: Planner, last: str, live: str, words: str) -> None:
    owned = [entry("bases/p", attributes={"name": "p", "label": last})]
    (step,) = plan(one_base(label="new"), one_base(label=live), owned=owned).steps
    assert step.reason == f"label differs from what is declared; {words}"


# --- fingerprints of a step -------------------------------------------------------------------------------------


def test_steps_carry_what_the_plan_saw(plan: Planner) -> None:
    desired = one_base(batch(), {**batch("new one"), "association": {"destination": "city"}}, fields=[CITY])
    result = plan(desired, {**SALES, "bases": [{"name": "p"}]})
    by_address = {str(s.address): s for s in result.steps}
    assert by_address["bases/p/fields/city"].seen == {"bases/p/fields/city": None}
    # The field is made by this plan, so it has no fingerprint.
    assert by_address["bases/p/batches/new one"].seen.keys() == {"bases/p/batches/new one", "services/Sales"}
    assert by_address["bases/p/batches/spring"].seen.keys() == {
        "bases/p/batches/spring",
        "services/Sales",
        "bases/p/fields/phone",
    }
    assert all(seen is None or len(seen) == 32 for s in result.steps for seen in s.seen.values())


def test_a_fingerprint_ignores_nothing_but_counts(plan: Planner) -> None:
    def seen(**more: Any) -> str | None:
        step = plan(one_base(label="new"), one_base(label="old", **more)).steps[0]
        return step.seen[step.address]

    assert seen() == seen(contacts=12)
    assert len({seen(), seen(id="another"), seen(settings={"x": 1}), seen(settings={"x": True})}) == 4


# --- targets -----------------------------------------------------------------------------------------------------


def test_a_target_takes_what_it_depends_on(plan: Planner, shown: Shown) -> None:
    desired = {
        "services": [{"name": "Sales", "managed": True}, {"name": "Other", "managed": True}],
        "bases": [{"name": "p", "fields": [CITY], "batches": [batch(association={"destination": "city"})]}],
    }
    result = plan(desired, {}, targets=["bases/p/batches/spring"])
    assert shown(result) == [
        "create bases/p",
        "create bases/p/fields/city after 1",
        "create services/Sales",
        "create bases/p/batches/spring after 1,2,3",
    ]
    assert codes(result) == ["KIA0609 warning"]


def test_what_is_refused_elsewhere_does_not_matter_to_a_target(plan: Planner, shown: Shown) -> None:
    desired = {"bases": [{"name": "p", "label": "P"}, {"name": "q", "fields": [{**CITY, "datatype": "text"}]}]}
    live = {"bases": [{"name": "p"}, {"name": "q", "fields": [CITY]}]}
    assert shown(plan(desired, live, targets=["bases/p"])) == ["update bases/p"]
    assert not plan(desired, live, targets=["bases/q"]).applyable


def test_a_target_that_is_nowhere_is_refused(plan: Planner, refused: Shown) -> None:
    result = plan(one_base(), one_base(), targets=["bases/pp"])
    assert refused(result) == ["KIA0521 None"]
    assert result.diagnostics[0].hint == 'did you mean "bases/p"?'


# --- declared, and not managed ------------------------------------------------------------------------------------


def test_f30_what_is_declared_live_and_not_in_the_ledger_is_noted(plan: Planner) -> None:
    """Not what the plan writes, not the default fields, and nothing where there is no ledger."""
    desired = {
        "bases": [
            {"name": "p", "label": "New", "fields": [CITY, {k: v for k, v in PHONE.items() if k != "default"}]},
            {"name": "q"},
        ]
    }
    live = {"bases": [{"name": "p", "label": "P", "fields": [CITY]}, {"name": "q"}]}
    assert codes(plan(desired, live)) == []
    result = plan(desired, live, owned=[])
    assert codes(result) == ["KIA0622 note"]
    assert result.diagnostics[0].summary == (
        "2 declared resources exist on the instance and are not managed: bases/p/fields/city, bases/q"
    )
    assert codes(plan(desired, live, owned=[entry("bases/p/fields/city"), entry("bases/q")])) == []

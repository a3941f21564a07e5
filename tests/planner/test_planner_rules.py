"""Each rule of the plan: the steps, their order, or the refusal with its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kiamo_iac.planner.plan import Plan, Risk, Standing

from .conftest import CAPABILITIES, Planner

Shown = Callable[[Plan], list[str]]

CITY = {"name": "city", "label": "City", "datatype": "string"}
SALES = {"services": [{"name": "Sales"}]}


def batch(name: str = "spring", **more: Any) -> dict[str, Any]:
    return {"name": name, "service": "Sales", "association": {"destination": "phone"}, **more}


def one_base(*batches: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**SALES, "bases": [{"name": "p", "batches": list(batches), **more}]}


# --- up ----------------------------------------------------------------------------------------------------------


def test_parents_are_created_first_and_batches_started_last(plan: Planner, shown: Shown) -> None:
    desired = {
        "services": [{"name": "Win-back", "managed": True}],
        "bases": [
            {
                "name": "p",
                "fields": [CITY],
                "batches": [{**batch(state="started"), "service": "Win-back", "association": {"destination": "city"}}],
            }
        ],
    }
    assert shown(plan(desired, {})) == [
        "create bases/p",
        "create bases/p/fields/city after 1",
        "create services/Win-back",
        "create bases/p/batches/spring after 1,2,3",
        "start bases/p/batches/spring after 2,4",
    ]


def test_a_default_field_of_a_new_base_may_be_declared_as_it_is(plan: Planner, shown: Shown) -> None:
    phone = {"name": "phone", "label": "Phone", "datatype": "phone"}
    assert shown(plan({"bases": [{"name": "p", "fields": [phone]}]}, {})) == ["create bases/p"]


def test_a_default_field_cannot_change(plan: Planner, refused: Shown) -> None:
    desired = {"bases": [{"name": "p", "fields": [{"name": "phone", "label": "Téléphone"}]}]}
    assert refused(plan(desired, {})) == ["KIA0512 m.yaml:2:11"]
    assert refused(plan(desired, {"bases": [{"name": "p"}]})) == ["KIA0512 m.yaml:2:11"]


def test_a_default_field_cannot_be_deleted(plan: Planner, refused: Shown) -> None:
    desired = {"bases": [{"name": "p", "fields": [{"name": "phone", "ensure": "absent"}]}]}
    assert refused(plan(desired, {"bases": [{"name": "p"}]})) == ["KIA0513 m.yaml:2:11"]


def test_only_what_is_declared_is_compared(plan: Planner, shown: Shown) -> None:
    live = one_base(batch(state="paused", settings={"pace": 3}), label="Prospects", fields=[CITY])
    assert shown(plan(one_base({"name": "spring"}), live)) == []


def test_an_update_carries_only_what_differs(plan: Planner) -> None:
    desired = {"bases": [{"name": "p", "label": "New", "settings": {"a": 1, "b": [1, 2]}}]}
    live = {"bases": [{"name": "p", "label": "Old", "settings": {"a": True, "b": [1, 2.0], "c": 0}}]}
    (step,) = plan(desired, live).steps
    assert (step.before, step.after) == (
        {"label": "Old", "settings": {"a": True}},
        {"label": "New", "settings": {"a": 1}},
    )
    assert [(c.path, c.before, c.after) for c in step.changes] == [("label", "Old", "New"), ("settings.a", True, 1)]


@pytest.mark.parametrize(
    ("desired", "place"),
    [
        ({"bases": [{"name": "p", "fields": [{"name": "city", "datatype": "string"}]}]}, "m.yaml:2:10"),
        ({**SALES, "bases": [{"name": "p", "batches": [{"name": "spring"}]}]}, "m.yaml:3:10"),
    ],
)
def test_what_a_create_needs_must_be_declared(
    plan: Planner, refused: Shown, desired: dict[str, Any], place: str
) -> None:
    line = place.split(":")[1]
    assert refused(plan(desired, {**SALES, "bases": [{"name": "p"}]})) == [f"KIA0506 m.yaml:{line}:1"]


def test_a_field_keeps_its_datatype(plan: Planner, refused: Shown) -> None:
    desired = {"bases": [{"name": "p", "fields": [{**CITY, "datatype": "text"}]}]}
    assert refused(plan(desired, {"bases": [{"name": "p", "fields": [CITY]}]})) == ["KIA0507 m.yaml:2:12"]


def test_a_field_keeps_its_name(plan: Planner, refused: Shown) -> None:
    desired = {"bases": [{"name": "p", "fields": [{**CITY, "name": "town", "renamed_from": ["city"]}]}]}
    assert refused(plan(desired, {"bases": [{"name": "p", "fields": [CITY]}]})) == ["KIA0507 m.yaml:2:10"]


def test_a_reference_must_exist(plan: Planner, refused: Shown) -> None:
    assert refused(plan({"services": [{"name": "Sales"}]}, {})) == ["KIA0503 m.yaml:1:10"]


def test_a_reference_is_never_written(plan: Planner, shown: Shown) -> None:
    assert shown(plan({"services": [{"name": "Sales"}]}, {"services": [{"name": "Sales", "label": "S"}]})) == []


def test_what_is_referred_to_must_exist(plan: Planner, refused: Shown) -> None:
    desired = {"bases": [{"name": "p", "batches": [batch(association={"destination": "mobile"})]}]}
    refusals = plan(desired, {"bases": [{"name": "p", "fields": [{**CITY, "name": "mobil"}]}]})
    assert refused(refusals) == ["KIA0504 m.yaml:2:11", "KIA0504 m.yaml:2:12"]
    assert refusals.diagnostics[1].hint == 'did you mean "mobil"?'


# --- run state ---------------------------------------------------------------------------------------------------

_WAYS = {
    ("new", "started"): ["start"],
    ("new", "paused"): ["start", "pause"],
    ("new", "stopped"): ["stop"],
    ("started", "paused"): ["pause"],
    ("started", "stopped"): ["stop"],
    ("paused", "started"): ["start"],
    ("paused", "stopped"): ["stop"],
    ("finished", "started"): [],
    ("finished", "stopped"): [],
}


@pytest.mark.parametrize("live", ["new", "started", "paused", "stopped", "finished"])
@pytest.mark.parametrize("wanted", ["new", "started", "paused", "stopped"])
def test_run_state(plan: Planner, live: str, wanted: str) -> None:
    result = plan(one_base(batch(state=wanted)), one_base(batch(state=live)))
    if live == wanted or (live, wanted) in _WAYS:
        assert [s.action for s in result.steps] == _WAYS.get((live, wanted), [])
    else:
        assert [d.code for d in result.diagnostics] == ["KIA0510"]


def test_from_new_to_paused_warns_of_dialling(plan: Planner) -> None:
    start, pause = plan(one_base(batch(state="paused")), one_base(batch(state="new"))).steps
    assert start.reason == "from new to paused through started (dials contacts)"
    assert (start.risk, pause.risk) == (Risk.IRREVERSIBLE, Risk.REVERSIBLE)


def test_initial_state_is_set_once(plan: Planner, shown: Shown) -> None:
    desired = one_base(batch(initial_state="started"))
    assert [s.action for s in plan(desired, one_base()).steps] == ["create", "start"]
    assert shown(plan(desired, one_base(batch(state="paused")))) == []


def test_a_start_needs_an_association(plan: Planner, refused: Shown) -> None:
    live = one_base(batch(state="new", association={}))
    assert refused(plan(one_base({"name": "spring", "state": "started"}), live)) == ["KIA0511 m.yaml:3:1"]
    emptied = one_base(batch(association={}))
    assert refused(plan(emptied, one_base(batch(state="started")))) == ["KIA0511 m.yaml:3:12"]


@pytest.mark.parametrize(
    ("state", "wanted", "actions"),
    [
        ("new", None, ["update"]),
        ("paused", None, ["update"]),
        ("started", None, ["pause", "update", "start"]),
        ("started", "started", ["pause", "update", "start"]),
        ("started", "paused", ["pause", "update"]),
        ("started", "stopped", ["pause", "update", "stop"]),
        ("new", "started", ["update", "start"]),
        ("paused", "stopped", ["update", "stop"]),
    ],
)
def test_a_started_batch_is_paused_changed_and_started_again(
    plan: Planner, state: str, wanted: str | None, actions: list[str]
) -> None:
    desired = one_base({**batch(association={"destination": "city"}), **({"state": wanted} if wanted else {})})
    result = plan(desired, one_base(batch(state=state), fields=[CITY]))
    assert [s.action for s in result.steps] == actions
    assert [s.depends_on for s in result.steps] == [(), *((n,) for n in range(1, len(actions)))]


def test_settings_change_while_it_runs(plan: Planner) -> None:
    result = plan(one_base(batch(settings={"pace": 2})), one_base(batch(state="started")))
    assert [s.action for s in result.steps] == ["update"]


@pytest.mark.parametrize("state", ["stopped", "finished"])
def test_a_closed_batch_cannot_change(plan: Planner, refused: Shown, state: str) -> None:
    desired = one_base(batch(association={"destination": "city"}))
    assert refused(plan(desired, one_base(batch(state=state), fields=[CITY]))) == ["KIA0509 m.yaml:3:12"]


# --- names -------------------------------------------------------------------------------------------------------


def test_a_new_batch_is_renamed_and_others_are_not(plan: Planner, shown: Shown, refused: Shown) -> None:
    desired = one_base(batch("summer", renamed_from=["spring"], state="started"))
    assert shown(plan(desired, one_base(batch(state="new")))) == [
        "rename bases/p/batches/summer",
        "start bases/p/batches/summer after 1",
    ]
    for state in ("started", "paused", "stopped", "finished"):
        assert refused(plan(desired, one_base(batch(state=state)))) == ["KIA0508 m.yaml:3:13"]


def test_a_chain_of_names_is_done_from_its_end(plan: Planner) -> None:
    desired = {"bases": [{"name": "b", "renamed_from": ["a"]}, {"name": "c", "renamed_from": ["b"]}]}
    result = plan(desired, {"bases": [{"name": "a"}, {"name": "b"}]})
    assert [(s.before["name"], s.after["name"]) for s in result.steps] == [("b", "c"), ("a", "b")]
    assert plan(desired, {"bases": [{"name": "b"}, {"name": "c"}]}).steps == ()
    assert [s.after["name"] for s in plan(desired, {"bases": [{"name": "a"}, {"name": "c"}]}).steps] == ["b"]


def swap() -> dict[str, Any]:
    return {
        "bases": [
            {"name": "a", "label": "was b", "renamed_from": ["b"]},
            {"name": "b", "label": "was a", "renamed_from": ["a"]},
        ]
    }


def test_a_swap_takes_a_name_of_the_moment_and_is_done_once(plan: Planner) -> None:
    before = {"bases": [{"name": "a", "label": "was a"}, {"name": "b", "label": "was b"}]}
    result = plan(swap(), before)
    assert [(s.before["name"], s.after["name"]) for s in result.steps] == [("b", "b-tmp"), ("a", "b"), ("b-tmp", "a")]
    assert [s.depends_on for s in result.steps] == [(), (1,), (1, 2)]
    after = {"bases": [{"name": "a", "label": "was b"}, {"name": "b", "label": "was a"}]}
    assert plan(swap(), after).steps == ()


def test_a_circle_without_a_free_name_is_refused(plan: Planner, refused: Shown) -> None:
    narrow = replace(CAPABILITIES.of("base"), name_pattern="[a-z]")
    capabilities = replace(CAPABILITIES, kinds={**CAPABILITIES.kinds, "base": narrow})
    before = {"bases": [{"name": "a", "label": "was a"}, {"name": "b", "label": "was b"}]}
    assert refused(plan(swap(), before, capabilities=capabilities)) == ["KIA0519 m.yaml:1:12"]


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        ([{"name": "c", "renamed_from": ["a", "b"]}], ["a", "b"]),
        ([{"name": "b", "renamed_from": ["a"]}, {"name": "a"}], ["a"]),
        ([{"name": "b", "renamed_from": ["a"]}, {"name": "c", "renamed_from": ["a"]}], ["a"]),
    ],
)
def test_a_rename_that_is_not_clear_is_refused(plan: Planner, desired: list[dict[str, Any]], live: list[str]) -> None:
    result = plan({"bases": desired}, {"bases": [{"name": n} for n in live]})
    assert {d.code for d in result.diagnostics} == {"KIA0517"}
    assert not result.applyable


def test_an_old_name_that_came_back_is_only_a_warning(plan: Planner) -> None:
    desired = {"bases": [{"name": "b", "renamed_from": ["a"]}]}
    result = plan(desired, {"bases": [{"name": "a"}, {"name": "b"}]})
    assert [(d.code, d.severity) for d in result.diagnostics] == [("KIA0601", "warning")]
    assert result.applyable


def test_an_absent_name_that_a_rename_takes_is_satisfied(plan: Planner) -> None:
    desired = {"bases": [{"name": "a", "ensure": "absent"}, {"name": "b", "renamed_from": ["a"]}]}
    assert [s.action for s in plan(desired, {"bases": [{"name": "a"}]}).steps] == ["rename"]


def test_a_renamed_service_is_no_change_of_its_batches(plan: Planner, shown: Shown) -> None:
    desired = {
        "services": [{"name": "Desk", "managed": True, "renamed_from": ["Sales"]}],
        "bases": [{"name": "p", "batches": [{"name": "spring", "service": "Desk"}]}],
    }
    assert shown(plan(desired, one_base(batch(state="started")))) == ["rename services/Desk"]


def test_names_are_compared_in_nfc_and_never_rewritten(plan: Planner) -> None:
    assert plan({"bases": [{"name": "été"}]}, {"bases": [{"name": "e\u0301te\u0301"}]}).steps == ()


# --- down --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "actions"),
    [
        ("new", ["stop", "delete"]),
        ("started", ["stop", "delete"]),
        ("paused", ["stop", "delete"]),
        ("stopped", ["delete"]),
        ("finished", ["delete"]),
    ],
)
def test_a_batch_is_stopped_before_it_is_deleted(plan: Planner, state: str, actions: list[str]) -> None:
    result = plan(one_base({"name": "spring", "ensure": "absent"}), one_base(batch(state=state)))
    assert [s.action for s in result.steps] == actions
    assert all(s.risk is Risk.IRREVERSIBLE for s in result.steps)


def test_a_base_goes_after_its_declared_batches_are_stopped(plan: Planner, shown: Shown) -> None:
    desired = one_base({"name": "spring"}, ensure="absent")
    live = one_base(batch(state="started"), batch("old", state="finished"), contacts=12, fields=[CITY])
    result = plan(desired, live)
    assert shown(result) == ["stop bases/p/batches/spring", "delete bases/p after 1"]
    assert result.steps[1].risk is Risk.DATA_LOSS
    assert result.steps[1].reason.endswith("also deletes 2 batches, 1 field, 12 contacts")
    assert result.steps[1].also_deletes == ("bases/p/batches/old", "bases/p/batches/spring", "bases/p/fields/city")
    assert (len(result.also_deleted), result.steps[0].standing) == (3, Standing.DECLARED)


def test_a_strange_unfinished_batch_blocks_its_base(plan: Planner, refused: Shown) -> None:
    result = plan(one_base(ensure="absent"), one_base(batch(state="paused"), batch("old", state="new")))
    assert refused(result) == ["KIA0515 m.yaml:2:12"]
    assert '"old" (new), "spring" (paused)' in result.diagnostics[0].summary


def test_exclusive_deletes_what_is_not_declared(plan: Planner, shown: Shown) -> None:
    desired = one_base({"name": "spring"}, exclusive=["fields", "batches"])
    live = one_base(batch(state="started"), batch("old", state="paused"), fields=[CITY])
    assert shown(plan(desired, live)) == [
        "stop bases/p/batches/old",
        "delete bases/p/batches/old after 1",
        "delete bases/p/fields/city",
    ]


def test_exclusive_leaves_a_former_name_alone(plan: Planner) -> None:
    desired = one_base(batch("summer", renamed_from=["spring"]), exclusive=["batches"])
    result = plan(desired, one_base(batch(state="new"), batch("summer", state="new")))
    assert {d.code for d in result.diagnostics} == {"KIA0518", "KIA0601"}


@pytest.mark.parametrize("where", ["base", "batch", "below"])
def test_protected_resources_are_not_deleted(plan: Planner, refused: Shown, where: str) -> None:
    desired = {
        "base": one_base(ensure="absent", protect=True),
        "batch": one_base({"name": "spring", "ensure": "absent", "protect": True}),
        "below": one_base({"name": "spring", "protect": True}, ensure="absent"),
    }[where]
    assert [r[:7] for r in refused(plan(desired, one_base(batch(state="new"))))] == ["KIA0514"]


def test_a_field_goes_once_it_has_left_every_association(plan: Planner, shown: Shown) -> None:
    desired = one_base(batch(), fields=[{"name": "city", "ensure": "absent"}])
    live = one_base(batch(state="started", association={"destination": "phone", "backup": "city"}), fields=[CITY])
    assert shown(plan(desired, live)) == [
        "pause bases/p/batches/spring",
        "update bases/p/batches/spring after 1",
        "start bases/p/batches/spring after 2",
        "delete bases/p/fields/city after 2",
    ]


def test_a_field_in_use_is_not_deleted(plan: Planner, refused: Shown) -> None:
    desired = {"bases": [{"name": "p", "fields": [{"name": "city", "ensure": "absent"}]}]}
    used = batch(state="paused", association={"destination": "city"})
    result = plan(desired, one_base(used, fields=[CITY]))
    assert refused(result) == ["KIA0516 m.yaml:2:11"]
    assert "bases/p/batches/spring (paused)" in result.diagnostics[0].summary
    assert plan(desired, one_base({**used, "state": "finished"}, fields=[CITY])).applyable


def test_a_service_is_replaced_and_deleted_in_one_plan(plan: Planner, shown: Shown) -> None:
    desired = {
        "services": [{"name": "New", "managed": True}, {"name": "Sales", "managed": True, "ensure": "absent"}],
        "bases": [{"name": "p", "batches": [{"name": "spring", "service": "New"}]}],
    }
    assert shown(plan(desired, one_base(batch(state="paused")))) == [
        "create services/New",
        "update bases/p/batches/spring after 1",
        "delete services/Sales after 2",
    ]


def test_a_service_goes_after_the_base_that_uses_it(plan: Planner, shown: Shown) -> None:
    desired = {
        "services": [{"name": "Sales", "managed": True, "ensure": "absent"}],
        "bases": [{"name": "p", "ensure": "absent", "batches": [{"name": "spring"}]}],
    }
    assert shown(plan(desired, one_base(batch(state="paused")))) == [
        "stop bases/p/batches/spring",
        "delete bases/p after 1",
        "delete services/Sales after 1",
    ]


def test_a_new_reference_to_what_the_plan_deletes_is_refused(plan: Planner, refused: Shown) -> None:
    desired = one_base(batch(association={"destination": "city"}), exclusive=["fields"])
    assert refused(plan(desired, one_base(batch(state="new"), fields=[CITY]))) == ["KIA0505 m.yaml:3:12"]


# --- the contract ------------------------------------------------------------------------------------------------


def test_a_missing_call_is_refused_and_named(plan: Planner) -> None:
    reading = replace(CAPABILITIES.of("service"), operations=frozenset({"list", "read"}))
    capabilities = replace(CAPABILITIES, kinds={**CAPABILITIES.kinds, "service": reading})
    result = plan({"services": [{"name": "New", "managed": True}]}, {}, capabilities=capabilities)
    (refusal,) = result.diagnostics
    assert refusal.code == "KIA0501"
    assert refusal.hint is not None
    assert "kinds.service.operations.create in contract.yaml" in refusal.hint


def test_a_refusal_has_the_meaning_of_the_code(plan: Planner) -> None:
    meanings = {"ERR_2080": "Only new batches can be renamed"}
    desired = one_base(batch("summer", renamed_from=["spring"]))
    result = plan(desired, one_base(batch(state="paused")), capabilities=replace(CAPABILITIES, meanings=meanings))
    assert result.diagnostics[0].detail == "The API would return ERR_2080: Only new batches can be renamed."

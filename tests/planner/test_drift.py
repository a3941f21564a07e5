"""Who changed what: every side of every kind of difference, and the words that plans use for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import DanglingReference, Owned, State
from kiamo_iac.planner.diff import attribution
from kiamo_iac.planner.drift import ChangedBy, Drift, DriftEvent, drift
from kiamo_iac.planner.plan import Plan

from .conftest import Planner, _instances, entry

Document = Mapping[str, Any]

SALES = {"name": "Sales", "managed": True}


def ledger(document: Document) -> dict[Address, Owned]:
    """Everything of `document` as it was applied; ids as in a live document, `"id": None` for what was never
    created."""
    declared = State(_instances(document, live=False))
    found = {}
    for i in declared:
        attributes = dict(i.attributes)
        remote_id = attributes.pop("id", f"id-{i.address}")
        if i.settings:
            attributes["settings"] = dict(i.settings)
        found[i.address] = Owned(
            i.address, remote_id, attributes, renamed_from=i.lifecycle.renamed_from, applied_at="then", commit="c0ffee"
        )
    return found


def look(desired: Document, applied: Document | None, live: Document) -> Drift:
    owned = None if applied is None else ledger(applied)
    return drift(State(_instances(desired, live=False)), State(_instances(live, live=True)), owned)


def lines(found: Drift) -> list[str]:
    """Each thing as `event side address`, and below it each attribute as `path side declared|applied|live`."""
    shown = []
    for thing in found.resources:
        shown.append(f"{thing.event} {thing.changed_by} {thing.address}")
        shown += [f"- {a.path} {a.changed_by} {a.declared}|{a.applied}|{a.live}" for a in thing.attributes]
    return shown


def base(label: str = "A", **more: Any) -> dict[str, Any]:
    return {"bases": [{"name": "p", "label": label, **more}]}


def batch(**more: Any) -> dict[str, Any]:
    one = {"name": "b", "service": "Sales", "association": {"destination": "phone"}, **more}
    return {"services": [SALES], "bases": [{"name": "p", "batches": [one]}]}


# --- attributes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "applied", "live", "expected"),
    [
        ("A", "A", "A", []),
        ("B", "A", "B", []),  # both did the same: nothing is left to do
        ("B", "A", "A", ["changed git bases/p", "- label git B|A|A"]),
        ("A", "A", "B", ["changed instance bases/p", "- label instance A|A|B"]),
        ("B", "A", "C", ["changed both bases/p", "- label both B|A|C"]),
    ],
)
def test_the_four_classes(declared: str, applied: str, live: str, expected: list[str]) -> None:
    found = look(base(declared), base(applied), base(live))
    assert lines(found) == expected
    assert found.any is bool(expected)
    assert found.unchanged == (not expected)


def test_what_is_neither_declared_nor_managed_is_ignored() -> None:
    assert lines(look({"bases": [{"name": "p"}]}, base("A"), base("B"))) == []


def test_what_is_declared_since_comes_from_git() -> None:
    bare = {"bases": [{"name": "p"}]}
    assert lines(look(base("A"), bare, base("B"))) == ["changed git bases/p", "- label git A|None|B"]


def test_a_resource_may_change_on_both_sides_without_a_conflict() -> None:
    found = look(
        base("B", settings={"pace": 1}), base("A", settings={"pace": 1}), base("A", settings={"pace": 2, "x": 1})
    )
    assert lines(found) == ["changed both bases/p", "- label git B|A|A", "- settings.pace instance 1|1|2"]


def test_leaves_are_compared_one_by_one() -> None:
    def made(destination: str, second: str | None) -> Document:
        roles = {"destination": destination} | ({"second.one": second} if second else {})
        return batch(association=roles, settings={"hours": {"from": destination, "to": 8}})

    found = look(made("phone", "mail"), made("phone", None), made("mobile", "home"))
    assert lines(found) == [
        "changed both bases/p/batches/b",
        "- association.destination instance phone|phone|mobile",
        "- association.second.one both mail|None|home",
        "- settings.hours.from instance phone|phone|mobile",
    ]


def test_run_states_are_compared_by_what_satisfies_them() -> None:
    assert lines(look(batch(state="started"), batch(state="started"), batch(state="finished"))) == []
    assert lines(look(batch(state="started"), batch(state="started"), batch(state="paused"))) == [
        "changed instance bases/p/batches/b",
        "- state instance started|started|paused",
    ]
    assert lines(look(batch(state="stopped"), batch(state="started"), batch(state="started"))) == [
        "changed git bases/p/batches/b",
        "- state git stopped|started|started",
    ]
    paused = look(batch(state="paused"), batch(state="started"), batch(state="finished"))
    assert lines(paused)[1:] == ["- state git paused|started|finished"]  # it ran to its end, which nobody changed
    assert lines(look(batch(), batch(), batch(state="paused"))) == []


# --- references ----------------------------------------------------------------------------------------------------


def world(service: str, uses: str, **more: Any) -> dict[str, Any]:
    return {**batch(service=uses), "services": [{"name": service, "managed": True, **more}]}


def test_references_follow_a_rename_in_git() -> None:
    found = look(world("New", "New", renamed_from=["Old"]), world("Old", "Old"), world("Old", "Old"))
    assert [t.address for t in found.resources] == ["services/New"]
    assert found.resources[0].attributes[0].path == "name"
    assert (found.resources[0].event, found.resources[0].changed_by) == (DriftEvent.CHANGED, ChangedBy.GIT)


def test_references_follow_a_rename_on_the_instance() -> None:
    found = look(world("Old", "Old"), world("Old", "Old"), world("New", "New", id="id-services/Old"))
    assert lines(found) == ["renamed instance services/Old", "- name instance Old|Old|New"]


def test_references_follow_a_rename_that_is_done() -> None:
    two = {"services": [{"name": "New", "managed": True, "renamed_from": ["Old"]}, {"name": "Other", "managed": True}]}
    applied, desired = {**batch(service="Old"), **two}, {**batch(service="New"), **two}
    assert lines(look(desired, applied, {**batch(service="New"), **two})) == []
    assert lines(look(desired, applied, {**batch(service="Other"), **two})) == [
        "changed instance bases/p/batches/b",
        "- service instance New|Old|Other",
    ]


def test_a_reference_to_a_deleted_object() -> None:
    found = look(batch(), batch(), batch(service=DanglingReference("(gone: 17)")))
    assert lines(found)[1:] == ["- service instance Sales|Sales|(gone: 17)"]


def test_siblings_are_looked_up_below_the_same_base() -> None:
    def made(name: str, **more: Any) -> Document:
        field = {"name": name, "label": "L", "datatype": "phone", **more}
        return {
            "bases": [
                {
                    "name": "p",
                    "fields": [field],
                    "batches": batch(association={"destination": name})["bases"][0]["batches"],
                }
            ]
        }

    found = look(made("mobile"), made("mobile"), made("handy", id="id-bases/p/fields/mobile"))
    assert lines(found) == ["renamed instance bases/p/fields/mobile", "- name instance mobile|mobile|handy"]


# --- whole things --------------------------------------------------------------------------------------------------


def test_new_in_git() -> None:
    assert lines(look(base(), {}, {})) == ["new git bases/p"]
    about_to_be_made = look(base(), base(id=None), {})
    assert lines(about_to_be_made) == ["new git bases/p"]


def test_gone_from_git() -> None:
    assert lines(look({}, base(), base())) == ["gone git bases/p"]
    assert lines(look({}, base(), base("B"))) == ["gone both bases/p", "- label instance None|A|B"]
    assert lines(look(base(ensure="absent"), base(), base())) == ["gone git bases/p"]


def test_gone_on_both_sides() -> None:
    for desired in ({}, base(ensure="absent")):
        found = look(desired, base(), {})
        assert (found.resources, found.unchanged) == ((), 1)


def test_deleted_on_the_instance() -> None:
    found = look(base(), base(), {})
    assert lines(found) == ["deleted instance bases/p"]
    assert (found.resources[0].known_id, found.resources[0].live_id, found.resources[0].lives_as) == (
        "id-bases/p",
        None,
        None,
    )
    assert lines(look(base("B"), base(), {})) == ["deleted both bases/p"]
    assert lines(look(base(settings={"pace": 1}), base(), {})) == ["deleted both bases/p"]
    field = {"name": "city", "label": "City", "datatype": "string"}
    assert lines(look(base(fields=[field]), base(fields=[field]), {})) == [
        "deleted instance bases/p",
        "deleted instance bases/p/fields/city",
    ]


def test_recreated_on_the_instance() -> None:
    found = look(base(), base(id=1), base(id=2))
    assert lines(found) == ["remade instance bases/p"]
    assert (found.resources[0].known_id, found.resources[0].live_id) == (1, 2)
    assert lines(look(base("B"), base(id=1), base(id=2))) == ["remade both bases/p", "- label git B|A|A"]


def test_renamed_on_the_instance() -> None:
    renamed = {"bases": [{"name": "q", "label": "A", "id": "id-bases/p"}]}
    found = look(base(), base(), renamed)
    assert lines(found) == ["renamed instance bases/p", "- name instance p|p|q"]
    assert found.resources[0].lives_as == "q"
    assert (found.resources[0].applied_at, found.resources[0].commit) == ("then", "c0ffee")
    assert str(found.resources[0].source) == "m.yaml:1:1"
    away = look({}, base(), renamed)
    assert lines(away) == ["renamed both bases/p"]
    assert away.resources[0].lives_as == "q"


def test_renamed_on_both_sides() -> None:
    def named(name: str, **more: Any) -> Document:
        return {"bases": [{"name": name, **more}]}

    live = named("r", id="id-bases/p")
    assert lines(look(named("r", renamed_from=["p"]), named("p"), live)) == []
    both = {"bases": [{"name": "p"}, {"name": "r"}]}
    found = look(both, named("p"), live)
    assert lines(found) == ["renamed both bases/p"]  # one thing for two declarations
    assert found.not_owned == 1


def test_a_name_that_another_object_has_now() -> None:
    live = {"bases": [{"name": "p", "id": 2}, {"name": "old p", "id": 1}]}
    found = look({"bases": [{"name": "p"}]}, {"bases": [{"name": "p", "id": 1}]}, live)
    assert lines(found) == ["renamed instance bases/p", "- name instance p|p|old p"]
    assert (found.resources[0].lives_as, found.resources[0].live_id) == ("old p", 1)


def test_what_is_not_owned() -> None:
    found = look(base("A"), {}, base("B"))
    assert lines(found) == ["not_owned unknown bases/p", "- label unknown A|None|B"]
    same = look(base("A"), {}, base("A"))
    assert (same.resources, same.unchanged, same.not_owned) == ((), 1, 1)
    assert lines(look(base(ensure="absent"), {}, base())) == ["not_owned unknown bases/p"]
    assert lines(look({}, {}, base())) == []


def test_without_a_ledger_who_changed_it_is_unknown() -> None:
    found = look(base("A"), None, base("B"))
    assert (found.ledger, [t.changed_by for t in found.resources]) == (False, [ChangedBy.UNKNOWN])
    assert look({}, {}, {}).ledger


def test_declared_references_are_ignored() -> None:
    unmanaged = {"services": [{"name": "Sales", "label": "A"}]}
    assert look(unmanaged, unmanaged, {"services": [{"name": "Sales", "label": "B"}]}) == Drift(())
    assert look(unmanaged, unmanaged, {}) == Drift(())


def test_resources_below_a_base_that_git_renames() -> None:
    field = {"name": "city", "label": "City"}
    desired = {"bases": [{"name": "new", "renamed_from": ["old"], "fields": [field]}]}
    before = {"bases": [{"name": "old", "fields": [field]}]}
    assert lines(look(desired, before, before)) == ["changed git bases/new", "- name git new|old|old"]
    town = {"bases": [{"name": "old", "fields": [{"name": "city", "label": "Town"}]}]}
    assert lines(look(desired, before, town))[2:] == [
        "changed instance bases/new/fields/city",
        "- label instance City|City|Town",
    ]
    gone = {"bases": [{"name": "old"}]}
    assert lines(look(desired, before, gone))[2:] == ["deleted instance bases/new/fields/city"]


def test_order_and_counts() -> None:
    names = ["e", "d", "c", "b", "a"]
    applied = {"bases": [{"name": n, "label": "A"} for n in names]}
    live = {"bases": [{"name": n, "label": "B" if n in "ad" else "A"} for n in names]}
    desired = {"bases": [{"name": n, "label": "C" if n in "ab" else "A"} for n in names]}
    found = look(desired, applied, live)
    assert [t.address for t in found.resources] == ["bases/a", "bases/b", "bases/d"]
    assert found.summary == {
        ChangedBy.NEITHER: 2,
        ChangedBy.GIT: 1,
        ChangedBy.INSTANCE: 1,
        ChangedBy.BOTH: 1,
        ChangedBy.UNKNOWN: 0,
    }
    assert look(desired, applied, live) == found


def test_the_ledger_may_have_what_no_kind_is_for() -> None:
    team = entry("teams/a")
    assert drift(State(), State(), {team.address: team}) == Drift(())


# --- the words of plans --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "before", "after", "expected"),
    [
        ("label", "A", "B", "changed in git since the last apply"),
        ("label", "B", "A", "changed on the instance"),
        ("label", "B", "C", "changed on both sides"),
        ("datatype", "x", "y", "changed in git since the last apply"),
        ("settings.pace", 2, 1, "changed on the instance"),
        ("settings.hours.from", 9, 8, "changed on the instance"),
        ("settings.other", None, 1, "changed in git since the last apply"),
        ("association.destination", "mobile", "phone", "changed on the instance"),
        ("association.second", None, "mail", "changed in git since the last apply"),
    ],
)
def test_words_for_the_reasons_of_a_plan(path: str, before: Any, after: Any, expected: str) -> None:
    attributes = {
        "label": "A",
        "association": {"destination": "phone"},
        "settings": {"pace": 1, "hours": {"from": 8}},
    }
    assert attribution(entry("bases/p", attributes=attributes), path, before, after) == expected
    assert attribution(None, path, before, after) == ""


def test_drift_and_plan_agree(plan: Planner) -> None:
    """No drift, no plan; and every thing of the plan has drifted."""

    def addresses(result: Plan) -> set[str]:
        return {step.address for step in result.steps}

    desired = {**base("B", fields=[{"name": "city", "label": "City", "datatype": "string"}]), "services": [SALES]}
    applied = {**base("A"), "services": [SALES]}
    live = {"services": [{"name": "Sales"}], **base("A")}
    result = plan(desired, live, owned=list(ledger(applied).values()))
    assert addresses(result) == {t.address for t in look(desired, applied, live).resources}
    assert addresses(result) == {"bases/p", "bases/p/fields/city"}

"""What looks like a forgotten `renamed_from` is noted, and nothing that is less than clearly alike."""

from __future__ import annotations

from typing import Any

import pytest

from kiamo_iac.planner.likeness import is_respelled
from kiamo_iac.planner.plan import Plan
from tests.planner.conftest import Planner

FIELDS = [{"name": name, "label": name, "datatype": "string"} for name in ("city", "region", "street")]


def notes(plan: Plan) -> list[str]:
    return [diagnostic.summary for diagnostic in plan.diagnostics if diagnostic.code == "KIA0625"]


def bases(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"services": [{"name": "Sales"}], "bases": list(blocks)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("prospect", "prospects"),
        ("Spring 2026", "spring-2026"),
        ("relance_nord", "Relance-Nord"),
        ("prospects", "prosbects"),
        ("clients fideles", "clients fidèles"),
    ],
)
def test_d21_names_that_are_spelled_otherwise(one: str, other: str) -> None:
    assert is_respelled(one, other)
    assert is_respelled(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("spring-2026", "spring-2027"),
        ("relance-1", "relance-2"),
        ("relance-01", "relance-1"),
        ("north", "south"),
        ("agence-est", "agence-ouest"),
        ("juin", "juil"),
        ("relance A", "relance B"),
        ("mobile", "portable"),
        ("prospects", "prospects-b"),
        ("", "a"),
    ],
)
def test_d21_names_of_two_objects(one: str, other: str) -> None:
    assert not is_respelled(one, other)
    assert not is_respelled(other, one)


def test_d21_a_delete_and_a_create_that_look_alike_are_noted(plan: Planner) -> None:
    live = bases({"name": "prospect", "label": "Prospects B2B"})
    desired = bases({"name": "leads", "label": "Prospects B2B"}, {"name": "prospect", "ensure": "absent"})
    assert notes(plan(desired, live)) == []  # what is declared absent is meant
    made = plan(bases({"name": "leads", "label": "Prospects B2B"}), live)
    assert notes(made) == ['the new base "leads" looks like "prospect", which is not declared']
    (note,) = [d for d in made.diagnostics if d.code == "KIA0625"]
    assert (
        note.hint
        == 'if it is the same base under a new name, declare renamed_from: ["prospect"], so that it is renamed'
    )
    assert str(note.address) == "bases/leads"


def test_d21_two_bases_of_the_same_fields_are_alike(plan: Planner) -> None:
    live = bases({"name": "a", "label": "A", "fields": FIELDS})
    assert len(notes(plan(bases({"name": "b", "label": "A", "fields": FIELDS}), live))) == 1
    assert notes(plan(bases({"name": "b", "label": "B", "fields": FIELDS}), live)) == []
    assert notes(plan(bases({"name": "b", "label": "A", "fields": FIELDS[:1]}), live)) == []


def test_d21_of_several_that_are_alike_none_is_noted(plan: Planner) -> None:
    new = {"name": "leads", "label": "Same"}
    live = bases({"name": "a", "label": "Same"}, {"name": "b", "label": "Same"})
    assert notes(plan(bases(new), live)) == []
    assert notes(plan(bases(new, {"name": "more", "label": "Same"}), bases({"name": "a", "label": "Same"}))) == []
    assert notes(plan(bases({"name": "leads", "renamed_from": ["a"], "label": "Same"}), live)) == []


def test_d21_batches_of_the_next_year_are_not_noted(plan: Planner) -> None:
    def batch(name: str) -> dict[str, Any]:
        return {"name": name, "service": "Sales", "association": {"destination": "phone"}}

    old = {"name": "b", "label": "B", "batches": [batch("spring-2025") | {"state": "new"}]}
    new = {"name": "b", "label": "B", "exclusive": ["batches"], "batches": [batch("spring-2026")]}
    assert notes(plan(bases(new), bases(old))) == []
    new["batches"] = [batch("Spring 2025")]
    assert notes(plan(bases(new), bases(old))) == [
        'the new batch "Spring 2025" looks like "spring-2025", which will be deleted'
    ]

"""What looks like a forgotten `renamed_from` is noted, and nothing that is less than clearly alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from kiamo_iac.core.place import Place, RowPlace, pack
from kiamo_iac.core.state import State
from kiamo_iac.planner import likeness
from kiamo_iac.planner.likeness import is_respelled
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.planner import build_plan
from tests.planner.conftest import CAPABILITIES, Planner, _instances

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


def of_rows(new: Iterable[str], old: Iterable[str], *, pace: int = 1, prune: bool = False) -> list[str]:
    """The notes of a block with a row for each name in `new`, where the names in `old` are live."""

    def base(names: Iterable[str], pace: int, **more: Any) -> dict[str, Any]:
        one = {"service": "Sales", "association": {"destination": "phone"}, "settings": {"pace": pace}}
        return bases({"name": "b", "label": "B", "batches": [one | {"name": name} | more for name in names]})

    block = Place("m.yaml", pack(7, 3))
    desired = [
        replace(one, place=RowPlace(block, f"r.csv:{number}")) if one.kind.kind == "batch" else one
        for number, one in enumerate(_instances(base(new, pace), live=False))
    ]
    live = State(_instances(base(old, 1, state="new"), live=True))
    return notes(build_plan(State(desired), live, capabilities=CAPABILITIES, environment="e", url="http://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("rappel-{}", "relance-{}"),
        ("{}-rappel", "{}-relance"),
        ("rappel-{}-2026", "relance-{}-2026"),
        ("{}", "relance-{}"),
        ("relance-{}", "{}"),
        ("relance_{}", "relance-{}"),
    ],
)
@pytest.mark.parametrize("codes", [("a", "b", "c"), ("75001", "75002", "751"), ("x", "xx", "xxx"), ("ab", "b")])
def test_a_block_whose_names_all_changed_in_one_way_has_one_note(new: str, old: str, codes: tuple[str, ...]) -> None:
    created, live = [new.format(code) for code in codes], [old.format(code) for code in codes]
    (note,) = of_rows(created, [*live, "by-hand", "autre 1"])
    assert note.startswith("new batches of this block (")
    assert f"and {len(codes) - 1} more" in note


def test_rows_that_are_added_meanwhile_do_not_hide_a_block_whose_names_changed() -> None:
    codes = [f"c{number}" for number in range(40)]
    (note,) = of_rows([f"rappel-{code}" for code in [*codes, "new"]], [f"relance-{code}" for code in codes])
    assert '("rappel-c0" and 39 more) look like "relance-c0" and 39 more, which are not declared' in note


def test_children_of_rows_that_were_all_renamed_alike_have_one_note_and_a_fixed_former_name() -> None:
    def document(name: str) -> dict[str, Any]:
        one = {"name": name, "service": "Sales", "association": {"destination": "phone"}}
        return bases(*({"name": base, "label": base, "batches": [one]} for base in ("a", "b")))

    row = RowPlace(Place("m.yaml", pack(7, 3)), "r.csv:2")
    desired = [replace(one, place=row) for one in _instances(document("relance_nord"), live=False)]
    live = State(_instances(document("relance-nord"), live=True))
    made = build_plan(State(desired), live, capabilities=CAPABILITIES, environment="e", url="http://127.0.0.1:1")
    (note,) = [d for d in made.diagnostics if d.code == "KIA0625"]
    assert note.hint == (
        'if they are the same batches under new names, declare renamed_from: ["relance-nord"] in the block'
    )


def test_a_block_that_is_another_has_no_note() -> None:
    codes = [f"c{number}" for number in range(5)]
    spring = [f"spring-2026-{code}" for code in codes]
    assert of_rows([f"spring-2027-{code}" for code in codes], spring) == []
    assert of_rows([f"rappel-{code}" for code in codes], [f"relance-{code}" for code in codes], pace=2) == []
    assert of_rows(["rappel-c0", "rappel-x", "rappel-y"], ["relance-c0"]) == []
    assert of_rows([f"rappel-{code}" for code in codes], ["relance-c0", "relance-c1"]) == []


def test_a_block_with_more_rows_than_are_compared_one_by_one_has_its_note() -> None:
    codes = [f"{number:05}" for number in range(200)]
    assert len(codes) ** 2 > likeness._MOST
    (note,) = of_rows([f"rappel-{code}" for code in codes], [f"relance-{code}" for code in codes])
    assert "and 199 more" in note

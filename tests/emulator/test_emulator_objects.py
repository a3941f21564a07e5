"""Create, read, update, delete and list, with the refusals that hold for any kind."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import Emulator
from tests.emulator.speaker import Ref, Speaker


def test_a_create_answers_the_whole_object(kiamo: Speaker) -> None:
    answer = kiamo.try_create("service", name="Win-back", label="Win-back desk", settings={"queue": [1, None]})
    assert answer.status == 201
    assert {k: v for k, v in answer.body.items() if k != "id"} == {
        "name": "Win-back",
        "label": "Win-back desk",
        "settings": {"queue": [1, None]},
    }


def test_what_is_not_sent_is_null_nought_or_empty(kiamo: Speaker, base: Ref, service: Ref) -> None:
    bare = kiamo.create("base", name="bare")
    assert kiamo.read(bare) == {"id": bare.id, "name": "bare", "label": None, "contacts": 0, "settings": {}}
    batch = kiamo.read(kiamo.create("batch", base, name="b", service=service))
    assert (batch["association"], batch["state"], batch["contacts"]) == ({}, "new", 0)


def test_ids_have_the_type_of_the_contract(kiamo: Speaker, contract: Contract, base: Ref) -> None:
    wanted = {"string": str, "integer": int}[contract.kinds["base"].id.type]
    assert type(base.id) is wanted
    assert {type(f["id"]) for f in kiamo.list("field", base)} == {wanted}


def test_names_are_given_back_byte_for_byte(kiamo: Speaker) -> None:
    decomposed = unicodedata.normalize("NFD", "Été")
    thing = kiamo.create("service", name=decomposed)
    assert kiamo.read(thing)["name"] == decomposed


def test_a_new_base_has_kiamos_own_fields_and_those_sent(kiamo: Speaker, base: Ref) -> None:
    shown = [(f["name"], f["label"], f["datatype"], f["default"]) for f in kiamo.list("field", base)]
    assert shown == [("phone", "Phone", "phone", True), ("city", "City", "string", False)]


def test_an_update_carries_only_what_changes(kiamo: Speaker, batch: Ref) -> None:
    before = kiamo.read(batch)
    assert kiamo.do(batch, "update", settings={"pace": {"max": 5}, "note": "x"}).status == 200
    assert kiamo.read(batch) == {**before, "settings": {"pace": {"max": 5}, "note": "x"}}


def test_an_update_answers_the_whole_object(kiamo: Speaker, service: Ref) -> None:
    answer = kiamo.do(service, "update", label="New")
    assert answer.outcome == (200, None)
    assert answer.body == kiamo.read(service)
    assert answer.body["label"] == "New"


def test_a_label_can_be_taken_away_where_it_is_not_required(kiamo: Speaker, base: Ref, fields: dict[str, Ref]) -> None:
    assert kiamo.do(base, "update", label=None).status == 200
    assert kiamo.read(base)["label"] is None
    assert kiamo.do(fields["city"], "update", label=None).outcome == (400, "ERR_1070")


def test_a_delete_returns_an_empty_body_and_a_second_one_404(kiamo: Speaker, base: Ref, fields: dict[str, Ref]) -> None:
    answer = kiamo.do(fields["city"], "delete")
    assert (answer.status, answer.body) == (204, None)
    assert kiamo.do(fields["city"], "delete").outcome == (404, "ERR_3000")
    assert [f["name"] for f in kiamo.list("field", base)] == ["phone"]


def test_deleting_a_base_deletes_what_it_holds(kiamo: Speaker, emulator: Emulator, base: Ref, batch: Ref) -> None:
    kiamo.do(batch, "stop")
    emulator.set_contacts("prospects", 12)
    assert kiamo.do(base, "delete").status == 204
    assert emulator.dump() == {"services": [{"name": "Outbound Sales", "label": "Sales desk"}]}
    assert kiamo.do(batch, "read").outcome == (404, "ERR_3000")


def test_references_follow_a_rename(kiamo: Speaker, service: Ref, batch: Ref, contract: Contract) -> None:
    assert kiamo.do(service, "update", name="Renamed").status == 200
    by_name = contract.kinds["batch"].attributes["service"].by == "name"
    assert kiamo.read(batch)["service"] == ("Renamed" if by_name else service.id)
    kiamo.do(batch, "stop")
    assert kiamo.do(service, "update", name="Renamed again").status == 200
    assert kiamo.read(batch)["service"] == ("Renamed again" if by_name else service.id)


def test_a_reference_in_a_terminal_batch_outlives_its_target(
    kiamo: Speaker, emulator: Emulator, service: Ref, batch: Ref, fields: dict[str, Ref]
) -> None:
    assert kiamo.do(batch, "update", association={"destination": fields["city"]}).status == 200
    kiamo.do(batch, "stop")
    before = kiamo.read(batch)
    assert kiamo.do(service, "delete").status == 204
    assert kiamo.do(fields["city"], "delete").status == 204
    assert kiamo.read(batch) == before
    emulator.set_contacts("prospects", 3, batch="spring")
    assert kiamo.read(batch) == {**before, "contacts": 3}
    dumped = emulator.dump()["bases"][0]["batches"][0]
    assert dumped["service"] == {"gone": "Outbound Sales"}
    assert dumped["association"] == {"destination": {"gone": "city"}}


# --- names and types -------------------------------------------------------------------------------------------------


def attributes_of(kind: str, service: Ref, **more: Any) -> dict[str, Any]:
    """What a create of a kind must carry."""
    required: dict[str, dict[str, Any]] = {
        "service": {"name": "new one"},
        "base": {"name": "new one", "field": []},
        "field": {"name": "new one", "label": "New", "datatype": "text"},
        "batch": {"name": "new one", "service": service},
    }
    return {**required[kind], **more}


KINDS = pytest.mark.parametrize("kind", ["service", "base", "field", "batch"])


def below(kind: str, base: Ref) -> Ref | None:
    """The parent of a thing of a kind."""
    return base if kind in {"field", "batch"} else None


@KINDS
def test_err_1040_without_a_name(kiamo: Speaker, base: Ref, service: Ref, kind: str) -> None:
    attributes = attributes_of(kind, service)
    del attributes["name"]
    assert kiamo.try_create(kind, below(kind, base), **attributes).outcome == (400, "ERR_1040")
    assert kiamo.try_create(kind, below(kind, base), **attributes, name=None).outcome == (400, "ERR_1040")


@KINDS
@pytest.mark.parametrize("name", ["", " x", "-x", "a/b", "a\n", "a\tb", "#", "é!", "\u202ename", "a\x00"])
def test_err_1050_for_a_name_with_special_characters(
    kiamo: Speaker, base: Ref, service: Ref, kind: str, name: str
) -> None:
    attributes = attributes_of(kind, service, name=name)
    assert kiamo.try_create(kind, below(kind, base), **attributes).outcome == (400, "ERR_1050")


@KINDS
@pytest.mark.parametrize(
    "name", ["a", "_", "9 lives", "Élan d'été".replace("'", "."), "e\u0301te", "名前-1.0", "a " * 99]
)
def test_other_names_are_taken(kiamo: Speaker, base: Ref, service: Ref, kind: str, name: str) -> None:
    kiamo.create(kind, below(kind, base), **attributes_of(kind, service, name=name))


@KINDS
@pytest.mark.parametrize("name", [3, True, [], {"a": 1}])
def test_err_1020_for_a_name_that_is_no_text(kiamo: Speaker, base: Ref, service: Ref, kind: str, name: object) -> None:
    attributes = attributes_of(kind, service, name=name)
    assert kiamo.try_create(kind, below(kind, base), **attributes).outcome == (400, "ERR_1020")


@KINDS
def test_err_2060_for_a_name_in_use(kiamo: Speaker, base: Ref, service: Ref, kind: str) -> None:
    first = kiamo.create(kind, below(kind, base), **attributes_of(kind, service, name="\u00e9t\u00e9"))
    again = attributes_of(kind, service, name="e\u0301te\u0301")
    assert kiamo.try_create(kind, below(kind, base), **again).outcome == (400, "ERR_2060")
    second = kiamo.create(kind, below(kind, base), **attributes_of(kind, service, name="other"))
    if kind != "field":
        assert kiamo.do(second, "update", name=first.name).outcome == (400, "ERR_2060")
        assert kiamo.do(first, "update", name=again["name"]).status == 200, "its own name in another form is not taken"
    kiamo.create(kind, below(kind, base), **attributes_of(kind, service, name="\u00c9t\u00e9"))


@pytest.mark.parametrize("kind", ["field", "batch"])
def test_a_name_is_free_in_another_base(kiamo: Speaker, base: Ref, service: Ref, kind: str) -> None:
    kiamo.create(kind, base, **attributes_of(kind, service))
    kiamo.create(kind, kiamo.create("base", name="elsewhere"), **attributes_of(kind, service))


def test_a_name_is_free_again_after_a_rename_or_a_delete(kiamo: Speaker) -> None:
    first, second = kiamo.create("service", name="a"), kiamo.create("service", name="b")
    assert kiamo.do(first, "update", name="c").status == 200
    assert kiamo.do(second, "update", name="a").status == 200
    assert kiamo.do(first, "delete").status == 204
    assert kiamo.create("service", name="c").id != first.id


@KINDS
def test_err_1020_for_what_no_caller_may_set(kiamo: Speaker, base: Ref, service: Ref, kind: str) -> None:
    read_only = {"service": "id", "base": "contacts", "field": "default", "batch": "state"}[kind]
    value: Any = {"id": service.id, "contacts": 1, "default": True, "state": "started"}[read_only]
    attributes = attributes_of(kind, service, **{read_only: value})
    assert kiamo.try_create(kind, below(kind, base), **attributes).outcome == (400, "ERR_1020")
    thing = kiamo.create(kind, below(kind, base), **attributes_of(kind, service))
    assert kiamo.do(thing, "update", **{read_only: value}).outcome == (400, "ERR_1020")
    same = kiamo.read(thing)[read_only]
    assert kiamo.do(thing, "update", **{read_only: same}).status == 200, "what is as it was is no change"


@KINDS
@pytest.mark.parametrize("label", [3, False, ["x"], {}])
def test_err_1020_for_a_label_that_is_no_text(kiamo: Speaker, base: Ref, service: Ref, kind: str, label: Any) -> None:
    if kind == "batch":
        attributes = attributes_of(kind, service, settings={"label": label})
        assert kiamo.try_create(kind, base, **attributes).status == 201, "a batch has no label: it is a setting"
        return
    attributes = attributes_of(kind, service, label=label)
    assert kiamo.try_create(kind, below(kind, base), **attributes).outcome == (400, "ERR_1020")


def test_every_error_has_the_message_of_its_code(kiamo: Speaker, contract: Contract, base: Ref) -> None:
    answer = kiamo.do(Ref("base", 1, "x"), "read")
    assert answer.message == contract.errors.meanings.codes["ERR_3000"]
    assert kiamo.try_create("base", name="prospects").message == contract.errors.meanings.codes["ERR_2060"]

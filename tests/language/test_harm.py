"""What an instance says is not believed unread: nothing here is written in the contract, and nothing may do harm."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.conftest import Scene
from tests.language.platform import Called, Platform, Row, json_response

SERVICES = "services: [{name: Sales}, {name: Care}]\n"


def test_the_story_under_the_packaged_contract(scene: Scene) -> None:
    scene.story()


# --- a first page never passes for a list ---

ENVELOPES = {
    "total": {"total": 7},
    "nested total": {"meta": {"totalCount": "7"}},
    "next page": {"links": {"next": "/api/bases?page=2"}},
    "next object": {"paging": {"next": {"after": "abc"}}},
    "has more": {"has_more": True},
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_a_first_page_never_passes_for_a_list(scene: Scene, envelope: Row) -> None:
    class Paging(Platform):
        def list_of(self, call: Called, rows: list[Any]) -> Any:
            return {"data": rows, **envelope} if call.kind == "base" else rows

    scene.platform = Paging()
    scene.contract("kinds: {base: {listing: {items: data}}}\n")
    scene.manifest("bases: [{name: prospects}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert code != 0
    assert "The response to GET /api/bases is a part of a list: " in said
    assert "kinds.base.listing.paging of mine.yaml" in said
    scene.contract("kinds: {base: {listing: {items: data, whole: true}}}\n")
    assert scene.run("plan", "-e", "staging")[0] == 0


def test_a_link_header_names_a_next_page(scene: Scene) -> None:
    class Linking(Platform):
        def list_of(self, call: Called, rows: list[Any]) -> Any:
            return json_response(rows, link='</api/x?page=1>; rel="prev", </api/x?page=2>; title="a"; rel="next last"')

    scene.platform = Linking()
    scene.manifest("bases: [{name: prospects}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert (code != 0, "its header Link names a next page" in said) == (True, True)


def test_an_envelope_without_further_pages_is_a_list(scene: Scene) -> None:
    class Whole(Platform):
        def list_of(self, call: Called, rows: list[Any]) -> Any:
            data = {"data": rows, "total": len(rows), "next": None, "paging": {"next": {}}, "has_more": False}
            return json_response(data, link='</api/x?page=1>; rel="last"')

    scene.platform = Whole()
    scene.contract(
        "".join(
            f"{'' if n else 'kinds:'}\n  {kind}: {{listing: {{items: data}}}}"
            for n, kind in enumerate(("service", "base", "field", "batch"))
        )
    )
    scene.story()


def test_a_list_without_pages_is_compared_with_its_total(scene: Scene) -> None:
    class Short(Platform):
        def list_of(self, call: Called, rows: list[Any]) -> Any:
            return {"data": rows, "n": len(rows) + 1} if call.kind == "base" else rows

    scene.platform = Short()
    scene.contract("kinds: {base: {listing: {items: data, total: n}}}\n")
    scene.manifest("bases: [{name: prospects}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert (code != 0, "it lists 0 objects, and counts 1" in said) == (True, True)


# --- a list that shows less than a read ---


class Poor(Platform):
    """Its lists show less than a read."""

    hidden = ("association", "label", "service", "contacts", "pace")

    def listed(self, kind: str, row: Row) -> Any:
        shown = self.shown(kind, row)
        return {key: value for key, value in shown.items() if key not in self.hidden or kind in {"field", "service"}}


def test_a_list_that_shows_less_makes_no_difference_and_restarts_nothing(scene: Scene) -> None:
    scene.platform = Poor()
    scene.story()


def test_a_running_batch_is_not_restarted(scene: Scene) -> None:
    scene.platform = Poor()
    sales = scene.platform.seed("service", name="Sales")
    base = scene.platform.seed("base", name="prospects", label="Prospects")
    scene.platform.seed("field", base=base["id"], name="phone", label="Phone", datatype="phone", default=True)
    scene.platform.seed(
        "batch",
        base=base["id"],
        name="spring",
        service=sales["id"],
        association={"a": "phone"},
        state="started",
        pace=3,
    )
    batch = "{name: spring, service: Sales, association: {a: phone}, state: started, settings: {pace: 3}}"
    scene.manifest(f"services: [{{name: Sales}}]\nbases: [{{name: prospects, label: Prospects, batches: [{batch}]}}]\n")
    scene.is_level()


def test_contacts_that_no_list_shows_are_lost_by_consent_only(scene: Scene) -> None:
    scene.platform = Poor()
    scene.platform.seed("base", name="prospects", contacts=12)
    scene.manifest("bases: [{name: prospects, ensure: absent}]\n")
    code, said = scene.run("apply", "-e", "staging", "--yes")
    assert (code, scene.platform.writes()) == (6, []), said
    assert "12 contacts" in said


def test_another_object_that_is_written_is_as_the_list_showed_it(scene: Scene) -> None:
    scene.platform = Poor()
    scene.platform.seed("base", name="prospects", label="Prospects", pace=3)
    scene.apply("bases: [{name: prospects, settings: {hours: 8}}]\n")
    assert scene.platform.writes() == ["update base"]


# --- flags, words, roles, names ---


@pytest.mark.parametrize("no", ["N", "non", "0", "false", 0, None])
def test_a_flag_that_says_no_is_not_true(scene: Scene, no: object) -> None:
    class Flags(Platform):
        def shown(self, kind: str, row: Row) -> Any:
            found = super().shown(kind, row)
            return {**found, "default": "O" if row["default"] else no} if kind == "field" else found

    scene.platform = Flags()
    scene.story()


def test_a_count_in_digits(scene: Scene) -> None:
    class Digits(Platform):
        def shown(self, kind: str, row: Row) -> Any:
            found = super().shown(kind, row)
            return {**found, "contacts": str(row["contacts"])} if kind == "base" else found

    scene.platform = Digits()
    scene.story()


def test_words_of_the_contract_are_obeyed_on_a_flag(scene: Scene) -> None:
    class Flags(Platform):
        def shown(self, kind: str, row: Row) -> Any:
            found = super().shown(kind, row)
            return {**found, "default": 2 if row["default"] else 1} if kind == "field" else found

    scene.platform = Flags()
    scene.contract("kinds: {field: {attributes: {default: {values: {'true': 2, 'false': 1}}}}}\n")
    scene.story()


def test_an_unlisted_word_stops_a_plan_only_where_it_is_declared(scene: Scene) -> None:
    sales = scene.platform.seed("service", name="Sales")
    base = scene.platform.seed("base", name="prospects", label="P")
    scene.platform.seed("field", base=base["id"], name="x", label="X", datatype="geo", default=False)
    scene.platform.seed("batch", base=base["id"], name="old", service=sales["id"], state="archived")
    scene.contract("kinds: {field: {attributes: {datatype: {values: {string: string}}}}}\n")
    said = scene.apply("bases: [{name: prospects, label: Q}]\n")
    assert 'the contract does not list the state "archived" of a batch ("old")' in said
    assert 'the contract does not list the datatype "geo" of a field ("x")' in said
    scene.manifest("services: [{name: Sales}]\nbases: [{name: prospects, batches: [{name: old, service: Sales}]}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert code != 0
    assert 'batch "old" has the run state "archived", which the contract does not list' in said


def test_an_unlisted_state_that_has_the_name_of_another_is_not_that_one(scene: Scene) -> None:
    base = scene.platform.seed("base", name="prospects")
    scene.platform.seed("batch", base=base["id"], name="old", state="stopped")
    scene.contract("kinds: {batch: {attributes: {state: {values: {stopped: OVER}}}}}\n")
    scene.manifest("bases: [{name: prospects, ensure: absent}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert (code != 0, '"old" (unlisted stopped)' in said) == (True, True), said


def test_a_role_that_is_null_is_not_set(scene: Scene) -> None:
    sales = scene.platform.seed("service", name="Sales")
    base = scene.platform.seed("base", name="prospects")
    scene.platform.seed(
        "batch", base=base["id"], name="b", service=sales["id"], association={"a": "phone", "b": None, "c": ""}
    )
    scene.manifest(
        "services: [{name: Sales}]\nbases: [{name: prospects, batches: [{name: b, service: Sales, "
        "association: {a: phone}}]}]\n"
    )
    scene.is_level()


def test_a_live_name_is_valid(scene: Scene) -> None:
    scene.platform.seed("base", name="a/b & c", label="L")
    said = scene.apply("bases: [{name: 'a/b & c', label: M}]\n")
    assert scene.platform.writes() == ["update base"]
    assert "does not allow" not in said
    scene.manifest("bases: [{name: 'a/b & c', label: M}, {name: 'd/e'}]\n")
    code, said = scene.run("validate")
    assert code == 0, said
    assert '"a/b & c" has characters that the contract does not allow in a new name' in said
    scene.manifest("bases: [{name: 'a/b & c', label: M}, {name: 'd/e'}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert code != 0
    assert '"d/e" cannot be the name of a new base: the contract does not allow its characters' in said
    scene.manifest("bases: [{name: f/g, renamed_from: ['a/b & c']}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert 'a base cannot be renamed to "f/g": the contract does not allow its characters' in said


def test_a_live_name_is_exported(scene: Scene) -> None:
    scene.platform.seed("base", name="a/b & c", label="L")
    code, said = scene.run("export", "-e", "staging")
    assert (code, "name: a/b & c" in said, "omitted" in said) == (0, True, False), said


def test_an_update_that_empties_what_it_was_not_sent_is_no_success(scene: Scene) -> None:
    """Nothing says so in the contract: the first such write is found, and the run ends with exit code 4."""

    class Emptying(Platform):
        def updated(self, row: Row, changes: Row) -> None:
            for key in [*row]:
                if key not in {"id", "base", "state", "default", "contacts", "name"}:
                    del row[key]
            row.update(changes)

    scene.platform = Emptying()
    sales = scene.platform.seed("service", name="Sales")
    base = scene.platform.seed("base", name="p")
    scene.platform.seed("field", base=base["id"], name="phone", label="Phone", datatype="phone", default=True)
    scene.platform.seed("batch", base=base["id"], name="b", service=sales["id"], association={"a": "phone"})
    batch = "{name: b, service: Sales, association: {a: phone, b: phone}}"
    scene.manifest(f"services: [{{name: Sales}}]\nbases: [{{name: p, batches: [{batch}]}}]\n")
    code, said = scene.run("apply", "-e", "staging", "--yes")
    assert code == 4, said
    assert "also changed what it did not send: service was" in said

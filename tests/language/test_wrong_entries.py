"""A contract with one wrong entry: nothing is emptied for it, and what is said names the entry."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.conftest import Scene
from tests.language.platform import Called, Platform, Row
from tests.language.test_manners import Inside, Replacing

PACKAGED = "kiamo_iac/contract/contract.yaml:"
WRONG_READ = "kinds: {base: {operations: {read: {path: '/bases/{id}/full'}%s}}}\n"


@pytest.mark.parametrize(
    ("platform", "update"),
    [(Platform, ""), (Replacing, ", update: {send: whole}"), (Replacing, ", update: {carry: [meta]}")],
)
def test_an_object_that_its_read_does_not_find_is_not_written(
    scene: Scene, platform: type[Platform], update: str
) -> None:
    scene.platform = platform()
    scene.platform.seed("base", name="prospects", label="A", motd="Hello")
    scene.contract(WRONG_READ % update)
    scene.manifest("bases: [{name: prospects, label: B}]\n")
    code, said = scene.run("apply", "-e", "staging", "--yes")
    assert (code != 0, scene.platform.writes()) == (True, []), said
    assert 'The base with the id "base-1" is listed, and its read answers that it does not exist.' in said
    assert "correct kinds.base.operations.read.path (mine.yaml:1)" in said


def test_what_is_deleted_meanwhile_is_still_said_to_be_deleted(scene: Scene) -> None:
    class Racing(Platform):
        def resolve(self, method: str, path: str, query: Any, body: Any) -> tuple[str, str, dict[str, str]]:
            found = super().resolve(method, path, query, body)
            if found[:2] == ("base", "read"):
                self.rows["base"].clear()
            return found

    scene.platform = Racing()
    scene.platform.seed("base", name="prospects", label="A")
    scene.manifest("bases: [{name: prospects, label: B}]\n")
    code, said = scene.run("apply", "-e", "staging", "--yes")
    assert (code, "bases/prospects has been deleted since the plan was made" in said) == (3, True), said


@pytest.mark.parametrize(
    ("operation", "manifest"),
    [
        ("create: {path: /contact-bases}", "{name: clients}"),
        ("update: {path: '/bases/{id}/edit/it'}", "{name: prospects, label: B}"),
    ],
)
def test_a_404_of_a_write_names_its_path(scene: Scene, operation: str, manifest: str) -> None:
    scene.platform.seed("base", name="prospects", label="A")
    scene.contract(f"kinds: {{base: {{operations: {{{operation}}}}}}}\n")
    scene.manifest(f"bases: [{manifest}]\n")
    code, said = scene.run("apply", "-e", "staging", "--yes")
    name = operation.partition(":")[0]
    assert (code, f"check kinds.base.operations.{name}.path (mine.yaml:1)" in said) == (4, True), said


def test_an_attribute_that_is_not_shown_is_not_said_to_need_a_new_object(scene: Scene) -> None:
    base = scene.platform.seed("base", name="prospects")
    scene.platform.seed("field", base=base["id"], name="city", label="City", datatype="string")
    scene.contract("kinds: {field: {attributes: {datatype: {wire: type}}}}\n")
    scene.manifest("bases: [{name: prospects, fields: [{name: city, label: City, datatype: string}]}]\n")
    code, said = scene.run("plan", "-e", "staging")
    assert (code, "loses its data" in said) == (1, False), said
    assert "the instance does not show it: correct kinds.field.attributes.datatype.wire of mine.yaml" in said


class Flags(Platform):
    """Flags in words of its own."""

    yes, no = "TAK", "NIE"

    def shown(self, kind: str, row: Row) -> Any:
        found = super().shown(kind, row)
        return {**found, "default": self.yes if row["default"] else self.no} if kind == "field" else found


CITY = "bases: [{name: prospects, fields: [{name: city, label: %s, datatype: string}]}]\n"


def test_a_flag_in_unknown_words_is_said_where_it_matters(scene: Scene) -> None:
    scene.platform = Flags()
    scene.manifest(CITY % "City")
    code, said = scene.run("apply", "-e", "staging", "--yes")
    assert code == 0, said
    assert "the instance shows it as a default field, which is neither changed nor deleted" in said
    assert f"correct kinds.field.attributes.default ({PACKAGED}" in said
    scene.manifest(CITY % "Town")
    code, said = scene.run("plan", "-e", "staging")
    assert code == 1
    assert 'the contract does not list the default "NIE" of a field ("city")' in said
    assert "if it is none, correct kinds.field.attributes.default of mine.yaml" in said
    scene.contract("kinds: {field: {attributes: {default: {values: {'true': TAK, 'false': NIE}}}}}\n")
    scene.apply(CITY % "Town")


@pytest.mark.parametrize(("yes", "no"), [("VRAI", "FAUX"), ("X", "-"), ("Y", "N"), ("1", "0")])
def test_flags_in_known_words_need_no_entry(scene: Scene, yes: str, no: str) -> None:
    platform = Flags()
    platform.yes, platform.no = yes, no
    scene.platform = platform
    said = scene.apply(CITY % "City") + scene.apply(CITY % "Town")
    assert "default" not in said


# --- what exists only inside its parent ---


class Elsewhere(Inside):
    """An update of the base replaces all of it, and takes the fields under another name than a read shows them."""

    def taken(self, call: Called) -> Row:
        sent = dict(call.body)
        if call.kind == "base" and call.operation == "update":
            sent["fields"] = sent.pop("columns")
        return sent

    def updated(self, row: Row, changes: Row) -> None:
        assert {"name", "label", "fields"} <= changes.keys() <= {"name", "label", "fields", "motd"} or "base" in row
        super().updated(row, changes)


class ByName(Inside):
    """Fields are shown by their names, and sent so."""

    def answered(self, call: Called, row: Row | None) -> Any:
        found = super().answered(call, row)
        if call.kind == "base" and row is not None:
            found["base"]["fields"] = {each.pop("name"): each for each in found["base"]["fields"]}
        return found

    def taken(self, call: Called) -> Row:
        sent = dict(call.body)
        if call.kind == "base" and call.operation == "update" and "fields" in sent:
            sent["fields"] = [{"name": name, **field} for name, field in sent["fields"].items()]
        return sent


BASE = (
    "kinds:\n  base: {item: base, embedded: null, operations: {delete: {item: none}%s}}\n"
    "  field: {identity: name, %s}\n"
)


@pytest.mark.parametrize(
    ("platform", "update", "field"),
    [
        (Elsewhere, ", update: {send: whole}", "inside: {wire: columns, read: base.fields}"),
        (ByName, "", "listing: {keyed: name}, inside: {wire: fields, read: base.fields}"),
        (ByName, ", update: {send: whole}", "listing: {keyed: name}, inside: {wire: fields, read: base.fields}"),
    ],
)
def test_the_list_inside_goes_back_as_it_is_shown(
    scene: Scene, platform: type[Platform], update: str, field: str
) -> None:
    scene.platform = platform()
    scene.contract(BASE % (update, field))
    scene.story()


def test_a_whole_object_is_not_sent_without_what_exists_inside_of_it(scene: Scene) -> None:
    scene.platform = Inside()
    scene.contract(BASE % (", update: {send: whole}", "inside: {wire: columns, read: base.nothing}"))
    scene.platform.seed("base", name="prospects", label="A")
    scene.manifest("bases: [{name: prospects, label: B}]\n")
    code, said = scene.run("apply", "-e", "staging", "--yes")
    assert (code != 0, scene.platform.writes()) == (True, []), said
    assert "kinds.field." in said


# --- attributes below one key ---


class Below(Platform):
    """Everything of an object but its id is below one key; an update takes no attribute that is not for it."""

    def taken(self, call: Called) -> Row:
        (attributes,) = call.body.values()
        known = {"name", "label", "datatype", "service", "association", "motd"}
        assert attributes.keys() <= known, attributes
        return dict(attributes)

    def shown(self, kind: str, row: Row) -> Any:
        found = super().shown(kind, row)
        return {"id": found.pop("id"), "attributes": found}


NAMES = {
    "service": "name label",
    "base": "name label contacts",
    "field": "name label datatype default",
    "batch": "name service association state contacts",
}


def test_what_is_read_only_does_not_go_back_beside_what_is_sent(scene: Scene) -> None:
    scene.platform = Below()
    text = "".join(
        f"  {kind}: {{%sattributes: {{{', '.join(f'{a}: {{wire: attributes.{a}}}' for a in names.split())}}}}}\n"
        % ("embedded: null, " if kind == "base" else "")
        for kind, names in NAMES.items()
    )
    scene.contract(f"kinds:\n{text}")
    scene.story()


@pytest.mark.parametrize("place", ["$", "$field"])
def test_an_association_of_addresses(scene: Scene, place: str) -> None:
    class Addresses(Platform):
        def taken(self, call: Called) -> Row:
            sent = dict(call.body)
            if "association" in sent:
                sent["association"] = {e["role"]: e["field"]["href"].removeprefix("/f/") for e in sent["association"]}
            return sent

        def shown(self, kind: str, row: Row) -> Any:
            found = super().shown(kind, row)
            if kind == "batch":
                roles = row.get("association") or {}
                found["association"] = [{"role": r, "field": {"href": f"/f/{f}", "x": 1}} for r, f in roles.items()]
            return found

    scene.platform = Addresses()
    shape = f"[{{role: $role, field: {{href: /f/{place}}}}}]"
    scene.contract(f"kinds: {{batch: {{attributes: {{association: {{shape: {shape}}}}}}}}}\n")
    scene.story()

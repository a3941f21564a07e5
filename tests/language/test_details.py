"""What the contract language promises beside the story."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from kiamo_iac.api.client import Client
from kiamo_iac.api.listing import listed
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import ManifestError, RefusedError, ResponseError
from kiamo_iac.core.secret import Secret
from tests.api.clients import budget_by, client_of
from tests.http.stubs import CANARY, URL, Stub, in_turn, reply
from tests.language.conftest import Scene
from tests.language.platform import Called, Platform, Row, json_response
from tests.language.test_manners import Inside, Named, Replacing, each


def contract(tmp_path: Path, text: str) -> Contract:
    """The packaged contract with an override."""
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return load_contract(path, shown="mine.yaml")


# --- the token in the query ---


def test_a_token_in_the_query_is_in_no_log_and_no_message(tmp_path: Path) -> None:
    lines: list[str] = []
    stub = Stub(in_turn(reply([]), reply({"message": f"bad token={CANARY}"}, status=403)))
    client = Client(
        URL,
        Secret(CANARY),
        contract(tmp_path, "auth: {query: api_token}\n"),
        transport=stub,
        budget=budget_by(),
        log=lines.append,
    )
    assert client.call("base", "list", query={"page": 2}).data == []
    with pytest.raises(RefusedError) as caught:
        client.call("base", "list")
    assert stub.asked == [f"GET /api/bases?page=2&api_token={CANARY}", f"GET /api/bases?api_token={CANARY}"]
    assert CANARY not in "".join(lines) + str(caught.value) + repr(client)


def test_a_token_in_the_query_is_hidden_from_errors_of_the_network(tmp_path: Path) -> None:
    token = "a+b/c=d" * 5
    asked = f"GET /api/bases?api_token={token.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')}"
    stub = Stub(in_turn(httpx.UnsupportedProtocol(f"cannot send {asked}")))
    client = Client(URL, Secret(token), contract(tmp_path, "auth: {query: api_token}\n"), transport=stub)
    with pytest.raises(Exception, match=r"\(hidden\)|hidden|\*\*") as caught:
        client.call("base", "list")
    assert "a%2Bb" not in str(caught.value)
    assert token not in str(caught.value)


# --- errors ---


@pytest.mark.parametrize(
    ("failed", "data", "fails"),
    [
        ("{path: success, is: false}", {"success": False}, True),
        ("{path: success, is: false}", {"success": True}, False),
        ("{path: success, is: [false, 0]}", {"success": 0}, True),
        ("{path: success, is: false}", {"id": "1"}, False),
        ("{path: status, unless: [ok, done]}", {"status": "ok"}, False),
        ("{path: status, unless: [ok, done]}", {"status": "error"}, True),
        ("{path: status, unless: ok}", {"id": "1"}, True),
        ("{path: errors.0.code}", {"errors": [{"code": "ERR_2060"}]}, True),
        ("{path: errors.0.code}", {"errors": []}, False),
        ("{path: error}", {"error": None}, False),
    ],
)
def test_an_error_with_status_200(tmp_path: Path, failed: str, data: Row, fails: bool) -> None:
    client = client_of(contract(tmp_path, f"errors: {{failed: {failed}}}\n"), Stub(lambda _: reply(data)))
    if not fails:
        assert client.call("base", "create", body={"name": "x"}).data == data
        return
    with pytest.raises(RefusedError, match="POST /api/bases was refused with 200"):
        client.call("base", "create", body={"name": "x"})


def test_a_code_says_that_an_object_does_not_exist(tmp_path: Path) -> None:
    text = "errors: {failed: {path: ok, is: false}, absent: [ERR_3000]}\n"
    client = client_of(contract(tmp_path, text), Stub(lambda _: reply({"ok": False, "code": "ERR_3000", "t": CANARY})))
    with pytest.raises(RefusedError) as caught:
        client.call("base", "read", {"id": "7"})
    assert (caught.value.status, CANARY in str(caught.value)) == (404, False)


# --- pages ---


def pages(made: Contract, stub: Stub) -> list[str]:
    return listed(client_of(made, stub), "base", {}, take=lambda item, _: (item["id"], item["id"]))  # type: ignore[index]


NEXT = "auth: {query: t}\nkinds: {base: {listing: {items: data, paging: {style: next, url: next}}}}\n"


def test_of_the_address_of_a_next_page_only_the_query_is_used(tmp_path: Path) -> None:
    stub = Stub(
        in_turn(
            reply({"data": [{"id": "1"}], "next": f"https://evil.example/steal?page=2&t=other#{CANARY}"}),
            reply({"data": [{"id": "2"}], "next": None}),
        )
    )
    assert pages(contract(tmp_path, NEXT), stub) == ["1", "2"]
    assert stub.asked == [f"GET /api/bases?t={CANARY}", f"GET /api/bases?page=2&t={CANARY}"]


@pytest.mark.parametrize("address", ["https://evil.example/steal", "/api/bases?t=x", 7, ["?page=2"]])
def test_an_address_without_a_query_is_no_next_page(tmp_path: Path, address: Any) -> None:
    stub = Stub(lambda _: reply({"data": [{"id": "1"}], "next": address}))
    with pytest.raises(ResponseError, match=r"has no query|must be an address"):
        pages(contract(tmp_path, NEXT), stub)
    assert len(stub.asked) == 1


def test_pages_that_lead_back_are_an_error(tmp_path: Path) -> None:
    numbers = iter(range(1000))
    stub = Stub(lambda _: reply({"data": [{"id": str(next(numbers))}], "next": "?page=2"}))
    with pytest.raises(ResponseError, match="lead back to an earlier one"):
        pages(contract(tmp_path, NEXT), stub)
    assert len(stub.asked) == 6


def test_a_cursor_with_a_total_is_compared(tmp_path: Path) -> None:
    text = "kinds: {base: {listing: {items: data, total: n, paging: {style: cursor, next: c}}}}\n"
    stub = Stub(lambda _: reply({"data": [{"id": "1"}], "n": 2}))
    with pytest.raises(ResponseError, match="counts 2"):
        pages(contract(tmp_path, text), stub)


# --- what goes back with a write ---


def test_a_value_that_reads_back_masked_is_not_sent_back(scene: Scene) -> None:
    class Masking(Replacing):
        def shown(self, kind: str, row: Row) -> Any:
            found = super().shown(kind, row)
            return {**found, "smtp": {"password": "********"}} if kind == "base" else found

    scene.platform = Masking()
    scene.contract("kinds: {base: {operations: {update: {send: whole, carry: [meta]}}}}\n")
    scene.platform.seed("base", name="prospects", label="P")
    scene.manifest("bases: [{name: prospects, label: Q}]\n")
    code, said = scene.run("apply", "-e", "staging", "--yes")
    assert (code, scene.platform.writes()) == (1, [])
    assert 'it replaces the whole object, and "smtp" reads back masked' in said


def test_a_whole_object_put_keeps_what_nobody_declares(scene: Scene) -> None:
    scene.platform = Replacing()
    scene.contract("kinds: {base: {operations: {update: {send: whole, carry: [meta]}}}}\n")
    scene.platform.seed("base", name="prospects", label="P", hours={"from": 8}, list=[1, None])
    scene.apply("bases: [{name: prospects, label: Q}]\n")
    row = scene.platform.named("base", "prospects")
    assert (row["label"], row["hours"], row["list"], row["color"]) == ("Q", {"from": 8}, [1, None], "red")


def test_a_label_in_another_language_goes_back(scene: Scene) -> None:
    scene.contract("kinds: {base: {attributes: {label: {wire: label.fr}}}}\n")
    scene.platform.seed("base", name="prospects", label={"fr": "P", "en": "E"})
    scene.apply("bases: [{name: prospects, label: Q}]\n")
    assert scene.platform.named("base", "prospects")["label"] == {"fr": "Q", "en": "E"}
    assert scene.platform.done[0].body == {"label": {"fr": "Q", "en": "E"}}


# --- no ids, and objects inside others ---


def test_what_has_no_id_is_renamed(scene: Scene) -> None:
    class Renaming(Named):
        def updated(self, row: Row, changes: Row) -> None:
            super().updated(row, changes)
            if "name" in changes:
                self.rows["base"][changes["name"]] = self.rows["base"].pop(row["id"])
                for child in (*self.rows["field"].values(), *self.rows["batch"].values()):
                    assert child["base"] != row["id"]
                row["id"] = changes["name"]

    scene.platform = Renaming()
    scene.contract(each("{identity: name}") + "prefix: {path: /api}\n")
    scene.apply("bases: [{name: old, label: L}]\n")
    for key in [key for key, row in scene.platform.rows["field"].items() if row["base"] == "old"]:
        del scene.platform.rows["field"][key]
    scene.apply("bases: [{name: new, label: M, renamed_from: [old]}]\n")
    assert scene.platform.writes() == ["create base", "update base"]
    assert scene.platform.named("base", "new")["label"] == "M"
    scene.apply("bases: [{name: new, label: N}]\n")
    assert scene.platform.named("base", "new")["label"] == "N"


def test_a_rename_of_what_has_no_id_is_found_where_its_answer_is_lost(scene: Scene) -> None:
    class Losing(Named):
        def updated(self, row: Row, changes: Row) -> None:
            super().updated(row, changes)
            self.rows["service"][changes["name"]] = self.rows["service"].pop(row["id"])
            row["id"] = changes["name"]

        def answered(self, call: Called, row: Row | None) -> Any:
            return json_response({}, 502) if call.operation == "update" else super().answered(call, row)

    scene.platform = Losing()
    scene.contract(each("{identity: name}"))
    scene.apply("services: [{name: old, managed: true}]\n")
    said = scene.apply("services: [{name: new, managed: true, renamed_from: [old]}]\n")
    assert "had no usable answer, and was found done" in said
    assert scene.platform.writes() == ["create service", "update service"]


def test_fields_inside_a_base_are_made_changed_and_deleted_one_by_one(scene: Scene) -> None:
    scene.platform = Inside()
    scene.contract(
        "kinds:\n  base: {item: base, operations: {delete: {item: none}}}\n"
        "  field: {identity: name, inside: {wire: fields, read: base.fields}}\n"
    )
    fields = "[{name: a, label: A, datatype: string}, {name: b, label: B, datatype: string}]"
    scene.apply(f"bases: [{{name: p, label: P, fields: {fields}}}]\n")
    scene.platform.rows["field"][next(iter(scene.platform.rows["field"]))]["secret"] = 7
    more = fields.replace("label: A", "label: AA")[:-1] + ", {name: c, label: C, datatype: string}]"
    scene.apply(f"bases: [{{name: p, label: Q, fields: {more}}}]\n")
    assert {row["name"]: row["label"] for row in scene.platform.rows["field"].values()} == {
        "phone": "Phone",
        "a": "AA",
        "b": "B",
        "c": "C",
    }
    assert [row.get("secret") for row in scene.platform.rows["field"].values() if row["name"] == "phone"] == [7]
    scene.apply("bases: [{name: p, label: Q, fields: [{name: a, ensure: absent}, {name: b, label: B}]}]\n")
    assert {row["name"] for row in scene.platform.rows["field"].values()} == {"phone", "b", "c"}


def test_a_service_by_key(scene: Scene) -> None:
    class Keys(Platform):
        def make(self, kind: str, row: Row) -> Row:
            made = super().make(kind, row)
            return {**made, "code": f"SVC-{made['id']}"} if kind == "service" else made

        def taken(self, call: Called) -> Row:
            sent = dict(call.body)
            if "service" in sent:
                sent["service"] = sent["service"].removeprefix("SVC-")
            return sent

        def shown(self, kind: str, row: Row) -> Any:
            found = super().shown(kind, row)
            return {**found, "service": f"SVC-{row['service']}"} if kind == "batch" else found

    scene.platform = Keys()
    scene.contract(
        "basis: documented\nkinds:\n  service: {attributes: {key: {wire: code, read_only: true}}}\n"
        "  batch: {attributes: {service: {by: key}}}\n"
    )
    scene.story()


def test_a_batch_for_a_service_of_the_same_run_by_key(scene: Scene) -> None:
    class Keys(Platform):
        def make(self, kind: str, row: Row) -> Row:
            made = super().make(kind, row)
            return {**made, "code": f"SVC-{made['id']}"} if kind == "service" else made

    scene.platform = Keys()
    scene.contract(
        "basis: documented\nkinds:\n  service: {attributes: {key: {wire: code, read_only: true}}}\n"
        "  batch: {attributes: {service: {by: key}}}\n"
    )
    batch = "{name: b, service: S, association: {a: phone}}"
    scene.apply(f"services: [{{name: S, managed: true}}]\nbases: [{{name: p, batches: [{batch}]}}]\n")
    assert scene.platform.named("batch", "b")["service"] == scene.platform.named("service", "S")["code"]


# --- the file ---


def test_the_body_of_an_override_replaces(tmp_path: Path) -> None:
    made = contract(tmp_path, "kinds: {batch: {operations: {start: {body: {action: go}}}}}\n")
    assert made.kinds["batch"].operations["start"].body == {"action": "go"}


def test_one_basis_is_that_of_what_the_file_has(tmp_path: Path) -> None:
    made = contract(tmp_path, "basis: documented\nkinds: {base: {listing: {items: data}, names: {pattern: x}}}\n")
    assert (made.kinds["base"].listing.basis, made.kinds["field"].listing.basis) == ("documented", "assumed")
    assert made.kinds["base"].attributes["label"].basis == "assumed"


def test_routes_leave_out_what_is_removed(tmp_path: Path) -> None:
    calls = "{create: null, update: {method: PATCH}}"
    text = f"basis: documented\nkinds: {{base: {{routes: {{all: /b, one: '/b/{{id}}'}}, operations: {calls}}}}}\n"
    made = contract(tmp_path, text).kinds["base"].operations
    assert {name: f"{call.method} {call.path}" for name, call in made.items()} == {
        "list": "GET /b",
        "read": "GET /b/{id}",
        "update": "PATCH /b/{id}",
        "delete": "DELETE /b/{id}",
    }


def test_a_contract_that_is_written_out_is_the_same(tmp_path: Path) -> None:
    text = (
        "calls: {wrap: $kind, form: parameters}\nkinds:\n  base: {operations: {read: {item: base}}}\n"
        "  field: {identity: name, inside: {wire: fields, read: base.fields}}\n"
        "  batch: {attributes: {service: {shape: {id: $}}}}\n"
    )
    made = contract(tmp_path, text)
    again = Contract.model_validate(json.loads(made.model_dump_json(exclude_unset=True)))
    assert again.model_dump() == made.model_dump()
    assert made.kinds["base"].operations["update"].wrap == "base"
    assert made.kinds["field"].operations["update"].path == "/bases/{base}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kinds: {base: {listing: {paging: {style: cursor}}}}\n", "style: cursor needs next"),
        ("kinds: {base: {listing: {paging: {style: next}}}}\n", "style: next needs url"),
        ("kinds: {batch: {attributes: {service: {by: key}}}}\n", "a service has no attribute key"),
        ("auth: {query: 'a&b'}\n", "auth.query"),
    ],
)
def test_what_cannot_be(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ManifestError) as caught:
        contract(tmp_path, text)
    assert says in caught.value.diagnostics[0].summary


def test_the_first_key_of_a_path_is_no_setting(scene: Scene) -> None:
    scene.contract("kinds: {base: {attributes: {label: {wire: texts.fr}}}}\n")
    scene.manifest("bases: [{name: p, settings: {texts: {en: E}}}]\n")
    code, said = scene.run("validate")
    assert (code, '"texts" in settings is the wire name of an attribute' in said) == (1, True), said


def test_fields_inside_a_base_are_no_setting_of_it(scene: Scene) -> None:
    class Listing(Inside):
        def listed(self, kind: str, row: Row) -> Any:
            return {**self.shown(kind, row), "columns": []} if kind == "base" else self.shown(kind, row)

    scene.platform = Listing()
    scene.contract(
        "kinds:\n  base: {item: base}\n  field: {identity: name, inside: {wire: columns, read: base.fields}}\n"
    )
    scene.platform.seed("base", name="p", label="P")
    code, said = scene.run("export", "-e", "staging")
    assert (code, "columns" in said, "settings" in said) == (0, False, False), said


def test_the_name_stands_for_the_id_where_it_identifies(tmp_path: Path) -> None:
    text = "basis: documented\nkinds: {base: {identity: name, routes: {all: /b, one: '/b/{name}'}}}\n"
    stanza = contract(tmp_path, text).kinds["base"]
    assert (stanza.operations["update"].path, stanza.id.wire, stanza.id.type) == ("/b/{id}", "name", "string")


def test_writes_of_one_object_take_turns(scene: Scene) -> None:
    """Eight fields at a time: none of the whole lists is sent with what another one was about to change."""
    scene.platform = Inside()
    scene.contract(
        "kinds:\n  base: {item: base, operations: {delete: {item: none}}}\n"
        "  field: {identity: name, inside: {wire: fields, read: base.fields}}\n"
    )
    scene.apply("bases: [{name: p, label: P}]\n")
    fields = ", ".join(f"{{name: f{n}, label: F, datatype: string}}" for n in range(8))
    scene.apply(f"bases: [{{name: p, label: Q, fields: [{fields}]}}]\n")
    assert len(scene.platform.rows["field"]) == 9


def test_what_is_carried_gives_way_to_what_is_changed(scene: Scene) -> None:
    class Asking(Platform):
        def updated(self, row: Row, changes: Row) -> None:
            assert {"name", "label"} <= changes.keys()
            super().updated(row, changes)

    scene.platform = Asking()
    scene.platform.seed("base", name="prospects", label="A", motd="Hello")
    scene.contract("kinds: {base: {operations: {update: {carry: [name, label]}}}}\n")
    scene.apply("bases: [{name: prospects, label: B}]\n")
    scene.apply("bases: [{name: prospects, label: B, settings: {motd: Bonjour}}]\n")
    assert scene.platform.named("base", "prospects")["label"] == "B"

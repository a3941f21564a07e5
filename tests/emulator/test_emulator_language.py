"""What the emulator shows and refuses under each manner that a contract can describe, as it stands on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, READ_ONLY_TOKEN, Emulator, EmulatorRequest, EmulatorResponse
from kiamo_iac.emulator.paths import formed, put, take, texts_under, unformed

STAGE: dict[str, Any] = {
    "services": [{"name": "Sales", "label": "S"}, {"name": "Night"}],
    "bases": [
        {
            "name": "b",
            "label": "B",
            "fields": [{"name": "city", "label": "City", "datatype": "string"}],
            "batches": [{"name": "x", "service": "Sales", "association": {"to": "city"}}],
        }
    ],
}
PHONE = {"name": "phone", "label": "Phone", "datatype": "phone"}
CITY = {"name": "city", "label": "City", "datatype": "string"}


class Line:
    """Sends requests as they stand on the wire."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def send(
        self, method: str, target: str, body: Any = None, *, form: str | None = None, token: str | None = FULL_TOKEN
    ) -> EmulatorResponse:
        """One request; `form`: the field that holds the body."""
        path, _, query = target.partition("?")
        fields = dict(pair.split("=") for pair in query.split("&")) if query else {}
        headers = {"Kiamo-Api-Token": token} if token else {}
        raw = b"" if body is None else json.dumps(body).encode()
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            raw = urlencode({form: raw.decode()}).encode()
        return self.emulator.handle(EmulatorRequest(method, f"/api{path}", fields, headers, raw))

    def json(self, method: str, target: str, body: Any = None, *, form: str | None = None) -> Any:
        """The JSON of a response that is no refusal."""
        found = self.send(method, target, body, form=form)
        assert found.status < 400, found
        return json.loads(found.body) if found.body else None

    def ids(self, kind: str) -> dict[str, Any]:
        """Name → id, from the document."""
        found = self.emulator.dump(ids=True)
        bases = found["bases"]
        rows = found["services"] if kind == "services" else bases if kind == "bases" else bases[0][kind]
        return {row["name"]: row["id"] for row in rows}


@contextmanager
def line(folder: Path, contract: str) -> Iterator[Line]:
    """An emulator under a contract, with something on it."""
    path = folder / "contract.yaml"
    path.write_text(contract, encoding="utf-8")
    with Emulator(load_contract(path)) as emulator:
        emulator.seed(STAGE)
        yield Line(emulator)


# --- requests --------------------------------------------------------------------------------------------------------


def test_the_token_in_the_query_is_checked_and_never_logged(tmp_path: Path) -> None:
    with line(tmp_path, "auth: {query: key}\n") as kiamo:
        for target, status in (
            ("/services", 401),
            (f"/services?key={READ_ONLY_TOKEN}", 401),
            (f"/services?key={FULL_TOKEN}", 200),
        ):
            assert kiamo.send("GET", target).status == status
        assert FULL_TOKEN not in repr(kiamo.emulator.calls())


def test_a_wrapped_body_has_its_key(tmp_path: Path) -> None:
    with line(tmp_path, "calls: {wrap: $kind}\n") as kiamo:
        assert kiamo.json("POST", "/services", {"service": {"name": "A"}})["name"] == "A"
        assert kiamo.send("POST", "/services", {"name": "B"}).status == 400
        assert kiamo.send("POST", "/services", {"service": 1}).status == 400


def test_a_form_holds_the_json(tmp_path: Path) -> None:
    with line(tmp_path, "calls: {form: parameters}\n") as kiamo:
        assert kiamo.json("POST", "/services", {"name": "A"}, form="parameters")["name"] == "A"
        for form in ("other", None):
            assert json.loads(kiamo.send("POST", "/services", {"name": "B"}, form=form).body)["code"] == "ERR_1000"


def test_patch_needs_the_right_to_put(tmp_path: Path) -> None:
    with line(tmp_path, "kinds: {service: {operations: {update: {method: PATCH}}}}\n") as kiamo:
        target = f"/services/{kiamo.ids('services')['Sales']}"
        assert kiamo.json("PATCH", target, {"label": "T"})["label"] == "T"
        assert kiamo.send("PATCH", target, {"label": "U"}, token=READ_ONLY_TOKEN).status == 403
        assert kiamo.send("PUT", target, {"label": "U"}).status == 405


def test_a_whole_update_empties_what_is_left_out(tmp_path: Path) -> None:
    with line(tmp_path, "kinds: {base: {operations: {update: {send: whole}}}}\n") as kiamo:
        target = f"/bases/{kiamo.ids('bases')['b']}"
        assert kiamo.json("PUT", target, {"name": "b", "label": "C", "motd": "Hi"})["motd"] == "Hi"
        found = kiamo.json("PUT", target, {"name": "b"})
        assert (found["label"], "motd" in found) == (None, False)
        assert json.loads(kiamo.send("PUT", target, {"label": "C"}).body)["code"] == "ERR_1040"


def test_a_version_goes_back_with_a_write(tmp_path: Path) -> None:
    with line(tmp_path, "kinds: {service: {operations: {update: {carry: [meta.version]}}}}\n") as kiamo:
        target = f"/services/{kiamo.ids('services')['Sales']}"
        version = kiamo.json("GET", target)["meta"]
        assert kiamo.send("PUT", target, {"label": "T"}).status == 400
        after = kiamo.json("PUT", target, {"label": "T", "meta": version})["meta"]
        assert after != version
        assert kiamo.send("PUT", target, {"label": "U", "meta": version}).status == 409


def test_resume_is_another_command_than_start(tmp_path: Path) -> None:
    resume = "{method: PUT, path: '/bases/{base}/batches/{id}/command', body: {command: resume}, basis: assumed}"
    with line(tmp_path, f"kinds: {{batch: {{operations: {{resume: {resume}}}}}}}\n") as kiamo:
        target = f"/bases/{kiamo.ids('bases')['b']}/batches/{kiamo.ids('batches')['x']}/command"
        for command, wanted in (
            ("resume", "ERR_2100"),
            ("start", "started"),
            ("pause", "paused"),
            ("start", "ERR_2100"),
            ("resume", "started"),
        ):
            found = json.loads(kiamo.send("PUT", target, {"command": command}).body)
            assert (found.get("state") or found["code"]) == wanted, command


# --- responses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("create", "wanted", "location"),
    [
        ("{id: result.id, item: none}", '{"result": {"id": "ID"}}', None),
        ("{id: $answer}", '"ID"', None),
        ("{id: $name}", "", None),
        ("{id: $location}", "", "/api/services/ID"),
        ("{item: '0'}", '[{"id":"ID","name":"A","label":null}]', None),
        ("{id: made, item: entity}", '{"entity": {"id":"ID","name":"A","label":null}, "made": "ID"}', None),
        ("{item: none}", "", None),
    ],
)
def test_what_a_create_answers(tmp_path: Path, create: str, wanted: str, location: str | None) -> None:
    with line(tmp_path, f"kinds: {{service: {{operations: {{create: {create}}}}}}}\n") as kiamo:
        found = kiamo.send("POST", "/services", {"name": "A"})
        id_ = kiamo.ids("services")["A"]
        assert (found.status, found.body.decode().replace(id_, "ID")) == (201, wanted)
        assert found.headers.get("location", "").replace(id_, "ID") == (location or "")


def test_refusals_have_status_200(tmp_path: Path) -> None:
    errors = "errors: {failed: {path: success, is: false}, code: errors.0.code, message: errors.0.text}\n"
    with line(tmp_path, errors) as kiamo:
        found = kiamo.send("POST", "/services", {})
        message = "Json attribute name is missing. Please refer to the documentation for more information"
        assert found.status == 200
        assert json.loads(found.body) == {"errors": [{"code": "ERR_1040", "text": message}], "success": False}
        assert kiamo.send("GET", "/services", token=None).status == 401


def test_successes_say_so(tmp_path: Path) -> None:
    with line(tmp_path, "errors: {failed: {path: status, unless: OK}}\nkinds: {service: {item: data}}\n") as kiamo:
        target = f"/services/{kiamo.ids('services')['Night']}"
        assert kiamo.json("GET", target)["status"] == "OK"
        assert json.loads(kiamo.send("DELETE", target).body) == {"status": "OK"}
        assert "status" not in json.loads(kiamo.send("GET", target).body)


def test_an_operation_may_show_no_object(tmp_path: Path) -> None:
    with line(tmp_path, "kinds: {service: {item: data, operations: {update: {item: none}}}}\n") as kiamo:
        target = f"/services/{kiamo.ids('services')['Sales']}"
        assert kiamo.send("PUT", target, {"label": "T"}).status == 204
        assert kiamo.json("GET", target)["data"]["label"] == "T"


# --- lists -----------------------------------------------------------------------------------------------------------


def _pages(kiamo: Line, listing: str) -> list[Any]:
    found = []
    query = ""
    for _ in range(9):
        answer = kiamo.send("GET", f"/services{query}")
        document = json.loads(answer.body)
        found.append([row["name"] for row in (document if listing == "link" else document["data"])])
        if listing == "link":
            more = answer.headers.get("link", "").partition(">")[0].partition("?")[2]
        elif listing == "next":
            more = (document.get("meta", {}).get("next") or "").partition("?")[2]
        else:
            cursor = document.get("paging", {}).get("next")
            more = f"after={cursor}" if cursor else ""
        if not more:
            return found
        query = f"?{more}"
    msg = "the pages never end"
    raise AssertionError(msg)


@pytest.mark.parametrize(
    ("listing", "paging"),
    [
        ("cursor", "items: data, paging: {style: cursor, next: paging.next, parameter: after, limit: 2}"),
        ("next", "items: data, paging: {style: next, url: meta.next, limit: 2}"),
        ("link", "paging: {style: link, limit: 2}"),
    ],
)
@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_each_page_leads_to_the_next(tmp_path: Path, listing: str, paging: str, count: int) -> None:
    with line(tmp_path, f"kinds: {{service: {{listing: {{{paging}}}}}}}\n") as kiamo:
        names = ["Sales", "Night", *(f"n{at}" for at in range(count - 2))]
        kiamo.emulator.seed({"services": [{"name": name} for name in names[2:]]})
        assert _pages(kiamo, listing) == [names[at : at + 2] for at in range(0, count, 2)]


def test_rows_are_keyed_in_groups_or_under_a_key(tmp_path: Path) -> None:
    groups = (
        "{groups: [own, more]}, attributes: {default: {read: $group, values: {'true': own, 'false': more}}}, "
        "operations: {read: null}"
    )
    contract = (
        "kinds:\n  service: {listing: {items: data, keyed: id}}\n  base: {listing: {row: entity}}\n"
        f"  field: {{listing: {groups}}}\n"
    )
    with line(tmp_path, contract) as kiamo:
        ids = kiamo.ids("services")
        rows = {ids["Sales"]: {"name": "Sales", "label": "S"}, ids["Night"]: {"name": "Night", "label": None}}
        assert kiamo.json("GET", "/services") == {"data": rows}
        (row,) = kiamo.json("GET", "/bases")
        assert row["entity"]["name"] == "b"
        fields = kiamo.json("GET", f"/bases/{row['entity']['id']}/fields")
        by_name = kiamo.ids("fields")
        assert fields == {"own": [{"id": by_name["phone"], **PHONE}], "more": [{"id": by_name["city"], **CITY}]}


def test_a_list_shows_less_than_a_read(tmp_path: Path) -> None:
    with line(tmp_path, "kinds: {batch: {listing: {detail: read}}}\n") as kiamo:
        target = f"/bases/{kiamo.ids('bases')['b']}/batches"
        (row,) = kiamo.json("GET", target)
        assert row.keys() == {"id", "name"}
        assert kiamo.json("GET", f"{target}/{row['id']}")["state"] == "new"


def test_fields_are_inside_the_base(tmp_path: Path) -> None:
    contract = "kinds: {base: {item: base}, field: {identity: name, inside: {wire: fields, read: base.fields}}}\n"
    with line(tmp_path, contract) as kiamo:
        target = f"/bases/{kiamo.ids('bases')['b']}"
        assert kiamo.send("GET", f"{target}/fields").status == 404
        fields = kiamo.json("GET", target)["base"]["fields"]
        assert fields == [{**PHONE, "default": True}, {**CITY, "default": False}]
        zip_ = {"name": "zip", "label": "Zip", "datatype": "text"}
        kiamo.json("PUT", target, {"fields": [fields[0], {**fields[1], "label": "Town"}, zip_]})
        after = kiamo.json("GET", target)["base"]["fields"]
        assert [(f["name"], f["label"]) for f in after] == [("phone", "Phone"), ("city", "Town"), ("zip", "Zip")]
        assert json.loads(kiamo.send("PUT", target, {"fields": fields[1:]}).body)["code"] == "ERR_2050"
        assert kiamo.json("GET", target)["base"]["fields"] == after


# --- attributes ------------------------------------------------------------------------------------------------------


def test_attributes_have_other_forms(tmp_path: Path) -> None:
    contract = (
        "kinds:\n  batch: {attributes: {service: {shape: /api/services/$}, association: {shape: [{role: $role, field: "
        "{name: $field}}]}, state: {wire: status.code, values: {new: [DRAFT, NEW]}}}}\n"
        "  field: {id: {wire: meta.key}, attributes: {label: {wire: label.fr}, "
        "default: {values: {'true': O, 'false': N}}}}\n"
    )
    with line(tmp_path, contract) as kiamo:
        base, service = kiamo.ids("bases")["b"], kiamo.ids("services")
        (batch,) = kiamo.json("GET", f"/bases/{base}/batches")
        del batch["id"]
        assert batch == {
            "name": "x",
            "service": f"/api/services/{service['Sales']}",
            "association": [{"role": "to", "field": {"name": "city"}}],
            "status": {"code": "DRAFT"},
            "contacts": 0,
        }
        target = f"/bases/{base}/batches/{kiamo.ids('batches')['x']}"
        after = kiamo.json(
            "PUT", target, {"service": f"/api/services/{service['Night']}", "association": [], "status": {"more": 1}}
        )
        assert (after["service"], after["association"]) == (f"/api/services/{service['Night']}", [])
        assert after["status"] == {"code": "DRAFT", "more": 1}
        assert json.loads(kiamo.send("PUT", target, {"service": "/x/1"}).body)["code"] == "ERR_1110"
        phone, city = kiamo.json("GET", f"/bases/{base}/fields")
        assert (phone["default"], city["default"], city["label"]) == ("O", "N", {"fr": "City"})
        assert city["meta"] == {"key": kiamo.ids("fields")["city"]}


def test_services_are_referred_to_by_key(tmp_path: Path) -> None:
    contract = (
        "kinds: {service: {attributes: {key: {wire: code, read_only: true, basis: assumed}}}, "
        "batch: {attributes: {service: {by: key}}}}\n"
    )
    with line(tmp_path, contract) as kiamo:
        codes = {row["name"]: row["code"] for row in kiamo.json("GET", "/services")}
        target = f"/bases/{kiamo.ids('bases')['b']}/batches/{kiamo.ids('batches')['x']}"
        assert kiamo.json("GET", target)["service"] == codes["Sales"]
        assert kiamo.json("PUT", target, {"service": codes["Night"]})["service"] == codes["Night"]
        for wrong in ("nowhere", kiamo.ids("services")["Sales"]):
            assert json.loads(kiamo.send("PUT", target, {"service": wrong}).body)["code"] == "ERR_3001"


def test_a_state_is_shown_by_an_operation_of_its_own(tmp_path: Path) -> None:
    contract = (
        "kinds: {batch: {operations: {status: {method: GET, path: '/bases/{base}/batches/{id}/status', "
        "basis: assumed}}, attributes: {state: {from: status, read: data.state}}}}\n"
    )
    with line(tmp_path, contract) as kiamo:
        target = f"/bases/{kiamo.ids('bases')['b']}/batches/{kiamo.ids('batches')['x']}"
        assert "state" not in kiamo.json("GET", target)
        assert kiamo.json("GET", f"{target}/status") == {"data": {"state": "new"}}


def test_names_identify(tmp_path: Path) -> None:
    names = "".join(f"  {kind}: {{identity: name}}\n" for kind in ("service", "base", "field", "batch"))
    with line(tmp_path, f"kinds:\n{names}") as kiamo:
        batch = kiamo.json("GET", "/bases/b/batches/x")
        assert batch["service"] == "Sales"
        assert "id" not in batch
        assert kiamo.json("PUT", "/services/Sales", {"name": "Shop"})["name"] == "Shop"
        assert kiamo.send("GET", "/services/Sales").status == 404
        assert kiamo.json("GET", "/bases/b/batches/x")["service"] == "Shop"


# --- what a contract does not have -----------------------------------------------------------------------------------


def test_operations_that_are_null_are_not_there(tmp_path: Path) -> None:
    five = ("list", "create", "read", "update", "delete")
    gone = "".join(
        f"  {kind}: {{operations: {{{', '.join(f'{op}: null' for op in five)}}}}}\n" for kind in ("base", "service")
    )
    with line(tmp_path, f"kinds:\n{gone}") as kiamo:
        for target in ("/bases", "/services", "/bases/1"):
            assert kiamo.send("GET", target).status == 404
        assert kiamo.json("GET", f"/bases/{kiamo.ids('bases')['b']}/batches")[0]["name"] == "x"


# --- the parts -------------------------------------------------------------------------------------------------------


def test_paths_and_forms() -> None:
    document: dict[str, Any] = {"a": {"b": 1, "c": 2}}
    assert (take(document, "a.b"), take(document, "a.c"), document) == (1, 2, {})
    put(document, "x.0.y", 3)
    put(document, "x.1", 4)
    assert document == {"x": [{"y": 3}, 4]}
    assert texts_under([("0.a", "1"), ("0.b", '{"x":2}')]) == '[{"a": 1, "b": {"x":2}}]'
    shapes: tuple[tuple[Any, Any, Any], ...] = (
        ("/s/$", "a b", "/s/a%20b"),
        ({"id": "$"}, 7, {"id": 7}),
        ([{"id": "$"}], [1, 2], [{"id": 1}, {"id": 2}]),
        ([{"r": "$role", "f": {"n": "$field"}}], {"x": "y"}, [{"r": "x", "f": {"n": "y"}}]),
        ({"$role": {"f": "$field"}}, {"x": "y"}, {"x": {"f": "y"}}),
    )
    for shape, value, wanted in shapes:
        assert formed(shape, value) == wanted
        assert unformed(shape, wanted) == value
    wrongs: tuple[tuple[Any, Any], ...] = (
        ("/s/$", "/t/1"),
        ({"id": "$"}, 7),
        ([{"id": "$"}], {}),
        ({"$role": {"f": "$"}}, []),
        ({"a": 1, "b": "$"}, {"a": 2, "b": 1}),
    )
    for shape, wrong in wrongs:
        with pytest.raises(ValueError, match=r".+"):
            unformed(shape, wrong)

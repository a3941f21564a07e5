"""The wire itself, byte for byte, under the two contracts and under small changes of one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract, merge
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest, EmulatorResponse
from tests.emulator.conftest import OTHER
from tests.emulator.speaker import Ref, Speaker

STAGE = {
    "services": [{"name": "S", "id": 7}],
    "bases": [
        {
            "name": "b",
            "label": "B",
            "id": 1,
            "fields": [
                {"name": "phone", "label": "Phone", "datatype": "phone", "default": True, "id": 2},
                {"name": "city", "label": "City", "datatype": "string", "id": 3},
            ],
            "batches": [
                {
                    "name": "x",
                    "id": 4,
                    "service": "S",
                    "association": {"to": "city"},
                    "state": "paused",
                    "contacts": 5,
                    "settings": {"pace": [1.5, True]},
                }
            ],
        }
    ],
}


def with_ids_as_text(document: Any) -> Any:
    """The same document for a contract with ids that are strings."""
    if isinstance(document, list):
        return [with_ids_as_text(item) for item in document]
    if isinstance(document, dict):
        return {k: str(v) if k == "id" else with_ids_as_text(v) for k, v in document.items()}
    return document


def call(
    emulator: Emulator, method: str, target: str, *, body: Any = None, token: str | None = FULL_TOKEN
) -> EmulatorResponse:
    """A request as it stands on the wire."""
    path, _, query = target.partition("?")
    fields = dict(pair.split("=") for pair in query.split("&")) if query else {}
    headers = {emulator.contract.auth.header.upper(): token} if token else {}
    return emulator.handle(EmulatorRequest(method, path, fields, headers, json.dumps(body).encode() if body else b""))


@contextmanager
def speaking(change: Mapping[str, Any], *, over: Contract | None = None) -> Iterator[Speaker]:
    """An emulator under a contract that is changed a little."""
    under = (over or load_contract()).model_dump()
    contract = Contract.model_validate(merge(under, change))
    with Emulator(contract) as emulator:
        yield Speaker(contract, emulator)


def test_the_packaged_contract_on_the_wire() -> None:
    with Emulator(load_contract()) as emulator:
        emulator.seed(with_ids_as_text(STAGE))
        batch = (
            '{"id":"4","name":"x","service":"7","association":{"to":"city"},"state":"paused","contacts":5,'
            '"pace":[1.5,true]}'
        )
        field = '{"id":"3","name":"city","label":"City","datatype":"string","default":false}'
        phone = '{"id":"2","name":"phone","label":"Phone","datatype":"phone","default":true}'
        for target, wanted in {
            "/api/services": '[{"id":"7","name":"S","label":null}]',
            "/api/bases/1": '{"id":"1","name":"b","label":"B","contacts":0}',
            "/api/bases/1/fields": f"[{phone},{field}]",
            "/api/bases/1/batches": f"[{batch}]",
            "/api/bases/1/batches/4": batch,
            "/api/bases/%31/batches/4?ignored=1": batch,
        }.items():
            answer = call(emulator, "GET", target)
            assert (answer.status, answer.body.decode()) == (200, wanted)
            assert answer.headers == {"content-type": "application/json", "server": "kiamo-iac-emulator"}
        refused = call(emulator, "DELETE", "/api/bases/1")
        assert refused.body == (b'{"code":"ERR_2000","message":"Cannot delete a base containing unfinished batches"}')
        stranger = call(emulator, "GET", "/api/bases", token=None)
        assert stranger.body == b'{"message":"The authentication token is not valid"}'


def test_the_other_contract_on_the_wire() -> None:
    with Emulator(load_contract(OTHER)) as emulator:
        emulator.seed(STAGE)
        lot = (
            '{"ref":4,"baseRef":1,"lotName":"x","desk":"S","mapping":{"to":3},"phase":"HELD","people":5,'
            '"pace":[1.5,true]}'
        )
        column = '{"columnRef":3,"heading":"city","title":"City","type":"string","builtIn":false}'
        for target, wanted in {
            "/desks": '{"answer": {"count": 1, "desks": [{"ref":7,"designation":"S","title":null}]}}',
            "/contact-bases/1": '{"answer": {"ref":1,"key":"b","title":"B","people":0}}',
            "/contact-bases/1/columns?from=1&max=3": f'{{"rows": [{column}]}}',
            "/contact-bases?p=0&perPage=2": (
                '{"answer": {"paging": {"rowCount": 1}, "rows": [{"ref":1,"key":"b","title":"B","people":0}]}}'
            ),
            "/lots": f'{{"lots": [{lot}]}}',
            "/lots/4": f'{{"lot": {lot}}}',
        }.items():
            answer = call(emulator, "GET", f"/kiamo/rest/v9{target}")
            assert (answer.status, answer.body.decode()) == (200, wanted)
        refused = call(emulator, "DELETE", "/kiamo/rest/v9/contact-bases/1")
        assert refused.body == (
            b'{"fault":{"errCode":"ERR_2000","text":"Cannot delete a base containing unfinished batches"}}'
        )
        started = call(emulator, "POST", "/kiamo/rest/v9/lots/4/moves", body={"to": "running", "force": False})
        assert json.loads(started.body)["lot"]["phase"] == "RUNNING"
        closed = call(emulator, "POST", "/kiamo/rest/v9/lots/4/closing")
        assert json.loads(closed.body)["lot"]["phase"] == "CLOSED"


def test_what_the_other_contract_wants_in_a_body() -> None:
    with Emulator(load_contract(OTHER)) as emulator:
        emulator.seed(STAGE)
        lots, desks = "/kiamo/rest/v9/lots", "/kiamo/rest/v9/desks"
        for method, target, body, wanted in (
            ("POST", lots, {"lotName": "y", "desk": "S"}, "ERR_1010"),
            ("POST", lots, {"lotName": "y", "desk": "S", "baseRef": "1"}, "ERR_1020"),
            ("POST", lots, {"lotName": "y", "desk": "S", "baseRef": True}, "ERR_1020"),
            ("POST", lots, {"lotName": "y", "desk": "S", "baseRef": 99}, "ERR_3000"),
            ("PUT", lots, {"lotName": "y"}, "ERR_1160"),
            ("PUT", lots, {"lotName": "y", "ref": "4"}, "ERR_1020"),
            ("PUT", lots, {"lotName": "y", "ref": 1}, "ERR_3000"),
            ("PUT", lots, {"lotName": "x", "ref": 4, "baseRef": 99}, "ERR_1020"),
            ("PUT", lots, {"lotName": "x", "ref": 4, "phase": "STARTED"}, "ERR_1020"),
            ("PUT", lots, {"lotName": "x", "ref": 4, "phase": "HELD", "baseRef": 1}, None),
            ("POST", desks, {"designation": "new"}, "ERR_1010"),
            ("POST", desks, {"designation": "new", "kindOf": "chair"}, "ERR_1020"),
            ("POST", desks, {"designation": "new", "kindOf": "desk"}, None),
        ):
            answer = call(emulator, method, target, body=body)
            assert json.loads(answer.body).get("fault", {}).get("errCode") == wanted, (method, target, body)


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
def test_pages_hold_each_object_once_and_in_order(kiamo: Speaker, count: int) -> None:
    base = kiamo.create("base", name="host")
    service = kiamo.create("service", name="S")
    names = [f"n{number}" for number in range(count)]
    for name in names:
        kiamo.create("base", name=name)
        kiamo.create("field", base, name=name, label="F", datatype="text")
        kiamo.create("batch", base, name=name, service=service)
    assert [b["name"] for b in kiamo.list("base")] == ["host", *names]
    assert [f["name"] for f in kiamo.list("field", base)] == ["phone", *names]
    assert [b["name"] for b in kiamo.list("batch", base)] == names


def test_a_page_is_never_larger_than_the_contract_says() -> None:
    with Emulator(load_contract(OTHER)) as emulator:
        emulator.seed({"bases": [{"name": f"b{n}"} for n in range(5)]})
        for query, wanted in {
            "": ["b0", "b1"],
            "?perPage=100": ["b0", "b1"],
            "?perPage=1&p=3": ["b3"],
            "?p=2": ["b4"],
            "?p=3": [],
            "?p=999999999": [],
        }.items():
            answer = json.loads(call(emulator, "GET", f"/kiamo/rest/v9/contact-bases{query}").body)["answer"]
            assert ([row["key"] for row in answer["rows"]], answer["paging"]["rowCount"]) == (wanted, 5)
        for query in ("?p=-1", "?p=x", "?perPage=0", "?perPage=", "?p=1.0", "?p=%C2%B2", "?p=9999999999"):
            answer = call(emulator, "GET", f"/kiamo/rest/v9/contact-bases{query}")
            assert (answer.status, json.loads(answer.body)["fault"]["errCode"]) == (400, "ERR_1020")


# --- other contracts -------------------------------------------------------------------------------------------------


def test_a_list_may_name_its_parent_in_the_query() -> None:
    change = {"kinds": {"batch": {"operations": {"list": {"path": "/lots", "query": {"of": "{base}", "v": "2"}}}}}}
    with speaking(change) as kiamo:
        service = kiamo.create("service", name="S")
        one, two = (kiamo.create("base", name=name) for name in "ab")
        for base in (one, two):
            kiamo.create("batch", base, name=f"in {base.name}", service=service)
        assert [b["name"] for b in kiamo.list("batch", two)] == ["in b"]
        assert kiamo.send("GET", "/lots", query={"v": "2"}).outcome == (400, "ERR_1010")
        assert kiamo.send("GET", "/lots", query={"of": str(one.id), "v": "1"}).outcome == (400, "ERR_1020")
        assert kiamo.send("GET", "/lots", query={"of": "nowhere", "v": "2"}).outcome == (404, "ERR_3000")


def test_commands_may_share_the_route_of_the_update() -> None:
    path = "/bases/{base}/batches/{id}"
    with speaking({"kinds": {"batch": {"operations": {c: {"path": path} for c in ("start", "stop")}}}}) as kiamo:
        base = kiamo.create("base", name="b", field=[{"name": "f", "label": "F", "datatype": "text"}])
        batch = kiamo.create("batch", base, name="x", service=kiamo.create("service", name="S"))
        assert kiamo.do(batch, "update", association={"to": Ref("field", 0, "f")}).body["state"] == "new"
        assert kiamo.do(batch, "start").body["state"] == "started"
        assert kiamo.do(batch, "update", settings={"command": "no such"}).body["settings"] == {"command": "no such"}
        assert kiamo.do(batch, "stop").body["state"] == "stopped"
        assert [c.operation for c in kiamo.emulator.calls()][-4:] == ["update", "start", "update", "stop"]


def test_an_operation_that_a_contract_lacks_is_not_there() -> None:
    gone = {"service": {"operations": dict.fromkeys(("create", "update", "delete"))}}
    gone["field"] = {"operations": dict.fromkeys(("read", "update", "delete"))}
    with speaking({"kinds": gone}) as kiamo:
        assert kiamo.send("POST", "/services", body={"name": "S"}).outcome == (405, "ERR_3100")
        assert kiamo.send("DELETE", "/services/1").outcome == (405, "ERR_3100")
        assert kiamo.send("DELETE", "/bases/1/fields/1").outcome == (404, "ERR_3000")


def test_a_command_without_a_rule_is_not_implemented() -> None:
    archive = {"method": "PUT", "path": "/bases/{base}/batches/{id}/archive", "basis": "assumed"}
    with speaking({"kinds": {"batch": {"operations": {"archive": archive}}}}) as kiamo:
        base = kiamo.create("base", name="b")
        batch = kiamo.create("batch", base, name="x", service=kiamo.create("service", name="S"))
        assert kiamo.do(batch, "archive").outcome == (405, "ERR_3100")

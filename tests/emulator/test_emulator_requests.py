"""What is refused before any kind's rules are asked: tokens, routes, bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import FULL_TOKEN, READ_ONLY_TOKEN, Emulator
from tests.emulator.speaker import Ref, Speaker

# --- tokens ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", [None, "", "a" * 40, FULL_TOKEN.upper() + "0", FULL_TOKEN[:-1]])
def test_401_without_a_token_that_is_known(kiamo: Speaker, contract: Contract, token: str | None) -> None:
    stranger = Speaker(contract, kiamo.emulator, token=token)
    answer = stranger.request("base", "list")
    assert answer.outcome == (401, None)
    assert answer.message == "The authentication token is not valid"
    assert stranger.send("GET", "/nowhere").status == 401


def test_403_without_the_right_for_the_verb(kiamo: Speaker, contract: Contract, service: Ref) -> None:
    reader = Speaker(contract, kiamo.emulator, token=READ_ONLY_TOKEN)
    assert reader.list("service") == kiamo.list("service")
    for answer in (
        reader.try_create("service", name="X"),
        reader.do(service, "update", label="X"),
        reader.do(service, "delete"),
    ):
        assert answer.outcome == (403, None)
        assert answer.message == "Forbidden"
    assert kiamo.read(service)["label"] == "Sales desk"


def test_each_verb_is_a_right_of_its_own(contract: Contract) -> None:
    token = "ab" * 20
    with Emulator(contract, tokens={token: {"GET", "POST"}}) as emulator:
        kiamo = Speaker(contract, emulator, token=token)
        thing = kiamo.create("base", name="mine")
        assert kiamo.do(thing, "update", label="X").status == 403
        assert kiamo.do(thing, "delete").status == 403
        assert Speaker(contract, emulator).request("base", "list").status == 401


@pytest.mark.parametrize("tokens", [{"short": {"GET"}}, {"g" * 40: {"GET"}}, {"a" * 40: {"PATCH"}}])
def test_tokens_that_are_none_are_refused_without_showing_them(contract: Contract, tokens: dict[str, set[str]]) -> None:
    with pytest.raises(ValueError, match="token") as refused:
        Emulator(contract, tokens=tokens)
    assert next(iter(tokens)) not in str(refused.value)


# --- routes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/nowhere", "/services/x/y", "/desks/1/2/3", "/bases/", "//bases"])
def test_404_for_an_unknown_path(kiamo: Speaker, path: str) -> None:
    assert kiamo.send("GET", path).outcome == (404, "ERR_3000")


def test_404_outside_of_the_prefix(kiamo: Speaker, contract: Contract) -> None:
    path = contract.kinds["service"].operations["list"].path
    before = contract.prefix.path
    assert before
    assert kiamo.send("GET", "/.." + path).outcome == (404, "ERR_3000")
    assert kiamo.send("GET", before + path).outcome == (404, "ERR_3000")


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_405_for_a_method_that_a_path_does_not_take(kiamo: Speaker, contract: Contract, method: str) -> None:
    assert kiamo.send(method, contract.kinds["base"].operations["list"].path).outcome == (405, "ERR_3100")


@pytest.mark.parametrize("kind", ["service", "base", "field", "batch"])
def test_404_for_an_unknown_id(kiamo: Speaker, base: Ref, kind: str) -> None:
    code = "ERR_3001" if kind == "service" else "ERR_3000"
    parent = base if kind in {"field", "batch"} else None
    other = {"service": base.id, "base": 12, "field": base.id, "batch": "x y/é"}[kind]
    for id_ in (other, "0", "-1", "%00", "¹", "0x10"):
        stranger = Ref(kind, id_, "x", parent)
        answers = [kiamo.do(stranger, operation) for operation in ("read", "delete")]
        assert {answer.outcome for answer in answers} == {(404, code)}


def test_404_below_an_unknown_parent(kiamo: Speaker, contract: Contract, service: Ref, batch: Ref) -> None:
    nowhere = Ref("base", 999_999_999 if contract.kinds["base"].id.type == "integer" else "nowhere", "x")
    assert kiamo.try_create("field", nowhere, name="f", label="F", datatype="text").outcome == (404, "ERR_3000")
    assert kiamo.try_create("batch", nowhere, name="b", service=service).outcome == (404, "ERR_3000")
    assert kiamo.request("field", "list", ids={"base": nowhere.id}).outcome == (404, "ERR_3000")


def test_an_object_is_found_below_its_own_parent_only(
    contract: Contract, kiamo: Speaker, fields: dict[str, Ref]
) -> None:
    elsewhere = kiamo.create("base", name="elsewhere")
    moved = Ref("field", fields["city"].id, "city", elsewhere)
    nested = "{base}" in contract.kinds["field"].operations["read"].path
    assert kiamo.do(moved, "read").outcome == ((404, "ERR_3000") if nested else (200, None))


# --- bodies ----------------------------------------------------------------------------------------------------------

BROKEN = {
    "empty": b"",
    "cut": b'{"name": "x"',
    "not UTF-8": b'{"name": "\xff"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "NaN": b'{"name": NaN}',
    "infinite": b'{"name": 1e999}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a key twice": b'{"name": "x", "name": "y"}',
    "too deep for the parser": b"[" * 100_000,
    "a number too long": b'{"name": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN.keys())
def test_err_1000_for_what_is_not_json(kiamo: Speaker, contract: Contract, raw: bytes) -> None:
    path = contract.kinds["base"].operations["create"].path
    if raw:
        assert kiamo.send("POST", path, raw=raw).outcome == (400, "ERR_1000")
    assert kiamo.send("POST", path).outcome == (400, "ERR_1000")


@pytest.mark.parametrize("body", [[], "x", 3, True, {"name": "x", "deep": json.loads("[" * 65 + "]" * 65)}])
def test_err_1020_for_json_of_another_shape(kiamo: Speaker, contract: Contract, body: Any) -> None:
    assert kiamo.send("POST", contract.kinds["base"].operations["create"].path, body=body).outcome == (400, "ERR_1020")


@pytest.mark.parametrize("text", ["[" * 200, '{"' * 100, "\x00", "\U0001f600", "<b>&amp;", "a\tb\r\nc"])
def test_any_text_can_be_a_label(kiamo: Speaker, base: Ref, text: str) -> None:
    assert kiamo.do(base, "update", label=text).status == 200
    assert kiamo.read(base)["label"] == text


# --- commands and what else a body must hold -------------------------------------------------------------------------


def test_err_1130_without_a_command(kiamo: Speaker, contract: Contract, batch: Ref) -> None:
    call = contract.kinds["batch"].operations["start"]
    path, _, body = call.render({"id": batch.id, "base": batch.parent.id if batch.parent else ""})
    for key in body:
        without = {k: v for k, v in body.items() if k != key}
        assert kiamo.send(call.method, path, body=without).outcome == (400, "ERR_1130")
    assert kiamo.send(call.method, path).outcome == (400, "ERR_1000")


@pytest.mark.parametrize("command", ["restart", "", "START", 1, None, ["start"]])
def test_err_1190_for_an_unknown_command(kiamo: Speaker, contract: Contract, batch: Ref, command: Any) -> None:
    call = contract.kinds["batch"].operations["start"]
    path, _, body = call.render({"id": batch.id, "base": batch.parent.id if batch.parent else ""})
    key = next(iter(body))
    assert kiamo.send(call.method, path, body=body | {key: command}).outcome == (400, "ERR_1190")
    assert kiamo.read(batch)["state"] == "new"


def test_a_refused_call_changes_nothing_and_is_logged(kiamo: Speaker, emulator: Emulator, batch: Ref) -> None:
    before = emulator.dump(ids=True)
    kiamo.do(batch, "delete")
    assert emulator.dump(ids=True) == before
    assert (emulator.calls()[-1].status, emulator.calls()[-1].code) == (400, "ERR_2010")

"""What a call makes of every answer, when it is made again, and that the token never gets out."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import AccessError, ApiError, BusyError, RefusedError, ResponseError, TransportError
from kiamo_iac.core.secret import Secret
from kiamo_iac.http.retry import CONNECTS, Limits
from tests.api.clients import client_of
from tests.http.clock import FakeClock
from tests.http.stubs import CANARY, NEVER_SENT, UNKNOWN, URL, Stub, in_turn, reply

BATCH = {"base": "7", "id": "9"}
NAME = {"name": "x"}


def test_a_call_is_put_together_from_the_contract(contract: Contract) -> None:
    stub = Stub(in_turn(reply({"id": "9"})))
    answer = client_of(contract, stub).call("batch", "start", {"base": "a b", "id": "9?"})
    assert stub.asked == ["PUT /api/bases/a%20b/batches/9%3F/command"]
    assert stub.bodies == [{"command": "start"}]
    assert stub.tokens == [CANARY]
    assert (answer.data, answer.status, answer.call) == ({"id": "9"}, 200, "PUT /api/bases/a%20b/batches/9%3F/command")


def test_query_and_body_go_beside_what_the_contract_fixes(any_contract: Contract) -> None:
    stub = Stub(in_turn(reply({"id": "9"})))
    client_of(any_contract, stub).call("service", "create", body={"x": 1}, query={"page": 2, "q": "a b"})
    assert stub.asked[0].endswith("?page=2&q=a+b")
    assert stub.bodies[0]["x"] == 1


def test_an_answer_without_a_body_is_none(contract: Contract) -> None:
    assert client_of(contract, in_turn(reply(status=204))).call("batch", "delete", BATCH).data is None


def test_an_operation_that_the_contract_lacks_is_named_with_its_place(contract: Contract) -> None:
    with pytest.raises(ApiError, match='no operation "archive" of a batch') as caught:
        client_of(contract, in_turn(reply([]))).call("batch", "archive", BATCH)
    assert caught.value.hint is not None
    assert "kinds.batch.operations.archive" in caught.value.hint


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<!DOCTYPE html><h1>It works</h1>", "HTML"),
        (b'{"contacts": NaN}', "NaN"),
        (b'{"contacts": -Infinity}', "Infinity"),
        (b'{"contacts": 1e999}', "out of range"),
        (b'{"id": 1, "id": 2}', "same key twice"),
        (b'[{"id": 1}', "delimiter"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b"[" * 100_000, "deep"),
        (b"9" * 5000, "digits"),
    ],
)
def test_f17_a_body_that_is_no_strict_json_names_the_call(contract: Contract, body: bytes, says: str) -> None:
    stub = Stub(in_turn(reply(body)))
    with pytest.raises(ResponseError, match=r"^GET /api/bases returned 200 and a body") as caught:
        client_of(contract, stub).call("base", "list")
    assert says in str(caught.value)
    assert len(stub.asked) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304, 199, 600])
def test_no_redirect_is_followed_and_odd_statuses_are_errors(contract: Contract, status: int) -> None:
    stub = Stub(in_turn(reply(status=status, headers={"Location": "http://elsewhere.example/\x1b[31m"})))
    with pytest.raises(ResponseError, match=f"returned {status}") as caught:
        client_of(contract, stub).call("base", "list")
    assert len(stub.asked) == 1
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {"code": "ERR_2010", "message": "Le lot doit être arrêté"},
        {"errors": [{"detail": {"text": "Le lot doit être arrêté", "nr": "KIAMO/ERR_2010/x"}}]},
        ["ERR_2010", "Le lot doit être arrêté"],
        b"<html><title>ERR_2010</title><p>Le lot doit \xc3\xaatre arr\xc3\xaat\xc3\xa9</p></html>",
        b"ERR_2010: Le lot doit \xc3\xaatre arr\xc3\xaat\xc3\xa9",
    ],
)
def test_the_code_is_found_wherever_it_stands_and_told_with_its_meaning(contract: Contract, body: Any) -> None:
    with pytest.raises(RefusedError) as caught:
        client_of(contract, in_turn(reply(body, status=400))).call("batch", "delete", BATCH)
    assert (caught.value.status, caught.value.code) == (400, "ERR_2010")
    assert str(caught.value).startswith("DELETE /api/bases/7/batches/9 was refused with 400 ERR_2010 (Batch must be ")
    assert "Le lot doit être arrêté" in str(caught.value)


def test_every_code_of_the_table_is_told_with_its_meaning(contract: Contract) -> None:
    codes = contract.errors.meanings.codes
    assert len(codes) == 69
    for code, meaning in codes.items():
        with pytest.raises(RefusedError) as caught:
            client_of(contract, in_turn(reply({"x": f"<{code}>"}, status=400))).call("batch", "delete", BATCH)
        assert caught.value.code == code
        assert f"{code} ({meaning})" in str(caught.value)


def test_an_unknown_code_and_none_at_all(contract: Contract) -> None:
    with pytest.raises(RefusedError, match="404 ERR_9999") as caught:
        client_of(contract, in_turn(reply({"message": "ERR_9999 gone"}, status=404))).call("base", "list")
    assert caught.value.code == "ERR_9999"
    with pytest.raises(RefusedError, match=r'refused with 418: "short and stout"\.$') as caught:
        client_of(contract, in_turn(reply({"why": "short and stout", "n": 1}, status=418))).call("base", "list")
    assert caught.value.code is None


@pytest.mark.parametrize("status", [401, 403])
def test_f18_the_token_that_may_not_is_an_access_error(contract: Contract, status: int) -> None:
    stub = Stub(in_turn(reply({"message": "The authentication token is not valid"}, status=status)))
    with pytest.raises(AccessError, match="The authentication token is not valid") as caught:
        client_of(contract, stub).call("base", "list")
    assert caught.value.hint is not None
    assert "token" in caught.value.hint
    assert len(stub.asked) == 1


def test_the_words_of_a_server_are_cut_and_harmless(contract: Contract) -> None:
    text = "\x1b]8;;http://evil\x07 \u202e " + "long " * 10_000
    with pytest.raises(RefusedError) as caught:
        client_of(contract, in_turn(reply({"message": text}, status=400))).call("base", "list")
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


# --- made again, or not ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [502, 503, 504])
def test_f05_a_get_is_made_again_while_the_trouble_may_pass(contract: Contract, status: int) -> None:
    stub, clock = Stub(in_turn(reply(status=status), reply(status=status), reply([]))), FakeClock()
    assert client_of(contract, stub, clock=clock).call("base", "list").data == []
    assert len(stub.asked) == 3
    assert 0 < clock.pauses[0] <= 0.2 < 0.4 >= clock.pauses[1]


@pytest.mark.parametrize("status", [400, 404, 405, 500, 501])
def test_a_get_that_is_refused_for_good_is_not_made_again(contract: Contract, status: int) -> None:
    stub = Stub(in_turn(reply(status=status), reply([])))
    with pytest.raises(RefusedError):
        client_of(contract, stub).call("base", "list")
    assert len(stub.asked) == 1


def test_f05_patience_ends(contract: Contract) -> None:
    stub, clock = Stub(in_turn(reply(status=503))), FakeClock()
    with pytest.raises(RefusedError, match="503"):
        client_of(contract, stub, limits=Limits(patience=1), clock=clock).call("base", "list")
    assert sum(clock.pauses) <= 1
    assert len(stub.asked) == len(clock.pauses) + 1 > 2


def test_f05_the_patience_of_a_run_ends(contract: Contract) -> None:
    stub, clock = Stub(in_turn(reply(status=503))), FakeClock()
    client = client_of(contract, stub, clock=clock)
    with pytest.raises(BusyError, match=r"^GET /api/bases was not made again: the instance answered 503, and this run"):
        client.call("base", "list")
    asked = len(stub.asked)
    assert 120 <= clock() <= 124
    assert asked <= 5 + 12
    with pytest.raises(BusyError, match=r"^POST /api/bases was not made: .* has waited 120 s, as long as it may\.$"):
        client.call("base", "create", body={"name": "x"})
    assert len(stub.asked) == asked


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [("7", 7, 7.2), ("0", 0, 0.2), ("-1", 1, 1.2), ("soon", 1, 1.2), ("nan", 1, 1.2), ("", 1, 1.2)],
)
@pytest.mark.parametrize("operation", ["list", "create"])
def test_f06_retry_after_is_obeyed(contract: Contract, operation: str, asked: str, least: float, most: float) -> None:
    stub, clock = Stub(in_turn(reply(status=429, headers={"Retry-After": asked}), reply([]))), FakeClock()
    client_of(contract, stub, clock=clock).call("base", operation)
    assert len(stub.asked) == 2
    assert least <= clock() <= most


def test_f06_retry_after_as_a_date_that_is_over(contract: Contract) -> None:
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    stub, clock = Stub(in_turn(reply(status=503, headers=headers), reply([]))), FakeClock()
    client_of(contract, stub, clock=clock).call("base", "list")
    assert len(stub.asked) == 2
    assert clock() <= 0.2


@pytest.mark.parametrize("asked", ["1e9", "1000000000", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_f06_a_wait_past_the_cap_is_a_clear_failure(contract: Contract, asked: str) -> None:
    stub, clock = Stub(in_turn(reply(status=429, headers={"Retry-After": asked}), reply([]))), FakeClock()
    client = client_of(contract, stub, clock=clock)
    answered = r"the instance answered 429 \(Retry-After: [0-9]{10}\), and this run may wait only 120 s more\.$"
    with pytest.raises(BusyError, match=f"^POST /api/bases was not made again: {answered}") as caught:
        client.call("base", "create", body={"name": "x"})
    assert (clock.pauses, len(stub.asked)) == ([], 1)
    assert caught.value.hint == ("try again later, or raise limits: {retry_wait: 120} of the environment in kiamo.yaml")


WRITES = [("create", {"base": "7"}), ("update", BATCH), ("delete", BATCH), ("start", BATCH)]


@pytest.mark.parametrize("operation", ["list", "create", "update", "delete", "start"])
@pytest.mark.parametrize("failure", NEVER_SENT, ids=repr)
def test_f23_what_was_never_sent_is_tried_again_a_few_times(
    contract: Contract, failure: httpx.TransportError, operation: str
) -> None:
    stub = Stub(in_turn(failure, reply([])))
    assert client_of(contract, stub).call("batch", operation, BATCH).data == []
    stub = Stub(in_turn(failure))
    with pytest.raises(TransportError) as caught:
        client_of(contract, stub).call("batch", operation, BATCH)
    assert len(stub.asked) == CONNECTS
    assert caught.value.sent is False


@pytest.mark.parametrize(("operation", "ids"), WRITES)
@pytest.mark.parametrize("failure", UNKNOWN, ids=repr)
def test_f01_a_write_of_unknown_outcome_is_never_made_again(
    contract: Contract, failure: httpx.TransportError, operation: str, ids: dict[str, str]
) -> None:
    stub = Stub(in_turn(failure, reply([])))
    with pytest.raises(TransportError) as caught:
        client_of(contract, stub).call("batch", operation, ids)
    assert len(stub.asked) == 1
    assert caught.value.sent is True


@pytest.mark.parametrize(("operation", "ids"), WRITES)
@pytest.mark.parametrize("status", [502, 503, 504])
def test_f01_a_write_that_is_answered_with_trouble_is_never_made_again(
    contract: Contract, status: int, operation: str, ids: dict[str, str]
) -> None:
    stub = Stub(in_turn(reply(status=status), reply([])))
    with pytest.raises(RefusedError):
        client_of(contract, stub).call("batch", operation, ids)
    assert len(stub.asked) == 1


@pytest.mark.parametrize(("operation", "ids"), WRITES)
def test_o02_a_write_that_is_answered_429_was_not_carried_out_and_is_made_again(
    contract: Contract, operation: str, ids: dict[str, str]
) -> None:
    busy = reply(status=429, headers={"Retry-After": "7"})
    stub, clock = Stub(in_turn(busy, busy, reply({"id": "9"}))), FakeClock()
    assert client_of(contract, stub, clock=clock).call("batch", operation, ids, body=NAME).data == {"id": "9"}
    assert len(set(stub.asked)) == 1
    assert stub.bodies[0] == stub.bodies[2]
    assert (len(stub.asked), clock()) == (3, 14)


@pytest.mark.parametrize("operation", ["list", "create", "start"])
def test_o02_after_a_503_with_retry_after_every_call_waits(contract: Contract, operation: str) -> None:
    stub, clock = Stub(in_turn(reply(status=503, headers={"Retry-After": "30"}), reply({"id": "9"}))), FakeClock()
    client = client_of(contract, stub, clock=clock)
    with pytest.raises(RefusedError, match="503"):
        client.call("batch", "create", {"base": "7"})
    assert (len(stub.asked), clock()) == (1, 0)
    client.call("batch", operation, BATCH)
    assert (len(stub.asked), clock()) == (2, 30)


@pytest.mark.parametrize("failure", UNKNOWN, ids=repr)
def test_a_get_is_made_again_whatever_broke(contract: Contract, failure: httpx.TransportError) -> None:
    assert client_of(contract, in_turn(failure, reply([]))).call("base", "list").data == []


def test_closing_ends_the_waits(contract: Contract) -> None:
    stub = Stub(in_turn(reply(status=503)))
    client = Client(URL, Secret(CANARY), contract, transport=stub)
    client.close()
    with pytest.raises(RefusedError):
        client.call("base", "list")
    assert len(stub.asked) == 1


# --- what is sent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_carry_is_not_sent(contract: Contract, value: Any) -> None:
    stub = Stub(in_turn(reply([])))
    with pytest.raises(ApiError, match="JSON cannot carry"):
        client_of(contract, stub).call("base", "create", body={"x": value})
    assert stub.asked == []


def test_text_is_sent_as_utf_8(contract: Contract) -> None:
    sent: list[bytes] = []

    def script(request: httpx.Request) -> httpx.Response:
        sent.append(request.read())
        return reply({})

    client_of(contract, script).call("base", "create", body={"name": "Été"})
    assert sent[0] == json.dumps({"name": "Été"}, ensure_ascii=False, separators=(",", ":")).encode()

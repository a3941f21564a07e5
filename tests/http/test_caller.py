"""The one HTTP caller: one origin, no redirect, calls made again where that is safe, and no password in any text."""

from __future__ import annotations

import re
import threading
import time
from base64 import b64encode
from typing import Any

import httpx
import pytest

from kiamo_iac.core.errors import ResponseError, TransportError, UsageError
from kiamo_iac.core.secret import Secret
from kiamo_iac.http.caller import HttpCaller
from kiamo_iac.http.message import Authorization, Endpoint, Request
from kiamo_iac.http.retry import CONNECTS, Limits
from tests.http.servers import CERTIFICATES, always, answer, wild
from tests.http.stubs import NEVER_SENT, UNKNOWN, Script, Stub, in_turn, reply

pytestmark = pytest.mark.usefixtures("no_proxy")

URL = "http://127.0.0.1:1/state"
PASSWORD = "hunter2-hunter2"
AUTHORIZATION = Authorization.basic("robot", Secret(PASSWORD))
ENDPOINT = Endpoint(
    address="the address of the ledger",
    example="https://gitlab.example.com/state",
    owner="the ledger's",
    hint="all addresses of the ledger have one scheme, host and port",
)
LIMITS = Limits(attempts=CONNECTS)
BASIC = f"Basic {b64encode(f'robot:{PASSWORD}'.encode()).decode()}"


def caller(
    script: Script | Stub, *, pauses: list[float] | None = None, limits: Limits = LIMITS, **more: Any
) -> HttpCaller:
    transport = script if isinstance(script, Stub) else Stub(script)
    waits = pauses if pauses is not None else []
    return HttpCaller(URL, ENDPOINT, AUTHORIZATION, transport=transport, pause=waits.append, limits=limits, **more)


def to(address: str, authorization: Authorization | None = AUTHORIZATION, **more: Any) -> HttpCaller:
    """A caller over the network."""
    return HttpCaller(address, ENDPOINT, authorization, **more)


GET = Request("GET", URL)
POST = Request("POST", URL, {}, b"{}")


def test_any_method_is_sent_with_headers_body_and_password() -> None:
    with wild(always(answer(b'{"ID": "x"}', status="423 Locked"))) as server:
        log: list[str] = []
        with to(f"{server.url}/state", log=log.append) as send:
            response = send(Request("LOCK", f"{server.url}/state?ID=1", {"Content-Type": "application/json"}, b"{}"))
    assert (response.status, response.body) == (423, b'{"ID": "x"}')
    assert response.headers["content-type"] == "application/json"
    request = server.requests[0].decode()
    assert request.startswith("LOCK /state?ID=1 HTTP/1.1\r\n")
    assert f"authorization: {BASIC}\r\n".lower() in request.lower()
    assert request.endswith("\r\n\r\n{}")
    assert [re.sub("[0-9]+ ms", "n ms", line) for line in log] == ["LOCK /state: 423, n ms"]


def test_a_server_that_does_not_answer_is_named_as_its_user_knows_it() -> None:
    with caller(in_turn(httpx.ConnectError("refused"))) as send, pytest.raises(TransportError) as caught:
        send(Request("GET", f"{URL}/projects/acme%2Ftelephony?ID=1"))
    assert str(caught.value).startswith("GET /state/projects/acme%2Ftelephony failed: no connection to ")
    assert caught.value.hint == "check the address of the ledger, the network, and that the server is running"


def test_without_a_secret_no_header_is_sent() -> None:
    with wild(always(answer(b"{}"))) as server, to(server.url, None) as send:
        assert send(Request("GET", server.url)).status == 200
    assert b"authorization" not in server.requests[0].lower()


def test_a_redirect_is_an_answer_like_another() -> None:
    with wild(always(answer(b"{}"))) as elsewhere:
        moved = answer(b"", status="307 Moved", headers=f"Connection: close\r\nLocation: {elsewhere.url}\r\n")
        with wild(always(moved)) as server, to(server.url) as send:
            assert send(Request("POST", server.url, {}, b"{}")).status == 307
        assert (elsewhere.connections, elsewhere.requests) == (0, [])


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1:2/state", "http://localhost:1/state", "https://127.0.0.1:1/state"),
        *("http://robot:hunter2@127.0.0.1:1/state", "http://127.0.0.1:1/state/../other", "http://127.0.0.1:1\\@x/"),
    ],
)
def test_another_origin_is_never_called(url: str) -> None:
    stub = Stub(in_turn(reply({})))
    with pytest.raises(UsageError, match="another address than the ledger's") as caught:
        caller(stub)(Request("POST", url, {}, b"{}"))
    assert "hunter2" not in str(caught.value)
    assert stub.asked == []


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://state.example.com/x", "http is allowed for this machine only"),
        ("https://robot:hunter2@state.example.com/x", "contains a user"),
        ("https://state.example.com/x#y", "fragment"),
        ("ftp://state.example.com/x", "must begin with https://"),
        ("state", "must begin with https://"),
        ("https://", "must begin with https://"),
    ],
)
def test_an_address_that_no_password_may_go_to_is_refused(address: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        to(address)
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"


@pytest.mark.parametrize("failure", NEVER_SENT, ids=lambda error: type(error).__name__)
def test_a_call_that_was_never_sent_is_made_again(failure: Exception) -> None:
    waits: list[float] = []
    stub = Stub(in_turn(failure, failure, reply({})))
    assert caller(stub, pauses=waits)(POST).status == 200
    assert (len(stub.asked), len(waits)) == (3, 2)


@pytest.mark.parametrize("failure", UNKNOWN, ids=lambda error: type(error).__name__)
def test_a_write_of_unknown_outcome_is_not_made_again_and_a_get_is(failure: Exception) -> None:
    stub = Stub(in_turn(failure, reply({})))
    with pytest.raises(TransportError) as caught:
        caller(stub)(POST)
    assert caught.value.sent
    assert len(stub.asked) == 1
    stub = Stub(in_turn(failure, reply({})))
    assert caller(stub)(GET).status == 200


def test_a_passing_status_is_waited_out_for_a_get_and_handed_over_for_a_write_unless_it_is_429() -> None:
    waits: list[float] = []
    busy = reply(status=503, headers={"Retry-After": "2"})
    assert caller(in_turn(busy, reply({})), pauses=waits)(GET).status == 200
    assert 2 <= waits[0] < 3
    assert caller(in_turn(busy, reply({})))(POST).status == 503
    refused = Stub(in_turn(reply(status=429, headers={"Retry-After": "3"}), reply({})))
    assert caller(refused, pauses=waits)(POST).status == 200
    assert 3 <= waits[1] < 4
    always_busy = Stub(in_turn(reply(status=503)))
    assert caller(always_busy)(GET).status == 503
    assert len(always_busy.asked) == CONNECTS


def test_a_limit_for_calls_without_a_response_leaves_those_alone_that_are_answered_503() -> None:
    silent, busy = httpx.ReadError("reset"), reply(status=503)
    limits = Limits(unanswered=2)
    stub = Stub(in_turn(silent))
    with pytest.raises(TransportError):
        caller(stub, limits=limits)(GET)
    assert len(stub.asked) == 2
    stub = Stub(in_turn(*[busy] * 6, reply({})))
    assert caller(stub, limits=limits)(GET).status == 200
    assert len(stub.asked) == 7


def test_o19_a_wait_of_a_second_or_more_is_shown() -> None:
    shown: list[str] = []
    busy, away = reply(status=503, headers={"Retry-After": "2"}), httpx.ConnectError("refused")
    assert caller(in_turn(busy, away, away, reply({})), show=shown.append)(GET).status == 200
    assert shown == ["waiting 2 s: the server answered 503 (Retry-After: 2)"]


def test_f31_a_stop_ends_the_wait() -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    stub = Stub(in_turn(reply(status=503, headers={"Retry-After": "50"})))
    begun = time.monotonic()
    with HttpCaller(URL, ENDPOINT, AUTHORIZATION, transport=stub, stop=stop) as send:
        assert send(GET).status == 503
        assert send(GET).status == 503
    assert len(stub.asked) == 2
    assert time.monotonic() - begun < 10


def test_no_wait_begins_that_outlasts_patience() -> None:
    waits: list[float] = []
    busy = reply(status=429, headers={"Retry-After": "3600"})
    assert caller(in_turn(busy), pauses=waits)(GET).status == 429
    assert waits == []


def test_an_answer_that_is_too_large_is_refused() -> None:
    with pytest.raises(ResponseError, match="larger than 10 bytes"):
        caller(in_turn(reply(b"x" * 11)), limits=Limits(body=10))(GET)


def test_a_server_that_quotes_the_password_does_not_give_it_away() -> None:
    def mirror(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == BASIC
        return reply(f"{BASIC} {PASSWORD}".encode(), status=401)

    assert caller(mirror)(GET).body == b"(hidden) (hidden)"
    with pytest.raises(TransportError) as caught:
        caller(in_turn(httpx.ReadError(f"{BASIC} went wrong")))(POST)
    assert BASIC not in str(caught.value)


def test_tls_is_checked_and_its_bundle_may_be_named() -> None:
    with wild(always(answer(b"{}")), tls=True) as server:
        url = f"https://127.0.0.1:{server.port}/state"
        with (
            to(url, pause=lambda _: None) as send,
            pytest.raises(TransportError, match="is not trusted"),
        ):
            send(Request("GET", url))
        with to(url, ca_bundle=CERTIFICATES / "authority.pem") as send:
            assert send(Request("GET", url)).status == 200

"""The emulator over HTTP: the same answers, many calls at once, and a server that is there and gone when it says so."""

from __future__ import annotations

import json
import signal
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.emulator.server import Server, _listener, serve
from tests.emulator.speaker import Ref, Speaker


@pytest.fixture
def server(emulator: Emulator) -> Iterator[Server]:
    """Running."""
    with Server(emulator) as server:
        yield server


@pytest.fixture
def http(server: Server, contract: Contract) -> Iterator[httpx.Client]:
    """A client with the token."""
    with httpx.Client(base_url=server.url, headers={contract.auth.header: FULL_TOKEN}, trust_env=False) as client:
        yield client


def test_http_gives_the_same_answers(
    http: httpx.Client, emulator: Emulator, contract: Contract, kiamo: Speaker, batch: Ref
) -> None:
    path = contract.prefix.path
    for method, target, body in (
        ("GET", contract.kinds["base"].operations["list"].path, b""),
        ("GET", "/nowhere%2F%C3%A9?x=1&y=%20", b""),
        ("POST", contract.kinds["base"].operations["create"].path, b'{"name": '),
        ("DELETE", contract.kinds["base"].operations["list"].path, b""),
        ("GET", contract.kinds["service"].operations["read"].path.replace("{id}", "%2e%2e"), b""),
    ):
        there = http.request(method, path + target, content=body)
        raw, _, _ = target.partition("?")
        here = emulator.handle(EmulatorRequest(method, path + raw, {}, {contract.auth.header: FULL_TOKEN}, body))
        assert (there.status_code, there.content) == (here.status, here.body)
        assert there.headers["content-type"] == "application/json"
    assert http.get(path + "/nowhere", headers={contract.auth.header: "x"}).status_code == 401


def test_a_deletion_has_no_body(http: httpx.Client, contract: Contract, service: Ref) -> None:
    call = contract.kinds["service"].operations["delete"]
    answer = http.request(call.method, contract.prefix.path + call.render({"id": service.id})[0])
    assert (answer.status_code, answer.content) == (204, b"")


def test_calls_overlap_while_they_wait(contract: Contract) -> None:
    with Emulator(contract, latency=0.25) as emulator, Server(emulator) as server:
        url = server.url + contract.prefix.path + contract.kinds["service"].operations["list"].path

        def work() -> None:
            httpx.get(url, headers={contract.auth.header: FULL_TOKEN}, trust_env=False)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert emulator.peak.reads > 1
        assert [c.status for c in emulator.calls() if c.operation == "list"] == [200] * 8


def test_it_stops_when_the_block_is_left(emulator: Emulator) -> None:
    with Server(emulator) as server, httpx.Client(trust_env=False) as client:
        assert client.get(server.url + "/_emulator/dump").json() == {}
        # The client keeps its connection open: an idle one must not hold the server up.
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url, trust_env=False)
    assert not any(thread.name == "emulator" for thread in threading.enumerate())


def test_a_port_in_use_is_an_error(emulator: Emulator) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match=r"in use|Only one usage"):
        Server(emulator, port=taken.getsockname()[1]).__enter__()


def test_answers_do_not_wait_for_more(emulator: Emulator) -> None:
    """asyncio turns Nagle's algorithm off only on sockets whose protocol is said to be TCP."""
    with _listener("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_with_a_signal(emulator: Emulator, number: signal.Signals) -> None:
    answers: list[int] = []
    before = signal.getsignal(signal.SIGTERM)

    def ready(url: str) -> None:
        def work() -> None:
            try:
                answers.append(httpx.get(f"{url}/_emulator/dump", trust_env=False, timeout=60).status_code)
            finally:  # without the signal, the test would never end
                signal.raise_signal(number)

        threading.Thread(target=work).start()

    serve(emulator, host="127.0.0.1", port=0, ready=ready)
    assert answers == [200]
    assert signal.getsignal(signal.SIGTERM) == before


# --- the endpoints behind the API ------------------------------------------------------------------------------------


def test_the_stage_is_set_over_http(http: httpx.Client, emulator: Emulator, contract: Contract) -> None:
    http.headers.pop(contract.auth.header)
    document = {
        "bases": [
            {"name": "b", "batches": [{"name": "x", "association": {"to": "phone"}, "state": "started"}]},
        ]
    }
    assert http.post("/_emulator/seed", json=document).status_code == 204
    assert http.post("/_emulator/advance", json={"base": "b", "batch": "x"}).status_code == 204
    assert http.post("/_emulator/contacts", json={"base": "b", "contacts": 4}).status_code == 204
    assert http.post("/_emulator/contacts", json={"base": "b", "contacts": 2, "batch": "x"}).status_code == 204
    (base,) = http.get("/_emulator/dump").json()["bases"]
    assert (base["contacts"], base["batches"][0]["contacts"], base["batches"][0]["state"]) == (4, 2, "finished")
    assert http.get("/_emulator/dump?ids=1").json() == emulator.dump(ids=True)
    assert http.post("/_emulator/reset").status_code == 204
    assert http.get("/_emulator/dump").json() == {}


def test_an_id_with_a_line_break_is_an_unknown_object(http: httpx.Client, contract: Contract) -> None:
    """Its address is one of the contract, not one that no router knows."""
    path = contract.kinds["service"].operations["read"].path.replace("{id}", "a%0Ab%1F")
    answer = http.get(contract.prefix.path + path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert "ERR_3" in answer.text


def test_the_log_is_read_over_http(http: httpx.Client, kiamo: Speaker, contract: Contract) -> None:
    kiamo.create("service", name="S")
    log = http.get("/_emulator/calls").json()
    assert log["peak"] == {"total": 1, "reads": 0, "writes": 1}
    (call,) = log["calls"]
    assert (call["method"], call["status"], call["operation"]) == ("POST", 201, "create")
    assert http.get(f"/_emulator/calls?after={call['n']}").json()["calls"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "nowhere", b"", 404, "unknown endpoint /_emulator/nowhere (known: advance, "),
        ("GET", "reset", b"", 405, "/_emulator/reset allows only POST"),
        ("POST", "seed", b"{", 400, "the body must be a JSON object"),
        ("POST", "seed", b"[]", 400, "the body must be a JSON object"),
        ("POST", "seed", b'{"base": []}', 400, 'the document: unknown key "base"'),
        ("POST", "advance", b'{"base": "b"}', 400, "the body must have the keys base, batch"),
        ("POST", "advance", b'{"base": "b", "batch": 3}', 400, "batch must be a string"),
        ("POST", "advance", b'{"base": "b", "batch": "x"}', 400, 'no base is called "b"'),
        (
            "POST",
            "contacts",
            b'{"base": "b", "contacts": "3"}',
            400,
            "contacts must be a whole number, 0 or more, not '3'",
        ),
        ("GET", "calls", b"", 400, "after must be a whole number"),
    ],
)
def test_errors_of_control_endpoints(
    emulator: Emulator, method: str, path: str, body: bytes, status: int, error: str
) -> None:
    answer = emulator.handle(EmulatorRequest(method, f"/_emulator/{path}", {"after": "x"}, {}, body))
    assert answer.status == status
    assert json.loads(answer.body)["error"].startswith(error)


def test_a_signal_while_the_url_is_printed_stops_it_too(contract: Contract) -> None:
    told: list[str] = []

    def ready(url: str) -> None:
        told.append(url)
        signal.raise_signal(signal.SIGTERM)

    with Emulator(contract) as made:
        serve(made, host="127.0.0.1", port=0, ready=ready)
    assert told

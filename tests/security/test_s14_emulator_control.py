"""A page in a browser finds an emulator on this machine: it can neither look behind it nor empty it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest, server
from kiamo_iac.emulator.server import Server

SEED = {"bases": [{"name": "prospects"}]}
FOREIGN_HOSTS = [
    "evil.example.com", "evil.example.com:{port}", "127.0.0.1.evil.example.com", "localhost.evil.example.com",
    "localhost.",
    "evil.localhost", "0.0.0.0", "[::]", "192.168.0.1", "127.1", "2130706433", "0x7f.1", "[::1]x", "[::1",
    "user@localhost",
    "localhost:{port}:1", "localhost/", "localhost evil", "kiamo-emulator:8090", "",
]  # fmt: skip
LOCAL_HOSTS = ["localhost", "localhost:{port}", "LOCALHOST:1", "127.0.0.1", "127.8.9.10:80", "[::1]", "[::1]:{port}"]
FOREIGN_ORIGINS = [
    "https://evil.example.com", "http://evil.example.com:{port}", "null", "", "file://", "http://127.0.0.1:1",
    "http://localhost:{port}", "http://127.0.0.1", "http://127.0.0.1:{port}.evil.example.com", "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}@evil.example.com", "chrome-extension://abc", "http://127.0.0.1:{port}, http://evil.example.com",
]  # fmt: skip
CONTROL = [
    ("POST", "reset", b""),
    ("POST", "seed", json.dumps(SEED).encode()),
    ("GET", "dump", b""),
    ("GET", "calls", b""),
    ("POST", "advance", b"{}"),
    ("POST", "contacts", b"{}"),
    ("GET", "nowhere", b""),
]


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator(load_contract()) as made:
        made.seed(SEED)
        yield made


@pytest.fixture
def port(emulator: Emulator) -> Iterator[int]:
    with Server(emulator) as server:
        yield int(server.url.rpartition(":")[2])


def call(port: int, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, bytes]:
    """As a browser puts it: its own `Host`, its own `Origin`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value.replace("{port}", str(port)))
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_s14_a_name_that_was_led_to_this_machine_is_not_answered(emulator: Emulator, port: int, host: str) -> None:
    """DNS rebinding: the page may read what its own name answers, and knows the public token."""
    before = emulator.dump()
    for method, path, body in CONTROL:
        status, said = call(port, method, f"/_emulator/{path}", {"Host": host}, body)
        assert status in {400, 421}, path
        assert b"prospects" not in said
    for path in ("/api/bases", "/api/services"):
        status, said = call(port, "GET", path, {"Host": host, "Kiamo-Api-Token": FULL_TOKEN})
        assert status in {400, 421}
        assert b"prospects" not in said
    assert emulator.dump() == before
    assert emulator.calls() == []


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_s14_a_page_of_another_origin_controls_nothing(emulator: Emulator, port: int, origin: str) -> None:
    """A form, or `fetch` without reading: the browser sends it, with the `Origin` of the page."""
    before = emulator.dump()
    for method, path, body in CONTROL:
        headers = {"Host": "127.0.0.1:{port}", "Origin": origin, "Content-Type": "text/plain"}
        status, said = call(port, method, f"/_emulator/{path}", headers, body)
        assert status == 403, path
        assert json.loads(said)["error"].startswith("requests from pages of another origin")
    assert emulator.dump() == before


@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "", "new-one"])
def test_s14_a_page_of_another_site_controls_nothing(emulator: Emulator, port: int, site: str) -> None:
    """An image or a link sends no `Origin` with its GET."""
    headers = {"Host": "127.0.0.1:{port}", "Sec-Fetch-Site": site}
    assert call(port, "GET", "/_emulator/dump", headers)[0] == 403
    assert call(port, "POST", "/_emulator/reset", headers)[0] == 403
    assert emulator.dump() != {}


@pytest.mark.parametrize("host", LOCAL_HOSTS)
def test_s14_programs_and_pages_of_this_machine_are_answered(emulator: Emulator, port: int, host: str) -> None:
    assert call(port, "GET", "/_emulator/dump", {"Host": host})[0] == 200
    own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
    assert call(port, "GET", "/_emulator/dump", own)[0] == 200
    assert call(port, "GET", "/_emulator/dump", {"Host": host, "Sec-Fetch-Site": "none"})[0] == 200
    assert call(port, "GET", "/api/bases", {"Host": host, "Kiamo-Api-Token": FULL_TOKEN})[0] == 200
    assert call(port, "POST", "/_emulator/reset", {"Host": host})[0] == 204
    assert emulator.dump() == {}


def test_s14_in_this_process_it_is_the_same(emulator: Emulator) -> None:
    assert emulator.handle(EmulatorRequest("GET", "/_emulator/dump")).status == 200
    assert emulator.handle(EmulatorRequest("GET", "/_emulator/dump", {}, {"host": "evil.example.com"})).status == 421
    assert emulator.handle(EmulatorRequest("POST", "/_emulator/reset", {}, {"Origin": "null"})).status == 403
    assert emulator.dump() != {}


def test_s14_where_a_program_lets_others_in_they_have_the_api_alone(emulator: Emulator) -> None:
    """`Server(host=…)` in Python; the command takes loopback alone."""
    with Server(emulator, host="0.0.0.0") as server:
        port = int(server.url.rpartition(":")[2])
        named = {"Host": "kiamo-emulator:8090", "Kiamo-Api-Token": FULL_TOKEN}
        assert call(port, "GET", "/api/bases", named)[0] == 200
        assert call(port, "GET", "/_emulator/dump", named)[0] == 421
        assert call(port, "GET", "/_emulator/dump", {"Host": "localhost"})[0] == 200


def test_s14_a_body_has_a_size(emulator: Emulator, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_BYTES", 1000)
    local = {"Host": "127.0.0.1:{port}"}
    assert call(port, "POST", "/_emulator/seed", local, b" " * 1001)[0] == 413
    assert call(port, "POST", "/_emulator/seed", local, b'{"services": [{"name": "s"}]}'.ljust(1000))[0] == 204
    assert [service["name"] for service in emulator.dump()["services"]] == ["s"]

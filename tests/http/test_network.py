"""The real connection: kept or not, and where it goes: redirects, names, certificates, proxies."""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import ResponseError, TransportError, UsageError
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.urls import origin_of
from kiamo_iac.http import network
from kiamo_iac.http.network import proxy_for, trusted
from kiamo_iac.http.retry import CONNECTS
from tests.api.clients import budget_by, connect
from tests.http.clock import FakeClock
from tests.http.servers import CERTIFICATES, LISTED, NAME, SHORT, always, answer, drip, wild
from tests.http.stubs import CANARY

pytestmark = pytest.mark.usefixtures("no_proxy")


def test_a_connection_is_kept_for_the_next_call(contract: Contract) -> None:
    class Keep:
        keep = True

        def __call__(self, peer: socket.socket, request: bytes) -> None:
            peer.sendall(answer(LISTED, headers="Set-Cookie: a=b\r\n"))

    with wild(Keep()) as server, connect(server.url, contract) as client:
        for _ in range(3):
            client.call("base", "list")
    assert (server.connections, len(server.requests)) == (1, 3)
    assert b"a=b" not in b"".join(server.requests)


def test_an_idle_connection_is_not_used_again(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "IDLE_SECONDS", 0.0)
    with wild(always(answer(LISTED))) as server, connect(server.url, contract) as client:
        client.call("base", "list")
        client.call("base", "create", body=NAME)
    assert server.connections == 2


@pytest.mark.parametrize(
    ("fresh", "operation", "failing"), [(0.0, "list", 0), (60.0, "list", 1), (0.0, "create", 0), (60.0, "create", 0)]
)
def test_only_a_read_may_meet_a_kept_connection_that_the_server_has_closed(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, fresh: float, operation: str, failing: int
) -> None:
    """It is made again on another one. `fresh`: seconds; a connection that is not is looked at before a read too."""
    monkeypatch.setattr(network, "FRESH_SECONDS", fresh)

    class Closing:
        """Keeps a connection for some calls, and does not say that it closes it."""

        answered = 0

        @property
        def keep(self) -> bool:
            return self.answered != network.PROVEN + 1

        def __call__(self, peer: socket.socket, request: bytes) -> None:
            self.answered += 1
            body = b'{"id": "2", "name": "x"}' if request.startswith(b"POST") else LISTED
            peer.sendall(answer(body, headers=""))

    lines: list[str] = []
    with wild(Closing()) as server, connect(server.url, contract, log=lines.append) as client:
        for _ in range(network.PROVEN + 1):
            client.call("base", "list")
        time.sleep(0.2)  # seconds for the server to close it
        client.call("base", operation, body=NAME if operation == "create" else None)
    assert sum("no answer" in line for line in lines) == failing
    assert (server.connections, len(server.requests)) == (2, network.PROVEN + 2)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_to_another_server_reaches_nobody(contract: Contract, status: str) -> None:
    with wild(always(answer(LISTED))) as elsewhere:
        moved = answer(b"", status=status, headers=f"Connection: close\r\nLocation: {elsewhere.url}/api/bases\r\n")
        with wild(always(moved)) as server, connect(server.url, contract) as client:
            for operation, body in (("list", None), ("create", NAME)):
                with pytest.raises(ResponseError, match="returned 30"):
                    client.call("base", operation, body=body)
        assert (elsewhere.connections, elsewhere.requests) == (0, [])


def test_f23_a_refused_connection_is_a_clear_error(contract: Contract) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    clock = FakeClock()
    client = Client(f"http://127.0.0.1:{port}", Secret(CANARY), contract, budget=budget_by(clock))
    with client, pytest.raises(TransportError, match=f"no connection to 127.0.0.1:{port}: .*refused") as caught:
        client.call("base", "create", body=NAME)
    assert caught.value.sent is False
    assert len(clock.pauses) == CONNECTS - 1


def test_f23_a_name_that_does_not_resolve_is_a_clear_error(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with (
        connect("https://kiamo.example.com", contract) as client,
        pytest.raises(TransportError, match=r"no connection to kiamo.example.com: .*not known") as caught,
    ):
        client.call("base", "list")
    assert caught.value.sent is False


def test_f23_a_certificate_that_nobody_trusts_fails_at_once_and_with_its_bundle_works(contract: Contract) -> None:
    with wild(always(answer(LISTED)), tls=True) as server:
        url = f"https://127.0.0.1:{server.port}"
        clock = FakeClock()
        with (
            Client(url, Secret(CANARY), contract, budget=budget_by(clock)) as client,
            pytest.raises(TransportError, match=r"the certificate of .* is not trusted") as caught,
        ):
            client.call("base", "create", body=NAME)
        assert (caught.value.sent, clock.pauses, server.requests) == (False, [], [])
        assert caught.value.hint is not None
        assert "--ca-bundle" in caught.value.hint
        with connect(url, contract, ca_bundle=CERTIFICATES / "authority.pem") as client:
            assert client.call("base", "list").data == [{"id": "1", "name": "prospects"}]


def test_f14_the_deadline_holds_for_tls_too(contract: Contract) -> None:
    with wild(drip(answer(LISTED)), tls=True) as server:
        url = f"https://127.0.0.1:{server.port}"
        with (
            connect(url, contract, ca_bundle=CERTIFICATES / "authority.pem", limits=SHORT) as client,
            pytest.raises(TransportError, match="no complete response came"),
        ):
            client.call("base", "list")


def test_a_server_that_speaks_no_tls_was_sent_nothing(contract: Contract) -> None:
    with (
        wild(always(answer(LISTED))) as server,
        connect(f"https://127.0.0.1:{server.port}", contract, limits=SHORT) as client,
        pytest.raises(TransportError, match=r"POST /api/bases failed") as caught,
    ):
        client.call("base", "create", body=NAME)
    assert caught.value.sent is False
    assert CANARY.encode() not in b"".join(server.requests)


def test_a_bundle_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n", encoding="utf-8")
    for path in (empty, tmp_path / "missing.pem"):
        with pytest.raises(UsageError, match="cannot be read"):
            trusted(path)


def test_the_check_of_certificates_is_on() -> None:
    for context in (trusted(), trusted(CERTIFICATES / "authority.pem")):
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


# --- proxies ---------------------------------------------------------------------------------------------------------


def test_a_proxy_is_used_for_https_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    assert proxy_for(origin_of("https://kiamo.example.com")) == "http://proxy.example:3128"
    assert proxy_for(origin_of("http://127.0.0.1:8090")) is None
    monkeypatch.setenv("NO_PROXY", "kiamo.example.com")
    assert proxy_for(origin_of("https://kiamo.example.com")) is None


def test_a_proxy_of_another_kind_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://user:secret@proxy.example:1080")
    with pytest.raises(UsageError, match="neither an http nor an https proxy") as caught:
        proxy_for(origin_of("https://kiamo.example.com"))
    assert "secret" not in str(caught.value)


def test_a_proxy_sees_a_tunnel_and_no_token(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    with wild(always(refusal)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:pass@127.0.0.1:{proxy.port}")
        with (
            connect("https://kiamo.example.com", contract) as client,
            pytest.raises(TransportError, match="the proxy refused: 407") as caught,
        ):
            client.call("base", "create", body=NAME)
    assert caught.value.sent is False
    assert proxy.requests[0].startswith(b"CONNECT kiamo.example.com:443 HTTP/1.1")
    assert CANARY.encode() not in b"".join(proxy.requests)

"""One attempt over a real connection, against servers that misbehave: deadline, size, compression."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import RefusedError, ResponseError, TransportError
from kiamo_iac.http.retry import Limits
from tests.api.clients import connect
from tests.http.servers import LISTED, NAME, SHORT, always, answer, drip, wild
from tests.http.stubs import CANARY

pytestmark = pytest.mark.usefixtures("no_proxy")


def test_the_token_goes_in_the_header_of_the_contract(any_contract: Contract) -> None:
    with wild(always(answer(LISTED))) as server, connect(server.url, any_contract) as client:
        assert client.call("service", "list").data == [{"id": "1", "name": "prospects"}]
    head = server.requests[0].decode().lower()
    assert f"{any_contract.auth.header.lower()}: {CANARY}" in head
    assert "accept-encoding: gzip\r\n" in head
    assert "user-agent: kiamo-iac/" in head
    assert "cookie" not in head


@pytest.mark.parametrize("start", [0, 60], ids=["headers", "body"])
def test_f14_an_answer_that_drips_ends_at_the_deadline(contract: Contract, start: int) -> None:
    whole = answer(b"[" + b" " * 200 + b"]")

    def script(peer: socket.socket, request: bytes) -> None:
        peer.sendall(whole[:start])
        drip(whole[start:])(peer, request)

    with wild(script) as server, connect(server.url, contract, limits=SHORT) as client:
        with pytest.raises(TransportError, match=r"GET /api/bases failed: no complete response came within 0.4 s"):
            client.call("base", "list")
        with pytest.raises(TransportError, match="POST /api/bases failed") as caught:
            client.call("base", "create", body=NAME)
    assert caught.value.sent is True
    assert len(server.requests) == 2


def _silent(peer: socket.socket, request: bytes) -> None:
    threading.Event().wait(1)


def test_f14_no_answer_at_all_ends_at_the_deadline(contract: Contract) -> None:
    with (
        wild(_silent) as server,
        connect(server.url, contract, limits=SHORT) as client,
        pytest.raises(TransportError, match="no complete response came within"),
    ):
        client.call("base", "create", body=NAME)


CUT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n" + LISTED,
    "chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + LISTED,
    "no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
    "gzip": answer(gzip.compress(LISTED)[:-12], headers="Content-Encoding: gzip\r\n"),
    "headers": b"HTTP/1.1 200 OK\r\nContent-Le",
    "nothing": b"",
    "no http": b"SSH-2.0-OpenSSH_9.6\r\n",
}


@pytest.mark.parametrize("data", CUT.values(), ids=CUT.keys())
def test_f15_an_answer_cut_short_leaves_the_outcome_of_a_write_unknown(contract: Contract, data: bytes) -> None:
    with (
        wild(always(data)) as server,
        connect(server.url, contract) as client,
        pytest.raises(TransportError, match="POST /api/bases failed: the connection closed") as caught,
    ):
        client.call("base", "create", body=NAME)
    assert caught.value.sent is True
    assert len(server.requests) == 1


def test_f15_a_get_cut_short_is_made_again(contract: Contract) -> None:
    replies: Iterator[bytes] = iter([CUT["length"], b"", answer(LISTED)])
    with wild(lambda peer, _: peer.sendall(next(replies))) as server, connect(server.url, contract) as client:
        assert client.call("base", "list").data == [{"id": "1", "name": "prospects"}]
    assert len(server.requests) == 3


# --- size ------------------------------------------------------------------------------------------------------------


def test_a_compressed_answer_is_read(contract: Contract) -> None:
    data = answer(gzip.compress(LISTED), headers="Content-Encoding: gzip\r\n")
    with wild(always(data)) as server, connect(server.url, contract) as client:
        assert client.call("base", "list").data == [{"id": "1", "name": "prospects"}]


def _huge() -> dict[str, bytes]:
    bomb = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    packed = b"".join(bomb.compress(b" " * 1_000_000) for _ in range(50)) + bomb.flush()
    return {
        "plain": answer(b"[" + b" " * 300_000 + b"]"),
        "announced": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[" + b" " * 200_000,
        "gzip bomb": answer(packed, headers="Content-Encoding: gzip\r\n"),
    }


@pytest.mark.parametrize(("which", "data"), _huge().items(), ids=_huge().keys())
def test_f24_a_body_over_the_cap_is_refused(contract: Contract, which: str, data: bytes) -> None:
    limits = Limits(body=100_000)
    with (
        wild(always(data)) as server,
        connect(server.url, contract, limits=limits) as client,
        pytest.raises(ResponseError, match="The response to GET /api/bases is larger than 100000 bytes"),
    ):
        client.call("base", "list")
    assert len(server.requests) == 1


def test_f24_a_bomb_is_never_whole_in_memory(contract: Contract) -> None:
    bomb = _huge()["gzip bomb"]
    limits = Limits(body=1_000_000)
    with wild(always(bomb)) as server, connect(server.url, contract, limits=limits) as client:
        tracemalloc.start()
        try:
            with pytest.raises(ResponseError, match="larger than"):
                client.call("base", "list")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 6_000_000  # of 50 MB


@pytest.mark.parametrize(
    ("encoding", "body", "says"),
    [
        ("br", LISTED, 'compressed as "br"'),
        ("gzip, gzip", gzip.compress(gzip.compress(LISTED)), 'compressed as "gzip, gzip"'),
        ("gzip", LISTED, "says that it is gzip and is not"),
        ("gzip", gzip.compress(LISTED) + b"[]", "more after the end of its gzip"),
    ],
    ids=["br", "twice", "not gzip", "more after it"],
)
def test_other_compressions_are_refused(contract: Contract, encoding: str, body: bytes, says: str) -> None:
    data = answer(body, headers=f"Content-Encoding: {encoding}\r\n")
    with wild(always(data)) as server, connect(server.url, contract) as client, pytest.raises(ResponseError) as caught:
        client.call("base", "list")
    assert says in str(caught.value)
    assert len(server.requests) == 1


def test_an_error_page_of_any_size_is_still_an_error_with_its_code(contract: Contract) -> None:
    body = b'{"message": "ERR_2060' + b"x" * 500_000 + b'"}'
    with (
        wild(always(answer(body, status="400 Bad Request"))) as server,
        connect(server.url, contract) as client,
        pytest.raises(RefusedError) as caught,
    ):
        client.call("base", "create", body=NAME)
    assert (caught.value.code, len(str(caught.value)) < 600) == ("ERR_2060", True)


def test_no_body_is_none_even_when_it_is_said_to_be_compressed(contract: Contract) -> None:
    data = b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
    with wild(always(data)) as server, connect(server.url, contract) as client:
        assert client.call("base", "delete", {"id": "1"}).data is None


def test_the_head_of_a_gzip_alone_is_an_answer_cut_short(contract: Contract) -> None:
    data = answer(gzip.compress(LISTED)[:10], headers="Content-Encoding: gzip\r\nConnection: close\r\n")
    with (
        wild(always(data)) as server,
        connect(server.url, contract) as client,
        pytest.raises(TransportError, match="the compressed body is incomplete"),
    ):
        client.call("base", "create", body=NAME)

"""The token: where it goes, and that it comes out nowhere."""

from __future__ import annotations

import logging
import pickle
import traceback
from pathlib import Path
from typing import Any

import httpx
import pytest

import kiamo_iac
from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import ApiError, UsageError
from kiamo_iac.core.secret import Secret
from tests.api.clients import client_of
from tests.http.stubs import CANARY, NEVER_SENT, UNKNOWN, URL, Stub, in_turn, reply


@pytest.mark.parametrize(
    "trouble",
    [
        *NEVER_SENT,
        *UNKNOWN,
        httpx.ConnectError(f"the header was {CANARY}"),
        reply({"message": f"not a token: {CANARY}"}, status=401),
        reply(f"<p>{CANARY}</p>".encode(), status=500),
        reply(f'{{"{CANARY}": }}'.encode()),
        reply(status=302, headers={"Location": f"http://evil.example/?t={CANARY}"}),
        reply(f"[{CANARY}".encode()),
    ],
    ids=repr,
)
def test_the_token_is_in_no_error_traceback_or_log(
    contract: Contract, trouble: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(contract, in_turn(trouble))
    with caplog.at_level(logging.DEBUG), pytest.raises(ApiError) as caught:
        client.call("base", "list")
    error: BaseException | None = caught.value
    while error is not None:
        assert CANARY not in repr(error) + str(error) + str(vars(error))
        assert isinstance(error, ApiError)
        error = error.__cause__ or error.__context__
    whole = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = "".join(whole.format())
    assert "client.py" in frames
    package = str(Path(kiamo_iac.__file__).parent)
    ours = [frame for frame in whole.stack if frame.filename.startswith(package)]
    assert ours
    assert CANARY not in "".join(str(frame.locals) for frame in ours)
    assert CANARY not in caplog.text


def test_the_token_is_in_no_repr_and_in_no_pickle(contract: Contract) -> None:
    client = client_of(contract, in_turn(reply([])))
    assert repr(client) == f"Client({URL!r})"
    assert CANARY not in repr(vars(client))
    with pytest.raises(TypeError):
        pickle.dumps(client)


def test_the_token_is_taken_off_the_request_after_the_call(contract: Contract) -> None:
    kept: list[httpx.Request] = []

    def script(request: httpx.Request) -> httpx.Response:
        kept.append(request)
        return reply([])

    client_of(contract, script).call("base", "list")
    assert CANARY not in str(kept[0].headers.raw)


@pytest.mark.parametrize("token", ["", "two\nlines", "with space", "é" * 40])
def test_a_token_that_a_header_cannot_carry_is_refused_unseen(contract: Contract, token: str) -> None:
    with pytest.raises(UsageError) as caught:
        Client(URL, Secret(token), contract)
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://kiamo.example.com", "http://10.0.0.1", "ftp://127.0.0.1", "kiamo.example.com", "", "https://",
     "https://user:secret@kiamo.example.com", "https://kiamo.example.com/?a=1", "https://kiamo.example.com/#x",
     "http://localhost.example.com", "http://[::2]"],
)  # fmt: skip
def test_a_url_that_a_token_may_not_be_sent_to_is_refused(contract: Contract, url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Client(url, Secret(CANARY), contract)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost", "http://[::1]:5", "https://kiamo.example.com/"]
)
def test_a_url_that_a_token_may_be_sent_to(contract: Contract, url: str) -> None:
    stub = Stub(in_turn(reply([])))
    Client(url, Secret(CANARY), contract, transport=stub).call("base", "list")
    assert stub.asked == ["GET /api/bases"]

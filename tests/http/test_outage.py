"""A server that goes away in the middle of a run and comes back: connections are refused for a minute."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from kiamo_iac.api.budget import Budget
from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import BusyError
from kiamo_iac.core.secret import Secret
from tests.http.clock import FastClock
from tests.http.servers import LISTED, NAME, always, answer, wild
from tests.http.stubs import CANARY

pytestmark = pytest.mark.usefixtures("no_proxy")

SPEED = 60.0
"""A minute in a second."""


@pytest.fixture
def connects(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The moments at which a connection was tried."""
    import httpcore

    moments: list[float] = []
    connect = httpcore.SyncBackend.connect_tcp

    def counted(self: httpcore.SyncBackend, *arguments: Any, **named: Any) -> Any:
        moments.append(time.monotonic())
        return connect(self, *arguments, **named)

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", counted)
    return moments


def test_f32_a_server_that_is_away_for_a_minute_is_waited_for(contract: Contract, connects: list[float]) -> None:
    shown: list[str] = []
    budget = Budget(gate=FastClock(SPEED).gate(retry_wait=120, show=shown.append))
    with ExitStack() as stack:
        with wild(always(answer(LISTED))) as server:
            client = stack.enter_context(Client(server.url, Secret(CANARY), contract, budget=budget))
            client.call("base", "list")
        connects.clear()
        done: list[object] = []
        calls = [("list", None), ("list", None), ("create", NAME), ("create", NAME)]
        threads = [
            threading.Thread(target=lambda c=call: done.append(client.call("base", c[0], body=c[1]))) for call in calls
        ]
        for thread in threads:
            thread.start()
        time.sleep(60 / SPEED)
        during = len(connects)
        back = stack.enter_context(wild(always(answer(b'{"id": "1"}')), port=server.port))
        for thread in threads:
            thread.join(30)
    assert len(done) == 4
    assert len(back.requests) == 4
    assert during <= 30
    assert "waiting 15 s: the instance cannot be reached" in shown


def test_f32_a_server_that_stays_away_ends_the_run(contract: Contract, connects: list[float]) -> None:
    budget = Budget(gate=FastClock(SPEED * 5).gate(retry_wait=120))
    with wild(always(answer(LISTED))) as server:
        client = Client(server.url, Secret(CANARY), contract, budget=budget)
        client.call("base", "list")
    connects.clear()
    with client, pytest.raises(BusyError, match=r"^POST /api/bases was not made again: the instance cannot be reached"):
        client.call("base", "create", body=NAME)
    assert len(connects) <= 20

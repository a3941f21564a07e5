"""Clients that never wait: over a script, or over the network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kiamo_iac.api.budget import Budget
from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.settings import DEFAULT_RETRY_WAIT
from kiamo_iac.http.retry import Limits
from tests.http.clock import FakeClock
from tests.http.stubs import CANARY, URL, Script, Stub


def client_of(
    contract: Contract,
    script: Script | Stub,
    *,
    limits: Limits | None = None,
    budget: Budget | None = None,
    clock: FakeClock | None = None,
) -> Client:
    """A client that talks to `script` and never really waits, unless a `budget` with a gate of its own is given."""
    transport = script if isinstance(script, Stub) else Stub(script)
    return Client(URL, Secret(CANARY), contract, transport=transport, limits=limits, budget=budget or budget_by(clock))


def budget_by(clock: FakeClock | None = None) -> Budget:
    """The default limits, with waits by `clock`."""
    return Budget(gate=(clock or FakeClock()).gate(retry_wait=DEFAULT_RETRY_WAIT))


def connect(
    url: str,
    contract: Contract,
    *,
    limits: Limits | None = None,
    ca_bundle: Path | None = None,
    log: Callable[[str], object] | None = None,
) -> Client:
    """A client over the network that never waits between repetitions."""
    return Client(url, Secret(CANARY), contract, limits=limits, ca_bundle=ca_bundle, budget=budget_by(), log=log)

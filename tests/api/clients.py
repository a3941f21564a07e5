"""Clients that never wait: over a script, or over the network."""

from __future__ import annotations

from pathlib import Path

from kiamo_iac.api.budget import Budget
from kiamo_iac.api.client import Client
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.secret import Secret
from kiamo_iac.http.retry import Limits
from tests.http.stubs import CANARY, URL, Script, Stub


def client_of(
    contract: Contract,
    script: Script | Stub,
    *,
    limits: Limits | None = None,
    budget: Budget | None = None,
    pauses: list[float] | None = None,
) -> Client:
    """A client that talks to `script` and never really waits."""
    waits = pauses if pauses is not None else []
    transport = script if isinstance(script, Stub) else Stub(script)
    return Client(URL, Secret(CANARY), contract, transport=transport, limits=limits, budget=budget, pause=waits.append)


def connect(url: str, contract: Contract, *, limits: Limits | None = None, ca_bundle: Path | None = None) -> Client:
    """A client over the network that never waits between repetitions."""
    return Client(url, Secret(CANARY), contract, limits=limits, ca_bundle=ca_bundle, pause=lambda _: None)

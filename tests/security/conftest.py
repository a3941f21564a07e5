"""The desk of tests/cli, and a ledger on another server."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Desk, desk, typing
from tests.ledger.state_server import PASSWORD, USER, State

__all__ = ["desk", "typing"]


def keep_ledger_at(desk: Desk, monkeypatch: pytest.MonkeyPatch, state: State, *, more: str = "") -> None:
    """The ledger of staging is `state`, and the job has its password; `more`: other keys of it, after a comma."""
    desk.project(
        'manifests: [manifests]\nenvironments:\n  staging: {url: "http://127.0.0.1:8090", '
        f'ledger: {{backend: http, address: "{state.address}"{more}}}}}\n'
    )
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_USERNAME", USER)
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_PASSWORD", PASSWORD)

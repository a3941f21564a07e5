"""Contracts for the tests of every room."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract

OTHER = Path(__file__).parent / "contract" / "other.yaml"


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The packaged one."""
    return load_contract()


@pytest.fixture(params=["packaged", "other"], scope="session")
def any_contract(request: pytest.FixtureRequest) -> Contract:
    """The packaged one, and one that is as different as can be."""
    return load_contract(OTHER if request.param == "other" else None)


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxies the machine has, calls of the test go straight."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

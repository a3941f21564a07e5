"""Contracts for all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract

pytest.register_assert_rewrite("tests.faults.scene")  # here, as tests of other rooms import it too

OTHER = Path(__file__).parent / "contract" / "other.yaml"


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The packaged one."""
    return load_contract()


@pytest.fixture(params=["packaged", "other"], scope="session")
def any_contract(request: pytest.FixtureRequest) -> Contract:
    """The packaged one, and one that differs from it as much as possible."""
    return load_contract(OTHER if request.param == "other" else None)


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls of the test use no proxy."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

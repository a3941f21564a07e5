"""Contracts for all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract

pytest.register_assert_rewrite("tests.faults.scene")  # here, as tests of other rooms import it too


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: two fifths of their time, tests wait for servers and programs."""
    return 1 + (os.cpu_count() or 1)


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

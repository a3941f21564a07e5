"""Contracts and emulators for the tests of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import Emulator
from tests.executor.rig import OTHER, WORLD


@pytest.fixture(params=["packaged", "other"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator(load_contract(OTHER if request.param == "other" else None)) as emulator:
        emulator.seed(WORLD)
        yield emulator


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The packaged one."""
    return load_contract()

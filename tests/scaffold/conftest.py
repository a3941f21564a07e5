"""An emulator for the tests of new projects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import Emulator
from kiamo_iac.emulator.pytest_plugin import RunningEmulator
from kiamo_iac.emulator.server import Server


@pytest.fixture
def kiamo_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """An empty emulator."""
    with Emulator(load_contract()) as emulator, Server(emulator) as server:
        yield RunningEmulator(server.url, emulator, tmp_path_factory.mktemp("kiamo"))

"""A pytest fixture that runs the emulator. Opt in with `pytest_plugins = ["kiamo_iac.emulator.pytest_plugin"]`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator.emulator import Emulator
from kiamo_iac.emulator.faults import Fault
from kiamo_iac.emulator.messages import Call
from kiamo_iac.emulator.refusal import FULL_TOKEN, READ_ONLY_TOKEN
from kiamo_iac.emulator.server import Server


@dataclass(frozen=True, slots=True)
class RunningEmulator:
    """An emulator that answers on loopback."""

    url: str
    emulator: Emulator
    folder: Path
    """For the ledgers of the test."""
    token: str = FULL_TOKEN
    """May do everything."""
    read_only_token: str = READ_ONLY_TOKEN

    def seed(self, document: Mapping[str, Any]) -> None:
        """Add the objects of a document (`{"services": […], "bases": […]}`).

        Raises:
            ValueError: it is not a seed document; the message says where.
        """
        self.emulator.seed(document)

    def dump(self, *, ids: bool = False) -> dict[str, Any]:
        """All objects, as a document that `seed` reads."""
        return self.emulator.dump(ids=ids)

    def calls(self, *, after: int = 0) -> list[Call]:
        """The calls after call number `after`."""
        return self.emulator.calls(after=after)

    def reset(self) -> None:
        """Delete all objects, calls and faults."""
        self.emulator.reset()

    def fault(self, *specs: str) -> None:
        """Play faults, as `emulator --fault` describes them: `fault("status=503,call=create base")`.

        Raises:
            ValueError: one is malformed; none is played.
        """
        self.emulator.faults.add([Fault.parse(spec) for spec in specs])

    def clear_faults(self) -> None:
        """Play no more faults."""
        self.emulator.faults.clear()

    def environ(self, environment: str) -> dict[str, str]:
        """The environment variables that point an environment of kiamo.yaml here: `KIAMO_<ENV>_URL` and `_TOKEN`, and
        `_LEDGER_FILE`: the test has a ledger (and journals) of its own, and never touches those of the project."""
        name = re.sub(r"\W", "_", environment, flags=re.ASCII).upper()
        ledger = self.folder / f"{environment}.ledger.jsonl"
        return {
            f"KIAMO_{name}_URL": self.url,
            f"KIAMO_{name}_TOKEN": self.token,
            f"KIAMO_{name}_LEDGER_FILE": str(ledger),
        }


@pytest.fixture
def kiamo_contract() -> Contract | None:
    """Override it to run the emulator under a contract of your own; None is the packaged one."""
    return None


@pytest.fixture
def kiamo_emulator(
    kiamo_contract: Contract | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEmulator]:
    """An emulator on a free loopback port, empty, and ready; with a folder for ledgers that the test throws away."""
    if kiamo_contract is None:
        from kiamo_iac.contract.file import load_contract

        kiamo_contract = load_contract()
    with Emulator(kiamo_contract) as emulator, Server(emulator) as server:
        yield RunningEmulator(server.url, emulator, tmp_path_factory.mktemp("kiamo"))

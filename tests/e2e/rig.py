"""An emulator under one contract, and the packages of the tool connected to it in process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from kiamo_iac.api.client import Client
from kiamo_iac.api.reader import StateReader
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.state import Ownership, State
from kiamo_iac.emulator import FULL_TOKEN, Call, Emulator, EmulatorRequest
from kiamo_iac.executor.preconditions import PreconditionCheck
from kiamo_iac.executor.report import Report
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.executor.writer import Writer
from kiamo_iac.http.transport import InProcess
from kiamo_iac.manifest.loader import Loaded, load
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.planner import build_plan

CONTRACTS = Path(__file__).parent.parent / "contract"


def contract_named(name: str) -> Contract:
    """`packaged`, or one of tests/contract."""
    return load_contract(None if name == "packaged" else CONTRACTS / f"{name}.yaml")


class Rig:
    """One emulator, one client."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.emulator = Emulator(contract, seed=1)
        self.live = State()
        """The live state of the last plan."""
        self.client = Client(
            "http://127.0.0.1:1",
            Secret(FULL_TOKEN),
            contract,
            transport=InProcess(self.emulator.handle, request=EmulatorRequest),
        )

    def load(self, files: Sequence[Path], root: Path) -> Loaded:
        """The desired state, with diagnostics."""
        return load(files, root=root, capabilities=self.contract.capabilities())

    def plan(self, loaded: Loaded, *, owned: Ownership | None = None, prune: bool = False) -> Plan:
        """Read and plan."""
        with StateReader(self.client, self.contract, parallelism=2) as reader:
            self.live = reader.finish(loaded.state, owned=owned, prune=prune).state
        return build_plan(
            loaded.state,
            self.live,
            capabilities=self.contract.capabilities(),
            environment="test",
            url="http://127.0.0.1:1",
            owned=owned,
            prune=prune,
        )

    def apply(self, plan: Plan) -> Report:
        """Apply the plan."""
        writer = Writer(self.client, self.contract, plan)
        performer = PreconditionCheck(writer, plan, client=self.client, contract=self.contract, live=self.live)
        return execute(plan, performer, parallelism=4, verification_group=writer.verification_group)

    def writes(self, after: int = 0) -> list[Call]:
        """The calls that were not reads, since call number `after`."""
        return [call for call in self.emulator.calls(after=after) if call.method != "GET"]


@cache
def rig(name: str) -> Rig:
    """The rig of a contract; reset it before use."""
    return Rig(contract_named(name))


def write_manifest(path: Path, manifest: dict[str, Any]) -> Path:
    """A manifest file; JSON is YAML."""
    path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
    return path

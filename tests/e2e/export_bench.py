"""A project beside an emulator, into which live states are exported in process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.app import exporting
from kiamo_iac.app.exporting import ExportResult, export_instance
from kiamo_iac.app.project import Workspace
from kiamo_iac.authoring.selection import ExportSelection
from kiamo_iac.core.state import Ownership
from kiamo_iac.emulator import FULL_TOKEN, EmulatorRequest
from kiamo_iac.http.transport import InProcess
from kiamo_iac.manifest.loader import Loaded
from kiamo_iac.manifest.project.file import load_project
from kiamo_iac.planner.plan import Plan
from tests.e2e.ledgers import blocks
from tests.e2e.rig import Rig, rig

PROJECT = """\
manifests: [manifests]
variables: {brand: ACME}
environments:
  test: {url: "http://127.0.0.1:1", patches: [manifests/patches]}
"""


@dataclass
class Bench:
    """A project folder, and whatever instance is asked for."""

    root: Path
    owned: Ownership | None = None
    """The entries of the ledger."""
    _workspaces: dict[str, Workspace] = field(default_factory=dict, repr=False)

    @property
    def folder(self) -> Path:
        """Where the manifests are."""
        return self.root / "manifests"

    def seeded(self, contract: str, seed: dict[str, Any]) -> Rig:
        """The instance in this state, and no manifests."""
        bench = rig(contract)
        bench.emulator.reset()
        bench.emulator.seed(seed)
        for name in self.files():
            (self.folder / name).unlink()
        self.owned = None
        return bench

    def workspace(self, contract: str) -> Workspace:
        """The project under a contract."""
        if contract not in self._workspaces:
            bench = rig(contract)
            transport = InProcess(bench.emulator.handle, request=EmulatorRequest)
            project = load_project(self.root / "kiamo.yaml")
            environ = {"KIAMO_TEST_TOKEN": FULL_TOKEN}
            self._workspaces[contract] = Workspace(project, bench.contract, environ, transport)
        return self._workspaces[contract]

    def export(self, contract: str, selection: ExportSelection | None = None, *, single: bool = False) -> ExportResult:
        """Into the folder of the manifests."""
        return export_instance(
            self.workspace(contract), "test", selection or ExportSelection(), folder=self.folder, single=single
        )

    def loaded(self, contract: str) -> Loaded:
        """The manifests as they are now."""
        return self.workspace(contract).load("test")

    def plan(self, bench: Rig, contract: str, owned: Ownership | None) -> Plan:
        """The plan, computed as `plan` does."""
        return bench.plan(self.loaded(contract), owned=owned)

    def files(self) -> dict[str, bytes]:
        """Every file of the folder."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in found}


def ids_of(dump: dict[str, Any]) -> set[Any]:
    """Every id of a dump."""
    return {block["id"] for _, block in blocks(dump)}


def leaves(value: Any) -> Iterator[Any]:
    """Every key and every value of plain data."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield value


@pytest.fixture
def export_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A project without manifests."""
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "manifests" / "patches").mkdir(parents=True)
    bench = Bench(tmp_path)
    monkeypatch.setattr(exporting, "read_owned", lambda *_: bench.owned)
    return bench


__all__ = ["Bench", "export_bench", "ids_of", "leaves"]

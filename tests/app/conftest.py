"""A project, an emulator in process, and the workspace that joins them: no network, no command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.app.applying import start_apply
from kiamo_iac.app.ownership import read_owned
from kiamo_iac.app.project import Workspace
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.state import Ownership
from kiamo_iac.emulator import FULL_TOKEN, Call, Emulator, EmulatorRequest
from kiamo_iac.executor.report import Report
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.guards import Consents
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.plan_file import Options

PROJECT = """\
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:8090"}
  guarded: {url: "http://localhost:8090", guards: {max_deletes: 0}}
"""
MANIFEST = """\
services:
  - name: Sales
bases:
  - name: prospects
    label: Prospects
    fields:
      - {name: city, label: City, datatype: string}
    batches:
      - {name: spring, service: Sales, association: {destination: phone}}
"""
LIVE = {"services": [{"name": "Sales", "label": "Sales"}], "bases": []}


@dataclass
class Site:
    """A project and its instance."""

    folder: Path
    emulator: Emulator
    log: list[str]
    notices: list[Diagnostic]

    @property
    def workspace(self) -> Workspace:
        """The project opened now."""
        opened = Workspace.open(
            self.folder / "kiamo.yaml",
            environ={"KIAMO_STAGING_TOKEN": FULL_TOKEN, "KIAMO_GUARDED_TOKEN": FULL_TOKEN},
            transport=InProcess(self.emulator.handle, request=EmulatorRequest),
            log=self.log.append,
        )
        return replace(opened, notify=self.notices.append)

    def manifest(self, text: str, name: str = "a.yaml") -> Path:
        """Write a manifest."""
        path = self.folder / "manifests" / name
        path.write_text(text, encoding="utf-8")
        return path

    def apply(self, options: Options | None = None, *, consents: Consents | None = None) -> tuple[Plan, Report]:
        """Apply to staging; every step must be done."""
        with start_apply(self.workspace, "staging", options or Options()) as run:
            run.check_guards(consents)
            report = run.perform(parallelism=2)
            run.check(report)
        return run.plan, report

    def owned(self) -> Ownership:
        """The ledger of staging, which must exist."""
        owned = self.owned_or_none()
        assert owned is not None
        return owned

    def owned_or_none(self) -> Ownership | None:
        """The ledger of staging, if there is one."""
        return read_owned(self.workspace, "staging")

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """A call by hand, which must succeed."""
        headers = {"kiamo-api-token": FULL_TOKEN, "content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else b""
        response = self.emulator.handle(EmulatorRequest(method, path, {}, headers, data))
        assert response.status < 400, response.body

    def base_id(self, name: str = "prospects") -> str:
        """The id of a base."""
        found: str = next(base["id"] for base in self.emulator.dump(ids=True)["bases"] if base["name"] == name)
        return found

    def writes(self) -> list[Call]:
        """The API calls that were not reads."""
        return [call for call in self.emulator.calls() if call.method != "GET"]


@pytest.fixture
def site(tmp_path: Path, contract: Contract) -> Iterator[Site]:
    """One valid manifest, and an instance that has its service only."""
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "manifests").mkdir()
    with Emulator(contract) as emulator:
        emulator.seed(LIVE)
        made = Site(tmp_path, emulator, [], [])
        made.manifest(MANIFEST)
        yield made

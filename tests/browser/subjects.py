"""What is looked at in the browser: the plan of an example against an instance, and pages made of plans and drifts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.project import Workspace
from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.drift import Drift
from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import Style, drift_renderer, plan_renderer
from tests.browser.conftest import ROOT

EXAMPLE = ROOT / "examples" / "02-outbound-campaigns"
STARTED = """\
batches:
  - base: partis
    name: reconquete-pilote
    service: Reconquête
    association: { destination: phone }
    state: started
"""


def example_plan(folder: Path) -> Plan:
    """The plan of the second example, with a batch to be started added, for production."""
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".kiamo"))
    (folder / "manifests" / "pilote.yaml").write_text(STARTED, encoding="utf-8")
    project = (folder / "kiamo.yaml").read_text(encoding="utf-8")
    (folder / "kiamo.yaml").write_text(project.replace("staging:", "production:"), encoding="utf-8")
    with Emulator(load_contract()) as emulator:
        emulator.seed(json.loads((folder / "live.json").read_text(encoding="utf-8")))
        workspace = Workspace.open(
            folder / "kiamo.yaml",
            environ={"KIAMO_TOKEN": FULL_TOKEN, "KIAMO_PRODUCTION_URL": "https://kiamo.example.com"},
            transport=InProcess(emulator.handle, request=EmulatorRequest),
        )
        return plan_environment(workspace, "production").plan


def plan_html(plan: Plan) -> str:
    """The page of a plan."""
    return plan_renderer("html", Style()).render(plan)


def drift_html(drift: Drift, environment: str = "staging") -> str:
    """The page of a drift."""
    return drift_renderer("html", Style()).render(drift, environment=environment)

"""What is looked at in the browser: the plan of an example against an instance, and pages made of plans and drifts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.project import Workspace
from kiamo_iac.contract.file import load_contract
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.drift import Drift
from kiamo_iac.planner.plan import Action, FieldChange, Plan, Risk, Step
from kiamo_iac.render.base import NO_CONTEXT, PageContext, Style, drift_renderer
from kiamo_iac.render.html.plan import HtmlPlan
from tests.browser.conftest import ROOT
from tests.render.plans import step

FORGE = PageContext("kiamo-iac apply -e production", "https://gitlab.example.com/group/project/-/blob/abc/")
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


def plan_html(plan: Plan, context: PageContext = NO_CONTEXT) -> str:
    """The page of a plan."""
    return HtmlPlan(Style()).render(plan, context=context)


def drift_html(drift: Drift, environment: str = "staging") -> str:
    """The page of a drift."""
    return drift_renderer("html", Style()).render(drift, environment=environment)


def campaign_plan(steps: int) -> Plan:
    """A plan of about so many steps for bases with long, similar names; nearly all of it is updates with values."""
    made: list[Step] = []

    def add(action: Action, address: str, kind: str, *needs: int, **keys: Any) -> int:
        number = len(made) + 1
        made.append(step(number, action, address, kind=kind, depends_on=needs, line=number, **keys))
        return number

    for base in range(1, steps // 6 + 1):
        at = f"bases/churn-winback-agency-{base:04}"
        label = FieldChange("label", f"Agency {base}, winback of lapsed customers", f"Agency {base}, winback 2027")
        top = add(Action.UPDATE, at, "base", changes=(label,), reason="label differs from what is declared")
        for name in ("phone", "customer number", "lapsed on"):
            changes = (FieldChange("label", name, name.capitalize()), FieldChange("position", 1, 2))
            add(Action.UPDATE, f"{at}/fields/{name}", "field", top, changes=changes, reason="label and position differ")
        body = {"service": "Outbound Sales", "association": {"destination": "phone"}, "settings": {"retries": 5}}
        batch = add(Action.CREATE, f"{at}/batches/spring", "batch", top, after=body, reason="it is declared")
        if base % 10 == 1:
            add(Action.START, f"{at}/batches/spring", "batch", batch, reason="it is declared as started")
        else:
            old = f"{at}/batches/winter"
            add(Action.DELETE, old, "batch", top, before=body, risk=Risk.DATA_LOSS, reason="it is declared as absent")
    warnings = tuple(
        Diagnostic(
            "KIA0602",
            f'batch "autumn" of base "churn-winback-agency-{base:04}" is on the instance and is not managed',
            Severity.WARNING,
            hint="import it, or declare it with managed: false",
            source=SourceRange("manifests/agencies.yaml", base, 3),
        )
        for base in range(1, min(steps // 6, 59) + 1)
    )
    return Plan("production", "https://kiamo.example.com", tuple(made), warnings)

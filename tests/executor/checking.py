"""Plans made by the planner from blocks and an emulator, and applied with a check before every write."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiamo_iac.api.client import Client
from kiamo_iac.api.reader import read
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.state import State
from kiamo_iac.emulator import Call, Emulator
from kiamo_iac.executor.delivery import Polling
from kiamo_iac.executor.preconditions import PreconditionCheck
from kiamo_iac.executor.report import Outcome, Report
from kiamo_iac.executor.scheduler import Performer, execute
from kiamo_iac.executor.writer import Writer
from kiamo_iac.manifest.loader import load
from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.planner.planner import build_plan
from tests.executor.rig import client_to


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """A pause that takes no time."""
        self.now += seconds


@dataclass
class PlannedRun:
    """A plan, and the state that it was computed from."""

    plan: Plan
    live: State
    desired: State


def planned(emulator: Emulator, manifest: dict[str, Any], folder: Path) -> PlannedRun:
    """The plan that leads from the emulator's state to `manifest`."""
    path = folder / "all.yaml"
    path.write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    capabilities = emulator.contract.capabilities()
    desired = load([path], root=folder, capabilities=capabilities).checked()
    with client_to(emulator) as client:
        live = read(client, emulator.contract, desired).state
    plan = build_plan(desired, live, capabilities=capabilities, environment="test", url="http://127.0.0.1:1")
    assert plan.applyable, plan.diagnostics
    return PlannedRun(plan, live, desired)


class Between:
    """A performer that calls `happens` right before and right after each step."""

    def __init__(self, performer: Performer, happens: Callable[[str, Step], object]) -> None:
        self._performer = performer
        self._happens = happens

    def perform(self, step: Step) -> Outcome:
        self._happens("before", step)
        outcome = self._performer.perform(step)
        self._happens("after", step)
        return outcome


def apply(
    emulator: Emulator,
    planned_run: PlannedRun,
    *,
    happens: Callable[[str, Step], object] = lambda when, step: None,
    clock: Clock | None = None,
    parallelism: int = 1,
    writer: Callable[[Client, Plan], Performer] | None = None,
) -> Report:
    """`happens` is called around each checked step."""
    clock = clock or Clock()
    with client_to(emulator) as client:
        performer = writer(client, planned_run.plan) if writer else Writer(client, emulator.contract, planned_run.plan)
        checked = PreconditionCheck(
            performer,
            planned_run.plan,
            client=client,
            contract=emulator.contract,
            live=planned_run.live,
            clock=clock,
            polling=Polling(clock=clock, pause=clock.advance),
        )
        return execute(planned_run.plan, Between(checked, happens), parallelism=parallelism)


def reads_of(calls: list[Call]) -> list[tuple[str | None, str | None]]:
    return [(call.kind, call.operation) for call in calls if call.method == "GET"]


def failures(report: Report) -> dict[int, KiamoIacError]:
    return {r.step.id: r.error for r in report.results if r.error is not None}

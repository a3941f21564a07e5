"""Rehearses a plan on the emulator.

    live ─► seed document ─► emulator ◄─ the plan's calls, one after the other ─► what it refuses
                                └──► read again, planned against the desired state ─► what is left to do

The emulator knows the rules of the API and nothing of the planner: a second opinion. But it follows the contract and
the rules that this project assumes; the instance may behave otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kiamo_iac.api.budget import Budget
from kiamo_iac.api.client import Client
from kiamo_iac.api.reader import read
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.diagnostics import Diagnostic, has_errors
from kiamo_iac.core.runtime import collector_paused
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.settings import MAX_BYTES, MAX_ROWS, LimitSettings
from kiamo_iac.core.state import State
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.executor.report import Report, Status, StepResult
from kiamo_iac.executor.scheduler import execute
from kiamo_iac.executor.writer import Writer
from kiamo_iac.http.transport import InProcess
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.planner import build_plan
from kiamo_iac.rehearsal.seed import seed_of

_HINT = "the emulator follows the contract: correct the contract where the instance behaves otherwise"


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The result of a rehearsal."""

    diagnostics: tuple[Diagnostic, ...]
    """Errors: refused steps, and steps of a new plan. Notes: what the emulator cannot hold."""
    report: Report | None = None
    """The result of each step; None when the emulator cannot hold the live state at all."""
    difference: Plan | None = None
    """A plan made after the rehearsal, without steps when it converged; None when a step was refused."""

    @property
    def ok(self) -> bool:
        """Whether no step was refused, and a new plan has no steps."""
        return not has_errors(self.diagnostics)


def rehearse(
    plan: Plan,
    live: State,
    desired: State,
    contract: Contract,
    *,
    replan: Callable[[State], Plan] | None = None,
) -> Rehearsal:
    """Run `plan`, made from `live` and `desired`, on an emulator in this process.

    `replan`: plans again from another live state, as `plan` was made (with its targets), but without the ledger, which
    does not have the ids of the emulator. By default, all of `desired` is planned.

    Raises:
        ValueError: the plan is refused.
    """
    seed = seed_of(live, desired, contract)
    with Emulator(contract) as emulator, collector_paused():
        try:
            emulator.seed(seed.document)
        except ValueError as error:
            return Rehearsal((*seed.notes, _cannot_be_held(str(error))))
        transport = InProcess(emulator.handle, request=EmulatorRequest)
        budget = Budget(LimitSettings(MAX_ROWS, MAX_BYTES))  # data of this process is counted already
        with Client("http://127.0.0.1:1", Secret(FULL_TOKEN), contract, transport=transport, budget=budget) as client:
            report = execute(plan, Writer(client, contract, plan), parallelism=1)
            if not report.ok:
                return Rehearsal((*seed.notes, *_refusals(report)), report)
            after = read(client, contract, desired, parallelism=1).state
    difference = (replan or _replan(plan, desired, contract))(after)
    return Rehearsal((*seed.notes, *_left_over(difference)), report, difference)


def _replan(plan: Plan, desired: State, contract: Contract) -> Callable[[State], Plan]:
    return lambda live: build_plan(
        desired, live, capabilities=contract.capabilities(), environment=plan.environment, url=plan.url
    )


def _cannot_be_held(why: str) -> Diagnostic:
    return Diagnostic(
        "KIA0813",
        "no rehearsal: the emulator cannot hold the live state",
        detail=f"Seeding it failed: {why}.",
        hint="plan without --rehearse",
    )


def _refusals(report: Report) -> Iterator[Diagnostic]:
    for result in report.results:
        if result.status is Status.FAILED:
            yield _refusal(result)


def _refusal(result: StepResult) -> Diagnostic:
    step, error = result.step, result.error
    return Diagnostic(
        "KIA0810",
        f"step {step.id} ({step.action} {step.address}) was refused in the rehearsal",
        detail=str(error) if error is not None else None,
        hint=(error.hint if error is not None else None) or _HINT,
        address=step.address,
        source=step.source,
    )


def _left_over(difference: Plan) -> Iterator[Diagnostic]:
    for step in difference.steps:
        yield Diagnostic(
            "KIA0811",
            f"after the rehearsal, a new plan would still {step.action} this",
            detail=f"Reason: {step.reason}.",
            hint=_HINT,
            address=step.address,
            source=step.source,
        )
    if not difference.applyable:
        yield from (d for d in difference.diagnostics if has_errors([d]))

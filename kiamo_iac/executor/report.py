"""What became of a plan: done, failed, or not tried, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import assert_never

from kiamo_iac.api.response import ApiResponse
from kiamo_iac.core.errors import KiamoIacError
from kiamo_iac.core.state import RemoteId
from kiamo_iac.planner.plan import Step


class Status(StrEnum):
    """What became of a step."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "not_tried"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a performer brings back from a step that it did."""

    remote_id: RemoteId | None = None
    """The id of the object; of a delete, the one that it had."""
    found: bool = False
    """True: the object exists already, made inside its parent's create; it was only looked for."""
    answer: ApiResponse | None = field(default=None, compare=False, repr=False)
    """What the instance answered, where it shows the object as it is now."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step and what became of it."""

    step: Step
    status: Status
    error: KiamoIacError | None = None
    """Why it failed; `diagnostics` of it hold the address and the place in the manifests."""
    because: int | None = None
    """Of a step not tried: the id of the failed step for whose sake; None when the run was stopped from outside."""
    seconds: float = 0.0
    """How long it took; 0 when it was not tried."""
    outcome: Outcome | None = None
    """Of a step that is done."""

    @property
    def detail(self) -> str | None:
        """Why it is not done, in full sentences; None when it is."""
        match self.status:
            case Status.DONE:
                return None
            case Status.FAILED:
                return str(self.error) if self.error is not None else None
            case Status.SKIPPED:
                return "The run was stopped." if self.because is None else f"Step {self.because} failed."
            case other:
                assert_never(other)


@dataclass(frozen=True, slots=True)
class Report:
    """The whole run, in the order of the plan's steps."""

    results: tuple[StepResult, ...]

    @property
    def ok(self) -> bool:
        """Whether every step is done."""
        return all(result.status is Status.DONE for result in self.results)

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many steps of each status, all statuses present."""
        return {status: sum(result.status is status for result in self.results) for status in Status}

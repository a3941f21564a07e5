"""The report of a run: each step done, failed or not tried, and what became of the write of a failed one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from kiamo_iac.core.errors import (
    ApiError,
    KiamoIacError,
    LedgerError,
    PostconditionError,
    StaleError,
    TransportError,
    UnknownOutcomeError,
)
from kiamo_iac.core.state import KeptValue, RemoteId
from kiamo_iac.planner.plan import Step

if TYPE_CHECKING:
    from kiamo_iac.executor.live_lookup import LiveObject


class Status(StrEnum):
    """The status of a step after a run."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "not_tried"


class Effect(StrEnum):
    """What became of the write of a failed step."""

    NONE = "none"
    """None was sent, it was refused, or it was looked for on the instance and is not there."""
    OTHERWISE = "otherwise"
    """It took effect, in another way than was wanted. `StepResult.outcome` has the id of an object that it made."""
    UNKNOWN = "unknown"
    """It was sent, and whether it took effect could not be established."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a step that a performer has done."""

    remote_id: RemoteId | None = None
    """The id of the object; of a delete, its former id."""
    found: bool = False
    """True: the create of its parent had created it; the step only verified it."""
    shown: LiveObject | None = field(default=None, compare=False, repr=False)
    """The object after the write; only between performers."""
    kept: tuple[KeptValue, ...] = ()
    """Values that the instance keeps in another form than they were sent in."""
    notes: tuple[str, ...] = ()
    """What is to be known of the step besides, in full sentences: a value kept otherwise, a lost response."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step and its status."""

    step: Step
    status: Status
    error: KiamoIacError | None = None
    """Why it failed; its `diagnostics` have the address and the place in the manifests."""
    because: int | None = None
    """Of a step not tried: the id of the failed step that prevented it; None: the run was stopped from outside."""
    started_at: datetime | None = None
    """In UTC; None when it was not tried."""
    seconds: float = 0.0
    """Duration; 0 when it was not tried."""
    outcome: Outcome | None = None
    """Of a step that is done; of a failed one only where its write made an object, with the id."""

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of its outcome."""
        return self.outcome.notes if self.outcome is not None else ()

    @property
    def effect(self) -> Effect | None:
        """What became of the write of a failed step; None of any other."""
        if self.status is not Status.FAILED:
            return None
        match self.error:
            case PostconditionError():
                return Effect.OTHERWISE
            case UnknownOutcomeError() | TransportError(sent=True):
                return Effect.UNKNOWN
            case ApiError() | LedgerError() | StaleError():
                return Effect.NONE
            case _:
                return Effect.UNKNOWN

    @property
    def only_verified(self) -> bool:
        """Whether the step is done, and has written nothing: the create of its parent had created the object."""
        return self.outcome is not None and self.outcome.found

    @property
    def has_written(self) -> bool:
        """Whether its write may have taken effect."""
        return self.status is Status.DONE or self.effect not in {None, Effect.NONE}

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
    """All steps of a run, in the order of the plan."""

    results: tuple[StepResult, ...]

    @property
    def ok(self) -> bool:
        """Whether every step is done."""
        return all(result.status is Status.DONE for result in self.results)

    @property
    def has_written(self) -> bool:
        """Whether any write may have taken effect."""
        return any(result.has_written for result in self.results)

    @property
    def counts(self) -> Mapping[Status, int]:
        """How many steps of each status, all statuses present."""
        return {status: sum(result.status is status for result in self.results) for status in Status}

"""Writes the journal of a run while it goes on: before each call and after it, and what becomes of each step."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import JournalError
from kiamo_iac.core.safe_files import MisplacedError, RootedFile
from kiamo_iac.core.secret import redact
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.executor.joining import parts_of
from kiamo_iac.executor.report import Outcome, Report, Status, StepResult
from kiamo_iac.executor.scheduler import Performer
from kiamo_iac.executor.step_errors import contents_of
from kiamo_iac.ledger.journal import (
    JournalAnswer,
    JournalCall,
    JournalEnd,
    JournalHead,
    JournalLine,
    JournalResult,
    JournalStep,
    ObjectImage,
    line_of,
)
from kiamo_iac.ledger.lock import utc_now
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.resources import children_of

_SYNC_EVERY: Final = 1.0
"""Seconds between two syncs to the disk, at least. A killed process loses no line, a machine that stops may."""


class JournalWriter:
    """The journal of one run. Safe under threads: lines that come together are written together.

    A journal that can no longer be written does not end the run: `error` holds the reason.
    """

    def __init__(
        self, file: RootedFile, *, clock: Callable[[], str] = utc_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`file`: where there is none yet."""
        self.error: JournalError | None = None
        """Why it could not be written; None so far."""
        self.has_sent = False
        """Whether the instance may have received a call that writes."""
        self._place = file
        self._clock = clock
        self._monotonic = monotonic
        self._file: BinaryIO | None = None
        self._waiting: list[bytes] = []
        self._gather = threading.Lock()
        self._write = threading.Lock()
        self._synced = float("-inf")
        self._numbers = 0
        self._local = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the file; without `close`, the journal has no end, as that of a run that was killed."""
        with self._write:
            if self._file is not None:
                self._file.close()
                self._file = None

    def begin(self, head: JournalHead, plan: Plan, live: State) -> None:
        """Write the head and the steps, before any call; on the disk when this returns.

        Raises:
            JournalError: that is not possible; then no call may be made.
        """
        lines = [line_of(head), *map(line_of, _steps_of(plan, live))]
        try:
            self._place.write(b"".join(lines))
            self._file = self._place.open()
            self._file.seek(0, os.SEEK_END)
        except OSError as error:
            msg = f"The journal {self._place.path} cannot be written: {error.strerror or error}. Nothing was written."
            hint = "free space on the disk, or make .kiamo/journal writable"
            if isinstance(error, MisplacedError):
                hint = f"remove {error.place}: files below .kiamo belong to this machine"
            raise JournalError(msg, hint=hint) from error

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """The calls that this thread makes meanwhile are those of `step`."""
        self._local.steps = tuple(part.id for part in parts_of(step))
        try:
            yield
        finally:
            self._local.steps = ()

    def sending(self, method: str, path: str) -> int:
        """Record an attempt that is about to be sent; returns its number."""
        with self._gather:
            self._numbers += 1
            n = self._numbers
        step, *also = getattr(self._local, "steps", ()) or (None,)
        self._record(JournalCall(n, step, method, path, self._clock(), tuple(also)))
        return n

    def answered(self, n: int, status: int | None, error: str = "") -> None:
        """Record what became of attempt number `n`; `status` None: no whole response came; 0: it was not sent."""
        self.has_sent = self.has_sent or status != 0
        self._record(JournalAnswer(n, status, self._clock(), redact(error)))

    def started(self, step: Step) -> None:
        """Nothing: its calls are recorded."""

    def finished(self, results: Sequence[StepResult]) -> None:
        """Record what became of steps."""
        self._record(*map(_result_of, results))

    def close(self, report: Report, *, interrupted: bool) -> None:
        """Record the end."""
        counts = report.counts
        self._record(
            JournalEnd(
                self._clock(),
                counts[Status.DONE],
                counts[Status.FAILED],
                counts[Status.SKIPPED],
                interrupted=interrupted,
            )
        )
        with self._write:
            self._guarded(lambda file: os.fsync(file.fileno()))

    @property
    def calls(self) -> int:
        """How many attempts were recorded."""
        return self._numbers

    def _record(self, *entries: JournalLine) -> None:
        written = [line_of(entry) for entry in entries]
        with self._gather:
            self._waiting += written
        with self._write:  # whoever comes first writes what others have added meanwhile
            with self._gather:
                lines, self._waiting = self._waiting, []
            if lines:
                self._guarded(lambda file: self._append(file, b"".join(lines)))

    def _append(self, file: BinaryIO, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        now = self._monotonic()
        if now - self._synced >= _SYNC_EVERY:
            self._synced = now
            os.fsync(file.fileno())

    def _guarded(self, write: Callable[[BinaryIO], object]) -> None:
        if self._file is None or self.error is not None:
            return
        try:
            write(self._file)
        except OSError as error:
            self.error = JournalError(
                f"The journal {self._place.path} is incomplete: {error.strerror or error}.",
                hint="undo may not know everything that this run did",
            )


class JournaledPerformer:
    """Performs steps with another performer, and records which calls belong to which step."""

    def __init__(self, writer: JournalWriter, performer: Performer) -> None:
        self._writer = writer
        self._performer = performer

    def perform(self, step: Step) -> Outcome:
        """As the other performer."""
        with self._writer.step(step):
            return self._performer.perform(step)


def _result_of(result: StepResult) -> JournalResult:
    outcome, error = result.outcome, result.error
    return JournalResult(
        result.step.id,
        result.status.value,
        outcome.remote_id if outcome is not None else None,
        redact(str(error)) if error is not None else "",
        tuple(map(redact, outcome.notes)) if outcome is not None else (),
    )


def _steps_of(plan: Plan, live: State) -> Iterator[JournalStep]:
    """The steps of a plan, with the objects that the plan saw."""
    by_id = {(each.kind.kind, each.remote_id): each for each in live}
    for step in plan.steps:
        binding = plan.bindings.get(step.address) if step.action is not Action.CREATE else None
        remote_id = binding.remote_id if binding is not None else None
        there = by_id.get((step.kind, remote_id)) if step.action is Action.DELETE else None
        yield JournalStep(
            step.id,
            step.action.value,
            step.address,
            step.kind,
            remote_id,
            step.before,
            step.after,
            tuple(_images(there, step.address, live)) if there is not None else (),
            _lost(step, there) if there is not None else "",
        )


def _images(above: ResourceState, address: Address, live: State) -> Iterator[ObjectImage]:
    """Everything below an object, at the addresses that it has below `address`."""
    for kind in children_of(above.kind.kind):
        for child in live.within(above.address, kind.collection):
            at = address.child(kind.collection, child.address.name)
            if kind.system is None or not child.extras.get(kind.system.flag):
                yield ObjectImage(at, kind.kind, attributes_of(child))
            yield from _images(child, at, live)


def attributes_of(resource: ResourceState) -> dict[str, Any]:
    """The attributes of an object, with its settings under `settings`, as `Step.before` has them."""
    settings = {"settings": dict(resource.settings)} if resource.settings else {}
    return {**resource.attributes, **settings}


def _lost(step: Step, there: ResourceState) -> str:
    if contents := contents_of(there):
        return contents
    return "the values that contacts have in it" if step.risk is Risk.DATA_LOSS else ""

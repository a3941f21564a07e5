"""Runs the steps of a plan in the order of its graph, as many at a time as allowed, and none after it is stopped.

    scheduler ─► preconditions ─► writer ─► postconditions
    which step    may it run?      API calls  its result

The interface between them is `Performer`. The scheduler only orders steps; a performer only makes calls. What is
added around a call (a journal entry, the recovery of an unknown outcome) is a performer that wraps another one.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import Final, NamedTuple, Protocol

from kiamo_iac.core.errors import (
    AccessError,
    BudgetError,
    BusyError,
    Interrupted,
    KiamoIacError,
    OppositeError,
    PostconditionError,
)
from kiamo_iac.core.runtime import take_from
from kiamo_iac.executor.joining import joined, parts_of, results_of
from kiamo_iac.executor.report import Outcome, Report, Status, StepResult
from kiamo_iac.planner.plan import Plan, Step

PARALLELISM: Final = 4
"""Default number of writes in flight."""
VERIFICATIONS: Final = 10
"""Number of verification groups in flight, beside the writes; as many as the reader has reads in flight."""

VerificationGroup = Callable[[Step], Hashable | None]
"""None: the step writes. Otherwise the group of a step that only verifies what another step created: one read serves
the group, so its steps are performed one after the other, and do not count as writes."""


def writes_only(step: Step) -> None:
    """For performers whose steps all write."""
    del step


class Performer(Protocol):
    """Makes the calls of one step."""

    def perform(self, step: Step) -> Outcome:
        """Perform `step`, whose dependencies are all done. Called from several threads at once, for different steps.

        Raises:
            AccessError: the token lacks a permission; no further step is started.
            BudgetError: the run would exceed its read limits; no further step is started.
            BusyError: the run would wait longer than its limits allow; no further step is started.
            OppositeError: the instance did the opposite of what was sent; no further step is started.
            Interrupted: the run was stopped before the step wrote anything; it counts as not tried.
            KiamoIacError: the step failed; steps that depend on it are not tried, the others go on.
            Exception: a bug. It is reported as a failed step, and no further step is started.
        """


class Observer(Protocol):
    """Receives the events of every step, in the thread that called `execute`."""

    def started(self, step: Step) -> None:
        """A step is about to be performed, or is being performed. Not of one whose end comes first."""

    def finished(self, results: Sequence[StepResult]) -> None:
        """Steps are done or failed, or (all of these at the end) were not tried; those that ended together at once."""


class ObserverGroup:
    """Several observers, called in their order."""

    def __init__(self, *observers: Observer | None) -> None:
        """None: no observer."""
        self._observers = [observer for observer in observers if observer is not None]

    def started(self, step: Step) -> None:
        """As each observer."""
        self._call(lambda observer: observer.started(step))

    def finished(self, results: Sequence[StepResult]) -> None:
        """As each observer."""
        self._call(lambda observer: observer.finished(results))

    def _call(self, notify: Callable[[Observer], None]) -> None:
        for observer in tuple(self._observers):
            try:
                notify(observer)
            except OSError:  # what it writes to is gone, such as a terminal that was closed: the run goes on
                self._observers.remove(observer)


def execute(
    plan: Plan,
    performer: Performer,
    *,
    parallelism: int = PARALLELISM,
    verification_group: VerificationGroup = writes_only,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Perform every step of `plan` after those that it depends on, at most `parallelism` writes at a time. A rename and
    the update behind it are performed as one (see `joining`).

    Steps that are ready are submitted in the order of their ids. Steps that depend on a failed one are not tried.
    After an error of `ENDING`, or once `stop` is set, no further step begins; steps in flight end, and the report is
    complete. A verification group that has begun goes on after a stop, and ends with an error: it would write what is
    missing. With a `parallelism` of 1, a write begins when the observer has the result of the one before it; with
    more, it may begin while another result is on its way to the observer. Exceptions of a performer are part of the
    report. Those of the observer are raised, after the steps in flight have ended.

    Raises:
        ValueError: the plan has errors, its graph has a cycle or names a step that it lacks, or `parallelism` is less
            than 1.
    """
    if not plan.applyable:
        msg = "a plan that is refused cannot be executed"
        raise ValueError(msg)
    if parallelism < 1:
        msg = f"parallelism must be 1 or more, not {parallelism}"
        raise ValueError(msg)
    execution = _Execution(
        joined(plan.steps),
        performer,
        verification_group=verification_group,
        observer=_Apart(observer) if observer is not None else None,
        stop=stop or threading.Event(),
    )
    with (
        ThreadPoolExecutor(parallelism, thread_name_prefix="write") as writers,
        ThreadPoolExecutor(VERIFICATIONS, thread_name_prefix="verify") as verifiers,
    ):
        try:
            execution.run(writers, verifiers, parallelism)
        finally:
            execution.end()
    results = {result.step.id: result for result in results_of(execution.results)}
    return Report(tuple(results[step.id] for step in plan.steps))


class _Apart:
    """Reports every step of the plan to an observer, whatever was performed as one."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def started(self, step: Step) -> None:
        for part in parts_of(step):
            self._observer.started(part)

    def finished(self, results: Sequence[StepResult]) -> None:
        self._observer.finished(results_of(results))


class _Execution:
    """One execution. All but `_perform_all` happens in the thread of the caller."""

    def __init__(
        self,
        steps: Sequence[Step],
        performer: Performer,
        *,
        verification_group: VerificationGroup,
        observer: Observer | None,
        stop: threading.Event,
    ) -> None:
        self._steps = {step.id: step for step in steps}
        self._performer = performer
        self._verification_group = verification_group
        self._observer = observer
        self._stop = stop
        self._results: dict[int, StepResult] = {}
        self._done: SimpleQueue[_Done] = SimpleQueue()
        self._queued: dict[int, Step] = {}
        """Writes that wait for a thread: submitted, and not yet reported as started."""
        self._ended_by: int | None = None
        self._ended = False
        self._graph: TopologicalSorter[int] = TopologicalSorter()
        for step in steps:
            if missing := [needed for needed in step.depends_on if needed not in self._steps]:
                msg = f"step {step.id} depends on step {missing[0]}, which the plan lacks"
                raise ValueError(msg)
            self._graph.add(step.id, *step.depends_on)
        self._graph.prepare()

    def run(self, writers: ThreadPoolExecutor, verifiers: ThreadPoolExecutor, parallelism: int) -> None:
        most = 2 * parallelism if parallelism > 1 else 1  # so that no thread of `writers` waits for this one
        writes: list[int] = []
        groups: dict[Hashable, list[int]] = {}
        writing = verifying = 0
        while True:
            for id_ in sorted(self._graph.get_ready()):
                group = self._verification_group(self._steps[id_])
                if group is None:
                    heapq.heappush(writes, id_)
                else:
                    groups.setdefault(group, []).append(id_)
            self._report_begun(parallelism - writing)
            while writes and writing < most and not self._is_over():
                step = self._steps[heapq.heappop(writes)]
                self._queued[step.id] = step
                writing += 1
                self._report_begun(parallelism - writing)
                writers.submit(self._perform_all, [step], verification=False)
            while groups and verifying < VERIFICATIONS and not self._is_over():
                steps = [self._steps[id_] for id_ in groups.pop(next(iter(groups)))]
                for step in steps:
                    self._started(step)
                verifiers.submit(self._perform_all, steps, verification=True)
                verifying += 1
            if not writing and not verifying:
                break
            results: list[StepResult] = []
            for done in self._all_done():
                writing -= done.last and not done.verification
                verifying -= done.last and done.verification
                results += done.results
            if results:
                self._record(results)
        self._skip_the_rest()

    def _report_begun(self, free: int) -> None:
        """Report the writes that have a thread by now, in their order. `free`: threads, less the writes submitted."""
        if not self._is_over():
            for step in list(self._queued.values())[: free + len(self._queued)]:
                self._started(step)

    def _started(self, step: Step) -> None:
        self._queued.pop(step.id, None)
        if self._observer is not None:
            self._observer.started(step)

    def end(self) -> None:
        """Begin no further step, whatever waits for a thread."""
        self._ended = True

    @property
    def results(self) -> list[StepResult]:
        """What became of each step."""
        return list(self._results.values())

    def _is_over(self) -> bool:
        """Whether no further step begins."""
        return self._ended or self._stop.is_set()

    def _all_done(self) -> Iterator[_Done]:
        """What is done, as soon as there is something."""
        yield take_from(self._done)
        while not self._done.empty():
            yield self._done.get_nowait()

    def _perform_all(self, steps: list[Step], verification: bool) -> None:
        """In a thread of the pool: puts a result for every step, whatever happens; of steps that only verified, all at
        once."""
        results: list[StepResult] = []
        for step in steps:
            begins = not self._ended and (verification or not self._stop.is_set())
            result = self._perform(step) if begins else None
            results += [result] if result is not None else []
            if step is steps[-1] or not (result is not None and result.only_verified):
                self._done.put(_Done(results, last=step is steps[-1], verification=verification))
                results = []

    def _perform(self, step: Step) -> StepResult:
        begun, started_at = time.perf_counter(), datetime.now(UTC)
        outcome = error = None
        try:
            outcome = self._performer.perform(step)
        except Interrupted:
            return StepResult(step, Status.SKIPPED)
        except KiamoIacError as failure:
            error = _without_frames(failure)
            if isinstance(failure, PostconditionError) and failure.remote_id is not None:
                outcome = Outcome(failure.remote_id)
        except BaseException as bug:  # noqa: BLE001 - reported in the result; the thread would swallow it
            error = _unexpected(step, bug)
        if isinstance(error, ENDING) and not self._is_over():
            self._ended, self._ended_by = True, step.id
        status = Status.DONE if error is None else Status.FAILED
        seconds = time.perf_counter() - begun
        return StepResult(step, status, error, started_at=started_at, seconds=seconds, outcome=outcome)

    def _record(self, results: Sequence[StepResult]) -> None:
        for result in results:
            self._results[result.step.id] = result
            self._queued.pop(result.step.id, None)
            if result.status is Status.DONE:
                self._graph.done(result.step.id)
        if self._observer is not None:
            self._observer.finished(results)

    def _skip_the_rest(self) -> None:
        """Record for each step that was not tried the failed step that it depends on, or the one that ended the run."""
        skipped: list[StepResult] = []
        for id_, step in self._steps.items():
            if id_ not in self._results:
                because = self._failed_above(step.depends_on)
                result = StepResult(step, Status.SKIPPED, because=because if because is not None else self._ended_by)
                self._results[id_] = result
                skipped.append(result)
        if skipped and self._observer is not None:
            self._observer.finished(skipped)

    def _failed_above(self, needed: Iterable[int]) -> int | None:
        for id_ in needed:
            result = self._results[id_]
            if result.status is Status.FAILED:
                return id_
            if result.status is Status.SKIPPED and result.because is not None:
                return result.because
        return None


class UnexpectedError(KiamoIacError):
    """A performer raised something other than a `KiamoIacError`: a bug, and the `__cause__` of this."""


ENDING: Final = (AccessError, BudgetError, BusyError, OppositeError, UnexpectedError)
"""Failures of one step after which no other step is started."""


def _without_frames(failure: KiamoIacError) -> KiamoIacError:
    """The failure of a step without its traceback: it is kept to the end of the run, and frames would keep responses in
    memory."""
    failure.__cause__ = failure.__context__ = None
    return failure.with_traceback(None)


def _unexpected(step: Step, bug: BaseException) -> UnexpectedError:
    msg = f"Unexpected {type(bug).__name__} while writing {step.address}."
    error = UnexpectedError(
        msg, hint="this is a bug in kiamo-iac: please report it; run plan to see what is left to do"
    )
    error.__cause__ = bug
    return error


class _Done(NamedTuple):
    """Results for the thread of the caller."""

    results: list[StepResult]
    last: bool
    """Whether it is the last of the steps submitted together."""
    verification: bool

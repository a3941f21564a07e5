"""Runs the steps of a plan along its graph: whatever is ready, as many at a time as allowed, and nothing after a stop.

The seam is `Performer`. The executor knows the order and nothing of calls; a performer knows calls and nothing of the
order. What is to happen around a call (a journal's entry before and after it, a check that the thing is still what the
plan saw, a look at what became of a call of unknown outcome) is a performer around another one.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import ThreadPoolExecutor
from graphlib import TopologicalSorter
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple, Protocol

from kiamo_iac.core.errors import AccessError, BudgetError, KiamoIacError
from kiamo_iac.executor.report import Outcome, Report, Status, StepResult
from kiamo_iac.planner.plan import Plan, Step

PARALLELISM: Final = 4
"""Writes in flight at a time, unless told otherwise."""
VERIFICATIONS: Final = 10
"""Groups of steps that only look in flight at a time, beside the writes: reads are as many as the reader makes."""

VerificationGroup = Callable[[Step], Hashable | None]
"""None: the step writes. Otherwise the group of a step that looks for what was made inside another step: one look
serves the group, so that its steps are performed one after the other, outside of the parallelism of writes."""


def writes_only(step: Step) -> None:
    """Of performers that never only look."""
    del step


class Performer(Protocol):
    """Makes the calls of one step."""

    def perform(self, step: Step) -> Outcome:
        """Do `step`, whose dependencies are all done. Called from several threads, for different steps, at once.

        Raises:
            AccessError: the token may not do that; nothing further is tried.
            BudgetError: the run would read more than it may; nothing further is tried.
            KiamoIacError: it could not be done; what depends on it is not tried, the rest goes on.
            Exception: a mistake of ours. It is reported as a failed step, and nothing further is tried.
        """


class Observer(Protocol):
    """Is told of every step, in the thread that called `execute`."""

    def started(self, step: Step) -> None:
        """A step is about to be performed."""

    def finished(self, result: StepResult) -> None:
        """A step is done or failed, or (all of these at the end) was not tried."""


def execute(
    plan: Plan,
    performer: Performer,
    *,
    parallelism: int = PARALLELISM,
    verification_group: VerificationGroup = writes_only,
    observer: Observer | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Perform every step of `plan` after those that it depends on, at most `parallelism` writes at a time.

    Steps that are ready are submitted in the order of their ids. A failed step takes with it all that depends on it.
    After an `AccessError`, a `BudgetError`, an exception that is no `KiamoIacError`, or once `stop` is set, no further
    step is submitted; what is in flight ends, and the report is complete. Exceptions of a performer are never raised
    from here, for the report of what was done would be lost with them; exceptions of the observer are, when what is in
    flight has ended.

    Raises:
        ValueError: the plan has errors, its graph has a cycle or names a step that it lacks, or `parallelism` is less
            than 1.
    """
    if not plan.applyable:
        msg = "a plan that is refused cannot be executed"
        raise ValueError(msg)
    if parallelism < 1:
        msg = f"a parallelism of {parallelism} performs nothing"
        raise ValueError(msg)
    run = _Run(
        plan, performer, verification_group=verification_group, observer=observer, stop=stop or threading.Event()
    )
    with ThreadPoolExecutor(parallelism + VERIFICATIONS, thread_name_prefix="step") as pool:
        run.to_the_end(pool, parallelism)
    return run.report()


class _Run:
    """One execution. All but `_perform` happens in the thread of the caller."""

    def __init__(
        self,
        plan: Plan,
        performer: Performer,
        *,
        verification_group: VerificationGroup,
        observer: Observer | None,
        stop: threading.Event,
    ) -> None:
        self._steps = {step.id: step for step in plan.steps}
        self._performer = performer
        self._verification_group = verification_group
        self._observer = observer
        self._stop = stop
        self._results: dict[int, StepResult] = {}
        self._done: SimpleQueue[_Done] = SimpleQueue()
        self._ended_by: int | None = None
        self._ended = False
        self._graph: TopologicalSorter[int] = TopologicalSorter()
        for step in plan.steps:
            if missing := [needed for needed in step.depends_on if needed not in self._steps]:
                msg = f"step {step.id} depends on step {missing[0]}, which the plan lacks"
                raise ValueError(msg)
            self._graph.add(step.id, *step.depends_on)
        self._graph.prepare()

    def to_the_end(self, pool: ThreadPoolExecutor, parallelism: int) -> None:
        writes: list[int] = []
        groups: dict[Hashable, list[int]] = {}
        writing = looking = 0
        while True:
            for id_ in sorted(self._graph.get_ready()):
                group = self._verification_group(self._steps[id_])
                if group is None:
                    heapq.heappush(writes, id_)
                else:
                    groups.setdefault(group, []).append(id_)
            while writes and writing < parallelism and not self._is_over():
                self._submit(pool, [heapq.heappop(writes)], look=False)
                writing += 1
            while groups and looking < VERIFICATIONS and not self._is_over():
                self._submit(pool, groups.pop(next(iter(groups))), look=True)
                looking += 1
            if not writing and not looking:
                break
            done = _next(self._done)
            writing -= done.last and not done.look
            looking -= done.last and done.look
            self._take(done.result)
        self._skip_the_rest()

    def _submit(self, pool: ThreadPoolExecutor, ids: list[int], *, look: bool) -> None:
        steps = [self._steps[id_] for id_ in ids]
        if self._observer is not None:
            for step in steps:
                self._observer.started(step)
        pool.submit(self._perform_all, steps, look)

    def report(self) -> Report:
        return Report(tuple(self._results[id_] for id_ in self._steps))

    def _is_over(self) -> bool:
        self._ended = self._ended or self._stop.is_set()
        return self._ended

    def _perform_all(self, steps: list[Step], look: bool) -> None:
        """In a thread of the pool: whatever happens, a result is put for every step."""
        for step in steps:
            self._done.put(_Done(self._perform(step), last=step is steps[-1], look=look))

    def _perform(self, step: Step) -> StepResult:
        begun = time.perf_counter()
        outcome = error = None
        try:
            outcome = self._performer.perform(step)
        except KiamoIacError as failure:
            error = _told(failure)
        except BaseException as mistake:  # noqa: BLE001 - it would vanish with the thread; the result carries it
            error = _unexpected(step, mistake)
        status = Status.DONE if error is None else Status.FAILED
        return StepResult(step, status, error, seconds=time.perf_counter() - begun, outcome=outcome)

    def _take(self, result: StepResult) -> None:
        self._results[result.step.id] = result
        if result.status is Status.DONE:
            self._graph.done(result.step.id)
        elif isinstance(result.error, AccessError | BudgetError | UnexpectedError) and not self._ended:
            self._ended, self._ended_by = True, result.step.id
        if self._observer is not None:
            self._observer.finished(result)

    def _skip_the_rest(self) -> None:
        """Name for each step that was not tried the failed step on which it depends, or the one that ended the run."""
        for id_, step in self._steps.items():
            if id_ not in self._results:
                because = self._failed_above(step.depends_on)
                result = StepResult(step, Status.SKIPPED, because=because if because is not None else self._ended_by)
                self._results[id_] = result
                if self._observer is not None:
                    self._observer.finished(result)

    def _failed_above(self, needed: Iterable[int]) -> int | None:
        for id_ in needed:
            result = self._results[id_]
            if result.status is Status.FAILED:
                return id_
            if result.status is Status.SKIPPED and result.because is not None:
                return result.because
        return None


class UnexpectedError(KiamoIacError):
    """A performer raised something that it should not: a mistake of ours, which is the cause of this."""


def _told(failure: KiamoIacError) -> KiamoIacError:
    """The failure of a step, which is kept to the end of the run, without the frames that it came through: they would
    keep what the instance answered."""
    failure.__cause__ = failure.__context__ = None
    return failure.with_traceback(None)


def _unexpected(step: Step, mistake: BaseException) -> UnexpectedError:
    msg = f"An unexpected {type(mistake).__name__} came up while {step.address} was written."
    error = UnexpectedError(
        msg, hint="this is a mistake of kiamo-iac: please report it; run plan to see where things stand"
    )
    error.__cause__ = mistake
    return error


class _Done(NamedTuple):
    """A result on its way to the thread of the caller."""

    result: StepResult
    last: bool
    """Of what was submitted together."""
    look: bool


def _next(done: SimpleQueue[_Done]) -> _Done:
    """Wait in turns, since on Windows a wait without an end cannot be interrupted."""
    while True:
        try:
            return done.get(timeout=0.5)
        except Empty:
            continue

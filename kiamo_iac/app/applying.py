"""A plan made, guarded and performed under the lock of its environment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kiamo_iac.app.outcome import check_report
from kiamo_iac.app.planning import NO_OPTIONS, Planned, plan_sides, read_sides
from kiamo_iac.core.errors import GuardError

if TYPE_CHECKING:
    import threading

    from kiamo_iac.app.opening import Workspace
    from kiamo_iac.app.recording import Recorder
    from kiamo_iac.core.address import Address
    from kiamo_iac.executor.report import Report
    from kiamo_iac.executor.scheduler import Observer
    from kiamo_iac.ledger.ledger import Ledger
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.planner.plan_file import Options


class Applying:
    """One apply. Its lock is held as long as the context of `applying` lasts."""

    def __init__(self, workspace: Workspace, ledger: Ledger, made: Planned, *, spends: str | None) -> None:
        self._workspace = workspace
        self._ledger = ledger
        self._made = made
        self._spends = spends
        self._guarded: Callable[[], None] = self.check_guards
        self._recorder: Recorder | None = None

    @property
    def plan(self) -> Plan:
        """What is to be done."""
        return self._made.plan

    def check_guards(self, *, allow_start: bool = False, allow_data_loss: Collection[Address] = ()) -> None:
        """Refuse what may not be done unasked. What is allowed here is also what `perform` allows.

        Raises:
            GuardError: with a diagnostic for everything that is refused.
        """
        self._guarded = lambda: self._guard(allow_start=allow_start, allow_data_loss=allow_data_loss)
        self._guarded()

    def _guard(self, *, allow_start: bool, allow_data_loss: Collection[Address]) -> None:
        from kiamo_iac.planner.guards import check_guards

        refused = check_guards(
            self.plan,
            self._workspace.project.environments[self.plan.environment].guards,
            owned=self._made.sides.owned,
            desired_count=len(self._made.sides.desired),
            now=self._workspace.now(),
            allow_start=allow_start,
            allow_data_loss=allow_data_loss,
        )
        if refused:
            why = "A guard refuses" if len(refused) == 1 else f"Guards refuse, for {len(refused)} reasons,"
            msg = f"{why} this plan for {self.plan.environment}. Nothing has been written."
            raise GuardError(msg, diagnostics=refused)

    def perform(
        self, *, parallelism: int, observer: Observer | None = None, stop: threading.Event | None = None
    ) -> Report:
        """Do what the plan says, as many writes at a time as `parallelism`; once `stop` is set, no new ones.

        The guards are asked again, since a person may have thought about it past the end of a change window. Then the
        ledger is written, and only then the instance. A step whose thing is no longer what the plan saw is refused.

        Raises:
            GuardError: as `check_guards`.
            KiamoIacError: the ledger cannot be written; nothing else has been.
            ValueError: the plan is refused.
        """
        import threading

        from kiamo_iac.app.owning import stamper
        from kiamo_iac.app.recording import Recorder
        from kiamo_iac.executor.preconditions import PreconditionCheck
        from kiamo_iac.executor.scheduler import execute
        from kiamo_iac.executor.writer import Writer

        self._guarded()
        end = stop or threading.Event()
        recorder = Recorder(self._ledger, self._made, stamp=stamper(self._workspace), onward=observer, end=end.set)
        recorder.begin()
        if self.plan.steps and self._spends is not None:
            self._ledger.mark_applied(self._spends)
        self._recorder = recorder
        budget = self._made.sides.budget
        budget.expect(steps=len(self.plan.steps))
        with self._workspace.client(self._made.sides.target, budget=budget) as client:
            contract, live = self._workspace.contract, self._made.sides.live
            writer = Writer(client, contract, self.plan)
            performer = PreconditionCheck(writer, self.plan, client=client, contract=contract, live=live)
            report = execute(
                self.plan,
                performer,
                parallelism=parallelism,
                verification_group=writer.verification_group,
                observer=recorder,
                stop=end,
            )
        recorder.close(report)
        return report

    def check(self, report: Report, *, interrupted: bool) -> None:
        """Nothing, when every step is done and written down.

        Raises:
            KiamoIacError: as `outcome.check_report`.
        """
        check_report(report, interrupted=interrupted, ledger=self._recorder.error if self._recorder else None)


@contextmanager
def applying(
    workspace: Workspace,
    environment: str | None,
    options: Options = NO_OPTIONS,
    *,
    lock_timeout: float = 0,
) -> Iterator[Applying]:
    """Take the lock, and plan under it.

    Raises:
        LockedError: another run holds the lock; nothing has been read or written.
        KiamoIacError: as `planning.planned`.
    """
    from kiamo_iac.app.owning import locked

    target = workspace.target(environment)
    with locked(workspace, target.name, lock_timeout=lock_timeout) as ledger:
        owned = dict(ledger.owned) if ledger.found else None
        sides = read_sides(workspace, target, owned=lambda: owned, prune=options.prune)
        yield Applying(workspace, ledger, plan_sides(workspace, sides, options), spends=None)

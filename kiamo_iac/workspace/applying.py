"""A plan made, guarded and performed under the lock of its environment."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kiamo_iac.diagnostics import Diagnostic
from kiamo_iac.errors import GuardError
from kiamo_iac.planner.plan import Action
from kiamo_iac.workspace.planning import NOTHING_CHOSEN, Choices, Planned, planned

if TYPE_CHECKING:
    import threading

    from kiamo_iac.address import Address
    from kiamo_iac.executor.report import Report
    from kiamo_iac.executor.run import Observer
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.workspace.opening import Workspace


class Applying:
    """One apply: the lock is held as long as the context of `applying` lasts."""

    def __init__(self, workspace: Workspace, made: Planned) -> None:
        self._workspace = workspace
        self._made = made

    @property
    def plan(self) -> Plan:
        """What is to be done."""
        return self._made.plan

    def check_guards(self, *, allow_start: bool = False, allow_data_loss: Collection[Address] = ()) -> None:
        """Refuse what may not be done unasked: starting batches, which dials people.

        Raises:
            GuardError: with a diagnostic for every batch that would be started.
        """
        starts = [step for step in self.plan.steps if step.action is Action.START]
        if not starts or allow_start or self._made.target.allow_start:
            return
        what = "1 batch" if len(starts) == 1 else f"{len(starts)} batches"
        raise GuardError(
            f"This plan would start {what}, which dials people, and that was not allowed. Nothing has been written.",
            hint="say --allow-start, or guards: {allow_start: true} in the environment, if people are to be called now",
            diagnostics=[
                Diagnostic("KIA0701", "this would dial people", address=step.address, source=step.source)
                for step in starts
            ],
        )

    def perform(
        self, *, parallelism: int, observer: Observer | None = None, stop: threading.Event | None = None
    ) -> Report:
        """Do what the plan says, as many writes at a time as `parallelism`; once `stop` is set, no new ones.

        Raises:
            ValueError: the plan is refused.
        """
        from kiamo_iac.executor.run import execute
        from kiamo_iac.executor.writer import Writer

        with self._workspace.client(self._made.target) as client:
            writer = Writer(client, self._workspace.contract, self.plan)
            return execute(self.plan, writer, parallelism=parallelism, observer=observer, stop=stop)


@contextmanager
def applying(workspace: Workspace, environment: str | None, choices: Choices = NOTHING_CHOSEN) -> Iterator[Applying]:
    """Take the lock, and plan under it.

    Raises:
        KiamoIacError: as `planning.planned`.
    """
    yield Applying(workspace, planned(workspace, environment, choices))

"""Undo: the plan that leads back to what an instance was before a run, from the journal of that run, under the lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from kiamo_iac.app.applying import ApplyRun, read_under_lock, run_under_lock
from kiamo_iac.app.journaling import journal_file, load_journal
from kiamo_iac.app.ownership import ledger_identity
from kiamo_iac.app.planning import NO_OPTIONS, plan_from_inputs
from kiamo_iac.core.errors import JournalError
from kiamo_iac.core.printable import quote
from kiamo_iac.executor.undo import named_by, undo_goal
from kiamo_iac.ledger.tracked import check_journal

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.ledger.journal import Journal
    from kiamo_iac.ledger.ledger import Ledger
    from kiamo_iac.planner.plan_file import Options

_OF_THE_REST: Final = {"KIA0602", "KIA0603", "KIA0605", "KIA0607", "KIA0622"}
"""Of what is not declared, not managed, or changed outside kiamo-iac: an undo is not about it, or lists it itself."""


@contextmanager
def start_undo(
    workspace: Workspace,
    environment: str | None,
    run: str | None,
    options: Options = NO_OPTIONS,
    *,
    lock_timeout: float = 0,
) -> Iterator[ApplyRun]:
    """Take the lock and plan the undo of a run, by its id or the beginning of it; None: of the last run.

    Raises:
        UsageError: there is no such run.
        JournalError: its journal cannot be used: damaged, tracked by git, or of another project or instance.
        LockedError: another run holds the lock; nothing was read or written.
        KiamoIacError: as `applying.run_under_lock` and `planning.plan_environment`.
    """
    target = workspace.target(environment)
    journal = load_journal(workspace, target.name, run)
    _check(workspace, journal)

    def planned(ledger: Ledger) -> ApplyRun:
        inputs = read_under_lock(workspace, target, ledger, desired=named_by(journal))
        goal = undo_goal(journal, inputs.live, inputs.owned or {})
        inputs = replace(inputs, desired=goal.desired, owned=goal.owned, partial=True)
        result = plan_from_inputs(workspace, inputs, options)
        before = f"as before the run of {journal.head.started_at.replace('T', ' ').rstrip('Z')} UTC"
        steps = tuple(replace(step, reason=before) for step in result.plan.steps)
        said = tuple(each for each in result.plan.diagnostics if each.code not in _OF_THE_REST)
        result = replace(result, plan=replace(result.plan, steps=steps, diagnostics=said))
        return ApplyRun(workspace, ledger, result, undoes=journal.head.run, impossible=goal.impossible)

    with run_under_lock(workspace, target.name, planned, lock_timeout=lock_timeout, operation="undo") as started:
        yield started


def _check(workspace: Workspace, journal: Journal) -> None:
    """
    Raises:
        JournalError: a commit could bring the journal, or it is of another project, environment or instance.
    """
    head = journal.head
    file = journal_file(workspace.private_root(head.environment), head.environment, head.run)
    check_journal(file, workspace.environ)
    ours = ledger_identity(workspace, head.environment)
    for what, there, here in (
        ("project", head.project, ours.project or ""),
        ("instance", head.instance, ours.instance or ""),
    ):
        if there != here:
            msg = (
                f"The run {head.run} was of the {what} {quote(there)}, and this is {quote(here)}. Nothing was written."
            )
            raise JournalError(msg, hint="undo it where it was applied")

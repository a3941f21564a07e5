"""A plan made, checked against the guards and carried out, all under the lock of its environment."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kiamo_iac.app.ownership import check_instance, entry_stamp, ledger_identity, lock_ledger
from kiamo_iac.app.planning import NO_OPTIONS, PlanInputs, PlanResult, plan_from_inputs, read_inputs
from kiamo_iac.app.provenance import checkout_of_run, provenance_of
from kiamo_iac.core.errors import GuardError, Interrupted, KiamoIacError, OppositeError, PartialError, StaleError
from kiamo_iac.git.checkout import Checkout

if TYPE_CHECKING:
    import threading

    from kiamo_iac.app.project import Workspace
    from kiamo_iac.app.recording import Recorder
    from kiamo_iac.core.address import Address
    from kiamo_iac.core.diagnostics import Diagnostic
    from kiamo_iac.core.provenance import PlanProvenance
    from kiamo_iac.core.state import RemoteId, State
    from kiamo_iac.executor.journal_writer import JournalWriter
    from kiamo_iac.executor.report import Report
    from kiamo_iac.executor.scheduler import Observer
    from kiamo_iac.ledger.ledger import Ledger
    from kiamo_iac.manifest.environment import Target
    from kiamo_iac.planner.guards import Consents
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.planner.plan_file import Options


class ApplyRun:
    """One apply. Its lock is held as long as the context of `start_apply` lasts."""

    def __init__(
        self,
        workspace: Workspace,
        ledger: Ledger,
        result: PlanResult,
        *,
        saved_digest: str | None = None,
        undoes: str | None = None,
        impossible: tuple[Diagnostic, ...] = (),
    ) -> None:
        """`saved_digest`: of the saved plan that this run applies, and that can be applied once. `undoes`: the id of
        the run that it undoes; `impossible`: what of that run cannot be undone."""
        self.impossible = impossible
        self.undoes = undoes
        self.started_at = workspace.now().astimezone(UTC)
        self.run_id = _run_id(self.started_at)
        """Names this run in its report, in its journal and in what it leaves in the ledger."""
        self.journal_error: KiamoIacError | None = None
        """Why the journal is incomplete; None: it is not."""
        self.checkout = Checkout()
        """The commit of what is applied, once that has begun."""
        self._since = f"{self.started_at:%Y-%m-%dT%H:%M:%SZ}"
        self._workspace = workspace
        self._ledger = ledger
        self._result = result
        self._saved_digest = saved_digest
        self._consents: Consents | None = None
        self._recorder: Recorder | None = None
        self.has_sent = False
        """Whether the instance may have received a call that writes."""
        self.seconds = 0.0
        """How long the run has taken, from the end of planning to its last step."""
        self._begun = time.perf_counter()
        if workspace.log is not None:
            workspace.log(f"run {self.run_id} is planned")

    @property
    def plan(self) -> Plan:
        """The plan to carry out."""
        return self._result.plan

    @property
    def provenance(self) -> PlanProvenance:
        """Where the plan comes from, once `perform` has begun."""
        return provenance_of(self._workspace, self.plan, self.checkout)

    def check_guards(self, consents: Consents | None = None) -> None:
        """Check the plan against the guards. `perform` checks again, with the same consents.

        Raises:
            GuardError: with a diagnostic for each guard that blocks it.
        """
        self._consents = consents
        self._recheck_guards()

    def _recheck_guards(self) -> None:
        from kiamo_iac.planner.guards import NO_CONSENTS, check_guards, managed_count

        blocked = check_guards(
            self.plan,
            self._workspace.project.environments[self.plan.environment].guards,
            owned=self._result.inputs.owned,
            declared=managed_count(self._result.inputs.desired),
            now=self._workspace.now(),
            consents=self._consents or NO_CONSENTS,
        )
        if blocked:
            guards = "1 guard" if len(blocked) == 1 else f"{len(blocked)} guards"
            msg = f"Plan blocked by {guards} of {self.plan.environment}. Nothing was written."
            raise GuardError(msg, diagnostics=blocked)

    def perform(
        self, *, parallelism: int, observer: Observer | None = None, stop: threading.Event | None = None
    ) -> Report:
        """Carry out the plan with up to `parallelism` writes at a time; once a signal has come, or `stop` is set, no
        new step starts.

        The guards are checked again: a change window may have closed while the user was asked. The ledger is written
        before the instance. A step whose object has changed since the plan is refused.

        Raises:
            GuardError: as `check_guards`.
            KiamoIacError: the ledger cannot be written; nothing was written to the instance.
            ValueError: the plan is refused.
        """
        import threading

        from kiamo_iac.app.journaling import journal_of

        self._recheck_guards()
        end = stop or threading.Event()
        self.checkout = checkout_of_run(self._workspace, self.plan.environment, files=self._result.inputs.files)
        commit = self.checkout.committed if self.undoes is None else None  # an undo applies a journal, not manifests
        with (
            self._workspace.interruption.setting(end),
            journal_of(
                self._workspace,
                self.plan,
                self._result.inputs.live,
                run=self.run_id,
                started_at=self._since,
                commit=commit,
                undoes=self.undoes,
            ) as journal,
        ):
            try:
                return self._perform(journal, commit=commit, parallelism=parallelism, observer=observer, end=end)
            finally:
                self.has_sent = journal.has_sent
                self.seconds = time.perf_counter() - self._begun

    def _perform(
        self,
        journal: JournalWriter,
        *,
        commit: str | None,
        parallelism: int,
        observer: Observer | None,
        end: threading.Event,
    ) -> Report:
        from kiamo_iac.app.recording import Recorder
        from kiamo_iac.executor.delivery import Polling
        from kiamo_iac.executor.journal_writer import JournaledPerformer
        from kiamo_iac.executor.preconditions import PreconditionCheck
        from kiamo_iac.executor.scheduler import ObserverGroup, execute
        from kiamo_iac.executor.writer import Writer

        def may_write() -> None:
            self._ledger.check()
            if end.is_set():
                msg = "The run was stopped before this step."
                raise Interrupted(msg)

        recorder = Recorder(
            self._ledger,
            self._result,
            stamp=entry_stamp(commit),
            capabilities=self._workspace.contract.capabilities(),
            run_id=self.run_id,
            since=self._since,
            forward_to=ObserverGroup(journal, observer),
            end=end.set,
        )
        self._ledger.check()
        self._ledger.claim(ledger_identity(self._workspace, self.plan.environment))
        recorder.begin()
        if self.plan.steps and self._saved_digest is not None:
            self._ledger.mark_applied(self._saved_digest)
        self._recorder = recorder
        budget = self._result.inputs.budget
        budget.expect(steps=len(self.plan.steps))
        with self._workspace.client(self._result.inputs.target, budget=budget, witness=journal, stop=end) as client:
            contract, live = self._workspace.contract, self._result.inputs.live
            owned = self._result.inputs.owned or {}
            polling = Polling(pause=end.wait, show=self._workspace.on_wait or (lambda _: None))
            writer = Writer(client, contract, self.plan, live=live, owned=owned, polling=polling, may_write=may_write)
            recorded = _recorded_ids(self._result)
            performer = PreconditionCheck(
                writer, self.plan, client=client, contract=contract, live=live, recorded=recorded, polling=polling
            )
            report = execute(
                self.plan,
                JournaledPerformer(journal, performer),
                parallelism=parallelism,
                verification_group=writer.verification_group,
                observer=recorder,
                stop=end,
            )
        recorder.close(report)
        journal.close(report, interrupted=self._workspace.interruption.requested)
        self.journal_error = journal.error
        return report

    def check(self, report: Report) -> None:
        """Return if every step is done and recorded.

        Raises:
            KiamoIacError: as `check_report`.
        """
        check_report(
            report,
            interrupted=self._workspace.interruption.requested,
            has_sent=self.has_sent,
            ledger=self._recorder.error if self._recorder else None,
        )


def _recorded_ids(result: PlanResult) -> dict[Address, RemoteId]:
    """Of resources to create, the ids that the ledger has for them, and that no list has shown."""
    from kiamo_iac.planner.plan import Action

    desired, live, owned = result.inputs.desired, result.inputs.live, result.inputs.owned or {}
    shown = {(each.address.collection, each.remote_id) for each in live}
    ids: dict[tuple[str, RemoteId | None, str], RemoteId] = {}
    for address, entry in owned.items():
        if entry.remote_id is not None and (address.collection, entry.remote_id) not in shown:
            above = owned.get(address.parent) if address.parent is not None else None
            ids[address.collection, above.remote_id if above is not None else None, address.name] = entry.remote_id
    found: dict[Address, RemoteId] = {}
    for step in result.plan.steps if ids else ():
        if step.action is not Action.CREATE or (declared := desired.get(step.address)) is None:
            continue
        parent = result.plan.bindings.get(step.address.parent) if step.address.parent is not None else None
        for name in (step.address.name, *declared.lifecycle.renamed_from):
            key = step.address.collection, parent.remote_id if parent is not None else None, name
            if key in ids:
                found.setdefault(step.address, ids[key])
    return found


def _run_id(started_at: datetime) -> str:
    """Second, millisecond and a random part; ids sort by time."""
    milliseconds = started_at.microsecond // 1000
    return f"{started_at:%Y%m%dT%H%M%SZ}-{milliseconds:03x}{secrets.token_hex(2)[:3]}"


@contextmanager
def start_apply(
    workspace: Workspace,
    environment: str | None,
    options: Options = NO_OPTIONS,
    *,
    lock_timeout: float = 0,
) -> Iterator[ApplyRun]:
    """Take the lock and plan under it.

    Raises:
        LockedError: another run holds the lock; nothing was read or written.
        KiamoIacError: as `planning.plan_environment`.
    """
    target = workspace.target(environment)

    def planned(ledger: Ledger) -> ApplyRun:
        inputs = read_under_lock(workspace, target, ledger, prune=options.prune)
        return ApplyRun(workspace, ledger, plan_from_inputs(workspace, inputs, options))

    with run_under_lock(workspace, target.name, planned, lock_timeout=lock_timeout) as run:
        yield run


def read_under_lock(
    workspace: Workspace, target: Target, ledger: Ledger, *, prune: bool = False, desired: State | None = None
) -> PlanInputs:
    """As `planning.read_inputs`, beside a ledger that is locked.

    Raises:
        LedgerError: the ledger is not of this instance.
        KiamoIacError: as `planning.read_inputs`.
    """
    owned = dict(ledger.owned) if ledger.found else None
    inputs = read_inputs(workspace, target, owned=lambda: owned, prune=prune, desired=desired)
    check_instance(ledger, inputs.live)
    return inputs


@contextmanager
def run_under_lock(
    workspace: Workspace,
    environment: str,
    planned: Callable[[Ledger], ApplyRun],
    *,
    lock_timeout: float,
    operation: str = "apply",
) -> Iterator[ApplyRun]:
    """The run that `planned` returns, while this process holds the lock of the ledger. `operation`: shown to runs that
    wait.

    Raises:
        LockedError: another run holds the lock.
        PartialError: a write was sent, and the ledger could not be written or unlocked, or the output not written.
        KiamoIacError: the ledger cannot be read, locked, written or unlocked; or as `planned`.
    """
    run: ApplyRun | None = None
    try:
        with lock_ledger(workspace, environment, lock_timeout=lock_timeout, operation=operation) as ledger:
            run = planned(ledger)
            yield run
    except KiamoIacError as error:
        if run is not None and run.has_sent and error.exit_code == KiamoIacError.exit_code:
            raise PartialError(str(error), hint=error.hint, diagnostics=error.diagnostics) from error
        raise
    except OSError as error:
        if run is None or not run.has_sent:
            raise
        msg = f"Calls that write were made, and the report could not be written: {error.strerror or error}."
        raise PartialError(msg, hint="run plan to see the current state") from error


def check_report(
    report: Report, *, interrupted: bool, has_sent: bool | None = None, ledger: KiamoIacError | None = None
) -> None:
    """Return if every step is done and recorded. `has_sent`: whether a call that writes was sent; None: if a step has
    written. `ledger`: the error of a ledger that could not be written.

    Raises:
        Interrupted: a signal came, whatever else went wrong.
        StaleError: an object had changed since the plan was made.
        PartialError: a write was sent, and a step failed, did the opposite of it, or the ledger could not be written.
        KiamoIacError: the same, and no write was sent.
    """
    from kiamo_iac.executor.report import Status

    has_sent = report.has_written if has_sent is None else has_sent
    counts = report.counts
    left = f"{counts[Status.FAILED]} failed, {counts[Status.SKIPPED]} not tried"
    hint = "run plan to see what is left to do"
    opposite = next((r.error for r in report.results if isinstance(r.error, OppositeError)), None)
    if interrupted:
        msg = f"The run was interrupted: {counts[Status.DONE]} done, {left}."
        worse = ledger or opposite
        msg, hint = (msg, hint) if worse is None else (f"{msg} {worse}", worse.hint or hint)
        raise Interrupted(msg, hint=hint) from worse
    if ledger is not None and not has_sent:
        raise ledger
    if ledger is not None:
        how = "Every step is done, but the ledger could not be written."
        how = how if report.ok else f"The ledger could not be written, so the run was stopped: {left}."
        raise PartialError(f"{how} {ledger}", hint=ledger.hint) from ledger
    if report.ok:
        return
    if opposite is not None:
        raise PartialError(f"The run was ended: {left}. {opposite}", hint=opposite.hint)
    if any(isinstance(result.error, StaleError) for result in report.results):
        msg = f"The instance has changed since the plan: {left}."
        raise StaleError(msg, hint="run plan again")
    if not has_sent:
        msg = f"Nothing was written: {left}."
        raise KiamoIacError(msg, hint=hint)
    how = "was applied in part" if counts[Status.DONE] else "was not applied, and a write was sent"
    msg = f"The plan {how}: {left}."
    raise PartialError(msg, hint=hint)

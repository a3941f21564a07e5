"""What a finished run means for whoever started it: nothing, or the error whose exit code says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiamo_iac.core.errors import Interrupted, KiamoIacError, PartialError, StaleError

if TYPE_CHECKING:
    from kiamo_iac.executor.report import Report


def check_report(report: Report, *, interrupted: bool, ledger: KiamoIacError | None = None) -> None:
    """Nothing, when every step is done and the ledger knows of it. `ledger`: why it could not be written.

    Raises:
        KiamoIacError: every step is done, and the ledger could not be written.
        Interrupted: a signal stopped the run.
        StaleError: something had changed since the plan was made.
        PartialError: a step failed, or the ledger did in the middle of the run.
    """
    if report.ok:
        if ledger is not None:
            raise ledger
        return
    from kiamo_iac.executor.report import Status

    counts = report.counts
    left = f"{counts[Status.FAILED]} failed, {counts[Status.SKIPPED]} not tried"
    hint = "run plan to see what is left to do"
    if ledger is not None:
        msg = f"The ledger could not be written, so that nothing further was tried: {left}. {ledger}"
        raise PartialError(msg, hint=ledger.hint) from ledger
    if interrupted:
        msg = f"The run was interrupted: {counts[Status.DONE]} done, {left}."
        raise Interrupted(msg, hint=hint)
    if any(isinstance(result.error, StaleError) for result in report.results):
        msg = f"What the plan saw has changed: {left}."
        raise StaleError(msg, hint="run plan again")
    msg = f"The plan was applied in part: {left}."
    raise PartialError(msg, hint=hint)

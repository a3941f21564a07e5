"""`kiamo-iac apply`: plan, show, ask, execute, report."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import (
    NamedPath,
    address_option,
    choice_options,
    format_option,
    lock_timeout_option,
    optional_environment_option,
)
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import is_terminal, write_data, write_message
from kiamo_iac.core.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from kiamo_iac.app.applying import ApplyRun
    from kiamo_iac.core.address import Address
    from kiamo_iac.executor.report import Report
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.planner.plan_file import Options
    from kiamo_iac.render.progress import Progress


EPILOG = """\b
Examples:
  kiamo-iac apply -e staging
  kiamo-iac apply -e staging --prune
  kiamo-iac apply tonight.plan                        (what plan --out saved; once)
  kiamo-iac apply -e production --yes                 (CI: nobody is asked)
  kiamo-iac apply -e production --yes --allow-start   (batches may be started: people are dialled)
  kiamo-iac apply -e production --allow-data-loss bases/prospects/fields/fax

\b
Exit codes: 0 applied, or nothing to do; 1 error, refused plan, or not confirmed; 3 stale: what
the plan saw has changed; 4 applied in part; 5 another run holds the lock; 6 refused by a guard;
64 usage, or nobody to ask and no --yes; 130 interrupted. With 1, 5, 6 and 64 nothing is written.
"""


@click.command(epilog=EPILOG, short_help="Bring an environment level with its manifests.")
@click.argument("planfile", required=False, type=NamedPath(exists=True, dir_okay=False))
@optional_environment_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@choice_options
@click.option("--allow-start", is_flag=True, help="Batches may be started. Starting a batch dials people.")
@address_option("--allow-data-loss", text="The contacts of this base, or what this field says of them, may be lost.")
@lock_timeout_option
@click.option(
    "--parallelism",
    type=click.IntRange(1, 32),
    default=4,
    show_default=True,
    metavar="N",
    help="How many writes at a time.",
)
@format_option
@pass_session
def apply(
    session: Session,
    *,
    planfile: Path | None,
    environment: str | None,
    yes: bool,
    prune: bool,
    targets: tuple[Address, ...],
    may_stop: tuple[Address, ...],
    allow_start: bool,
    allow_data_loss: tuple[Address, ...],
    lock_timeout: float,
    parallelism: int,
    output: str,
) -> int:
    """Bring an environment level with its manifests.

    Takes the lock, plans, asks the guards, shows the plan, asks, and performs it. When a step fails, what
    depends on it is not tried, the rest goes on, and a table says what was done. Ctrl-C lets the calls in
    flight finish and reports. What was made or changed is ours from then on: the ledger remembers it.

    With PLANFILE it is the plan that was saved there, or nothing: it is planned anew with the options that it
    was saved with, and what differs from it is refused.

    With --format text, plan and report go to stdout. With --format json, stdout holds the report alone and
    the plan is shown on stderr.
    """
    from kiamo_iac.planner.plan_file import Options

    options = Options(prune=prune, targets=targets, may_stop=may_stop)
    with _begun(session, environment, planfile, options, lock_timeout=lock_timeout) as run:
        if run.plan.applyable:
            run.check_guards(allow_start=allow_start, allow_data_loss=allow_data_loss)
        _show(run.plan, session, output=output)
        if not run.plan.applyable:
            return 1
        if run.plan.steps and not yes:
            _ask(run.plan)
        with stopping() as stop, _progress(run.plan, session) as progress:
            report = run.perform(parallelism=parallelism, observer=progress, stop=stop)
        _show_report(run.plan, report, session, output=output)
        run.check(report, interrupted=stop.is_set())
    return 0


def _begun(
    session: Session, environment: str | None, planfile: Path | None, options: Options, *, lock_timeout: float
) -> AbstractContextManager[ApplyRun]:
    """An apply of the plan that was saved, or of one made now.

    Raises:
        click.UsageError: neither says for which environment, or an option that the saved plan has is said again.
    """
    workspace = session.workspace()
    if planfile is None:
        from kiamo_iac.app.applying import start_apply

        if environment is None:
            msg = "Missing option '-e' / '--environment', or a PLANFILE."
            raise click.UsageError(msg, click.get_current_context())
        return start_apply(workspace, environment, options, lock_timeout=lock_timeout)
    from kiamo_iac.app.saved_plans import start_saved_apply

    if options != type(options)():
        msg = "PLANFILE was saved with its own --prune, --target and --allow-stop: say them to plan --out."
        raise click.UsageError(msg, click.get_current_context())
    return start_saved_apply(workspace, planfile, environment=environment, lock_timeout=lock_timeout)


def _show(plan: Plan, session: Session, *, output: str) -> None:
    from kiamo_iac.render.base import plan_renderer

    if output == "json":
        write_message(plan_renderer("text", session.style(sys.stderr)).render(plan), nl=False)
    else:
        write_data(plan_renderer("text", session.style(sys.stdout)).render(plan))


def _show_report(plan: Plan, report: Report, session: Session, *, output: str) -> None:
    from kiamo_iac.render.run import run_json, run_text

    if output == "json":
        write_data(run_json(plan, report.results), utf8=True)
    elif plan.steps:
        write_data("\n" + run_text(report.results, session.style(sys.stdout)))


def _ask(plan: Plan) -> None:
    """Return when the person types `yes`.

    Raises:
        UsageError: there is nobody to ask.
        click.Abort: anything else was typed.
    """
    if not is_terminal(sys.stdin):
        msg = "There are changes to apply, and no terminal to ask on."
        raise UsageError(msg, hint="say --yes to apply without being asked; nothing has been written")
    write_message(f'Type "yes" to apply this to {plan.environment}: ', nl=False)
    if sys.stdin.readline().strip() != "yes":
        raise click.exceptions.Exit(_not_confirmed())


def _not_confirmed() -> int:
    write_message("Not applied.")
    return 1


def _progress(plan: Plan, session: Session) -> Progress:
    from kiamo_iac.render.progress import LiveTable, StepLines

    style = session.style(sys.stderr)
    if is_terminal(sys.stderr):
        return LiveTable(plan, style=style, stream=sys.stderr)
    return StepLines(plan, style=style, write=lambda text: write_message(text, nl=False))


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that the first signal sets: what is in flight ends, nothing new begins. The second ends the process."""
    stop = threading.Event()

    def handle(number: int, _frame: object) -> None:
        if stop.is_set():
            _abort(number)
        stop.set()
        _write_past_buffer("Stopping: the calls in flight are finished, no new ones are made. Again to abort at once.")

    if threading.current_thread() is not threading.main_thread():
        yield stop  # Python lets the main thread alone handle signals
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _abort(_number: int) -> None:
    """Leave without waiting for threads: their calls may take until their deadline."""
    _write_past_buffer("Aborted. Calls in flight may have been done: run plan to see where things stand.")
    os._exit(Interrupted.exit_code)


def _write_past_buffer(text: str) -> None:
    """Say it past the stream's buffer: the signal may have come while this very thread was writing there, and Python
    refuses to enter a buffer twice (it raises, and the run would end as if by a mistake of ours)."""
    with suppress(OSError, ValueError):  # nobody is left to tell
        os.write(sys.stderr.fileno(), f"{text}\n".encode("ascii"))

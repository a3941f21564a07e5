"""`kiamo-iac apply`: plan, show, ask, execute, report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kiamo_iac.cli.options import (
    NamedPath,
    address_option,
    compact_option,
    lock_timeout_option,
    optional_environment_option,
    plan_options,
    report_format_option,
)
from kiamo_iac.cli.output import write_plan_text
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import confirm, is_terminal, write_data, write_message
from kiamo_iac.core.errors import KiamoIacError

if TYPE_CHECKING:
    from kiamo_iac.app.applying import ApplyRun
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.address import Address
    from kiamo_iac.core.diagnostics import Diagnostic
    from kiamo_iac.executor.report import Report
    from kiamo_iac.planner.guards import Consents
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.planner.plan_file import Options
    from kiamo_iac.render.progress import Progress


EPILOG = """\b
Examples:
  kiamo-iac apply -e staging
  kiamo-iac apply -e staging --dry-run                (the plan, and nothing else)
  kiamo-iac apply -e staging --prune
  kiamo-iac apply tonight.plan                        (a plan saved by plan --out)
  kiamo-iac apply -e production --yes                 (in CI: no confirmation)
  kiamo-iac apply -e production --yes --allow-start   (batches may start: contacts will be dialled)
  kiamo-iac apply tonight.plan --allow-start-of bases/prospects/batches/spring
  kiamo-iac apply -e production --allow-stop bases/prospects/batches/winter
  kiamo-iac apply -e production --allow-data-loss bases/prospects/fields/fax

\b
Exit codes: 0 applied, or nothing to do; 1 error, refused plan, or not confirmed; 3 stale: what the
plan saw has changed, other steps may be done; 4 a write was sent, and the run did not end as
planned; 5 another run holds the lock; 6 blocked by a guard; 64 usage, or no terminal to confirm on
and no --yes; 130 interrupted by a signal, at any moment. With 1, 5, 6 and 64 no write was sent.
"""


def run_options(command: Callable[..., int]) -> Callable[..., int]:
    """The consents of a run, which the command takes as `consents`; `--lock-timeout`, `--parallelism`, `--format`."""

    @wraps(command)
    def with_consents(
        *args: Any,
        allow_start: bool,
        allow_start_of: tuple[Address, ...],
        allow_stop: tuple[Address, ...],
        allow_data_loss: tuple[Address, ...],
        **more: Any,
    ) -> int:
        from kiamo_iac.planner.guards import Consents

        consents = Consents(allow_start, starts=allow_start_of, stops=allow_stop, data_loss=allow_data_loss)
        return command(*args, consents=consents, **more)

    options = (
        click.option("--allow-start", is_flag=True, help="Allow all batches to start: contacts will be dialled."),
        address_option("--allow-start-of", text="Allow this batch to start, or each batch of this base."),
        address_option("--allow-stop", text="Allow this batch, or each batch of this base, to be stopped for good."),
        address_option(
            "--allow-data-loss", text="Allow the contacts of this base, or the values of this field, to be lost."
        ),
        lock_timeout_option,
        click.option(
            "--parallelism",
            type=click.IntRange(1, 32),
            default=4,
            show_default=True,
            metavar="N",
            help="Maximum number of concurrent writes.",
        ),
        report_format_option,
        compact_option,
    )
    found: Callable[..., int] = with_consents
    for option in reversed(options):
        found = option(found)
    return found


@click.command(epilog=EPILOG, short_help="Apply the manifests to an environment.")
@click.argument("planfile", required=False, type=NamedPath(exists=True, dir_okay=False))
@optional_environment_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--dry-run", is_flag=True, help="Show the plan, as the command plan does, and write nothing.")
@plan_options
@run_options
@pass_session
def apply(
    session: Session,
    *,
    planfile: Path | None,
    environment: str | None,
    yes: bool,
    dry_run: bool,
    prune: bool,
    targets: tuple[Address, ...],
    consents: Consents,
    lock_timeout: float,
    parallelism: int,
    output: str,
    compact: bool | None,
) -> int:
    """Apply the manifests to an environment.

    Takes the lock, plans, checks the guards, shows the plan, asks for confirmation, and carries it out. If a
    step fails, the steps that depend on it are not tried, the others continue, and a table reports each
    step. Ctrl-C finishes the API calls in flight and reports. Resources that are created or changed are
    recorded in the ledger as managed.

    With PLANFILE, the saved plan is applied: it is planned again with the saved options, and refused if the
    result differs. Consent is given here, not when a plan is saved: --allow-start, --allow-start-of,
    --allow-stop and --allow-data-loss. An address covers what stands below it.

    With --format text, plan and report go to stdout. With --format json or markdown, stdout holds only the
    report, and the plan goes to stderr.
    """
    from kiamo_iac.planner.plan_file import Options

    options = Options(prune=prune, targets=targets, may_stop=consents.stops)
    if dry_run:
        return _dry_run(session, environment, planfile, options, output=output, compact=compact)
    with session.locking_workspace() as workspace:
        started = _start_run(workspace, environment, planfile, options, lock_timeout=lock_timeout)
        return carry_out(
            session, workspace, started, consents, yes=yes, parallelism=parallelism, output=output, compact=compact
        )


def _dry_run(
    session: Session,
    environment: str | None,
    planfile: Path | None,
    options: Options,
    *,
    output: str,
    compact: bool | None,
) -> int:
    """Show the plan, without a lock, and return the exit code.

    Raises:
        click.UsageError: as `plan` for its options, or there is a PLANFILE.
    """
    from kiamo_iac.cli.plan import show_one

    if planfile is not None:
        msg = "--dry-run plans, and PLANFILE is a plan already: see it with kiamo-iac show PLANFILE."
        raise click.UsageError(msg, click.get_current_context())
    if environment is None:
        msg = "Missing option '-e' / '--environment'."
        raise click.UsageError(msg, click.get_current_context())
    return 0 if show_one(session, environment, options, output=output, compact=compact).applyable else 1


def carry_out(
    session: Session,
    workspace: Workspace,
    started: AbstractContextManager[ApplyRun],
    consents: Consents,
    *,
    yes: bool,
    parallelism: int,
    output: str,
    compact: bool | None,
    what: str = "apply this to",
) -> int:
    """Check the guards, show the plan, ask (`what`: the question, with the environment behind it), perform, report.

    Raises:
        KiamoIacError: the run did not end as planned, or was not begun.
    """
    with started as run:
        if run.plan.applyable:
            run.check_guards(consents)
        with workspace.interruption.interruptible():
            if run.impossible:
                _show_impossible(run.impossible, output=output)
            if run.undoes is not None and run.plan.applyable and not run.plan.steps:
                write_message(f"Nothing is left to undo on {run.plan.environment}.")
            else:
                write_plan_text(run.plan, session, compact=compact, to_stderr=output != "text")
            if not run.plan.applyable:
                return 1
            if run.plan.steps:
                confirm(f"{what} {run.plan.environment}", yes=yes, refused="Not applied.")
        with _progress(run.plan, session) as progress:
            report = run.perform(parallelism=parallelism, observer=progress)
        failure = _failure(run, report)
        _show_report(run, report, session, failure=failure, output=output)
        if run.journal_error is not None:
            write_message(f"Warning: {run.journal_error}")
        if failure is not None:
            raise failure
    return 0


def _start_run(
    workspace: Workspace, environment: str | None, planfile: Path | None, options: Options, *, lock_timeout: float
) -> AbstractContextManager[ApplyRun]:
    """An apply of a saved plan, or of a new one.

    Raises:
        click.UsageError: no environment is given, or an option that the saved plan has is given again.
    """
    if planfile is None:
        from kiamo_iac.app.applying import start_apply

        if environment is None:
            msg = "Missing option '-e' / '--environment', or a PLANFILE."
            raise click.UsageError(msg, click.get_current_context())
        return start_apply(workspace, environment, options, lock_timeout=lock_timeout)
    from kiamo_iac.app.saved_plans import start_saved_apply

    if options.prune or options.targets:
        msg = "PLANFILE has its own --prune and --target: pass them to plan --out."
        raise click.UsageError(msg, click.get_current_context())
    return start_saved_apply(workspace, planfile, environment=environment, lock_timeout=lock_timeout)


def _show_impossible(found: tuple[Diagnostic, ...], *, output: str) -> None:
    from kiamo_iac.render.escape import document, visible

    lines = [f"  {visible(each.summary)}" + (f" ({visible(each.hint)})" if each.hint else "") for each in found]
    text = document(["Cannot be undone:", *lines, ""])
    if output == "text":
        write_data(text)
    else:
        write_message(text, nl=False)


def _show_report(
    run: ApplyRun, report: Report, session: Session, *, failure: KiamoIacError | None, output: str
) -> None:
    from kiamo_iac.render.run import RunFacts, run_json, run_text

    plan, facts = run.plan, RunFacts(run.run_id, run.started_at, run.seconds, run.provenance)
    if output == "json":
        write_data(run_json(plan, report.results, facts), utf8=True)
    elif output == "markdown":
        from kiamo_iac.render.run_markdown import run_markdown

        write_data(run_markdown(plan, report.results, facts, failure=failure), utf8=True)
    elif plan.steps:
        write_data("\n" + run_text(report.results, facts, session.style(sys.stdout)))


def _failure(run: ApplyRun, report: Report) -> KiamoIacError | None:
    """How the run ends; None: well."""
    try:
        run.check(report)
    except KiamoIacError as error:
        return error
    return None


def _progress(plan: Plan, session: Session) -> Progress:
    from kiamo_iac.render.progress import LiveTable, StepLines

    style = session.style(sys.stderr)
    if is_terminal(sys.stderr):
        return LiveTable(plan, style=style, stream=sys.stderr)
    return StepLines(plan, style=style, write=lambda text: write_message(text, nl=False))

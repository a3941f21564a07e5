"""`kiamo-iac undo`: plan what leads back to before a run, show, ask, execute, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.apply import carry_out, run_options
from kiamo_iac.cli.options import address_option, environment_option
from kiamo_iac.cli.session import Session, pass_session

if TYPE_CHECKING:
    from kiamo_iac.core.address import Address
    from kiamo_iac.planner.guards import Consents


EPILOG = """\b
Examples:
  kiamo-iac undo -e staging                           (the last run)
  kiamo-iac undo -e staging 20261128T193012Z-1f3a2b   (as journal list shows it)
  kiamo-iac undo -e staging --target bases/prospects
  kiamo-iac undo -e production --yes --allow-start-of bases/prospects/batches/spring

\b
Exit codes: 0 undone, or nothing to undo; 1 error, refused plan, or not confirmed; 3 stale: what the
plan saw has changed; 4 a write was sent, and the run did not end as planned; 5 another run holds the
lock; 6 blocked by a guard; 64 no such run, or usage; 130 interrupted by a signal.
"""


@click.command(epilog=EPILOG, short_help="Undo a run: the plan that leads back, from its journal.")
@click.argument("run", required=False, metavar="[JOURNAL]")
@environment_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@address_option("--target", "targets", text="Only this resource, its children, and its dependencies.")
@run_options
@pass_session
def undo(
    session: Session,
    *,
    run: str | None,
    environment: str,
    yes: bool,
    targets: tuple[Address, ...],
    consents: Consents,
    lock_timeout: float,
    parallelism: int,
    output: str,
    compact: bool | None,
) -> int:
    """Undo a run: the plan that leads back, from its journal.

    JOURNAL is the id of a run, or its beginning; default: the last run. What it created is deleted, what it
    deleted is created again, what it renamed, changed, started or paused is put back, through the same
    planner, guards, consents and confirmation as an apply. What cannot be undone is listed first: contacts,
    a stopped batch, sensitive values. What others have changed elsewhere stays.

    The manifests are not changed: revert them in git, or the next apply does the run again. An undo is a run
    with a journal, and can be undone.
    """
    from kiamo_iac.app.undoing import start_undo
    from kiamo_iac.planner.plan_file import Options

    options = Options(targets=targets, may_stop=consents.stops)
    with session.locking_workspace() as workspace:
        started = start_undo(workspace, environment, run, options, lock_timeout=lock_timeout)
        return carry_out(
            session,
            workspace,
            started,
            consents,
            yes=yes,
            parallelism=parallelism,
            output=output,
            compact=compact,
            what="undo this on",
        )

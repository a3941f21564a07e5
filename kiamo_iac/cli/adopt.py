"""`kiamo-iac adopt`: existing resources recorded in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import addresses_argument, environment_option, lock_timeout_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

if TYPE_CHECKING:
    from kiamo_iac.core.address import Address

EPILOG = """\b
Examples:
  kiamo-iac adopt -e production --all
  kiamo-iac adopt -e production bases/prospects               (with its fields and batches)
  kiamo-iac adopt -e production "services/Outbound Sales" --lock-timeout 60

\b
Exit codes: 0 adopted, 1 error, 5 another run holds the lock, 64 not declared, missing on the instance, or usage,
130 interrupted by a signal.
"""


@click.command(epilog=EPILOG, short_help="Record existing resources in the ledger as managed.")
@addresses_argument(required=False)
@click.option("--all", "everything", is_flag=True, help="Adopt everything that is declared and not managed yet.")
@environment_option
@lock_timeout_option
@pass_session
def adopt(
    session: Session, *, addresses: tuple[Address, ...], everything: bool, environment: str, lock_timeout: float
) -> int:
    """Record existing resources in the ledger as managed, with their live values.

    Resources that apply creates or changes are managed already; adopt is for those that existed before, or
    whose ledger was lost. Each ADDRESS must be declared in a manifest and exist on the instance; what is
    declared below it is adopted too. Default fields are never managed. The instance is only read.
    """
    from kiamo_iac.app.adopting import adopt_resources
    from kiamo_iac.render.escape import visible
    from kiamo_iac.render.ledger import adoption_text

    if everything == bool(addresses):
        msg = "pass --all or addresses, not both" if everything else "pass one or more addresses, or --all"
        raise click.UsageError(msg, click.get_current_context())
    with session.locking_workspace() as workspace:
        found = adopt_resources(workspace, environment, None if everything else addresses, lock_timeout=lock_timeout)
    for entry in found.entries:
        write_data(f"{visible(entry.address)}\n")
    write_message(adoption_text(len(found.entries), missing=found.missing, recreated=found.recreated))
    return 0

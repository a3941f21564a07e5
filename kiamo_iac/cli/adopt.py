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
  kiamo-iac adopt -e production bases/prospects bases/prospects/fields/city
  kiamo-iac adopt -e production "services/Outbound Sales" --lock-timeout 60

\b
Exit codes: 0 adopted, 1 error, 5 another run holds the lock, 64 not declared, missing on the instance, or usage,
130 interrupted by a signal.
"""


@click.command(epilog=EPILOG, short_help="Record existing resources in the ledger as managed.")
@addresses_argument
@environment_option
@lock_timeout_option
@pass_session
def adopt(session: Session, *, addresses: tuple[Address, ...], environment: str, lock_timeout: float) -> int:
    """Record existing resources in the ledger as managed, with their live values.

    Resources that apply creates or changes are managed already; adopt is for those that existed before, or
    whose ledger was lost. Each must be declared in a manifest and exist on the instance. The instance is
    only read.
    """
    from kiamo_iac.app.adopting import adopt_resources
    from kiamo_iac.render.escape import visible

    with session.locking_workspace() as workspace:
        entries = adopt_resources(workspace, environment, addresses, lock_timeout=lock_timeout)
    for entry in entries:
        write_data(f"{visible(entry.address)}\n")
    write_message(f"Adopted: {len(entries)}.")
    return 0

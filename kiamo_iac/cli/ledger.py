"""`kiamo-iac ledger`: what is ours, looked at and put right by hand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import addresses_argument, environment_option, format_option, lock_timeout_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

if TYPE_CHECKING:
    from kiamo_iac.core.address import Address

EPILOG = """\b
Examples:
  kiamo-iac ledger list -e production
  kiamo-iac ledger forget -e production bases/old
  kiamo-iac ledger unlock -e production 6f1c3f0e-5f0b-4c58-9f0a-0d7c1a1f3f10

\b
Exit codes: 0 done, 1 error, 5 another run holds the lock, 64 usage.
"""

LIST_EPILOG = """\b
Examples:
  kiamo-iac ledger list -e production
  kiamo-iac ledger list -e production --format json

\b
Exit codes: 0 listed, also where there is no ledger yet; 1 error; 64 usage.
"""

FORGET_EPILOG = """\b
Examples:
  kiamo-iac ledger forget -e production bases/old
  kiamo-iac ledger forget -e production "services/Outbound Sales" --lock-timeout 60

\b
Exit codes: 0 forgotten, 1 error, 5 another run holds the lock, 64 not in the ledger, or usage.
"""

UNLOCK_EPILOG = """\b
Examples:
  kiamo-iac ledger unlock -e production 6f1c3f0e-5f0b-4c58-9f0a-0d7c1a1f3f10

\b
Exit codes: 0 broken, 1 it cannot be broken, 64 nobody holds it, or it has another id.
"""


@click.group(epilog=EPILOG, short_help="Look at what is ours, and put it right by hand.")
def ledger() -> None:
    """Look at what is ours, and put it right by hand.

    The ledger says, for each environment, which things on the instance were made, changed or adopted by this
    tool: --prune deletes nothing else. `ledger:` under an environment in the project file says where it is
    kept: in a file (.kiamo/ENV.ledger.jsonl, if nothing is said), behind Terraform's HTTP state protocol, or
    on a git ref.
    """


@ledger.command("list", epilog=LIST_EPILOG, short_help="List what is ours.")
@environment_option
@format_option
@pass_session
def list_(session: Session, *, environment: str, output: str) -> int:
    """List what is ours: address, id, when it was last applied, and from which commit. Takes no lock."""
    from kiamo_iac.app.ownership import environment_name, read_owned
    from kiamo_iac.render.ledger import ledger_json, ledger_text

    workspace = session.workspace()
    name = environment_name(workspace, environment)
    owned = read_owned(workspace, name)
    if output == "json":
        write_data(ledger_json(name, owned), utf8=True)
        return 0
    if owned is None:
        write_message(
            f"There is no ledger of {name}: nothing was applied yet, or it is lost. Nothing is pruned without it."
        )
    else:
        write_data(ledger_text(owned, session.style(sys.stdout)))
    return 0


@ledger.command(epilog=FORGET_EPILOG, short_help="Let things go, without a call.")
@addresses_argument
@environment_option
@lock_timeout_option
@pass_session
def forget(session: Session, *, addresses: tuple[Address, ...], environment: str, lock_timeout: float) -> int:
    """Let things go: they and what stands below them are not ours any more. The instance is not called."""
    from kiamo_iac.app.ownership import forget_entries
    from kiamo_iac.render.escape import visible

    gone = forget_entries(session.workspace(), environment, addresses, lock_timeout=lock_timeout)
    for address in gone:
        write_data(f"{visible(address)}\n")
    write_message(f"Forgotten: {len(gone)}.")
    return 0


@ledger.command(epilog=UNLOCK_EPILOG, short_help="Break the lock that a dead run has left.")
@click.argument("lock_id")
@environment_option
@pass_session
def unlock(session: Session, *, lock_id: str, environment: str) -> int:
    """Break the lock that a run which died has left behind. LOCK_ID is the one that the error names."""
    from kiamo_iac.app.ownership import break_lock
    from kiamo_iac.render.escape import visible

    holder = break_lock(session.workspace(), environment, lock_id)
    write_message(f"Broken: the lock of {visible(holder)}.")
    write_message("If that run still lives, it may yet write: make sure that it does not.")
    return 0

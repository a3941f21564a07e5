"""`kiamo-iac ledger`: managed resources listed, and the ledger corrected."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import addresses_argument, environment_option, format_option, lock_timeout_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import confirm, write_data, write_message

if TYPE_CHECKING:
    from kiamo_iac.app.moving import LedgerMove
    from kiamo_iac.core.address import Address

EPILOG = """\b
Examples:
  kiamo-iac ledger list -e production
  kiamo-iac ledger forget -e production bases/old
  kiamo-iac ledger unlock -e production 6f1c3f0e-5f0b-4c58-9f0a-0d7c1a1f3f10
  kiamo-iac ledger move -e production

\b
Exit codes: 0 done, 1 error, 5 another run holds the lock, 64 usage, 130 interrupted by a signal.
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
  kiamo-iac ledger forget -e production --owed bases/prospects   (leaves its batches in their run states)

\b
Exit codes: 0 removed, 1 error, 5 another run holds the lock, 64 not in the ledger, or usage,
130 interrupted by a signal.
"""

UNLOCK_EPILOG = """\b
Examples:
  kiamo-iac ledger unlock -e production 6f1c3f0e-5f0b-4c58-9f0a-0d7c1a1f3f10

\b
Exit codes: 0 released, 1 it cannot be released, 64 there is no lock, or it has another id, 130 interrupted
by a signal.
"""


MOVE_EPILOG = """\b
Examples:
  kiamo-iac ledger move -e production
  kiamo-iac ledger move -e production --from-instance https://old.example.com --yes
  kiamo-iac ledger move -e production --from-project calls   (the project had another name)

\b
Exit codes: 0 moved, or nothing to move; 1 error, or not confirmed; 5 another run holds the lock; 64 there is
no such ledger, no terminal to confirm on and no --yes, or usage; 130 interrupted by a signal.
"""


@click.group(epilog=EPILOG, short_help="List managed resources, and correct the ledger.")
def ledger() -> None:
    """List managed resources, and correct the ledger.

    The ledger of an environment records which resources this tool created, changed or adopted: --prune
    deletes nothing else. `ledger:` of an environment in the project file sets its backend: a file (default:
    .kiamo/ENV.ledger.jsonl), a server with Terraform's HTTP state protocol, or a git ref.
    """


@ledger.command("list", epilog=LIST_EPILOG, short_help="List managed resources.")
@environment_option
@format_option
@pass_session
def list_(session: Session, *, environment: str, output: str) -> int:
    """List managed resources: address, id, time and commit of the last apply. Takes no lock."""
    from kiamo_iac.app.ownership import environment_name, read_owned
    from kiamo_iac.render.ledger import ledger_json, ledger_text

    workspace = session.workspace()
    name = environment_name(workspace, environment)
    owned = read_owned(workspace, name, foreign=True)
    if output == "json":
        write_data(ledger_json(name, owned), utf8=True)
        return 0
    if owned is None:
        write_message(
            f"{name} has no ledger: nothing was applied yet, or it was lost. Without a ledger, nothing is pruned."
        )
    else:
        write_data(ledger_text(owned, session.style(sys.stdout)))
    return 0


@ledger.command(epilog=FORGET_EPILOG, short_help="Remove resources from the ledger; makes no API call.")
@addresses_argument()
@environment_option
@lock_timeout_option
@click.option("--owed", is_flag=True, help="Remove only run states that earlier runs owe; the resources stay managed.")
@pass_session
def forget(
    session: Session, *, addresses: tuple[Address, ...], environment: str, lock_timeout: float, owed: bool
) -> int:
    """Remove resources and their children from the ledger; makes no API call. They are not managed any more.

    With --owed they stay managed: only the run states are removed that an interrupted run was bringing them to,
    and that the next apply would bring them to.
    """
    from kiamo_iac.app.ownership import forget_entries, waive_owed
    from kiamo_iac.render.escape import visible

    remove = waive_owed if owed else forget_entries
    with session.locking_workspace() as workspace:
        removed = remove(workspace, environment, addresses, lock_timeout=lock_timeout)
    for address in removed:
        write_data(f"{visible(address)}\n")
    write_message(
        f"Run states no longer owed: {len(removed)}." if owed else f"Removed from the ledger: {len(removed)}."
    )
    return 0


@ledger.command(epilog=UNLOCK_EPILOG, short_help="Release the lock of a run that is no longer active.")
@click.argument("lock_id")
@environment_option
@pass_session
def unlock(session: Session, *, lock_id: str, environment: str) -> int:
    """Release the lock of a run that is no longer active. LOCK_ID is shown in the error."""
    from kiamo_iac.app.ownership import break_lock
    from kiamo_iac.render.escape import visible

    with session.locking_workspace() as workspace:
        holder = break_lock(workspace, environment, lock_id)
    write_message(f"Released the lock of {visible(holder)}.")
    write_message("Make sure that this run is not active: it could still write.")
    return 0


@ledger.command(epilog=MOVE_EPILOG, short_help="Let the ledger follow a new url or name.")
@environment_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--from-project", metavar="NAME", help="The name, or the folder, of the project that the ledger is of.")
@click.option("--from-environment", metavar="NAME", help="The environment that the ledger is of, if it was renamed.")
@click.option("--from-instance", metavar="URL", help="The instance that the ledger must be of, by its url or its name.")
@lock_timeout_option
@pass_session
def move(
    session: Session,
    *,
    environment: str,
    yes: bool,
    from_project: str | None,
    from_environment: str | None,
    from_instance: str | None,
    lock_timeout: float,
) -> int:
    """Let the ledger follow its project or its instance to a new name or url.

    A ledger records its project, environment and instance, and is refused for any other. This command records
    those of the project file, and of KIAMO_ENV_URL, instead: it shows what changes, and asks. A ledger on a
    git ref moves to the ref of the project's name. No API call is made: make sure that the ids of the ledger
    are those of the instance, and run plan afterwards.
    """
    from kiamo_iac.app.moving import move_ledger
    from kiamo_iac.ledger.opening import Moving

    with session.locking_workspace() as workspace:
        moved = move_ledger(
            workspace,
            environment,
            confirm=lambda change: _confirm_move(change, yes=yes),
            was=Moving(from_project, from_environment),
            from_instance=from_instance,
            lock_timeout=lock_timeout,
        )
    write_message(
        "Nothing to move: the ledger is of this project, environment and instance." if moved is None else "Moved."
    )
    return 0


def _confirm_move(change: LedgerMove, *, yes: bool) -> None:
    """Show the change; return if it is wanted.

    Raises:
        UsageError: there is no terminal to confirm on.
        click.exceptions.Exit: not confirmed.
    """
    from kiamo_iac.render.ledger import move_text

    write_data(move_text(change.changes, change.resources))
    confirm("move the ledger", yes=yes, refused="Not moved.")

"""`kiamo-iac export`: an instance as manifests."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath, declared_addresses, environment_option, lock_timeout_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

EPILOG = """\b
Examples:
  kiamo-iac export -e production > production.yaml
  kiamo-iac export -e production -o manifests              (one file per base; comments are kept)
  kiamo-iac export -e production -o manifests --only bases/prospects --skip-defaults
  kiamo-iac export -e production -o manifests --adopt      (and manage what is exported)
  kiamo-iac export -e production --into-patches            (a change made by hand, for this environment alone)
  kiamo-iac export -e production -o copy --single --run-state --with-closed

\b
Exit codes: 0 exported, 1 error, 5 another run holds the lock (--adopt), 64 usage, 130 interrupted by a signal.
"""


def _check_selection(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Check addresses, and collections such as `services` or `bases/prospects/batches`."""
    from kiamo_iac.core.address import Address, identity
    from kiamo_iac.resources import address_problem

    for text in values:
        whole = text if text.count("/") % 2 else f"{text}/x"
        problem = address_problem(Address(identity(whole))) if all(text.split("/")) else f'"{text}" is not an address'
        if problem:
            msg = f"{problem}.".replace(f'"{whole}"', f'"{text}"', 1)  # as it was typed
            raise click.BadParameter(msg)
    return tuple(identity(text) for text in values)


def _may_lack(folder: Path | None, manifests: Path) -> bool:
    """Whether a missing folder of manifests will be created, or is not needed for output to stdout."""
    from kiamo_iac.core.safe_files import real

    if folder is None:
        return True
    at = real(folder)
    return at.is_relative_to(manifests) or manifests.is_relative_to(at)


@click.command(epilog=EPILOG, short_help="Write an instance as manifests; comments are kept.")
@environment_option
@click.option(
    "-o",
    "--out",
    "folder",
    type=NamedPath(),
    metavar="DIR",
    help="Write into this folder only. Default: one document on stdout.",
)
@click.option("--single", is_flag=True, help="Write new resources into one file instead of one per base.")
@click.option(
    "--only",
    multiple=True,
    callback=_check_selection,
    metavar="ADDRESS",
    shell_complete=declared_addresses,
    help="Only this resource and its children, or a collection such as services. Repeatable.",
)
@click.option("--skip-defaults", is_flag=True, help="Omit empty attributes in new blocks.")
@click.option("--run-state", is_flag=True, help="Declare the current run state in new blocks.")
@click.option("--with-closed", is_flag=True, help="Include stopped and finished batches.")
@click.option(
    "--into-patches",
    "patched",
    is_flag=True,
    help="Write into the patches of this environment; no other environment changes.",
)
@click.option("--adopt", is_flag=True, help="Then record in the ledger what is declared, as adopt --all does.")
@lock_timeout_option
@pass_session
def export(
    session: Session,
    *,
    environment: str,
    folder: Path | None,
    single: bool,
    only: tuple[str, ...],
    skip_defaults: bool,
    run_state: bool,
    with_closed: bool,
    patched: bool,
    adopt: bool,
    lock_timeout: float,
) -> int:
    """Write an instance as manifests; comments are kept.

    Existing blocks are updated in place: only values that differ change. Undeclared resources get a block;
    blocks of resources that are missing on the instance are removed. A plan is empty afterwards. Services
    become references, unless they are managed. Manifests contain no ids; the instance is only read.
    """
    from kiamo_iac.app.exporting import export_and_adopt, export_instance
    from kiamo_iac.authoring.selection import ExportSelection
    from kiamo_iac.core.errors import UsageError
    from kiamo_iac.render.export import export_text
    from kiamo_iac.render.ledger import adoption_text

    if single and folder is None and not patched:
        msg = "--single needs a folder."
        raise UsageError(msg, hint="pass -o DIR; stdout is always one document")
    selection = ExportSelection(only, skip_defaults=skip_defaults, run_state=run_state, with_closed=with_closed)
    if patched and folder is not None:
        msg = "--into-patches and -o exclude each other."
        raise UsageError(msg, hint="omit -o: the folder is that of the environment's patches")
    adoption = None
    if adopt:
        if folder is None and not patched:
            msg = "--adopt needs a folder."
            raise UsageError(msg, hint="pass -o DIR: only what a manifest declares can be adopted")
        with session.locking_workspace(may_be_missing=partial(_may_lack, folder)) as workspace:
            result, adoption = export_and_adopt(
                workspace,
                environment,
                selection,
                folder=folder,
                single=single,
                patched=patched,
                lock_timeout=lock_timeout,
            )
    else:
        workspace = session.workspace(may_be_missing=partial(_may_lack, folder))
        result = export_instance(workspace, environment, selection, folder=folder, single=single, patched=patched)
    for text in result.texts():
        write_data(text, utf8=True)
    write_message(
        export_text(result.report, session.style(sys.stderr), created=result.created, edited=result.edited), nl=False
    )
    if adoption is not None:
        found = adoption_text(len(adoption.entries), missing=adoption.missing, recreated=adoption.recreated)
        write_message(found)
    return 0

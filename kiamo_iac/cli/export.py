"""`kiamo-iac export`: an instance as manifests."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath, declared_addresses, environment_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

EPILOG = """\b
Examples:
  kiamo-iac export -e production > production.yaml
  kiamo-iac export -e production -o manifests              (one file a base; what is there keeps its comments)
  kiamo-iac export -e production -o manifests --only bases/prospects --skip-defaults
  kiamo-iac export -e production -o copy --single --run-state --with-closed

\b
Exit codes: 0 exported, 1 error, 64 usage.
"""


def _chosen(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses, and collections: `services`, `bases/prospects/batches`."""
    from kiamo_iac.core.address import Address, identity
    from kiamo_iac.resources import address_problem

    for text in values:
        whole = text if text.count("/") % 2 else f"{text}/x"
        problem = address_problem(Address(identity(whole))) if all(text.split("/")) else f'"{text}" is not an address'
        if problem:
            msg = f"{problem}.".replace(f'"{whole}"', f'"{text}"', 1)  # as it was typed
            raise click.BadParameter(msg)
    return tuple(identity(text) for text in values)


def _on_the_way(folder: Path | None, manifests: Path) -> bool:
    """Whether a folder of manifests that is not there is about to be made, or of no interest to stdout."""
    from kiamo_iac.core.safe_files import real

    if folder is None:
        return True
    at = real(folder)
    return at.is_relative_to(manifests) or manifests.is_relative_to(at)


@click.command(epilog=EPILOG, short_help="Write an instance as manifests, comments kept.")
@environment_option
@click.option(
    "-o",
    "--out",
    "folder",
    type=NamedPath(),
    metavar="DIR",
    help="The folder to write into; nothing outside of it is. Left out: one document on stdout.",
)
@click.option("--single", is_flag=True, help="New things go into one file, not into one a base.")
@click.option(
    "--only",
    multiple=True,
    callback=_chosen,
    metavar="ADDRESS",
    shell_complete=declared_addresses,
    help="This and what stands below it; also a collection, such as services. Repeatable.",
)
@click.option("--skip-defaults", is_flag=True, help="New blocks leave out what is empty.")
@click.option("--run-state", is_flag=True, help="New blocks enforce the run state that is live now.")
@click.option("--with-closed", is_flag=True, help="Also batches that are stopped or finished.")
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
) -> int:
    """Write an instance as manifests, comments kept.

    What is declared already is brought level with the instance where it stands: only what differs
    changes. What is not declared yet gets a block. What is not on the instance loses its own. A plan is
    empty afterwards. Services become references, unless the ledger has them. No id stands in a manifest,
    and nothing on the instance is written.
    """
    from kiamo_iac.app.exporting import exported
    from kiamo_iac.authoring.selection import ExportSelection
    from kiamo_iac.core.errors import UsageError
    from kiamo_iac.render.export import export_text

    if single and folder is None:
        msg = "--single is for a folder."
        raise UsageError(msg, hint="name one with -o; on stdout it is one document anyway")
    selection = ExportSelection(only, skip_defaults=skip_defaults, run_state=run_state, with_closed=with_closed)
    workspace = session.workspace(may_lack=partial(_on_the_way, folder))
    made = exported(workspace, environment, selection, folder=folder, single=single)
    if made.text is not None:
        write_data(made.text, utf8=True)
    write_message(
        export_text(made.report, session.style(sys.stderr), created=made.created, edited=made.edited), nl=False
    )
    return 0

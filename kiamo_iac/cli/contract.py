"""`kiamo-iac contract`: the API contract in force, and the check of an override."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath, format_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

EPILOG = """\b
Examples:
  kiamo-iac contract show
  kiamo-iac contract show --format json > contract.json
  kiamo-iac contract check my-contract.yaml

\b
Exit codes: 0 done, 1 the contract is invalid, 64 usage.
"""

SHOW_EPILOG = """\b
Examples:
  kiamo-iac contract show
  kiamo-iac contract show --format json > contract.json

\b
Exit codes: 0 shown, 1 the project's contract is invalid, 64 usage.
"""

CHECK_EPILOG = """\b
Examples:
  kiamo-iac contract check my-contract.yaml

\b
Exit codes: 0 valid, 1 invalid, 64 usage.
"""


@click.group(epilog=EPILOG, short_help="Show or check the API contract.")
def contract() -> None:
    """Show or check the API contract.

    The contract lists every route, method and wire name of the API, each marked documented (by the vendor),
    observed or assumed. `contract: FILE` in the project file merges FILE over the packaged contract.
    """


@contract.command(epilog=SHOW_EPILOG, short_help="Print the contract in force, with its basis.")
@format_option
@pass_session
def show(session: Session, *, output: str) -> int:
    """Print the contract in force: the project's, or the packaged one outside a project."""
    from kiamo_iac.app.project import contract_in_force
    from kiamo_iac.render.contract import contract_json, contract_text

    in_force = contract_in_force(session.project)
    write_data(contract_json(in_force) if output == "json" else contract_text(in_force), utf8=output == "json")
    return 0


@contract.command(
    epilog=CHECK_EPILOG,
    short_help="Check an override, and show what it changes.",
)
@click.argument("file", type=NamedPath(exists=True, dir_okay=False))
@pass_session
def check(session: Session, *, file: Path) -> int:
    """Merge an override over the packaged contract, check the result, and show what changes."""
    from kiamo_iac.contract.file import load_contract
    from kiamo_iac.render.contract import changes_text

    merged = load_contract(file)
    write_data(changes_text(load_contract(), merged, session.style(sys.stdout)))
    write_message(f"{file} is valid.")
    return 0

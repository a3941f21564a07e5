"""`kiamo-iac show`: a saved plan."""

from __future__ import annotations

from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath, compact_option, plan_format_option
from kiamo_iac.cli.output import apply_command, check_compact, show_plan
from kiamo_iac.cli.session import Session, pass_session

EPILOG = """\b
Examples:
  kiamo-iac show tonight.plan
  kiamo-iac show tonight.plan --format json
  kiamo-iac show tonight.plan --format markdown       (a comment for a merge request)

\b
Exit codes: 0 shown, 1 not a plan, or altered.
"""


@click.command(epilog=EPILOG, short_help="Show a saved plan.")
@click.argument("file", type=NamedPath(exists=True, dir_okay=False))
@plan_format_option
@compact_option
@pass_session
def show(session: Session, *, file: Path, output: str, compact: bool | None) -> int:
    """Show a saved plan.

    Makes no API call and needs no token. Whether the plan can still be applied is checked by apply.
    """
    from kiamo_iac.app.saved_plans import load_saved_plan

    check_compact(compact, output=output)
    saved = load_saved_plan(file)
    command = apply_command(file)
    show_plan(saved.plan, session, output=output, compact=compact, provenance=saved.provenance, command=command)
    return 0

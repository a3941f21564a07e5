"""`kiamo-iac drift`: what changed since the last apply, in the manifests or on the instance."""

from __future__ import annotations

import click

from kiamo_iac.cli.options import drift_format_option, environment_option
from kiamo_iac.cli.output import show_drift
from kiamo_iac.cli.session import Session, pass_session

EPILOG = """\b
Examples:
  kiamo-iac drift -e production
  kiamo-iac drift -e production --format json
  kiamo-iac drift -e production --format github      (annotations and a step summary)
  kiamo-iac drift -e production --on-instance --detailed-exitcode   (a nightly check)

\b
Exit codes: 0 compared, 1 error, 2 drift (--detailed-exitcode), 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Show what changed since the last apply, and who changed it.")
@environment_option
@drift_format_option
@click.option("--on-instance", is_flag=True, help="Only what changed on the instance, not what changed in git alone.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is drift, 0 when there is none.")
@pass_session
def drift(session: Session, *, environment: str, output: str, on_instance: bool, detailed_exitcode: bool) -> int:
    """Show what changed since the last apply, and who changed it.

    Compares the manifests, the instance, and the values that the ledger recorded at the last apply. Each
    difference is attributed to git, to the instance, or to both (a conflict). Run states that no manifest
    declares are a note, never drift. Nothing is written.
    """
    from kiamo_iac.app.planning import detect_drift

    name, found = detect_drift(session.workspace(), environment)
    found = found.only_on_instance() if on_instance else found
    show_drift(found, session, environment=name, output=output)
    return 2 if detailed_exitcode and found.any else 0

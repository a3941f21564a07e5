"""`kiamo-iac journal`: what the runs of an environment did."""

from __future__ import annotations

import sys

import click

from kiamo_iac.cli.options import environment_option, format_option, report_format_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

EPILOG = """\b
Examples:
  kiamo-iac journal list -e production
  kiamo-iac journal show -e production
  kiamo-iac journal show -e production 20261128T193012Z-1f3a2b --format json

\b
Exit codes: 0 shown, 1 error, 64 no such run, or usage.
"""

LIST_EPILOG = """\b
Examples:
  kiamo-iac journal list -e production
  kiamo-iac journal list -e production --format json

\b
Exit codes: 0 listed, also where there is no journal yet; 1 error; 64 usage.
"""

SHOW_EPILOG = """\b
Examples:
  kiamo-iac journal show -e production
  kiamo-iac journal show -e production 20261128T19
  kiamo-iac journal show -e production --format markdown >> "$GITHUB_STEP_SUMMARY"

\b
Exit codes: 0 shown, 1 it cannot be read, 64 no such run, or usage.
"""


@click.group(epilog=EPILOG, short_help="Show what runs did, call by call.")
def journal() -> None:
    """Show what runs did, call by call.

    Every apply and undo writes a journal below .kiamo/journal: the steps of the plan with what they replace,
    each call that writes before it is sent, and what became of it. It holds no secret and no contacts.
    `journals: {keep: N}` in the project file sets how many are kept (50).
    """


@journal.command("list", epilog=LIST_EPILOG, short_help="List the runs of an environment.")
@environment_option
@format_option
@pass_session
def list_(session: Session, *, environment: str, output: str) -> int:
    """List the runs of an environment that have a journal, the newest first."""
    from kiamo_iac.app.journaling import load_journals
    from kiamo_iac.app.ownership import environment_name
    from kiamo_iac.render.journal import journal_list_json, journal_list_text

    workspace = session.workspace()
    name = environment_name(workspace, environment)
    found = load_journals(workspace, name)
    if output == "json":
        write_data(journal_list_json(name, found), utf8=True)
    elif found:
        write_data(journal_list_text(found, session.style(sys.stdout)))
    else:
        write_message(f"{name} has no journal that can be read: each apply from this folder writes one.")
    return 0


@journal.command(epilog=SHOW_EPILOG, short_help="Show one run, call by call.")
@click.argument("run", required=False, metavar="[JOURNAL]")
@environment_option
@report_format_option
@pass_session
def show(session: Session, *, run: str | None, environment: str, output: str) -> int:
    """Show one run, call by call. JOURNAL is the id of a run, or its beginning; default: the last run."""
    from kiamo_iac.app.journaling import load_journal
    from kiamo_iac.app.ownership import environment_name
    from kiamo_iac.render.journal import journal_json, journal_markdown, journal_text

    workspace = session.workspace()
    found = load_journal(workspace, environment_name(workspace, environment), run)
    if output == "json":
        write_data(journal_json(found), utf8=True)
    elif output == "markdown":
        write_data(journal_markdown(found), utf8=True)
    else:
        write_data(journal_text(found, session.style(sys.stdout)))
    return 0

"""`kiamo-iac plan`: what apply would do, and why."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import environment_option, format_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import style_for, write_data

if TYPE_CHECKING:
    from kiamo_iac.planner.plan import Plan

EPILOG = """\b
Examples:
  kiamo-iac plan -e staging
  kiamo-iac plan -e production --format json > plan.json
  kiamo-iac plan -e production --detailed-exitcode   (a nightly check: 2 says that there are changes)

\b
Exit codes: 0 planned, 1 error or refused plan, 2 changes pending (--detailed-exitcode), 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Show what apply would do to an environment, and why.")
@environment_option
@format_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes, 0 when there are none.")
@pass_session
def plan(session: Session, *, environment: str, output: str, detailed_exitcode: bool) -> int:
    """Show what apply would do to an environment, and why.

    Reads the manifests and the instance, and writes nothing: a token with the right to GET is enough. A
    plan that the instance would refuse is refused here, with the reason and the place.
    """
    made = session.workspace().plan(environment)
    show(made, session, output=output)
    if not made.applyable:
        return 1
    return 2 if detailed_exitcode and made.steps else 0


def show(made: Plan, session: Session, *, output: str) -> None:
    """Write a plan to stdout."""
    from kiamo_iac.render.base import plan_renderer

    write_data(plan_renderer(output, style_for(sys.stdout, session)).render(made), utf8=output == "json")

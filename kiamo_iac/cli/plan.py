"""`kiamo-iac plan`: what apply would do, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import choice_options, environment_option, plan_format_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import say, style_for, write_data

if TYPE_CHECKING:
    from kiamo_iac.address import Address
    from kiamo_iac.planner.plan import Plan

EPILOG = """\b
Examples:
  kiamo-iac plan -e staging
  kiamo-iac plan -e staging --prune --target bases/prospects
  kiamo-iac plan -e production --rehearse --out tonight.plan      (then: kiamo-iac apply tonight.plan)
  kiamo-iac plan -e production --format json > plan.json
  kiamo-iac plan -e production --detailed-exitcode   (a nightly check: 2 says that there are changes)

\b
Exit codes: 0 planned, 1 error or refused plan, 2 changes pending (--detailed-exitcode), 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Show what apply would do to an environment, and why.")
@environment_option
@choice_options
@click.option("--rehearse", is_flag=True, help="Run it on a Kiamo in a box that holds what was just read.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Save it, for one apply. A refused plan is not saved.",
)
@plan_format_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes, 0 when there are none.")
@pass_session
def plan(
    session: Session,
    *,
    environment: str,
    prune: bool,
    targets: tuple[Address, ...],
    may_stop: tuple[Address, ...],
    rehearse: bool,
    out: Path | None,
    output: str,
    detailed_exitcode: bool,
) -> int:
    """Show what apply would do to an environment, and why.

    Reads the manifests, the ledger and the instance, and writes nothing: a token with the right to GET is
    enough, and no lock is taken. A plan that the instance would refuse is refused here, with the reason and
    the place.
    """
    from kiamo_iac.planner.plan_file import Options
    from kiamo_iac.workspace.planning import planned

    workspace = session.workspace()
    made = planned(workspace, environment, Options(prune=prune, targets=targets, may_stop=may_stop))
    if rehearse and made.plan.applyable:
        from kiamo_iac.workspace.rehearsing import rehearsed

        made, told = rehearsed(workspace, made)
        say(told)
    show(made.plan, session, output=output)
    if not made.plan.applyable:
        return 1
    if out is not None:
        from kiamo_iac.workspace.saving import save

        save(workspace, made, out)
        say(f"Saved in {out}, for one apply: kiamo-iac apply {out}")
    return 2 if detailed_exitcode and made.plan.steps else 0


def show(made: Plan, session: Session, *, output: str) -> None:
    """Write a plan to stdout."""
    from kiamo_iac.render.base import plan_renderer

    write_data(plan_renderer(output, style_for(sys.stdout, session)).render(made), utf8=output != "text")

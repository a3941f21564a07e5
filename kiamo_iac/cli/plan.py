"""`kiamo-iac plan`: what apply would change, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import (
    NamedPath,
    address_option,
    compact_option,
    optional_environment_option,
    plan_format_option,
    plan_options,
)
from kiamo_iac.cli.output import WITH_PROVENANCE, apply_command, check_compact, show_plan, show_refusal
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message
from kiamo_iac.core.printable import shell_word

if TYPE_CHECKING:
    from kiamo_iac.core.address import Address
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.planner.plan_file import Options

EPILOG = """\b
Examples:
  kiamo-iac plan -e staging
  kiamo-iac plan -e staging --prune --target bases/prospects
  kiamo-iac plan -e production --rehearse --out tonight.plan      (then: kiamo-iac apply tonight.plan)
  kiamo-iac plan -e production --format json > plan.json
  kiamo-iac plan -e production --format markdown > comment.md     (also html, github, gitlab)
  kiamo-iac plan -e production --compact             (one line for each step)
  kiamo-iac plan --all-environments
  kiamo-iac plan -e production --detailed-exitcode   (a nightly check: exits 2 on changes)

\b
Exit codes: 0 planned, 1 error or refused plan, 2 changes pending (--detailed-exitcode), 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Show what apply would change in an environment, and why.")
@optional_environment_option
@click.option("--all-environments", is_flag=True, help="Plan all environments, and show one table.")
@plan_options
@address_option(
    "--allow-stop",
    "may_stop",
    text="Plan to stop this unmanaged batch where it blocks a deletion; of a base, each of its batches.",
)
@click.option("--rehearse", is_flag=True, help="Test the plan on an emulator seeded with the live state.")
@click.option(
    "--out",
    type=NamedPath(dir_okay=False),
    metavar="FILE",
    help="Save the plan for one apply. A refused plan is not saved.",
)
@plan_format_option
@compact_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there are changes, 0 when there are none.")
@pass_session
def plan(
    session: Session,
    *,
    environment: str | None,
    all_environments: bool,
    prune: bool,
    targets: tuple[Address, ...],
    may_stop: tuple[Address, ...],
    rehearse: bool,
    out: Path | None,
    output: str,
    compact: bool | None,
    detailed_exitcode: bool,
) -> int:
    """Show what apply would change in an environment, and why.

    Reads the manifests, the ledger and the instance, and changes none of them: a read-only token is enough, and no
    lock is taken. Changes that the API would reject are refused here, with the reason and the place.
    """
    from kiamo_iac.planner.plan_file import Options

    options = Options(prune=prune, targets=targets, may_stop=may_stop)
    if all_environments:
        if environment is not None or rehearse or out is not None or compact is not None:
            msg = "--all-environments cannot be combined with -e, --rehearse, --compact or --out."
            raise click.UsageError(msg)
        return _show_all(session, options, output=output, detailed_exitcode=detailed_exitcode)
    if environment is None:
        msg = "Missing option '-e' / '--environment' (or --all-environments)."
        raise click.UsageError(msg)
    made = show_one(session, environment, options, output=output, compact=compact, rehearse=rehearse, out=out)
    if not made.applyable:
        return 1
    return 2 if detailed_exitcode and made.steps else 0


def show_one(
    session: Session,
    environment: str,
    options: Options,
    *,
    output: str,
    compact: bool | None,
    rehearse: bool = False,
    out: Path | None = None,
) -> Plan:
    """Plan an environment, show the plan, and save it in `out` unless it is refused. `apply --dry-run` does this, too.

    Raises:
        UsageError: `compact` is passed for another format than text.
        KiamoIacError: there is no plan.
    """
    from kiamo_iac.app.planning import plan_environment
    from kiamo_iac.app.provenance import provenance_of_result

    check_compact(compact, output=output)
    with show_refusal(session, environment=environment, output=output):
        workspace = session.workspace()
        result = plan_environment(workspace, environment, options)
    if rehearse and result.plan.applyable:
        from kiamo_iac.app.rehearsing import rehearse_plan

        result, summary = rehearse_plan(workspace, result)
        write_message(summary)
    saved = out is not None and result.plan.applyable
    provenance = provenance_of_result(workspace, result) if saved or output in WITH_PROVENANCE else None
    command = apply_command(out) if out is not None else _command_of_options(environment, options)
    show_plan(result.plan, session, output=output, compact=compact, provenance=provenance, command=command)
    if out is not None and saved:
        from kiamo_iac.app.saved_plans import save_plan

        save_plan(workspace, result, out, provenance=provenance)
        write_message(f"Plan saved to {out}. To apply it (once): {command}")
    return result.plan


def _command_of_options(environment: str, options: Options) -> str:
    """The command that plans again with the same options, and applies."""
    words = ["kiamo-iac apply -e", shell_word(environment, "ENVIRONMENT")]
    words += ["--prune"] if options.prune else []
    words += [f"--target {shell_word(address, 'ADDRESS')}" for address in sorted(options.targets)]
    words += [f"--allow-stop {shell_word(address, 'ADDRESS')}" for address in sorted(options.may_stop)]
    return " ".join(words)


def _show_all(session: Session, options: Options, *, output: str, detailed_exitcode: bool) -> int:
    """Write one table of all environments; exit code 1 if a plan is missing or refused."""
    from kiamo_iac.app.planning import plan_all_environments
    from kiamo_iac.render.environments import TABLES

    if output not in TABLES:
        msg = f"--all-environments supports the formats {', '.join(TABLES)}."
        raise click.UsageError(msg)
    rows = plan_all_environments(session.workspace(), options)
    write_data(TABLES[output](rows, session.style(sys.stdout)), utf8=output != "text")
    if any(row.plan is None or not row.plan.applyable for row in rows):
        return 1
    return 2 if detailed_exitcode and any(row.plan is not None and row.plan.steps for row in rows) else 0

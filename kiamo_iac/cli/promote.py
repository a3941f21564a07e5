"""`kiamo-iac promote`: what one environment declares and another does not, as a change to the manifests."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import address_option, environment_names, format_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import is_terminal, write_data, write_message, write_unchanged

if TYPE_CHECKING:
    from kiamo_iac.authoring.promoting.promotion import PromotionResult
    from kiamo_iac.core.address import Address

EPILOG = """\b
Examples:
  kiamo-iac promote --from staging --to production                 (the change as a diff)
  kiamo-iac promote --from staging --to production | git apply
  kiamo-iac promote --from staging --to production --write
  kiamo-iac promote --from staging --to production --only bases/prospects --declared
  kiamo-iac promote --from staging --to production --check         (in a pipeline: exits 2 if they differ)

\b
Exit codes: 0 shown, written, or nothing to promote; 1 error, or a dependency is missing on the target;
2 something to promote (--check); 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Change an environment's manifests to match another's.")
@click.option(
    "--from",
    "source",
    required=True,
    metavar="ENV",
    shell_complete=environment_names,
    help="The environment to promote from.",
)
@click.option(
    "--to",
    "target",
    required=True,
    metavar="ENV",
    shell_complete=environment_names,
    help="The environment whose manifests are changed.",
)
@address_option("--only", "only", text="Only this resource and its children.")
@address_option("--except", "without", text="Skip this resource and its children.")
@click.option("--run-state", is_flag=True, help="Include state and initial_state.")
@click.option("--declared", is_flag=True, help="Compare only the manifests: no API call, no token.")
@click.option("--write", "writing", is_flag=True, help="Write the files.")
@click.option("--check", is_flag=True, help="Exit 2 if there is something to promote or missing; show no diff.")
@click.option("--allow-missing", is_flag=True, help="Continue if something is missing on the target.")
@format_option
@pass_session
def promote(
    session: Session,
    *,
    source: str,
    target: str,
    only: tuple[Address, ...],
    without: tuple[Address, ...],
    run_state: bool,
    declared: bool,
    writing: bool,
    check: bool,
    allow_missing: bool,
    output: str,
) -> int:
    """Change an environment's manifests to match another's.

    Compares the declared and the live state of both environments, and computes the change to the manifests
    that gives --to what --from has: keys removed from patches, values moved into the base, or written into
    a patch. References stay names; ids are never written, and run states only with --run-state. The diff goes
    to stdout, missing dependencies and notes to stderr. Instances are only read: run apply afterwards.
    """
    from kiamo_iac.app.promoting import promote_environment, write_promotion
    from kiamo_iac.authoring.selection import Selection
    from kiamo_iac.core.errors import UsageError
    from kiamo_iac.render.escape import visible

    if check and writing:
        msg = "--check and --write cannot be combined."
        raise UsageError(msg, hint="check first, then write")
    selection = Selection(only, without, run_state=run_state)
    workspace = session.workspace()
    result = promote_environment(workspace, source, target, selection, live=not declared)
    blocked = bool(result.missing) and not allow_missing
    written = write_promotion(workspace, result) if writing and not blocked else ()
    _show(result, session, output=output, diff=not check and not written, written=bool(written))
    if check:
        return 0 if result.level else 2
    if written:
        write_message(f"Written: {', '.join(map(visible, written))}.")
    elif blocked:
        prefix = "Nothing was written: d" if writing else "D"
        write_message(f"{prefix}ependencies are missing on {target}; pass --allow-missing to continue without them.")
    return 1 if blocked else 0


def _show(result: PromotionResult, session: Session, *, output: str, diff: bool, written: bool) -> None:
    from kiamo_iac.render.file_diff import unified, unified_diff
    from kiamo_iac.render.promotion import promotion_json, promotion_text

    if output == "json":
        write_data(promotion_json(result, written=written), utf8=True)
        return
    write_message(promotion_text(result, session.style(sys.stderr), verbose=session.verbose), nl=False)
    files, listed = result.promotion.files if diff else (), result.promotion.listed
    if is_terminal(sys.stdout):
        color = session.style(sys.stdout).color
        write_data(
            "".join(unified(f.before or "", f.after, name=f.file, listed=listed, color=color) for f in files),
            verbatim=True,
        )
    else:
        patch = "".join(unified_diff(f.file, f.before, f.after, listed=listed) for f in files)
        write_unchanged(patch, instead="send it to a file (> promotion.patch), or write the manifests with --write")

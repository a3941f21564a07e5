"""`kiamo-iac graph`: the declared resources and their references, or the steps of a plan, as a drawing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import NamedPath, optional_environment_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_file, write_message
from kiamo_iac.render.formats import GRAPH_FORMATS

if TYPE_CHECKING:
    from kiamo_iac.planner.plan import Plan
    from kiamo_iac.render.graph.model import Graph

EPILOG = """\b
Examples:
  kiamo-iac graph                                    (Mermaid, for Markdown)
  kiamo-iac graph -e production --format svg --out production.svg
  kiamo-iac graph -e staging --plan --format svg --out plan.svg
  kiamo-iac graph tonight.plan --format dot | dot -Tpdf > tonight.pdf

\b
Exit codes: 0 drawn, 1 error, or a refused plan (it is still drawn), 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Draw the declared resources, or a plan.")
@click.argument("planfile", required=False, type=NamedPath(exists=True, dir_okay=False), metavar="[PLANFILE]")
@optional_environment_option
@click.option("--plan", "planned", is_flag=True, help="Plan, and draw the steps of the plan.")
@click.option(
    "--format",
    "output",
    type=click.Choice(tuple(GRAPH_FORMATS)),
    default="mermaid",
    show_default=True,
    help="Mermaid, Graphviz or a picture.",
)
@click.option("--out", type=NamedPath(dir_okay=False), metavar="FILE", help="Write to FILE instead of stdout.")
@pass_session
def graph(
    session: Session, *, planfile: Path | None, environment: str | None, planned: bool, output: str, out: Path | None
) -> int:
    """Draw the declared resources, or a plan.

    Without --plan: the declared resources and their references, offline and without a token; -e composes
    the manifests for that environment. With --plan or a PLANFILE: the steps and their dependencies.
    """
    if planfile is not None and (environment is not None or planned):
        msg = "PLANFILE cannot be combined with -e or --plan."
        raise click.UsageError(msg)
    if planned and environment is None:
        msg = "--plan needs an environment: pass -e ENV."
        raise click.UsageError(msg)
    from kiamo_iac.render.formats import graph_text

    plan = _plan(session, planfile, environment) if planned or planfile is not None else None
    drawn = _declared(session, environment) if plan is None else _steps(plan)
    text = graph_text(drawn, output=output)
    if out is None:
        write_data(text, utf8=True)
    else:
        write_file(text, out, what="the graph")
    if plan is not None and not plan.applyable:
        write_message("This plan is refused: run kiamo-iac plan to see why.")
        return 1
    return 0


def _plan(session: Session, planfile: Path | None, environment: str | None) -> Plan:
    if planfile is not None:
        from kiamo_iac.app.saved_plans import load_saved_plan

        return load_saved_plan(planfile).plan
    from kiamo_iac.app.planning import plan_environment

    return plan_environment(session.workspace(), environment).plan


def _steps(plan: Plan) -> Graph:
    from kiamo_iac.render.graph.build import plan_graph

    return plan_graph(plan)


def _declared(session: Session, environment: str | None) -> Graph:
    from kiamo_iac.core.errors import ManifestError
    from kiamo_iac.render.graph.build import state_graph

    workspace = session.workspace()
    loaded = workspace.load(environment)
    try:
        return state_graph(loaded.checked(), environment=environment)
    except ManifestError as error:
        if environment is None and workspace.project.environments:
            error.hint = "pass -e ENV to use the variables and patches of an environment"
        raise

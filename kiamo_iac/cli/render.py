"""`kiamo-iac render`: the composed manifests of an environment."""

from __future__ import annotations

import sys

import click

from kiamo_iac.cli.options import environment_option, format_option
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import is_terminal, write_data, write_message

EPILOG = """\b
Examples:
  kiamo-iac render -e production
  kiamo-iac render -e production > composed.yaml      (an equivalent single manifest)
  kiamo-iac render -e production --format json

\b
Exit codes: 0 composed, 1 the manifests have errors, 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Print an environment's composed manifests, with origins.")
@environment_option
@format_option
@pass_session
def render(session: Session, *, environment: str, output: str) -> int:
    """Print an environment's composed manifests, with origins.

    Patches are merged and variables filled in. Each value is followed by its origin, file:line:column, and
    those of its variables. Makes no API call and needs no token.
    """
    from kiamo_iac.app.project import compose_environment
    from kiamo_iac.render.composed import composed_json, composed_text
    from kiamo_iac.render.diagnostics import render_text

    resources, warnings = compose_environment(session.workspace(), environment)
    if warnings:
        write_message(render_text(warnings, session.style(sys.stderr)), nl=False)
    if output == "json":
        write_data(composed_json(resources, environment=environment), utf8=True)
    else:
        text = composed_text(resources, session.style(sys.stdout), environment=environment)
        write_data(text, utf8=not is_terminal(sys.stdout), verbatim=True)  # in a file it is a manifest, which is UTF-8
    return 0

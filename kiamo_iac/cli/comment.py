"""`kiamo-iac comment`: a plan as a comment on the merge request."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import log_line, write_data, write_message

EPILOG = """\b
Examples, in a job of GitHub Actions or GitLab CI:
  kiamo-iac plan -e staging --format markdown > plan.md
  kiamo-iac comment plan.md

\b
Exit codes: 0 posted, updated, or no merge request to comment on; 1 the forge refused or gave no
answer; 64 not in a pipeline, no token, or a file without a marker.
"""


@click.command(epilog=EPILOG, short_help="Post a plan on the merge request of the running pipeline.")
@click.argument("file", type=NamedPath(exists=True, dir_okay=False))
@pass_session
def comment(session: Session, *, file: Path) -> int:
    """Post a plan on the merge request of the running pipeline.

    FILE is what plan --format markdown has written. Its first line is a marker that nobody sees: the comment
    of ours that begins with it is updated, so that there is one for each environment. Comments of others are
    left alone, whatever they begin with. A pipeline that is about no merge request posts nothing.

    On GitHub the token is GITHUB_TOKEN (permissions: pull-requests: write). On GitLab it is
    KIAMO_GITLAB_TOKEN: a project access token with the scope api and the role Reporter.
    """
    from kiamo_iac.app.commenting import comment as posted_by
    from kiamo_iac.app.commenting import read_comment
    from kiamo_iac.core.secret import conceal, redact
    from kiamo_iac.render.escape import document, visible

    posted = posted_by(
        redact(conceal(read_comment(file))),
        os.environ,
        transport=session.transport,
        ca_bundle=session.ca_bundle,
        log=log_line if session.verbose else None,
    )
    if posted is None:
        write_message("This pipeline is about no merge request: nothing was posted.")
        return 0
    if posted.page is not None:
        write_data(document([visible(posted.page)]))
    write_message(f"Comment {posted.outcome.value}.")
    return 0

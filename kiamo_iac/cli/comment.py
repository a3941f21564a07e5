"""`kiamo-iac comment`: a plan as a comment on the merge request."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kiamo_iac.cli.options import NamedPath
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import RunLog, log_line, write_data, write_message

EPILOG = """\b
Examples, in a job of GitHub Actions or GitLab CI:
  kiamo-iac plan -e staging --format markdown > plan.md
  kiamo-iac comment plan.md

\b
Exit codes: 0 posted, updated, or no merge request to comment on; 1 the API of GitHub or GitLab
refused or did not answer; 64 not in a pipeline, no token, or a file without a marker.
"""


@click.command(epilog=EPILOG, short_help="Post a plan on the merge request of the running pipeline.")
@click.argument("file", type=NamedPath(exists=True, dir_okay=False))
@pass_session
def comment(session: Session, *, file: Path) -> int:
    """Post a plan on the merge request of the running pipeline.

    FILE is the output of plan --format markdown. Its first line is an invisible marker: an existing comment of
    this token's user with the same marker is updated, so there is one comment for each environment (of each
    project with a name:). Comments of other users are never changed. A pipeline without a merge request posts nothing.

    On GitHub, set GITHUB_TOKEN (permissions: pull-requests: write). On GitLab, set KIAMO_GITLAB_TOKEN to a
    project access token with the scope api and the role Reporter.
    """
    from kiamo_iac.app.commenting import of_project, post_comment, project_name, read_comment
    from kiamo_iac.core.secret import conceal, redact
    from kiamo_iac.render.escape import document, visible

    posted = post_comment(
        redact(conceal(of_project(read_comment(file), project_name(session.project)))),
        os.environ,
        transport=session.transport,
        ca_bundle=session.ca_bundle,
        show=log_line,
        log=RunLog() if session.verbose else None,
    )
    if posted is None:
        write_message("This pipeline has no merge request: nothing was posted.")
        return 0
    if posted.page is not None:
        write_data(document([visible(posted.page)]))
    write_message(f"Comment {posted.outcome.value}.")
    return 0

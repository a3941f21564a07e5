"""`kiamo-iac init`: a new project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kiamo_iac.cli.options import NamedPath
from kiamo_iac.cli.session import Session, pass_session
from kiamo_iac.cli.terminal import write_data, write_message

if TYPE_CHECKING:
    from kiamo_iac.scaffold.request import ProjectRequest

EPILOG = """\b
Examples:
  kiamo-iac init
  kiamo-iac init call-centre --ci github --environment test --environment production
  kiamo-iac init --environment staging=https://test.kiamo.example.com --environment production

\b
Exit codes: 0 written, 1 a file exists already (nothing is written), 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Create a project: manifests, hooks and pipelines.")
@click.argument("folder", required=False, default=".", metavar="[DIR]", type=NamedPath(file_okay=False))
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    help="The CI system of the pipelines. Default: detected from the repository.",
)
@click.option("--url", metavar="URL", help="The instance of the first environment. Default: the emulator.")
@click.option(
    "--environment",
    "named",
    multiple=True,
    metavar="NAME[=URL]",
    default=("staging", "production"),
    show_default="staging, production",
    help="In the order of promotion: the first is applied on merge, the others after approval. Repeatable.",
)
@click.option(
    "--tool",
    metavar="URL[@REF]",
    help="The git repository that hooks and pipelines install kiamo-iac from. Default: a CI variable.",
)
@click.option(
    "--image",
    metavar="NAME[@sha256:DIGEST]",
    help="An image with kiamo-iac for the jobs of pipelines. Default: jobs install kiamo-iac.",
)
@pass_session
def init(
    session: Session,
    *,
    folder: Path,
    ci: str | None,
    url: str | None,
    named: tuple[str, ...],
    tool: str | None,
    image: str | None,
) -> int:
    """Create a project: manifests, hooks and pipelines.

    In DIR: the project file, a first manifest, a patch for production, and .gitignore. At the root of the
    repository: pre-commit hooks, pipelines, and the settings with which prettier and yamllint accept
    formatted manifests. Existing files are never overwritten, and either all files
    are written or none. The new project can be planned on the emulator.
    """
    del session
    from kiamo_iac.app.scaffolding import init_project
    from kiamo_iac.render.escape import visible
    from kiamo_iac.scaffold.writing import relative_name

    request, project = init_project(folder, named, url=url, ci=ci, tool=tool, image=image)
    for file in project.files:
        write_data(f"{visible(relative_name(file))}\n")
    for file, text in project.additions.items():
        write_message(f"\n{visible(relative_name(file))} exists and was not changed. Add to it:\n\n{text}", nl=False)
    write_message(_next_steps(request, str(folder)))
    return 0


def _next_steps(request: ProjectRequest, folder: str) -> str:
    """The next steps."""
    from kiamo_iac.app.scaffolding import EMULATOR
    from kiamo_iac.core.printable import shell_word

    first = request.environments[0]
    lines = ["", "Next:"]
    if folder != ".":
        lines.append(f"  cd {shell_word(folder, 'DIR')}")
    lines.append("  kiamo-iac validate")
    token = f"  export {first.prefix}_TOKEN=…"
    if first.url == EMULATOR:
        lines.append("  kiamo-iac emulator      (in another terminal; it prints its token)")
        token += "   (the token of the emulator)"
    lines.append(token)
    if request.ci.value == "gitlab" and request.repository.remote is not None:
        lines.append(
            f"  export {first.prefix}_LEDGER_USERNAME=… {first.prefix}_LEDGER_PASSWORD=…   (GitLab keeps the ledger)"
        )
    lines.append(f"  kiamo-iac plan -e {first.name}")
    match request.ci.value:
        case "github":
            lines.append(f"The settings to make on GitHub are listed at the top of {request.pipeline_file}.")
        case "gitlab":
            lines.append(f"The settings to make on GitLab are listed at the top of {request.pipeline_file}.")
        case _:
            lines.append("For pipelines, pass --ci github or --ci gitlab.")
    if request.image is not None and "@" not in request.image:
        lines.append("The tag of the image can move: pin it with its digest, NAME@sha256:DIGEST.")
    return "\n".join(lines)

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
Exit codes: 0 written, 1 a file is there already (nothing is written), 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Write a new project: manifests, hooks and pipelines.")
@click.argument("folder", required=False, default=".", metavar="[DIR]", type=NamedPath(file_okay=False))
@click.option(
    "--ci",
    type=click.Choice(["github", "gitlab", "none"]),
    help="Whose pipelines to write. Left out: as the repository's remote or files tell.",
)
@click.option("--url", metavar="URL", help="The instance of the first environment. Left out: the emulator.")
@click.option(
    "--environment",
    "named",
    multiple=True,
    metavar="NAME[=URL]",
    default=("staging", "production"),
    show_default="staging, production",
    help="In the order of promotion: the first is applied on merge, the others wait at a gate. Repeatable.",
)
@click.option(
    "--tool",
    metavar="URL[@REF]",
    help="The git repository of kiamo-iac, for hooks and pipelines to fetch it from. Left out: they ask a variable.",
)
@pass_session
def init(
    session: Session, *, folder: Path, ci: str | None, url: str | None, named: tuple[str, ...], tool: str | None
) -> int:
    """Write a new project: manifests, hooks and pipelines.

    In DIR: the project file, a first manifest, what production has of its own, and .gitignore. At the root of
    the repository: the pre-commit hooks and the pipelines. Nothing is ever overwritten, and all is written or
    nothing. The new project can be planned at once, on the emulator.
    """
    del session
    from kiamo_iac.app.scaffolding import init_project
    from kiamo_iac.render.escape import visible
    from kiamo_iac.scaffold.writing import shown

    request, project = init_project(folder, named, url=url, ci=ci, tool=tool)
    for file in project.files:
        write_data(f"{visible(shown(file))}\n")
    for file, text in project.additions.items():
        write_message(f"\n{visible(shown(file))} is yours and was left alone. Add to it:\n\n{text}", nl=False)
    write_message(_next(request, str(folder)))
    return 0


def _next(request: ProjectRequest, folder: str) -> str:
    """What to do with it."""
    from kiamo_iac.app.scaffolding import EMULATOR
    from kiamo_iac.core.printable import shell_word

    first = request.environments[0]
    lines = ["", "Next:"]
    if folder != ".":
        lines.append(f"  cd {shell_word(folder, 'DIR')}")
    lines.append("  kiamo-iac validate")
    token = f"  export {first.prefix}_TOKEN=…"
    if first.url == EMULATOR:
        lines.append("  kiamo-iac emulator      (in another terminal: a Kiamo to try it on; it says its token)")
        token += "   (that token)"
    lines.append(token)
    if request.ci.value == "gitlab" and request.repository.remote is not None:
        lines.append(
            f"  export {first.prefix}_LEDGER_USERNAME=… {first.prefix}_LEDGER_PASSWORD=…   (GitLab keeps the ledger)"
        )
    lines.append(f"  kiamo-iac plan -e {first.name}")
    match request.ci.value:
        case "github":
            lines.append("What to set on GitHub stands at the top of .github/workflows/kiamo.yml.")
        case "gitlab":
            lines.append("What to set on GitLab stands at the top of the pipeline.")
        case _:
            lines.append("For pipelines, say --ci github or --ci gitlab in a repository of its own.")
    return "\n".join(lines)

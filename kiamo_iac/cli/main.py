"""The program: global options, commands loaded when they are asked for, and errors turned into exit codes.

Only click and light modules of ours are imported here: `kiamo-iac --version` costs what `import click` costs.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import click

from kiamo_iac import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kiamo_iac.cli.session import Session

COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "init": ("kiamo_iac.cli.init:init", "Write a new project: manifests, hooks and pipelines."),
        "validate": ("kiamo_iac.cli.validate:validate", "Check all manifests offline: every problem at once."),
        "fmt": ("kiamo_iac.cli.fmt:fmt", "Lay manifests out in the one canonical way, comments kept."),
        "render": ("kiamo_iac.cli.render:render", "Print an environment's composed manifests, with origins."),
        "plan": ("kiamo_iac.cli.plan:plan", "Show what apply would do to an environment, and why."),
        "apply": ("kiamo_iac.cli.apply:apply", "Bring an environment level with its manifests."),
        "promote": ("kiamo_iac.cli.promote:promote", "Bring an environment's manifests level with another's."),
        "show": ("kiamo_iac.cli.show:show", "Show a plan that plan --out saved."),
        "drift": ("kiamo_iac.cli.drift:drift", "Say who changed what since the last apply."),
        "export": ("kiamo_iac.cli.export:export", "Write an instance as manifests, comments kept."),
        "adopt": ("kiamo_iac.cli.adopt:adopt", "Take things that exist already into the ledger."),
        "ledger": ("kiamo_iac.cli.ledger:ledger", "Look at what is ours, and put it right by hand."),
        "comment": ("kiamo_iac.cli.comment:comment", "Post a plan on the merge request of the running pipeline."),
        "graph": ("kiamo_iac.cli.graph:graph", "Draw what is declared, or a plan."),
        "demo": ("kiamo_iac.cli.demo:demo", "Tell the whole story on a Kiamo in a box, in one command."),
        "emulator": ("kiamo_iac.cli.emulator:emulator", "Run a Kiamo in a box on this machine."),
        "contract": ("kiamo_iac.cli.contract:contract", "Show or check how the instance's API is spoken to."),
        "schema": ("kiamo_iac.cli.schema:schema", "Print the JSON Schema of a format, for editors and CI."),
        "completion": ("kiamo_iac.cli.completion:completion", "Print the completion script of a shell."),
    }
)
"""Command → (`module:attribute`, the short help that the module says too; a test compares the two)."""

EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "done, or nothing to do",
        1: "error, or a refused plan",
        2: "changes pending, or drift (--detailed-exitcode, --check)",
        3: "stale: what the plan saw has changed",
        4: "applied in part",
        5: "locked by another run",
        6: "refused by a guard",
        64: "usage",
        130: "interrupted",
    }
)

_EXAMPLES = """\b
Examples:
  kiamo-iac demo
  kiamo-iac validate
  kiamo-iac plan -e staging
  kiamo-iac apply -e staging
"""
_CODES = "\n".join(f"  {code:3}  {meaning}" for code, meaning in EXIT_CODES.items())
EPILOG = f"{_EXAMPLES}\n\b\nExit codes:\n{_CODES}\n"


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """In the order of the table, which is that of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The table's names and short helps, so that a Tab imports nothing."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=short) for name, (_, short) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table's short helps, so that `--help` imports nothing."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    name="kiamo-iac",
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="kiamo-iac", message="%(prog)s %(version)s")
@click.option(
    "--project",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The project file. Left out: the nearest kiamo.yaml from here upward, as far as the git root.",
)
@click.option(
    "--ca-bundle",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="The authorities (PEM) that certificates are checked against, in place of the system's.",
)
@click.option("--no-color", is_flag=True, help="No colours, also on a terminal (as NO_COLOR=1).")
@click.option("-v", "--verbose", is_flag=True, help="Tell every call, and the traceback of an unexpected error.")
@click.pass_context
def cli(ctx: click.Context, project: str | None, ca_bundle: str | None, no_color: bool, verbose: bool) -> None:
    """Configuration as code for the Kiamo contact-centre platform.

    Say in YAML which services, contact bases, fields and batches an instance is to have; see what
    would change, and why; then apply it. Results go to stdout, talk and progress to stderr.
    """
    from kiamo_iac.cli.session import Session
    from kiamo_iac.core.secret import concealing

    ctx.with_resource(concealing(os.environ))
    ctx.obj = Session.of(ctx.obj, project=project, ca_bundle=ca_bundle, no_color=no_color, verbose=verbose)


def run(args: Sequence[str] | None = None, *, session: Session | None = None) -> int:
    """Run one command line and return its exit code; whatever goes wrong has been said on stderr.

    `session` carries what no option can say: the transport that tests mount in place of the network.
    """
    arguments = list(sys.argv[1:] if args is None else args)
    try:
        if "_KIAMO_IAC_COMPLETE" in os.environ:  # a shell asks what may come next: click looks for the same variable
            from kiamo_iac.cli.shells import register

            register()
        result: Any = cli.main(arguments, prog_name="kiamo-iac", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the one place where every exception ends
        from kiamo_iac.cli import failures

        return failures.report(error, arguments=arguments)
    return result if isinstance(result, int) else 0


def main() -> NoReturn:
    """The console script."""
    from kiamo_iac.cli.terminal import escape_unencodable

    escape_unencodable()
    code = run()
    gc.freeze()  # all that is left goes with the process: to look for garbage in it takes 30 ms
    sys.exit(code)

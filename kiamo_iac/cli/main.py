"""The program: global options, commands that are imported when they run, and errors as exit codes.

Only click and a few light modules are imported here: `kiamo-iac --version` takes as long as `import click`.
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
        "init": ("kiamo_iac.cli.init:init", "Create a project: manifests, hooks and pipelines."),
        "validate": ("kiamo_iac.cli.validate:validate", "Check all manifests offline and report every problem."),
        "fmt": ("kiamo_iac.cli.fmt:fmt", "Format manifests; comments are kept."),
        "render": ("kiamo_iac.cli.render:render", "Print an environment's composed manifests, with origins."),
        "plan": ("kiamo_iac.cli.plan:plan", "Show what apply would change in an environment, and why."),
        "apply": ("kiamo_iac.cli.apply:apply", "Apply the manifests to an environment."),
        "promote": ("kiamo_iac.cli.promote:promote", "Change an environment's manifests to match another's."),
        "show": ("kiamo_iac.cli.show:show", "Show a saved plan."),
        "drift": ("kiamo_iac.cli.drift:drift", "Show what changed since the last apply, and who changed it."),
        "export": ("kiamo_iac.cli.export:export", "Write an instance as manifests; comments are kept."),
        "adopt": ("kiamo_iac.cli.adopt:adopt", "Record existing resources in the ledger as managed."),
        "ledger": ("kiamo_iac.cli.ledger:ledger", "List managed resources, and correct the ledger."),
        "undo": ("kiamo_iac.cli.undo:undo", "Undo a run: the plan that leads back, from its journal."),
        "journal": ("kiamo_iac.cli.journal:journal", "Show what runs did, call by call."),
        "comment": ("kiamo_iac.cli.comment:comment", "Post a plan on the merge request of the running pipeline."),
        "graph": ("kiamo_iac.cli.graph:graph", "Draw the declared resources, or a plan."),
        "demo": ("kiamo_iac.cli.demo:demo", "Run a complete demo on a local Kiamo emulator."),
        "emulator": ("kiamo_iac.cli.emulator:emulator", "Run a local Kiamo emulator."),
        "contract": ("kiamo_iac.cli.contract:contract", "Show, check or derive the API contract."),
        "doctor": ("kiamo_iac.cli.doctor:doctor", "Hold an instance against the contract, by reading it."),
        "schema": ("kiamo_iac.cli.schema:schema", "Print the JSON Schema of a format, for editors and CI."),
        "completion": ("kiamo_iac.cli.completion:completion", "Print the completion script for a shell."),
    }
)
"""Command → (`module:attribute`, the short help, which the module repeats; a test compares the two)."""

EXIT_CODES: Mapping[int, str] = MappingProxyType(
    {
        0: "done, or nothing to do",
        1: "error, or a refused plan",
        2: "changes pending, or drift (--detailed-exitcode, --check)",
        3: "stale: the instance has changed since the plan",
        4: "a write was sent, and the run did not end as planned",
        5: "locked by another run",
        6: "blocked by a guard",
        64: "usage",
        130: "interrupted by a signal",
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
        """In the order of the table: that of typical use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """From the table, so that completion imports no command."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=short) for name, (_, short) in COMMANDS.items() if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """From the table, so that `--help` imports no command."""
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
    help="The project file. Default: the nearest kiamo.yaml, from here up to the git root.",
)
@click.option(
    "--ca-bundle",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Certificate authorities (PEM) to use instead of the system's.",
)
@click.option("--no-color", is_flag=True, help="Disable colours (also NO_COLOR=1).")
@click.option(
    "-v", "--verbose", is_flag=True, help="Log every API call, and show the traceback of an unexpected error."
)
@click.pass_context
def cli(ctx: click.Context, project: str | None, ca_bundle: str | None, no_color: bool, verbose: bool) -> None:
    """Configuration as code for the Kiamo contact-centre platform.

    Declare the services, contact bases, fields and batches of an instance in YAML; review the plan;
    apply it. Data goes to stdout, messages and progress to stderr.
    """
    from kiamo_iac.cli.session import Session
    from kiamo_iac.core.secret import concealing

    ctx.with_resource(concealing(os.environ))
    ctx.obj = Session.of(ctx.obj, project=project, ca_bundle=ca_bundle, no_color=no_color, verbose=verbose)


def run(args: Sequence[str] | None = None, *, session: Session | None = None) -> int:
    """Run one command line and return its exit code; errors are reported on stderr.

    `session`: what no option sets, such as the transport that replaces the network in tests.
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
    from kiamo_iac.cli.signals import INTERRUPTED, end_at_once, leave
    from kiamo_iac.cli.terminal import escape_unencodable

    gc.set_threshold(200_000, 10, 10)  # objects: a short command ends with fewer, and collects nothing
    sys.modules["httpx._main"] = None  # type: ignore[assignment]  # httpx's own command line, which takes 20 ms to import
    try:
        end_at_once()
        escape_unencodable()
        code = run()
    except KeyboardInterrupt:  # a signal, while another error was reported, or nothing had begun
        code = INTERRUPTED
    gc.freeze()  # all that is left goes with the process: to look for garbage in it takes 30 ms
    leave(code)

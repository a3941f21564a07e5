"""`kiamo-iac demo`: the whole story in one command."""

from __future__ import annotations

import click

from kiamo_iac.cli.terminal import write_data

EPILOG = """\b
Examples:
  kiamo-iac demo
  kiamo-iac demo --keep

\b
Exit codes: 0 every command answered as it must, 1 one of them did not.
"""


@click.command(epilog=EPILOG, short_help="Tell the whole story on a Kiamo in a box, in one command.")
@click.option("--keep", is_flag=True, help="Leave the project, and the server until Ctrl-C, for playing.")
def demo(*, keep: bool) -> int:
    """Tell the whole story on a Kiamo in a box, in one command.

    Starts an emulator on a free loopback port, with a live state in it, and runs the real commands on a
    project beside it: validate, plan, apply; then somebody changes things by hand, and plan says what.
    Nothing is installed, configured or left behind.
    """
    from kiamo_iac.demo.runner import tell

    return 0 if tell(lambda line: write_data(f"{line}\n"), keep=keep) else 1

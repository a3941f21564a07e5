"""`kiamo-iac demo`: a complete demo on an emulator."""

from __future__ import annotations

import click

from kiamo_iac.cli.terminal import write_data

EPILOG = """\b
Examples:
  kiamo-iac demo
  kiamo-iac demo --keep

\b
Exit codes: 0 every command gave the expected result, 1 one did not.
"""


@click.command(epilog=EPILOG, short_help="Run a complete demo on a local Kiamo emulator.")
@click.option("--keep", is_flag=True, help="Keep the project, and the emulator until Ctrl-C.")
def demo(*, keep: bool) -> int:
    """Run a complete demo on a local Kiamo emulator.

    Starts an emulator with a live state on a free loopback port, and runs the real commands on a temporary
    project: validate, plan, apply, a change in the console, and the plan that shows it. Nothing is installed,
    configured or left behind.
    """
    from kiamo_iac.demo.runner import run_demo

    return 0 if run_demo(lambda line: write_data(f"{line}\n"), keep=keep) else 1

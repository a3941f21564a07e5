"""`kiamo-iac completion`: the completion script for a shell."""

from __future__ import annotations

import click

from kiamo_iac.cli.terminal import write_data

SHELLS = ("bash", "zsh", "fish", "powershell")

EPILOG = """\b
Examples:
  source <(kiamo-iac completion bash)          (in ~/.bashrc; bash 4 or newer)
  source <(kiamo-iac completion zsh)           (in ~/.zshrc, after compinit)
  kiamo-iac completion fish > ~/.config/fish/completions/kiamo-iac.fish
  kiamo-iac completion powershell | Out-String | Invoke-Expression      (in $PROFILE)

\b
Exit codes: 0 printed, 64 usage.
"""


@click.command(epilog=EPILOG, short_help="Print the completion script for a shell.")
@click.argument("shell", type=click.Choice(SHELLS), metavar="|".join(SHELLS))
def completion(shell: str) -> int:
    """Print the completion script for a shell.

    Completes commands, options, formats, the environments of the project file, and declared addresses.
    Reads only files of the project: no API call, no token. Names are quoted for the shell; names with
    invisible characters are not offered. kiamo-iac must be on the PATH.
    """
    from kiamo_iac.cli import shells

    write_data(shells.script_text(shells.SHELLS[shell].script), utf8=True)
    return 0

"""Completion in the shells that people type in: what click knows of the commands, as each shell takes it safely.

    shell ─ what is typed ─► script (kiamo-iac.*) ─ two variables ─► Completer ─► click ─► candidates, quoted ─► script

Click's own scripts insert candidates as they stand: a name such as `$(…)` would be a command as soon as somebody
presses Enter. So the scripts here are ours, and so is the quoting; finding the candidates is click's.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from click.shell_completion import add_completion_class

from kiamo_iac.cli.shells.bash import Bash
from kiamo_iac.cli.shells.completer import Completer
from kiamo_iac.cli.shells.fish import Fish
from kiamo_iac.cli.shells.powershell import PowerShell
from kiamo_iac.cli.shells.zsh import Zsh

SHELLS: Mapping[str, type[Completer]] = MappingProxyType({shell.name: shell for shell in (Bash, Zsh, Fish, PowerShell)})
"""Name → how that shell is answered."""


def register() -> None:
    """Put ours in the place of click's own."""
    for shell in SHELLS.values():
        add_completion_class(shell)

"""What the shell may offer for the value of an option: quick, offline, and quiet where there is nothing to offer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

MOST = 1000
"""More than this many candidates help nobody, and a shell takes its time to lay them out."""


def environment_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The project's environments."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.project import environment_names as names_of

    try:
        names = names_of(_project(context))
    except Exception:  # noqa: BLE001 - somebody is typing: the command itself will say what is wrong
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def declared_addresses(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What the manifests declare and the command line does not name yet."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.project import declared_addresses as declared
    from kiamo_iac.core.address import identity

    try:
        found = declared(_project(context))
    except Exception:  # noqa: BLE001 - as above
        return []
    said = {str(address) for address in context.params.get(parameter.name or "") or ()}
    begun = identity(incomplete)
    fitting = ((address, kind) for address, kind in found if address.startswith(begun) and address not in said)
    return [CompletionItem(address, help=kind) for (address, kind), _ in zip(fitting, range(MOST), strict=False)]


def schema_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The schemas there are."""
    from click.shell_completion import CompletionItem

    from kiamo_iac.app.schemas import catalogue

    return [CompletionItem(name, help=s.line) for name, s in catalogue().items() if name.startswith(incomplete)]


def _project(context: click.Context) -> Path | None:
    """The file that `--project` names, if it stands on the line."""
    named = context.find_root().params.get("project")
    return Path(named) if named else None

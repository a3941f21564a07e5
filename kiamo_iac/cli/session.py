"""What the global options say, handed to every command as `ctx.obj`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

if TYPE_CHECKING:
    from kiamo_iac.app.project import Transport, Workspace


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the program."""

    project: Path | None = None
    """The project file, where `--project` names one."""
    ca_bundle: Path | None = None
    """The authorities to trust, where `--ca-bundle` names them."""
    no_color: bool = False
    verbose: bool = False
    transport: Transport | None = None
    """Stands in place of the network in tests."""
    now: Callable[[], datetime] | None = None
    """Stands in place of the clock in tests."""

    @classmethod
    def of(
        cls, given: Self | None, *, project: str | None, ca_bundle: str | None, no_color: bool, verbose: bool
    ) -> Self:
        """The options of this run over what the caller of the program has given."""
        return replace(
            given or cls(),
            project=Path(project) if project is not None else None,
            ca_bundle=Path(ca_bundle) if ca_bundle is not None else None,
            no_color=no_color,
            verbose=verbose,
        )

    def workspace(self, *, may_lack: Callable[[Path], bool] = lambda _: False) -> Workspace:
        """The project that this run is about.

        `may_lack`: whether a folder of manifests need not be there, since it is about to be made.
        """
        from kiamo_iac.app.project import Workspace
        from kiamo_iac.cli.terminal import note, tell

        opened = replace(
            Workspace.open(
                self.project, transport=self.transport, log=tell if self.verbose else None, may_lack=may_lack
            ),
            ca_bundle=self.ca_bundle,
            notify=note,
        )
        return opened if self.now is None else replace(opened, now=self.now)


pass_session = click.make_pass_decorator(Session)
"""Hands the session to a command as its first argument."""

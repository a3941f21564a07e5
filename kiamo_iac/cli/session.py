"""The global options of a run, handed to every command as `ctx.obj`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

import click

from kiamo_iac.cli.terminal import RunLog, log_line, show_notice, style_for

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.http.transport import Transport
    from kiamo_iac.render.base import Style


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the program."""

    project: Path | None = None
    """The file of `--project`."""
    ca_bundle: Path | None = None
    """The file of `--ca-bundle`."""
    no_color: bool = False
    verbose: bool = False
    transport: Transport | None = None
    """Replaces the network in tests."""
    now: Callable[[], datetime] | None = None
    """Replaces the clock in tests."""

    @classmethod
    def of(
        cls, given: Self | None, *, project: str | None, ca_bundle: str | None, no_color: bool, verbose: bool
    ) -> Self:
        """`given` (by tests) with the global options of this run."""
        return replace(
            given or cls(),
            project=Path(project) if project is not None else None,
            ca_bundle=Path(ca_bundle) if ca_bundle is not None else None,
            no_color=no_color,
            verbose=verbose,
        )

    def workspace(self, *, may_be_missing: Callable[[Path], bool] = lambda _: False) -> Workspace:
        """The project of this run.

        `may_be_missing`: for a folder of manifests that does not exist, whether that is allowed (it will be created).
        """
        from kiamo_iac.app.project import Workspace

        opened = replace(
            Workspace.open(
                self.project,
                transport=self.transport,
                log=RunLog() if self.verbose else None,
                may_be_missing=may_be_missing,
            ),
            ca_bundle=self.ca_bundle,
            notify=show_notice,
            on_wait=log_line,
        )
        return opened if self.now is None else replace(opened, now=self.now)

    @contextmanager
    def locking_workspace(self, *, may_be_missing: Callable[[Path], bool] = lambda _: False) -> Iterator[Workspace]:
        """The same for a command that takes the lock of a ledger: a signal ends it in order.

        Raises:
            Interrupted: a signal has come.
        """
        from kiamo_iac.cli.signals import ending_in_order

        workspace = self.workspace(may_be_missing=may_be_missing)
        with ending_in_order(workspace.interruption):
            yield workspace

    def style(self, stream: IO[str]) -> Style:
        """Symbols and colours for `stream`."""
        return style_for(stream, no_color=self.no_color)


pass_session = click.make_pass_decorator(Session)
"""Hands the session to a command as its first argument."""

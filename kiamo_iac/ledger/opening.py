"""How a ledger is opened, whichever backend keeps it: the registry of backends, and what each is given and offers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.runtime import Interruption
from kiamo_iac.ledger.content import LedgerIdentity
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lock import LockInfo

if TYPE_CHECKING:
    from kiamo_iac.core.ledger_settings import LedgerSettings
    from kiamo_iac.core.urls import Origin
    from kiamo_iac.http.message import Send

ACCESS: Final[Mapping[str, str]] = {
    "file": "kiamo_iac.ledger.file_access:FileAccess",
    "http": "kiamo_iac.ledger.http:http_access",
    "git": "kiamo_iac.ledger.git:git_access",
}
"""Backend (see `core.ledger_settings.BACKENDS`) → `module:factory` of its `LedgerAccess`, imported when it is used. A
factory takes the settings of that backend and a `LedgerContext`."""


def _ignored(_: Diagnostic) -> None:
    """The default of `notify`: diagnostics are dropped."""


@dataclass(frozen=True, slots=True)
class Moving:
    """A ledger is opened to follow its project, environment or instance: it may still be of another one."""

    project: str | None = None
    """Of which it was; None: of this one, or of none with a name."""
    environment: str | None = None
    """Of which it was; None: of this one."""


@dataclass(frozen=True, slots=True)
class LedgerContext:
    """What a backend is opened with, apart from its settings."""

    identity: LedgerIdentity
    """Of this run: a new ledger is made for it."""
    root: Path
    """The folder of the project file."""
    environ: Mapping[str, str]
    """What git runs with."""
    name: str | None = None
    """The name of the project, where it has one: git refs belong to it."""
    folder: str = "."
    """By which its ledgers named the project while it had no name."""
    moving: Moving | None = None
    """None: a ledger of another environment is refused."""
    send: Send | None = None
    """Makes the calls of the http backend."""
    pinned: Origin | None = None
    """The only origin that a git remote may lead to; None: those that the checkout configures."""
    notify: Callable[[Diagnostic], object] = _ignored
    """Receives diagnostics for the user."""
    show: Callable[[str], object] = lambda _: None
    """Receives a line when the run waits for the lock."""
    interruption: Interruption = field(default_factory=Interruption)
    """Of the run: it ends the wait for a lock, and knows how to release the one that is held."""

    @property
    def environment(self) -> str:
        """The environment of this run."""
        return self.identity.environment

    @property
    def expected_environment(self) -> str | None:
        """The environment that a ledger must be of; None: any."""
        return self.environment if self.moving is None else None


class LedgerAccess(Protocol):
    """The ledger of one environment: locked, read or unlocked.

    Each call raises LedgerError where the ledger cannot be read, written or locked, or is another environment's, and
    ApiError where its server gives no usable response.
    """

    def locked(self, info: LockInfo, *, timeout: float) -> AbstractContextManager[Ledger]:
        """The ledger under its lock, until the block is left; then everything is written, and the lock released.

        `info`: shown to other runs meanwhile. `timeout`: seconds to wait for the lock.

        Raises:
            LockedError: another run holds the lock.
            LedgerError: on leaving: something could not be written; the message names it, and the local backup.
        """

    def read(self) -> Ledger:
        """The ledger as it is now, read-only and without its lock."""

    def break_lock(self, lock_id: str) -> LockInfo:
        """Release the lock `lock_id` of a run that died, and return its info.

        Raises:
            UsageError: no run holds the lock, or it has another id.
            LedgerError: it cannot be released: a file's lock is the system's, and ends with its process.
        """


def ledger_access(settings: LedgerSettings, context: LedgerContext) -> LedgerAccess:
    """The access that the backend of `settings` gives.

    Raises:
        UsageError, LedgerError: the settings lead nowhere: a file out of the project, a folder without a git remote.
    """
    module, _, name = ACCESS[settings.backend].partition(":")
    access: LedgerAccess = getattr(importlib.import_module(module), name)(settings, context)
    return access

"""What a backend implements: a store that keeps records, and access to the ledger under its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lock import LockInfo

if TYPE_CHECKING:
    from kiamo_iac.core.urls import Origin
    from kiamo_iac.http.message import Send


class LedgerAccess(Protocol):
    """How the ledger of one environment is opened, read and unlocked, wherever it is kept."""

    def locked(self, info: LockInfo, *, timeout: float) -> AbstractContextManager[Ledger]:
        """The ledger under its lock; see `opening.open_ledger`."""

    def read(self) -> Ledger:
        """The ledger without its lock; see `opening.read_ledger`."""

    def break_lock(self, lock_id: str) -> LockInfo:
        """Release the lock of another run; see `opening.break_lock`."""


def ignored(_: Diagnostic) -> None:
    """The default of `notify`: diagnostics are dropped."""


@dataclass(frozen=True, slots=True)
class LedgerContext:
    """What a backend is opened with, apart from its settings; see `opening.open_ledger`."""

    environment: str
    root: Path
    environ: Mapping[str, str]
    send: Send | None = None
    pinned: Origin | None = None
    notify: Callable[[Diagnostic], object] = ignored

"""Opening a ledger, under its lock or to read it alone; and releasing the lock of a run that died."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.store import LedgerAccess, LedgerContext, ignored

if TYPE_CHECKING:
    from kiamo_iac.core.diagnostics import Diagnostic
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


@contextmanager
def open_ledger(
    settings: LedgerSettings,
    *,
    environment: str,
    root: Path,
    environ: Mapping[str, str],
    send: Send | None,
    pinned: Origin | None = None,
    lock_timeout: float,
    who: str,
    operation: str = "apply",
    notify: Callable[[Diagnostic], object] = ignored,
) -> Iterator[Ledger]:
    """The ledger, locked until the block is left; then everything is written, and the lock released.

    `root`: the folder of the project file. `environ`: what git runs with. `send`: makes the calls of the http backend.
    `pinned`: the only origin that a git remote may lead to; None: those that the checkout configures.
    `lock_timeout`: seconds to wait for the lock. `who`, `operation`: shown to other runs while the lock is held.
    `notify`: receives diagnostics for the user.

    Raises:
        LockedError: another run holds the lock.
        LedgerError: the ledger cannot be read, written or locked, or is not this environment's. On leaving: something
            could not be written; it says what, and where a copy is.
        ApiError: the server of the ledger gave no usable response.
    """
    access = _access(settings, LedgerContext(environment, root, environ, send, pinned, notify))
    with access.locked(LockInfo.of_this_process(who, operation), timeout=lock_timeout) as ledger:
        yield ledger


def read_ledger(
    settings: LedgerSettings,
    *,
    environment: str,
    root: Path,
    environ: Mapping[str, str],
    send: Send | None,
    pinned: Origin | None = None,
    notify: Callable[[Diagnostic], object] = ignored,
) -> Ledger:
    """The ledger as it is now, read-only and without its lock. Arguments: as of `open_ledger`.

    Raises:
        LedgerError: it cannot be read, or is not this environment's.
        ApiError: the server of the ledger gave no usable response.
    """
    return _access(settings, LedgerContext(environment, root, environ, send, pinned, notify)).read()


def break_lock(
    settings: LedgerSettings,
    *,
    environment: str,
    root: Path,
    environ: Mapping[str, str],
    send: Send | None,
    pinned: Origin | None = None,
    lock_id: str,
) -> LockInfo:
    """Release the lock `lock_id` of a run that died, and return what it named.

    Raises:
        UsageError: no run holds the lock, or it has another id.
        LedgerError: it cannot be released: a file's lock is the system's, and ends with its process.
        ApiError: the server of the ledger gave no usable response.
    """
    return _access(settings, LedgerContext(environment, root, environ, send, pinned)).break_lock(lock_id)


def _access(settings: LedgerSettings, context: LedgerContext) -> LedgerAccess:
    module, _, name = ACCESS[settings.backend].partition(":")
    access: LedgerAccess = getattr(importlib.import_module(module), name)(settings, context)
    return access

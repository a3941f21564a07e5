"""The ledger of an environment: read, opened under its lock, and edited by hand (`ledger list`, `forget`, `unlock`)."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kiamo_iac import __version__
from kiamo_iac.core.diagnostics import did_you_mean
from kiamo_iac.core.environ import variable_prefix
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.state import Owned
from kiamo_iac.git.command import head_commit
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.opening import LedgerAccess, LedgerContext, ledger_access
from kiamo_iac.manifest.environment import choose_environment
from kiamo_iac.manifest.pins import pinned_ledger_origin

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.address import Address
    from kiamo_iac.core.state import Ownership
    from kiamo_iac.ledger.ledger import Ledger


def read_owned(workspace: Workspace, environment: str) -> Ownership | None:
    """The entries of the ledger, read without its lock; None if there is no ledger.

    Raises:
        KiamoIacError: the ledger cannot be read, or belongs to another environment.
    """
    with _access(workspace, environment) as access:
        ledger = access.read()
    return ledger.owned if ledger.found else None


@contextmanager
def lock_ledger(
    workspace: Workspace, environment: str, *, lock_timeout: float = 0, operation: str = "apply"
) -> Iterator[Ledger]:
    """The ledger, locked. `lock_timeout`: seconds to wait for another run; `operation`: shown to runs that wait.

    Raises:
        LockedError: another run holds the lock; the error names it.
        KiamoIacError: the ledger cannot be read, or belongs to another environment.
    """
    info = LockInfo.of_this_process(_who(), operation)
    with _access(workspace, environment) as access, access.locked(info, timeout=lock_timeout) as ledger:
        yield ledger


def environment_name(workspace: Workspace, environment: str | None) -> str:
    """The name of the environment that `-e` selects.

    Raises:
        UsageError: there is no such environment.
    """
    return choose_environment(workspace.project, environment).name


def forget_entries(
    workspace: Workspace, environment: str | None, addresses: Sequence[Address], *, lock_timeout: float = 0
) -> list[Address]:
    """Remove resources and their children from the ledger, without an API call; returns what was removed.

    Raises:
        UsageError: an address is not in the ledger; nothing is removed.
        KiamoIacError: the ledger cannot be locked, read or written.
    """
    name = environment_name(workspace, environment)
    with lock_ledger(workspace, name, lock_timeout=lock_timeout, operation="ledger forget") as ledger:
        removed: dict[Address, None] = {}
        for address in addresses:
            below = [a for a in sorted(ledger.owned) if a == address or a.startswith(f"{address}/")]
            if not below:
                msg = f"{address} is not in the ledger."
                near = did_you_mean(address, ledger.owned)
                raise UsageError(msg, hint=f"{near or 'run ledger list to see its entries'}; nothing was removed")
            removed |= dict.fromkeys(below)
        for address in removed:
            ledger.forget(address)
        ledger.flush()
    return list(removed)


def break_lock(workspace: Workspace, environment: str | None, lock_id: str) -> str:
    """Release the lock of a dead run; returns its holder.

    Raises:
        UsageError: there is no lock, or it has another id.
        KiamoIacError: the lock cannot be released.
    """
    name = environment_name(workspace, environment)
    with _access(workspace, name) as access:
        return str(access.break_lock(lock_id))


def entry_stamp(workspace: Workspace) -> Callable[[Owned], Owned]:
    """A function that sets time, commit of the manifests, and version of kiamo-iac on a ledger entry."""
    commit = head_commit(workspace.project.root, workspace.environ)

    def stamp(entry: Owned) -> Owned:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return replace(entry, applied_at=now, commit=commit, version=__version__)

    return stamp


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


@contextmanager
def _access(workspace: Workspace, environment: str) -> Iterator[LedgerAccess]:
    """Access to the ledger of an environment, and to its server while the block lasts.

    Raises:
        UsageError: the address of the ledger is not the pinned one, or it or the credentials are invalid.
    """
    settings = workspace.project.environments[environment].ledger
    pinned = pinned_ledger_origin(workspace.project, environment, workspace.environ)
    context = LedgerContext(
        environment, workspace.project.root, workspace.environ, pinned=pinned, notify=workspace.notify
    )
    address = settings.http_address
    if address is None:
        yield ledger_access(settings, context)
        return
    from kiamo_iac.ledger.access import authorization_for, caller_for  # the other backends do not load httpx

    authorization = authorization_for(address, workspace.environ, prefix=variable_prefix(environment))
    with caller_for(address, authorization, ca_bundle=workspace.ca_bundle, log=workspace.log) as send:
        yield ledger_access(settings, replace(context, send=send))

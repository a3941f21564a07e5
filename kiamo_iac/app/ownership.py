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
from kiamo_iac.core.ledger_settings import LedgerSettings
from kiamo_iac.core.state import Owned
from kiamo_iac.git.command import head_commit
from kiamo_iac.ledger.opening import break_lock as break_ledger_lock
from kiamo_iac.ledger.opening import open_ledger, read_ledger
from kiamo_iac.manifest.environment import choose_environment
from kiamo_iac.manifest.pins import pinned_ledger_origin

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.address import Address
    from kiamo_iac.core.state import Ownership
    from kiamo_iac.core.urls import Origin
    from kiamo_iac.http.message import Send
    from kiamo_iac.ledger.ledger import Ledger


def read_owned(workspace: Workspace, environment: str) -> Ownership | None:
    """The entries of the ledger, read without its lock; None if there is no ledger.

    Raises:
        KiamoIacError: the ledger cannot be read, or belongs to another environment.
    """
    with _connection(workspace, environment) as (send, pinned):
        ledger = read_ledger(
            _settings(workspace, environment),
            environment=environment,
            root=workspace.project.root,
            environ=workspace.environ,
            send=send,
            pinned=pinned,
            notify=workspace.notify,
        )
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
    with (
        _connection(workspace, environment) as (send, pinned),
        open_ledger(
            _settings(workspace, environment),
            environment=environment,
            root=workspace.project.root,
            environ=workspace.environ,
            send=send,
            pinned=pinned,
            lock_timeout=lock_timeout,
            who=_who(),
            operation=operation,
            notify=workspace.notify,
        ) as ledger,
    ):
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
                raise UsageError(msg, hint=f"{near or 'run ledger list to see its entries'}; nothing has been removed")
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
    with _connection(workspace, name) as (send, pinned):
        info = break_ledger_lock(
            _settings(workspace, name),
            environment=name,
            root=workspace.project.root,
            environ=workspace.environ,
            send=send,
            pinned=pinned,
            lock_id=lock_id,
        )
    return str(info)


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


def _settings(workspace: Workspace, environment: str) -> LedgerSettings:
    return workspace.project.environments[environment].ledger


@contextmanager
def _connection(workspace: Workspace, environment: str) -> Iterator[tuple[Send | None, Origin | None]]:
    """The HTTP caller of the http backend (others do not load httpx), and the origin that the ledger is pinned to.

    Raises:
        UsageError: the address of the ledger is not the pinned one, or it or the credentials are invalid.
    """
    address = _settings(workspace, environment).http_address
    pinned = pinned_ledger_origin(workspace.project, environment, workspace.environ)
    if address is None:
        yield None, pinned
        return
    from kiamo_iac.ledger.access import authorization_for, caller_for

    authorization = authorization_for(address, workspace.environ, prefix=variable_prefix(environment))
    with caller_for(address, authorization, ca_bundle=workspace.ca_bundle, log=workspace.log) as send:
        yield send, pinned

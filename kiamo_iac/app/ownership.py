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
from kiamo_iac.core.ledger_settings import Backend, LedgerSettings
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
    """What the ledger says is ours, read without its lock; None when there is no ledger.

    Raises:
        KiamoIacError: it cannot be read, or is not this environment's.
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
    """The ledger under its lock. `lock_timeout`: how many seconds to wait for another run to end; `operation`: what
    others are told while they wait.

    Raises:
        LockedError: another run holds it; the error names it.
        KiamoIacError: the ledger cannot be read, or is not this environment's.
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
    """The name of the environment that `-e` chooses.

    Raises:
        UsageError: there is none of that name.
    """
    return choose_environment(workspace.project, environment).name


def forget_entries(
    workspace: Workspace, environment: str | None, addresses: Sequence[Address], *, lock_timeout: float = 0
) -> list[Address]:
    """Let things go: nothing is called, and the ledger does not have them any more, nor what stands below them.

    Raises:
        UsageError: one of them is not in the ledger; then none is forgotten.
        KiamoIacError: the lock or the ledger is not to be had.
    """
    name = environment_name(workspace, environment)
    with lock_ledger(workspace, name, lock_timeout=lock_timeout, operation="ledger forget") as ledger:
        gone: dict[Address, None] = {}
        for address in addresses:
            below = [a for a in sorted(ledger.owned) if a == address or a.startswith(f"{address}/")]
            if not below:
                msg = f"{address} is not in the ledger."
                near = did_you_mean(address, ledger.owned)
                raise UsageError(msg, hint=f"{near or 'ledger list shows what is'}; nothing has been forgotten")
            gone |= dict.fromkeys(below)
        for address in gone:
            ledger.forget(address)
        ledger.flush()
    return list(gone)


def break_lock(workspace: Workspace, environment: str | None, lock_id: str) -> str:
    """Take the lock of that id from a run that died, and say whose it was.

    Raises:
        UsageError: nobody holds a lock, or it has another id.
        KiamoIacError: it cannot be broken.
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
    """Puts on an entry when it was made, from which commit of the manifests, and by which version of this tool."""
    commit = head_commit(workspace.project.root, workspace.environ)

    def stamp(entry: Owned) -> Owned:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return replace(entry, applied_at=now, commit=commit, version=__version__)

    return stamp


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _settings(workspace: Workspace, environment: str) -> LedgerSettings:
    return workspace.project.environments[environment].ledger


@contextmanager
def _connection(workspace: Workspace, environment: str) -> Iterator[tuple[Send | None, Origin | None]]:
    """What speaks HTTP for the http backend, for which alone httpx is loaded; and the origin that the ledger is pinned
    to.

    Raises:
        UsageError: the ledger is not where its pin allows, or its address or credentials cannot be used.
    """
    settings = _settings(workspace, environment)
    pinned = pinned_ledger_origin(workspace.project, environment, workspace.environ)
    if settings.backend is not Backend.HTTP:
        yield None, pinned
        return
    from kiamo_iac.ledger.access import authorization_for, caller_for

    address = settings.address or ""
    authorization = authorization_for(address, workspace.environ, prefix=variable_prefix(environment))
    with caller_for(address, authorization, ca_bundle=workspace.ca_bundle, log=workspace.log) as send:
        yield send, pinned

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
from kiamo_iac.core.diagnostics import Diagnostic, Severity, did_you_mean
from kiamo_iac.core.environ import variable_prefix
from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.ledger_settings import FileSettings
from kiamo_iac.core.printable import quote
from kiamo_iac.core.state import Owned
from kiamo_iac.ledger.content import LedgerIdentity
from kiamo_iac.ledger.errors import foreign_error, unproven_error
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.opening import LedgerAccess, LedgerContext, Moving, ledger_access
from kiamo_iac.manifest.environment import choose_environment, instance_identity
from kiamo_iac.manifest.pins import ledger_file_instead, pinned_ledger_origin

if TYPE_CHECKING:
    from kiamo_iac.app.project import Workspace
    from kiamo_iac.core.address import Address
    from kiamo_iac.core.state import Ownership, State
    from kiamo_iac.ledger.ledger import Ledger


def read_owned(workspace: Workspace, environment: str, *, foreign: bool = False) -> Ownership | None:
    """The entries of the ledger, read without its lock; None if there is no ledger.

    `foreign`: a ledger of another project or instance is read all the same, with a warning.

    Raises:
        KiamoIacError: the ledger cannot be read, or belongs to another project, environment or instance.
    """
    with _access(workspace, environment) as access:
        ledger = access.read()
    error = foreign_error(ledger.where, ledger.identity, ledger_identity(workspace, environment))
    if error is not None and not foreign:
        raise error
    for found in error.diagnostics if error is not None else ():
        workspace.notify(replace(found, severity=Severity.WARNING, hint=error.hint if error is not None else None))
    return ledger.owned if ledger.found else None


def ledger_identity(workspace: Workspace, environment: str) -> LedgerIdentity:
    """Whose ledgers this run uses.

    Raises:
        UsageError: the url in force is invalid.
    """
    project = workspace.project
    instance = instance_identity(project.environments[environment], workspace.environ)
    return LedgerIdentity(project.identity, environment, instance)


@contextmanager
def lock_ledger(
    workspace: Workspace, environment: str, *, lock_timeout: float = 0, operation: str = "apply"
) -> Iterator[Ledger]:
    """The ledger, locked. `lock_timeout`: seconds to wait for another run; `operation`: shown to runs that wait.

    Raises:
        LockedError, Interrupted: as `open_ledger`.
        KiamoIacError: the ledger cannot be read, or belongs to another project, environment or instance.
    """
    with open_ledger(workspace, environment, lock_timeout=lock_timeout, operation=operation) as ledger:
        error = foreign_error(ledger.where, ledger.identity, ledger_identity(workspace, environment))
        if error is not None:
            raise error
        yield ledger


@contextmanager
def open_ledger(
    workspace: Workspace, environment: str, *, lock_timeout: float, operation: str, moving: Moving | None = None
) -> Iterator[Ledger]:
    """The ledger, locked, also that of another project or instance; with `moving`, of another environment too.

    A signal ends the wait. Then it is deferred, but where the block is `interruptible`: the lock is released in order.

    Raises:
        LockedError: another run holds the lock; the error names it.
        Interrupted: a signal came, and the block did not raise.
        KiamoIacError: the ledger cannot be read.
    """
    info = LockInfo.of_this_process(_who(), operation)
    with (
        workspace.interruption.deferring(),
        _access(workspace, environment, moving=moving) as access,
        access.locked(info, timeout=lock_timeout) as ledger,
    ):
        yield ledger


def check_instance(ledger: Ledger, live: State) -> None:
    """Return if nothing speaks against the ledger being of the instance with that live state: a ledger of format 1 does
    not name its instance, so one of its ids must be live under its recorded name, unless it has none.

    Raises:
        LedgerError: none is.
    """
    if ledger.identity.instance is not None:
        return
    recorded = [entry for entry in ledger.owned.values() if entry.remote_id is not None]
    found = (live.get(entry.address) for entry in recorded)
    if recorded and not any(
        there is not None and there.remote_id == entry.remote_id for entry, there in zip(recorded, found, strict=True)
    ):
        raise unproven_error(ledger.where, environment=ledger.identity.environment)


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
        removed = _at_or_below(addresses, ledger.owned, "{} is not in the ledger.")
        for address in removed:
            ledger.forget(address)
        ledger.flush()
    return removed


def waive_owed(
    workspace: Workspace, environment: str | None, addresses: Sequence[Address], *, lock_timeout: float = 0
) -> list[Address]:
    """Forget the run states that earlier runs owe to resources and their children; returns to which. They stay managed.

    Raises:
        UsageError: nothing is owed at or below an address; nothing is waived.
        KiamoIacError: the ledger cannot be locked, read or written.
    """
    name = environment_name(workspace, environment)
    with lock_ledger(workspace, name, lock_timeout=lock_timeout, operation="ledger forget") as ledger:
        owing = {address: entry for address, entry in ledger.owned.items() if entry.owed is not None}
        waived = _at_or_below(addresses, owing, "No run state is owed to {}.")
        for address in waived:
            ledger.record(replace(owing[address], owed=None))
        ledger.flush()
    return waived


def _at_or_below(addresses: Sequence[Address], entries: Ownership, unknown: str) -> list[Address]:
    """Those of `entries` that are at or below one of the addresses.

    Raises:
        UsageError: there are none for an address; `unknown` says so, with `{}` in its place.
    """
    found: dict[Address, None] = {}
    for address in addresses:
        below = [a for a in sorted(entries) if address.covers(a)]
        if not below:
            near = did_you_mean(address, entries)
            raise UsageError(
                unknown.format(address), hint=f"{near or 'run ledger list to see its entries'}; nothing was removed"
            )
        found |= dict.fromkeys(below)
    return list(found)


def break_lock(workspace: Workspace, environment: str | None, lock_id: str) -> str:
    """Release the lock of a dead run; returns its holder.

    Raises:
        UsageError: there is no lock, or it has another id.
        KiamoIacError: the lock cannot be released.
    """
    name = environment_name(workspace, environment)
    with workspace.interruption.deferring(), _access(workspace, name) as access:
        return str(access.break_lock(lock_id))


def entry_stamp(commit: str | None) -> Callable[[Owned], Owned]:
    """A function that sets time, `commit` of the manifests, and version of kiamo-iac on a ledger entry."""

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
def _access(workspace: Workspace, environment: str, *, moving: Moving | None = None) -> Iterator[LedgerAccess]:
    """Access to the ledger of an environment, and to its server while the block lasts.

    Raises:
        UsageError: the address of the ledger is not the pinned one, or it or the credentials are invalid.
    """
    settings = workspace.project.environments[environment].ledger
    instead = ledger_file_instead(environment, workspace.environ)
    if instead is not None:
        settings = FileSettings(instead.name)
        because = f"{variable_prefix(environment)}_LEDGER_FILE is set"
        summary = f"the ledger of {quote(environment)} is {instead}, because {because}"
        workspace.notify(Diagnostic("KIA0917", summary, severity=Severity.NOTE))
    pinned = pinned_ledger_origin(workspace.project, environment, workspace.environ)
    context = LedgerContext(
        ledger_identity(workspace, environment),
        workspace.private_root(environment),
        workspace.environ,
        name=workspace.project.name,
        folder=workspace.project.folder,
        moving=moving,
        pinned=pinned,
        notify=workspace.notify,
        show=workspace.on_wait or (lambda _: None),
        interruption=workspace.interruption,
    )
    address = settings.http_address
    if address is None:
        yield ledger_access(settings, context)
        return
    from kiamo_iac.ledger.access import authorization_for, caller_for  # the other backends do not load httpx

    authorization = authorization_for(address, workspace.environ, prefix=variable_prefix(environment))
    with caller_for(
        address,
        authorization,
        ca_bundle=workspace.ca_bundle,
        stop=workspace.interruption.stop,
        show=workspace.on_wait,
        log=workspace.log,
    ) as send:
        yield ledger_access(settings, replace(context, send=send))

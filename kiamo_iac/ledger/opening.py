"""Opening a ledger, with its lock or to read it alone; and breaking a lock that nobody will give back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from posixpath import normpath
from typing import TYPE_CHECKING, assert_never

from kiamo_iac.core.errors import KiamoIacError, LedgerError, UsageError
from kiamo_iac.core.ledger_settings import Backend, LedgerSettings, backup_file_of, file_of
from kiamo_iac.core.printable import printable, quote
from kiamo_iac.core.safe_files import RootedFile, real
from kiamo_iac.ledger.content import Content, Put
from kiamo_iac.ledger.file import FileStore, read_file
from kiamo_iac.ledger.file_lock import lock_info_of, locked_file
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.store import LedgerStore
from kiamo_iac.ledger.tracked import check_file

if TYPE_CHECKING:
    from kiamo_iac.core.diagnostics import Diagnostic
    from kiamo_iac.core.urls import Origin
    from kiamo_iac.http.message import Send
    from kiamo_iac.ledger.backup import LocalBackup
    from kiamo_iac.ledger.lines import ParsedFile
    from kiamo_iac.ledger.remote import RemoteBackend


def _ignored(_: Diagnostic) -> None:
    """For whoever has no ear for notes."""


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
    notify: Callable[[Diagnostic], object] = _ignored,
) -> Iterator[Ledger]:
    """The ledger, locked until the block is left; then everything is kept, and the lock given back.

    `root`: the folder of the project file. `environ`: what git runs with. `send`: makes the calls of the http backend.
    `pinned`: the only origin that a git remote may lead to; None: those that the checkout configures.
    `lock_timeout`: seconds to wait for the lock. `who`, `operation`: shown to other runs while the lock is held.
    `notify`: receives diagnostics for the user.

    Raises:
        LockedError: another run holds the lock.
        LedgerError: the ledger cannot be read, written or locked, or is not this environment's. On leaving: something
            could not be kept; it says what, and where a copy is.
        ApiError: the server that keeps it gave no usable answer.
    """
    info = LockInfo.of_this_process(who, operation)
    if settings.backend is Backend.FILE:
        file, shown = ledger_file(settings, environment=environment, root=root)
        with locked_file(file, info, environment=environment, timeout=lock_timeout):
            lines = _lines(file, shown, environment=environment, environ=environ, notify=notify)
            content = lines.content if lines is not None else Content(environment)
            store = FileStore(file, lines, shown=shown, content=content)
            yield from _until_closed(Ledger(content, found=lines is not None, where=shown, store=store), store)
        return
    remote = _remote(settings, environment=environment, root=root, environ=environ, send=send, pinned=pinned)
    remote.lock(info, timeout=lock_timeout)
    try:
        yield from _open_remote(remote, backup_of(environment, root, environ), environment=environment, notify=notify)
    except BaseException as error:
        _unlock_after(error, remote, info, environment=environment)
        raise
    _unlock(remote, info, environment=environment)


def read_ledger(
    settings: LedgerSettings,
    *,
    environment: str,
    root: Path,
    environ: Mapping[str, str],
    send: Send | None,
    pinned: Origin | None = None,
    notify: Callable[[Diagnostic], object] = _ignored,
) -> Ledger:
    """The ledger as it is now, read-only and without its lock. `notify`: as for `open_ledger`.

    Raises:
        LedgerError: it cannot be read, or is not this environment's.
        ApiError: the server that keeps it gave no usable answer.
    """
    if settings.backend is Backend.FILE:
        file, shown = ledger_file(settings, environment=environment, root=root)
        lines = _lines(file, shown, environment=environment, environ=environ, notify=notify)
        content = lines.content if lines is not None else Content(environment)
        return Ledger(content, found=lines is not None, where=shown)
    remote = _remote(settings, environment=environment, root=root, environ=environ, send=send, pinned=pinned)
    there = remote.read()
    backup = backup_of(environment, root, environ)
    found, from_backup = backup.resolve(there, environment=environment)
    content = found.content if found is not None else Content(environment)
    if from_backup:
        notify(backup.restored(content, there, shown=remote.shown, now=False))
    return Ledger(content, found=found is not None, where=remote.shown)


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
    """Take the lock `lock_id` from a run that died, and say whose it was.

    Raises:
        UsageError: nobody holds a lock, or it has another id.
        LedgerError: it cannot be broken: a file's lock is the system's, and ends with its process.
        ApiError: the server that keeps it gave no usable answer.
    """
    if settings.backend is Backend.FILE:
        file, shown = ledger_file(settings, environment=environment, root=root)
        info = _asked_for(lock_info_of(file), lock_id, shown=shown)
        raise LedgerError(
            f"The ledger {shown} is locked by {info}, which is still running.",
            hint=f"end that process on {printable(info.host, 80) or 'its machine'}; its lock ends with it",
        )
    remote = _remote(settings, environment=environment, root=root, environ=environ, send=send, pinned=pinned)
    held = remote.lock_info()
    if held is not None and not held.id and settings.backend is Backend.HTTP:
        held = replace(held, id=lock_id)  # the server keeps it to itself, and takes the lock from that id alone
    info = _asked_for(held, lock_id, shown=remote.shown)
    remote.break_lock(info)
    return info


def ledger_file(settings: LedgerSettings, *, environment: str, root: Path) -> tuple[RootedFile, str]:
    """Where the file backend keeps the ledger, and how messages name that.

    Raises:
        LedgerError: that is not below `root`.
    """
    shown = settings.path or file_of(environment)
    try:
        file = RootedFile.below(real(root), normpath(shown))
    except ValueError:
        file = None
    if file is None or "\\" in shown:
        msg = f"The ledger {shown} is not a file within the project."
        raise LedgerError(msg, hint='write its path relative to the project file, with "/"')
    return file, shown


def backup_of(environment: str, root: Path, environ: Mapping[str, str]) -> LocalBackup:
    """Where the copy of a remote ledger stands that could not be written."""
    from kiamo_iac.ledger.backup import LocalBackup

    return LocalBackup(RootedFile.below(root, backup_file_of(environment)), environ)


def _lines(
    file: RootedFile,
    shown: str,
    *,
    environment: str,
    environ: Mapping[str, str],
    notify: Callable[[Diagnostic], object],
) -> ParsedFile | None:
    lines = read_file(file, shown=shown, environment=environment)
    if lines is not None:
        check_file(file, shown=shown, environ=environ, notify=notify)
    return lines


def _open_remote(
    remote: RemoteBackend, backup: LocalBackup, *, environment: str, notify: Callable[[Diagnostic], object]
) -> Iterator[Ledger]:
    from kiamo_iac.ledger.remote import RemoteStore

    there = remote.read()
    found, from_backup = backup.resolve(there, environment=environment)
    content = found.content if found is not None else Content(environment)
    revision = there.revision if there is not None else None
    store = RemoteStore(remote, content, revision=revision, backup=backup, from_backup=from_backup)
    if from_backup:
        store.flush()
        notify(backup.restored(content, there, shown=remote.shown, now=True))
    if there is not None and there.content.exposed:
        kept = content.entries
        store.append([Put(kept[address]) for address in sorted(there.content.exposed) if address in kept])
    yield from _until_closed(Ledger(content, found=found is not None, where=remote.shown, store=store), store)


def _until_closed(ledger: Ledger, store: LedgerStore) -> Iterator[Ledger]:
    try:
        yield ledger
    finally:
        store.close()


def _remote(
    settings: LedgerSettings,
    *,
    environment: str,
    root: Path,
    environ: Mapping[str, str],
    send: Send | None,
    pinned: Origin | None,
) -> RemoteBackend:
    match settings.backend:
        case Backend.HTTP:
            from kiamo_iac.ledger.http import HttpBackend

            if send is None:
                msg = "the http backend needs something that makes its calls"
                raise ValueError(msg)
            return HttpBackend(settings, environment=environment, send=send)
        case Backend.GIT:
            from kiamo_iac.ledger.git import GitBackend
            from kiamo_iac.ledger.git_command import LedgerGit

            git = LedgerGit.of(root, environ, remote=settings.remote)
            return GitBackend(settings, git, environment=environment, pinned=pinned)
        case Backend.FILE:
            msg = "a file is not remote"
            raise ValueError(msg)
        case _:
            assert_never(settings.backend)


def _asked_for(info: LockInfo | None, lock_id: str, *, shown: str) -> LockInfo:
    if info is None:
        msg = f"Nobody holds the lock of the ledger {shown}."
        raise UsageError(msg)
    if not lock_id or lock_id not in {info.id, info.name}:
        msg = f"The lock of the ledger {shown} is not {quote(lock_id)}: it is held by {info}."
        raise UsageError(msg, hint="make sure that this run has died, then name the id of its lock")
    return info


def _unlock(remote: RemoteBackend, info: LockInfo, *, environment: str) -> None:
    try:
        remote.unlock()
    except KiamoIacError as error:
        raise LedgerError(
            f"The ledger {remote.shown} is written, but its lock was not given back: {error}",
            hint=info.how_to_release(environment),
        ) from error


def _unlock_after(error: BaseException, remote: RemoteBackend, info: LockInfo, *, environment: str) -> None:
    """Unlock while `error` is on its way; what it says comes first."""
    try:
        _unlock(remote, info, environment=environment)
    except KiamoIacError as also:
        if isinstance(error, KiamoIacError):
            error.hint = "; ".join(filter(None, (error.hint, also.hint)))

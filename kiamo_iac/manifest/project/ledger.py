"""`ledger` of an environment in the project file: a backend and what that backend needs, and no secrets.

A merge request can change this file. So nothing here may lead the ledger's credentials to a second host, the writing
of files out of the project, or git to a program or a repository that lies in the project itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import normpath
from typing import Any, Final, assert_never
from unicodedata import normalize

from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.ledger_settings import BESIDE, Backend, LedgerSettings, backup_file_of, file_of, gitlab_state
from kiamo_iac.core.printable import quote
from kiamo_iac.core.urls import Url, origin_of, origin_of_remote, parse_url
from kiamo_iac.manifest.project.reader import KeyReader, wrong_type

_KEYS: Final[Mapping[Backend, tuple[str, ...]]] = {
    Backend.FILE: ("backend", "path"),
    Backend.HTTP: (
        "backend",
        "address",
        "lock_address",
        "unlock_address",
        "lock_method",
        "unlock_method",
        "update_method",
    ),
    Backend.GIT: ("backend", "remote", "ref"),
}
LOCK: Final = ("LOCK", "POST", "PUT")
UNLOCK: Final = ("UNLOCK", "DELETE", "POST", "PUT")
UPDATE: Final = ("POST", "PUT")
_EXAMPLE: Final = "https://gitlab.example.com/api/v4/projects/42/terraform/state/kiamo"
_REMOTE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._\-]*")
_REMOTE_SSH: Final = re.compile(
    r"(?:ssh://(?:[A-Za-z0-9._\-]+@)?[A-Za-z0-9][A-Za-z0-9.\-]*(?::\d+)?/|[A-Za-z0-9._\-]+@[A-Za-z0-9][A-Za-z0-9.\-]*:)"
    r"[!-~]+"
)
_REF: Final = re.compile(r"(?!.*\.\.)(?!.*\.lock$)[A-Za-z0-9][A-Za-z0-9._\-]*(?<!\.)")
"""A part of the name of a ref, see git-check-ref-format(1), and no character beyond that."""


def ledger(reader: KeyReader, value: Any, source: SourceRange) -> LedgerSettings:
    """What `ledger` says; a key that is wrong is as if it were not there."""
    if not isinstance(value, dict):
        reader.report("KIA0301", wrong_type("ledger", "a mapping", value), source, "write ledger: {backend: file}")
        return LedgerSettings()
    if "backend" not in value:
        reader.report("KIA0304", 'missing key "backend" in ledger', source, f"add backend: {' or '.join(Backend)}")
        return LedgerSettings()
    name = reader.choice(value, "backend", tuple(Backend))
    if name is None:
        return LedgerSettings()
    backend = Backend(name)
    reader.check_keys(value, known=_KEYS[backend], what=f"a ledger with backend: {backend}")
    match backend:
        case Backend.FILE:
            return _file(reader, value)
        case Backend.HTTP:
            return _http(reader, value, source)
        case Backend.GIT:
            return _git(reader, value)
        case _:
            assert_never(backend)


def place_of(settings: LedgerSettings, environment: str) -> tuple[str, ...]:
    """What two environments must not share: the place where the ledger is kept."""
    match settings.backend:
        case Backend.FILE:
            return ("file", _same(settings.path or file_of(environment)))
        case Backend.HTTP:
            return ("http", str(parse_url(settings.address)).rstrip("/") if settings.address else environment)
        case Backend.GIT:
            return ("git", settings.remote, (settings.ref or environment).casefold())
        case _:
            assert_never(settings.backend)


def place_beside(settings: LedgerSettings, environment: str) -> tuple[str, ...] | None:
    """Where a copy of a remote ledger is kept, in the form of `place_of`."""
    return None if settings.backend is Backend.FILE else ("file", _same(backup_file_of(environment)))


def places_reached(settings: LedgerSettings) -> Iterator[tuple[str, ...]]:
    """Every place, in the form of `place_of`, whose lock is this ledger: of an http ledger, what one of its addresses
    is or lies below; of a file, the ledger that keeps a file of that name beside it."""
    path = _same(settings.path or "")
    yield from (("file", path.removesuffix(suffix)) for suffix in BESIDE if path.endswith(suffix))
    if settings.address is None:
        return
    for address in dict.fromkeys((settings.address, settings.lock[1], settings.unlock[1])):
        url = parse_url(address)
        parts = url.path.rstrip("/").split("/")
        for count in range(len(parts)):
            yield ("http", f"{url.origin}{'/'.join(parts[: count + 1])}")


def _same(path: str) -> str:
    """What two paths have in common that a disk may take for one."""
    return normalize("NFC", normpath(path)).casefold()


def _file(reader: KeyReader, node: dict[str, Any]) -> LedgerSettings:
    if "path" not in node:
        return LedgerSettings()
    source = reader.place(node).at("path")
    path = reader.path(node["path"], source)
    if path is None:
        return LedgerSettings()
    if path.is_dir():
        reader.report("KIA0306", f"{quote(node['path'])} is a folder", source, "write the path of a file")
    return LedgerSettings(path=node["path"])


def _http(reader: KeyReader, node: dict[str, Any], source: SourceRange) -> LedgerSettings:
    if "address" not in node:
        reader.report("KIA0304", 'missing key "address" in ledger', source, f"add address: {_EXAMPLE}")
    settings = LedgerSettings(
        Backend.HTTP,
        address=_address(reader, node, "address"),
        lock_address=_address(reader, node, "lock_address"),
        unlock_address=_address(reader, node, "unlock_address"),
        lock_method=reader.choice(node, "lock_method", LOCK),
        unlock_method=reader.choice(node, "unlock_method", UNLOCK),
        update_method=reader.choice(node, "update_method", UPDATE),
    )
    if settings.address is not None:
        if not settings.of_gitlab and gitlab_state(settings.address) is not None:
            hint = f"write {gitlab_state(settings.address)}"
            summary = "the address is invalid: it is below a Terraform state of GitLab"
            reader.report("KIA0312", summary, reader.place(node).at("address"), hint)
        _check_lock(reader, node, settings, key="lock")
        _check_lock(reader, node, settings, key="unlock")
    return settings


def _address(reader: KeyReader, node: dict[str, Any], key: str) -> str | None:
    value = reader.text(node, key, example=_EXAMPLE)
    if value is None:
        return None
    try:
        parse_url(value)
    except ValueError as error:
        hint = "set KIAMO_<ENV>_LEDGER_USERNAME and _PASSWORD for credentials"
        reader.report("KIA0312", f"the {key} is invalid: {error}", reader.place(node).at(key), hint)
        return None
    return value


def _check_lock(reader: KeyReader, node: dict[str, Any], settings: LedgerSettings, *, key: str) -> None:
    """The credentials of the ledger may do more on its host than lock this ledger, so that the call that locks it, or
    gives the lock back, reaches nothing else there."""
    method, address = settings.lock if key == "lock" else settings.unlock
    state, locks = parse_url(settings.address or ""), parse_url(address)
    place = reader.place(node)
    if locks.origin != state.origin:
        summary = f'"{key}_address" leads to {locks.origin}, but "address" to {state.origin}'
        hint = "the credentials of the ledger are sent to one host only: use an address on that host"
        reader.report("KIA0312", summary, place.at(f"{key}_address"), hint)
    elif locks.path.rstrip("/") == state.path.rstrip("/"):
        own = "LOCK" if key == "lock" else "UNLOCK"
        if method != own:
            summary = f'"{key}_method" is {method}, which at the address of the ledger writes or deletes it'
            where = place.at(f"{key}_method" if f"{key}_method" in node else f"{key}_address")
            reader.report("KIA0332", summary, where, f"use {own}, or give the lock an address of its own")
    elif not _below(settings, state, locks):
        summary = f'"{key}_address" is not below "address"'
        hint = f"write {settings.address}/lock, or remove the key"
        reader.report("KIA0331", summary, place.at(f"{key}_address"), hint)


def _below(settings: LedgerSettings, state: Url, locks: Url) -> bool:
    if settings.of_gitlab:  # other addresses below it are its versions, which DELETE deletes
        return str(locks) == f"{state}/lock"
    return bool(state.path.strip("/")) and state.holds(locks) and gitlab_state(str(locks)) is None


def _git(reader: KeyReader, node: dict[str, Any]) -> LedgerSettings:
    remote = reader.text(node, "remote", example="origin")
    if remote is not None and not _is_remote(remote):
        hint = "write the name of a remote, such as origin, or an https or ssh address without a password"
        reader.report("KIA0312", "the remote is invalid", reader.place(node).at("remote"), hint)
    ref = reader.text(node, "ref", example="production")
    if ref is not None and not _REF.fullmatch(ref):
        hint = "write a short name such as production: it is put below refs/kiamo-iac/"
        reader.report("KIA0312", f"invalid ref {quote(ref)}", reader.place(node).at("ref"), hint)
    return LedgerSettings(Backend.GIT, remote=remote or LedgerSettings().remote, ref=ref)


def _is_remote(text: str) -> bool:
    """Whether git would take it for a remote or another host, and for nothing that runs or lies here."""
    if _REMOTE_NAME.fullmatch(text):
        return True
    try:
        if _REMOTE_SSH.fullmatch(text):
            origin_of_remote(text)
        else:
            origin_of(text)
    except ValueError:
        return False
    return True

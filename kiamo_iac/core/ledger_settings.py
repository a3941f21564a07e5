"""Where the ledger of an environment is kept: each backend declares its keys, its checks and its identity.

A backend is a class of settings here and a line in `BACKENDS`; and a file and a line in `ledger.opening.ACCESS`, which
open it. The project file, its schema and its checks follow from what is declared.

A merge request can change the project file. So nothing here may lead the ledger's credentials to a second host, the
writing of files out of the project, or git to a program or a repository in the project itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from posixpath import normpath
from types import MappingProxyType
from typing import ClassVar, Final, NamedTuple
from unicodedata import normalize

from kiamo_iac.core.printable import quote
from kiamo_iac.core.urls import Origin, Url, origin_of, origin_of_remote, parse_url

LOCK, HOLDER, TORN = BESIDE = (".lock", ".holder.json", ".torn")
"""Suffixes of the files beside a ledger in a file."""

Location = tuple[str, ...]
"""What two ledgers must not share: a backend, and a place in it."""


class ValueKind(StrEnum):
    """What a key of the project file takes."""

    TEXT = "text"
    PATH = "path"
    """Of a file within the project, with `/`, relative to the project file."""


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One key of a backend in the project file."""

    description: str
    example: str
    kind: ValueKind = ValueKind.TEXT
    choices: tuple[str, ...] = ()
    """The closed list of its values, where there is one."""
    required: bool = False
    problem: Callable[[str], str | None] = lambda _: None
    """A summary of what is wrong with a value (KIA0312), or None. A value with a problem is not used."""
    hint: str = ""
    """What to do about that."""


class SettingProblem(NamedTuple):
    """What is wrong with settings that are each valid alone."""

    code: str
    summary: str
    key: str
    """Where it is shown."""
    hint: str


class LedgerSettings:
    """The settings of one backend; a key that is not set is None, or the default of its field."""

    __slots__ = ()

    backend: ClassVar[str]
    """Its name in the project file."""
    summary: ClassVar[str]
    """One sentence for the schema of the project file."""
    keys: ClassVar[Mapping[str, SettingKey]]
    """Each is a field of the class."""

    def location(self, environment: str) -> Location:
        """Where the ledger is kept."""
        raise NotImplementedError

    def backup_location(self, environment: str) -> Location | None:
        """Where a remote ledger that cannot be written is kept instead; None: it is not remote."""
        return ("file", _comparable(backup_file_of(environment)))

    def lock_locations(self) -> Iterator[Location]:
        """Every location of which this ledger is, or may be, the lock."""
        return iter(())

    def origin(self) -> Origin | None:
        """The origin of a remote ledger; None: only the checkout knows, or the ledger is not remote.

        Raises:
            ValueError: the address is invalid.
        """
        return None

    @property
    def http_address(self) -> str | None:
        """Where HTTP calls with the ledger's credentials go; None: there are none."""
        return None

    def problems(self, given: Collection[str]) -> Iterator[SettingProblem]:  # noqa: ARG002 - for subclasses
        """What is wrong with the keys together; `given`: those that the project file sets."""
        return iter(())


@dataclass(frozen=True, slots=True)
class FileSettings(LedgerSettings):
    """A file of the project."""

    path: str | None = None
    """None: see `ledger_file_of`."""

    backend = "file"
    summary = "A ledger in a file: one machine applies."
    keys = MappingProxyType(
        {
            "path": SettingKey(
                "The file. Default: .kiamo/<environment>.ledger.jsonl. Keep it out of git.",
                ".kiamo/production.ledger.jsonl",
                ValueKind.PATH,
                hint="write the path of a file",
            )
        }
    )

    def location(self, environment: str) -> Location:
        """The path, as a disk compares it."""
        return ("file", _comparable(self.path or ledger_file_of(environment)))

    def backup_location(self, environment: str) -> Location | None:
        """None: the file itself is written."""
        del environment
        return None

    def lock_locations(self) -> Iterator[Location]:
        """The ledgers that keep a file of this name beside them."""
        path = _comparable(self.path or "")
        yield from (("file", path.removesuffix(suffix)) for suffix in BESIDE if path.endswith(suffix))


_EXAMPLE: Final = "https://gitlab.example.com/api/v4/projects/42/terraform/state/kiamo"
_GITLAB_STATE: Final = re.compile(r"(https?://[^?#]+?/api/v4/projects/[^/?#]+/terraform/state/[^/?#]+)(/[^?#]*)?")
_URL: Final = "https, or http for this machine only; without user, password, query or fragment."
_LOCKS: Final = (
    "It is address itself or below it; at GitLab it is <address>/lock. Default: <address>/lock at GitLab, "
    "address elsewhere."
)


def _address(name: str, description: str, *, required: bool = False) -> SettingKey:
    def problem(value: str) -> str | None:
        try:
            parse_url(value)
        except ValueError as error:
            return f"invalid {name}: {error}"
        return None

    hint = "set KIAMO_<ENV>_LEDGER_USERNAME and _PASSWORD for credentials"
    return SettingKey(description, _EXAMPLE, required=required, problem=problem, hint=hint)


def _method(description: str, *choices: str) -> SettingKey:
    return SettingKey(description, choices[0], choices=choices)


@dataclass(frozen=True, slots=True)
class HttpSettings(LedgerSettings):
    """A state behind Terraform's HTTP protocol; the keys are named as Terraform names them."""

    address: str | None = None
    """Where the state is read and written."""
    lock_address: str | None = None
    unlock_address: str | None = None
    lock_method: str | None = None
    unlock_method: str | None = None
    update_method: str | None = None
    """None: see `lock`, `unlock` and `update`."""

    backend = "http"
    summary = "A ledger behind Terraform's HTTP protocol, such as GitLab's managed states."
    keys = MappingProxyType(
        {
            "address": _address("address", f"Where it is read and written. {_URL}", required=True),
            "lock_address": _address("lock_address", f"Where it is locked. {_LOCKS}"),
            "unlock_address": _address("unlock_address", f"Where it is unlocked. {_LOCKS}"),
            "lock_method": _method(
                "The method that locks. At address itself it is LOCK. Default: POST at GitLab, LOCK elsewhere.",
                *("LOCK", "POST", "PUT"),
            ),
            "unlock_method": _method(
                "The method that unlocks. At address itself it is UNLOCK. Default: DELETE at GitLab, UNLOCK elsewhere.",
                *("UNLOCK", "DELETE", "POST", "PUT"),
            ),
            "update_method": _method("The method that writes. Default: POST.", "POST", "PUT"),
        }
    )

    @property
    def lock(self) -> tuple[str, str]:
        """The method and the address that lock."""
        return self._locking(self.lock_method, self.lock_address, here="LOCK", gitlab="POST")

    @property
    def unlock(self) -> tuple[str, str]:
        """The method and the address that unlock."""
        return self._locking(self.unlock_method, self.unlock_address, here="UNLOCK", gitlab="DELETE")

    @property
    def update(self) -> tuple[str, str]:
        """The method and the address that write."""
        return self.update_method or "POST", self.address or ""

    @property
    def of_gitlab(self) -> bool:
        """Whether it is one of GitLab's managed Terraform states, by its address."""
        return (self.address or "") == gitlab_state(self.address or "")

    @property
    def http_address(self) -> str | None:
        """The address of the state; empty where there is none."""
        return self.address or ""

    def location(self, environment: str) -> Location:
        """The address, without a slash at its end."""
        return ("http", str(parse_url(self.address)).rstrip("/") if self.address else environment)

    def lock_locations(self) -> Iterator[Location]:
        """Every prefix, by path segment, of an address of this ledger."""
        if self.address is None:
            return
        for address in dict.fromkeys((self.address, self.lock[1], self.unlock[1])):
            url = parse_url(address)
            parts = url.path.rstrip("/").split("/")
            for count in range(len(parts)):
                yield ("http", f"{url.origin}{'/'.join(parts[: count + 1])}")

    def origin(self) -> Origin | None:
        """The origin of the address.

        Raises:
            ValueError: the address is invalid.
        """
        return origin_of(self.address or "")

    def problems(self, given: Collection[str]) -> Iterator[SettingProblem]:
        """The credentials of the ledger may do more on its host than lock this ledger: so the calls that lock and
        unlock it must reach nothing else there."""
        if self.address is None:
            return
        state = gitlab_state(self.address)
        if not self.of_gitlab and state is not None:
            summary = "invalid address: it is below a Terraform state of GitLab"
            yield SettingProblem("KIA0312", summary, "address", f"write {state}")
        yield from self._lock_problems("lock", *self.lock, given)
        yield from self._lock_problems("unlock", *self.unlock, given)

    def _lock_problems(self, name: str, method: str, address: str, given: Collection[str]) -> Iterator[SettingProblem]:
        state, locks = parse_url(self.address or ""), parse_url(address)
        key = f"{name}_address"
        if locks.origin != state.origin:
            summary = f"{key} must be on the host of address, {state.origin}, got {locks.origin}"
            hint = "use an address on that host: the credentials of the ledger are sent to one host only"
            yield SettingProblem("KIA0312", summary, key, hint)
        elif locks.path.rstrip("/") == state.path.rstrip("/"):
            if method != name.upper():
                summary = f"{name}_method must be {name.upper()} at the address of the ledger itself, got {method}"
                where = f"{name}_method" if f"{name}_method" in given else key
                hint = f"use {name.upper()}, or give the lock its own address: {method} writes or deletes the ledger"
                yield SettingProblem("KIA0332", summary, where, hint)
        elif not self._is_below(state, locks):
            hint = f"write {self.address}/lock, or remove the key"
            yield SettingProblem("KIA0331", f"{key} must be below address", key, hint)

    def _is_below(self, state: Url, locks: Url) -> bool:
        if self.of_gitlab:  # other addresses below it are its versions, which DELETE deletes
            return str(locks) == f"{state}/lock"
        return bool(state.path.strip("/")) and state.contains(locks) and gitlab_state(str(locks)) is None

    def _locking(self, method: str | None, address: str | None, *, here: str, gitlab: str) -> tuple[str, str]:
        """As declared; else the address of the state itself (Terraform does not lock then; this tool always does), or
        GitLab's address for locks, `<address>/lock`."""
        state = self.address or ""
        if address is None and self.of_gitlab:
            return method or gitlab, f"{state}/lock"
        return method or here, address or state


_REMOTE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._\-]*")
_REMOTE_SSH: Final = re.compile(
    r"(?:ssh://(?:[A-Za-z0-9._\-]+@)?[A-Za-z0-9][A-Za-z0-9.\-]*(?::\d+)?/|[A-Za-z0-9._\-]+@[A-Za-z0-9][A-Za-z0-9.\-]*:)"
    r"[!-~]+"
)
_REF: Final = re.compile(r"(?!.*\.\.)(?!.*\.lock$)[A-Za-z0-9][A-Za-z0-9._\-]*(?<!\.)")
"""A part of the name of a ref, see git-check-ref-format(1), and no character beyond that."""
_REMOTE: Final = "origin"
PROJECT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9\-]{0,39}")
"""The name of a project, which refs begin with."""


def _remote_problem(value: str) -> str | None:
    """Whether git would take it for a remote or another host, and for no program or path of this machine."""
    if _REMOTE_NAME.fullmatch(value):
        return None
    try:
        if _REMOTE_SSH.fullmatch(value):
            origin_of_remote(value)
        else:
            origin_of(value)
    except ValueError:
        return "invalid remote"
    return None


@dataclass(frozen=True, slots=True)
class GitSettings(LedgerSettings):
    """A ref of its own in a git remote."""

    remote: str = _REMOTE
    """A remote of the project's repository; or a URL, which a remote of it has too, or a pin allows."""
    ref: str | None = None
    """The last part of the name of the ref. None: the environment, after the name of the project if it has one."""

    backend = "git"
    summary = "A ledger on a git ref of its own."
    keys = MappingProxyType(
        {
            "remote": SettingKey(
                f"The name of a remote, or an https or ssh address without a password. Default: {_REMOTE}.",
                _REMOTE,
                problem=_remote_problem,
                hint="write the name of a remote, such as origin, or an https or ssh address without a password",
            ),
            "ref": SettingKey(
                "A short name below refs/kiamo-iac/. Default: [<name of the project>/]<environment>.",
                "production",
                problem=lambda value: None if _REF.fullmatch(value) else f"invalid ref {quote(value)}",
                hint="write a short name such as production: it is put below refs/kiamo-iac/",
            ),
        }
    )

    def location(self, environment: str) -> Location:
        """Remote and ref."""
        return ("git", self.remote, (self.ref or environment).casefold())

    def origin(self) -> Origin | None:
        """The origin of a remote that is an address; of a name, None.

        Raises:
            ValueError: the address is invalid.
        """
        named = not {":", "/"} & set(self.remote)
        return None if named else origin_of_remote(self.remote)


BACKENDS: Final[Mapping[str, type[LedgerSettings]]] = MappingProxyType(
    {settings.backend: settings for settings in (FileSettings, HttpSettings, GitSettings)}
)
"""Name in the project file → its settings."""


def ledger_file_of(environment: str) -> str:
    """The default path of a ledger in a file, below the folder of the project file, with `/`."""
    return f".kiamo/{environment}.ledger.jsonl"


def backup_file_of(environment: str) -> str:
    """The path of the local backup of a remote ledger, below the folder of the project file, with `/`."""
    return f".kiamo/{environment}.ledger.rescue.json"


def gitlab_state(address: str) -> str | None:
    """The managed Terraform state of GitLab that an address is of, or is below."""
    found = _GITLAB_STATE.fullmatch(address)
    return found[1] if found is not None else None


def _comparable(path: str) -> str:
    """What two paths have in common that a disk may take for one."""
    return normalize("NFC", normpath(path)).casefold()

"""Where the ledger of an environment is kept: what the project file says under `ledger`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_GITLAB_STATE: Final = re.compile(r"(https?://[^?#]+?/api/v4/projects/[^/?#]+/terraform/state/[^/?#]+)(/[^?#]*)?")


LOCK, HOLDER, TORN = BESIDE = (".lock", ".holder.json", ".torn")
"""What a ledger in a file has beside it: its name, and one of these."""


class Backend(StrEnum):
    """What keeps it."""

    FILE = "file"
    HTTP = "http"
    GIT = "git"


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """The ledger of one environment; a key that its backend has no use for stays None."""

    backend: Backend = Backend.FILE
    path: str | None = None
    """file: below the folder of the project file, with `/`. None: `.kiamo/<environment>.ledger.jsonl`."""
    address: str | None = None
    """http: where the state is read and written."""
    lock_address: str | None = None
    unlock_address: str | None = None
    lock_method: str | None = None
    unlock_method: str | None = None
    update_method: str | None = None
    """http: named as Terraform names them. None: see `lock`, `unlock` and `update`."""
    remote: str = "origin"
    """git: a remote of the project's repository; or a URL, which a remote of it has too, or a pin allows."""
    ref: str | None = None
    """git: the last part of the name of the ref. None: the environment."""

    @property
    def lock(self) -> tuple[str, str]:
        """http: the method and the address that lock."""
        return self._locking(self.lock_method, self.lock_address, here="LOCK", gitlab="POST")

    @property
    def unlock(self) -> tuple[str, str]:
        """http: the method and the address that unlock."""
        return self._locking(self.unlock_method, self.unlock_address, here="UNLOCK", gitlab="DELETE")

    @property
    def update(self) -> tuple[str, str]:
        """http: the method and the address that write."""
        return self.update_method or "POST", self.address or ""

    @property
    def of_gitlab(self) -> bool:
        """http: whether it is one of GitLab's managed Terraform states, by its address."""
        return (self.address or "") == gitlab_state(self.address or "")

    def _locking(self, method: str | None, address: str | None, *, here: str, gitlab: str) -> tuple[str, str]:
        """As it is declared; else the address of the state itself (Terraform does not lock then; this tool always
        does), or what GitLab has for its managed states, which locks at `<address>/lock`."""
        state = self.address or ""
        if address is None and self.of_gitlab:
            return method or gitlab, f"{state}/lock"
        return method or here, address or state


def file_of(environment: str) -> str:
    """file: where it is kept, unless `path` says; below the folder of the project file, with `/`."""
    return f".kiamo/{environment}.ledger.jsonl"


def backup_file_of(environment: str) -> str:
    """http and git: where a copy is kept that could not be written to the remote."""
    return f".kiamo/{environment}.ledger.rescue.json"


def gitlab_state(address: str) -> str | None:
    """The managed Terraform state of GitLab that an address is of, or lies below."""
    found = _GITLAB_STATE.fullmatch(address)
    return found[1] if found is not None else None

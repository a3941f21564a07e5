"""Who holds the lock of a ledger: as JSON beside it, as Terraform's lock info, and in the words of an error."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self
from uuid import uuid4

from kiamo_iac import __version__
from kiamo_iac.errors import KiamoIacError, LockedError, TransportError
from kiamo_iac.ledger.entry import dump, load
from kiamo_iac.secret import redact

_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 5.0


@dataclass(frozen=True, slots=True)
class Holder:
    """One run that holds a lock."""

    id: str
    """Given to the lock when it was taken; whoever breaks it has to name it."""
    who: str
    host: str = ""
    pid: int = 0
    since: str = ""
    """RFC 3339, UTC, to the second."""
    operation: str = ""
    """The command, such as `apply`."""

    @classmethod
    def of_this_process(cls, who: str, operation: str) -> Self:
        """One that holds a lock from now on."""
        return cls(str(uuid4()), redact(who), socket.gethostname(), os.getpid(), utc_now(), operation)

    def __str__(self) -> str:
        what = f" for {self.operation}" if self.operation else ""
        pid = f" (process {self.pid})" if self.pid else ""
        since = f" since {self.since}" if self.since else ""
        return f"{self._person}{pid}{what}{since}, lock {self.id or '(unknown)'}"

    @property
    def _person(self) -> str:
        host = f"@{self.host}" if self.host and "@" not in self.who else ""
        return f"{self.who or 'another run'}{host}"

    def as_json(self) -> str:
        """What is kept beside a lock."""
        return dump(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """The holder that `text` names, or None: it is only told, so nothing depends on it."""
        try:
            data = load(text)
            fields = {key: data[key] for key in ("id", "who", "host", "pid", "since", "operation")}
        except (ValueError, KeyError, TypeError):
            return None
        pid = fields.pop("pid")
        if type(pid) is not int or any(type(value) is not str for value in fields.values()):
            return None
        return cls(pid=pid, **fields)

    def lock_info(self, path: str) -> dict[str, str]:
        """Terraform's `LockInfo` (its `statemgr` package): every key, for GitLab takes no less."""
        return {
            "ID": self.id,
            "Operation": self.operation,
            "Info": f"kiamo-iac, process {self.pid}",
            "Who": self._person,
            "Version": __version__,
            "Created": self.since,
            "Path": path,
        }

    @classmethod
    def from_lock_info(cls, data: Any) -> Self:
        """The holder that an answer 423 or 409 names. Only id, person and time are taken: for the rest, GitLab repeats
        what was asked (its `lib/api/terraform/state.rb`)."""
        info: Mapping[str, Any] = data if isinstance(data, dict) else {}
        found = {key: value if isinstance(value := info.get(key), str) else "" for key in ("ID", "Who", "Created")}
        return cls(found["ID"], found["Who"], since=found["Created"])

    def locked(self, ledger: str, *, environment: str) -> LockedError:
        """The error for a lock that this run holds."""
        identity = self.id or "ID"
        return LockedError(
            f"The ledger {ledger} is locked by {redact(str(self))}.",
            hint="let that run end, or wait for it with --lock-timeout SECONDS; "
            f"if it died, give its lock up with: kiamo-iac ledger unlock -e {environment} {identity}",
        )


def utc_now() -> str:
    """The time as RFC 3339, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def take(
    attempt: Callable[[], Holder | None],
    *,
    timeout: float,
    refused: Callable[[Holder], LockedError],
    give_back: Callable[[], object] = lambda: None,
    longest: float = _LONGEST_WAIT,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Attempt until it answers None: the lock is ours. Otherwise it names who holds it, for `timeout` seconds at most.

    Raises:
        LockedError: it was held all the time.
        TransportError: of an attempt. It may have taken the lock all the same, which nobody would ever give back: so
            `give_back` is called before.
    """
    end, wait = time.monotonic() + timeout, _FIRST_WAIT
    try:
        while (holder := attempt()) is not None:
            left = end - time.monotonic()
            if left <= 0:
                raise refused(holder)
            pause(min(wait, left))
            wait = min(2 * wait, longest)
    except TransportError:
        with suppress(KiamoIacError):
            give_back()
        raise

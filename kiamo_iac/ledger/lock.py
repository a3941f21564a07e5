"""Lock info: which run holds the lock of a ledger, as JSON, as Terraform's lock info and in messages."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, Self
from uuid import uuid4

from kiamo_iac import __version__
from kiamo_iac.core.errors import KiamoIacError, LedgerError, LockedError, TransportError, UsageError
from kiamo_iac.core.printable import printable, quote, shell_word
from kiamo_iac.core.secret import redact
from kiamo_iac.core.strict_json import decode_json
from kiamo_iac.ledger.entry import dump

_REMINDER: Final = 30.0
"""Seconds after which a wait for a lock is shown again."""
_FIRST_WAIT: Final = 0.05
_LONGEST_WAIT: Final = 5.0
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,127}")
"""Ids as kiamo-iac and Terraform give them (UUIDs), and other ids that no shell has to quote."""
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2}))?"
)
"""As Go, Rails and kiamo-iac write one."""
_LONGEST: Final = 80
"""Characters of a person, a host or an id in a message."""
_LARGEST_PID: Final = 2**32


@dataclass(frozen=True, slots=True)
class LockInfo:
    """A run that holds a lock. Values that come from another run are bounded and escaped when they are shown."""

    id: str
    """Created with the lock, and needed to break it. As it was read; empty: unknown."""
    who: str
    host: str = ""
    pid: int = 0
    since: str = ""
    """RFC 3339, UTC, to the second."""
    operation: str = ""
    """The command, such as `apply`."""

    @classmethod
    def of_this_process(cls, who: str, operation: str) -> Self:
        """The info of a lock that this process takes now."""
        return cls(str(uuid4()), redact(who), socket.gethostname(), os.getpid(), utc_now(), operation)

    def __str__(self) -> str:
        what = f" for {printable(self.operation, _LONGEST)}" if self.operation else ""
        pid = f" (process {self.pid})" if self.pid else ""
        since = f" since {self.since}" if _TIME.fullmatch(self.since) else ""
        return f"{self._person}{pid}{what}{since}, lock {self._shown_id}"

    @property
    def name(self) -> str:
        """The id, where it is one; else its digest, which `ledger unlock` accepts too. Empty: unknown."""
        if not self.id or _ID.fullmatch(self.id):
            return self.id
        return f"sha256-{sha256(self.id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"

    @property
    def _shown_id(self) -> str:
        if self.name == self.id:
            return self.id or "(unknown)"
        return f'"{printable(self.id, _LONGEST)}" ({self.name})'

    @property
    def _person(self) -> str:
        host = f"@{printable(self.host, _LONGEST)}" if self.host and "@" not in self.who else ""
        return f"{printable(self.who, _LONGEST) or 'another run'}{host}"

    def as_json(self) -> str:
        """The JSON that is stored with a lock."""
        return dump(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """The holder that `text` names, or None; used in messages only."""
        try:
            data = decode_json(text)
            fields = {key: data[key] for key in ("id", "who", "host", "pid", "since", "operation")}
        except (ValueError, KeyError, TypeError):
            return None
        pid = fields.pop("pid")
        if type(pid) is not int or any(type(value) is not str for value in fields.values()):
            return None
        return cls(pid=pid if 0 < pid < _LARGEST_PID else 0, **fields)

    def as_terraform(self, path: str) -> dict[str, str]:
        """Terraform's `LockInfo` (its `statemgr` package): with every key, as GitLab requires."""
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
    def from_terraform(cls, data: Any) -> Self:
        """The holder that a response 423 or 409 names. Only id, person and time are read: for the rest, GitLab repeats
        the request (its `lib/api/terraform/state.rb`)."""
        info: Mapping[str, Any] = data if isinstance(data, dict) else {}
        found = {key: value if isinstance(value := info.get(key), str) else "" for key in ("ID", "Who", "Created")}
        return cls(found["ID"], found["Who"], since=found["Created"])

    def locked_error(self, ledger: str, *, environment: str) -> LockedError:
        """The error for a lock that the run of this info holds."""
        return LockedError(
            f"The ledger {ledger} is locked by {redact(str(self))}.",
            hint="wait for that run to end, or pass --lock-timeout SECONDS; "
            f"if it died, {self.how_to_release(environment)}",
        )

    def how_to_release(self, environment: str) -> str:
        """How to release its lock, as a hint: a command that is safe to paste into a shell, or another way."""
        if not self.name:
            return (
                "find the lock id in its output, or remove the lock at the backend (GitLab: Operate > Terraform states)"
            )
        return f"release its lock: kiamo-iac ledger unlock -e {shell_word(environment, 'ENV')} {self.name}"


class LostLockError(LedgerError):
    """The lock of the ledger is not this run's any more: another run holds it, or it was released."""

    @classmethod
    def by(cls, holder: LockInfo | None) -> Self:
        """`holder`: who holds it now; None: no run. The message is a clause."""
        how = f"it is held by {redact(str(holder))}" if holder is not None else "it was released, or has expired"
        hint = "check which run holds the lock, and that none is active, before you run apply again"
        return cls(f"its lock was lost: {how}", hint=hint)


def file_lock_error() -> LostLockError:
    """The error for a lock of the file backend that is not held any more. The message is a clause."""
    hint = "check that no other run is active before you run apply again"
    return LostLockError("its lock was lost: the lock file was removed or replaced", hint=hint)


def utc_now() -> str:
    """The time as RFC 3339, UTC, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def acquire(
    attempt: Callable[[], LockInfo | None],
    *,
    timeout: float,
    locked_error: Callable[[LockInfo], LockedError],
    release: Callable[[], object] = lambda: None,
    unreleased: str = "",
    longest: float = _LONGEST_WAIT,
    pause: Callable[[float], object] = time.sleep,
    show: Callable[[str], object] = lambda _: None,
) -> None:
    """Call `attempt` until it returns None (this run has the lock) and not the holder, for at most `timeout` seconds.
    `show` receives a line when the wait begins, and then each half minute.

    Raises:
        LockedError: the lock was held all the time; made by `locked_error`.
        TransportError: an attempt failed. If it may have taken the lock all the same, `release` is called before; where
            that fails, the hint has `unreleased`.
    """
    end, wait = time.monotonic() + timeout, _FIRST_WAIT
    shown: float | None = None
    try:
        while (other := attempt()) is not None:
            left = end - time.monotonic()
            if left <= 0:
                raise locked_error(other)
            if shown is None or shown - left >= _REMINDER:
                show(f"waiting up to {max(round(left), 1)} s for the lock: it is held by {redact(str(other))}")
                shown = left
            pause(min(wait, left))
            wait = min(2 * wait, longest)
    except TransportError as error:
        try:
            if error.sent:
                release()
        except KiamoIacError:
            error.hint = "; ".join(filter(None, (error.hint, unreleased)))
        raise


def checked_id(info: LockInfo | None, lock_id: str, *, shown: str) -> LockInfo:
    """`info`, once `lock_id` is its id.

    Raises:
        UsageError: no run holds the lock, or it has another id.
    """
    if info is None:
        msg = f"The ledger {shown} is not locked."
        raise UsageError(msg)
    if not lock_id or lock_id not in {info.id, info.name}:
        msg = f"The lock of the ledger {shown} is not {quote(lock_id)}: it is held by {info}."
        raise UsageError(msg, hint="make sure that the run has died, then pass the id of its lock")
    return info

"""The ledger behind Terraform's HTTP state protocol, such as GitLab's managed states.

Known from the source of Terraform (`internal/backend/remote-state/http`) and of GitLab (`lib/api/terraform/state.rb`):
the methods, the status codes, the lock info and `?ID=` on writes; GitLab wants a `serial` that it has not seen, and
every key of the lock info. Assumed of other servers: that they keep a document of Terraform's state format as it came.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from kiamo_iac.core.errors import KiamoIacError, LedgerError, TransportError
from kiamo_iac.core.ledger_settings import HttpSettings
from kiamo_iac.core.printable import printable
from kiamo_iac.core.strict_json import decode_json
from kiamo_iac.http.message import Request, Send
from kiamo_iac.http.retry import PASSING
from kiamo_iac.ledger.content import Content
from kiamo_iac.ledger.document import RemoteContent, document_text, parse_document, read_json, revision_of
from kiamo_iac.ledger.errors import corruption_error
from kiamo_iac.ledger.lock import LockInfo, LostLockError, acquire
from kiamo_iac.ledger.opening import LedgerContext
from kiamo_iac.ledger.remote import RemoteAccess

_OUTPUT: Final = "kiamo_iac"
_STATE_VERSION: Final = 4
"""Of Terraform's state format, since Terraform 0.12."""
_HELD: Final = frozenset({409, 423})
_HEADERS: Final = {"Content-Type": "application/json"}
_DONE: Final = frozenset({200, 201, 204})
_LARGEST_RESULT: Final = 64 * 1024
"""Bytes of the response to a lock, an unlock or a write: lock info is less than 1 kB."""
_SUCCESS_WORDS: Final = re.compile(
    rb"\s*(?:ok|okay|yes|true|done|success|successful|locked|unlocked|saved|stored|created|updated|accepted)[.!]?\s*",
    re.IGNORECASE,
)
"""Bodies of success of small servers. Not any word: `Unauthorized` is one too."""
_ERROR_KEYS: Final = ("error", "errors", "error_description")
_SUCCESS_KEYS: Final = ("success", "ok")
"""Keys by which servers and proxies that always return 200 report a failed call."""
_LONGEST: Final = 200
_NO_STATE: Final = (
    "check the address of the ledger, and that this run can reach it and is authorized: the response may be that of a "
    "login page or a proxy"
)


def state_document(content: Content) -> bytes:
    """The ledger as the one output, a text, of a Terraform state without resources."""
    state = {
        "version": _STATE_VERSION,
        "terraform_version": "0.0.0",
        "serial": content.serial,
        "lineage": content.lineage,
        "outputs": {_OUTPUT: {"value": document_text(content), "type": "string"}},
        "resources": [],
    }
    return json.dumps(state, ensure_ascii=False, separators=(",", ":")).encode()


def content_of_state(body: bytes, shown: str, *, environment: str | None) -> Content:
    """The ledger in a state that `shown` holds.

    Raises:
        LedgerError: it is damaged, of another version or environment, or a state of something else.
    """
    try:
        state: Any = read_json(body.decode(), shown)
    except UnicodeDecodeError:
        raise corruption_error(shown, "it is not UTF-8") from None
    try:
        text = state["outputs"][_OUTPUT]["value"]
    except (KeyError, TypeError, IndexError):
        raise corruption_error(shown, "the state there is not a ledger; it may belong to another tool") from None
    if not isinstance(text, str):
        raise corruption_error(shown, "its output must be a string")
    return parse_document(text, shown, environment=environment)


def http_access(settings: HttpSettings, context: LedgerContext) -> RemoteAccess:
    """The access to a ledger behind this protocol.

    Raises:
        LedgerError: the settings name no address.
        ValueError: the context has no `send`.
    """
    if context.send is None:
        msg = "the http backend needs `send`"
        raise ValueError(msg)
    backend = HttpBackend(
        settings,
        environment=context.environment,
        expected=context.expected_environment,
        send=context.send,
        pause=context.interruption.wait,
        show=context.show,
    )
    return RemoteAccess(backend, context)


class HttpBackend:
    """A state of its own on such a server."""

    hides_lock_id = True
    source = None

    def __init__(
        self,
        settings: HttpSettings,
        *,
        environment: str,
        expected: str | None,
        send: Send,
        pause: Callable[[float], object] = time.sleep,
        show: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`expected`: the environment that the ledger must be of; None: any. `pause`: waits that many seconds between
        two attempts to lock.

        Raises:
            LedgerError: the settings name no address.
        """
        if not settings.address:
            msg = f'The ledger of "{environment}" has no address.'
            raise LedgerError(msg, hint="write ledger: {backend: http, address: https://…} in the project file")
        self.shown = settings.address
        self._address = settings.address
        self._settings = settings
        self._environment = environment
        self._expected = expected
        self._send = send
        self._pause = pause
        self._show = show
        self._held: LockInfo | None = None
        self._sent: set[str] = set()
        """Revisions that this run has sent: one may have been stored although its call seemed to fail."""

    def lock(self, info: LockInfo, *, timeout: float) -> None:
        """Take the lock.

        Raises:
            LockedError: another run holds it.
            LedgerError: the server does not lock there, or refuses to.
            ApiError: it gave no usable response.
        """
        acquire(
            lambda: self._attempt(info),
            timeout=timeout,
            locked_error=lambda other: other.locked_error(self.shown, environment=self._environment),
            release=lambda: self.break_lock(info),
            unreleased=f"this run may hold the lock: {info.how_to_release(self._environment)}",
            pause=self._pause,
            show=self._show,
        )
        self._held = info

    def unlock(self) -> None:
        """Release the lock.

        Raises:
            LedgerError: the server refuses.
            ApiError: it gave no usable response.
        """
        if self._held is not None:
            self.break_lock(self._held)
            self._held = None

    def lock_info(self) -> LockInfo | None:
        """Who holds the lock: the protocol shows it only when a run asks for the lock.

        Raises:
            LedgerError, ApiError: as `lock`.
        """
        asking = LockInfo.of_this_process("kiamo-iac", "unlock")
        other = self._attempt(asking)
        if other is None:
            self.break_lock(asking)
        return other

    def break_lock(self, info: LockInfo) -> None:
        """Unlock with the id of `info`.

        Raises:
            LedgerError: the server refuses, for instance because another run holds the lock.
            ApiError: it gave no usable response.
        """
        method, address = self._settings.unlock
        status, body = self._call(method, address, body=json.dumps(info.as_terraform(self._address)).encode())
        if status not in _DONE:
            raise self._refused(f"{method} {address}", status, body)
        self._result(f"{method} {address}", status, body)

    def read(self) -> RemoteContent | None:
        """What the state holds; 404, 204 and an empty body are none.

        Raises:
            LedgerError: it cannot be read, is damaged, or is not this environment's.
            ApiError: the server gave no usable response.
        """
        status, body = self._call("GET", self._address)
        if status in {204, 404} or (status == 200 and not body.strip()):
            return None
        if status != 200:
            raise self._refused(f"GET {self._address}", status, body)
        if _is_page(body):
            raise corruption_error(self.shown, "the response is a web page", hint=_NO_STATE)
        content = content_of_state(body, self.shown, environment=self._expected)
        return RemoteContent(content, revision_of(content))

    def write(self, content: Content, *, expected: str | None) -> str | None:
        """The protocol has no compare-and-swap, so the state is read before; the lock keeps other runs out.

        Raises:
            LostLockError: the server refuses, for this run does not hold the lock any more.
            LedgerError: the server refuses.
            ApiError: it gave no usable response.
        """
        found, new = self.read(), revision_of(content)
        there = found.revision if found is not None else None
        if there == new:
            return new
        if there != expected and there not in self._sent:
            return None
        self._sent.add(new)
        method, address = self._settings.update
        if self._held is not None:
            address += f"{'&' if '?' in address else '?'}ID={quote(self._held.id, safe='')}"
        status, body = self._call(method, address, body=state_document(content))
        if status in _HELD and self._held is not None:
            self._check_lock(self._held)
        if status not in _DONE:
            raise self._refused(f"{method} {self._address}", status, body)
        self._result(f"{method} {self._address}", status, body)
        return new

    def _check_lock(self, held: LockInfo) -> None:
        """Return if the lock is held still, as far as the server says.

        Raises:
            LostLockError: another run holds it, or none.
            LedgerError, ApiError: as `lock_info`.
        """
        holder = self.lock_info()
        if holder is None or holder.id not in {"", held.id}:
            self._held = None
            raise LostLockError.by(holder)

    def _attempt(self, info: LockInfo) -> LockInfo | None:
        """Ask for the lock once: None when this run has it, else who holds it."""
        method, address = self._settings.lock
        status, body = self._call(method, address, body=json.dumps(info.as_terraform(self._address)).encode())
        if status in _DONE:
            other = LockInfo.from_terraform(self._result(f"{method} {address}", status, body))
            return other if other.id and other.id != info.id else None
        if status not in _HELD:
            raise self._refused(f"{method} {address}", status, body, locking=True)
        try:
            other = LockInfo.from_terraform(decode_json(body.decode()))
        except ValueError:
            other = LockInfo("", "")
        return None if other.id == info.id else other

    def _result(self, call: str, status: int, body: bytes) -> Any:
        """The JSON in the response to a successful call; None for an empty body, or a word such as OK. Content types
        are not considered: there are servers that send text/html for all of them.

        Raises:
            LedgerError: the response is not that of a state server, or reports a failure.
        """
        if not body.strip() or _SUCCESS_WORDS.fullmatch(body):
            return None
        try:
            if len(body) <= _LARGEST_RESULT and not _is_failure(data := decode_json(body.decode("utf-8-sig"))):
                return data
        except ValueError:
            pass
        msg = f"{call} returned {status}, but the response is not that of a state server{_excerpt(body)}."
        raise LedgerError(msg, hint=_NO_STATE)

    def _call(self, method: str, url: str, *, body: bytes | None = None) -> tuple[int, bytes]:
        headers: Mapping[str, str] = _HEADERS if body is not None else {}
        response = self._send(Request(method, url, headers, body))
        return response.status, response.body

    def _refused(self, call: str, status: int, body: bytes, *, locking: bool = False) -> KiamoIacError:
        message = f"{call} returned {status}{_excerpt(body)}."
        match status:
            case _ if status in PASSING:
                return TransportError(message, sent=True, hint="try again later")
            case 401 | 403:
                hint = "check KIAMO_<ENV>_LEDGER_USERNAME and _PASSWORD, and that they may write and lock the state"
            case 404 | 405 | 501 if locking:
                hint = "the server does not lock at that address: set lock_address, unlock_address and their methods"
            case 409 | 423:
                hint = "this run no longer holds the lock: check which run does before you run apply again"
            case 413:
                hint = "the server limits the size of a state: raise that limit"
            case _ if 300 <= status < 400:
                hint = "redirects are not followed: set the final address of the ledger"
            case _:
                hint = "check the address of the ledger"
        return LedgerError(message, hint=hint)


def _is_failure(data: Any) -> bool:
    """Whether JSON reports a failure: `false`, an object with an error, or one whose success is false."""
    if not isinstance(data, dict):
        return data is False
    return any(data.get(key) for key in _ERROR_KEYS) or any(data.get(key) is False for key in _SUCCESS_KEYS)


def _excerpt(body: bytes) -> str:
    """The beginning of a text, for a message; nothing of JSON or of a page."""
    text = printable(body[:2000].decode("utf-8", "replace"), _LONGEST)
    if _is_page(body):
        return ": a web page"
    return f': "{text}"' if text and text[0] not in "{[" else ""


def _is_page(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"

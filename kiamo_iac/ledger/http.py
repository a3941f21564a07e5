"""The ledger behind Terraform's HTTP state protocol, such as GitLab's managed states.

Known from the source of Terraform (`internal/backend/remote-state/http`) and of GitLab (`lib/api/terraform/state.rb`):
the methods, the status codes, the lock info and `?ID=` on writes; GitLab wants a `serial` that it has not seen, and
every key of the lock info. Assumed of other servers: that they keep a document of Terraform's state format as it came.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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
from kiamo_iac.ledger.lock import LockInfo, acquire
from kiamo_iac.ledger.opening import LedgerContext
from kiamo_iac.ledger.remote import RemoteAccess

_OUTPUT: Final = "kiamo_iac"
_STATE_VERSION: Final = 4
"""Of Terraform's state format, since Terraform 0.12."""
_HELD: Final = frozenset({409, 423})
_HEADERS: Final = {"Content-Type": "application/json"}
_DONE: Final = frozenset({200, 201, 204})
_LARGEST_ANSWER: Final = 64 * 1024
"""Bytes of an answer to a lock, an unlock or a write: lock info is less than 1 kB."""
_YES: Final = re.compile(
    rb"\s*(?:ok|okay|yes|true|done|success|successful|locked|unlocked|saved|stored|created|updated|accepted)[.!]?\s*",
    re.IGNORECASE,
)
"""What small servers say in place of nothing. `Unauthorized` is a word too."""
_ERRORS: Final = ("error", "errors", "error_description")
_SUCCESSES: Final = ("success", "ok")
"""Keys by which servers and proxies that answer 200 to everything say that a call failed."""
_LONGEST: Final = 200
_NO_STATE: Final = (
    "the server there stores no states; it may be a login page or a proxy: check the address of the ledger, and that "
    "this run can reach it and is authorized"
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


def content_of_state(body: bytes, shown: str, *, environment: str) -> Content:
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
        raise corruption_error(shown, "its output is not text")
    return parse_document(text, shown, environment=environment)


def http_access(settings: HttpSettings, context: LedgerContext) -> RemoteAccess:
    """The access to a ledger behind this protocol.

    Raises:
        LedgerError: the settings name no address.
        ValueError: the context has nothing that makes calls.
    """
    if context.send is None:
        msg = "the http backend needs something that makes its calls"
        raise ValueError(msg)
    return RemoteAccess(HttpBackend(settings, environment=context.environment, send=context.send), context)


class HttpBackend:
    """A state of its own on such a server."""

    hides_lock_id = True

    def __init__(self, settings: HttpSettings, *, environment: str, send: Send) -> None:
        """
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
        self._send = send
        self._held: LockInfo | None = None
        self._sent: set[str] = set()
        """What this run has sent: it may have arrived although its call seemed to fail."""

    def lock(self, info: LockInfo, *, timeout: float) -> None:
        """Take the lock.

        Raises:
            LockedError: another run holds it.
            LedgerError: the server does not lock there, or refuses to.
            ApiError: it gave no usable answer.
        """
        acquire(
            lambda: self._attempt(info),
            timeout=timeout,
            refused=lambda other: other.locked_error(self.shown, environment=self._environment),
            release=lambda: self.break_lock(info),
        )
        self._held = info

    def unlock(self) -> None:
        """Give the lock back.

        Raises:
            LedgerError: the server refuses.
            ApiError: it gave no usable answer.
        """
        if self._held is not None:
            self.break_lock(self._held)
            self._held = None

    def lock_info(self) -> LockInfo | None:
        """Who holds the lock: the protocol tells only by refusing it to another run.

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
            ApiError: it gave no usable answer.
        """
        method, address = self._settings.unlock
        status, body = self._call(method, address, body=json.dumps(info.as_terraform(self._address)).encode())
        if status not in _DONE:
            raise self._refused(f"{method} {address}", status, body)
        self._understood(f"{method} {address}", status, body)

    def read(self) -> RemoteContent | None:
        """What the state holds; 404, 204 and an empty body are none.

        Raises:
            LedgerError: it cannot be read, is damaged, or is not this environment's.
            ApiError: the server gave no usable answer.
        """
        status, body = self._call("GET", self._address)
        if status in {204, 404} or (status == 200 and not body.strip()):
            return None
        if status != 200:
            raise self._refused(f"GET {self._address}", status, body)
        if _is_page(body):
            raise corruption_error(self.shown, "the response is a web page", hint=_NO_STATE)
        content = content_of_state(body, self.shown, environment=self._environment)
        return RemoteContent(content, revision_of(content))

    def write(self, content: Content, *, expected: str | None) -> str | None:
        """The protocol has no compare-and-swap, so the state is read before; the lock keeps other runs out.

        Raises:
            LedgerError: the server refuses.
            ApiError: it gave no usable answer.
        """
        found, mine = self.read(), revision_of(content)
        there = found.revision if found is not None else None
        if there == mine:
            return mine
        if there != expected and there not in self._sent:
            return None
        self._sent.add(mine)
        method, address = self._settings.update
        if self._held is not None:
            address += f"{'&' if '?' in address else '?'}ID={quote(self._held.id, safe='')}"
        status, body = self._call(method, address, body=state_document(content))
        if status not in _DONE:
            raise self._refused(f"{method} {self._address}", status, body)
        self._understood(f"{method} {self._address}", status, body)
        return mine

    def _attempt(self, info: LockInfo) -> LockInfo | None:
        """Ask for the lock once: None when this run has it, else who holds it."""
        method, address = self._settings.lock
        status, body = self._call(method, address, body=json.dumps(info.as_terraform(self._address)).encode())
        if status in _DONE:
            other = LockInfo.from_terraform(self._understood(f"{method} {address}", status, body))
            return other if other.id and other.id != info.id else None
        if status not in _HELD:
            raise self._refused(f"{method} {address}", status, body, locking=True)
        try:
            other = LockInfo.from_terraform(decode_json(body.decode()))
        except ValueError:
            other = LockInfo("", "")
        return None if other.id == info.id else other

    def _understood(self, call: str, status: int, body: bytes) -> Any:
        """What a server of states says when it has done as asked: nothing, JSON, or one word such as OK. The body
        decides: there are servers that call all of them text/html.

        Raises:
            LedgerError: something else answers there, which does not say that it did as asked, or says that it did not.
        """
        if not body.strip() or _YES.fullmatch(body):
            return None
        try:
            if len(body) <= _LARGEST_ANSWER and not _is_refusal(said := decode_json(body.decode("utf-8-sig"))):
                return said
        except ValueError:
            pass
        raise LedgerError(f"{call} returned {status}, but not as a server of states does{_said(body)}.", hint=_NO_STATE)

    def _call(self, method: str, url: str, *, body: bytes | None = None) -> tuple[int, bytes]:
        headers: Mapping[str, str] = _HEADERS if body is not None else {}
        response = self._send(Request(method, url, headers, body))
        return response.status, response.body

    def _refused(self, call: str, status: int, body: bytes, *, locking: bool = False) -> KiamoIacError:
        message = f"{call} returned {status}{_said(body)}."
        match status:
            case _ if status in PASSING:
                return TransportError(message, sent=True, hint="try again later")
            case 401 | 403:
                hint = "check KIAMO_<ENV>_LEDGER_USERNAME and _PASSWORD, and that they may write and lock the state"
            case 404 | 405 | 501 if locking:
                hint = "the server does not lock at that address: set lock_address, unlock_address and their methods"
            case 409 | 423:
                hint = "this run no longer holds the lock: check who does before you run anything again"
            case 413:
                hint = "the server limits the size of a state: raise that limit"
            case _ if 300 <= status < 400:
                hint = "redirects are not followed: set the final address of the ledger"
            case _:
                hint = "check the address of the ledger"
        return LedgerError(message, hint=hint)


def _is_refusal(said: Any) -> bool:
    """Whether JSON says no, whatever its status: `false`, an object with an error, or one whose success is false."""
    if not isinstance(said, dict):
        return said is False
    return any(said.get(key) for key in _ERRORS) or any(said.get(key) is False for key in _SUCCESSES)


def _said(body: bytes) -> str:
    """The first words of a text; of JSON and pages nothing."""
    text = printable(body[:2000].decode("utf-8", "replace"), _LONGEST)
    if _is_page(body):
        return ": a web page"
    return f': "{text}"' if text and text[0] not in "{[" else ""


def _is_page(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<"

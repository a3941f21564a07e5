"""Reads an instance as a plan would, call by call, and goes on after each failure; only calls that read are made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Protocol

from pydantic import JsonValue

from kiamo_iac.api.client import Client, Ids
from kiamo_iac.api.doctor.examination import CheckOutcome, ContractPatch, Findings
from kiamo_iac.api.doctor.rows import KindSightings, Parent, counted, made_with_parent
from kiamo_iac.api.further_pages import next_link, says_whole
from kiamo_iac.api.listing import listed, with_sources
from kiamo_iac.api.response import MISSING, ApiResponse, dig
from kiamo_iac.contract.collection.matching import rows_path
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.errors import (
    AccessError,
    ApiError,
    BudgetError,
    BusyError,
    RefusedError,
    ResponseError,
    TransportError,
)
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.printable import printable
from kiamo_iac.core.resource import Resource
from kiamo_iac.core.state import RemoteId
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.http.message import Response
from kiamo_iac.resources import kinds

PARENTS: Final = 20
"""Objects of a kind whose children are listed."""
ATTEMPTS: Final = 3
"""Of a call that gets no response: a visit reports it, and an apply waits for it."""
_READS: Final = 3
"""Objects of a kind that are read."""
_UNANSWERED: Final = 2
"""Calls without a usable response, after which no other is made: each may take as long as a call may."""
_ROUND: Final = frozenset({10, 20, 25, 30, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000})
"""Usual sizes of a page."""


class CallRecorder(Protocol):
    """Keeps what calls answer."""

    def __call__(self, kind: str, operation: str, status: int, data: Any, *, is_followed: bool) -> object:
        """A response has come; `data`: its JSON, None where it is not JSON. `is_followed`: as `next_link` finds."""


@dataclass(slots=True)
class InstanceVisit:
    """One visit. The client hands each response to `watch`."""

    contract: Contract
    findings: Findings
    record: CallRecorder | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    responses: list[Response] = field(default_factory=list)
    """Of the call that is made now."""
    calls: int = 0
    seen: dict[str, KindSightings] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    skew: float | None = None
    _unanswered: int = 0
    """Calls that no usable response came to."""
    _ended: str | None = None
    """Why no further call is made."""
    statuses: dict[str, list[int | None]] = field(default_factory=dict)
    """Kind → how its lists were answered; None: without JSON."""
    _parents: dict[str, list[Parent]] = field(default_factory=dict)
    """Kind → the objects whose list was read."""
    failure: ApiError | None = None

    def watch(self, response: Response) -> None:
        """Take note of a response."""
        self.calls += 1
        self.responses.append(response)
        if (sent := response.headers.get("date")) is not None:
            try:
                at = parsedate_to_datetime(sent)
            except (ValueError, OverflowError):
                return
            at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
            self.skew = (at - self.now()).total_seconds()

    def visit(self, client: Client) -> None:
        """Make all calls, and judge what they show."""
        for kind in kinds().values():
            if kind.kind in self.contract.kinds:
                self.seen[kind.kind] = KindSightings(self.contract, kind)
                if "list" in self.contract.kinds[kind.kind].operations:
                    self._lists(client, kind)
                    self._reads(client, kind)
        self._absent(client)
        for sightings in self.seen.values():
            sightings.judge(self.findings)
            sightings.judge_references(self.findings, self.seen)
            sightings.describe(self.findings)
            made_with_parent(self.findings, sightings, self._parents.get(sightings.kind.kind, ()))

    # --- lists -------------------------------------------------------------------------------------------------------

    def _lists(self, client: Client, kind: type[Resource]) -> None:
        stanza, name = self.contract.kinds[kind.kind], f"list of {kind.collection}"
        parents: list[Parent] = [None]
        if stanza.listed_by_parent:
            above = self.seen[stanza.parent or ""].objects if stanza.parent in self.seen else []
            parents = list(dict.fromkeys(each.remote_id for each in above))
            if not parents:
                self._leave_list(kind, why := f"no {stanza.parent} was seen")
                self.findings.check(name, CheckOutcome.SKIPPED, why)
                return
        total, sightings, begun = len(parents), self.seen[kind.kind], self.calls
        failures: list[ApiError] = []
        for parent in _spread(parents, PARENTS):
            if self._is_ended():
                break
            error = self._list(client, kind, parent)
            if error is not None:
                failures.append(error)
                if isinstance(error, RefusedError) and error.status != 404:
                    break
        of = ""
        if stanza.listed_by_parent and stanza.parent is not None:
            of = f" below {sightings.lists} of {total} {kinds()[stanza.parent].collection}"
        if failures and self.calls:
            outcome = CheckOutcome.NOTE if isinstance(failures[0], AccessError) else CheckOutcome.FAILED
            text = str(failures[0]).rstrip(".")
            text += f" (all the same, {counted(sightings.rows, 'object')} read)" if sightings.rows else ""
            self.findings.check(name, outcome, text, failures[0].hint)
        elif sightings.lists:
            text = f"{counted(sightings.rows, 'object')}{of}, {counted(self.calls - begun, 'response')}"
            self.findings.check(name, CheckOutcome.OK, text)
        else:
            self.findings.check(name, CheckOutcome.SKIPPED, self._ended or "not read")

    def _list(self, client: Client, kind: type[Resource], parent: Parent) -> ApiError | None:
        """Read one list; the error that ended it. Where only the place of its rows is another, it is read again, with
        the rows where they are, so that the rest is seen too."""
        at, begun = f"kinds.{kind.kind}", self.seen[kind.kind].rows
        error = failed = self._read_list(client, kind, parent)
        self.statuses.setdefault(kind.kind, []).append(self._status())
        if isinstance(error, ResponseError) and error.entry == ("listing", "items") and self.responses:
            rows_at = rows_path(_parsed(self.responses[-1]))
            if rows_at is not None:
                patch = ContractPatch((*at.split("."), "listing", "items"), rows_at[0])
                self.findings.contradict(f"{at}.listing", str(error).rstrip("."), patch)
                client.contract = _with_rows_at(client.contract, kind.kind, rows_at[0])
                failed = self._read_list(client, kind, parent)
        if failed is not None:
            self._judge_list_error(kind, failed)
            return failed
        rows = self.seen[kind.kind].rows - begun
        self.seen[kind.kind].lists += 1
        self._parents.setdefault(kind.kind, []).append(parent)
        self.findings.confirm(f"{at}.operations.list", "it is answered")
        if rows:
            self.findings.confirm(f"{at}.listing", counted(rows, "row"))
        else:
            self.findings.leave(f"{at}.listing", "the list is empty")
        self._judge_paging(kind, rows)
        return error

    def _read_list(self, client: Client, kind: type[Resource], parent: Parent) -> ApiError | None:
        """Take the rows of one list; the error that ended it."""
        stanza, sightings = self.contract.kinds[kind.kind], self.seen[kind.kind]
        ids: Ids = {} if parent is None or stanza.parent is None else {stanza.parent: parent}
        taken: set[RemoteId] = set()

        def take(item: object, response: ApiResponse) -> tuple[RemoteId, None]:
            found = dig(item, stanza.id.wire)
            remote_id: RemoteId = found if type(found) in {str, int} else f"#{sightings.rows}"
            if remote_id not in taken:  # pages without a total are read twice
                taken.add(remote_id)
                sightings.add_row(item, response, parent)
            return remote_id, None

        with self._call(kind.kind, "list") as error:
            listed(client, kind.kind, ids, take=take, completed=False)
        return error[0] if error else None

    def _judge_list_error(self, kind: type[Resource], error: ApiError) -> None:
        at = f"kinds.{kind.kind}"
        if isinstance(error, ResponseError) and error.entry:
            self.findings.confirm(f"{at}.operations.list", "it is answered")
            self.findings.contradict_entry(kind.kind, error.entry, str(error).rstrip("."))
            return
        if isinstance(error, AccessError):
            self._leave_list(kind, f"the token may not read it ({error.status})")
        elif isinstance(error, RefusedError):
            self._leave_list(kind, f"its list was refused with {error.status}")
        else:
            self._leave_list(kind, "its list was not answered")

    def _leave_list(self, kind: type[Resource], why: str) -> None:
        at = f"kinds.{kind.kind}"
        for key in ("id", "operations.list", "operations.read", "listing", "listing.paging", "listing.detail"):
            self.findings.leave(f"{at}.{key}", why)
        self.findings.leave(f"{at}.names.pattern", why)
        self.findings.leave(f"{at}.names.taken", why)
        self.findings.leave(f"{at}.made_with_parent", why)

    def _judge_paging(self, kind: type[Resource], rows: int) -> None:
        key, listing = f"kinds.{kind.kind}.listing.paging", self.contract.kinds[kind.kind].listing
        data = _parsed(self.responses[0]) if self.responses else None
        if listing.paging.style != "none":
            if len(self.responses) > 1:
                self.findings.confirm(key, f"{counted(len(self.responses), 'page')}, {counted(rows, 'row')}")
            else:
                self.findings.leave(key, f"one page, with {counted(rows, 'row')}")
        elif rows and listing.total is not None:
            self.findings.confirm(key, f'"{listing.total}" counts {rows:,}, as many as there are')
        elif rows and (why := says_whole(data, rows)) is not None:
            self.findings.confirm(key, f"{counted(rows, 'row')}, and {why}")
        elif rows in _ROUND:
            self.findings.leave(key, f"{rows:,} rows, a usual size of a page, and nothing says whether more follow")
        else:
            self.findings.leave(key, f"{counted(rows, 'row')}, and nothing says whether more follow")

    # --- objects -----------------------------------------------------------------------------------------------------

    def _reads(self, client: Client, kind: type[Resource]) -> None:
        stanza, sightings = self.contract.kinds[kind.kind], self.seen[kind.kind]
        if self._is_ended():
            return
        sources = {a.source for a in stanza.attributes.values() if a.source is not None}
        for operation in (*(("read",) if "read" in stanza.operations else ()), *sorted(sources)):
            needs = stanza.parent if stanza.parent in stanza.operations[operation].placeholders() else None
            chosen = _spread([each for each in sightings.objects if needs is None or each.parent is not None], _READS)
            if not chosen:
                self.findings.leave(f"kinds.{kind.kind}.operations.{operation}", f"no {kind.kind} was seen")
            failed: list[ApiError] = []
            made = 0
            for each in chosen:
                if self._is_ended():
                    break
                made += 1
                ids: dict[str, RemoteId] = {"id": each.remote_id}
                if stanza.parent is not None and each.parent is not None:
                    ids[stanza.parent] = each.parent
                if stanza.identity == "name":
                    ids["name"] = each.remote_id
                with self._call(kind.kind, operation) as error:
                    response = client.call(kind.kind, operation, ids)
                    if operation == "read":
                        item = response.item(stanza.item_of("read"))
                        sightings.add_read(each, with_sources(client, kind.kind, item, ids), response)
                    else:
                        self._source(kind, operation, response)
                failed += error
                if error and isinstance(error[0], AccessError):
                    break
            self._judge_reads(kind, operation, made=made, failed=failed)

    def _source(self, kind: type[Resource], operation: str, response: ApiResponse) -> None:
        for name, attribute in self.contract.kinds[kind.kind].attributes.items():
            if attribute.source == operation:
                path = attribute.read or attribute.wire
                key = f"kinds.{kind.kind}.attributes.{name}"
                if dig(response.data, path) is MISSING:
                    self.findings.contradict(key, f'the answer to {operation} has no "{printable(path, 60)}"')
                else:
                    self.findings.confirm(key, f"the answer to {operation} has it")

    def _judge_reads(self, kind: type[Resource], operation: str, *, made: int, failed: list[ApiError]) -> None:
        key, name = f"kinds.{kind.kind}.operations.{operation}", f"{operation} of {kind.collection}"
        if not made:
            return
        if not failed:
            self.findings.confirm(key, f"{made} of {made} answered")
            self.findings.check(name, CheckOutcome.OK, f"{made} of {made} answered")
            return
        error = failed[0]
        access = isinstance(error, AccessError)
        self.findings.check(
            name, CheckOutcome.NOTE if access else CheckOutcome.FAILED, str(error).rstrip("."), error.hint
        )
        if isinstance(error, ResponseError) and error.entry:
            self.findings.contradict_entry(kind.kind, error.entry, str(error).rstrip("."))
        elif isinstance(error, RefusedError) and error.status in {404, 405} and len(failed) == made:
            self.findings.contradict(
                key, f"{len(failed)} of {made} reads of listed objects are answered {error.status}"
            )
        else:
            self.findings.leave(key, "the token may not read it" if access else "it was not answered")

    def _absent(self, client: Client) -> None:
        """Read an object that does not exist."""
        for sightings in self.seen.values():
            kind, stanza = sightings.kind.kind, sightings.stanza
            call = stanza.operations.get("read")
            if call is None or self._is_ended() or not self.statuses.get(kind) or not sightings.lists:
                continue
            ids: dict[str, RemoteId] = {"id": _unused([each.remote_id for each in sightings.objects], stanza.id.type)}
            ids["name"] = ids["id"]
            if stanza.parent is not None and stanza.parent in call.placeholders():
                continue
            with self._call(kind, "read") as error:
                client.call(kind, "read", ids)
            self._judge_absent(kind, error[0] if error else None)
            return
        for key in ("errors", "errors.absent"):
            self.findings.leave(key, "no read of an unknown id was possible")

    def _judge_absent(self, kind: str, error: ApiError | None) -> None:
        name = f"unknown id of a {kind}"
        if error is None:
            self.findings.contradict(
                "errors.absent", f"a read of a {kind} with an unknown id is answered as if it existed"
            )
            self.findings.check(name, CheckOutcome.FAILED, "answered as if it existed")
            return
        if not isinstance(error, RefusedError) or isinstance(error, AccessError):
            self.findings.check(name, CheckOutcome.NOTE, str(error).rstrip("."), error.hint)
            for key in ("errors", "errors.absent"):
                self.findings.leave(key, "a read of an unknown id was not answered by an error of the API")
            return
        code = f" {printable(error.code, 40)}" if error.code else ""
        if error.status == 404:
            self.findings.confirm("errors.absent", f"an unknown id is answered with 404{code}")
            self.findings.check(name, CheckOutcome.OK, f"answered with 404{code}")
        else:
            codes: list[JsonValue] = [*self.contract.errors.absent, error.code]
            patch = ContractPatch(("errors", "absent"), codes) if error.code else None
            self.findings.contradict("errors.absent", f"an unknown id is answered with {error.status}{code}", patch)
            self.findings.check(name, CheckOutcome.FAILED, f"answered with {error.status}{code}")
        self._judge_error_form()

    def _judge_error_form(self) -> None:
        """Whether the last response has code and text where the contract has them."""
        errors = self.contract.errors
        data = _parsed(self.responses[-1]) if self.responses else None
        text = self.responses[-1].body.decode("utf-8", "replace") if self.responses else ""
        code = linear_pattern(errors.code_pattern).find(text)
        found, message = dig(data, errors.code), dig(data, errors.message)
        if not isinstance(data, dict):
            self.findings.leave("errors", "the error has no JSON")
        elif isinstance(message, str) and (code is None or (isinstance(found, str) and code in found)):
            what = "code and text are there" if code is not None else "its text is there; it has no code"
            self.findings.confirm("errors", what)
        else:
            keys = ", ".join(printable(key, 40) for key in list(data)[:8])
            self.findings.contradict("errors", f"the error is an object with {keys or 'no key'}")

    # --- calls -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _call(self, kind: str, operation: str) -> Iterator[list[ApiError]]:
        """Time what is called in it; the error that it ends with, if any, is in the list afterwards."""
        failed: list[ApiError] = []
        self.responses.clear()
        begun = time.monotonic()
        try:
            yield failed
        except ApiError as error:
            failed.append(error)
            self.failure = self.failure or error
            self._end_after(error)
        if self.responses:
            self.seconds.append((time.monotonic() - begun) / len(self.responses))
        if self.record is not None:
            for response in self.responses:
                is_followed = next_link(response.headers.get("link", "")) is not None
                self.record(kind, operation, response.status, _parsed(response), is_followed=is_followed)

    def _end_after(self, error: ApiError) -> None:
        """After some failures no further call is of use, or allowed."""
        self._unanswered += isinstance(error, TransportError)
        if isinstance(error, TransportError) and (not self.calls or not error.sent or self._unanswered > _UNANSWERED):
            self._ended = "the instance does not answer"
        elif isinstance(error, BudgetError | BusyError):
            self._ended = str(error).rstrip(".")
        elif isinstance(error, AccessError) and error.status == 401 and not any(s.lists for s in self.seen.values()):
            self._ended = "the token is not recognised"
        elif isinstance(error, ResponseError) and error.is_redirect:
            self._ended = "the instance redirects"

    def _is_ended(self) -> bool:
        return self._ended is not None

    def _status(self) -> int | None:
        if not self.responses:
            return None
        last = self.responses[-1]
        return last.status if last.status >= 300 or _parsed(last) is not None else None


def _with_rows_at(contract: Contract, kind: str, path: str | None) -> Contract:
    """A contract whose list of a kind has its rows under another path."""
    stanza = contract.kinds[kind]
    listing = stanza.listing.model_copy(update={"items": path, "groups": (), "keyed": None, "total": None})
    stanzas = {**contract.kinds, kind: stanza.model_copy(update={"listing": listing})}
    return contract.model_copy(update={"kinds": stanzas})


def _spread(items: list[Any], most: int) -> list[Any]:
    """At most so many of a list, spread over it; the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(number * (len(items) - 1) / (most - 1))] for number in range(most)]


def _parsed(response: Response) -> Any:
    try:
        return parse_json(response.body)
    except ValueError:
        return None


def _unused(ids: list[RemoteId], of: str) -> RemoteId:
    """An id that none of these is."""
    if of == "integer":
        return max([each for each in ids if isinstance(each, int)], default=0) + 987_654_321
    texts = [str(each) for each in ids]
    if texts and all(text.isdigit() for text in texts):
        return str(max(map(int, texts)) + 987_654_321)
    if texts and all(len(text) == 36 and text.count("-") == 4 for text in texts):
        return "00000000-0000-4000-8000-000000000000"
    return "no-such-id"

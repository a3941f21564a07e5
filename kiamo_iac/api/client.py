"""Makes an operation of the contract over HTTP, and returns its response or raises a typed error."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode

from kiamo_iac.api.budget import Budget
from kiamo_iac.api.response import MISSING, ApiResponse, dig, refusal, rows_of
from kiamo_iac.api.shape import KindShape, place, whole
from kiamo_iac.api.write_barrier import WriteBarrier
from kiamo_iac.contract.entries import EVERY_FIELD, Listing, Operation
from kiamo_iac.contract.model import Contract
from kiamo_iac.contract.request_checks import refused_id
from kiamo_iac.core.errors import ApiError, BudgetError, RefusedError, ResponseError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.secret import Secret
from kiamo_iac.core.strict_json import parse_json
from kiamo_iac.http.caller import HttpCaller
from kiamo_iac.http.message import Authorization, CallWitness, Endpoint, Request, Response
from kiamo_iac.http.retry import Limits

if TYPE_CHECKING:
    from kiamo_iac.http.transport import Transport

Ids = Mapping[str, str | int]
"""Placeholder of the contract → id: `id` for the object itself, the name of a kind for its parent."""

_JSON: Final = {"Content-Type": "application/json"}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_READS: Final = frozenset({"list", "read"})
"""Operations that change nothing, with any method."""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _identified(target: str, content: bytes | None) -> str:
    """What identifies a read when it is repeated: a list by POST may have its page in the body."""
    return target if content is None else f"{target} {content!r}"


class Client:
    """Makes the operations of a contract on one instance. Safe under threads."""

    def __init__(
        self,
        url: str,
        token: Secret,
        contract: Contract,
        *,
        transport: Transport | None = None,
        ca_bundle: Path | None = None,
        limits: Limits | None = None,
        budget: Budget | None = None,
        witness: CallWitness | None = None,
        stop: threading.Event | None = None,
        watch: Callable[[Response], object] | None = None,
        log: Callable[[str], object] | None = None,
    ) -> None:
        """`budget`: of the run that this client is part of, with the gate that all its calls pass; left out, one of its
        own. `watch`: is given every response, of any status, before it is understood. All others: as for `HttpCaller`.

        Raises:
            UsageError: the url is not one that a token may be sent to, the token is not one that can be sent, or the
                certificates cannot be read.
        """
        self.url = url
        self.contract = contract
        integers = frozenset(kind for kind, stanza in contract.kinds.items() if stanza.id.type == "integer")
        self._shapes = {kind: KindShape.of(stanza, integers) for kind, stanza in contract.kinds.items()}
        self._sources = {
            kind: frozenset(a.source for a in stanza.attributes.values()) for kind, stanza in contract.kinds.items()
        }
        self._authorization = Authorization.token(contract.auth.header, token, query=contract.auth.query)
        self._watch = watch
        self._budget = budget or Budget()
        self._base = url.rstrip("/") + contract.prefix.path
        self.barrier: Final = WriteBarrier()
        """Every write of this client passes it."""
        self._send = HttpCaller(
            url,
            Endpoint(
                address="the url of the environment",
                example="https://kiamo.example.com",
                owner="the contract's",
                hint=f"check the paths of {contract.origin}",
                error=ApiError,
                takes_query=False,
            ),
            self._authorization,
            transport=transport,
            ca_bundle=ca_bundle,
            limits=limits or Limits(body=self._budget.largest_response),
            gate=self._budget.gate,
            witness=witness,
            stop=stop,
            log=log,
        )

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """As `HttpCaller.close`."""
        self._send.close()

    def call(
        self,
        kind: str,
        operation: str,
        ids: Ids | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str | int] | None = None,
        under: Mapping[str, Any] | None = None,
    ) -> ApiResponse:
        """Make the operation of a kind; `body` (by wire names) and `query` go beside what it fixes. `under`:
        the object as it was read right before, for what goes back with the call.

        Raises:
            TransportError: no usable response came.
            BudgetError: the run would read more than it may.
            BusyError: the run would wait longer than it may; a write was not made, or not carried out.
            ResponseError: the response is not one of an API: a redirect, HTML, JSON that is not strict, too large.
            RefusedError: the instance refused; AccessError: because of the token.
            ApiError: the contract has no such operation.
        """
        declared = self._operation(kind, operation)
        for id_ in (ids or {}).values():
            if why := refused_id(id_):
                shown = printable(str(id_), 60)
                msg = f'{declared.method} {declared.path} was not made: the id "{shown}" {why}.'
                raise ResponseError(
                    msg, hint="check the responses of the instance: such an id cannot be part of a path"
                )
        path, fixed_query, fixed_body = declared.render(ids or {})
        target = self._base + path
        if fields := {**fixed_query, **(query or {})}:
            target += "?" + urlencode(fields)
        sent = self._body(kind, declared, body, under or {})
        content, headers = self._content(declared, {**sent, **fixed_body}, wanted=body is not None)
        reads = operation in _READS or operation in self._sources[kind]
        name = f"{declared.method} {self.contract.prefix.path}{path}"
        request = Request(
            declared.method,
            target,
            headers,
            content,
            name=name,
            # The response to a write is always read: the write has been made.
            meter=self._budget.meter(name, _identified(target, content)) if reads else None,
            write=not reads,
        )
        listing = self.contract.kinds[kind].listing if operation == "list" else None
        outcome = self._outcome(self._response(request), request, listing=listing)
        if isinstance(outcome, RefusedError):
            self._explain(outcome, kind, operation)
        if isinstance(outcome, ApiError):
            raise outcome
        return replace(outcome, entry=partial(self.contract.entry, "kinds", kind))

    def _response(self, request: Request) -> Response:
        with self.barrier.write() if request.is_write else nullcontext():
            response = self._send(request)
        if self._watch is not None:
            self._watch(response)
        return response

    def _explain(self, refused: RefusedError, kind: str, operation: str) -> None:
        """Name the entries of the contract that a refusal is likely to come from: an object may be gone, but a 404 of a
        list or of what shows an attribute, and a 405 of any call, is of a wrong contract."""
        call = ("kinds", kind, "operations", operation)
        if refused.status == 404 and (operation == "list" or operation in self._sources[kind]):
            path, prefix = self.contract.entry(*call, "path"), self.contract.entry("prefix", "path")
            refused.hint = (
                f"{self.url} may not have this address: check {path}, after {prefix}; or the environment's url"
            )
        elif refused.status == 404 and operation != "read":
            refused.hint = f"if the object is there, check {self.contract.entry(*call, 'path')}"
        elif refused.status == 405:
            refused.hint = f"the instance may want another method: check {self.contract.entry(*call, 'method')}"

    def shaped(self, kind: str, flat: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON of an object that is sent inside another one."""
        shape = self._shapes[kind]
        return shape.nested(flat, {}) if shape is not None else dict(flat)

    def is_nested(self, kind: str, flat: Mapping[str, Any]) -> bool:
        """Whether one of these goes beside others below one key of the object."""
        shape = self._shapes[kind]
        return shape is not None and shape.is_nested(flat)

    def _operation(self, kind: str, operation: str) -> Operation:
        stanza = self.contract.kinds.get(kind)
        if stanza is None or operation not in stanza.operations:
            raise ApiError(
                f'The contract has no operation "{operation}" of a {kind}.',
                hint=f"declare it under kinds.{kind}.operations.{operation} in {self.contract.origin}",
            )
        return stanza.operations[operation]

    def _body(
        self, kind: str, operation: Operation, flat: Mapping[str, Any] | None, under: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """A body in the shape of the contract, with what goes back of the object as it was read."""
        stanza, shape = self.contract.kinds[kind], self._shapes[kind]
        if operation.send == "whole" and flat is not None:
            flat = self._with_children(kind, whole(stanza, shape, under, flat), under)
        body = shape.nested(flat, under) if shape is not None and flat is not None else dict(flat or {})
        for path in operation.carry:
            is_sent = path != stanza.id.wire and dig(body, path) is not MISSING
            if (value := dig(under, path)) is not MISSING and not is_sent:
                place(body, path, value)
        return {operation.wrap: body} if operation.wrap is not None and (body or flat is not None) else body

    def _with_children(self, kind: str, flat: dict[str, Any], under: Mapping[str, Any]) -> dict[str, Any]:
        """The body of an update that replaces the object, with what exists only inside of it under the name that it is
        sent under."""
        item = self.contract.kinds[kind].item_of("read")
        for child, stanza in self.contract.kinds.items():
            if stanza.inside is None or stanza.parent != kind:
                continue
            wire = stanza.inside.wire
            path = (stanza.inside.read or wire).removeprefix(f"{item}.")
            if path != wire:
                flat.pop(path, None)
            if wire not in flat and (shown := dig(under, path)) is not MISSING:
                flat[wire] = shown
            if wire not in flat:
                msg = f"The update was not sent: it replaces the whole {kind}, and its read does not show each {child}."
                raise ApiError(msg, hint=f"check {self.contract.entry('kinds', child, 'inside', 'read')}")
        return flat

    def _content(
        self, operation: Operation, body: Mapping[str, Any], *, wanted: bool
    ) -> tuple[bytes | None, Mapping[str, str]]:
        if not body and not wanted:
            return None, {}
        try:
            if operation.form is None:
                return _json(body).encode(), _JSON
            fields = {key: value if isinstance(value, str) else _json(value) for key, value in body.items()}
            text = urlencode(fields if operation.form == EVERY_FIELD else {operation.form: _json(body)})
            return text.encode(), _FORM
        except ValueError as error:
            reason = "half of a surrogate pair" if isinstance(error, UnicodeError) else "a number that is not finite"
            msg = f"The body of {operation.method} {operation.path} holds {reason}, which JSON cannot carry."
            raise ApiError(msg) from None

    def _outcome(self, response: Response, request: Request, *, listing: Listing | None) -> ApiResponse | ApiError:
        """The JSON of a response, or the error that says what is wrong with it. The error is not raised here: this
        frame holds a body, and in that whatever the instance quotes."""
        status, call = response.status, str(request)
        if 200 <= status < 300:
            try:
                data = self._parsed(response.body, request, listing=listing)
                if not self._has_failed(data):
                    return ApiResponse(call, status, data, response.headers)
            except BudgetError as spent:
                return spent
            except ValueError as wrong:
                return ResponseError(
                    f"{call} returned {status} and a body that is not the JSON of an API: {wrong}.",
                    hint="check the url of the environment and the contract's prefix: another server may be answering",
                )
        if 200 <= status < 300:
            body = self._authorization.hide_in(response.body)
            return refusal(call, status, body=body, errors=self.contract.errors)
        if status < 400 or status > 599:
            where = printable(response.headers.get("location", ""), 100)
            text = f"{call} returned {status}" + (f', pointing at "{where}"' if where else "")
            hint = (
                "redirects are never followed, as the token would be sent along: set the final url of the environment"
            )
            return ResponseError(f"{text}.", hint=hint, is_redirect=True)
        return refusal(call, status, body=response.body, errors=self.contract.errors)

    def _has_failed(self, data: Any) -> bool:
        """Whether a response with a status of success says that the call failed."""
        failed = self.contract.errors.failed
        if failed is None or data is None:
            return False
        found = dig(data, failed.path)
        return failed.shown_by(found, is_there=found is not MISSING) and isinstance(data, dict)

    def _parsed(self, body: bytes, request: Request, *, listing: Listing | None) -> Any:
        """
        Raises:
            BudgetError: the run would read more than it may.
            ValueError: the body is not JSON as strict_json reads it.
        """
        if not body.strip():
            return None
        with self._budget.parsing(body):
            if request.is_write:
                self._budget.weigh_write(body)
                return parse_json(body)
            has_rows = listing is not None and not listing.groups and listing.keyed is None
            rows_at, is_list = (listing.items, True) if listing is not None and has_rows else (None, False)
            self._budget.weigh(str(request), request.url, body, rows_at=rows_at, is_list=is_list)
            data = parse_json(body)
            if listing is not None and (rows := rows_of(data, listing)) is not None:
                self._budget.listed(str(request), request.url, len(rows))
        return data

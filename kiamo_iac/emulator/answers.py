"""Responses: objects, rows and refusals in the envelopes that the contract has for each operation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from kiamo_iac.contract.entries import NO_ITEM, Failure, KindContract
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.strict_json import write_json
from kiamo_iac.emulator.paths import MISSING, look, put, texts_under, under
from kiamo_iac.emulator.refusal import Refusal

_OF_TOKEN: Final = frozenset({401, 403})


class Answer(NamedTuple):
    """A response before it is one of HTTP."""

    status: int
    text: str = ""
    """Its JSON, or nothing."""
    headers: Mapping[str, str] = {}


class Answers:
    """The responses under one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def item(self, kind: str, operation: str, wire: str, *, inside: Mapping[str, str] | None = None) -> Answer:
        """One object. `inside`: path in the response → the JSON of the rows there."""
        path = self._contract.kinds[kind].item_of(operation)
        if path == NO_ITEM:
            return self._succeeded(204)
        text = texts_under([(path, wire)]) if path else wire
        if inside:
            document = json.loads(text)
            for where, rows in inside.items():
                put(document, where, json.loads(rows))
            text = write_json(document)
        return self._succeeded(200, text)

    def created(self, kind: str, wire: str, ids: Mapping[str, str | int], path: str) -> Answer:
        """The response to a create of the object with these ids, at this path."""
        stanza = self._contract.kinds[kind]
        call = stanza.operations["create"]
        if call.id is None:
            answer = self.item(kind, "create", wire)
            return Answer(201, answer.text)
        shown = [(call.item, wire)] if call.item not in {None, NO_ITEM} else []
        if call.id == "$location":
            return self._succeeded(
                201, texts_under(shown) if shown else "", {"location": self._address(stanza, ids, path)}
            )
        if call.id == "$answer":
            return Answer(201, write_json(ids["id"]))
        where = [] if call.id == "$name" else [(call.id, write_json(ids["id"]))]
        return self._succeeded(201, texts_under([*shown, *where]) if shown or where else "")

    def _address(self, stanza: KindContract, ids: Mapping[str, str | int], path: str) -> str:
        if "read" in stanza.operations:
            try:
                return self._contract.prefix.path + stanza.operations["read"].render(ids)[0]
            except KeyError:  # the create does not name the parent in its address
                pass
        return f"{path}/{quote(str(ids['id']), safe='')}"

    def deleted(self, kind: str) -> Answer:
        """The response to a delete, which shows no object."""
        del kind
        return self._succeeded(204)

    def rows(self, kind: str, rows: str, total: int | None, more: Sequence[tuple[str, Any]] = ()) -> str:
        """A list; `more`: further values, by paths."""
        listing = self._contract.kinds[kind].listing
        # The total is put in first, as its place in the JSON is before the rows.
        pairs = [(listing.total, str(total))] if listing.total is not None and total is not None else []
        text = texts_under([*pairs, (listing.items, rows)]) if listing.items else rows
        if more:
            document = json.loads(text)
            if isinstance(document, dict):
                for path, value in more:
                    put(document, path, value)
                text = write_json(document)
        return self._succeeded(200, text).text

    def _succeeded(self, status: int, text: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """A success, which says so where the contract reads failures from the body."""
        failed = self._contract.errors.failed
        if failed is not None and "unless" in failed.model_fields_set:
            document = json.loads(text) if text else {}
            if isinstance(document, dict):
                put(document, failed.path, _first(failed.unless))
                return Answer(200 if status == 204 else status, write_json(document), headers or {})
        return Answer(status, text, headers or {})

    def refused(self, refusal: Refusal) -> Answer:
        """A refusal."""
        errors = self._contract.errors
        message = refusal.message or errors.meanings.codes.get(refusal.code or "", "Unknown error")
        document: Any = under(
            (path if value is not None else path.rpartition(".")[0], {} if value is None else value)
            for path, value in ((errors.code, refusal.code), (errors.message, message))
            if value is not None or "." in path
        )
        if errors.failed is None:
            return Answer(refusal.status, write_json(document))
        _show_failure(document, errors.failed)
        return Answer(refusal.status if refusal.status in _OF_TOKEN else 200, write_json(document))


def _show_failure(document: Any, failed: Failure) -> None:
    found = look(document, failed.path)
    if failed.shown_by(None if found is MISSING else found, is_there=found is not MISSING):
        return
    if "equals" in failed.model_fields_set:
        put(document, failed.path, _first(failed.equals))
    else:
        put(document, failed.path, True)


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) else value

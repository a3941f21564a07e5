"""Speaks any contract to an emulator in our own words, so that each rule is tried once under every contract."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Ref:
    """A thing that was made."""

    kind: str
    id: str | int
    name: str
    parent: Ref | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, taken out of the contract's envelopes."""

    status: int
    body: Any
    code: str | None = None
    message: str | None = None

    @property
    def outcome(self) -> tuple[int, str | None]:
        """Status and code."""
        return self.status, self.code


class Speaker:
    """A client of the emulator."""

    def __init__(self, contract: Contract, emulator: Emulator, *, token: str | None = FULL_TOKEN) -> None:
        self.contract = contract
        self.emulator = emulator
        self.token = token

    # --- raw ---------------------------------------------------------------------------------------------------------

    def send(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Any = None, raw: bytes = b""
    ) -> Answer:
        """Any request below the prefix."""
        sent = raw or (json.dumps(body).encode() if body is not None else b"")
        headers = {self.contract.auth.header: self.token} if self.token is not None else {}
        request = EmulatorRequest(method, self.contract.prefix.path + path, query or {}, headers, sent)
        response = self.emulator.handle(request)
        document = json.loads(response.body) if response.body else None
        if response.status < 400:
            return Answer(response.status, document)
        errors = self.contract.errors
        return Answer(response.status, document, dig(document, errors.code), dig(document, errors.message))

    def request(
        self,
        kind: str,
        operation: str,
        *,
        ids: Mapping[str, str | int] | None = None,
        body: Any = None,
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """An operation of the contract, with wire attributes beside what the contract sends itself."""
        call = self.contract.kinds[kind].operations[operation]
        path, fixed_query, fixed_body = call.render({"id": "", **(ids or {})})
        sends = operation in {"create", "update"} or bool(fixed_body)
        sent = {**(body or {}), **fixed_body} if sends else None
        return self.send(call.method, path, query={**fixed_query, **(query or {})}, body=sent)

    # --- in our words ------------------------------------------------------------------------------------------------

    def try_create(self, kind: str, parent: Ref | None = None, **attributes: Any) -> Answer:
        """A create; a base gets an empty list of fields where none is said. `settings` are wire attributes."""
        if kind == "base":
            attributes.setdefault("field", [])
        ids = {parent.kind: parent.id} if parent else {}
        return self._item(kind, self.request(kind, "create", ids=ids, body=self.encode(kind, attributes)))

    def create(self, kind: str, parent: Ref | None = None, **attributes: Any) -> Ref:
        """As `try_create`, and it must work."""
        answer = self.try_create(kind, parent, **attributes)
        assert answer.status == 201, answer
        return Ref(kind, answer.body["id"], answer.body["name"], parent)

    def do(self, thing: Ref, operation: str, **attributes: Any) -> Answer:
        """Any operation on a thing."""
        ids = {"id": thing.id, **({thing.parent.kind: thing.parent.id} if thing.parent else {})}
        answer = self.request(thing.kind, operation, ids=ids, body=self.encode(thing.kind, attributes))
        return self._item(thing.kind, answer)

    def read(self, thing: Ref) -> JsonObject:
        """What the API shows of a thing, in our words; settings stand under `settings`."""
        answer = self.do(thing, "read")
        assert answer.status == 200, answer
        found: JsonObject = answer.body
        return found

    def list(self, kind: str, parent: Ref | None = None) -> list[JsonObject]:
        """All things of a kind, page by page; of one parent, where there is one."""
        stanza = self.contract.kinds[kind]
        paging = stanza.listing.paging
        found: list[Any] = []
        for page in range(1000):
            query = {
                "none": {},
                "page": {paging.page: str(paging.first + page), paging.size: str(paging.limit)},
                "offset": {paging.offset: str(len(found)), paging.size: str(paging.limit)},
            }[paging.style]
            ids = {parent.kind: parent.id} if parent else {}
            answer = self.request(kind, "list", ids=ids, query=query)
            assert answer.status == 200, answer
            items = dig(answer.body, stanza.listing.items) if stanza.listing.items else answer.body
            found += items
            if paging.style == "none" or len(items) < paging.limit:
                break
        things = [self.decode(kind, item) for item in found]
        return [t for t in things if parent is None or t.get("parent", parent.id) == parent.id]

    def _item(self, kind: str, answer: Answer) -> Answer:
        stanza = self.contract.kinds[kind]
        if answer.status >= 400 or answer.body is None:
            return answer
        return Answer(answer.status, self.decode(kind, dig(answer.body, stanza.item) if stanza.item else answer.body))

    def encode(self, kind: str, attributes: Mapping[str, Any]) -> JsonObject:
        """Our attributes as wire attributes; a `Ref` becomes its id or its name."""
        stanza = self.contract.kinds[kind]
        body = dict(attributes.get("settings", {}))
        for name, value in attributes.items():
            if name in stanza.embedded:
                children = [self.encode(name, v) if isinstance(v, dict) else v for v in value] if value else value
                body[stanza.embedded[name].wire] = children
            elif name in stanza.attributes:
                attribute = stanza.attributes[name]
                word = (attribute.values or {}).get(value, value) if isinstance(value, str) else value
                body[attribute.wire] = self._referring(word, by_name=attribute.by == "name")
            elif name == "id":
                body[stanza.id.wire] = value
            else:
                assert name == "settings", name
        return body

    def _referring(self, value: Any, *, by_name: bool) -> Any:
        if isinstance(value, Ref):
            return value.name if by_name else value.id
        if isinstance(value, list):
            return [self._referring(v, by_name=by_name) for v in value]
        if isinstance(value, dict):
            return {role: self._referring(v, by_name=by_name) for role, v in value.items()}
        return value

    def decode(self, kind: str, item: JsonObject) -> JsonObject:
        """Wire attributes as ours: `id`, `parent` where it stands there, attributes, `settings`."""
        stanza = self.contract.kinds[kind]
        rest = dict(item)
        found: JsonObject = {"id": rest.pop(stanza.id.wire)}
        if stanza.parent_wire:
            found["parent"] = rest.pop(stanza.parent_wire)
        for name, attribute in stanza.attributes.items():
            value = rest.pop(attribute.wire)
            words = {json.dumps(there): ours for ours, there in (attribute.values or {}).items()}
            found[name] = words.get(json.dumps(value), value)
        return {**found, "settings": rest}


def dig(document: Any, path: str | None) -> Any:
    """What stands at a dotted path; None where nothing does."""
    for key in (path or "").split("."):
        document = document.get(key) if isinstance(document, dict) else None
    return document

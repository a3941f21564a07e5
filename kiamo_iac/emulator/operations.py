"""The operations of the contract on the store: list, create, read, update, delete and the commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.strict_json import same
from kiamo_iac.emulator.references import ObjectReferences
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.router import Route
from kiamo_iac.emulator.rules import rules_of
from kiamo_iac.emulator.store import TOP, IdGenerator, ObjectStore, StoredObject, identity
from kiamo_iac.emulator.wire import KindWire, ObjectBody

_TEXTS = frozenset({"name", "label", "datatype"})


class Operations:
    """The operations; the caller holds a transaction. All of them may raise `Refusal`."""

    def __init__(self, contract: Contract, store: ObjectStore, ids: IdGenerator) -> None:
        self.store = store
        self.ids = ids
        self.references = ObjectReferences(contract, store)
        self.wires = {kind: KindWire(contract, kind) for kind in contract.kinds}
        self._kinds = contract.kinds
        self._patterns = {
            kind: linear_pattern(stanza.names.pattern) for kind, stanza in contract.kinds.items() if stanza.names
        }
        self._children = {
            kind: [child for child, stanza in contract.kinds.items() if stanza.parent == kind]
            for kind in contract.kinds
        }

    def body_of(self, route: Route, body: Mapping[str, Any] | None) -> ObjectBody:
        """The body of a create or an update, by attribute; unchecked."""
        return self.wires[route.kind].read(body or {}, route.body)

    # --- the operations ----------------------------------------------------------------------------------------------

    def list(self, kind: str, parent: str | None, query: Mapping[str, str], *, without: Sequence[int] = ()) -> str:
        """The objects of a kind: of one parent where the call names it, else all; but for the numbers `without`."""
        wire = self.wires[kind]
        above: int | None = None
        if parent is not None:
            above = self.parent_of(kind, parent).n
        elif self._kinds[kind].parent is None:
            above = TOP
        page = wire.page(query)
        found = self.store.wires(kind, above, limit=page.limit, offset=page.offset, without=without)
        return wire.items(found, lambda: self.store.count(kind, above, without=without))

    def create(self, kind: str, parent: str | None, draft: ObjectBody) -> StoredObject:
        """A new object, with its embedded and default children."""
        above = self.parent_of(kind, parent).n if self._kinds[kind].parent else TOP
        stored = self._new(kind, above, draft)
        rules = rules_of(kind)
        embedded = {child: draft.embedded.get(child) for child in self._kinds[kind].embedded}
        for child, sent in embedded.items():
            if sent is None and child in rules.missing:
                raise Refusal(rules.missing[child])
            if sent is not None and not (isinstance(sent, list) and all(isinstance(c, dict) for c in sent)):
                raise Refusal("ERR_1020")
        self.insert(stored)
        for child in self._children[kind]:
            self.create_defaults(child, stored.n)
        for child, sent in embedded.items():
            for body in sent or ():
                self.insert(self._new(child, stored.n, self.wires[child].read(body, {})))
        return stored

    def read(self, kind: str, id_: str, parent: str | None) -> StoredObject:
        """The object of an id, below the parent that the call names."""
        stored = self.store.by_id(kind, id_)
        if parent is not None and (stored is None or stored.parent != self.parent_of(kind, parent).n):
            stored = None
        if stored is None:
            raise Refusal(rules_of(kind).not_found)
        return stored

    def update(self, stored: StoredObject, draft: ObjectBody) -> None:
        """Change the attributes that were sent and differ."""
        rules = rules_of(stored.kind)
        rules.before_update(stored)
        shown = json.loads(stored.wire)
        if draft.embedded or any(k not in shown or not same(v, shown[k]) for k, v in draft.fixed.items()):
            raise Refusal("ERR_1020")
        checked = {
            name: self._checked(stored.kind, name, value, stored.parent) for name, value in draft.attributes.items()
        }
        changes = {name: value for name, value in checked.items() if not same(value, stored.attributes.get(name))}
        rules.before_change(stored, changes)
        if "name" in changes:
            self._refuse_taken(stored, changes["name"])
        stored.attributes.update(changes)
        stored.settings.update(draft.settings)
        self.save(stored, renamed="name" in changes)

    def delete(self, stored: StoredObject) -> None:
        """Delete an object with everything below it."""
        rules_of(stored.kind).before_delete(stored)
        deleted = {stored.n: stored}
        for child in self._below(stored):
            deleted[child.n] = child
        for target in deleted.values():
            owners = [pair for pair in self.store.owners(target.n) if pair[0] not in deleted]
            for owner, attribute in owners:
                self._refuse_in_use(owner, attribute)
            if owners:
                self.store.keep_deleted(target)
        self.store.delete(deleted)

    def command(self, stored: StoredObject, command: str) -> None:
        """Change the run state."""
        stored.attributes["state"] = rules_of(stored.kind).after_command(stored, command)
        self.save(stored)

    # --- parts that seeding uses too ---------------------------------------------------------------------------------

    def parent_of(self, kind: str, id_: str | None) -> StoredObject:
        """The parent, by the id in a call."""
        above = self._kinds[kind].parent or ""
        if id_ is None:
            raise Refusal("ERR_1010")
        parent = self.store.by_id(above, id_)
        if parent is None:
            raise Refusal(rules_of(above).not_found)
        return parent

    def create_defaults(self, kind: str, parent: int) -> None:
        """Create the children that the platform itself creates with a new parent."""
        made = self._kinds[kind].made_with_parent
        for attributes in made.things if made else ():
            self.insert(self.blank(kind, parent, {**attributes, "default": True}))

    def blank(self, kind: str, parent: int, attributes: Mapping[str, Any], *, id_: str | None = None) -> StoredObject:
        """A new object, not yet stored, with the initial attributes of its kind."""
        n = self.store.next_number()
        n, id_ = (n, id_) if id_ is not None else self.ids.make(kind, n)
        return StoredObject(n, kind, id_, parent, {**rules_of(kind).initial, **attributes})

    def insert(self, stored: StoredObject) -> None:
        """Store a new object.

        Raises:
            Refusal: ERR_2060, its name is taken.
        """
        self._refuse_taken(stored, stored.name)
        stored.wire = self.wires[stored.kind].render(stored, self.shown)
        self.store.insert(stored)
        if targets := self.references.of(stored):
            self.store.refer(stored.n, targets)

    def save(self, stored: StoredObject, *, renamed: bool = False) -> None:
        """Store a changed object, and update every object that shows its name."""
        stored.wire = self.wires[stored.kind].render(stored, self.shown)
        self.store.save(stored)
        if self.references.refers(stored.kind):
            self.store.refer(stored.n, self.references.of(stored))
        if not renamed:
            return
        for owner in {number for number, _ in self.store.owners(stored.n)} - {stored.n}:
            found = self.store.by_number(owner)
            if found is not None:
                found.wire = self.wires[found.kind].render(found, self.shown)
                self.store.save(found)

    def shown(self, n: int) -> tuple[str, str]:
        """Id and name of an object, deleted ones that are still referred to among them."""
        found = self.store.shown(n)
        if found is None:
            msg = f"the store refers to number {n}, which it does not have"
            raise RuntimeError(msg)
        return found

    # --- checks ------------------------------------------------------------------------------------------------------

    def _new(self, kind: str, parent: int, draft: ObjectBody) -> StoredObject:
        rules, stanza = rules_of(kind), self._kinds[kind]
        attributes: dict[str, Any] = {}
        for name, attribute in stanza.attributes.items():
            if name in draft.attributes:
                attributes[name] = self._checked(kind, name, draft.attributes[name], parent)
            elif (attribute.required and not attribute.read_only) or name == "name":
                raise Refusal(attribute.missing or rules.missing.get(name, "ERR_1010"))
        if draft.fixed:
            raise Refusal("ERR_1020")
        stored = self.blank(kind, parent, attributes)
        stored.settings = draft.settings
        return stored

    def _checked(self, kind: str, name: str, value: Any, parent: int) -> Any:
        rules, attribute = rules_of(kind), self._kinds[kind].attributes[name]
        wrong = rules.invalid.get(name, "ERR_1020")
        if value is None:
            if attribute.required or name == "name":
                raise Refusal(attribute.missing or rules.missing.get(name, "ERR_1010"))
            if name in rules.mappings:
                raise Refusal(wrong)
            return None
        if attribute.refers_to:
            return self.references.resolve(kind, name, value, parent=parent)
        if name in _TEXTS and not isinstance(value, str):
            raise Refusal(wrong)
        if name == "name" and kind in self._patterns and not self._patterns[kind].matches(identity(value)):
            raise Refusal("ERR_1050")
        if attribute.choices and not (isinstance(value, str) and value in attribute.choices):
            raise Refusal(wrong)
        return value

    def _refuse_taken(self, stored: StoredObject, name: str) -> None:
        if any(other.n != stored.n for other in self.store.named(stored.kind, name, stored.parent)):
            raise Refusal("ERR_2060")

    def _below(self, stored: StoredObject) -> Iterable[StoredObject]:
        children = self.store.children(stored.n) if self._children[stored.kind] else []
        rules_of(stored.kind).before_children_deleted(children)
        for child in children:
            yield child
            yield from self._below(child)

    def _refuse_in_use(self, number: int, attribute: str) -> None:
        owner = self.store.by_number(number)
        if owner is not None and rules_of(owner.kind).blocks_deletion(owner):
            raise Refusal(rules_of(owner.kind).in_use.get(attribute, "ERR_1020"))

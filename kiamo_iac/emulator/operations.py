"""The operations of the contract on the store: list, create, read, update, delete and the commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kiamo_iac.contract.entries import Operation
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.strict_json import same
from kiamo_iac.emulator.paths import MISSING, look
from kiamo_iac.emulator.references import ObjectReferences
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.router import Route
from kiamo_iac.emulator.rules import rules_of
from kiamo_iac.emulator.store import TOP, VERSION, IdGenerator, ObjectStore, Shown, StoredObject, identity, key_of
from kiamo_iac.emulator.wire import KindWire, ObjectBody

_TEXTS = frozenset({"name", "label", "datatype"})
_FOLLOWED = frozenset({"cursor", "next", "link"})
"""Styles of paging in which each page leads to the next."""


class Rows(NamedTuple):
    """A page of a list."""

    text: str
    """The JSON of its rows."""
    total: int | None
    """All objects of the list; None: the contract does not show it."""
    next: int | None
    """Where the next page begins; None: this is the last one."""


class Operations:
    """The operations; the caller holds a transaction. All of them may raise `Refusal`."""

    def __init__(self, contract: Contract, store: ObjectStore, ids: IdGenerator) -> None:
        self.store = store
        self.ids = ids
        self.references = ObjectReferences(contract, store)
        self.wires = {kind: KindWire(contract, kind) for kind in contract.kinds}
        self._kinds = contract.kinds
        self._absent = contract.errors.absent
        self._patterns = {
            kind: linear_pattern(stanza.names.pattern) for kind, stanza in contract.kinds.items() if stanza.names
        }
        self._children = {
            kind: [child for child, stanza in contract.kinds.items() if stanza.parent == kind]
            for kind in contract.kinds
        }

    def body_of(self, route: Route, body: Mapping[str, Any] | None) -> ObjectBody:
        """The body of a create or an update, by attribute; unchecked."""
        return self.wires[route.kind].read(body or {}, route.body, operation=route.operation)

    # --- the operations ----------------------------------------------------------------------------------------------

    def list(self, kind: str, parent: str | None, query: Mapping[str, Any], *, without: Sequence[int] = ()) -> Rows:
        """The objects of a kind: of one parent where the call names it, else all; but for the numbers `without`."""
        wire, listing = self.wires[kind], self._kinds[kind].listing
        above: int | None = None
        if parent is not None:
            above = self.parent_of(kind, parent).n
        elif self._kinds[kind].parent is None:
            above = TOP
        page = wire.page(query)
        total = self.store.count(kind, above, without=without) if listing.total is not None else None
        follows = listing.paging.style in _FOLLOWED
        limit = page.limit + 1 if follows else page.limit
        if wire.is_plain:
            texts = self.store.wires(kind, above, limit=limit, offset=page.offset, without=without)
            more = follows and len(texts) > page.limit
            text = f"[{','.join(texts[: page.limit] if more else texts)}]"
        else:
            found = self.store.listed(kind, above, limit=limit, offset=page.offset, without=without)
            more = follows and len(found) > page.limit
            text = wire.rows(found[: page.limit] if more else found, self.shown)
        return Rows(text, total, page.offset + page.limit if more else None)

    def inside(self, stored: StoredObject) -> dict[str, str]:
        """What a read of an object shows of the kinds that exist only inside it: path → the JSON of the rows."""
        return {
            self._kinds[child].listing.items or "": self.wires[child].rows(
                self.store.children(stored.n, child), self.shown
            )
            for child in self._children[stored.kind]
            if self._kinds[child].inside is not None
        }

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
        above = self.parent_of(kind, parent).n if parent is not None else None
        stored = self.identified(kind, id_, above)
        if stored is None:
            raise self._missing(kind)
        return stored

    def _missing(self, kind: str) -> Refusal:
        """The refusal of a call to an object that does not exist, with a code that the contract has for it."""
        code = rules_of(kind).not_found
        return Refusal(code if not self._absent or code in self._absent else self._absent[0], status=404)

    def identified(self, kind: str, id_: str, parent: int | None) -> StoredObject | None:
        """The object of an id, or of a name where that identifies it, below a parent (None: any)."""
        if self._kinds[kind].identity == "name":
            found = [one for one in self.store.named(kind, id_, parent) if one.name == id_]
            return found[0] if len(found) == 1 else None
        stored = self.store.by_id(kind, id_)
        return stored if stored is not None and parent in {None, stored.parent} else None

    def update(self, stored: StoredObject, draft: ObjectBody, call: Operation | None = None) -> None:
        """Change the attributes that were sent and differ; where an update is whole, empty those that were not sent."""
        is_whole = call is not None and call.send == "whole"
        rules = rules_of(stored.kind)
        rules.before_update(stored)
        self._check_carried(stored, draft, call)
        self._check_fixed(stored, draft)
        if draft.embedded:
            raise Refusal("ERR_1020")
        changes = self._changes(stored, draft, is_whole=is_whole)
        rules.before_change(stored, changes)
        if "name" in changes:
            self._refuse_taken(stored, changes["name"])
        for child, rows in draft.inside.items():
            self._replace_children(stored, child, rows)
        stored.attributes.update(changes)
        stored.settings = ({} if is_whole else stored.settings) | draft.settings
        self.save(stored, renamed="name" in changes)

    def _check_fixed(self, stored: StoredObject, draft: ObjectBody) -> None:
        shown = json.loads(stored.wire)
        for path, value in draft.fixed.items():
            found = look(shown, path)
            if found is MISSING or not same(value, found):
                raise Refusal("ERR_1020")

    def _check_carried(self, stored: StoredObject, draft: ObjectBody, call: Operation | None) -> None:
        """
        Raises:
            Refusal: ERR_1010 for a version that is missing, ERR_1020 with 409 for one that is not the newest.
        """
        carried = call.carry if call is not None else ()
        shown = json.loads(stored.wire) if carried else None
        for path in carried:
            if path not in draft.fixed:
                if path in self.wires[stored.kind].versions:
                    raise Refusal("ERR_1010")
            elif not same(draft.fixed[path], look(shown, path)):
                raise Refusal("ERR_1020", status=409)

    def _changes(self, stored: StoredObject, draft: ObjectBody, *, is_whole: bool = False) -> dict[str, Any]:
        rules, kind = rules_of(stored.kind), stored.kind
        checked = {name: self._checked(kind, name, value, stored.parent) for name, value in draft.attributes.items()}
        for name, attribute in self._kinds[kind].attributes.items() if is_whole else ():
            if name in checked or attribute.read_only or name in rules.initial.keys() - rules.mappings:
                continue
            if attribute.required or name == "name":
                raise Refusal(attribute.missing or rules.missing.get(name, "ERR_1010"))
            checked[name] = rules.initial.get(name)
        return {name: value for name, value in checked.items() if not same(value, stored.attributes.get(name))}

    def _replace_children(self, stored: StoredObject, kind: str, rows: Any) -> None:
        """Make these rows all the children of a kind: some are changed, some deleted, some new."""
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Refusal("ERR_1020")
        wire, drafts = self.wires[kind], []
        before = {child.n: child for child in self.store.children(stored.n, kind)}
        for row in rows:
            draft = wire.read(row, {})
            found = self._meant(before.values(), draft)
            drafts.append((before.pop(found.n) if found is not None else None, draft))
        for child in before.values():
            self.delete(child)
        for found, draft in drafts:
            if found is None:
                self.insert(self._new(kind, stored.n, draft))
                continue
            self._check_fixed(found, draft)
            if self._changes(found, draft) or not draft.settings.items() <= found.settings.items():
                draft.fixed.clear()
                self.update(found, draft)

    def _meant(self, children: Iterable[StoredObject], draft: ObjectBody) -> StoredObject | None:
        """The child that a row is: by its id, else by its name."""
        for child in children:
            stanza = self._kinds[child.kind]
            id_ = draft.fixed.get(stanza.id.wire) if stanza.identity == "id" else None
            if child.id == str(id_) if id_ is not None else child.name == draft.attributes.get("name"):
                return child
        return None

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

    def command(self, stored: StoredObject, command: str, draft: ObjectBody) -> None:
        """Change the run state."""
        operations = self._kinds[stored.kind].operations
        self._check_carried(stored, draft, operations[command])
        resumes = "resume" in operations
        stored.attributes["state"] = rules_of(stored.kind).after_command(stored, command, resumes=resumes)
        self.save(stored)

    # --- parts that seeding uses too ---------------------------------------------------------------------------------

    def parent_of(self, kind: str, id_: str | None) -> StoredObject:
        """The parent, by the id in a call."""
        above = self._kinds[kind].parent or ""
        if id_ is None:
            raise Refusal("ERR_1010")
        parent = self.identified(above, id_, None)
        if parent is None:
            raise self._missing(above)
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
        made = {**rules_of(kind).initial, **attributes}
        if kind in self.references.keyed:
            made.setdefault("key", key_of(kind, id_))
        return StoredObject(n, kind, id_, parent, made)

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
        if self.wires[stored.kind].versions:
            stored.attributes[VERSION] = stored.attributes.get(VERSION, 1) + 1
        stored.wire = self.wires[stored.kind].render(stored, self.shown)
        self.store.save(stored)
        if self.references.refers(stored.kind):
            self.store.refer(stored.n, self.references.of(stored))
        if not renamed:
            return
        showing = {number for number, _ in self.store.owners(stored.n)}
        if self._kinds[stored.kind].identity == "name":
            showing |= {child.n for child in self.store.children(stored.n)}
        for owner in showing - {stored.n}:
            found = self.store.by_number(owner)
            if found is not None:
                found.wire = self.wires[found.kind].render(found, self.shown)
                self.store.save(found)

    def shown(self, n: int) -> Shown:
        """What others show of an object, deleted ones that are still referred to among them."""
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

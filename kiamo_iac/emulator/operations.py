"""The operations of the contract on the store: list, create, read, update, delete and the commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.emulator.ids import Ids
from kiamo_iac.emulator.references import References
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.router import Route
from kiamo_iac.emulator.rules import rules_of
from kiamo_iac.emulator.store import TOP, Store, Thing, identity
from kiamo_iac.emulator.strict_json import same
from kiamo_iac.emulator.wire import Draft, KindWire

_TEXTS = frozenset({"name", "label", "datatype"})


class Operations:
    """What can be done, each inside a transaction that the caller holds. All of them raise `Refusal`."""

    def __init__(self, contract: Contract, store: Store, ids: Ids) -> None:
        self.store = store
        self.ids = ids
        self.references = References(contract, store)
        self.wires = {kind: KindWire(contract, kind) for kind in contract.kinds}
        self._kinds = contract.kinds
        self._patterns = {
            kind: linear_pattern(stanza.names.pattern) for kind, stanza in contract.kinds.items() if stanza.names
        }
        self._children = {
            kind: [child for child, stanza in contract.kinds.items() if stanza.parent == kind]
            for kind in contract.kinds
        }

    def draft(self, route: Route, body: Mapping[str, Any] | None) -> Draft:
        """The body of a create or an update, sorted."""
        return self.wires[route.kind].read(body or {}, route.body)

    # --- the operations ----------------------------------------------------------------------------------------------

    def list(self, kind: str, parent: str | None, query: Mapping[str, str]) -> str:
        """The things of a kind: of one parent where the call names it, else all."""
        wire = self.wires[kind]
        above: int | None = None
        if parent is not None:
            above = self.parent_of(kind, parent).n
        elif self._kinds[kind].parent is None:
            above = TOP
        page = wire.page(query)
        found = self.store.wires(kind, above, limit=page.limit, offset=page.offset)
        return wire.items(found, lambda: self.store.count(kind, above))

    def create(self, kind: str, parent: str | None, draft: Draft) -> Thing:
        """A new thing, with all that comes with it."""
        above = self.parent_of(kind, parent).n if self._kinds[kind].parent else TOP
        thing = self._new(kind, above, draft)
        rules = rules_of(kind)
        embedded = {child: draft.embedded.get(child) for child in self._kinds[kind].embedded}
        for child, sent in embedded.items():
            if sent is None and child in rules.missing:
                raise Refusal(rules.missing[child])
            if sent is not None and not (isinstance(sent, list) and all(isinstance(c, dict) for c in sent)):
                raise Refusal("ERR_1020")
        self.insert(thing)
        for child in self._children[kind]:
            self.make_defaults(child, thing.n)
        for child, sent in embedded.items():
            for body in sent or ():
                self.insert(self._new(child, thing.n, self.wires[child].read(body, {})))
        return thing

    def read(self, kind: str, id_: str, parent: str | None) -> Thing:
        """The thing of an id, below the parent that the call names."""
        thing = self.store.by_id(kind, id_)
        if parent is not None and (thing is None or thing.parent != self.parent_of(kind, parent).n):
            thing = None
        if thing is None:
            raise Refusal(rules_of(kind).not_found)
        return thing

    def update(self, thing: Thing, draft: Draft) -> None:
        """Change what differs of what was sent."""
        rules = rules_of(thing.kind)
        rules.before_update(thing)
        shown = json.loads(thing.wire)
        if draft.embedded or any(k not in shown or not same(v, shown[k]) for k, v in draft.fixed.items()):
            raise Refusal("ERR_1020")
        checked = {
            name: self._checked(thing.kind, name, value, thing.parent) for name, value in draft.attributes.items()
        }
        changes = {name: value for name, value in checked.items() if not same(value, thing.attributes.get(name))}
        rules.before_change(thing, changes)
        if "name" in changes:
            self._refuse_taken(thing, changes["name"])
        thing.attributes.update(changes)
        thing.settings.update(draft.settings)
        self.save(thing, renamed="name" in changes)

    def delete(self, thing: Thing) -> None:
        """Take a thing away with everything below it."""
        rules_of(thing.kind).before_delete(thing)
        doomed = {thing.n: thing}
        for above in self._below(thing):
            doomed[above.n] = above
        for gone in doomed.values():
            owners = [pair for pair in self.store.owners(gone.n) if pair[0] not in doomed]
            for owner, attribute in owners:
                self._refuse_held(owner, attribute)
            if owners:
                self.store.bury(gone)
        self.store.delete(doomed)

    def command(self, thing: Thing, command: str) -> None:
        """Move the run state."""
        thing.attributes["state"] = rules_of(thing.kind).after_command(thing, command)
        self.save(thing)

    # --- parts that seeding uses too ---------------------------------------------------------------------------------

    def parent_of(self, kind: str, id_: str | None) -> Thing:
        """The parent that a call names."""
        above = self._kinds[kind].parent or ""
        if id_ is None:
            raise Refusal("ERR_1010")
        parent = self.store.by_id(above, id_)
        if parent is None:
            raise Refusal(rules_of(above).not_found)
        return parent

    def make_defaults(self, kind: str, parent: int) -> None:
        """What the platform makes itself with a new parent."""
        made = self._kinds[kind].made_with_parent
        for attributes in made.things if made else ():
            self.insert(self.blank(kind, parent, {**attributes, "default": True}))

    def blank(self, kind: str, parent: int, attributes: Mapping[str, Any], *, id_: str | None = None) -> Thing:
        """A thing that is not stored yet, with what every new one of its kind has."""
        n = self.store.next_number()
        n, id_ = (n, id_) if id_ is not None else self.ids.make(kind, n)
        return Thing(n, kind, id_, parent, {**rules_of(kind).initial, **attributes})

    def insert(self, thing: Thing) -> None:
        """Store a new thing whose attributes are all known.

        Raises:
            Refusal: ERR_2060, its name is taken.
        """
        self._refuse_taken(thing, thing.name)
        thing.wire = self.wires[thing.kind].render(thing, self.shown)
        self.store.insert(thing)
        if targets := self.references.of(thing):
            self.store.refer(thing.n, targets)

    def save(self, thing: Thing, *, renamed: bool = False) -> None:
        """Store a changed thing, and show its new name wherever answers show it."""
        thing.wire = self.wires[thing.kind].render(thing, self.shown)
        self.store.save(thing)
        if self.references.refers(thing.kind):
            self.store.refer(thing.n, self.references.of(thing))
        if not renamed:
            return
        for owner in {number for number, _ in self.store.owners(thing.n)} - {thing.n}:
            found = self.store.by_number(owner)
            if found is not None:
                found.wire = self.wires[found.kind].render(found, self.shown)
                self.store.save(found)

    def shown(self, n: int) -> tuple[str, str]:
        """Id and name of a thing that is there or gone."""
        found = self.store.shown(n)
        if found is None:
            msg = f"the store refers to number {n}, which it does not have"
            raise RuntimeError(msg)
        return found

    # --- checks ------------------------------------------------------------------------------------------------------

    def _new(self, kind: str, parent: int, draft: Draft) -> Thing:
        rules, stanza = rules_of(kind), self._kinds[kind]
        attributes: dict[str, Any] = {}
        for name, attribute in stanza.attributes.items():
            if name in draft.attributes:
                attributes[name] = self._checked(kind, name, draft.attributes[name], parent)
            elif (attribute.required and not attribute.read_only) or name == "name":
                raise Refusal(attribute.missing or rules.missing.get(name, "ERR_1010"))
        if draft.fixed:
            raise Refusal("ERR_1020")
        thing = self.blank(kind, parent, attributes)
        thing.settings = draft.settings
        return thing

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

    def _refuse_taken(self, thing: Thing, name: str) -> None:
        if any(other.n != thing.n for other in self.store.named(thing.kind, name, thing.parent)):
            raise Refusal("ERR_2060")

    def _below(self, thing: Thing) -> Iterable[Thing]:
        children = self.store.children(thing.n) if self._children[thing.kind] else []
        rules_of(thing.kind).before_children_go(children)
        for child in children:
            yield child
            yield from self._below(child)

    def _refuse_held(self, number: int, attribute: str) -> None:
        owner = self.store.by_number(number)
        if owner is not None and rules_of(owner.kind).holds(owner):
            raise Refusal(rules_of(owner.kind).in_use.get(attribute, "ERR_1020"))

"""References of stored objects: from ids or names on the wire to numbers of objects, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kiamo_iac.contract.model import Contract
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.rules import rules_of
from kiamo_iac.emulator.store import TOP, ObjectStore, StoredObject

Leaf = Callable[[Any], int | None]
"""One value of a reference → the number of the object, or None."""


class ObjectReferences:
    """The references of all kinds of one contract."""

    def __init__(self, contract: Contract, store: ObjectStore) -> None:
        self._kinds = contract.kinds
        self._store = store
        self._attributes = {
            kind: [name for name, a in stanza.attributes.items() if a.refers_to]
            for kind, stanza in contract.kinds.items()
        }

        self.keyed = frozenset(
            a.refers_to for stanza in contract.kinds.values() for a in stanza.attributes.values() if a.by == "key"
        )
        """The kinds that others refer to by key."""

    def scope(self, owner: str, target: str, parent: int) -> int | None:
        """The parent of the target: the owner's own for siblings, `TOP` at the top level, None for any."""
        if self._kinds[target].parent is None:
            return TOP
        return parent if self._kinds[target].parent == self._kinds[owner].parent else None

    def resolve(self, owner: str, name: str, value: Any, *, parent: int) -> Any:
        """A value of the wire, with numbers in place of ids or names.

        Raises:
            Refusal: the code of the kind's rules for a wrong type, or for a target that does not exist.
        """
        rules, attribute = rules_of(owner), self._kinds[owner].attributes[name]
        kind = attribute.refers_to or ""
        wrong = rules.invalid.get(name, "ERR_1020")
        unknown = rules.unknown.get(name, "ERR_3001" if kind == "service" else "ERR_1020")
        if name in rules.mappings and not isinstance(value, dict):
            raise Refusal(wrong)
        if name not in rules.mappings and name in rules.invalid and isinstance(value, (dict, list)):
            raise Refusal(wrong)
        by_name = attribute.by == "name" or self._kinds[kind].identity == "name"
        type_ = str if by_name or attribute.by == "key" or self._kinds[kind].id.type == "string" else int
        scope = self.scope(owner, kind, parent)

        is_text = attribute.shape is not None and type_ is int

        def leaf(value: Any) -> int:
            if is_text and isinstance(value, str) and value.isascii() and value.isdigit():
                value = int(value)
            if type(value) is not type_:
                raise Refusal(wrong)
            text = str(value)
            if attribute.by == "key":
                found = [one for one in self._store.listed(kind, scope) if one.attributes.get("key") == text]
            else:
                found = self.named(kind, text, scope) if by_name else self._of_id(kind, text, scope)
            if len(found) != 1:
                raise Refusal(unknown)
            return found[0].n

        return each(value, leaf)

    def named(self, kind: str, name: str, scope: int | None) -> list[StoredObject]:
        """The objects of a name, byte for byte: a server may treat the other Unicode form as another name."""
        return [stored for stored in self._store.named(kind, name, scope) if stored.name == name]

    def _of_id(self, kind: str, id_: str, scope: int | None) -> list[StoredObject]:
        found = self._store.by_id(kind, id_)
        return [found] if found is not None and scope in {None, found.parent} else []

    def refers(self, kind: str) -> bool:
        """Whether objects of a kind can refer to others."""
        return bool(self._attributes[kind])

    def of(self, stored: StoredObject) -> list[tuple[str, int]]:
        """Pairs of an attribute and a number that an object refers to."""
        return [(name, n) for name in self._attributes[stored.kind] for n in numbers(stored.attributes.get(name))]


def each(value: Any, leaf: Leaf) -> Any:
    """A reference, a list of them or an object of them, with `leaf` of each value."""
    if isinstance(value, dict):
        return {role: leaf(v) for role, v in value.items()}
    if isinstance(value, list):
        return [leaf(v) for v in value]
    return leaf(value)


def numbers(value: Any) -> Iterator[int]:
    """The numbers in a resolved reference."""
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
    return (n for n in values if n is not None)

"""Seed and dump: documents with the names and words of manifests, whatever the wire names are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.strict_json import same, write_json
from kiamo_iac.emulator.operations import Operations
from kiamo_iac.emulator.references import each
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.rules import rules_of
from kiamo_iac.emulator.store import TOP, ObjectStore, StoredObject, identity


def plural(kind: str) -> str:
    """`base` → `bases`, `batch` → `batches`: the collection of a kind in documents."""
    if kind.endswith(("s", "x", "z", "ch", "sh")):
        return f"{kind}es"
    return f"{kind[:-1]}ies" if kind.endswith("y") and kind[-2:-1] not in "aeiou" else f"{kind}s"


class SeedDocuments:
    """Reads and writes seed documents under one contract."""

    def __init__(self, contract: Contract, operations: Operations) -> None:
        self._contract = contract
        self._operations = operations
        self._store: ObjectStore = operations.store
        self._collections: dict[str | None, dict[str, str]] = {kind: {} for kind in (None, *contract.kinds)}
        for kind, stanza in contract.kinds.items():
            self._collections[stanza.parent][plural(kind)] = kind

    # --- seed --------------------------------------------------------------------------------------------------------

    def seed(self, document: Mapping[str, Any]) -> None:
        """Add the objects of a document. Shapes are checked, the rules of kinds are not.

        Raises:
            ValueError: with the path of what is wrong (`bases[0].batches[1].service: …`).
        """
        try:
            write_json(document)
        except (TypeError, ValueError, RecursionError) as error:
            raise _wrong("the document", f"must be JSON: {error}") from error
        for kind, id_ in self._given_ids(None, document):
            self._store.reserve_id(kind, id_)
        added: list[tuple[StoredObject, Mapping[str, Any], str]] = []
        for collection, kind, items in self._collections_of(None, document, ""):
            for at, item in enumerate(items):
                added += self._add(kind, TOP, item, f"{collection}[{at}]")
        # References last, so that the order of a document does not matter.
        for stored, item, path in added:
            for name, attribute in self._contract.kinds[stored.kind].attributes.items():
                if attribute.refers_to and name in item:
                    stored.attributes[name] = self._resolve(stored, name, item[name], f"{path}.{name}")
            if self._operations.references.refers(stored.kind):
                self._operations.save(stored)

    def _given_ids(self, parent: str | None, item: Any) -> Iterator[tuple[str, str]]:
        """Every id of the document, so that none of them is generated for another object."""
        for name, attribute in self._contract.kinds[parent].attributes.items() if parent else ():
            value = item.get(name) if attribute.refers_to else None
            inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            for marker in (value, *inner):
                if isinstance(marker, dict) and "gone" in marker and "id" in marker:
                    yield attribute.refers_to or "", str(marker["id"])
        for collection, kind in self._collections[parent].items():
            items = item.get(collection) if isinstance(item, dict) else None
            for inner in items if isinstance(items, list) else ():
                if isinstance(inner, dict):
                    if "id" in inner:
                        yield kind, str(inner["id"])
                    yield from self._given_ids(kind, inner)

    def _collections_of(
        self, parent: str | None, item: Mapping[str, Any], path: str
    ) -> Iterator[tuple[str, str, list[Any]]]:
        if not isinstance(item, dict):
            raise _wrong(path or "the document", "must be an object")
        known = self._collections[parent]
        if parent is None and (unknown := sorted(set(item) - set(known))):
            raise _wrong("the document", f'unknown key "{unknown[0]}" (known: {", ".join(known)})')
        for collection, kind in known.items():
            items = item.get(collection, [])
            if not isinstance(items, list):
                raise _wrong(f"{path}.{collection}".lstrip("."), "must be a list")
            yield collection, kind, items

    def _add(
        self, kind: str, parent: int, item: Any, path: str
    ) -> Iterator[tuple[StoredObject, Mapping[str, Any], str]]:
        collections = list(self._collections_of(kind, item, path))
        stored = self._parsed(kind, parent, item, path)
        try:
            self._operations.insert(stored)
        except Refusal as refusal:
            raise _wrong(f"{path}.name", f'another {kind} is called "{stored.name}"') from refusal
        yield stored, item, path
        for collection, child, items in collections:
            self._add_defaults(child, stored.n, items)
            for at, inner in enumerate(items):
                yield from self._add(child, stored.n, inner, f"{path}.{collection}[{at}]")

    def _add_defaults(self, kind: str, parent: int, items: Iterable[Any]) -> None:
        made = self._contract.kinds[kind].made_with_parent
        given = {identity(str(i.get("name"))) for i in items if isinstance(i, dict) and i.get("default") is True}
        for attributes in made.things if made else ():
            if identity(str(attributes["name"])) not in given:
                self._operations.insert(self._operations.blank(kind, parent, {**attributes, "default": True}))

    def _parsed(self, kind: str, parent: int, item: Mapping[str, Any], path: str) -> StoredObject:
        stanza = self._contract.kinds[kind]
        known = {*stanza.attributes, *self._collections[kind], "id", "settings", "default"}
        if unknown := sorted(set(item) - known):
            raise _wrong(path, f'unknown key "{unknown[0]}" (known: {", ".join(sorted(known))})')
        if not isinstance(item.get("name"), str) or not item["name"]:
            raise _wrong(f"{path}.name", "must be a string that is not empty")
        attributes = {
            name: self._value(kind, name, value, f"{path}.{name}")
            for name, value in item.items()
            if name == "default" or (name in stanza.attributes and not stanza.attributes[name].refers_to)
        }
        stored = self._operations.blank(kind, parent, attributes, id_=self._given_id(kind, item, path))
        stored.settings = self._settings(kind, item.get("settings", {}), f"{path}.settings")
        return stored

    def _value(self, kind: str, name: str, value: Any, path: str) -> Any:
        states = rules_of(kind).states
        match name:
            case "name" | "label" | "datatype" if not isinstance(value, str) and value is not None:
                raise _wrong(path, "must be a string")
            case "contacts" if type(value) is not int or value < 0:
                raise _wrong(path, "must be a whole number, 0 or more")
            case "default" if not isinstance(value, bool):
                raise _wrong(path, "must be true or false")
            case "state" if states and value not in states:
                raise _wrong(path, f"must be one of {', '.join(sorted(states))}")
        return value

    def _given_id(self, kind: str, item: Mapping[str, Any], path: str) -> str | None:
        if "id" not in item or self._contract.kinds[kind].identity == "name":
            return None
        try:
            id_ = self._operations.ids.parse(kind, item["id"])
        except ValueError as error:
            raise _wrong(f"{path}.id", str(error)) from error
        if self._store.by_id(kind, id_) is not None or self._store.deleted_number(kind, id_) is not None:
            raise _wrong(f"{path}.id", f"another {kind} has the id {id_}")
        self._store.reserve_id(kind, id_)
        return id_

    def _settings(self, kind: str, settings: Any, path: str) -> dict[str, Any]:
        if not isinstance(settings, dict):
            raise _wrong(path, "must be an object")
        stanza = self._contract.kinds[kind]
        taken = {stanza.id.wire, stanza.parent_wire, *(a.wire for a in stanza.attributes.values())}
        if clash := sorted(set(settings) & taken):
            raise _wrong(f"{path}.{clash[0]}", "is an attribute of the contract, not a setting")
        versions = self._operations.wires[kind].versions
        return {key: value for key, value in settings.items() if key not in versions}

    def _resolve(self, owner: StoredObject, name: str, value: Any, path: str) -> Any:
        rules = rules_of(owner.kind)
        kind = self._contract.kinds[owner.kind].attributes[name].refers_to or ""
        scope = self._operations.references.scope(owner.kind, kind, owner.parent)

        def leaf(value: Any) -> int | None:
            if value is None:
                return None
            if isinstance(value, dict):
                if rules.blocks_deletion(owner):
                    raise _wrong(path, "only a stopped or finished batch may refer to a deleted object")
                return self._keep_deleted(kind, value, path)
            if not isinstance(value, str):
                raise _wrong(path, f"must be the name of a {kind}")
            found = self._store.named(kind, value, scope)
            if len(found) != 1:
                raise _wrong(path, f'{"no" if not found else "more than one"} {kind} is called "{value}"')
            return found[0].n

        if name in rules.mappings and not isinstance(value, dict):
            raise _wrong(path, "must be an object")
        if name not in rules.mappings and isinstance(value, dict) and "gone" in value:
            return leaf(value)
        return each(value, leaf)

    def _keep_deleted(self, kind: str, marker: Mapping[str, Any], path: str) -> int:
        name = marker.get("gone")
        if not isinstance(name, str) or not set(marker) <= {"gone", "id"}:
            raise _wrong(path, 'a deleted object must be {"gone": NAME} or {"gone": NAME, "id": ID}')
        stored = self._operations.blank(kind, TOP, {"name": name}, id_=self._deleted_id(kind, marker, path))
        known = self._store.deleted_number(kind, stored.id)
        if known is not None:
            return known
        self._store.keep_deleted(stored)
        return stored.n

    def _deleted_id(self, kind: str, marker: Mapping[str, Any], path: str) -> str | None:
        if "id" in marker and self._store.deleted_number(kind, str(marker["id"])) is not None:
            return str(marker["id"])
        return self._given_id(kind, marker, path)

    # --- dump --------------------------------------------------------------------------------------------------------

    def dump(self, *, ids: bool) -> dict[str, Any]:
        """All objects, without values that are null, empty or zero; with or without ids."""
        return self._dump_children(None, TOP, ids=ids)

    def _dump_children(self, parent: str | None, n: int, *, ids: bool) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for collection, kind in self._collections[parent].items():
            if objects := self._store.children(n, kind):
                document[collection] = [self._dump(stored, ids=ids) for stored in objects]
        return document

    def _dump(self, stored: StoredObject, *, ids: bool) -> dict[str, Any]:
        document: dict[str, Any] = {"id": self._shown_id(stored.kind, stored.id)} if ids else {}
        initial = rules_of(stored.kind).initial
        for name, value in self._attributes(stored):
            if value is None or (name != "state" and same(value, initial.get(name))):
                continue
            kind = self._refers_to(stored.kind, name)
            document[name] = self._dump_reference(value, kind, ids=ids) if kind else value
        if stored.settings:
            document["settings"] = stored.settings
        return document | self._dump_children(stored.kind, stored.n, ids=ids)

    def _attributes(self, stored: StoredObject) -> Iterator[tuple[str, Any]]:
        for name in dict.fromkeys((*self._contract.kinds[stored.kind].attributes, "default")):
            yield name, stored.attributes.get(name)

    def _refers_to(self, kind: str, name: str) -> str | None:
        attribute = self._contract.kinds[kind].attributes.get(name)
        return attribute.refers_to if attribute else None

    def _dump_reference(self, value: Any, kind: str, *, ids: bool) -> Any:
        def leaf(n: int | None) -> Any:
            if n is None:
                return None
            id_, name, _ = self._operations.shown(n)
            if not self._store.is_deleted(n):
                return name
            return {"gone": name, "id": self._shown_id(kind, id_)} if ids else {"gone": name}

        return each(value, leaf)

    def _shown_id(self, kind: str, id_: str) -> str | int:
        return int(id_) if self._contract.kinds[kind].id.type == "integer" else id_


def _wrong(path: str, problem: str) -> ValueError:
    return ValueError(f"{path}: {problem}")

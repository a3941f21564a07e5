"""Objects to JSON and back, with the names, words, forms and pages of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from kiamo_iac.contract.entries import Attribute, Listing
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.strict_json import write_json
from kiamo_iac.emulator.paths import MISSING, formed, look, merged, put, take, under, unformed
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.rules import rules_of
from kiamo_iac.emulator.store import TOP, VERSION, Shown, StoredObject

Shows = Callable[[int], Shown]
"""The number of an object → what others show of it."""

GROUP: Final = "$group"
"""As the path of an attribute in responses: the key of the array that its row is in."""


@dataclass(slots=True)
class ObjectBody:
    """The body of a create or an update, by attribute. Unchecked."""

    attributes: dict[str, Any] = field(default_factory=dict)
    """By the names and in the words of manifests."""
    embedded: dict[str, Any] = field(default_factory=dict)
    """By kind."""
    settings: dict[str, Any] = field(default_factory=dict)
    """By wire names."""
    inside: dict[str, Any] = field(default_factory=dict)
    """By kind: all children of a kind that exists only inside its parent."""
    fixed: dict[str, Any] = field(default_factory=dict)
    """What no caller may set, by paths: its id, its parent's id, its version, read-only attributes."""


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is asked for."""

    limit: int = -1
    """-1: all of it."""
    offset: int = 0


class KindWire:
    """One kind on the wire."""

    def __init__(self, contract: Contract, kind: str) -> None:
        stanza = contract.kinds[kind]
        self._kind = kind
        self._stanza = stanza
        self._names = {a.wire: name for name, a in stanza.attributes.items()}
        self._embedded = {e.wire: child for child, e in stanza.embedded.items()}
        self._kinds = contract.kinds
        self._words = {
            name: {json.dumps(there): word for word, value in a.values.items() for there in _choices(value)}
            for name, a in stanza.attributes.items()
            if a.values
        }
        children = ((child, other.inside) for child, other in contract.kinds.items() if other.parent == kind)
        self._inside = {child: inside for child, inside in children if inside is not None}
        shown = {a.read or a.wire for a in stanza.attributes.values()}
        carried = dict.fromkeys(path for call in stanza.operations.values() for path in call.carry)
        self.versions = tuple(path for path in carried if path not in shown and path != stanza.id.wire)
        """Paths of what goes back with a write, and is none of the attributes."""
        ids = {stanza.parent_wire} if stanza.identity == "name" else {stanza.id.wire, stanza.parent_wire}
        self._fixed = frozenset({path for path in ids if path} | set(self.versions) | (shown - self._names.keys()))
        self._paths = [
            path for path in (*self._names, *self._embedded, *self._fixed) if "." in path and not path.startswith("$")
        ]
        listing = stanza.listing
        self.is_plain = not (listing.groups or listing.keyed or listing.row or listing.detail)
        """Whether a row of a list is what a read shows."""

    # --- from the wire -----------------------------------------------------------------------------------------------

    def read(self, body: Mapping[str, Any], template: Mapping[str, Any], *, operation: str = "") -> ObjectBody:
        """Read a body; keys of the operation's template are left out.

        Raises:
            Refusal: ERR_1020 for a word or a form that the contract does not have.
        """
        draft = ObjectBody()
        rest = deepcopy(dict(body)) if self._paths or self._inside else dict(body)
        for child, inside in self._inside.items():
            if operation == inside.write and (found := take(rest, inside.wire)) is not MISSING:
                draft.inside[child] = _rows_of(found, self._kinds[child].listing)
        for path in self._paths:
            if (found := take(rest, path)) is not MISSING:
                self._put(draft, path, found, template)
        for wire, value in rest.items():
            self._put(draft, wire, value, template)
        return draft

    def _put(self, draft: ObjectBody, wire: str, value: Any, template: Mapping[str, Any]) -> None:
        name = self._names.get(wire)
        if name is not None and self._stanza.attributes[name].read_only:
            draft.fixed[wire] = value
        elif name is not None:
            draft.attributes[name] = self._word(name, self._unformed(name, value))
        elif wire in self._embedded:
            draft.embedded[self._embedded[wire]] = value
        elif wire in template:
            return
        elif wire in self._fixed:
            draft.fixed[wire] = value
        else:
            draft.settings[wire] = value

    def _unformed(self, name: str, value: Any) -> Any:
        shape = self._stanza.attributes[name].shape
        if shape is None or value is None:
            return value
        try:
            return unformed(shape, value)
        except ValueError:
            raise Refusal(rules_of(self._kind).invalid.get(name, "ERR_1020")) from None

    def _word(self, name: str, value: Any) -> Any:
        words = self._words.get(name)
        if words is None or value is None:
            return value
        try:
            return words[json.dumps(value)]
        except KeyError:
            raise Refusal("ERR_1020") from None

    def page(self, query: Mapping[str, Any]) -> Page:
        """The page that a list call asks for, at most as large as the contract's limit.

        Raises:
            Refusal: ERR_1020 for what is not a number in its range.
        """
        paging = self._stanza.listing.paging
        if paging.style == "none":
            return Page()
        size = min(_number(query, paging.size, paging.limit, least=1), paging.limit)
        if paging.style == "page":
            return Page(size, (_number(query, paging.page, paging.first, least=paging.first) - paging.first) * size)
        key = paging.parameter if paging.style == "cursor" else paging.offset
        return Page(size, _number(query, key, 0, least=0))

    # --- to the wire -------------------------------------------------------------------------------------------------

    def render(self, stored: StoredObject, shown: Shows) -> str:
        """The JSON of an object."""
        document: dict[str, Any] = {}
        if self._stanza.identity == "id":
            put(document, self._stanza.id.wire, self.typed(stored.kind, stored.id, stored.name))
        if self._stanza.parent and self._stanza.parent_wire and stored.parent != TOP:
            put(document, self._stanza.parent_wire, self.typed(self._stanza.parent, *shown(stored.parent)[:2]))
        for name, attribute in self._stanza.attributes.items():
            if attribute.source is None and attribute.read != GROUP:
                put(document, attribute.read or attribute.wire, self._value(stored, name, attribute, shown))
        for path in self.versions:
            put(document, path, stored.attributes.get(VERSION, 1))
        return write_json(merged(document, stored.settings))

    def part(self, stored: StoredObject, attributes: Iterable[str], shown: Shows) -> str:
        """The JSON of some attributes alone."""
        found = ((name, self._stanza.attributes[name]) for name in attributes)
        return write_json(under((a.read or a.wire, self._value(stored, name, a, shown)) for name, a in found))

    def _value(self, stored: StoredObject, name: str, attribute: Attribute, shown: Shows) -> Any:
        value = stored.attributes.get(name)
        if attribute.refers_to:
            value = self._references(value, attribute.refers_to, shown, by=attribute.by)
        elif attribute.values and isinstance(value, str | bool):
            value = _choices(attribute.values.get(json.dumps(value) if isinstance(value, bool) else value, value))[0]
        if attribute.shape is not None and attribute.read is None:
            value = formed(attribute.shape, value)
        return value

    def _references(self, value: Any, kind: str, shown: Shows, *, by: str | None) -> Any:
        if isinstance(value, dict):
            return {role: self._references(v, kind, shown, by=by) for role, v in value.items()}
        if isinstance(value, list):
            return [self._references(v, kind, shown, by=by) for v in value]
        if value is None:
            return None
        found = shown(value)
        match by:
            case "name":
                return found.name
            case "key":
                return found.key
        return self.typed(kind, found.id, found.name)

    def typed(self, kind: str, id_: str, name: str) -> str | int:
        """What identifies an object on the wire."""
        if self._kinds[kind].identity == "name":
            return name
        return int(id_) if self._kinds[kind].id.type == "integer" else id_

    def rows(self, objects: Iterable[StoredObject], shown: Shows) -> str:
        """The JSON of the rows of a list: an array, an object or several arrays."""
        listing = self._stanza.listing
        groups: dict[str, list[tuple[StoredObject, Any]]] = {key: [] for key in listing.groups}
        found: list[tuple[StoredObject, Any]] = []
        for stored in objects:
            row = self._row(stored)
            (groups[self._group(stored, shown)] if groups else found).append((stored, row))
        if groups:
            return write_json({key: self._collected(rows) for key, rows in groups.items()})
        return write_json(self._collected(found))

    def _row(self, stored: StoredObject) -> dict[str, Any]:
        row: dict[str, Any] = json.loads(stored.wire)
        if self._stanza.listing.detail:  # the least that a list can show
            name = self._stanza.attributes["name"]
            paths = (self._stanza.id.wire, self._stanza.parent_wire, name.read or name.wire)
            row = under((path, value) for path in paths if path and (value := look(row, path)) is not MISSING)
        return row

    def _collected(self, rows: list[tuple[StoredObject, Any]]) -> Any:
        listing = self._stanza.listing
        key = None if listing.groups else listing.keyed
        # A row in an object of its own still holds the key.
        keys = [str(look(row, key) if listing.row else take(row, key)) for _, row in rows] if key else []
        held = [under([(listing.row, row)]) if listing.row else row for _, row in rows]
        return dict(zip(keys, held, strict=True)) if key else held

    def _group(self, stored: StoredObject, shown: Shows) -> str:
        groups = self._stanza.listing.groups
        for name, attribute in self._stanza.attributes.items():
            if attribute.read == GROUP:
                value = self._value(stored, name, attribute, shown)
                return value if value in groups else groups[-1]
        return groups[0] if stored.attributes.get("default") else groups[-1]


def _rows_of(found: Any, listing: Listing) -> Any:
    """The rows of a list that is keyed as the parent shows it."""
    if listing.keyed is None or not isinstance(found, dict):
        return found
    return [{listing.keyed: key, **row} if isinstance(row, dict) else row for key, row in found.items()]


def _choices(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _number(query: Mapping[str, Any], key: str, default: int, *, least: int) -> int:
    text = query.get(key)
    if text is None:
        return default
    if type(text) is int:
        text = str(text)
    if not isinstance(text, str):
        raise Refusal("ERR_1020")
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise Refusal("ERR_1020")
    return int(text)

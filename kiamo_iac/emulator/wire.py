"""Objects to JSON and back, with the names, words, envelopes and pages of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiamo_iac.contract.model import Contract
from kiamo_iac.core.strict_json import write_json
from kiamo_iac.emulator.refusal import Refusal
from kiamo_iac.emulator.store import TOP, StoredObject

Shown = Callable[[int], tuple[str, str]]
"""A number of an object → its id and its exact name."""

_PLACEHOLDER = "\0placeholder\0"


@dataclass(slots=True)
class ObjectBody:
    """The body of a create or an update, by attribute. Unchecked."""

    attributes: dict[str, Any] = field(default_factory=dict)
    """By the names and in the words of manifests."""
    embedded: dict[str, Any] = field(default_factory=dict)
    """By kind."""
    settings: dict[str, Any] = field(default_factory=dict)
    """By wire names."""
    fixed: dict[str, Any] = field(default_factory=dict)
    """What no caller may set, by wire names: its id, its parent's id, read-only attributes."""


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
        self._stanza = stanza
        self._parent = contract.kinds[stanza.parent] if stanza.parent else None
        self._names = {a.wire: name for name, a in stanza.attributes.items()}
        self._embedded = {e.wire: child for child, e in stanza.embedded.items()}
        self._id_types = {k: contract.kinds[k].id.type for k in contract.kinds}
        self._words = {
            name: {json.dumps(there): word for word, there in a.values.items()}
            for name, a in stanza.attributes.items()
            if a.values
        }
        self._item = _envelope(stanza.item)
        # The total is put in first, so that its placeholder comes before that of the items.
        self._list = _envelope(stanza.listing.total, stanza.listing.items) if stanza.listing.items else ("", "")

    # --- from the wire -----------------------------------------------------------------------------------------------

    def read(self, body: Mapping[str, Any], template: Mapping[str, Any]) -> ObjectBody:
        """Read a body; keys of the operation's template are left out.

        Raises:
            Refusal: ERR_1020 for a word that the contract does not have.
        """
        draft = ObjectBody()
        for wire, value in body.items():
            name = self._names.get(wire)
            if name is not None and self._stanza.attributes[name].read_only:
                draft.fixed[wire] = value
            elif name is not None:
                draft.attributes[name] = self._word(name, value)
            elif wire in self._embedded:
                draft.embedded[self._embedded[wire]] = value
            elif wire in template:
                continue
            elif wire in {self._stanza.id.wire, self._stanza.parent_wire}:
                draft.fixed[wire] = value
            else:
                draft.settings[wire] = value
        return draft

    def _word(self, name: str, value: Any) -> Any:
        words = self._words.get(name)
        if words is None or value is None:
            return value
        try:
            return words[json.dumps(value)]
        except KeyError:
            raise Refusal("ERR_1020") from None

    def page(self, query: Mapping[str, str]) -> Page:
        """The page that a list call asks for, at most as large as the contract's limit.

        Raises:
            Refusal: ERR_1020 for what is not a number in its range.
        """
        paging = self._stanza.listing.paging
        if paging.style == "none":
            return Page()
        size = min(_number(query, paging.size, paging.limit, least=1), paging.limit)
        if paging.style == "offset":
            return Page(size, _number(query, paging.offset, 0, least=0))
        return Page(size, (_number(query, paging.page, paging.first, least=paging.first) - paging.first) * size)

    # --- to the wire -------------------------------------------------------------------------------------------------

    def render(self, stored: StoredObject, shown: Shown) -> str:
        """The JSON of an object."""
        document: dict[str, Any] = {self._stanza.id.wire: self._typed(stored.kind, stored.id)}
        if self._stanza.parent and self._stanza.parent_wire and stored.parent != TOP:
            document[self._stanza.parent_wire] = self._typed(self._stanza.parent, shown(stored.parent)[0])
        for name, attribute in self._stanza.attributes.items():
            value = stored.attributes.get(name)
            if attribute.refers_to:
                value = self._references(value, attribute.refers_to, shown, by_name=attribute.by == "name")
            elif attribute.values and isinstance(value, str):
                value = attribute.values.get(value, value)
            document[attribute.wire] = value
        return write_json(document | stored.settings)

    def _references(self, value: Any, kind: str, shown: Shown, *, by_name: bool) -> Any:
        if isinstance(value, dict):
            return {role: self._references(v, kind, shown, by_name=by_name) for role, v in value.items()}
        if isinstance(value, list):
            return [self._references(v, kind, shown, by_name=by_name) for v in value]
        if value is None:
            return None
        id_, name = shown(value)
        return name if by_name else self._typed(kind, id_)

    def _typed(self, kind: str, id_: str) -> str | int:
        return int(id_) if self._id_types[kind] == "integer" else id_

    def item(self, wire: str) -> str:
        """The response that shows one object."""
        return wire.join(self._item)

    def items(self, wires: list[str], total: Callable[[], int]) -> str:
        """The response that lists objects; `total` is called only where the contract shows it."""
        before, *total_to_items, after = self._list
        array = f"[{','.join(wires)}]"
        return "".join((before, *(str(total()) + text for text in total_to_items), array, after))


def _envelope(*keys: str | None) -> tuple[str, ...]:
    """A JSON document split at its values under these dotted paths: the text before, between and after. None: no
    path."""
    paths = [path for path in keys if path]
    if not paths:
        return "", ""
    document: dict[str, Any] = {}
    for path in paths:
        *folders, last = path.split(".")
        inner = document
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[last] = _PLACEHOLDER
    return tuple(json.dumps(document).split(json.dumps(_PLACEHOLDER)))


def _number(query: Mapping[str, str], key: str, default: int, *, least: int) -> int:
    text = query.get(key)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < least:
        raise Refusal("ERR_1020")
    return int(text)

"""Between the JSON of a kind and its flat form, in which each attribute has its value under its wire name.

    {"service": {"id": 7}, "label": {"fr": "A"}}   ⇄   {"service": 7, "label.fr": "A"}

Most contracts need none of it: then a kind has no shape, and its JSON is read as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

from kiamo_iac.api.response import MISSING, dig
from kiamo_iac.contract.entries import KindContract
from kiamo_iac.core.errors import ApiError
from kiamo_iac.core.sensitive import reads_back_masked

GROUP: Final = "$group"
"""The key of a row that has the key of its array."""
SOURCES: Final = "$from"
"""The key of a row that has what other operations show of it, by attribute."""


class _Entry(NamedTuple):
    name: str
    wire: str
    path: str
    source: bool
    shape: Any
    integer: bool


class KindShape:
    """The shape of one kind."""

    def __init__(self, entries: tuple[_Entry, ...], unsent: frozenset[str] = frozenset()) -> None:
        """`unsent`: dotted paths of what an update never sends, though it stands beside what it does."""
        self._entries = entries
        self._unsent = unsent
        self._by_wire = {entry.wire: entry for entry in entries}
        self._roots = frozenset({GROUP, SOURCES, *(entry.path.split(".")[0] for entry in entries)})

    @classmethod
    def of(cls, stanza: KindContract, integers: frozenset[str]) -> KindShape | None:
        """The shape of a kind; None where its JSON is flat. `integers`: the kinds whose ids are numbers."""
        entries = [
            _Entry(name, a.wire, a.read or a.wire, a.source is not None, a.shape, a.refers_to in integers)
            for name, a in stanza.attributes.items()
        ]
        entries += [
            _Entry("", wire, wire, source=False, shape=None, integer=False)
            for wire in (stanza.id.wire, stanza.parent_wire)
            if wire is not None and "." in wire
        ]
        is_flat = all(e.path == e.wire and "." not in e.wire and not e.source and e.shape is None for e in entries)
        unsent = {a.read or a.wire for a in stanza.attributes.values() if a.read_only and a.source is None}
        unsent |= {path for path in (stanza.id.wire, stanza.parent_wire) if path is not None}
        return None if is_flat else cls(tuple(entries), frozenset(path for path in unsent if "." in path))

    def flat(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The flat form of an object; what the contract does not know stays as it is."""
        found = {key: value for key, value in item.items() if key not in self._roots}
        sources = item.get(SOURCES, {})
        for entry in self._entries:
            value = sources.get(entry.name, MISSING) if entry.source else dig(item, entry.path)
            if value is not MISSING:
                found[entry.wire] = value if entry.shape is None else _read(entry.shape, value, integer=entry.integer)
        return found

    def nested(self, flat: Mapping[str, Any], under: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON of a request. `under`: the object as it was read right before, whose other keys beside a dotted path
        (a label in another language) go back with it, unless they are read-only."""
        body: dict[str, Any] = {}
        for wire, value in flat.items():
            entry = self._by_wire.get(wire)
            written = value if entry is None or entry.shape is None else _written(entry.shape, value)
            if entry is None:
                body[wire] = written
            else:
                place(body, wire, written, under=under)
        for path in self._unsent - flat.keys():
            _remove(body, path)
        return body

    def is_nested(self, flat: Mapping[str, Any]) -> bool:
        """Whether one of these goes beside others below one key."""
        return any("." in wire and wire in self._by_wire for wire in flat)


def place(body: dict[str, Any], path: str, value: Any, *, under: Mapping[str, Any] | None = None) -> None:
    """Put a value at a dotted path."""
    *folders, last = path.split(".")
    inner: Any = body
    old: Any = under or {}
    for folder in folders:
        old = old.get(folder) if isinstance(old, Mapping) else None
        if not isinstance(inner.get(folder), dict):
            inner[folder] = deepcopy(dict(old)) if isinstance(old, Mapping) else {}
        inner = inner[folder]
    inner[last] = value


def _remove(body: dict[str, Any], path: str) -> None:
    *folders, last = path.split(".")
    inner: Any = body
    for folder in folders:
        inner = inner.get(folder) if isinstance(inner, dict) else None
    if isinstance(inner, dict):
        inner.pop(last, None)


def whole(
    stanza: KindContract, shape: KindShape | None, item: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """The flat body of an update that replaces the object: all that was read and can be written, with the changes.

    Raises:
        ApiError: a value reads back masked: sent back, it would take the place of the real one.
    """
    flat = shape.flat(item) if shape is not None else dict(item)
    for wire in (stanza.id.wire, stanza.parent_wire, *(a.wire for a in stanza.attributes.values() if a.read_only)):
        flat.pop(wire or "", None)
    if stanza.identity == "name":
        flat.setdefault(stanza.attributes["name"].wire, dig(item, stanza.id.wire))
    masked = sorted(key for key, value in flat.items() if key not in changes and any(map(_is_masked, _leaves(value))))
    if masked:
        msg = f'The update was not sent: it replaces the whole object, and "{masked[0]}" reads back masked.'
        raise ApiError(msg, hint="change the object in Kiamo, or use an update of the contract that sends changes only")
    return {**flat, **changes}


def _is_masked(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and reads_back_masked(value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    else:
        yield value


# --- shapes ----------------------------------------------------------------------------------------------------------


def _read(shape: Any, value: Any, *, integer: bool) -> Any:
    if isinstance(shape, list) and len(shape) == 1 and isinstance(value, list | None):
        found = [_matched(shape[0], each) for each in value or ()]
        if any("$role" in each for each in found):
            return {str(each.get("$role")): _typed(_target(each), integer=integer) for each in found}
        return [_typed(_target(each), integer=integer) for each in found] or _empty(shape[0])
    if isinstance(shape, dict) and "$role" in shape and isinstance(value, dict):
        return {role: _typed(_target(_matched(shape["$role"], each)), integer=integer) for role, each in value.items()}
    if value is None or (isinstance(shape, dict) and not isinstance(value, dict)):
        return value
    return _typed(_target(_matched(shape, value)), integer=integer)


def _empty(shape: Any) -> Any:
    return {} if "$role" in set(_leaves(shape)) else []


def _target(found: Mapping[str, Any]) -> Any:
    return found.get("$field", found.get("$"))


def _typed(value: Any, *, integer: bool) -> Any:
    return int(value) if integer and isinstance(value, str) and value.isascii() and value.isdigit() else value


def _matched(shape: Any, value: Any) -> dict[str, Any]:
    """What the placeholders of a shape stand for in a value."""
    if isinstance(shape, dict):
        found: dict[str, Any] = {}
        for key, inner in shape.items() if isinstance(value, dict) else ():
            found |= _matched(inner, value.get(key))
        return found
    if shape in _PLACEHOLDERS:
        return {shape: value}
    if isinstance(shape, str) and "$" in shape and isinstance(value, str):
        before, _, after = shape.partition("$")
        text = value.rpartition(before)[2] if before else value
        return {"$": unquote(text.removesuffix(after))}
    return {}


def _written(shape: Any, value: Any) -> Any:
    if isinstance(shape, list) and len(shape) == 1:
        if isinstance(value, Mapping):
            return [_filled(shape[0], {"$role": role, "$field": each, "$": each}) for role, each in value.items()]
        return [_filled(shape[0], {"$": each, "$field": each}) for each in value or ()]
    if isinstance(shape, dict) and "$role" in shape:
        return {role: _filled(shape["$role"], {"$field": each, "$": each}) for role, each in (value or {}).items()}
    return None if value is None else _filled(shape, {"$": value, "$field": value})


def _filled(shape: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(shape, dict):
        return {key: _filled(inner, values) for key, inner in shape.items()}
    if isinstance(shape, list):
        return [_filled(inner, values) for inner in shape]
    if isinstance(shape, str) and shape in values:
        return values[shape]
    if isinstance(shape, str) and "$" in shape:
        return shape.replace("$", quote(str(values["$"]), safe=""))
    return shape


_PLACEHOLDERS: Final = ("$", "$role", "$field")

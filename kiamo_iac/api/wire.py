"""Decodes and encodes resources: the only module that reads and writes wire names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, assert_never

from kiamo_iac.api.response import ApiResponse, kind_of
from kiamo_iac.api.shape import GROUP, KindShape
from kiamo_iac.contract.entries import Attribute
from kiamo_iac.contract.model import Contract
from kiamo_iac.contract.page_signs import is_count
from kiamo_iac.contract.request_checks import refused_id
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import ApiError, ResponseError
from kiamo_iac.core.printable import printable
from kiamo_iac.core.resource import Reference, ReferenceShape, Resource
from kiamo_iac.core.sensitive import Sensitive, hidden, hidden_text, revealed
from kiamo_iac.core.state import EMPTY, DanglingReference, RemoteId, ResourceState

_ID_TYPES: Final = {"string": str, "integer": int}
_WORDS: Final = {str: "a string", int: "a whole number", bool: "true or false"}
_PLURALS: Final = {str: "strings", int: "whole numbers"}
_FLAG_WORDS: Final = {"true": True, "false": False}
"""The words of a flag in `values`."""
_NOT_SET: Final = frozenset({"", "0", "n", "no", "non", "none", "null", "false", "faux", "off", "f", "-"})
"""Texts that say of a flag that it is not set, where the contract lists no values."""
_SET: Final = frozenset({"1", "y", "yes", "o", "oui", "true", "vrai", "on", "t", "v", "x"})
"""Texts that say of a flag that it is set. Any other is taken for one, with a warning."""
_NO_TARGET: Final = (None, "")
"""A reference that is not set."""
_DEEPEST: Final = 64
"""Nested lists and mappings in one value, twice the limit of a manifest: the functions that read a value recurse."""


@dataclass(slots=True)
class LiveRow:
    """One listed object: a `ResourceState` without its address, with references as they are on the wire.

    One list may have the objects of all parents, so the address is known only when all lists are read.
    """

    remote_id: RemoteId
    name: str
    attributes: dict[str, Any]
    settings: Mapping[str, Any]
    extras: Mapping[str, Any]
    parent_id: RemoteId | None
    """None where no attribute of the contract holds it."""

    def instance(self, kind: type[Resource], address: Address, attributes: Mapping[str, Any]) -> ResourceState:
        """The object at its address; `attributes`: its own, with names in references."""
        return ResourceState(address, kind, attributes, self.settings, remote_id=self.remote_id, extras=self.extras)


class Decoder:
    """Decodes the objects of one kind."""

    def __init__(self, contract: Contract, kind: type[Resource], *, intern: bool = True) -> None:
        """`intern`: equal texts are kept once; for rows that are not kept, this would only fill Python's table."""
        stanza = contract.kinds[kind.kind]
        references = {reference.attribute: reference for reference in kind.references}
        integers = frozenset(name for name, other in contract.kinds.items() if other.id.type == "integer")
        self._shape = KindShape.of(stanza, integers)
        self._intern = intern
        self._noun = kind.kind
        self._id = (stanza.id.wire, _ID_TYPES[stanza.id.type])
        self._parent = stanza.parent_wire
        self._parent_type = _ID_TYPES[contract.kinds[stanza.parent].id.type] if stanza.parent else str
        self._plain: list[tuple[str, str, type | None]] = []
        self._words: list[tuple[str, str, dict[tuple[type, Any], str], bool]] = []
        self._references: list[tuple[Reference, str, type]] = []
        self._extras: list[tuple[str, str]] = []
        self._extra_words: dict[str, dict[tuple[type, Any], Any]] = {}
        self._flag = kind.system.flag if kind.system is not None else None
        self._count = kind.contents
        self.unlisted: dict[tuple[str, str], str] = {}
        """(attribute, value) that the contract does not list → the name of the first object that has it."""
        self.mistyped: dict[tuple[str, str], str] = {}
        """(attribute, what it has in the place of a string) → the name of the first object that has it."""
        for name, attribute in stanza.attributes.items():
            if attribute.read_only and name != "state" and name not in references:
                self._extras.append((name, attribute.wire))
                if attribute.values is not None:
                    self._extra_words[name] = {
                        key: _FLAG_WORDS.get(word, word) for key, word in _by_wire(attribute.values).items()
                    }
            elif attribute.values is not None:
                by_wire = _by_wire(attribute.values)
                self._words.append((name, attribute.wire, by_wire, name == "state" and kind.machine is not None))
            elif name in references and attribute.refers_to is not None:
                by_id = attribute.by == "id"
                type_ = _ID_TYPES[contract.kinds[attribute.refers_to].id.type] if by_id else str
                self._references.append((references[name], attribute.wire, type_))
            else:
                self._plain.append((name, attribute.wire, _type_of(kind, name)))
        self._entries: dict[str, tuple[str, ...]] = {
            attribute.wire: ("attributes", name, "wire") for name, attribute in stanza.attributes.items()
        }
        self._entries |= {stanza.parent_wire or "": ("parent_wire",), stanza.id.wire: ("id", "wire")}
        """Wire name → the entry of the contract that says so."""
        self._plain.sort(key=lambda entry: entry[0] != "name")
        known = {GROUP, stanza.id.wire, *(a.wire for a in stanza.attributes.values())}
        known |= {entry.wire for entry in stanza.embedded.values()}
        for child in contract.kinds.values():
            if child.inside is not None and child.parent == kind.kind:
                known.add(child.inside.wire.split(".")[0])
                known.add((child.inside.read or "").removeprefix(f"{stanza.item_of('read')}.").split(".")[0])
        self.known = frozenset(known | ({stanza.parent_wire} if stanza.parent_wire else set()))
        """The keys of the flat form that are no settings."""

    def id_of(self, item: Mapping[str, Any], response: ApiResponse) -> RemoteId:
        """The id of an object.

        Raises:
            ResponseError: there is none of the contract's type.
        """
        return self._id_in(self.flat(item), response)

    def flat(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """The flat form of an object: each attribute under its wire name."""
        return item if self._shape is None else self._shape.flat(item)

    def _id_in(self, flat: Mapping[str, Any], response: ApiResponse) -> RemoteId:
        wire, type_ = self._id
        return self._as_id(flat, wire, type_, response=response)

    def row(self, item: Any, response: ApiResponse) -> LiveRow:
        """One object of a list, or the response to a create.

        Raises:
            ResponseError: it lacks its id, its name or its state, or holds something of another type than it should.
        """
        if not isinstance(item, dict):
            raise response.mismatch(f"a {self._noun} must be an object, got {kind_of(item)}")
        if self._shape is not None:
            item = self._shape.flat(item)
        attributes: dict[str, Any] = {}
        for name, wire, type_ in self._plain:
            value = item.get(wire)
            if value is None:
                continue
            if type_ is not None and type(value) is not type_:
                if not _is_read_as_it_is(name, type_, value):
                    raise self._wrong(item, wire, _WORDS[type_], response=response)
                self.mistyped.setdefault((name, kind_of(value)), attributes["name"])
                attributes[name] = value
            else:
                attributes[name] = self._text(name, value) if type(value) is str else value
        if not attributes.get("name"):
            raise self._wrong(item, self._plain[0][1], "a non-empty string", response=response)
        for name, wire, words, needed in self._words:
            self._word(item, attributes, name=name, wire=wire, words=words, needed=needed, response=response)
        for reference, wire, type_ in self._references:
            if wire in item:
                value = self._reference(item, reference, wire=wire, type_=type_, response=response)
                if value is not None:
                    attributes[reference.attribute] = value
        return LiveRow(
            remote_id=self._id_in(item, response),
            name=attributes["name"],
            attributes=attributes,
            settings=self._settings(item, response),
            extras=self._meant(found, attributes["name"]) if (found := self._found_extras(item)) else EMPTY,
            parent_id=self._parent_id(item, response) if self._parent else None,
        )

    def _found_extras(self, item: dict[str, Any]) -> dict[str, Any]:
        return {name: item[wire] for name, wire in self._extras if item.get(wire)}

    def _meant(self, found: dict[str, Any], of: str) -> Mapping[str, Any]:
        """Read-only values in the words of the contract: a flag "N" is not true, and a count "0" is none."""
        for name, value in [*found.items()]:
            words = self._extra_words.get(name)
            if words is not None and not isinstance(value, dict | list) and (type(value), value) in words:
                found[name] = words[type(value), value]
            elif isinstance(value, str) and name == self._flag:
                text = value.strip().casefold()
                found[name] = text not in _NOT_SET
                if text not in _NOT_SET | _SET:
                    self.unlisted.setdefault((name, printable(value, 60)), of)
            elif isinstance(value, str) and name == self._count and is_count(value):
                found[name] = int(value)
            if not found[name]:
                del found[name]
        return found or EMPTY

    def _settings(self, item: dict[str, Any], response: ApiResponse) -> Mapping[str, Any]:
        if item.keys() <= self.known:
            return EMPTY
        found = {sys.intern(key): value for key, value in item.items() if key not in self.known}
        for key, value in found.items():
            if isinstance(value, dict | list) and _is_deep(value, _DEEPEST):
                raise response.mismatch(
                    f'"{printable(key, 60)}" of a {self._noun} is nested more than {_DEEPEST} levels deep'
                )
        return hidden(found)

    def _text(self, attribute: str, value: str) -> str:
        """A string; hidden where it has the form of a secret, except a name, which identifies the resource."""
        found = value if attribute == "name" else hidden_text(value)
        return sys.intern(value) if self._intern and not isinstance(found, Sensitive) else found

    def _parent_id(self, item: dict[str, Any], response: ApiResponse) -> RemoteId:
        return self._as_id(item, self._parent or "", self._parent_type, response=response)

    def _word(
        self,
        item: dict[str, Any],
        attributes: dict[str, Any],
        *,
        name: str,
        wire: str,
        words: dict[tuple[type, Any], str],
        needed: bool,
        response: ApiResponse,
    ) -> None:
        value = item.get(wire)
        if value is None and not needed:
            return
        word = None if isinstance(value, dict | list) else words.get((type(value), value))
        if word is None and type(value) in {str, int}:  # never one of the words of manifests
            word = printable(str(value), 60) if value not in words.values() else f"unlisted {value}"
            self.unlisted.setdefault((name, word), attributes["name"])
        if word is None:
            choices = ", ".join(sorted(kind_of(known).removeprefix("the string ") for _, known in words))
            raise self._wrong(item, wire, f"one of {choices}", response=response)
        attributes[name] = word

    def _reference(
        self, item: dict[str, Any], reference: Reference, *, wire: str, type_: type, response: ApiResponse
    ) -> Any:
        """The ids or names under `wire`, in the shape of the reference; None where it refers to nothing."""
        value = item[wire]
        match reference.shape:
            case ReferenceShape.ONE:
                wanted = _WORDS[type_]
                if value in _NO_TARGET:
                    return None
            case ReferenceShape.LIST:
                wanted = f"a list of {_PLURALS[type_]}"
                if value is None:
                    return []
            case ReferenceShape.MAPPING:
                wanted = f"an object of {_PLURALS[type_]}"
                if value is None or value == []:  # how servers written in PHP encode an empty mapping
                    return {}
                if isinstance(value, dict):  # a role that the instance shows without a target is not set
                    value = {role: target for role, target in value.items() if target not in _NO_TARGET}
            case _:
                assert_never(reference.shape)
        if not reference.fits(value) or any(type(target) is not type_ for _, target in reference.items(value)):
            raise self._wrong(item, wire, wanted, response=response)
        return value

    def _as_id(self, item: Mapping[str, Any], wire: str, type_: type, *, response: ApiResponse) -> RemoteId:
        found: RemoteId | None = item.get(wire)
        if found is None or type(found) is not type_:
            raise self._wrong(item, wire, _WORDS[type_], response=response)
        if refused_id(found):  # it would change the path of later calls
            raise self._wrong(item, wire, "an id that a path can contain", response=response)
        return found

    def _wrong(self, item: Mapping[str, Any], wire: str, wanted: str, *, response: ApiResponse) -> ResponseError:
        name_wire = self._plain[0][1]
        name = item.get(name_wire)
        which = f'the {self._noun} "{printable(name, 60)}"' if isinstance(name, str) and name else f"a {self._noun}"
        got = kind_of(item[wire]) if wire in item else "nothing"
        key = self._entries.get(wire, ())
        if key == ("id", "wire") and wire in item:
            key = ("id", "type")
        return response.mismatch(f'"{wire}" of {which} must be {wanted}, got {got}', key)


def _by_wire(values: Mapping[str, Any]) -> dict[tuple[type, Any], str]:
    """Type and value on the wire → our word."""
    several = ((word, value if isinstance(value, list) else [value]) for word, value in values.items())
    return {(type(each), each): word for word, wire in several for each in wire if not isinstance(each, dict | list)}


def _is_deep(value: Any, left: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left < 0 or any(_is_deep(item, left - 1) for item in inner)


def _is_read_as_it_is(name: str, type_: type, value: Any) -> bool:
    """Whether a value of another type than `type_` is no reason to refuse the object that has it."""
    return name != "name" and type_ is str and not isinstance(value, dict | list)


def _type_of(kind: type[Resource], attribute: str) -> type | None:
    """The type of an attribute where the kind's model has a plain one."""
    info = kind.model_fields.get(attribute)
    return info.annotation if info is not None and info.annotation in _WORDS else None


Refer = Callable[[Reference, str, bool], str | int]
"""(reference, target name, whether by id) → the id or the exact name of the target."""


def encode(contract: Contract, kind: type[Resource], attributes: Mapping[str, Any], *, refer: Refer) -> dict[str, Any]:
    """The body for these attributes; those under `settings` are added as they are, sensitive ones revealed.

    Raises:
        ApiError: the contract has no wire name for one of them.
    """
    references = {reference.attribute: reference for reference in kind.references}
    body: dict[str, Any] = dict(revealed(attributes.get("settings", {})))
    for name, value in attributes.items():
        if name == "settings":
            continue
        attribute = contract.kinds[kind.kind].attributes.get(name)
        if attribute is None:
            raise ApiError(
                f'The contract has no wire name for "{name}" of a {kind.kind}.',
                hint=f"declare it under kinds.{kind.kind}.attributes.{name} in {contract.origin}",
            )
        body[attribute.wire] = _value(attribute, references.get(name), value, refer=refer)
    return body


def _value(attribute: Attribute, reference: Reference | None, value: Any, *, refer: Refer) -> Any:
    if reference is not None and attribute.refers_to is not None and value is not None:
        by_id = attribute.by != "name"
        return reference.map(value, lambda name: refer(reference, name, by_id))
    if attribute.values is not None and isinstance(value, str):
        written = attribute.values.get(value, value)
        return written[0] if isinstance(written, list) and written else written
    return value


By = Literal["id", "name", "key"]


def written_by(contract: Contract, kind: str, attribute: str) -> By | None:
    """How the contract writes this reference; None where it has no such attribute."""
    stanza = contract.kinds.get(kind)
    entry = stanza.attributes.get(attribute) if stanza is not None else None
    return entry.by if entry is not None else None


def references_by(contract: Contract, kind: type[Resource], by: By) -> tuple[Reference, ...]:
    """The references of a kind that the contract writes by id, by name, or by the attribute `key` of the target."""
    return tuple(r for r in kind.references if written_by(contract, kind.kind, r.attribute) == by)


def put_names(attributes: dict[str, Any], reference: Reference, names: Mapping[RemoteId, str]) -> None:
    """Replace ids by names; an id without a name becomes a `DanglingReference`."""
    value = attributes.get(reference.attribute)
    if value is not None:
        attributes[reference.attribute] = reference.map(value, lambda id_: _named(names, id_))


def _named(names: Mapping[RemoteId, str], id_: RemoteId) -> str:
    name = names.get(id_)
    return name if name is not None else DanglingReference(f"(gone: {printable(str(id_), 60)})")

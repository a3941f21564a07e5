"""How manifests represent a live resource: its attributes and settings, and what is omitted and why."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Final

from pydantic import ValidationError

from kiamo_iac.authoring.exporting.unrepresentable import IsSecret, no_secrets, refused, refused_name
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import COMMON_KEYS, Reference, Resource, Scope
from kiamo_iac.core.sensitive import sensitive_paths
from kiamo_iac.core.state import DanglingReference, RemoteId, ResourceState, State
from kiamo_iac.document.value_errors import value_problem
from kiamo_iac.resources import kinds

Path = tuple[str, ...]
"""`("label",)`, or `("settings", "pace")`."""

_NAMES_AN_ID: Final = re.compile(r".*(?:_id|Id|ID|_ref|Ref)s?|ids?|refs?")
_BUCKETS: Final = 1024
_NOT_ATTRIBUTES: Final = frozenset({"name", "state"}) | COMMON_KEYS


@dataclass(frozen=True, slots=True)
class Omission:
    """Why a value of a live resource is omitted."""

    code: str
    why: str
    """The end of a sentence that begins with the value's name."""


@dataclass(frozen=True, slots=True)
class Representation:
    """One live resource as a manifest declares it; values as they are compared (variables are not escaped)."""

    attributes: dict[str, Any] = field(default_factory=dict)
    """In the order in which blocks are written; without name and run state."""
    settings: dict[str, Any] = field(default_factory=dict)
    omitted: dict[Path, Omission] = field(default_factory=dict)


class Representations:
    """Of one live state under one contract."""

    def __init__(self, live: State, capabilities: Capabilities, *, is_secret: IsSecret = no_secrets) -> None:
        self._live = live
        self._capabilities = capabilities
        self._is_secret = is_secret

    @cached_property
    def _ids(self) -> _Ids:
        """Of the whole instance; only where it has settings that could repeat one."""
        return _Ids(resource.remote_id for resource in self._live if resource.remote_id is not None)

    def name_refused(self, resource: ResourceState) -> str | None:
        """Why no block can have the name of `resource`; None: it can."""
        return refused_name(resource.name, is_secret=self._is_secret)

    def of(self, resource: ResourceState) -> Representation:
        """How a manifest represents `resource`."""
        representation = Representation()
        known = self._capabilities.of(resource.kind.kind)
        for key in attribute_order(resource.kind):
            if key not in resource.attributes or key not in known.attributes:
                continue
            value = resource.attributes[key]
            omitted = self._omission(resource, key, value)
            if omitted is None:
                representation.attributes[key] = value
            else:
                representation.omitted[(key,)] = omitted
        for key, why in _refused_by_model(resource, representation.attributes):
            representation.attributes.pop(key, None)
            representation.omitted[(key,)] = Omission("KIA1002", why)
        self._settings(resource, representation)
        return representation

    def _omission(self, resource: ResourceState, key: str, value: Any) -> Omission | None:
        if why := refused(value, is_secret=self._is_secret):
            return Omission("KIA1002", why)
        reference = reference_of(resource.kind, key)
        if reference is not None:
            gone = [
                name for name in reference.names(resource.attributes) if not self._is_there(resource, reference, name)
            ]
            if gone:
                return Omission("KIA1003", f"refers to what is missing on the instance: {', '.join(map(_named, gone))}")
        choices = self._capabilities.of(resource.kind.kind).choices.get(key)
        if choices and value not in choices:
            return Omission("KIA1002", f"is {quote(str(value))}, which is not among the choices of the contract")
        return None

    def _is_there(self, resource: ResourceState, reference: Reference, name: str) -> bool:
        if isinstance(name, DanglingReference):
            return False
        return target_of(reference, name, resource.address.parent) in self._live

    def _settings(self, resource: ResourceState, representation: Representation) -> None:
        known = self._capabilities.of(resource.kind.kind)
        reserved = known.wire_names | known.attributes | frozenset(resource.kind.model_fields)
        forms: set[str] = set()
        for key, value in sorted(resource.settings.items()):
            hidden = sensitive_paths(value, ("settings", key))
            if hidden:  # its siblings would be compared, and written, without it
                representation.omitted["settings", key] = _sensitive(hidden, key)
                continue
            why = refused({key: value}, is_secret=self._is_secret)
            if identity(key) in forms:
                why = "has the same name in Unicode NFC as another one"
            forms.add(identity(key))
            if why is None and key in reserved:
                why = "has the name of an attribute"
            if why is not None:
                representation.omitted["settings", key] = Omission("KIA1002", why)
            elif self._holds_an_id(key, value):
                representation.omitted["settings", key] = Omission("KIA1004", "is an id of this instance")
            else:
                representation.settings[key] = value

    def _holds_an_id(self, key: str, value: Any) -> bool:
        """A text that is the id of anything; a number that is one, under a key that says so."""
        match value:
            case Mapping():
                return any(self._holds_an_id(inner, item) for inner, item in value.items())
            case list():
                return any(self._holds_an_id(key, item) for item in value)
            case str():
                return value in self._ids
            case bool() | float() | None:
                return False
            case _:
                return value in self._ids and _NAMES_AN_ID.fullmatch(key) is not None


class _Ids:
    """A set of ids in a tenth of its memory: of each, 8 bytes of a hash."""

    def __init__(self, ids: Iterable[RemoteId]) -> None:
        self._buckets = [array("Q") for _ in range(_BUCKETS)]
        for id_ in ids:
            number = _hash(id_)
            self._buckets[number % _BUCKETS].append(number)

    def __contains__(self, value: RemoteId) -> bool:
        number = _hash(value)
        return number in self._buckets[number % _BUCKETS]


def _hash(value: RemoteId) -> int:
    text = f"{type(value).__name__} {value}"
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _sensitive(paths: list[tuple[str, ...]], key: str) -> Omission:
    if paths == [("settings", key)]:
        return Omission("KIA0434", "is sensitive")
    return Omission("KIA0434", f"contains sensitive settings ({', '.join('.'.join(path) for path in paths)})")


def attribute_order(kind: type[Resource]) -> tuple[str, ...]:
    """The attributes of a kind as blocks are written: the common ones, then its own; without name and run state."""
    common = Resource.model_fields.keys()
    own = [key for key in kind.model_fields if key not in common]
    return tuple(key for key in ("label", *own) if key not in _NOT_ATTRIBUTES)


def reference_of(kind: type[Resource], key: str) -> Reference | None:
    """The reference that an attribute is."""
    return next((reference for reference in kind.references if reference.attribute == key), None)


def target_of(reference: Reference, name: str, parent: Address | None) -> Address:
    """The address of a reference's target."""
    above = parent if reference.scope is Scope.SIBLING else None
    return Address.of(kinds()[reference.kind].collection, name, above)


def _refused_by_model(resource: ResourceState, attributes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys with values that the kind's model does not take, each with the reason."""
    try:
        resource.kind.__pydantic_validator__.validate_python({"name": "x", **attributes})
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            key, *inner = map(str, problem["loc"])
            found = value_problem(
                problem["type"],
                path=".".join((key, *inner)),
                value=problem["input"],
                context=problem.get("ctx"),
                message=problem["msg"],
            )
            yield key, f"is not valid: {found.summary}" if inner else found.predicate


def _named(name: str) -> str:
    return str(name) if isinstance(name, DanglingReference) else quote(name)

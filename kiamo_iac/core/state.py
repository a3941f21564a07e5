"""Resources at addresses, desired or live, and what the ledger records of those that are managed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.place import Place
from kiamo_iac.core.resource import PRESENT, Lifecycle, Resource
from kiamo_iac.core.sensitive import masked

RemoteId = str | int

EMPTY: Mapping[str, Any] = {}
"""Shared by everything that has no settings or extras, to save memory."""


class DanglingReference(str):
    """The value of a live reference whose target no longer exists; reads `(gone: 17)`, with the id of the target."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ResourceState:
    """One resource, desired or live."""

    address: Address
    kind: type[Resource]
    attributes: Mapping[str, Any]
    """Attribute → value; `name` always. Desired: only what is declared. Live: all that the contract knows.
    References are names on both sides. `name` is exact, byte for byte; the address holds its NFC form."""
    settings: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """Desired: the declared pass-through attributes. Live: every wire attribute that the contract does not know."""
    lifecycle: Lifecycle = PRESENT
    remote_id: RemoteId | None = None
    """Live only: the id that the instance gave, of the JSON type it gave it in."""
    extras: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    """Live only: read-only attributes that are neither false nor zero (`contacts`, `default`)."""
    place: Place | None = None
    """Desired only: where it is declared."""

    @property
    def name(self) -> str:
        """The exact name."""
        name: str = self.attributes["name"]
        return name

    @property
    def run_state(self) -> str | None:
        """The run state: live, or desired when it is declared."""
        return self.attributes.get("state")

    @property
    def compared(self) -> ResourceState:
        """Desired: itself without what is set at creation alone (`ignore_changes`)."""
        ignored = self.lifecycle.ignore_changes
        if not ignored:
            return self
        attributes = {key: value for key, value in self.attributes.items() if key == "name" or key not in ignored}
        settings = {
            key: value
            for key, value in self.settings.items()
            if "settings" not in ignored and f"settings.{key}" not in ignored
        }
        return replace(self, attributes=attributes, settings=settings or EMPTY)

    @property
    def is_default(self) -> bool:
        """Whether it is live, and one of those that the platform creates with every parent."""
        return self.kind.system is not None and bool(self.extras.get(self.kind.system.flag))

    @property
    def source(self) -> SourceRange | None:
        """Where it is declared."""
        return self.place.range if self.place else None

    def source_of(self, key: str) -> SourceRange | None:
        """Where `key` of it is declared, or the resource itself when the key is not."""
        return self.place.at(key) if self.place else None


def fingerprint(resource: ResourceState) -> str:
    """32 hexadecimal characters that change with anything of a live resource but the count of its contacts.

    Of a sensitive value only its presence is in them: they are kept in files, and could serve to guess a value.
    """
    seen = [resource.kind.kind, resource.remote_id, masked(resource.attributes), masked(resource.settings)]
    text = json.dumps(seen, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class State:
    """Resources by address. Addresses are unique; children are found by their parent."""

    __slots__ = ("_children", "_resources")

    def __init__(self, resources: Iterable[ResourceState] = ()) -> None:
        """
        Raises:
            ValueError: two resources have one address.
        """
        self._resources: dict[Address, ResourceState] = {}
        self._children: dict[tuple[Address | None, str], list[ResourceState]] | None = None
        for resource in resources:
            if resource.address in self._resources:
                msg = f"{resource.address} is twice in a state"
                raise ValueError(msg)
            self._resources[resource.address] = resource

    def __getitem__(self, address: Address) -> ResourceState:
        return self._resources[address]

    def __contains__(self, address: object) -> bool:
        return address in self._resources

    def __iter__(self) -> Iterator[ResourceState]:
        return iter(self._resources.values())

    def __len__(self) -> int:
        return len(self._resources)

    def get(self, address: Address) -> ResourceState | None:
        """The resource at `address`, or None."""
        return self._resources.get(address)

    def within(self, parent: Address | None, collection: str) -> list[ResourceState]:
        """The resources of `collection` below `parent` (None: of the instance), sorted by address."""
        if self._children is None:  # not built for a state that is only iterated over, as by `validate`
            self._children = self._by_parent()
        return sorted(self._children.get((parent, collection), ()), key=lambda i: i.address)

    def tops(self, collection: str) -> Iterator[ResourceState]:
        """The resources of a collection of the instance, by address, one by one."""
        return iter(self.within(None, collection))

    def _by_parent(self) -> dict[tuple[Address | None, str], list[ResourceState]]:
        found: dict[tuple[Address | None, str], list[ResourceState]] = {}
        for resource in self._resources.values():
            parent = resource.address.parent if resource.kind.parent else None
            found.setdefault((parent, resource.kind.collection), []).append(resource)
        return found


@dataclass(frozen=True, slots=True)
class KeptValue:
    """A value that the instance keeps in another form than it was sent in: trimmed, or with another spelling."""

    path: str
    """Dotted, as in `FieldChange`: `label`, `settings.pace`."""
    sent: Any
    """What was sent; of any JSON type."""
    kept: Any
    """What the instance has had since."""


@dataclass(frozen=True, slots=True)
class OwedState:
    """A run state that a run was bringing a resource to. It stays owed until it is reached, or lapses."""

    state: str
    """The state to be reached: `started`."""
    left_in: str
    """The state that the run leaves the resource in meanwhile; once it is in another one, nothing is owed."""
    since: str
    """When it was recorded, RFC 3339, UTC, to the second."""
    run: str
    """The id of that run."""


@dataclass(frozen=True, slots=True)
class Owned:
    """What the ledger records of one managed resource, whichever backend keeps it."""

    address: Address
    remote_id: RemoteId | None
    """None: it was about to be created when this was written; after a crash it may exist or not."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What was declared when it was last applied, references as names, pass-through attributes under `settings`,
    the run state only where it was declared."""
    protect: bool = False
    renamed_from: tuple[str, ...] = ()
    """The former names that were declared then: renames that were carried out."""
    applied_at: str = ""
    """RFC 3339, UTC, to the second."""
    commit: str | None = None
    """The git commit of the manifests, where there was one."""
    version: str = ""
    """The version of this tool."""
    kept: tuple[KeptValue, ...] = ()
    """Values that the instance keeps in another form than they were sent in, by path."""
    owed: OwedState | None = None
    """The run state that it was being brought to; None: none is owed."""
    renaming_to: str | None = None
    """The exact name that a run was giving it; after a crash it may have that name or not."""
    left_in: str | None = None
    """The run state that it had after the last step or adoption, declared or not; None: unknown, or it has none."""


Ownership = Mapping[Address, Owned]
"""All managed resources, by address."""

"""Matching: the live resource of each declared one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kiamo_iac.authoring.exporting.layered_block import LayeredBlock, PatchedBlock
from kiamo_iac.authoring.sheet import EditTransaction
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.resource import Ensure, Resource
from kiamo_iac.core.state import Ownership, ResourceState, State
from kiamo_iac.manifest.composition import Part


@dataclass(frozen=True, slots=True)
class MatchedBlock:
    """A declared resource and the live one."""

    address: Address
    """By its declared name, below its parent's."""
    kind: type[Resource]
    layers: LayeredBlock
    live_address: Address
    """Its address on the instance, whether it is there or not."""
    state: State
    """The live state, which unpacks the resource when it is asked for."""
    known: bool
    """Whether the contract can list resources of its kind."""
    absent: bool
    """It is missing on the instance, and declared absent, as itself or by its parent."""

    @property
    def live(self) -> ResourceState | None:
        """The live resource."""
        return self.state.get(self.live_address)

    @property
    def name_differs(self) -> bool:
        """The live name differs from the declared one."""
        live = self.live
        return live is not None and identity(live.name) != self.address.name

    @property
    def managed(self) -> bool:
        """It is not a reference."""
        return not self.kind.by_reference or self.layers.body.get("managed") is True


Parts = Mapping[Address, tuple[Part, ...]]


class Matcher:
    """Finds the live resource of every declared one, parents before children."""

    def __init__(
        self,
        parts: Parts,
        live: State,
        *,
        capabilities: Capabilities,
        owned: Ownership,
        edits: EditTransaction,
        patched: bool = False,
    ) -> None:
        """`patched`: what may not be changed is written over in the environment's own patches."""
        self._layered = PatchedBlock if patched else LayeredBlock
        self._parts = parts
        self._live = live
        self._capabilities = capabilities
        self._owned = owned
        self._edits = edits
        self._found: dict[Address, MatchedBlock] = {}
        self._taken: set[Address] = set()
        """Live addresses that were matched by a former name or an id."""

    def all(self) -> list[MatchedBlock]:
        """Every declared resource; parents before children, otherwise by address."""
        for address in sorted(self._parts, key=lambda a: (a.depth, a)):
            self._found[address] = self._one(address)
        return list(self._found.values())

    def _one(self, address: Address) -> MatchedBlock:
        parts = self._parts[address]
        kind = parts[0].block.type.kind
        layers = self._layered(parts, self._edits)
        above = self._found.get(address.parent) if address.parent is not None else None
        parent = above.live_address if above is not None else address.parent
        live_address = Address.of(kind.collection, address.name, parent)
        known = "list" in self._capabilities.of(kind.kind).operations and (above is None or above.known)
        live = self._live.get(live_address)
        if live is None and known:
            live = self._under_another_name(address, layers, parent)
            live_address = live.address if live is not None else live_address
        declared_absent = layers.body.get("ensure") == Ensure.ABSENT.value
        absent = live is None and (declared_absent or (above is not None and above.absent))
        return MatchedBlock(address, kind, layers, live_address, self._live, known, absent)

    def _under_another_name(
        self, address: Address, layers: LayeredBlock, parent: Address | None
    ) -> ResourceState | None:
        """The live resource under another name: a former one, or that of the id in the ledger."""
        former = [str(name) for name in layers.body.get("renamed_from", ())]
        candidates = [self._live.get(Address.of(address.collection, name, parent)) for name in former]
        entry = self._owned.get(address)
        if entry is not None and entry.remote_id is not None:
            siblings = self._live.within(parent, address.collection)
            candidates += [resource for resource in siblings if resource.remote_id == entry.remote_id]
        there = {
            resource.address: resource
            for resource in candidates
            if resource is not None and self._is_free(resource, address)
        }
        if len(there) != 1:
            return None
        (found,) = there.values()
        self._taken.add(found.address)
        return found

    def _is_free(self, resource: ResourceState, address: Address) -> bool:
        """Whether no other block declares it."""
        declared = Address.of(address.collection, resource.address.name, address.parent)
        return declared not in self._parts and resource.address not in self._taken

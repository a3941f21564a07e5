"""New blocks for live resources that no manifest declares."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from pydantic import ValidationError

from kiamo_iac.authoring.exporting.report import ExportReport
from kiamo_iac.authoring.exporting.representation import Representation, Representations, target_of
from kiamo_iac.authoring.exporting.unrepresentable import escaped
from kiamo_iac.authoring.selection import ExportSelection
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.resource import Resource, Scope
from kiamo_iac.core.state import DanglingReference, Ownership, ResourceState, State
from kiamo_iac.resources import children_of

BlockData = dict[str, Any]
_EMPTY: Final[tuple[Any, ...]] = (None, "", {}, [])


class BlockBuilder:
    """Makes the blocks of one export."""

    def __init__(
        self,
        live: State,
        capabilities: Capabilities,
        *,
        representations: Representations,
        selection: ExportSelection,
        owned: Ownership,
        report: ExportReport,
    ) -> None:
        self._live = live
        self._capabilities = capabilities
        self._representations = representations
        self._selection = selection
        self._owned = owned
        self._report = report

    def whole(self, resource: ResourceState, declared: Collection[Address]) -> BlockData | None:
        """A resource with all selected ones below it and not `declared`; None when it is omitted, and reported."""
        if not self._can_be_named(resource):
            return None
        block = self._own(resource)
        for kind in in_block_order(resource.kind):
            children = self.below(resource, kind, declared)
            if children:
                block[kind.collection] = children
        return block

    def below(
        self, parent: ResourceState, kind: type[Resource], declared: Collection[Address], *, complete: bool = False
    ) -> list[BlockData]:
        """The blocks of what is below `parent` and is selected, not `declared`, and not omitted.

        `complete`: the list has to be, so that closed resources come too.
        """
        there = self._live.within(parent.address, kind.collection)
        wanted = [t for t in there if t.address not in declared and self._is_wanted(t, complete=complete)]
        return [block for resource in wanted if (block := self.whole(resource, declared)) is not None]

    def _is_wanted(self, resource: ResourceState, *, complete: bool) -> bool:
        if not self._selection.has(resource.address):
            return False
        if resource.is_default:
            return self._is_needed(resource)
        if is_closed(resource) and not self._selection.with_closed and not complete:
            self._report.closed.append(resource.address)
            return False
        return True

    def _is_needed(self, resource: ResourceState) -> bool:
        """Whether others refer to an object of the platform that is not a default of the contract."""
        defaults = self._capabilities.of(resource.kind.kind).defaults
        if any(identity(str(made["name"])) == resource.address.name for made in defaults):
            return False
        return any(resource.address in _targets(other) for other in self._siblings(resource))

    def _siblings(self, resource: ResourceState) -> Iterator[ResourceState]:
        above = resource.kind.parent
        for kind in children_of(above) if above is not None else ():
            for other in self._live.within(resource.address.parent, kind.collection):
                if not is_closed(other) or self._selection.with_closed:
                    yield other

    def _can_be_named(self, resource: ResourceState) -> bool:
        why = self._representations.name_refused(resource)
        if why is not None:
            self._report.unnamed(resource, why)
        return why is None

    def _own(self, resource: ResourceState) -> BlockData:
        """The keys of the resource itself."""
        self._report.added.append(resource.address)
        block: BlockData = {"name": escaped(resource.name)}
        if resource.is_default:
            return block
        if resource.kind.by_reference:
            entry = self._owned.get(resource.address)
            if entry is None or entry.remote_id != resource.remote_id:
                return block
            block["managed"] = True
        representation = self._representations.of(resource)
        for path, omitted in representation.omitted.items():
            self._report.omitted(resource, path, omitted)
        block |= escaped(self._attributes(resource, representation))
        settings = self._filled(representation.settings, required=())
        if settings:
            block["settings"] = escaped(settings)
        return block

    def _attributes(self, resource: ResourceState, representation: Representation) -> BlockData:
        required = self._capabilities.of(resource.kind.kind).required
        attributes = self._filled(representation.attributes, required=required)
        machine, state = resource.kind.machine, resource.run_state
        if not self._selection.run_state or machine is None or state is None or not can_declare(resource.kind, state):
            return attributes
        lacking = [key for key in needed_for(resource.kind, state) if not attributes.get(key)]
        for key in lacking:
            attributes.pop(key, None)
        return {**attributes, "state": state}

    def _filled(self, values: BlockData, *, required: Iterable[str]) -> BlockData:
        """`values`, without those that are empty where that was asked for; a create needs those that are `required`."""
        if not self._selection.skip_defaults:
            return dict(values)
        return {key: value for key, value in values.items() if key in required or value not in _EMPTY}


def in_block_order(kind: type[Resource]) -> list[type[Resource]]:
    """The kinds below a kind as its block holds them: columns first, for others name them."""
    return sorted(children_of(kind.kind), key=lambda child: not child.column)


def is_closed(resource: ResourceState) -> bool:
    """Whether it is stopped or finished."""
    return resource.kind.machine is not None and resource.run_state in resource.kind.machine.terminal


def can_declare(kind: type[Resource], state: str) -> bool:
    """Whether a manifest can declare that run state."""
    try:
        kind.__pydantic_validator__.validate_python({"name": "x", "state": state})
    except ValidationError:
        return False
    return True


def needed_for(kind: type[Resource], state: str) -> tuple[str, ...]:
    """The attributes that must not be empty for a new resource to get into that run state."""
    machine = kind.machine
    way = machine.path(machine.initial, state) if machine is not None else None
    if machine is None or way is None:
        return ()
    return tuple(machine.requires[command].attribute for command, _ in way if command in machine.requires)


def _targets(resource: ResourceState) -> Iterator[Address]:
    for reference in resource.kind.references:
        if reference.scope is Scope.SIBLING:
            for name in reference.names(resource.attributes):
                if not isinstance(name, DanglingReference):
                    yield target_of(reference, name, resource.address.parent)

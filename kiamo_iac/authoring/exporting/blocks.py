"""New blocks: what a manifest says of a live thing that none declares yet."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from pydantic import ValidationError

from kiamo_iac.authoring.exporting.report import ExportReport
from kiamo_iac.authoring.exporting.representation import Representation, Representations, target_of
from kiamo_iac.authoring.exporting.unrepresentable import UNALLOWED, escaped
from kiamo_iac.authoring.selection import ExportSelection
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.resource import Resource, Scope
from kiamo_iac.core.state import DanglingReference, Instance, Ownership, State
from kiamo_iac.resources import children_of

Block = dict[str, Any]
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
        self._sayings = representations
        self._selection = selection
        self._owned = owned
        self._report = report

    def whole(self, thing: Instance, declared: Collection[Address]) -> Block | None:
        """A thing with all below it that is asked for and not `declared`; None when it is left out, which is told."""
        if not self._can_be_named(thing):
            return None
        block = self._own(thing)
        for kind in in_block_order(thing.kind):
            children = self.below(thing, kind, declared)
            if children:
                block[kind.collection] = children
        return block

    def below(
        self, parent: Instance, kind: type[Resource], declared: Collection[Address], *, complete: bool = False
    ) -> list[Block]:
        """The blocks of what stands below `parent` and is asked for, not `declared`, and not left out.

        `complete`: the list has to be, so that closed things come too.
        """
        there = self._live.within(parent.address, kind.collection)
        wanted = [t for t in there if t.address not in declared and self._is_wanted(t, complete=complete)]
        return [block for thing in wanted if (block := self.whole(thing, declared)) is not None]

    def _is_wanted(self, thing: Instance, *, complete: bool) -> bool:
        if not self._selection.has(thing.address):
            return False
        if is_system(thing):
            return self._is_needed(thing)
        if is_closed(thing) and not self._selection.with_closed and not complete:
            self._report.closed.append(thing.address)
            return False
        return True

    def _is_needed(self, thing: Instance) -> bool:
        """Whether something that the platform made is named by others, and no contract says that it is always there."""
        defaults = self._capabilities.of(thing.kind.kind).defaults
        if any(identity(str(made["name"])) == thing.address.name for made in defaults):
            return False
        return any(thing.address in _targets(other) for other in self._siblings(thing))

    def _siblings(self, thing: Instance) -> Iterator[Instance]:
        above = thing.kind.parent
        for kind in children_of(above) if above is not None else ():
            for other in self._live.within(thing.address.parent, kind.collection):
                if not is_closed(other) or self._selection.with_closed:
                    yield other

    def _can_be_named(self, thing: Instance) -> bool:
        why = self._sayings.name_refused(thing)
        if why is not None:
            where = f'"kinds: {thing.kind.kind}: names: pattern:" of {self._capabilities.origin}'
            self._report.unnamed(thing, why, allowing=f", or allow it under {where}" if why == UNALLOWED else "")
        return why is None

    def _own(self, thing: Instance) -> Block:
        """What is said of the thing itself."""
        self._report.added.append(thing.address)
        block: Block = {"name": escaped(thing.name)}
        if is_system(thing):
            return block
        if thing.kind.by_reference:
            entry = self._owned.get(thing.address)
            if entry is None or entry.remote_id != thing.remote_id:
                return block
            block["managed"] = True
        representation = self._sayings.of(thing)
        for path, omitted in representation.omitted.items():
            self._report.omitted(thing, path, omitted)
        block |= escaped(self._attributes(thing, representation))
        settings = self._filled(representation.settings, required=())
        if settings:
            block["settings"] = escaped(settings)
        return block

    def _attributes(self, thing: Instance, representation: Representation) -> Block:
        required = self._capabilities.of(thing.kind.kind).required
        attributes = self._filled(representation.attributes, required=required)
        machine, state = thing.kind.machine, thing.run_state
        if not self._selection.run_state or machine is None or state is None or not can_say(thing.kind, state):
            return attributes
        lacking = [key for key in needed_for(thing.kind, state) if not attributes.get(key)]
        for key in lacking:
            attributes.pop(key, None)
        return {**attributes, "state": state}

    def _filled(self, values: Block, *, required: Iterable[str]) -> Block:
        """`values`, without those that are empty where that was asked for; a create needs those that are `required`."""
        if not self._selection.skip_defaults:
            return dict(values)
        return {key: value for key, value in values.items() if key in required or value not in _EMPTY}


def in_block_order(kind: type[Resource]) -> list[type[Resource]]:
    """The kinds below a kind as its block holds them: columns first, for others name them."""
    return sorted(children_of(kind.kind), key=lambda child: not child.column)


def is_system(thing: Instance) -> bool:
    """Whether the platform made it, so that nobody may touch it."""
    return thing.kind.system is not None and bool(thing.extras.get(thing.kind.system.flag))


def is_closed(thing: Instance) -> bool:
    """Whether it has come to its end."""
    return thing.kind.machine is not None and thing.run_state in thing.kind.machine.terminal


def can_say(kind: type[Resource], state: str) -> bool:
    """Whether a manifest can declare that run state."""
    try:
        kind.__pydantic_validator__.validate_python({"name": "x", "state": state})
    except ValidationError:
        return False
    return True


def needed_for(kind: type[Resource], state: str) -> tuple[str, ...]:
    """The attributes that must not be empty for a new thing to get into that run state."""
    machine = kind.machine
    way = machine.path(machine.initial, state) if machine is not None else None
    if machine is None or way is None:
        return ()
    return tuple(machine.requires[command].attribute for command, _ in way if command in machine.requires)


def _targets(thing: Instance) -> Iterator[Address]:
    for reference in thing.kind.references:
        if reference.scope is Scope.SIBLING:
            for name in reference.names(thing.attributes):
                if not isinstance(name, DanglingReference):
                    yield target_of(reference, name, thing.address.parent)

"""A live state as a seed document of the emulator, with its ids; and notes on what a seed cannot hold."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from kiamo_iac.api.scope import resources_named_by
from kiamo_iac.contract.model import Contract
from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.resource import Reference, Resource, Scope
from kiamo_iac.core.sensitive import revealed
from kiamo_iac.core.state import DanglingReference, ResourceState, State
from kiamo_iac.emulator.seeding import plural
from kiamo_iac.resources import children_of, kinds

_DANGLING: Final = re.compile(r"\(gone: (.*)\)", re.DOTALL)

_EXTRAS: Final = {"contacts": int, "default": bool}
"""Read-only attributes whose type the emulator's seeds fix."""


@dataclass(slots=True)
class Seed:
    """A document, and notes on what it lacks."""

    document: dict[str, Any] = field(default_factory=dict)
    notes: list[Diagnostic] = field(default_factory=list)


def seed_of(live: State, desired: State, contract: Contract) -> Seed:
    """A seed of all of `live`. What was not read, because `desired` does not need it, is left out; siblings that
    unfinished objects refer to are added with only their names."""
    return _SeedBuilder(live, desired, contract).build()


class _SeedBuilder:
    def __init__(self, live: State, desired: State, contract: Contract) -> None:
        self._live = live
        self._contract = contract
        self._read = resources_named_by(desired, {}, prune=False).names
        self._seed = Seed()

    def build(self) -> Seed:
        for kind in kinds().values():
            if kind.parent is None and kind.kind in self._contract.kinds:
                self._seed.document[plural(kind.kind)] = [
                    self._block(instance) for instance in self._live.within(None, kind.collection)
                ]
        return self._seed

    def _block(self, instance: ResourceState) -> dict[str, Any]:
        stanza = self._contract.kinds[instance.kind.kind]
        references = {r.attribute: r for r in instance.kind.references}
        block: dict[str, Any] = {"id": instance.remote_id}
        for name, value in instance.attributes.items():
            if name not in references:
                block[name] = revealed(value)
            elif (held := self._reference(instance, references[name], value)) is not None:
                block[name] = held
        block |= {name: value for name, value in instance.extras.items() if self._is_extra(instance, name, value)}
        if instance.settings:
            block["settings"] = dict(revealed(instance.settings))
        if stanza.made_with_parent and instance.name in {t["name"] for t in stanza.made_with_parent.things}:
            block["default"] = True  # also where the contract has no attribute that says so
        for kind in children_of(instance.kind.kind):
            if kind.kind in self._contract.kinds:
                block[plural(kind.kind)] = self._children(instance, kind)
        return block

    def _children(self, parent: ResourceState, kind: type[Resource]) -> list[dict[str, Any]]:
        blocks = [self._block(child) for child in self._live.within(parent.address, kind.collection)]
        stanza = self._contract.kinds[kind.kind]
        there = {identity(block["name"]) for block in blocks}
        if stanza.made_with_parent:
            there |= {identity(str(thing["name"])) for thing in stanza.made_with_parent.things}
        return blocks + [{"name": name} for name in sorted(self._unread(parent, kind) - there)]

    def _unread(self, parent: ResourceState, kind: type[Resource]) -> set[str]:
        """Names of children of this kind that other children refer to, where these were not read."""
        if self._was_read(parent):
            return set()
        return {
            name
            for user in children_of(parent.kind.kind)
            for reference in user.references
            if reference.kind == kind.kind and reference.scope is Scope.SIBLING
            for child in self._live.within(parent.address, user.collection)
            for name in reference.names(child.attributes)
            if not isinstance(name, DanglingReference)
        }

    def _was_read(self, parent: ResourceState) -> bool:
        return identity(parent.name) in self._read[parent.kind.kind]

    # --- values ------------------------------------------------------------------------------------------------------

    def _is_extra(self, instance: ResourceState, name: str, value: Any) -> bool:
        """Whether the emulator accepts a read-only attribute."""
        if type(value) is not _EXTRAS.get(name, type(value)) or (type(value) is int and value < 0):
            self._note(instance, f'"{name}" has a value that the emulator cannot hold')
            return False
        return True

    def _reference(self, instance: ResourceState, reference: Reference, value: Any) -> Any:
        return reference.map(value, lambda name: self._target(instance, reference, name))

    def _target(self, instance: ResourceState, reference: Reference, name: str) -> Any:
        """A name as the document has it; a dangling one only in a closed object."""
        if not isinstance(name, DanglingReference) and self._is_there(instance, reference, name):
            return name
        machine = instance.kind.machine
        if machine is not None and instance.run_state in machine.terminal:
            return self._dangling(reference, name)
        self._note(instance, f"{reference.attribute} refers to {reference.kind} {name}, which no longer exists")
        return None

    def _is_there(self, instance: ResourceState, reference: Reference, name: str) -> bool:
        parent = instance.address.parent
        if reference.scope is Scope.INSTANCE or parent is None:
            return self._is_live(reference, name, None)
        return self._is_live(reference, name, parent) or not self._was_read(self._live[parent])

    def _is_live(self, reference: Reference, name: str, parent: Address | None) -> bool:
        kind = kinds()[reference.kind]
        made = self._contract.kinds[reference.kind].made_with_parent
        if parent is not None and made and name in {thing["name"] for thing in made.things}:
            return True
        return Address.of(kind.collection, name, parent) in self._live

    def _dangling(self, reference: Reference, name: str) -> dict[str, Any]:
        """A target that no longer exists, with its id where it is known."""
        found = _DANGLING.fullmatch(name) if isinstance(name, DanglingReference) else None
        if found is None:
            return {"gone": str(name)}
        is_number = self._contract.kinds[reference.kind].id.type == "integer"
        return {"gone": str(name), "id": int(found[1]) if is_number else found[1]}

    def _note(self, instance: ResourceState, what: str) -> None:
        self._seed.notes.append(
            Diagnostic(
                "KIA0812",
                f"not in the rehearsal: {what}",
                Severity.NOTE,
                hint="what depends on it is tried only on the instance",
                address=instance.address,
            )
        )

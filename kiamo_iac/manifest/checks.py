"""Checks of one declared resource by itself, under the contract of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from kiamo_iac.core.address import identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, Severity, did_you_mean
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.place import Place
from kiamo_iac.core.printable import quote
from kiamo_iac.core.resource import COMMON_KEYS, Ensure, Resource
from kiamo_iac.core.state import ResourceState
from kiamo_iac.document.value_errors import not_among
from kiamo_iac.manifest.blocks import BlockType
from kiamo_iac.manifest.composition import Locator
from kiamo_iac.manifest.names import misleading
from kiamo_iac.manifest.sensitive_settings import check_listed, check_sensitive

_STATES = ("state", "initial_state")


class KindChecks:
    """The checks of one kind under one contract."""

    def __init__(self, block_type: BlockType, capabilities: Capabilities) -> None:
        self._block_type = block_type
        self._capabilities = capabilities
        self._known = capabilities.of(block_type.noun)
        self._described = block_type.noun in capabilities.kinds
        self._name = linear_pattern(self._known.name_pattern) if self._known.name_pattern else None
        states = {"state"} if block_type.kind.machine else frozenset[str]()
        self._attributes = self._known.attributes | states | {"name"}
        self._reserved = self._known.wire_names | self._known.attributes | block_type.keys
        self._good: set[str] = set()
        """Names that passed the checks: many bases have fields and batches of the same names."""
        self._first = True

    def of(self, resource: ResourceState, keys: Mapping[str, Any], places: Locator) -> list[Diagnostic]:
        """Every problem of one resource; `keys` are the valid keys of its block, and `places` locates them."""
        found: list[Diagnostic] = []
        if not self._described:
            found += self._undescribed(resource)
            return found
        attributes, lifecycle = resource.attributes, resource.lifecycle
        if attributes["name"] not in self._good:
            found += self._check_name(resource)
        if not self._attributes.issuperset(attributes):
            found += self._without_wire_name(resource)
        for attribute, choices in self._known.choices.items():
            value = attributes.get(attribute)
            if isinstance(value, str) and value not in choices:
                wrong = not_among(attribute, value, choices)
                found.append(_problem("KIA0205", wrong.summary, wrong.hint, resource=resource, key=attribute))
        if resource.settings:
            found += self._check_settings(resource, places.place(keys["settings"]))
            found += check_sensitive(resource, keys["settings"], places)
        if lifecycle.sensitive:
            found += check_listed(resource, keys, places)
        if lifecycle.initial_state is not None or resource.run_state is not None:
            found += self._check_states(resource)
        if len(keys) > len(attributes):
            found += self._check_lifecycle(resource, keys, places)
        elif not lifecycle.managed:
            found += self._check_reference(resource, keys)
        return found

    def _undescribed(self, resource: ResourceState) -> Iterator[Diagnostic]:
        if self._first:  # once a kind is enough
            self._first = False
            hint = f'describe it under "kinds: {self._block_type.noun}:" of {self._capabilities.origin}'
            summary = f"the contract does not describe {self._block_type.noun}"
            yield _problem("KIA0212", summary, hint, resource=resource)

    def _check_name(self, resource: ResourceState) -> Iterator[Diagnostic]:
        name = resource.name
        character = misleading(name)
        if character is not None:
            summary = f"the name contains the invisible character U+{ord(character):04X}"
            yield _problem("KIA0210", summary, "remove it", resource=resource, key="name")
        elif self._name is not None and not self._name.matches(identity(name)):
            # Without the name where a row gives it: what is the same of many rows is shown once.
            source = resource.source_of("name")
            what = "the name from this row" if source is not None and source.row else quote(name)
            summary = f"{what} has characters that the contract does not allow in a new name"
            hint = (
                f"allowed: {self._known.name_pattern}; if your version of Kiamo accepts more, set "
                f'"kinds: {self._block_type.noun}: names: pattern:" in {self._capabilities.origin}'
            )
            found = _problem("KIA0209", summary, hint, resource=resource, key="name")
            yield replace(found, severity=Severity.WARNING)  # a live name is valid; the plan refuses a new one
        else:
            self._good.add(name)

    def _without_wire_name(self, resource: ResourceState) -> Iterator[Diagnostic]:
        for attribute in resource.attributes:
            if attribute not in self._attributes:
                summary = f"the contract has no wire name for {quote(attribute)} of {self._block_type.with_article}"
                hint = (
                    f'declare it under "kinds: {self._block_type.noun}: attributes: {attribute}:" of '
                    f"{self._capabilities.origin} if your version of Kiamo has it, or remove it"
                )
                yield _problem("KIA0211", summary, hint, resource=resource, key=attribute, at_key=True)

    def _check_settings(self, resource: ResourceState, place: Place) -> Iterator[Diagnostic]:
        for key in sorted(self._reserved & resource.settings.keys()):
            what = "an attribute" if key in self._block_type.keys else "the wire name of an attribute"
            summary = f"{quote(key)} in settings is {what} of {self._block_type.with_article}"
            hint = (
                "write it as a key of the block itself"
                if key in self._block_type.keys
                else "write the attribute instead"
            )
            yield _problem("KIA0213", summary, hint, resource=resource, key=key, at_key=True, place=place)

    def _check_states(self, resource: ResourceState) -> Iterator[Diagnostic]:
        machine = self._block_type.kind.machine
        initial = resource.lifecycle.initial_state
        if resource.run_state is not None and initial is not None:
            summary = '"state" and "initial_state" are both set'
            hint = 'keep "state" to enforce it at every apply, or "initial_state" to set it once'
            yield _problem("KIA0214", summary, hint, resource=resource, key="initial_state", at_key=True)
        for key, state in zip(_STATES, (resource.run_state, initial), strict=True):
            way = machine.path(machine.initial, state) if machine is not None and state is not None else None
            for command, _ in way or ():
                needed = machine.requires.get(command) if machine is not None else None
                if needed is not None and resource.attributes.get(needed.attribute, ...) in ({}, []):
                    meaning = self._capabilities.meaning(needed.code)
                    summary = f"{needed.attribute} is empty, but {key}: {state} requires it"
                    hint = f"set it: without it, the instance refuses the run state ({meaning})"
                    yield _problem("KIA0229", summary, hint, resource=resource, key=needed.attribute)

    def _check_reference(self, resource: ResourceState, keys: Iterable[str]) -> Iterator[Diagnostic]:
        for key in keys:
            if key not in {"name", "managed"}:
                summary = f"this {self._block_type.noun} is a reference and takes no {quote(key)}"
                hint = f'add "managed: true" to manage it, or remove {quote(key)}'
                yield _problem("KIA0215", summary, hint, resource=resource, key=key, at_key=True)

    def _check_lifecycle(
        self, resource: ResourceState, keys: Mapping[str, Any], places: Locator
    ) -> Iterator[Diagnostic]:
        lifecycle = resource.lifecycle
        if not lifecycle.managed:
            yield from self._check_reference(resource, keys)
        if lifecycle.ensure is Ensure.ABSENT:
            if lifecycle.protect:
                summary, hint = '"protect" and "ensure: absent" are both set', "remove one of them"
                yield _problem("KIA0216", summary, hint, resource=resource, key="protect", at_key=True)
            if lifecycle.renamed_from:
                summary, hint = '"renamed_from" and "ensure: absent" are both set', "declare its current name absent"
                yield _problem("KIA0217", summary, hint, resource=resource, key="renamed_from", at_key=True)
        for index, collection in enumerate(keys.get("exclusive", ())):
            if collection not in self._block_type.children:
                yield self._not_a_child(resource, collection, index=index, place=places.place(keys["exclusive"]))
        if lifecycle.renamed_from:
            yield from self._check_former_names(resource, places.place(keys["renamed_from"]))
        if lifecycle.ignore_changes:
            yield from self._check_ignored(resource, keys["ignore_changes"], places.place(keys["ignore_changes"]))

    def _check_ignored(self, resource: ResourceState, entries: list[str], place: Place) -> Iterator[Diagnostic]:
        """The entries of `ignore_changes` that are no attributes, or that are always compared."""
        known = [*(key for key in self._block_type.keys if key not in {*COMMON_KEYS, "name", "state"}), "settings"]
        for index, entry in enumerate(entries):
            head, dot, key = entry.partition(".")
            if entry in known or (head == "settings" and dot and key):
                continue
            summary = f"{quote(entry)} is not an attribute of {self._block_type.with_article}"
            hint = did_you_mean(entry, known) or f"attributes: {', '.join(sorted(known))}, settings.KEY"
            if entry == "name":
                summary, hint = "the name cannot be ignored: it is identity", "remove it from ignore_changes"
            elif entry == "state" and self._block_type.kind.machine is not None:
                summary = "the run state cannot be ignored"
                hint = 'write "initial_state" in place of "state": it is set once, at creation'
            elif head in known:
                hint = f'write "{head}": only settings can be ignored entry by entry'
            yield _problem("KIA0247", summary, hint, resource=resource, key=str(index), place=place)

    def _not_a_child(self, resource: ResourceState, collection: str, *, index: int, place: Place) -> Diagnostic:
        children = self._block_type.children
        others = f"known collections: {', '.join(children)}" if children else 'remove "exclusive"'
        summary = f"{self._block_type.with_article} has no collection {quote(collection)}"
        hint = did_you_mean(collection, children) or others
        return _problem("KIA0219", summary, hint, resource=resource, key=str(index), place=place)

    def _check_former_names(self, resource: ResourceState, place: Place) -> Iterator[Diagnostic]:
        former = resource.lifecycle.renamed_from
        kind: type[Resource] = self._block_type.kind
        if "name" in kind.immutable:
            summary = f"{self._block_type.with_article} cannot be renamed"
            hint = f'declare a new {self._block_type.noun}, and set "ensure: absent" on the old one'
            yield _problem("KIA0223", summary, hint, resource=resource, key="renamed_from", at_key=True)
        own = identity(resource.name)
        for index, name in enumerate(former):
            if name == own or name in former[:index]:
                what = "is the current name" if name == own else "is listed twice"
                summary, hint = f"the former name {quote(name)} {what}", "remove it from renamed_from"
                yield _problem("KIA0220", summary, hint, resource=resource, key=str(index), place=place)


def _problem(
    code: str,
    summary: str,
    hint: str,
    *,
    resource: ResourceState,
    key: str | None = None,
    at_key: bool = False,
    place: Place | None = None,
) -> Diagnostic:
    """An error at a key of a resource's block, or of `place`: at its value, or with `at_key` at the key itself."""
    place = place or resource.place
    source = None
    if place is not None:
        source = place.range if key is None else place.of_key(key) if at_key else place.at(key)
    return Diagnostic(code, summary, hint=hint, address=resource.address, source=source)

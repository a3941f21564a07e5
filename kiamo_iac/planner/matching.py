"""Pairs the two sides of each resource: by name, by former name, and by the id that the ledger has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.resource import Ensure, Reference, Resource
from kiamo_iac.core.state import Owned, Ownership, ResourceState, State
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.kept import alike
from kiamo_iac.planner.masking import as_live, hidden_like
from kiamo_iac.planner.renames import CollectionRenames, before_renames
from kiamo_iac.resources import children_of, kinds


@dataclass(eq=False, slots=True)
class ResourcePair:
    """One resource as desired (None: not declared), as live (None: it does not exist), and as the ledger has it."""

    address: Address
    """The address after the plan."""
    kind: type[Resource]
    desired: ResourceState | None
    """Where it is live, without what is set at creation alone."""
    live: ResourceState | None
    parent: ResourcePair | None = None
    made_with_parent: bool = False
    """The live side does not exist yet: the platform creates it together with its new parent."""
    owned: Owned | None = None
    """The ledger's entry for the live side; None: unmanaged, or there is no ledger."""

    @property
    def declaration(self) -> ResourceState:
        """The desired side; LookupError if it is not declared."""
        if self.desired is None:
            msg = f"{self.address} is not declared"
            raise LookupError(msg)
        return self.desired

    @property
    def live_object(self) -> ResourceState:
        """The live side; LookupError if it does not exist."""
        if self.live is None:
            msg = f"{self.address} is not live"
            raise LookupError(msg)
        return self.live

    @property
    def in_ledger(self) -> bool:
        """The ledger has it, with its id or as an object that is just as a killed run was about to create it."""
        return self.owned is not None

    @property
    def ledger_address(self) -> Address:
        """The address of its entry in the ledger; its own where there is none."""
        return self.owned.address if self.owned is not None else self.address

    @property
    def protected(self) -> bool:
        """By its declaration, or by the one that was last applied."""
        declared = self.desired is not None and self.desired.lifecycle.protect
        return declared or (self.owned is not None and self.owned.protect)

    @property
    def is_default(self) -> bool:
        """The live object is one that the platform creates with every parent."""
        return self.live is not None and self.live.is_default

    @property
    def declared_present(self) -> bool:
        """Declared, without `ensure: absent`."""
        return self.desired is not None and self.desired.lifecycle.ensure is Ensure.PRESENT

    @property
    def declared_absent(self) -> bool:
        """Declared with `ensure: absent`."""
        return self.desired is not None and self.desired.lifecycle.ensure is Ensure.ABSENT

    @property
    def renamed(self) -> bool:
        """Its live name is not the desired one."""
        if self.desired is None or self.live is None or not self.declared_present:
            return False
        live, desired = self.live.name, self.desired.name
        return live != desired and identity(live) != identity(desired)


@dataclass(eq=False, slots=True)
class ResourcePairs:
    """All pairs of one plan, and the diagnostics of the pairing."""

    ordered: list[ResourcePair] = field(default_factory=list)
    """Parents before children."""
    diagnostics: list[Diagnostic] = field(default_factory=list)
    by_address: dict[Address, ResourcePair] = field(default_factory=dict)
    """By the address after the plan."""
    by_live: dict[Address, ResourcePair] = field(default_factory=dict)
    """By the live address before the plan."""


def pair_resources(desired: State, live: State, capabilities: Capabilities, owned: Ownership) -> ResourcePairs:
    """Pair every declared resource and every live object."""
    pairer = _Pairer(desired, live, capabilities, owned)
    for kind in kinds().values():
        if kind.parent is None:
            pairer.collection(kind, None, desired.within(None, kind.collection), live.within(None, kind.collection))
    return pairer.result


class _Pairer:
    def __init__(self, desired: State, live: State, capabilities: Capabilities, owned: Ownership) -> None:
        self.result = ResourcePairs()
        self._desired, self._live, self._capabilities = desired, live, capabilities
        self._owned: dict[tuple[Address | None, str], dict[str, Owned]] = defaultdict(dict)
        self._interrupted: set[tuple[Address | None, str]] = set()
        """Collections in which the ledger has renames that were begun and not ended."""
        for address, entry in owned.items():
            self._owned[address.parent, address.collection][address.name] = entry
            if entry.renaming_to is not None:
                self._interrupted.add((address.parent, address.collection))

    def collection(
        self, kind: type[Resource], parent: ResourcePair | None, desired: list[ResourceState], live: list[ResourceState]
    ) -> None:
        """Pair one collection of one parent, and then all collections below it."""
        place = parent.ledger_address if parent else None, kind.collection
        entries = self._owned.get(place, {})
        by_name = {identity(i.name): i for i in live}
        if place in self._interrupted:
            by_name, entries, refused = before_renames(by_name, entries)
            self.result.diagnostics += refused
        renames = CollectionRenames(desired, by_name, entries, self._desired, self._live)
        former = renames.find()
        self.result.diagnostics += renames.diagnostics
        renamed = set(former.values())
        above = parent.address if parent else None
        with_parent = parent is not None and parent.live is None
        pairs: list[ResourcePair] = []
        for d in desired:
            name = identity(d.name)
            old = former.get(name, name)
            # A renamed object does not match the declaration of its old name.
            match = by_name.get(old) if name in former or old not in renamed else None
            address = Address.of(kind.collection, name, above)
            entry = _entry(entries, match, (name, *d.lifecycle.renamed_from))
            made = with_parent and match is not None
            one = d if match is None else d.compared
            pairs.append(ResourcePair(address, kind, one, match, parent, made_with_parent=made, owned=entry))
        matched = {id(p.live) for p in pairs}
        for name, i in by_name.items():
            if id(i) not in matched:
                address = Address.of(kind.collection, i.name, above)
                entry = _entry(entries, i, (name,))
                pairs.append(ResourcePair(address, kind, None, i, parent, made_with_parent=with_parent, owned=entry))
        self._add(pairs)

    def _add(self, pairs: list[ResourcePair]) -> None:
        for pair in pairs:
            if pair.live is not None and pair.live.settings:
                pair.live = hidden_like(pair.live, pair.desired, pair.owned)
            self.result.ordered.append(pair)
            self.result.by_address[pair.address] = pair
            if pair.live is not None and not pair.made_with_parent:
                self.result.by_live[pair.live.address] = pair
        for pair in pairs:
            for kind in children_of(pair.kind.kind):
                desired = self._desired.within(pair.desired.address, kind.collection) if pair.desired else []
                if pair.live is not None:
                    live = self._live.within(pair.live.address, kind.collection)
                else:
                    live = self._defaults(pair, kind) if pair.declared_present else []
                if desired or live:
                    self.collection(kind, pair, desired, live)

    def _defaults(self, parent: ResourcePair, kind: type[Resource]) -> list[ResourceState]:
        """The objects of `kind` that the platform creates together with `parent`."""
        flag = {kind.system.flag: True} if kind.system else {}
        return [
            ResourceState(parent.address.child(kind.collection, str(attributes["name"])), kind, attributes, extras=flag)
            for attributes in self._capabilities.of(kind.kind).defaults
        ]


def _entry(entries: dict[str, Owned], live: ResourceState | None, names: tuple[str, ...]) -> Owned | None:
    """The ledger's entry under one of these names, if it is of this live object. An entry without an id was written
    before a create: it matches an object with the same name that is as it was to be sent."""
    if live is None or not entries:
        return None
    for number, name in enumerate(names):
        entry = entries.get(name)
        if entry is None:
            continue
        if entry.remote_id == live.remote_id or (entry.remote_id is None and number == 0 and is_as_sent(entry, live)):
            return entry
    return None


def is_as_sent(intent: Owned, live: ResourceState) -> bool:
    """Whether a live object has everything that an entry without an id has: what a run was about to send when it was
    killed. An entry without attributes proves nothing."""
    references = {reference.attribute: reference for reference in live.kind.references}
    return bool(intent.attributes) and all(
        _is_value_as_sent(key, value, live, references.get(key))
        for key, value in intent.attributes.items()
        if key != "state"
    )


def _is_value_as_sent(key: str, sent: Any, live: ResourceState, reference: Reference | None) -> bool:
    if key == "settings":
        return all(
            alike(as_live(value, live.settings.get(name)), live.settings.get(name)) for name, value in sent.items()
        )
    now = live.attributes.get(key)
    if key == "name":
        return identity(sent) == identity(live.name)
    if reference is not None and now is not None:
        return reference.equal(sent, now, lambda one, other: identity(str(one)) == identity(str(other)))
    return same(sent, now) or (isinstance(sent, str) and isinstance(now, str) and alike(sent, now))

"""What `from` declares and `to` lacks or declares otherwise, leaf by leaf; and what is not to be touched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kiamo_iac.authoring.promoting.block_bodies import (
    ENSURE,
    RUN_STATE,
    leaf_of,
    leaves,
    names_of,
    with_leaf,
    written,
)
from kiamo_iac.authoring.promoting.environments import ComposedEnvironments
from kiamo_iac.authoring.promoting.promotion import NOTHING, Difference, Leaf
from kiamo_iac.authoring.selection import Selection
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.sensitive import hidden, sensitive_paths
from kiamo_iac.core.strict_json import same
from kiamo_iac.manifest.blocks import block_types, reading_order
from kiamo_iac.manifest.composition import JOINED, Part, merge, merge_bodies
from kiamo_iac.manifest.variables import is_variable, variables_in


@dataclass(frozen=True, slots=True)
class DeclaredBlock:
    """One declared resource: as it is written, and with its variables filled in."""

    raw: Mapping[str, Any]
    filled: Mapping[Leaf, Any]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, parts: tuple[Part, ...]) -> DeclaredBlock:
        """Put together from its parts."""
        body = {key: value for key, value in merge(parts, lambda _: None)[0].body().items() if key != "name"}
        return cls(merge_bodies(map(written, parts)), leaves(body), parts)

    def source_of(self, leaf: Leaf) -> SourceRange | None:
        """The place of a leaf, in the highest part that has it; of none, the place of the resource."""
        for part in reversed(self.parts) if leaf else ():
            node: Any = part.block.node
            for step in leaf[:-1]:
                node = node.get(step) if isinstance(node, dict) else None
            if isinstance(node, dict) and leaf[-1] in node:
                return part.document.place(node).at(leaf[-1])
        return self.parts[0].document.place(self.parts[0].block.node).range


@dataclass(frozen=True, slots=True)
class MissingVariable:
    """A variable that something to be promoted refers to, and that `to` does not have."""

    name: str
    address: Address
    leaf: Leaf
    source: SourceRange | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two environments, as declared."""

    differences: tuple[Difference, ...]
    """Parents before children, otherwise as `from` declares them."""
    missing: tuple[MissingVariable, ...]
    run_state: tuple[Address, ...]
    """Where a run state differs that is not selected."""
    unprotected: tuple[Address, ...]
    """Protected in `to` alone."""
    sensitive: tuple[tuple[Address, Leaf], ...] = ()
    """Sensitive settings that differ, and lists of them: each environment has its own."""


def compare(environments: ComposedEnvironments, selection: Selection) -> Comparison:
    """Every selected difference."""
    comparing = _Comparing(environments, selection)
    rank = {collection: index for index, collection in enumerate(reading_order(block_types()))}
    for address in sorted(environments.wanted, key=lambda address: (address.depth, rank[address.collection])):
        if selection.has(address):
            comparing.resource(address)
    return Comparison(
        tuple(comparing.differences),
        tuple(comparing.missing),
        tuple(comparing.run_state),
        tuple(comparing.unprotected),
        tuple(comparing.sensitive),
    )


class _Comparing:
    def __init__(self, environments: ComposedEnvironments, selection: Selection) -> None:
        self.differences: list[Difference] = []
        self.missing: list[MissingVariable] = []
        self.run_state: list[Address] = []
        self.unprotected: list[Address] = []
        self.sensitive: list[tuple[Address, Leaf]] = []
        self._environments = environments
        self._present = environments.loaded[environments.target]
        self._known = environments.compositions[environments.target].variables.known.keys()
        self._selection = selection
        self._nameless: list[Address] = []
        """Resources whose name needs a variable that `to` does not have."""

    def resource(self, address: Address) -> None:
        wanted = DeclaredBlock.of(self._environments.wanted[address])
        if self._lacks_name_variables(address, wanted):
            return
        gone = self._environments.absent(address)
        if gone and leaf_of(wanted.raw, ENSURE) != "absent":
            return  # an ancestor is absent, and reported itself
        present = DeclaredBlock.of(self._present.parts[address]) if address in self._present.parts else None
        if present is None:
            missing = self._missing(address, wanted, self._compared_leaves(wanted.filled))
            body = wanted.raw
            for leaf in leaves(body):
                secret = leaf[0] == "settings" and _is_secret(leaf, wanted, None)
                if secret:
                    self.sensitive.append((address, leaf))
                if secret or leaf in missing or (leaf in RUN_STATE and not self._selection.run_state):
                    body = with_leaf(body, leaf, NOTHING)
            if body.get("settings") == {} and wanted.raw["settings"]:
                body = with_leaf(body, ("settings",), NOTHING)
            self._differs(address, (), wanted, body, NOTHING)
            self._note_run_state(address, wanted.filled, {})
            return
        asked = {ENSURE} if gone else self._compared_leaves(wanted.filled) | {ENSURE}
        self._leaves(address, wanted, present, asked)
        if not gone and ("protect",) in present.filled and ("protect",) not in wanted.filled:
            self.unprotected.append(address)
        self._note_run_state(address, wanted.filled, present.filled)

    def _leaves(self, address: Address, wanted: DeclaredBlock, present: DeclaredBlock, asked: Collection[Leaf]) -> None:
        both = [*wanted.filled, *(leaf for leaf in present.filled if leaf not in wanted.filled)]
        differing = [
            leaf
            for leaf in both
            if leaf in asked and not _same(wanted.filled.get(leaf, NOTHING), present.filled.get(leaf, NOTHING))
        ]
        secret = [leaf for leaf in differing if _is_secret(leaf, wanted, present)]
        self.sensitive += [(address, leaf) for leaf in secret]
        differing = [leaf for leaf in differing if leaf not in secret]
        missing = self._missing(address, wanted, differing)
        for leaf in differing:
            if leaf not in missing:
                self._differs(address, leaf, wanted, leaf_of(wanted.raw, leaf), leaf_of(present.raw, leaf))

    def _compared_leaves(self, filled: Mapping[Leaf, Any]) -> set[Leaf]:
        """The leaves to be compared. With the run state both ways of declaring one: they exclude each other."""
        asked = {leaf for leaf in filled if leaf not in RUN_STATE}
        if self._selection.run_state and not RUN_STATE.isdisjoint(filled):
            asked |= RUN_STATE
        return asked

    def _differs(self, address: Address, leaf: Leaf, resource: DeclaredBlock, wanted: Any, present: Any) -> None:
        self.differences.append(Difference(address, leaf, wanted, present, resource.source_of(leaf)))

    def _lacks_name_variables(self, address: Address, wanted: DeclaredBlock) -> bool:
        if any(address.startswith(f"{above}/") for above in self._nameless):
            return True
        unknown = self._unknown(list(names_of(wanted.parts[0]).values()))
        for name in unknown:
            self.missing.append(MissingVariable(name, address, ("name",), wanted.source_of(("name",))))
        if unknown:
            self._nameless.append(address)
        return bool(unknown)

    def _missing(self, address: Address, wanted: DeclaredBlock, among: Collection[Leaf]) -> set[Leaf]:
        """Those of the leaves that need a variable which `to` does not have; each is noted."""
        found = set()
        for leaf in among:
            for name in self._unknown(leaf_of(wanted.raw, leaf)):
                self.missing.append(MissingVariable(name, address, leaf, wanted.source_of(leaf)))
                found.add(leaf)
        return found

    def _unknown(self, value: Any) -> list[str]:
        return [name for name in variables_in(value) if name not in self._known]

    def _note_run_state(self, address: Address, wanted: Mapping[Leaf, Any], present: Mapping[Leaf, Any]) -> None:
        if self._selection.run_state:
            return
        if any(leaf in wanted and not _same(wanted[leaf], present.get(leaf, NOTHING)) for leaf in sorted(RUN_STATE)):
            self.run_state.append(address)


def _is_secret(leaf: Leaf, wanted: DeclaredBlock, present: DeclaredBlock | None) -> bool:
    """Whether a leaf stays what each environment has: a sensitive setting, unless both write a variable, or a list of
    sensitive settings."""
    if leaf[0] != "settings" or len(leaf) < 2:
        return leaf[0] == JOINED
    resources = (wanted,) if present is None else (wanted, present)
    listed = [entry for resource in resources for entry in resource.filled.get((JOINED,), ())]
    values = [resource.filled[leaf] for resource in resources if leaf in resource.filled]
    if not any(sensitive_paths(hidden({leaf[1]: value}, listed)) for value in values):
        return False
    return not all(is_variable(leaf_of(resource.raw, leaf)) for resource in resources if leaf in resource.filled)


def _same(first: Any, second: Any) -> bool:
    return first is second if NOTHING in (first, second) else same(first, second)

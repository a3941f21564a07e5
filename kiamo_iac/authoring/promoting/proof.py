"""The proof: the edited files are composed again; `to` declares what is promoted, and nothing else changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from kiamo_iac.authoring.promoting.block_bodies import leaves
from kiamo_iac.authoring.promoting.comparing import DeclaredBlock, compare
from kiamo_iac.authoring.promoting.environments import ComposedEnvironments
from kiamo_iac.authoring.promoting.promotion import NOTHING, Leaf, PromotedDifference, Strategy
from kiamo_iac.authoring.selection import Selection
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.printable import quote
from kiamo_iac.core.state import ResourceState
from kiamo_iac.core.strict_json import same
from kiamo_iac.manifest.loader import Loaded


def violations(
    before: ComposedEnvironments,
    after: ComposedEnvironments,
    changes: Collection[PromotedDifference],
    selection: Selection,
) -> Iterator[Diagnostic]:
    """Every violation; none when the change does what it should and no more."""
    known = {(d.code, d.summary) for loaded in before.loaded.values() for d in loaded.diagnostics}
    for name, loaded in after.loaded.items():
        for said in loaded.diagnostics:
            if said.severity is Severity.ERROR and (said.code, said.summary) not in known:
                yield said
        if name != before.target:
            yield from _changed_declarations(name, before.loaded[name], loaded)
    left = {(c.difference.address, c.difference.leaf) for c in changes if c.how is Strategy.NOT_PROMOTED}
    for difference in compare(after, selection).differences:
        if (difference.address, difference.leaf) not in left:
            summary = f"{difference.path or difference.address} would still differ in {quote(before.target)}"
            yield _violation(difference.address, summary)
    yield from _unintended_changes(before, after, changes)


def _changed_declarations(name: str, before: Loaded, after: Loaded) -> Iterator[Diagnostic]:
    """What another environment would declare differently."""
    addresses = {resource.address for state in (before.state, after.state) for resource in state}
    for address in sorted(addresses):
        old, new = before.state.get(address), after.state.get(address)
        if old is None or new is None or not _equal(old, new):
            yield _violation(address, f"its declaration would change in {quote(name)}")


def _equal(old: ResourceState, new: ResourceState) -> bool:
    return (
        old.lifecycle == new.lifecycle
        and same(dict(old.attributes), dict(new.attributes))
        and same(dict(old.settings), dict(new.settings))
    )


def _unintended_changes(
    before: ComposedEnvironments, after: ComposedEnvironments, changes: Collection[PromotedDifference]
) -> Iterator[Diagnostic]:
    """What `to` would declare differently beside what is promoted."""
    old, new = before.loaded[before.target].parts, after.loaded[after.target].parts
    meant: dict[Address, dict[Leaf, Any]] = {}
    for change in changes:
        if change.how is not Strategy.NOT_PROMOTED:
            address, leaf = change.difference.address, change.difference.leaf
            wanted = DeclaredBlock.of(before.wanted[address]).filled
            asked = leaves(change.difference.wanted) if not leaf else [leaf]
            meant.setdefault(address, {}).update({key: wanted.get(key, NOTHING) for key in asked})
    for address in sorted({*old, *new}):
        expected = DeclaredBlock.of(old[address]).filled if address in old else {}
        expected = {k: v for k, v in {**expected, **meant.get(address, {})}.items() if v is not NOTHING}
        declared = address in old or address in meant
        if declared != (address in new) or (
            declared and not same(expected, dict(DeclaredBlock.of(new[address]).filled))
        ):
            yield _violation(address, f"more than what is promoted would change in {quote(before.target)}")


def _violation(address: Address, summary: str) -> Diagnostic:
    hint = "edit the manifests yourself, or pass --except to exclude it"
    return Diagnostic("KIA1029", summary, hint=hint, address=address)

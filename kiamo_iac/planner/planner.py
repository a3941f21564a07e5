"""`build_plan`: desired state × live state × ledger → plan.

    pair_resources ─► reconcile / RemovalPlanner ─► DependencyBuilder ─► order_names ─► StepBuilder
    match both sides   changes of each resource      which before which     names        numbered steps

Each plan reaches the desired state without a refused call; what cannot be reached is refused here, with reason and
place.
"""

from __future__ import annotations

from collections.abc import Collection

from kiamo_iac.core.address import Address
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, by_place, has_errors
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.printable import quote
from kiamo_iac.core.state import Ownership, State
from kiamo_iac.planner.change_set import ChangeNode, ChangeSet
from kiamo_iac.planner.dependencies import DependencyBuilder, order_names
from kiamo_iac.planner.likeness import likely_renames
from kiamo_iac.planner.matching import ResourcePairs, pair_resources
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.planner.pruning import pruning_diagnostics, undeclared, unmanaged_diagnostics
from kiamo_iac.planner.reconcile import ignored_diagnostics, reconcile
from kiamo_iac.planner.references import ReferenceIndex
from kiamo_iac.planner.removal import RemovalPlanner
from kiamo_iac.planner.run_state import unpaid
from kiamo_iac.planner.steps import StepBuilder
from kiamo_iac.planner.targets import limit_to_targets


def build_plan(
    desired: State,
    live: State,
    *,
    capabilities: Capabilities,
    environment: str,
    url: str,
    owned: Ownership | None = None,
    prune: bool = False,
    targets: Collection[Address] = (),
    may_stop: Collection[Address] = (),
) -> Plan:
    """Compare desired and live state, and plan the changes. Pure: no I/O, no clock.

    `live` must hold every object of the instance's top level, and all children of the resources that `desired` or
    `owned` names. `owned`: the ledger's entries; None when there is no ledger. `prune`: delete what is managed and not
    declared. `targets`: plan only these and what they depend on. `may_stop`: unmanaged batches that may be stopped to
    delete their base.

    A plan with errors among its diagnostics has no steps.
    """
    pairs = pair_resources(desired, live, capabilities, owned or {})
    references = ReferenceIndex(pairs)
    removals = RemovalPlanner(pairs, capabilities, may_stop)
    change_sets = _change_sets(pairs, references, removals, capabilities, prune=prune)
    if prune and owned is not None:
        change_sets += [removals.pruned(pair) for pair in undeclared(pairs)]
    diagnostics = pairs.diagnostics + pruning_diagnostics(pairs, desired, owned, prune=prune)
    if owned is not None:
        diagnostics += unmanaged_diagnostics(pairs, {change_set.pair for change_set in change_sets if change_set.nodes})
    diagnostics += ignored_diagnostics(pairs, desired)
    DependencyBuilder(change_sets, pairs, references, capabilities).add()
    order_names(change_sets, pairs, capabilities)
    diagnostics += _check_operations(change_sets, desired, capabilities)
    _check_names(change_sets, capabilities)
    deleted = {node.pair for change_set in change_sets for node in change_set.nodes if node.action is Action.DELETE}
    diagnostics += likely_renames(pairs, deleted)
    if targets:
        change_sets, excluded = limit_to_targets(change_sets, targets, pairs, owned or ())
        diagnostics += excluded
    diagnostics += [d for change_set in change_sets for d in change_set.diagnostics]
    nodes = [] if has_errors(diagnostics) else [n for change_set in change_sets for n in change_set.nodes]
    builder = StepBuilder(references)
    return Plan(
        environment=environment,
        url=url,
        steps=builder.build(nodes),
        diagnostics=by_place(diagnostics),
        bindings=builder.bindings,
        observed=builder.observed,
    )


def _change_sets(
    pairs: ResourcePairs,
    references: ReferenceIndex,
    removals: RemovalPlanner,
    capabilities: Capabilities,
    *,
    prune: bool,
) -> list[ChangeSet]:
    found: list[ChangeSet] = []
    for pair in pairs.ordered:
        if pair.declared_present and not (pair.parent is not None and pair.parent.declared_absent):
            found += [reconcile(pair, references, capabilities), *removals.exclusive(pair)]
        elif pair.declared_absent:
            found.append(removals.absent(pair))
        elif pair.owned is not None and pair.owned.owed is not None and not prune:
            found.append(unpaid(pair))
    return [change_set for change_set in found if change_set.nodes or change_set.diagnostics]


def _check_operations(change_sets: list[ChangeSet], desired: State, capabilities: Capabilities) -> list[Diagnostic]:
    """Refuse kinds that the contract cannot list, and actions that it has no operation for. Attributes without a wire
    name are refused with the manifests."""
    found = {}
    for resource in desired:
        kind = resource.kind.kind
        if "list" not in capabilities.of(kind).operations and kind not in found:
            found[kind] = Diagnostic(
                "KIA0501",
                f"the contract has no call to list {kind} objects, which a plan needs",
                hint=f"declare the call under kinds.{kind}.operations.list in {capabilities.origin}",
                address=resource.address,
                source=resource.source,
            )
    for change_set in change_sets:
        refused: set[str] = set()
        for node in change_set.nodes:
            known = capabilities.of(node.pair.kind.kind)
            operation = Action.UPDATE if node.action is Action.RENAME else node.action
            if operation not in known.operations and operation not in refused and not _embedded(node, capabilities):
                refused.add(operation)
                _refuse_operation(change_set, node, operation, capabilities)
    return list(found.values())


def _check_names(change_sets: list[ChangeSet], capabilities: Capabilities) -> None:
    """Refuse new names that the contract does not allow; a live name is valid, whatever it is."""
    patterns = {
        kind: linear_pattern(known.name_pattern) for kind, known in capabilities.kinds.items() if known.name_pattern
    }
    for change_set in change_sets:
        for node in change_set.nodes:
            kind = node.pair.kind.kind
            if node.action not in {Action.CREATE, Action.RENAME} or kind not in patterns:
                continue
            name = node.change.after["name"]
            if not patterns[kind].matches(name):
                source = node.pair.desired.source_of("name") if node.pair.desired is not None else None
                # Without the name where a row gives it: what is the same of many rows is shown once.
                what = "what this row gives" if source is not None and source.row else quote(name)
                change_set.refuse(
                    "KIA0209",
                    f"{what} cannot be the name of a new {kind}: the contract does not allow its characters"
                    if node.action is Action.CREATE
                    else f"a {kind} cannot be renamed to {what}: the contract does not allow its characters",
                    hint=f"allowed: {capabilities.of(kind).name_pattern}; if your version of Kiamo accepts more, set "
                    f'"kinds: {kind}: names: pattern:" in {capabilities.origin}',
                    key="name",
                )


def _embedded(node: ChangeNode, capabilities: Capabilities) -> bool:
    """Whether it is sent inside the create of its parent, and needs no operation of its own."""
    parent = node.pair.parent
    if node.action is not Action.CREATE or parent is None or parent.live is not None:
        return False
    return node.pair.kind.kind in capabilities.of(parent.kind.kind).embedded


def _refuse_operation(change_set: ChangeSet, node: ChangeNode, operation: Action, capabilities: Capabilities) -> None:
    kind, name, reason = node.change.kind, node.pair.address.name, node.change.reason
    change_set.refuse(
        "KIA0501",
        f'the contract has no call to {operation} a {kind}, which "{name}" needs ({reason})',
        hint=f"if the instance can do it, declare the call under kinds.{kind}.operations.{operation} in "
        f"{capabilities.origin}; otherwise do it by hand",
    )

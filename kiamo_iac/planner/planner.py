"""`build_plan`: desired state × live state × what we own → plan.

    pair_up ─► present / absent / undeclared / pruned ─► Links ─► order_names ─► steps
    who is who   what happens to each                    what before what        numbered

The plan ends at the desired state without the instance refusing a call, or is refused here with reason and place.
"""

from __future__ import annotations

from collections.abc import Collection

from kiamo_iac.core.address import Address
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, has_errors
from kiamo_iac.core.ownership import Ownership
from kiamo_iac.core.state import State
from kiamo_iac.planner.change_set import Draft, Unit
from kiamo_iac.planner.dependencies import Links, order_names
from kiamo_iac.planner.matching import Pairing, pair_up
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.planner.pruning import notes, prune_units
from kiamo_iac.planner.reconcile import present
from kiamo_iac.planner.references import References
from kiamo_iac.planner.removal import Removals
from kiamo_iac.planner.steps import Bindings, steps
from kiamo_iac.planner.targets import cut


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
    """Compare and plan.

    `live` must hold every thing of the instance's top level, and all children of the things that `desired` or `owned`
    names. `owned`: what the ledger has; None when there is no ledger. `prune`: delete what is owned and not declared.
    `targets`: plan only these and what they depend on. `may_stop`: strange batches that may be stopped for the sake of
    a base that goes.

    A plan with errors among its diagnostics has no steps: a part of a plan would be a lie.
    """
    pairing = pair_up(desired, live, capabilities, owned or {})
    references = References(pairing)
    removals = Removals(pairing, capabilities, may_stop)
    units = _units(pairing, references, removals, capabilities)
    if prune and owned is not None:
        units += prune_units(pairing, removals)
    diagnostics = pairing.diagnostics + notes(pairing, desired, owned, prune=prune)
    Links(units, pairing, references, capabilities).draw()
    order_names(units, pairing, capabilities)
    diagnostics += check_contract(units, desired, capabilities)
    if targets:
        units, said = cut(units, targets, pairing)
        diagnostics += said
    diagnostics += [d for unit in units for d in unit.said]
    refused = has_errors(diagnostics)
    drafts = [] if refused else [d for unit in units for d in unit.drafts]
    bindings = Bindings(references)
    return Plan(
        environment=environment,
        url=url,
        steps=steps(drafts, seen=bindings.seen),
        diagnostics=tuple(sorted(diagnostics, key=Diagnostic.sort_key)),
        bindings=bindings.of(drafts),
    )


def _units(pairing: Pairing, references: References, removals: Removals, capabilities: Capabilities) -> list[Unit]:
    units: list[Unit] = []
    for pair in pairing.pairs:
        if pair.wanted and not (pair.parent is not None and pair.parent.unwanted):
            units += [present(pair, references, capabilities), *removals.undeclared(pair)]
        elif pair.unwanted:
            units.append(removals.absent(pair))
    return [unit for unit in units if unit.drafts or unit.said]


def check_contract(units: list[Unit], desired: State, capabilities: Capabilities) -> list[Diagnostic]:
    """Refuse what cannot be listed, and the actions without a call. Attributes without a wire name are refused with the
    manifests."""
    found = {}
    for instance in desired:
        kind = instance.kind.kind
        if "list" not in capabilities.of(kind).operations and kind not in found:
            found[kind] = Diagnostic(
                "KIA0501",
                f"the contract has no call to list what there is of a {kind}, so that nothing can be planned for one",
                hint=f"Declare the call under kinds.{kind}.operations.list in {capabilities.origin}.",
                address=instance.address,
                source=instance.source,
            )
    for unit in units:
        told: set[str] = set()
        for draft in unit.drafts:
            known = capabilities.of(draft.pair.kind.kind)
            operation = Action.UPDATE if draft.action is Action.RENAME else draft.action
            if operation not in known.operations and operation not in told and not _embedded(draft, capabilities):
                told.add(operation)
                _refuse_operation(unit, draft, operation, capabilities)
    return list(found.values())


def _embedded(draft: Draft, capabilities: Capabilities) -> bool:
    """Whether it is sent inside the create of its parent, so that it needs no call of its own."""
    parent = draft.pair.parent
    if draft.action is not Action.CREATE or parent is None or parent.live is not None:
        return False
    return draft.pair.kind.kind in capabilities.of(parent.kind.kind).embedded


def _refuse_operation(unit: Unit, draft: Draft, operation: Action, capabilities: Capabilities) -> None:
    kind = draft.pair.kind.kind
    unit.refuse(
        "KIA0501",
        f'the contract has no call to {operation} a {kind}, which "{draft.pair.address.name}" needs ({draft.reason})',
        hint=f"If the instance can do it, declare the call under kinds.{kind}.operations.{operation} in "
        f"{capabilities.origin}; otherwise do it by hand.",
    )

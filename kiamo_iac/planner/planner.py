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
from kiamo_iac.planner.bindings import Bindings
from kiamo_iac.planner.contract_check import check_contract
from kiamo_iac.planner.draft import Unit
from kiamo_iac.planner.graph import steps
from kiamo_iac.planner.lifecycle import present
from kiamo_iac.planner.links import Links, order_names
from kiamo_iac.planner.matching import Pairing, pair_up
from kiamo_iac.planner.owning import notes, prune_units
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.references import References
from kiamo_iac.planner.removal import Removals
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

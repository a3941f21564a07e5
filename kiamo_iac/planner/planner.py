"""`build_plan`: desired state × live state → plan.

    pair_up ─► present / absent / undeclared ─► Links ─► order_names ─► steps
    who is who   what happens to each            what before what      numbered

The plan ends at the desired state without the instance refusing a call, or is refused here with reason and place.
"""

from __future__ import annotations

from kiamo_iac.address import Address
from kiamo_iac.diagnostics import Diagnostic, has_errors
from kiamo_iac.planner.draft import Draft, Unit
from kiamo_iac.planner.graph import steps
from kiamo_iac.planner.lifecycle import present
from kiamo_iac.planner.links import Links, order_names
from kiamo_iac.planner.matching import Pair, Pairing, pair_up
from kiamo_iac.planner.plan import Action, Binding, Plan
from kiamo_iac.planner.references import References
from kiamo_iac.planner.removal import Removals
from kiamo_iac.resources.capabilities import Capabilities
from kiamo_iac.state import State


def build_plan(desired: State, live: State, *, capabilities: Capabilities, environment: str, url: str) -> Plan:
    """Compare and plan.

    `live` must hold every thing of the instance's top level, and all children of the things that `desired` names.
    A plan with errors among its diagnostics has no steps: a part of a plan would be a lie.
    """
    pairing = pair_up(desired, live, capabilities)
    references = References(pairing)
    units = _units(pairing, references, capabilities)
    Links(units, pairing, references, capabilities).draw()
    order_names(units, pairing, capabilities)
    _check_contract(units, capabilities)
    diagnostics = pairing.diagnostics + [d for unit in units for d in unit.refusals]
    drafts = [d for unit in units for d in unit.drafts]
    if has_errors(diagnostics):
        drafts = []
    return Plan(
        environment=environment,
        url=url,
        steps=steps(drafts),
        diagnostics=tuple(sorted(diagnostics, key=Diagnostic.sort_key)),
        bindings=_bindings(drafts, references),
    )


def _units(pairing: Pairing, references: References, capabilities: Capabilities) -> list[Unit]:
    removals = Removals(pairing, capabilities)
    units: list[Unit] = []
    for pair in pairing.pairs:
        if pair.wanted and not (pair.parent is not None and pair.parent.unwanted):
            units += [present(pair, references, capabilities), *removals.undeclared(pair)]
        elif pair.unwanted:
            units.append(removals.absent(pair))
    return [unit for unit in units if unit.drafts or unit.refusals]


# --- what the contract lacks ---------------------------------------------------------------------------------------


def _check_contract(units: list[Unit], capabilities: Capabilities) -> None:
    """Refuse what the contract has no call for; attributes without a wire name are refused with the manifests."""
    for unit in units:
        told: set[str] = set()
        for draft in unit.drafts:
            known = capabilities.of(draft.pair.kind.kind)
            operation = Action.UPDATE if draft.action is Action.RENAME else draft.action
            if operation not in known.operations and operation not in told and not _embedded(draft, capabilities):
                told.add(operation)
                _refuse_operation(unit, draft, operation, capabilities)


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


# --- bindings --------------------------------------------------------------------------------------------------------


def _bindings(drafts: list[Draft], references: References) -> dict[Address, Binding]:
    """How the instance knows what the steps write, stand below, and refer to."""
    bindings: dict[Address, Binding] = {}
    for draft in drafts:
        _bind(draft.pair, bindings)
        if draft.action in {Action.CREATE, Action.UPDATE}:
            for _, _, target in references.declared(draft.pair, draft.after):
                if target is not None:
                    _bind(target, bindings)
    return bindings


def _bind(pair: Pair, bindings: dict[Address, Binding]) -> None:
    at: Pair | None = pair
    while at is not None and at.address not in bindings:
        if at.live is not None and at.live.remote_id is not None:
            bindings[at.address] = Binding(at.live.remote_id, at.live.name)
        at = at.parent

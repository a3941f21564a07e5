"""Refuses what the contract has no call for, and says where it would be declared."""

from __future__ import annotations

from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.state import State
from kiamo_iac.planner.draft import Draft, Unit
from kiamo_iac.planner.plan import Action


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

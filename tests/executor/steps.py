"""Plans for the tests of this room, built without a planner."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.planner.plan import Action, Binding, Plan, Risk, Step
from kiamo_iac.resources import by_collection


def step(
    id_: int,
    action: Action = Action.UPDATE,
    address: str = "",
    *,
    needs: Iterable[int] = (),
    after: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
) -> Step:
    """One step; of a base of its own, unless `address` is given."""
    at = Address(address or f"bases/b{id_}")
    return Step(
        id=id_,
        action=action,
        address=at,
        kind=by_collection()[at.collection].kind,
        depends_on=tuple(sorted(needs)),
        risk=Risk.REVERSIBLE,
        before=before or {},
        after=after or {},
        changes=(),
        reason="a test",
        source=SourceRange("manifests/a.yaml", id_, 3),
    )


def plan(*steps: Step, bindings: Mapping[Address, Binding] | None = None) -> Plan:
    """A plan of these steps."""
    return Plan("staging", "http://127.0.0.1:1", steps, bindings=bindings or {})


def graph(needs: Mapping[int, Iterable[int]]) -> Plan:
    """A plan with these dependencies."""
    return plan(*(step(id_, needs=above) for id_, above in needs.items()))

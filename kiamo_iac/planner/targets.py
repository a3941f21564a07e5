"""A plan cut down to some addresses, what stands below them, and all that these depend on."""

from __future__ import annotations

from collections.abc import Collection

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity, did_you_mean
from kiamo_iac.planner.change_set import Draft, Unit
from kiamo_iac.planner.matching import Pairing


def cut(units: list[Unit], targets: Collection[Address], pairing: Pairing) -> tuple[list[Unit], list[Diagnostic]]:
    """The units that remain, with the actions that remain, and what is to be said of the cut.

    What is refused elsewhere does not matter to a target; what is refused of something that it depends on does.
    """
    wanted = [draft for unit in units for draft in unit.drafts if _is_target(draft.pair.address, targets)]
    kept: dict[int, Draft] = {}
    while wanted:
        draft = wanted.pop()
        if id(draft) not in kept:
            kept[id(draft)] = draft
            wanted += draft.needs
    remaining = []
    left_out = 0
    for unit in units:
        chosen = [draft for draft in unit.drafts if id(draft) in kept]
        left_out += len(unit.drafts) - len(chosen)
        if chosen or _is_target(unit.pair.address, targets):
            unit.drafts = chosen
            remaining.append(unit)
    found = [_unknown(t, pairing) for t in sorted(targets) if not _exists(t, pairing)]
    return remaining, found + ([_left_out(left_out)] if left_out else [])


def _is_target(address: Address, targets: Collection[Address]) -> bool:
    return any(address == target or address.startswith(f"{target}/") for target in targets)


def _exists(target: Address, pairing: Pairing) -> bool:
    pair = pairing.by_address.get(target)
    return pair is not None and (pair.desired is not None or pair.owned is not None)


def _unknown(target: Address, pairing: Pairing) -> Diagnostic:
    known = [a for a, p in pairing.by_address.items() if p.desired is not None]
    return Diagnostic(
        "KIA0521",
        f'the target "{target}" is neither declared nor in the ledger',
        hint=did_you_mean(target, known) or "Write it as plans do: bases/prospects/batches/spring",
    )


def _left_out(count: int) -> Diagnostic:
    steps = "1 step is" if count == 1 else f"{count} steps are"
    return Diagnostic(
        "KIA0609",
        f"{steps} left out, for this plan is cut down to its targets",
        severity=Severity.WARNING,
        hint="Plan without --target afterwards: the environment is not level with its manifests before that.",
    )

"""What the ledger adds to a plan: what is pruned, and what is said of things of ours that are no longer declared."""

from __future__ import annotations

from kiamo_iac.core.address import Address
from kiamo_iac.core.command_line import word
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.ownership import Owned, Ownership
from kiamo_iac.core.state import Instance, RemoteId, State
from kiamo_iac.planner.change_set import Unit
from kiamo_iac.planner.matching import Pair, Pairing
from kiamo_iac.planner.removal import Removals


def prune_units(pairing: Pairing, removals: Removals) -> list[Unit]:
    """The units of everything that is ours, live, and not declared. What goes or stays with its parent has none."""
    return [removals.pruned(pair) for pair in left_over(pairing)]


def left_over(pairing: Pairing) -> list[Pair]:
    """What is ours, live, and not declared, without what stands below such a thing or goes for another reason."""
    return [pair for pair in pairing.pairs if _is_left_over(pair) and not _follows_parent(pair)]


def _is_left_over(pair: Pair) -> bool:
    return pair.desired is None and pair.ours and not pair.virtual


def _follows_parent(pair: Pair) -> bool:
    parent = pair.parent
    if parent is not None and parent.desired and pair.kind.collection in parent.desired.lifecycle.exclusive:
        return True
    while parent is not None:
        if parent.unwanted or _is_left_over(parent):
            return True
        parent = parent.parent
    return False


def notes(pairing: Pairing, desired: State, owned: Ownership | None, *, prune: bool) -> list[Diagnostic]:
    """What is to be said of pruning: what it would take, what it does not dare to take, and why nothing is taken."""
    if owned is None:
        return [_no_ledger()] if prune else []
    if prune:
        return _not_pruned(pairing, desired, owned)
    left = [pair.address for pair in left_over(pairing)]
    return [_would_be_pruned(left)] if left else []


def _not_pruned(pairing: Pairing, desired: State, owned: Ownership) -> list[Diagnostic]:
    """Things of the ledger that are no longer what they were: somebody renamed them, or made them anew."""
    found = []
    known = {pair.owned.address for pair in pairing.pairs if pair.owned is not None}
    by_id = {(p.kind.collection, p.live.remote_id): p.live for p in pairing.pairs if p.live is not None}
    for address, entry in sorted(owned.items()):
        if address in known or address in desired or entry.remote_id is None:
            continue
        holder = by_id.get((address.collection, entry.remote_id))
        there = pairing.by_live.get(address)
        if holder is not None:
            found.append(_renamed(entry, holder))
        elif there is not None and there.live is not None:
            found.append(_another(entry, there.live.remote_id))
    return found


def _no_ledger() -> Diagnostic:
    return Diagnostic(
        "KIA0606",
        "there is no ledger of this environment: nothing is pruned",
        severity=Severity.WARNING,
        detail="Only what the ledger says is ours is ever pruned.",
        hint="If there was one, bring it back. Otherwise apply, or adopt what is ours: kiamo-iac adopt.",
    )


def _would_be_pruned(left: list[Address]) -> Diagnostic:
    shown = ", ".join(left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    things = "1 thing of ours is" if len(left) == 1 else f"{len(left)} things of ours are"
    return Diagnostic(
        "KIA0607",
        f"{things} no longer declared, and left alone: {shown}",
        severity=Severity.NOTE,
        hint="--prune deletes them; kiamo-iac ledger forget lets them go without a call.",
    )


def _renamed(entry: Owned, holder: Instance) -> Diagnostic:
    return Diagnostic(
        "KIA0604",
        f'"{entry.address.name}" was renamed to "{holder.name}" on the instance: under that name it is not deleted',
        severity=Severity.WARNING,
        hint=f'To delete it, declare "{holder.name}" with ensure: absent; to let it go: kiamo-iac ledger forget '
        f"{word(entry.address, 'ADDRESS')}",
        address=entry.address,
    )


def _another(entry: Owned, there: RemoteId | None) -> Diagnostic:
    return Diagnostic(
        "KIA0608",
        f'"{entry.address.name}" is another thing than the one that was ours (id {there}, not {entry.remote_id}): '
        "it is not pruned",
        severity=Severity.WARNING,
        hint=f"To delete it, declare it with ensure: absent; to let it go: kiamo-iac ledger forget "
        f"{word(entry.address, 'ADDRESS')}",
        address=entry.address,
    )

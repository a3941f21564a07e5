"""Pruning: what is managed and no longer declared, what is declared and not managed, and the diagnostics of both."""

from __future__ import annotations

from collections.abc import Collection

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.state import Owned, Ownership, RemoteId, ResourceState, State
from kiamo_iac.planner.matching import ResourcePair, ResourcePairs


def undeclared(pairs: ResourcePairs) -> list[ResourcePair]:
    """The managed resources that are live and not declared, without those that an ancestor or an exclusive collection
    decides about."""
    return [pair for pair in pairs.ordered if _is_undeclared(pair) and not _follows_parent(pair)]


def _is_undeclared(pair: ResourcePair) -> bool:
    return pair.desired is None and pair.in_ledger and not pair.made_with_parent


def _follows_parent(pair: ResourcePair) -> bool:
    parent = pair.parent
    if parent is not None and parent.desired and pair.kind.collection in parent.desired.lifecycle.exclusive:
        return True
    while parent is not None:
        if parent.declared_absent or _is_undeclared(parent):
            return True
        parent = parent.parent
    return False


def pruning_diagnostics(
    pairs: ResourcePairs, desired: State, owned: Ownership | None, *, prune: bool
) -> list[Diagnostic]:
    """What `--prune` would delete, what it does not delete and why, and that it needs a ledger."""
    if owned is None:
        return [_no_ledger()] if prune else []
    if prune:
        return _not_pruned(pairs, desired, owned)
    kept = [pair.address for pair in undeclared(pairs)]
    return [_kept(kept)] if kept else []


def unmanaged_diagnostics(pairs: ResourcePairs, written: Collection[ResourcePair]) -> list[Diagnostic]:
    """That declared resources are on the instance, and neither in the ledger nor written by the plan: others made them,
    or a run whose outcome was unknown. There is a ledger."""
    found = sorted(
        pair.address
        for pair in pairs.ordered
        if pair.owned is None and pair.live is not None and pair not in written and _is_manageable(pair)
    )
    if not found:
        return []
    if len(found) == 1:
        summary, them = "1 declared resource exists on the instance and is not managed", "it"
        named = shell_word(found[0], "ADDRESS")
    else:
        summary, them = f"{len(found)} declared resources exist on the instance and are not managed", "them"
        named = "--all"
    return [
        Diagnostic(
            "KIA0622",
            f"{summary}: {_some(found)}",
            severity=Severity.NOTE,
            detail=f"kiamo-iac has neither created nor changed {them}, and --prune never deletes {them}.",
            hint=f"to manage {them}: kiamo-iac adopt {named}",
        )
    ]


def _is_manageable(pair: ResourcePair) -> bool:
    is_declared = pair.declared_present and pair.declaration.lifecycle.managed
    return is_declared and not pair.made_with_parent and not pair.is_default


def _some(addresses: list[Address]) -> str:
    """The first of them, and how many more."""
    return ", ".join(addresses[:5]) + (f" and {len(addresses) - 5} more" if len(addresses) > 5 else "")


def _not_pruned(pairs: ResourcePairs, desired: State, owned: Ownership) -> list[Diagnostic]:
    """Entries of the ledger whose object was renamed or recreated outside kiamo-iac."""
    found = []
    known = {pair.owned.address for pair in pairs.ordered if pair.owned is not None}
    by_id = {(p.kind.collection, p.live.remote_id): p.live for p in pairs.ordered if p.live is not None}
    for address, entry in sorted(owned.items()):
        if address in known or address in desired or entry.remote_id is None:
            continue
        renamed = by_id.get((address.collection, entry.remote_id))
        same_name = pairs.by_live.get(address)
        if renamed is not None:
            found.append(_renamed(entry, renamed))
        elif same_name is not None and same_name.live is not None:
            found.append(_recreated(entry, same_name.live.remote_id))
    return found


def _no_ledger() -> Diagnostic:
    return Diagnostic(
        "KIA0606",
        "this environment has no ledger: nothing is pruned",
        severity=Severity.WARNING,
        detail="Only managed resources are pruned, and the ledger records them.",
        hint="if there was one, restore it; otherwise run apply, or adopt what exists: kiamo-iac adopt --all",
    )


def _kept(kept: list[Address]) -> Diagnostic:
    if len(kept) == 1:
        summary = "1 managed resource is no longer declared; it is kept (pass --prune to delete it)"
    else:
        summary = f"{len(kept)} managed resources are no longer declared; they are kept (pass --prune to delete them)"
    return Diagnostic(
        "KIA0607",
        f"{summary}: {_some(kept)}",
        severity=Severity.NOTE,
        hint="to stop managing them, without an API call: kiamo-iac ledger forget",
    )


def _renamed(entry: Owned, live: ResourceState) -> Diagnostic:
    return Diagnostic(
        "KIA0604",
        f'"{entry.address.name}" was renamed to "{live.name}" on the instance; it is not deleted under that name',
        severity=Severity.WARNING,
        hint=f'to delete it, declare "{live.name}" with ensure: absent; to stop managing it: kiamo-iac ledger forget '
        f"{shell_word(entry.address, 'ADDRESS')}",
        address=entry.address,
    )


def _recreated(entry: Owned, live_id: RemoteId | None) -> Diagnostic:
    return Diagnostic(
        "KIA0608",
        f'"{entry.address.name}" was recreated outside kiamo-iac (id {live_id}, in the ledger {entry.remote_id}); '
        "it is not pruned",
        severity=Severity.WARNING,
        hint=f"to delete it, declare it with ensure: absent; to stop managing it: kiamo-iac ledger forget "
        f"{shell_word(entry.address, 'ADDRESS')}",
        address=entry.address,
    )

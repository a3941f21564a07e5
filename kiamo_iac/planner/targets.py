"""`--target`: keeps the changes of some addresses, of all below them, and of all that they depend on."""

from __future__ import annotations

from collections.abc import Collection

from kiamo_iac.core.address import Address, covered
from kiamo_iac.core.diagnostics import Diagnostic, Severity, did_you_mean
from kiamo_iac.planner.change_set import ChangeSet
from kiamo_iac.planner.matching import ResourcePairs
from kiamo_iac.planner.plan import Action


def limit_to_targets(
    change_sets: list[ChangeSet], targets: Collection[Address], pairs: ResourcePairs, owned: Collection[Address]
) -> tuple[list[ChangeSet], list[Diagnostic]]:
    """The change sets and changes that are kept, and the diagnostics. `owned`: what the ledger has.

    Refusals of excluded resources are dropped; a refusal of something that a target depends on is kept.
    """
    wanted = [node for change_set in change_sets for node in change_set.nodes if covered(node.pair.address, targets)]
    after_pause = {
        id(node): change_set.nodes[number + 1 :]
        for change_set in change_sets
        for number, node in enumerate(change_set.nodes)
        if node.action is Action.PAUSE
    }
    kept: set[int] = set()
    while wanted:
        node = wanted.pop()
        if id(node) not in kept:
            kept.add(id(node))
            wanted += node.dependencies
            if node.action is Action.PAUSE:  # of a batch that is to be changed: it is started again
                wanted += after_pause.get(id(node), ())
    kept_sets = []
    excluded = 0
    for change_set in change_sets:
        chosen = [node for node in change_set.nodes if id(node) in kept]
        excluded += len(change_set.nodes) - len(chosen)
        if chosen or covered(change_set.pair.address, targets):
            change_set.nodes = chosen
            kept_sets.append(change_set)
    found = [_unknown(t, pairs) for t in sorted(targets) if t not in owned and not _exists(t, pairs)]
    return kept_sets, found + ([_excluded(excluded)] if excluded else [])


def _exists(target: Address, pairs: ResourcePairs) -> bool:
    pair = pairs.by_address.get(target)
    return pair is not None and (pair.desired is not None or pair.owned is not None)  # by the name after a rename


def _unknown(target: Address, pairs: ResourcePairs) -> Diagnostic:
    known = [a for a, p in pairs.by_address.items() if p.desired is not None]
    return Diagnostic(
        "KIA0521",
        f'the target "{target}" is neither declared nor in the ledger',
        hint=did_you_mean(target, known) or "write the address as plans show it: bases/prospects/batches/spring",
    )


def _excluded(count: int) -> Diagnostic:
    steps = "1 step" if count == 1 else f"{count} steps"
    return Diagnostic(
        "KIA0609",
        f"{steps} excluded by --target",
        severity=Severity.WARNING,
        hint="afterwards, plan without --target: until then, the environment does not match its manifests",
    )

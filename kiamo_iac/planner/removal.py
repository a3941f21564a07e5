"""Deletions: of what is declared absent, of what is not declared in an exclusive collection, and of what is pruned.

    a batch:   stop (unless it is finished or stopped) ─► delete
    a base:    stop each unfinished batch that is declared or managed ─► delete, with everything below it

An unfinished batch that is neither declared nor in the ledger blocks the deletion of its base.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from kiamo_iac.core.address import Address, covered, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.resource import Resource
from kiamo_iac.planner.change_set import ChangeSet
from kiamo_iac.planner.matching import ResourcePair, ResourcePairs
from kiamo_iac.planner.plan import Action, Cause, PlannedChange, Risk
from kiamo_iac.planner.run_state import close
from kiamo_iac.resources import children_of


class RemovalPlanner:
    """Plans the deletions of one plan."""

    def __init__(self, pairs: ResourcePairs, capabilities: Capabilities, may_stop: Collection[Address]) -> None:
        self._capabilities = capabilities
        self._may_stop = may_stop
        self._children: dict[ResourcePair, list[ResourcePair]] = {}
        for pair in pairs.ordered:
            if pair.parent is not None:
                self._children.setdefault(pair.parent, []).append(pair)

    def absent(self, pair: ResourcePair) -> ChangeSet:
        """Delete a resource that is declared with `ensure: absent`."""
        change_set = ChangeSet(pair)
        if pair.live is None or (pair.parent is not None and pair.parent.declared_absent):
            return change_set  # does not exist, or is deleted with its parent
        source = pair.declaration.source_of("ensure")
        self._remove(change_set, "declared with ensure: absent", cause=Cause.DECLARED, source=source)
        return change_set

    def pruned(self, pair: ResourcePair) -> ChangeSet:
        """Delete a resource that the ledger has and no manifest declares."""
        change_set = ChangeSet(pair)
        kept = [p.address for p in [pair, *self._below(pair)] if p.owned is not None and p.owned.protect]
        if kept:
            change_set.warn(
                "KIA0605",
                f"{pair.address} is no longer declared; it is kept, as protect is set on {' and '.join(kept)}",
                hint="to delete it, declare it with protect: false, apply, and then remove the block",
            )
            return change_set
        self._remove(change_set, "managed, no longer declared", cause=Cause.PRUNE, source=None)
        return change_set

    def exclusive(self, parent: ResourcePair) -> list[ChangeSet]:
        """Delete what is not declared in the exclusive collections of `parent`."""
        desired = parent.desired
        if desired is None or not parent.declared_present or not desired.lifecycle.exclusive:
            return []
        change_sets = []
        former = self._former_names(parent)
        for pair in self._children.get(parent, []):
            collection = pair.kind.collection
            if pair.desired is not None or pair.live is None or collection not in desired.lifecycle.exclusive:
                continue
            if pair.is_default:
                continue
            change_set = ChangeSet(pair)
            if (collection, identity(pair.live.name)) in former:
                change_set.refuse(
                    "KIA0518",
                    f'"{pair.live.name}" is listed in renamed_from, and the new name exists too: it is not deleted',
                    detail=f"{parent.address} lists {collection} in exclusive: undeclared {collection} are deleted.",
                    hint=f'to delete it, remove "{pair.live.name}" from renamed_from; to keep it, declare it',
                    key="exclusive",
                )
            else:
                why = f"not declared, and {parent.address} lists {collection} in exclusive"
                self._remove(change_set, why, cause=Cause.EXCLUSIVE, source=desired.source_of("exclusive"))
            change_sets.append(change_set)
        return change_sets

    def _former_names(self, parent: ResourcePair) -> set[tuple[str, str]]:
        return {
            (child.kind.collection, old)
            for child in self._children.get(parent, [])
            if child.desired is not None
            for old in child.desired.lifecycle.renamed_from
        }

    def _remove(self, change_set: ChangeSet, why: str, *, cause: Cause, source: SourceRange | None) -> None:
        pair, live = change_set.pair, change_set.pair.live_object
        if self._refused(change_set):
            return
        stops = self._stops_below(change_set, cause)
        if change_set.refused:
            return
        machine, state = pair.kind.machine, live.run_state
        if machine is not None and state is not None:
            close(change_set, state, why=f"it must be {_terminal(machine.terminal)} before it is deleted", cause=cause)
        goes = [child for child in self._below(pair) if child.live is not None and not child.is_default]
        contents = _contents(pair, goes)
        self._warn_of_unread(change_set)
        delete = change_set.add(
            PlannedChange(
                Action.DELETE,
                pair.address,
                pair.kind.kind,
                why + (f"; also deletes {contents}" if contents else ""),
                before={**live.attributes, **({"settings": dict(live.settings)} if live.settings else {})},
                risk=_risk(pair),
                source=source,
                cause=cause,
                also_deletes=tuple(sorted(child.address for child in goes)),
            )
        )
        for stop in stops:
            delete.dependencies.append(stop.nodes[-1])
            change_set.nodes[:0] = stop.nodes

    def _refused(self, change_set: ChangeSet) -> bool:
        """Refuse to delete default and protected resources."""
        pair = change_set.pair
        system = pair.kind.system
        key = "ensure" if pair.desired is not None else "exclusive"
        if system is not None and pair.is_default:
            change_set.refuse(
                "KIA0513",
                f'"{pair.live_object.name}" is a default {pair.kind.kind} and cannot be deleted',
                detail=f"The API would return {self._capabilities.meaning(system.delete)}.",
                hint="remove ensure: absent",
                key=key,
            )
        for kept in [pair, *self._below(pair)]:
            if kept.protected:
                change_set.refuse(
                    "KIA0514",
                    f"{kept.address} is protected (protect: true) and cannot be deleted",
                    detail="The ledger has protect: true from the last apply."
                    if kept.owned is not None and kept.owned.protect
                    else None,
                    hint="declare it with protect: false, apply, and delete it in a later change",
                    key=key,
                )
        return change_set.refused

    def _below(self, pair: ResourcePair) -> list[ResourcePair]:
        found = []
        for child in self._children.get(pair, []):
            found += [child, *self._below(child)]
        return found

    def _stops_below(self, change_set: ChangeSet, cause: Cause) -> list[ChangeSet]:
        """Stop the unfinished resources below that are declared, managed or in `may_stop`; refuse any other."""
        stops: list[ChangeSet] = []
        unmanaged: dict[tuple[str, str], list[str]] = {}
        for child in self._below(change_set.pair):
            machine, state = child.kind.machine, child.live.run_state if child.live else None
            if machine is None or state is None or state in machine.terminal:
                continue
            if child.desired is None and not child.in_ledger and not covered(child.address, self._may_stop):
                key = machine.holds_parent, child.kind.collection
                unmanaged.setdefault(key, []).append(f'"{child.address.name}" ({state})')
                continue
            stop = ChangeSet(child)
            why = f"it must be {_terminal(machine.terminal)} before {change_set.pair.address} is deleted"
            close(stop, state, why=why, cause=cause)
            stops.append(stop)
        for (code, collection), names in unmanaged.items():
            change_set.refuse(
                "KIA0515",
                f"{change_set.pair.address} has unmanaged, unfinished {collection}: {', '.join(names)}",
                detail=f"The API would return {self._capabilities.meaning(code)}.",
                hint="declare them, or pass --allow-stop ADDRESS for each of them",
                key="ensure",
            )
        return stops

    def _warn_of_unread(self, change_set: ChangeSet) -> None:
        """Warn where the contract has no call to list what may be below: it is neither counted nor stopped."""
        for kind in _kinds_below(change_set.pair.kind):
            if "list" not in self._capabilities.of(kind.kind).operations:
                change_set.warn(
                    "KIA0611",
                    f"{change_set.pair.address} is deleted with all its {kind.collection}, which no guard counts: "
                    "the contract has no call to list them",
                    hint=f"declare the call under kinds.{kind.kind}.operations.list in {self._capabilities.origin}",
                )


def _contents(pair: ResourcePair, goes: Sequence[ResourcePair]) -> str:
    """What is deleted with `pair`, such as `4 fields, 1 batch`; empty when that is nothing. `goes`: the resources."""
    counts = Counter((child.kind.kind, child.kind.collection) for child in goes)
    if pair.kind.contents and pair.live is not None and (count := pair.live.extras.get(pair.kind.contents)):
        counts[pair.kind.contents.removesuffix("s"), pair.kind.contents] = count
    return ", ".join(f"{n} {one if n == 1 else many}" for (one, many), n in counts.items())


def _kinds_below(kind: type[Resource]) -> Iterator[type[Resource]]:
    for child in children_of(kind.kind):
        yield child
        yield from _kinds_below(child)


def _terminal(terminal: frozenset[str]) -> str:
    return " or ".join(sorted(terminal))


def _risk(pair: ResourcePair) -> Risk:
    holder = pair.parent if pair.kind.column else pair
    if holder is not None and holder.live is not None and holder.kind.contents:
        return Risk.DATA_LOSS if holder.live.extras.get(holder.kind.contents) else Risk.IRREVERSIBLE
    return Risk.IRREVERSIBLE

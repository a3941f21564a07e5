"""What is to go: things declared absent, what an exclusive list leaves out, what the ledger has and no manifest does.

    a batch:   stop (unless it is finished or stopped) ─► delete
    a base:    stop of each unfinished batch of ours ─► delete, which takes all that is in it along

A batch of the base that is neither declared nor in the ledger, and is not finished, blocks the base: it is not ours.
"""

from __future__ import annotations

from collections.abc import Collection

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.planner.change_set import Draft, Unit
from kiamo_iac.planner.matching import Pair, Pairing
from kiamo_iac.planner.plan import Action, Cause, Risk
from kiamo_iac.planner.run_state import close


class Removals:
    """Makes the units of everything that goes, and remembers which parents go."""

    def __init__(self, pairing: Pairing, capabilities: Capabilities, may_stop: Collection[Address]) -> None:
        self._capabilities = capabilities
        self._may_stop = may_stop
        self._children: dict[Pair, list[Pair]] = {}
        for pair in pairing.pairs:
            if pair.parent is not None:
                self._children.setdefault(pair.parent, []).append(pair)

    def absent(self, pair: Pair) -> Unit:
        """What takes a thing away that is declared absent."""
        unit = Unit(pair)
        if pair.live is None or (pair.parent is not None and pair.parent.unwanted):
            return unit  # not there, or gone with its parent
        source = pair.declaration.source_of("ensure")
        self._remove(unit, "declared with ensure: absent", cause=Cause.DECLARED, source=source)
        return unit

    def pruned(self, pair: Pair) -> Unit:
        """What takes a thing away that the ledger has and no manifest does."""
        unit = Unit(pair)
        kept = [p.address for p in [pair, *self._below(pair)] if p.owned is not None and p.owned.protect]
        if kept:
            unit.warn(
                "KIA0605",
                f"{pair.address} is no longer declared, and is kept: {' and '.join(kept)} is protected",
                hint="To let it go: declare it again with protect: false, apply, and then take the block out.",
            )
            return unit
        self._remove(unit, "in the ledger, and no longer declared", cause=Cause.PRUNE, source=None)
        return unit

    def undeclared(self, parent: Pair) -> list[Unit]:
        """What takes away everything that `parent`, being exclusive, does not declare."""
        desired = parent.desired
        if desired is None or not parent.wanted or not desired.lifecycle.exclusive:
            return []
        units = []
        former = self._former_names(parent)
        for pair in self._children.get(parent, []):
            collection = pair.kind.collection
            if pair.desired is not None or pair.live is None or collection not in desired.lifecycle.exclusive:
                continue
            if pair.kind.system is not None and pair.live.extras.get(pair.kind.system.flag):
                continue
            unit = Unit(pair)
            if (collection, identity(pair.live.name)) in former:
                unit.refuse(
                    "KIA0518",
                    f'"{pair.live.name}" stands in a renamed_from, and the new name exists too: it is not deleted',
                    detail=f"{parent.address} is exclusive in {collection}, so that what is not declared goes.",
                    hint=f'Take "{pair.live.name}" out of renamed_from, and it is deleted; or declare it.',
                    key="exclusive",
                )
            else:
                why = f"not declared, and {parent.address} is exclusive in {collection}"
                self._remove(unit, why, cause=Cause.EXCLUSIVE, source=desired.source_of("exclusive"))
            units.append(unit)
        return units

    def _former_names(self, parent: Pair) -> set[tuple[str, str]]:
        return {
            (child.kind.collection, old)
            for child in self._children.get(parent, [])
            if child.desired is not None
            for old in child.desired.lifecycle.renamed_from
        }

    def _remove(self, unit: Unit, why: str, *, cause: Cause, source: SourceRange | None) -> None:
        pair, live = unit.pair, unit.pair.now
        if self._refused(unit):
            return
        stops = self._stops_below(unit)
        if unit.refused:
            return
        machine, state = pair.kind.machine, live.run_state
        if machine is not None and state is not None:
            close(unit, state, why=f"it must be {_ends(machine.terminal)} to be deleted")
        along = self._goes_along(pair)
        delete = unit.add(
            Draft(
                Action.DELETE,
                pair,
                why + (f"; takes {along} with it" if along else ""),
                before={**live.attributes, **({"settings": dict(live.settings)} if live.settings else {})},
                risk=_risk(pair),
                source=source,
            )
        )
        for stop in stops:
            delete.needs.append(stop.drafts[-1])
            unit.drafts[:0] = stop.drafts
        for draft in unit.drafts:
            draft.cause = cause

    def _refused(self, unit: Unit) -> bool:
        """Refuse what nobody may delete."""
        pair = unit.pair
        system = pair.kind.system
        key = "ensure" if pair.desired is not None else "exclusive"
        if system is not None and pair.now.extras.get(system.flag):
            unit.refuse(
                "KIA0513",
                f'"{pair.now.name}" is a default {pair.kind.kind} and cannot be deleted',
                detail=f"The instance would answer {self._capabilities.meaning(system.delete)}.",
                hint="Take ensure: absent away.",
                key=key,
            )
        for kept in [pair, *self._below(pair)]:
            if kept.protected:
                unit.refuse(
                    "KIA0514",
                    f"{kept.address} is protected and cannot be deleted",
                    detail="protect outlives its block: the ledger remembers it from the last apply."
                    if kept.owned is not None and kept.owned.protect
                    else None,
                    hint="Declare it with protect: false, apply, and delete it in a change of its own.",
                    key=key,
                )
        return unit.refused

    def _below(self, pair: Pair) -> list[Pair]:
        found = []
        for child in self._children.get(pair, []):
            found += [child, *self._below(child)]
        return found

    def _stops_below(self, unit: Unit) -> list[Unit]:
        """The stops of unfinished things below that are ours to stop; others are a refusal."""
        stops: list[Unit] = []
        strangers: dict[str, list[str]] = {}
        for child in self._below(unit.pair):
            machine, state = child.kind.machine, child.live.run_state if child.live else None
            if machine is None or state is None or state in machine.terminal:
                continue
            if child.desired is None and not child.ours and child.address not in self._may_stop:
                strangers.setdefault(machine.holds_parent, []).append(f'"{child.address.name}" ({state})')
                continue
            stop = Unit(child)
            close(stop, state, why=f"{unit.pair.address} is deleted, and it must be closed first")
            stops.append(stop)
        for code, names in strangers.items():
            unit.refuse(
                "KIA0515",
                f"{unit.pair.address} holds what is not finished and not declared: {', '.join(names)}",
                detail=f"The instance would answer {self._capabilities.meaning(code)}.",
                hint="Declare them below it, or name them with --allow-stop: this plan stops them then.",
                key="ensure",
            )
        return stops

    def _goes_along(self, pair: Pair) -> str:
        """What a delete of `pair` takes along, in words."""
        counts: dict[tuple[str, str], int] = {}
        for child in self._below(pair):
            if child.live is not None:
                key = child.kind.kind, child.kind.collection
                counts[key] = counts.get(key, 0) + 1
        if pair.kind.contents and pair.live is not None and (held := pair.live.extras.get(pair.kind.contents)):
            counts[pair.kind.contents.removesuffix("s"), pair.kind.contents] = held
        return ", ".join(f"{n} {one if n == 1 else many}" for (one, many), n in counts.items())


def _ends(terminal: frozenset[str]) -> str:
    return " or ".join(sorted(terminal))


def _risk(pair: Pair) -> Risk:
    holder = pair.parent if pair.kind.column else pair
    if holder is not None and holder.live is not None and holder.kind.contents:
        return Risk.DATA_LOSS if holder.live.extras.get(holder.kind.contents) else Risk.IRREVERSIBLE
    return Risk.IRREVERSIBLE

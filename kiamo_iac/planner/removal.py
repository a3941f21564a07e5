"""What is to go: things declared absent, and what an exclusive list leaves out.

    a batch:   stop (unless it is finished or stopped) ─► delete
    a base:    stop of each declared unfinished batch ─► delete, which takes all that is in it along

A batch of the base that is not declared, and is not finished, blocks the base: nobody here may stop it.
"""

from __future__ import annotations

from kiamo_iac.address import identity
from kiamo_iac.diagnostics import SourceRange
from kiamo_iac.planner.commands import close
from kiamo_iac.planner.draft import Draft, Unit
from kiamo_iac.planner.matching import Pair, Pairing
from kiamo_iac.planner.plan import Action, Risk
from kiamo_iac.resources.capabilities import Capabilities


class Removals:
    """Makes the units of everything that goes, and remembers which parents go."""

    def __init__(self, pairing: Pairing, capabilities: Capabilities) -> None:
        self._capabilities = capabilities
        self._children: dict[Pair, list[Pair]] = {}
        for pair in pairing.pairs:
            if pair.parent is not None:
                self._children.setdefault(pair.parent, []).append(pair)

    def absent(self, pair: Pair) -> Unit:
        """What takes a thing away that is declared absent."""
        unit = Unit(pair)
        if pair.live is None or (pair.parent is not None and pair.parent.unwanted):
            return unit  # not there, or gone with its parent
        self._remove(unit, "declared with ensure: absent", source=pair.declaration.source_of("ensure"))
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
                self._remove(unit, why, source=desired.source_of("exclusive"))
            units.append(unit)
        return units

    def _former_names(self, parent: Pair) -> set[tuple[str, str]]:
        return {
            (child.kind.collection, old)
            for child in self._children.get(parent, [])
            if child.desired is not None
            for old in child.desired.lifecycle.renamed_from
        }

    def _remove(self, unit: Unit, why: str, *, source: SourceRange | None) -> None:
        pair, live = unit.pair, unit.pair.now
        if self._refused(unit):
            return
        stops = self._stops_below(unit)
        if unit.refusals:
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

    def _refused(self, unit: Unit) -> bool:
        """Refuse what nobody may delete."""
        pair = unit.pair
        system = pair.kind.system
        if system is not None and pair.now.extras.get(system.flag):
            unit.refuse(
                "KIA0513",
                f'"{pair.now.name}" is a default {pair.kind.kind} and cannot be deleted',
                detail=f"The instance would answer {self._capabilities.meaning(system.delete)}.",
                hint="Take ensure: absent away.",
                key="ensure",
            )
        for kept in [pair, *self._below(pair)]:
            if kept.desired is not None and kept.desired.lifecycle.protect:
                unit.refuse(
                    "KIA0514",
                    f"{kept.address} is protected and cannot be deleted",
                    hint="Take protect: true away first, in a change of its own.",
                    key="ensure",
                )
        return bool(unit.refusals)

    def _below(self, pair: Pair) -> list[Pair]:
        found = []
        for child in self._children.get(pair, []):
            found += [child, *self._below(child)]
        return found

    def _stops_below(self, unit: Unit) -> list[Unit]:
        """The stops of declared unfinished things below; those nobody declared are a refusal."""
        stops: list[Unit] = []
        strangers: dict[str, list[str]] = {}
        for child in self._below(unit.pair):
            machine, state = child.kind.machine, child.live.run_state if child.live else None
            if machine is None or state is None or state in machine.terminal:
                continue
            if child.desired is None:
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
                hint="Declare them below it, so that this plan stops them, or close them on the instance.",
                key="ensure",
            )
        return stops

    def _goes_along(self, pair: Pair) -> str:
        """What a delete of `pair` takes along, in words."""
        counts: dict[str, int] = {}
        for child in self._below(pair):
            if child.live is not None:
                counts[child.kind.collection] = counts.get(child.kind.collection, 0) + 1
        if pair.kind.contents and pair.live is not None and (contents := pair.live.extras.get(pair.kind.contents)):
            counts[pair.kind.contents] = contents
        return ", ".join(f"{n} {what}" for what, n in counts.items())


def _ends(terminal: frozenset[str]) -> str:
    return " or ".join(sorted(terminal))


def _risk(pair: Pair) -> Risk:
    holder = pair.parent if pair.kind.column else pair
    if holder is not None and holder.live is not None and holder.kind.contents:
        return Risk.DATA_LOSS if holder.live.extras.get(holder.kind.contents) else Risk.IRREVERSIBLE
    return Risk.IRREVERSIBLE

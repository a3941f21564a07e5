"""Renames in one collection: those that `renamed_from` declares, and those that undo a rename on the instance.

A cycle of names (a swap) looks the same before and after. The ledger decides whether it is done: yes, if its former
names were declared at the last apply. Without a ledger, the assignment with fewer differences is chosen.
A cycle is broken by a temporary name.

Renames that an interrupted run has begun are planned as if it had renamed nothing: the ledger has the ids of what was
to be renamed, and the names from before. So they are ended, or taken back, whatever the manifests say now. Without a
ledger, a temporary name on the instance shows how far that run came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import permutations
from typing import Final, NamedTuple

from kiamo_iac.core.address import identity
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.resource import TEMPORARY, Ensure, temporary_names
from kiamo_iac.core.state import Owned, RemoteId, ResourceState, State
from kiamo_iac.core.strict_json import same
from kiamo_iac.resources import children_of

_CREATED: Final = 100
"""Differences that a child counts as which would be created or deleted."""
_FEW: Final = 4
"""Names that are tried in every order."""


class Before(NamedTuple):
    """The objects and the entries of a collection, by the names from before the renames that a run has begun and not
    ended; by their own names where that is not possible."""

    live: dict[str, ResourceState]
    owned: dict[str, Owned]
    refused: tuple[Diagnostic, ...] = ()
    """Another object has taken one of these names, and the renames are not all done: each object would pass for
    another one."""


def before_renames(live: dict[str, ResourceState], owned: dict[str, Owned]) -> Before:
    """Go back to before the renames that a run has begun and not ended."""
    by_id = {i.remote_id: name for name, i in live.items()}
    twice = Counter(entry.remote_id for entry in owned.values())
    owned = {  # of an entry that was being moved when the run was killed, the one at the name that it has now
        name: entry
        for name, entry in owned.items()
        if entry.remote_id is None or twice[entry.remote_id] == 1 or by_id.get(entry.remote_id) == name
    }
    started = {
        name: entry.renamed_from[0]
        for name, entry in owned.items()
        if entry.renaming_to is not None and entry.renamed_from and entry.remote_id is not None
    }
    moved = {by_id[owned[name].remote_id]: old for name, old in started.items() if owned[name].remote_id in by_id}
    objects = {moved.get(name, name): i for name, i in live.items()}
    entries = {started.get(name, name): entry for name, entry in owned.items()}
    if len(objects) == len(live) and len(entries) == len(owned):
        return Before(objects, entries)
    is_done = all(by_id.get(owned[name].remote_id) in {None, owned[name].renaming_to} for name in started)
    taken = [] if is_done else sorted(live.keys() & set(moved.values()) - moved.keys())
    return Before(live, owned, tuple(_taken(live[name], moved) for name in taken))


class CollectionRenames:
    """The renames in one collection of one parent. Names are in NFC."""

    def __init__(
        self,
        desired: list[ResourceState],
        live: dict[str, ResourceState],
        owned: dict[str, Owned],
        all_desired: State,
        all_live: State,
    ) -> None:
        """`live` and `owned`: of this collection, by name."""
        self.diagnostics: list[Diagnostic] = []
        self._desired = desired
        self._live = live
        self._owned = owned
        self._all_desired, self._all_live = all_desired, all_live
        self._declared: dict[str, ResourceState] = {}
        self._former: dict[str, list[str]] = {}
        self._renames: dict[str, str] = {}

    def find(self) -> dict[str, str]:
        """New name → live name, of everything that is renamed."""
        if not (self._owned or self._may_be_interrupted() or any(d.lifecycle.renamed_from for d in self._desired)):
            return {}
        self._declared = {identity(d.name): d for d in self._desired if d.lifecycle.ensure is Ensure.PRESENT}
        settled = self._resume() if not self._owned else ()
        for name, d in self._declared.items():
            if name in settled:
                continue
            self._former[name] = [
                s for o in d.lifecycle.renamed_from if o != name and (s := self._live_name(o)) is not None
            ]
        for cycle in _cycles({name: o[0] for name, o in self._former.items() if o and name in self._live}):
            if self._is_pending(cycle):
                self._renames |= cycle
        self._add_declared()
        if self._owned:
            self._compare_with_ledger()
        for name, former in sorted(self._former.items()):
            if name in self._live and name not in self._renames and any(o not in self._declared for o in former):
                self.diagnostics.append(_both_exist(self._declared[name], former))
        return self._renames

    def _live_name(self, old: str) -> str | None:
        """The live name of the resource that was called `old`: that name, or a temporary one."""
        if old in self._declared:
            for temporary in temporary_names(old):
                if (
                    temporary in self._live
                    and temporary not in self._declared
                    and self._has_temporary_name(old, temporary)
                ):
                    return temporary
        return old if old in self._live else None

    def _has_temporary_name(self, old: str, temporary: str) -> bool:
        """Whether the object called `temporary` is the one that was called `old`, as far as the ledger shows."""
        there, entry, held = self._live.get(old), self._owned.get(old), self._owned.get(temporary)
        if there is None:
            return True
        if held is not None and held.remote_id == self._live[temporary].remote_id and old in held.renamed_from:
            return True  # an interrupted run recorded this temporary name
        if entry is None:
            return False
        return entry.remote_id == self._live[temporary].remote_id or (
            entry.remote_id == there.remote_id and bool(entry.renamed_from)
        )

    # --- a run that was interrupted, without a ledger -----------------------------------------------------------------

    def _may_be_interrupted(self) -> bool:
        """Whether a live name looks like a temporary one; nearly always not."""
        return any(name.endswith(TEMPORARY) for name in self._live)

    def _resume(self) -> set[str]:
        """End the cycles of renames that an interrupted run has begun, or take those back that are no longer declared;
        the declared names that need no further look. One object of a cycle has a temporary name, one name is free."""
        settled: set[str] = set()
        for temporary in sorted(self._live.keys() - self._declared.keys()):
            old = self._stands_for(temporary)
            if old is None:
                continue
            cycle = self._declared_cycle(old)
            free = [name for name in cycle if name not in self._live]
            if len(free) == 1:
                names = list(cycle)
                # Renamed so far: from `old` on, up to the name that is free.
                for name in names[names.index(free[0]) :]:
                    self._renames[name] = temporary if cycle[name] == old else cycle[name]
                settled |= cycle.keys()
            elif not cycle and (back := self._way_back(old, temporary)):
                self._renames |= back
                settled |= back.keys()
                self.diagnostics.append(_taken_back(self._declared[old], temporary, back))
        return settled

    def _stands_for(self, temporary: str) -> str | None:
        """The declared name that `temporary` is a temporary name of; None: it is of none."""
        if not temporary.endswith(TEMPORARY):
            return None
        return next((name for name in sorted(self._declared) if temporary in temporary_names(name)), None)

    def _declared_cycle(self, old: str) -> dict[str, str]:
        """Name → former name, of the cycle of declared renames that `old` is in, from `old` on; empty if in none."""
        cycle: dict[str, str] = {}
        name = old
        while name not in cycle:
            former = [o for o in self._declared[name].lifecycle.renamed_from if o != name and o in self._declared]
            if not former:
                return {}
            cycle[name] = name = former[0]
        return cycle if name == old else {}

    def _way_back(self, old: str, temporary: str) -> dict[str, str]:
        """The renames that take an interrupted cycle back, which is no longer declared; empty if it was none.

        The object with the temporary name was called `old`, and was not changed since: it is as `old` is declared. What
        has that name now had another one, and so on up to the name that is free; of all ways, the one that leaves the
        fewest differences.
        """
        if self._difference(old, temporary):
            return {}
        if old not in self._live:
            return {old: temporary}
        free = [name for name, d in self._declared.items() if name not in self._live and not d.lifecycle.renamed_from]
        if not self._difference(old, old):  # the objects are alike: whichever takes the free name
            return next(({name: temporary} for name in free if not self._difference(name, temporary)), {})
        others = [
            name
            for name, d in self._declared.items()
            if name != old and name in self._live and not d.lifecycle.renamed_from and self._difference(name, name)
        ]
        ways = [
            dict(zip((*between, end), (old, *between), strict=True))
            for end in free[:_FEW]
            for count in range(min(len(others), _FEW) + 1)
            for between in permutations(others[:_FEW], count)
        ]
        fitting = [way for way in ways if all(self._difference(*pair) < _CREATED for pair in way.items())]
        if not fitting:
            return {}
        best = min(
            fitting, key=lambda way: (sum(self._difference(n, way.get(n, n)) for n in {*others, *way}), len(way))
        )
        return {old: temporary, **best}

    def _difference(self, name: str, live_name: str) -> int:
        return self._differences(self._declared[name], self._live[live_name])

    # --- declared renames --------------------------------------------------------------------------------------------

    def _add_declared(self) -> None:
        queue = [name for name, former in sorted(self._former.items()) if former and name not in self._live]
        while queue:
            name = queue.pop(0)
            old = self._only_candidate(name)
            if old is None:
                continue
            needed = old in self._declared and old not in self._renames
            if old in self._renames.values() or (needed and not self._former.get(old)):
                self.diagnostics.append(_ambiguous(self._declared[name], old))
                continue
            self._renames[name] = old
            if needed:
                queue.append(old)

    def _only_candidate(self, name: str) -> str | None:
        candidates = self._former[name]
        if len(candidates) == 1:
            return candidates[0]
        listed = " and ".join(f'"{c}"' for c in candidates)
        self.diagnostics.append(
            Diagnostic(
                "KIA0517",
                f'several former names of "{name}" exist: {listed}',
                detail="Only one of them can be renamed.",
                hint="keep only one of them in renamed_from",
                address=self._declared[name].address,
                source=self._declared[name].source_of("renamed_from"),
            )
        )
        return None

    def _is_pending(self, cycle: dict[str, str]) -> bool:
        """Whether the renames of a cycle are still to be done."""
        entries = {name: self._owned.get(name) for name in cycle}
        ids = {name: entry.remote_id for name, entry in entries.items() if entry and entry.remote_id is not None}
        if ids.keys() == cycle.keys():
            done = {cycle[name] in entry.renamed_from for name, entry in entries.items() if entry is not None}
            unchanged = all(self._live[name].remote_id == ids[name] for name in cycle)
            swapped = all(self._live[name].remote_id == ids[old] for name, old in cycle.items())
            if len(done) == 1 and unchanged != swapped:
                return done.pop() == swapped  # done and then undone on the instance, or never done
        return self._distance((n, n) for n in cycle) > self._distance(cycle.items())

    def _distance(self, assignment: Iterable[tuple[str, str]]) -> int:
        """The number of differences if each new name is given to the object with the old one; a child to be created or
        deleted counts as many."""
        return sum(self._differences(self._declared[new], self._live[old]) for new, old in assignment)

    def _differences(self, desired: ResourceState, live: ResourceState) -> int:
        differing = sum(
            not same(value, live.attributes.get(key))
            for key, value in desired.attributes.items()
            if key not in {"name", "state"}
        )
        for kind in children_of(desired.kind.kind):
            there = {identity(i.name): i for i in self._all_live.within(live.address, kind.collection)}
            for child in self._all_desired.within(desired.address, kind.collection):
                found = there.get(identity(child.name))
                present = child.lifecycle.ensure is Ensure.PRESENT
                differing += _CREATED if (found is None) == present else 0
                if found is not None and present:
                    differing += self._differences(child, found)
        return differing

    # --- renames since the last apply --------------------------------------------------------------------------------

    def _compare_with_ledger(self) -> None:
        by_id = {i.remote_id: name for name, i in self._live.items()}
        for d in self._desired:
            name = identity(d.name)
            entry = self._owned.get(name)
            if entry is None or entry.remote_id is None or name in self._renames or not d.lifecycle.managed:
                continue
            there, live_name = self._live.get(name), by_id.get(entry.remote_id)
            if there is None and live_name is None:
                if name in self._declared:
                    self.diagnostics.append(_deleted(d))
            elif there is None and live_name is not None:
                self._rename_back(d, name, live_name)
            elif there is None or there.remote_id == entry.remote_id or self._is_unrecorded_rename(d, there.remote_id):
                continue
            elif not self._is_renamed_to(name, live_name):
                self.diagnostics.append(_recreated(d, name, entry.remote_id, there.remote_id, live_name=live_name))
        self._check_sources(by_id)

    def _check_sources(self, by_id: dict[RemoteId | None, str]) -> None:
        """Refuse a rename of another object than the ledger has under that name."""
        known = {self._owned[n].remote_id for rename in self._renames.items() for n in rename if n in self._owned}
        for name, old in sorted(self._renames.items()):
            entry, there = self._owned.get(old), self._live[old]
            if entry is not None and entry.remote_id is not None and there.remote_id not in known:
                live_name = by_id.get(entry.remote_id)
                d = self._declared[name]
                self.diagnostics.append(_recreated(d, old, entry.remote_id, there.remote_id, live_name=live_name))

    def _is_unrecorded_rename(self, d: ResourceState, remote_id: RemoteId | None) -> bool:
        """Whether the ledger has this id under a former name of `d`: a rename that was not recorded."""
        entries = [self._owned.get(old) for old in d.lifecycle.renamed_from]
        return any(entry is not None and entry.remote_id == remote_id for entry in entries)

    def _is_renamed_to(self, name: str, live_name: str | None) -> bool:
        """Whether the declaration of `live_name` lists `name` in `renamed_from`."""
        successor = self._declared.get(live_name or "")
        return successor is not None and name in successor.lifecycle.renamed_from

    def _rename_back(self, d: ResourceState, name: str, live_name: str) -> None:
        is_taken = live_name in self._declared or live_name in self._renames.values()
        if name not in self._declared or is_taken:
            moved = any(name in w.lifecycle.renamed_from for w in self._declared.values())
            if not moved and (name in self._declared or not is_taken):
                self.diagnostics.append(_renamed_and_declared(d, live_name, wanted=name in self._declared))
            return
        self._renames[name] = live_name
        self.diagnostics.append(
            Diagnostic(
                "KIA0602",
                f'"{name}" was renamed to "{live_name}" on the instance since the last apply; will be renamed back',
                severity=Severity.WARNING,
                hint=f'to keep the new name, declare name: "{live_name}" with renamed_from: ["{name}"]',
                address=d.address,
                source=d.source_of("name"),
            )
        )


def _cycles(claims: dict[str, str]) -> list[dict[str, str]]:
    """The cycles of `name → former name` in which every name is live and declared: swaps, and longer ones."""
    cycles: list[dict[str, str]] = []
    seen: set[str] = set()
    for start in sorted(claims):
        walk: dict[str, str] = {}
        name = start
        while name in claims and name not in walk and name not in seen:
            walk[name] = claims[name]
            name = claims[name]
        if walk and name == start:
            cycles.append(walk)
        seen |= walk.keys() if name == start else {start}
    return cycles


# --- diagnostics -----------------------------------------------------------------------------------------------------


def _taken(there: ResourceState, moved: dict[str, str]) -> Diagnostic:
    begun = ", ".join(f'"{old}" to "{new}"' for new, old in sorted(moved.items()) if new != old)
    return Diagnostic(
        "KIA0520",
        f'"{there.name}" is another object (id {there.remote_id}): renames that a run has begun cannot be ended',
        detail=f"They were interrupted, and it was created or renamed meanwhile. Done so far: {begun}.",
        hint=f'rename "{there.name}" in Kiamo, and run plan again',
        address=there.address,
    )


def _ambiguous(desired: ResourceState, old: str) -> Diagnostic:
    return Diagnostic(
        "KIA0517",
        f'"{old}" cannot be renamed to "{desired.name}": another declaration uses it too',
        detail="There is one object for two declarations.",
        hint=f'remove "{old}" from renamed_from of one of them, which is then created',
        address=desired.address,
        source=desired.source_of("renamed_from"),
    )


def _taken_back(desired: ResourceState, temporary: str, renames: dict[str, str]) -> Diagnostic:
    listed = ", ".join(f'"{old}" to "{name}"' for name, old in sorted(renames.items()))
    return Diagnostic(
        "KIA0623",
        f'"{temporary}" was left by an interrupted run that exchanged names; will be renamed back: {listed}',
        severity=Severity.WARNING,
        detail="There is no ledger: the objects are recognised by what they hold.",
        hint=f'if "{temporary}" is another object, rename it on the instance',
        address=desired.address,
        source=desired.source_of("name"),
    )


def _both_exist(desired: ResourceState, former: list[str]) -> Diagnostic:
    listed = " and ".join(f'"{o}"' for o in former)
    return Diagnostic(
        "KIA0601",
        f'"{desired.name}" and its former name {listed} both exist: nothing is renamed',
        severity=Severity.WARNING,
        hint="remove renamed_from when the rename is done in every environment",
        address=desired.address,
        source=desired.source_of("renamed_from"),
    )


def _deleted(desired: ResourceState) -> Diagnostic:
    return Diagnostic(
        "KIA0603",
        f'"{desired.name}" was deleted outside kiamo-iac; will be recreated',
        severity=Severity.WARNING,
        hint="to keep it deleted, remove its block or set ensure: absent",
        address=desired.address,
        source=desired.source,
    )


def _recreated(
    desired: ResourceState, name: str, known: RemoteId, there: RemoteId | None, *, live_name: str | None
) -> Diagnostic:
    elsewhere = f' The managed object is now called "{live_name}".' if live_name is not None else ""
    return Diagnostic(
        "KIA0520",
        f'"{name}" was recreated outside kiamo-iac (id {there}, in the ledger {known})',
        detail=f"Its content may be another, so nothing is changed.{elsewhere}",
        hint=f"check it on the instance; to manage it: kiamo-iac adopt {shell_word(desired.address, 'ADDRESS')}",
        address=desired.address,
        source=desired.source_of("name"),
    )


def _renamed_and_declared(desired: ResourceState, live_name: str, *, wanted: bool) -> Diagnostic:
    if wanted:
        return Diagnostic(
            "KIA0517",
            f'"{desired.name}" was renamed to "{live_name}" on the instance, and both names are declared',
            detail="There is one object for two declarations.",
            hint=f'set renamed_from: ["{desired.name}"] on "{live_name}" and remove the block of "{desired.name}", '
            "or forget the old one: kiamo-iac ledger forget",
            address=desired.address,
            source=desired.source_of("name"),
        )
    return Diagnostic(
        "KIA0604",
        f'"{desired.name}" was renamed to "{live_name}" on the instance; it is not deleted under that name',
        severity=Severity.WARNING,
        hint=f'to delete it, declare "{live_name}" with ensure: absent',
        address=desired.address,
        source=desired.source_of("ensure"),
    )

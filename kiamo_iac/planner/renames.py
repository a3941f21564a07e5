"""What is to be renamed in one collection: because manifests say so, or because somebody renamed it on the instance.

Names that go round in a circle (swaps) look the same before and after. The ledger says which it is: a former name that
was declared at the last apply is done. Without a ledger their likeness decides: the way with less to change.
A circle is opened by a name of the moment; whoever finds one left over finishes what an interrupted run began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kiamo_iac.core.address import identity
from kiamo_iac.core.command_line import word
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.ownership import Owned
from kiamo_iac.core.resource import LONGEST_NAME, Ensure
from kiamo_iac.core.state import Instance, RemoteId, State
from kiamo_iac.core.strict_json import same
from kiamo_iac.resources import children_of


def names_of_the_moment(old: str) -> Iterator[str]:
    """Names that a thing called `old` may take while its own is taken by another, the preferred one first."""
    for suffix in ("-tmp", "_tmp", "tmp", "-tmp2", "-tmp3", "-tmp4"):
        yield old[: LONGEST_NAME - len(suffix)] + suffix


class Level:
    """One collection below one parent. Names are in NFC."""

    def __init__(
        self,
        desired: list[Instance],
        live: dict[str, Instance],
        owned: dict[str, Owned],
        all_desired: State,
        all_live: State,
    ) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._desired = desired
        self._live = live
        self._owned = owned
        self._all_desired, self._all_live = all_desired, all_live
        self._wanted: dict[str, Instance] = {}
        self._olds: dict[str, list[str]] = {}
        self._result: dict[str, str] = {}

    def moves(self) -> dict[str, str]:
        """New name → old name, of everything that is to be renamed."""
        if not self._owned and not any(d.lifecycle.renamed_from for d in self._desired):
            return {}
        self._wanted = {identity(d.name): d for d in self._desired if d.lifecycle.ensure is Ensure.PRESENT}
        for name, d in self._wanted.items():
            self._olds[name] = [
                s for o in d.lifecycle.renamed_from if o != name and (s := self._stands_as(o)) is not None
            ]
        for circle in _circles({name: o[0] for name, o in self._olds.items() if o and name in self._live}):
            if self._goes_round(circle):
                self._result |= circle
        self._declared()
        if self._owned:
            self._remembered()
        for name, olds in sorted(self._olds.items()):
            if name in self._live and name not in self._result and any(o not in self._wanted for o in olds):
                self.diagnostics.append(_both_exist(self._wanted[name], olds))
        return self._result

    def _stands_as(self, old: str) -> str | None:
        """The live name of what was called `old`: that name, or the name of the moment that it was given."""
        if old in self._wanted:
            for moment in names_of_the_moment(old):
                if moment in self._live and moment not in self._wanted and self._gave_way(old, moment):
                    return moment
        return old if old in self._live else None

    def _gave_way(self, old: str, moment: str) -> bool:
        """Whether the thing called `moment` is the one that was called `old`, as far as can be known."""
        there, entry, held = self._live.get(old), self._owned.get(old), self._owned.get(moment)
        if there is None:
            return True
        if held is not None and held.remote_id == self._live[moment].remote_id and old in held.renamed_from:
            return True  # the ledger has it under that very name: an interrupted run gave it that
        if entry is None:
            return False
        return entry.remote_id == self._live[moment].remote_id or (
            entry.remote_id == there.remote_id and bool(entry.renamed_from)
        )

    # --- what manifests say ------------------------------------------------------------------------------------------

    def _declared(self) -> None:
        queue = [name for name, olds in sorted(self._olds.items()) if olds and name not in self._live]
        while queue:
            name = queue.pop(0)
            old = self._only_one(name)
            if old is None:
                continue
            needed = old in self._wanted and old not in self._result
            if old in self._result.values() or (needed and not self._olds[old]):
                self.diagnostics.append(_ambiguous(self._wanted[name], old))
                continue
            self._result[name] = old
            if needed:
                queue.append(old)

    def _only_one(self, name: str) -> str | None:
        candidates = self._olds[name]
        if len(candidates) == 1:
            return candidates[0]
        listed = " and ".join(f'"{c}"' for c in candidates)
        self.diagnostics.append(
            Diagnostic(
                "KIA0517",
                f'"{name}" has several former names that exist: {listed}',
                detail="Only one of them can be renamed, and nothing says which.",
                hint="Keep in renamed_from only the name of the thing that is meant.",
                address=self._wanted[name].address,
                source=self._wanted[name].source_of("renamed_from"),
            )
        )
        return None

    def _goes_round(self, circle: dict[str, str]) -> bool:
        """Whether a circle of names is still to be gone round."""
        entries = {name: self._owned.get(name) for name in circle}
        ids = {name: entry.remote_id for name, entry in entries.items() if entry and entry.remote_id is not None}
        if ids.keys() == circle.keys():
            done = {circle[name] in entry.renamed_from for name, entry in entries.items() if entry is not None}
            at_home = all(self._live[name].remote_id == ids[name] for name in circle)
            crossed = all(self._live[name].remote_id == ids[old] for name, old in circle.items())
            if len(done) == 1 and at_home != crossed:
                return done.pop() == crossed  # done before and crossed by somebody since, or neither
        return self._distance((n, n) for n in circle) > self._distance(circle.items())

    def _distance(self, assignment: Iterable[tuple[str, str]]) -> int:
        """How much would have to change were each new name taken by the thing of the old one."""
        return sum(self._unlike(self._wanted[new], self._live[old]) for new, old in assignment)

    def _unlike(self, desired: Instance, live: Instance) -> int:
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
                differing += (found is None) == present
                if found is not None and present:
                    differing += self._unlike(child, found)
        return differing

    # --- what the ledger remembers -----------------------------------------------------------------------------------

    def _remembered(self) -> None:
        by_id = {i.remote_id: name for name, i in self._live.items()}
        for d in self._desired:
            name = identity(d.name)
            entry = self._owned.get(name)
            if entry is None or entry.remote_id is None or name in self._result or not d.lifecycle.managed:
                continue
            there, lives_as = self._live.get(name), by_id.get(entry.remote_id)
            if there is None and lives_as is None:
                if name in self._wanted:
                    self.diagnostics.append(_gone(d))
            elif there is None and lives_as is not None:
                self._renamed_by_hand(d, name, lives_as)
            elif there is None or there.remote_id == entry.remote_id or self._came_from(d, there.remote_id):
                continue
            elif not self._went_to(name, lives_as):
                self.diagnostics.append(_made_anew(d, name, entry.remote_id, there.remote_id, lives_as=lives_as))
        self._sources(by_id)

    def _sources(self, by_id: dict[RemoteId | None, str]) -> None:
        """What is about to be renamed must still be what the ledger has under its name."""
        known = {self._owned[n].remote_id for move in self._result.items() for n in move if n in self._owned}
        for name, old in sorted(self._result.items()):
            entry, there = self._owned.get(old), self._live[old]
            if entry is not None and entry.remote_id is not None and there.remote_id not in known:
                lives_as = by_id.get(entry.remote_id)
                d = self._wanted[name]
                self.diagnostics.append(_made_anew(d, old, entry.remote_id, there.remote_id, lives_as=lives_as))

    def _came_from(self, d: Instance, remote_id: RemoteId | None) -> bool:
        """Whether the thing under d's name is the one of a former name: a rename done whose record was lost."""
        entries = [self._owned.get(old) for old in d.lifecycle.renamed_from]
        return any(entry is not None and entry.remote_id == remote_id for entry in entries)

    def _went_to(self, name: str, lives_as: str | None) -> bool:
        """Whether what was called `name` bears a name now that is declared to have come from it."""
        heir = self._wanted.get(lives_as or "")
        return heir is not None and name in heir.lifecycle.renamed_from

    def _renamed_by_hand(self, d: Instance, name: str, lives_as: str) -> None:
        spoken_for = lives_as in self._wanted or lives_as in self._result.values()
        if name not in self._wanted or spoken_for:
            moved = any(name in w.lifecycle.renamed_from for w in self._wanted.values())
            if not moved and (name in self._wanted or not spoken_for):
                self.diagnostics.append(_renamed_and_wanted(d, lives_as, wanted=name in self._wanted))
            return
        self._result[name] = lives_as
        self.diagnostics.append(
            Diagnostic(
                "KIA0602",
                f'"{name}" was renamed to "{lives_as}" on the instance since the last apply; it gets its name back',
                severity=Severity.WARNING,
                hint=f'To keep the new name, declare name: "{lives_as}" with renamed_from: ["{name}"].',
                address=d.address,
                source=d.source_of("name"),
            )
        )


def _circles(claims: dict[str, str]) -> list[dict[str, str]]:
    """The closed circles of `name → former name` in which every name is live and declared: swaps, and longer ones."""
    circles: list[dict[str, str]] = []
    seen: set[str] = set()
    for start in sorted(claims):
        walk: dict[str, str] = {}
        name = start
        while name in claims and name not in walk and name not in seen:
            walk[name] = claims[name]
            name = claims[name]
        if walk and name == start:
            circles.append(walk)
        seen |= walk.keys() if name == start else {start}
    return circles


# --- what is said ----------------------------------------------------------------------------------------------------


def _ambiguous(desired: Instance, old: str) -> Diagnostic:
    return Diagnostic(
        "KIA0517",
        f'"{old}" is to become "{desired.name}", but another declaration needs "{old}" too',
        detail=f'On the instance there is one "{old}", and nothing says which of the two declarations it belongs to.',
        hint=f'Remove "{old}" from renamed_from of one of them; what is then not there is created.',
        address=desired.address,
        source=desired.source_of("renamed_from"),
    )


def _both_exist(desired: Instance, olds: list[str]) -> Diagnostic:
    listed = " and ".join(f'"{o}"' for o in olds)
    return Diagnostic(
        "KIA0601",
        f'"{desired.name}" and its former name {listed} both exist: nothing is renamed',
        severity=Severity.WARNING,
        hint="Remove renamed_from once the rename is done everywhere.",
        address=desired.address,
        source=desired.source_of("renamed_from"),
    )


def _gone(desired: Instance) -> Diagnostic:
    return Diagnostic(
        "KIA0603",
        f'"{desired.name}" was there at the last apply and is gone: somebody deleted it, and it is made anew',
        severity=Severity.WARNING,
        hint="If it is to stay away, take its block out, or say ensure: absent.",
        address=desired.address,
        source=desired.source,
    )


def _made_anew(
    desired: Instance, name: str, known: RemoteId, there: RemoteId | None, *, lives_as: str | None
) -> Diagnostic:
    elsewhere = f' The one that was ours lives as "{lives_as}" now.' if lives_as is not None else ""
    return Diagnostic(
        "KIA0520",
        f'"{name}" is another thing than at the last apply: somebody made it anew (id {there}, not {known})',
        detail=f"What is in it is not known, so nothing is changed.{elsewhere}",
        hint=f"Look at it on the instance. To take it over: kiamo-iac adopt {word(desired.address, 'ADDRESS')}",
        address=desired.address,
        source=desired.source_of("name"),
    )


def _renamed_and_wanted(desired: Instance, lives_as: str, *, wanted: bool) -> Diagnostic:
    if wanted:
        return Diagnostic(
            "KIA0517",
            f'"{desired.name}" was renamed to "{lives_as}" on the instance, and both names are declared',
            detail="There is one thing for two declarations, and nothing says which of them it belongs to.",
            hint=f'Say renamed_from: ["{desired.name}"] on "{lives_as}" and take the block of "{desired.name}" out, '
            "or forget the old one: kiamo-iac ledger forget.",
            address=desired.address,
            source=desired.source_of("name"),
        )
    return Diagnostic(
        "KIA0604",
        f'"{desired.name}" was renamed to "{lives_as}" on the instance: under that name it is not deleted',
        severity=Severity.WARNING,
        hint=f'To delete it, declare "{lives_as}" with ensure: absent.',
        address=desired.address,
        source=desired.source_of("ensure"),
    )

"""What must be done before what: draws the edges between the actions, and refuses what they forbid.

way up      create parent ─► create child           create, rename target ─► write a reference to it
            create every field of a base ─► create, start a batch of it
way down    stop, delete, re-point whoever refers ─► delete target
names       rename what bears a name            ─► create or rename what takes it
            (a circle is opened: one of it takes a name of its own for a moment)
"""

from __future__ import annotations

from collections import defaultdict

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import SuggestionBudget
from kiamo_iac.core.linear_pattern import linear_pattern
from kiamo_iac.core.resource import Reference, Scope
from kiamo_iac.planner.change_set import Draft, Unit
from kiamo_iac.planner.matching import Pair, Pairing
from kiamo_iac.planner.plan import Action
from kiamo_iac.planner.references import References
from kiamo_iac.planner.renames import names_of_the_moment
from kiamo_iac.resources import kinds

_WRITES = (Action.CREATE, Action.UPDATE)


class Links:
    """Draws the edges of one plan."""

    def __init__(self, units: list[Unit], pairing: Pairing, references: References, capabilities: Capabilities) -> None:
        self._units = units
        self._pairing = pairing
        self._references = references
        self._capabilities = capabilities
        self._guesses = SuggestionBudget()
        self._of: dict[Pair, Unit] = {}
        self._creates: dict[tuple[Pair | None, str], list[Draft]] = defaultdict(list)
        for unit in units:
            self._of.setdefault(unit.pair, unit)
            for draft in unit.drafts:
                if draft.pair is not unit.pair:
                    self._of[draft.pair] = unit  # stopped because its parent goes
                elif draft.action is Action.CREATE:
                    self._creates[unit.pair.parent, unit.pair.kind.kind].append(draft)

    def draw(self) -> None:
        """Add every edge, and every refusal that comes of one."""
        for unit in self._units:
            if not unit.drafts:
                continue
            self._below_parent(unit)
            self._after_siblings(unit)
            for draft in unit.drafts:
                if draft.action in _WRITES:
                    self._after_targets(unit, draft)
                elif draft.action is Action.DELETE:
                    self._after_users(unit, draft)

    def _below_parent(self, unit: Unit) -> None:
        parent = self._of.get(unit.pair.parent) if unit.pair.parent else None
        create = parent.first(Action.CREATE) if parent else None
        if create is not None:
            unit.drafts[0].needs.append(create)

    def _after_siblings(self, unit: Unit) -> None:
        """What refers to siblings is made and started after all of those: nobody is dialled with half of the fields."""
        needed = {r.kind for r in unit.pair.kind.references if r.scope is Scope.SIBLING}
        creates = [d for kind in sorted(needed) for d in self._creates.get((unit.pair.parent, kind), [])]
        if creates:
            for draft in unit.drafts:
                if draft.action in {Action.CREATE, Action.START}:
                    draft.needs += creates

    # --- references --------------------------------------------------------------------------------------------------

    def _after_targets(self, unit: Unit, draft: Draft) -> None:
        for reference, name, target in self._references.declared(draft.pair, draft.after):
            if target is None or (target.live is None and not target.wanted):
                self._refuse_missing(unit, reference, name)
                continue
            other = self._of.get(target)
            if other is None:
                continue
            if other.first(Action.DELETE) is not None:
                unit.refuse(
                    "KIA0505",
                    f'{reference.attribute} names {reference.kind} "{name}", which this plan deletes',
                    hint=f"Name another {reference.kind}, or keep this one.",
                    key=reference.attribute,
                )
            elif (before := other.last(Action.CREATE, Action.RENAME)) is not None:
                draft.needs.append(before)

    def _refuse_missing(self, unit: Unit, reference: Reference, name: str) -> None:
        scope = None if reference.scope is Scope.INSTANCE else unit.pair.parent
        others = [
            p.address.name
            for p in self._pairing.pairs
            if p.kind.kind == reference.kind and (scope is None or p.parent is scope) and not p.unwanted
        ]
        unit.refuse(
            "KIA0504",
            f'{reference.attribute} names {reference.kind} "{name}", which is neither declared nor on the instance',
            detail=f"The instance would answer {self._capabilities.meaning(reference.missing)}."
            if reference.missing
            else None,
            hint=self._guesses.near(name, others) or f"Declare it under {_collection(reference)}, or correct the name.",
            key=reference.attribute,
        )

    def _after_users(self, unit: Unit, delete: Draft) -> None:
        """A target goes only after everything unfinished that refers to it is closed, gone or re-pointed."""
        holders: dict[str | None, list[str]] = {}
        for user, reference in self._references.users(delete.pair):
            if self._is_closed(user) or self._goes_with(user, delete.pair):
                continue
            release = self._release(user, reference, delete.pair)
            if release is not None:
                delete.needs.append(release)
            else:
                state = f" ({user.live.run_state})" if user.live and user.live.run_state else ""
                holders.setdefault(reference.in_use, []).append(f"{user.address}{state}")
        for code, users in holders.items():
            unit.refuse(
                "KIA0516",
                f"{delete.pair.address} is still used by {', '.join(users)}",
                detail=f"The instance would answer {self._capabilities.meaning(code)}." if code else None,
                hint="Point them at something else, stop them, or keep it.",
                key="ensure",
            )

    def _is_closed(self, user: Pair) -> bool:
        machine = user.kind.machine
        return machine is not None and user.live is not None and user.live.run_state in machine.terminal

    def _goes_with(self, user: Pair, target: Pair) -> bool:
        """Whether deleting `target` deletes `user` too."""
        above: Pair | None = user
        while above is not None:
            if above is target:
                return True
            above = above.parent
        return False

    def _release(self, user: Pair, reference: Reference, target: Pair) -> Draft | None:
        """The action after which `user` no longer holds `target`, or None."""
        unit = self._of.get(user)
        own = [d for d in unit.drafts if d.pair is user] if unit else []
        for draft in own:
            match draft.action:
                case Action.DELETE | Action.STOP:
                    return draft
                case Action.UPDATE if reference.attribute in draft.after:
                    names = {identity(n) for n in reference.names(draft.after)}
                    if target.address.name not in names:
                        return draft
                case _:
                    pass
        above = user.parent
        while above is not None:
            unit = self._of.get(above)
            if unit is not None and (delete := unit.first(Action.DELETE)) is not None:
                return delete
            above = above.parent
        return None


def order_names(units: list[Unit], pairing: Pairing, capabilities: Capabilities) -> None:
    """Let names free themselves before they are taken; open circles with a name of the moment."""
    frees: dict[Address, Draft] = {}
    for unit in units:
        for draft in unit.drafts:
            if draft.action is Action.RENAME:
                frees[_slot(draft.pair, draft.pair.now.name)] = draft
    takers = [
        (unit, draft) for unit in units for draft in unit.drafts if draft.action in {Action.RENAME, Action.CREATE}
    ]
    for _, draft in takers:
        if (freed := frees.get(draft.pair.address)) is not None:
            draft.needs.append(freed)
    for circle in _circles([d for _, d in takers if d.action is Action.RENAME], frees):
        _open(circle, {id(d): u for u, d in takers}, pairing, capabilities)


def _slot(pair: Pair, name: str) -> Address:
    return Address.of(pair.kind.collection, name, pair.parent.address if pair.parent else None)


def _circles(renames: list[Draft], frees: dict[Address, Draft]) -> list[list[Draft]]:
    """Closed circles of renames, each beginning at its smallest address."""
    found: list[list[Draft]] = []
    done: set[int] = set()
    for start in sorted(renames, key=lambda d: d.pair.address):
        walk: list[Draft] = []
        draft = start
        while id(draft) not in done:
            done.add(id(draft))
            walk.append(draft)
            following = frees.get(draft.pair.address)
            if following is None:
                break
            draft = following
        else:
            if walk and draft is walk[0]:
                found.append(walk)
    return found


def _open(circle: list[Draft], units: dict[int, Unit], pairing: Pairing, capabilities: Capabilities) -> None:
    """The first of the circle gives its name up for a moment, so that the last can take it."""
    first, last = circle[0], circle[-1]
    unit = units[id(first)]
    old = str(first.before["name"])
    moment = _free_name(old, first.pair, pairing, capabilities)
    if moment is None:
        unit.refuse(
            "KIA0519",
            f'the names go round in a circle, and no name of the moment was found for "{old}"',
            hint="Rename in two applies, through a name of your own.",
            key="renamed_from",
        )
        return
    reason = f'frees the name "{old}" for a moment, for the names go round in a circle'
    aside = Draft(Action.RENAME, first.pair, reason, {"name": old}, {"name": moment}, source=first.source)
    aside.changes = tuple(type(c)("name", old, moment) for c in first.changes)
    first.before = {"name": moment}
    first.changes = tuple(type(c)("name", moment, c.after) for c in first.changes)
    last.needs = [aside if need is first else need for need in last.needs]
    first.needs.append(aside)
    unit.drafts.insert(unit.drafts.index(first), aside)


def _free_name(old: str, pair: Pair, pairing: Pairing, capabilities: Capabilities) -> str | None:
    pattern = capabilities.of(pair.kind.kind).name_pattern
    for name in names_of_the_moment(old):
        if pattern is not None and not linear_pattern(pattern).matches(name):
            continue
        slot = _slot(pair, name)
        if slot not in pairing.by_address and slot not in pairing.by_live:
            return name
    return None


def _collection(reference: Reference) -> str:
    return kinds()[reference.kind].collection

"""One declared thing that is to be there: from what differs to actions, or to the reasons why it cannot be.

not there:   create ─► commands up to the run state
there:       rename ─► update ─► commands            (a batch that is new or paused)
             pause ─► update ─► start, or not, or stop   (a started batch whose service or association changes)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiamo_iac.core.address import identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.command_line import word
from kiamo_iac.core.state_machine import StateMachine
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.change_set import Draft, Unit
from kiamo_iac.planner.diff import by_whom, field_changes
from kiamo_iac.planner.masking import comparable, not_compared
from kiamo_iac.planner.matching import Pair
from kiamo_iac.planner.plan import Action, FieldChange
from kiamo_iac.planner.references import References
from kiamo_iac.planner.run_state import give, move

_NOT_COMPARED = frozenset({"name", "state"})


def present(pair: Pair, references: References, capabilities: Capabilities) -> Unit:
    """What brings a declared thing to where it is to be.

    A reference (not managed) is only looked for. `pair.desired` is not None and not absent.
    """
    unit = Unit(pair)
    if not pair.declaration.lifecycle.managed:
        if pair.live is None:
            _missing_reference(unit)
    elif pair.live is None:
        _create(unit, capabilities)
    else:
        _change(unit, references, capabilities)
    return unit


def _missing_reference(unit: Unit) -> None:
    pair = unit.pair
    unit.refuse(
        "KIA0503",
        f'{pair.kind.kind} "{pair.address.name}" does not exist on the instance',
        detail="It is declared as a reference: it must be there, and is never written.",
        hint="Make it on the instance, correct the name, or "
        + ("add managed: true." if pair.kind.by_reference else f"declare it under {pair.kind.collection}."),
        key="name",
    )


# --- not there ---------------------------------------------------------------------------------------------------


def _create(unit: Unit, capabilities: Capabilities) -> None:
    pair, desired = unit.pair, unit.pair.declaration
    known = capabilities.of(pair.kind.kind)
    for name, code in sorted(known.required.items()):
        if name not in desired.attributes:
            unit.refuse(
                "KIA0506",
                f'{pair.kind.kind} "{desired.name}" does not exist yet, and needs "{name}" to be created',
                detail=f"The instance would answer {capabilities.meaning(code)}." if code else None,
                hint=f"Add {name}.",
            )
    after: dict[str, Any] = {k: v for k, v in desired.attributes.items() if k != "state"}
    if desired.settings:
        after["settings"] = dict(desired.settings)
    unit.add(Draft(Action.CREATE, pair, "declared, and not on the instance", after=after, source=desired.source))
    machine = pair.kind.machine
    goal = desired.run_state or desired.lifecycle.initial_state
    if machine is not None and goal is not None:
        once = " once, for it is new" if desired.run_state is None else ""
        move(unit, machine.initial, goal, why=f"declared to be {goal}{once}", capabilities=capabilities)


# --- there -------------------------------------------------------------------------------------------------------


def _change(unit: Unit, references: References, capabilities: Capabilities) -> None:
    pair, machine = unit.pair, unit.pair.kind.machine
    changes = attribute_changes(pair, references)
    if pair.declaration.settings:
        _tell_masked(unit)
    if pair.now.extras.get(pair.kind.system.flag if pair.kind.system else ""):
        if changes or pair.renamed:
            _refuse_system(unit, changes, capabilities)
        return
    _refuse_immutable(unit, changes, capabilities)
    state = pair.now.run_state
    if machine is not None and state is not None:
        _change_in_state(unit, machine, state, changes, capabilities)
    else:
        _rename(unit)
        _update(unit, changes)


def attribute_changes(pair: Pair, references: References) -> tuple[FieldChange, ...]:
    """What differs in what is declared, the name and the run state apart; references are compared by what they mean."""
    desired, live = pair.declaration, pair.now
    changes: list[FieldChange] = []
    for key, value in desired.attributes.items():
        if key in _NOT_COMPARED:
            continue
        before = live.attributes.get(key)
        if before == value and same(before, value) and not references.moved(pair, key):
            continue
        if not references.equal(pair, key, before, value):
            changes += field_changes(key, before, value) or (FieldChange(key, before, value),)
    for key, before in _live_settings(pair).items():
        if not same(before, desired.settings[key]):
            changes += field_changes(f"settings.{key}", before, desired.settings[key])
    return tuple(sorted(changes, key=lambda c: c.path))


def _live_settings(pair: Pair) -> Mapping[str, Any]:
    """What the declared settings are compared with."""
    return comparable(pair.declaration.settings, pair.now.settings, pair.owned)


def _tell_masked(unit: Unit) -> None:
    """Say which sensitive settings are not compared, since the instance shows something else in their place."""
    pair = unit.pair
    paths = not_compared(pair.declaration.settings, pair.now.settings, pair.owned)
    if paths:
        listed = _listed([f'"settings.{".".join(path)}"' for path in paths])
        said = "reads back masked: it is" if len(paths) == 1 else "read back masked: they are"
        unit.note(
            "KIA0610",
            f"{listed} of {pair.address} {said} set once, and not compared",
            hint=f"to have it sent again: kiamo-iac adopt {word(pair.address, 'ADDRESS')}, then apply",
            key="settings",
        )


def _change_in_state(
    unit: Unit, machine: StateMachine, state: str, changes: tuple[FieldChange, ...], capabilities: Capabilities
) -> None:
    """Rename, update and commands of a thing that has a run state."""
    pair = unit.pair
    roots = _roots(changes)
    if changes and state in machine.terminal:
        unit.refuse(
            "KIA0509",
            f'{pair.kind.kind} "{pair.address.name}" is {state}, and cannot change any more ({", ".join(roots)})',
            detail=f"The instance would answer {capabilities.meaning(machine.closed)}.",
            hint="Declare a new one under another name, and take this block away or leave it as it was.",
            key=roots[0],
        )
        return
    if pair.renamed and machine.rename_only_in is not None and state not in machine.rename_only_in:
        _refuse_rename(unit, machine, state, capabilities)
        return
    _rename(unit)
    wanted = pair.declaration.run_state
    arrived = state
    detour = machine.detour(state, roots)
    if detour is not None:
        command, arrived = detour
        give(unit, command, state, arrived, why=f"{_listed(roots)} cannot change while it is {state}")
    _update(unit, changes)
    goal = wanted if wanted is not None else state
    if machine.satisfies(arrived, goal):
        return
    why = f"back to {state}, as it was before the change"
    if wanted is not None:
        why = f"declared to be {goal}" + by_whom(pair.owned, [FieldChange("state", state, goal)])
    move(unit, arrived, goal, why=why, capabilities=capabilities)


def _roots(changes: tuple[FieldChange, ...]) -> list[str]:
    """The attributes that the changes belong to, `settings` among them."""
    return list(dict.fromkeys(c.path.split(".", 1)[0] for c in changes))


def _listed(names: list[str]) -> str:
    return " and ".join(names)


def _rename(unit: Unit) -> None:
    pair = unit.pair
    if not pair.renamed:
        return
    old, new = pair.now.name, pair.declaration.name
    former = pair.declaration.lifecycle.renamed_from
    by_hand = pair.owned is not None and pair.owned.address.name == identity(new) and identity(old) not in former
    why = f'renamed to "{old}" on the instance' if by_hand else f'renamed_from says that it was "{old}"'
    unit.add(
        Draft(
            Action.RENAME,
            pair,
            why,
            before={"name": old},
            after={"name": new},
            changes=(FieldChange("name", old, new),),
            source=pair.declaration.source_of("name" if by_hand else "renamed_from"),
        )
    )


def _update(unit: Unit, changes: tuple[FieldChange, ...]) -> None:
    pair = unit.pair
    if not changes:
        return
    roots = _roots(changes)
    before: dict[str, Any] = {k: pair.now.attributes.get(k) for k in roots if k != "settings"}
    after: dict[str, Any] = {k: pair.declaration.attributes[k] for k in roots if k != "settings"}
    if "settings" in roots:
        declared = pair.declaration.settings
        keys = [k for k, live in _live_settings(pair).items() if not same(live, declared[k])]
        before["settings"] = {k: pair.now.settings.get(k) for k in keys}
        after["settings"] = {k: declared[k] for k in keys}
    verb = "differ" if len(roots) > 1 or roots == ["settings"] else "differs"
    unit.add(
        Draft(
            Action.UPDATE,
            pair,
            f"{_listed(roots)} {verb} from what is declared" + by_whom(pair.owned, changes),
            before=before,
            after=after,
            changes=changes,
            source=pair.declaration.source_of(roots[0]),
        )
    )


# --- refusals ----------------------------------------------------------------------------------------------------


def _refuse_system(unit: Unit, changes: tuple[FieldChange, ...], capabilities: Capabilities) -> None:
    pair = unit.pair
    system = pair.kind.system
    if system is None:
        return
    shown = _listed(_roots(changes)) or "name"
    unit.refuse(
        "KIA0512",
        f'"{pair.address.name}" is a default {pair.kind.kind}: its {shown} cannot change',
        detail=f"The instance would answer {capabilities.meaning(system.update)}.",
        hint=f"Declare it as it is ({'; '.join(f'{c.path}: {c.before}' for c in changes)}), or leave it out.",
        key=_roots(changes)[0] if changes else "name",
    )


def _refuse_immutable(unit: Unit, changes: tuple[FieldChange, ...], capabilities: Capabilities) -> None:
    pair = unit.pair
    fixed = [name for name in _roots(changes) if name in pair.kind.immutable]
    if pair.renamed and "name" in pair.kind.immutable:
        fixed.append("name")
    for name in fixed:
        code = pair.kind.immutable[name]
        unit.refuse(
            "KIA0507",
            f'a {pair.kind.kind} keeps its {name} for life: "{pair.address.name}" cannot change it',
            detail=f"The instance would answer {capabilities.meaning(code)}." if code else None,
            hint="Declare it as it is. Or delete it (ensure: absent) and declare it anew later; what it holds is lost.",
            key=name,
        )


def _refuse_rename(unit: Unit, machine: StateMachine, state: str, capabilities: Capabilities) -> None:
    pair = unit.pair
    unit.refuse(
        "KIA0508",
        f'{pair.kind.kind} "{pair.now.name}" is {state} and cannot be renamed to "{pair.address.name}"',
        detail=f"The instance would answer {capabilities.meaning(machine.rename)}.",
        hint=f'Keep the name "{pair.now.name}" in the manifest.',
        key="renamed_from",
    )

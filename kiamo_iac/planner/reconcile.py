"""Brings one declared resource to its declared state: changes, or the reasons why they are impossible.

missing:     create ─► commands up to the run state
exists:      rename ─► update ─► commands                   (a batch that is new or paused)
             pause ─► update ─► start, stop or neither      (a started batch whose service or association changes)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kiamo_iac.core.address import identity
from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.core.printable import shell_word
from kiamo_iac.core.sensitive import shows
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.core.state_machine import StateMachine
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.change_set import ChangeSet
from kiamo_iac.planner.diff import attribution_suffix, field_changes
from kiamo_iac.planner.kept import as_sent
from kiamo_iac.planner.masking import comparable, not_compared
from kiamo_iac.planner.matching import ResourcePair, ResourcePairs
from kiamo_iac.planner.plan import Action, Cause, FieldChange, PlannedChange
from kiamo_iac.planner.references import ReferenceIndex
from kiamo_iac.planner.run_state import (
    add_command,
    left_suffix,
    note_lapsed,
    note_owed,
    owed_reason,
    refuse_unlisted,
    still_owed,
    transition,
)

_NOT_COMPARED = frozenset({"name", "state"})
_SHOWN: Final = 5
"""Attributes that a note names."""


def reconcile(pair: ResourcePair, references: ReferenceIndex, capabilities: Capabilities) -> ChangeSet:
    """Create or change what `pair` declares; what is declared with `managed: false` only has to exist.

    `pair` is declared, and not with `ensure: absent`.
    """
    change_set = ChangeSet(pair)
    if not pair.declaration.lifecycle.managed:
        if pair.live is None:
            _missing_reference(change_set)
    elif pair.live is None:
        _create(change_set, capabilities)
    else:
        _change(change_set, references, capabilities)
    return change_set


def _missing_reference(change_set: ChangeSet) -> None:
    pair = change_set.pair
    change_set.refuse(
        "KIA0503",
        f'{pair.kind.kind} "{pair.address.name}" does not exist on the instance',
        detail="It is declared as a reference: it must exist, and is never changed.",
        hint="create it on the instance, correct the name, or "
        + ("set managed: true" if pair.kind.by_reference else f"declare it under {pair.kind.collection}"),
        key="name",
    )


# --- missing -----------------------------------------------------------------------------------------------------


def _create(change_set: ChangeSet, capabilities: Capabilities) -> None:
    pair, desired = change_set.pair, change_set.pair.declaration
    known = capabilities.of(pair.kind.kind)
    for name, code in sorted(known.required.items()):
        if name not in desired.attributes:
            change_set.refuse(
                "KIA0506",
                f'{pair.kind.kind} "{desired.name}" does not exist, and cannot be created without "{name}"',
                detail=f"The API would return {capabilities.meaning(code)}." if code else None,
                hint=f"set {name}",
            )
    after: dict[str, Any] = {k: v for k, v in desired.attributes.items() if k != "state"}
    if desired.settings:
        after["settings"] = dict(desired.settings)
    after["name"] = identity(desired.name)
    reason = "declared, missing on the instance"
    change_set.add(
        PlannedChange(Action.CREATE, pair.address, pair.kind.kind, reason, after=after, source=desired.source)
    )
    machine = pair.kind.machine
    goal = desired.run_state or desired.lifecycle.initial_state
    if machine is not None and goal is not None:
        why = f"declared to be {goal}" if desired.run_state else f"declared with initial_state: {goal}"
        transition(change_set, machine.initial, goal, why=why, capabilities=capabilities)


# --- exists ------------------------------------------------------------------------------------------------------


def _change(change_set: ChangeSet, references: ReferenceIndex, capabilities: Capabilities) -> None:
    pair, machine = change_set.pair, change_set.pair.kind.machine
    changes = attribute_changes(pair, references)
    if pair.declaration.settings:
        _note_masked(change_set)
    if pair.is_default:
        if changes or pair.renamed:
            _refuse_system(change_set, changes, capabilities)
        return
    _refuse_immutable(change_set, changes, capabilities)
    state = pair.live_object.run_state
    if machine is not None and state is not None:
        _change_in_state(change_set, machine, state, changes, capabilities)
    else:
        _rename(change_set)
        _update(change_set, changes)


def attribute_changes(pair: ResourcePair, references: ReferenceIndex) -> tuple[FieldChange, ...]:
    """The declared attributes that differ, without name and run state; references are compared by their targets."""
    desired, live = pair.declaration, pair.live_object
    changes: list[FieldChange] = []
    for key, value in desired.attributes.items():
        if key in _NOT_COMPARED:
            continue
        before = as_sent(key, value, live.attributes.get(key), pair.owned)
        if before == value and same(before, value) and not references.may_be_renamed(pair, key):
            continue
        if not references.equal(pair, key, before, value):
            changes += field_changes(key, before, value) or (FieldChange(key, before, value),)
    for key, before in _live_settings(pair).items() if desired.settings else ():
        if not same(before, desired.settings[key]):
            changes += field_changes(f"settings.{key}", before, desired.settings[key])
    return tuple(sorted(changes, key=lambda c: c.path)) if changes else ()


def _live_settings(pair: ResourcePair) -> Mapping[str, Any]:
    """The values that the declared settings are compared with."""
    return comparable(pair.declaration.settings, pair.live_object.settings, pair.owned)


def _note_masked(change_set: ChangeSet) -> None:
    """Note the sensitive settings that are not compared, because the instance returns a mask in their place."""
    pair = change_set.pair
    paths = not_compared(pair.declaration.settings, pair.live_object.settings, pair.owned)
    if paths:
        listed = _listed([f'"settings.{".".join(path)}"' for path in paths])
        masked = "reads back masked: it is" if len(paths) == 1 else "read back masked: they are"
        change_set.note(
            "KIA0610",
            f"{listed} of {pair.address} {masked} sent once and not compared",
            hint=f"to send it again: kiamo-iac adopt {shell_word(pair.address, 'ADDRESS')}, then apply",
            key="settings",
        )


def _change_in_state(
    change_set: ChangeSet,
    machine: StateMachine,
    state: str,
    changes: tuple[FieldChange, ...],
    capabilities: Capabilities,
) -> None:
    """Rename, update and commands of a resource with a run state."""
    pair = change_set.pair
    roots = _roots(changes)
    if refuse_unlisted(change_set, state):
        return
    if changes and state in machine.terminal:
        change_set.refuse(
            "KIA0509",
            f'{pair.kind.kind} "{pair.address.name}" is {state} and cannot be changed ({", ".join(roots)})',
            detail=f"The API would return {capabilities.meaning(machine.closed)}.",
            hint="declare a new one under another name, and remove this block or restore its values",
            key=roots[0],
        )
        return
    if pair.renamed and machine.rename_only_in is not None and state not in machine.rename_only_in:
        _refuse_rename(change_set, machine, state, capabilities)
        return
    _rename(change_set)
    wanted = pair.declaration.run_state
    current = state
    detour = machine.detour(state, roots)
    if detour is not None:
        command, current = detour
        add_command(change_set, command, state, current, why=f"{_listed(roots)} cannot be changed while it is {state}")
    _update(change_set, changes)
    if wanted is None and pair.owned is not None and pair.owned.owed is not None:
        owed = still_owed(pair.owned, pair.declaration, pair.live)
        if owed is not None:
            note_owed(change_set, owed)
            why = owed_reason(machine, owed)
            transition(change_set, current, owed.state, why=why, capabilities=capabilities, cause=Cause.OWED)
            return
        note_lapsed(change_set)
    goal = wanted if wanted is not None else state
    if machine.satisfies(current, goal):
        return
    why = f"back to {state}, as before the change"
    if wanted is not None:
        found = left_suffix(pair.owned, state) or attribution_suffix(pair.owned, [FieldChange("state", state, goal)])
        why = f"declared to be {goal}{found}"
    transition(change_set, current, goal, why=why, capabilities=capabilities)


def _roots(changes: tuple[FieldChange, ...]) -> list[str]:
    """The attributes that the changes belong to; `settings` is one of them."""
    return list(dict.fromkeys(c.path.split(".", 1)[0] for c in changes))


def _listed(names: list[str]) -> str:
    return " and ".join(names)


def _rename(change_set: ChangeSet) -> None:
    pair = change_set.pair
    if not pair.renamed:
        return
    old, new = pair.live_object.name, identity(pair.declaration.name)
    former = pair.declaration.lifecycle.renamed_from
    on_instance = pair.owned is not None and pair.owned.address.name == new and identity(old) not in former
    why = f'renamed to "{old}" on the instance' if on_instance else f'renamed_from lists "{old}"'
    if pair.owned is not None and pair.owned.renaming_to is not None and identity(old) not in former:
        why = f'left as "{old}" by an interrupted run'
    elif not on_instance and identity(old) not in former:
        why = f'"{old}" is a temporary name, left by an interrupted run'
    change_set.add(
        PlannedChange(
            Action.RENAME,
            pair.address,
            pair.kind.kind,
            why,
            before={"name": old},
            after={"name": new},
            changes=(FieldChange("name", old, new),),
            source=pair.declaration.source_of("name" if on_instance else "renamed_from"),
        )
    )


def _update(change_set: ChangeSet, changes: tuple[FieldChange, ...]) -> None:
    pair = change_set.pair
    if not changes:
        return
    roots = _roots(changes)
    before: dict[str, Any] = {k: pair.live_object.attributes.get(k) for k in roots if k != "settings"}
    after: dict[str, Any] = {k: pair.declaration.attributes[k] for k in roots if k != "settings"}
    if "settings" in roots:
        declared = pair.declaration.settings
        keys = [k for k, live in _live_settings(pair).items() if not same(live, declared[k])]
        before["settings"] = {k: pair.live_object.settings.get(k) for k in keys}
        after["settings"] = {k: declared[k] for k in keys}
    verb = "differ" if len(roots) > 1 or roots == ["settings"] else "differs"
    change_set.add(
        PlannedChange(
            Action.UPDATE,
            pair.address,
            pair.kind.kind,
            f"{_listed(roots)} {verb} from what is declared" + attribution_suffix(pair.owned, changes),
            before=before,
            after=after,
            changes=changes,
            source=pair.declaration.source_of(roots[0]),
        )
    )


def ignored_diagnostics(pairs: ResourcePairs, desired: State) -> list[Diagnostic]:
    """What differs from its manifest and is not compared, because `ignore_changes` lists it: one note on all of it."""
    found = sorted(
        f"{declared.address} {path}"
        for declared in desired
        if declared.lifecycle.ignore_changes
        for pair in (pairs.by_address.get(declared.address),)
        if pair is not None and pair.live is not None and pair.declared_present
        for path in _ignored(declared, pair.live)
    )
    if not found:
        return []
    some = (
        "1 attribute differs from its manifest and is" if len(found) == 1 else f"{len(found)} attributes differ and are"
    )
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return [
        Diagnostic(
            "KIA0624",
            f"{some} ignored: {', '.join(found[:_SHOWN])}{more}",
            severity=Severity.NOTE,
            hint="ignore_changes lists it; to apply the declared value, remove it from that list",
        )
    ]


def _ignored(declared: ResourceState, live: ResourceState) -> Iterator[str]:
    """The paths of a declaration that are not compared, and differ."""
    compared = declared.compared
    references = {reference.attribute: reference for reference in declared.kind.references}
    for key in declared.attributes.keys() - compared.attributes.keys():
        wanted, now = declared.attributes[key], live.attributes.get(key)
        reference = references.get(key)
        alike = same(wanted, now) if reference is None else reference.equal(wanted, now, _one_name)
        if not alike:
            yield key
    for key in declared.settings.keys() - compared.settings.keys():
        if not shows(live.settings.get(key), declared.settings[key]):
            yield f"settings.{key}"


def _one_name(declared: object, live: object) -> bool:
    return identity(str(declared)) == identity(str(live))


# --- refusals ----------------------------------------------------------------------------------------------------


def _refuse_system(change_set: ChangeSet, changes: tuple[FieldChange, ...], capabilities: Capabilities) -> None:
    pair = change_set.pair
    system = pair.kind.system
    if system is None:
        return
    shown = _listed(_roots(changes)) or "name"
    change_set.refuse(
        "KIA0512",
        f'"{pair.address.name}" is a default {pair.kind.kind}: its {shown} cannot be changed',
        detail=f"The API would return {capabilities.meaning(system.update)}.",
        hint=f"declare its live values ({'; '.join(f'{c.path}: {c.before}' for c in changes)}), or remove the block; "
        f"if it is none, correct kinds.{pair.kind.kind}.attributes.{system.flag} of {capabilities.origin}",
        key=_roots(changes)[0] if changes else "name",
    )


def _refuse_immutable(change_set: ChangeSet, changes: tuple[FieldChange, ...], capabilities: Capabilities) -> None:
    pair = change_set.pair
    if not (changes or pair.renamed):
        return
    fixed = [name for name in _roots(changes) if name in pair.kind.immutable]
    if pair.renamed and "name" in pair.kind.immutable:
        fixed.append("name")
    unshown = {change.path for change in changes if change.before is None}
    for name in fixed:
        code = pair.kind.immutable[name]
        hint = "declare its live value; or delete it (ensure: absent) and declare it again, which loses its data"
        if name in unshown:
            entry = f"kinds.{pair.kind.kind}.attributes.{name}.wire of {capabilities.origin}"
            hint = f"the instance does not show it: correct {entry}, or remove it from the block"
        change_set.refuse(
            "KIA0507",
            f'the {name} of {pair.kind.kind} "{pair.address.name}" is set at creation and cannot be changed',
            detail=f"The API would return {capabilities.meaning(code)}." if code else None,
            hint=hint,
            key=name,
        )


def _refuse_rename(change_set: ChangeSet, machine: StateMachine, state: str, capabilities: Capabilities) -> None:
    pair = change_set.pair
    change_set.refuse(
        "KIA0508",
        f'{pair.kind.kind} "{pair.live_object.name}" is {state} and cannot be renamed to "{pair.address.name}"',
        detail=f"The API would return {capabilities.meaning(machine.rename)}.",
        hint=f'keep the name "{pair.live_object.name}" in the manifest',
        key="renamed_from",
    )

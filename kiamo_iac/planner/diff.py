"""Differences, attribute by attribute: between two values (the only user of deepdiff), and between three states.

declared   applied   live     changed by
   A    =     A    ≠   B      instance
   B    ≠     A    =   A      git
   B    ≠     A    ≠   C      both: a conflict
   B    ≠     A    ≠   B      neither: nothing to do
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

from kiamo_iac.core.address import identity
from kiamo_iac.core.printable import printable
from kiamo_iac.core.resource import Reference, Resource
from kiamo_iac.core.state import DanglingReference, Owned, ResourceState
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.kept import as_sent, original
from kiamo_iac.planner.masking import (
    applied_for_display,
    applied_settings,
    as_declared,
    as_live,
    comparable,
    hidden_like,
    is_sensitive,
)
from kiamo_iac.planner.plan import FieldChange


def field_changes(path: str, before: Any, after: Any) -> tuple[FieldChange, ...]:
    """The changes from `before` to `after`, one for each leaf of nested mappings at its own path, sorted by path.

    A list is one value: it is shown whole wherever it differs. A leaf that is missing on one side is None there.
    """
    if same(before, after):
        return ()
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return (FieldChange(path, before, after),)
    leaves = tuple(
        FieldChange(".".join((path, *keys)), _leaf(before, keys), _leaf(after, keys))
        for keys in _differing_leaves(before, after)
    )
    return leaves or (FieldChange(path, before, after),)  # a key with null against no key: no leaf shows it


def value_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """The changes of each key from `before` to `after`, by path."""
    keys = sorted(before.keys() | after.keys())
    return tuple(change for key in keys for change in field_changes(key, before.get(key), after.get(key)))


def changes_sentence(changes: Iterable[FieldChange]) -> str | None:
    """`Label was "A" and is "B"; state was "new" and is "started".`; None where nothing changed."""
    shown = "; ".join(f"{printable(c.path, 80)} was {_worded(c.before)} and is {_worded(c.after)}" for c in changes)
    return f"{shown[:1].upper()}{shown[1:]}." if shown else None


def _worded(value: Any) -> str:
    return "not set" if value is None else printable(json.dumps(value, ensure_ascii=False), 80)


def _differing_leaves(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, ...]]:
    from deepdiff import DeepDiff  # 170 ms to import, and most plans change no mapping

    # Without the threshold, mappings that share few keys would be one difference.
    found = DeepDiff(dict(before), dict(after), view="tree", verbose_level=0, threshold_to_diff_deeper=0)
    paths = {_keys(level.path(output_format="list")) for levels in found.values() for level in levels}
    return sorted(p for p in paths if not same(_leaf(before, p), _leaf(after, p)))


def _keys(path: list[Any]) -> tuple[str, ...]:
    """The mapping keys that lead to a difference, up to the first list index: a list is one value."""
    keys: list[str] = []
    for key in path:
        if not isinstance(key, str):
            break
        keys.append(key)
    return tuple(keys)


def _leaf(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return value


SETTINGS: Final = "settings"
NO_VALUE: Final = "sensitive: its value is not in the ledger, so who changed it is unknown"
"""Attribution of a difference in a sensitive value, which the ledger does not keep."""


class ChangedBy(StrEnum):
    """Who changed an attribute or a resource since the last apply."""

    NEITHER = "neither"
    GIT = "git"
    INSTANCE = "instance"
    BOTH = "both"
    UNKNOWN = "unknown"
    """The ledger does not have the resource, or not the value."""


@dataclass(frozen=True, slots=True)
class AttributeDrift:
    """One attribute whose live value is not the declared one; None on a side where it is not set."""

    path: str
    """Dotted below mappings, as in `FieldChange`."""
    changed_by: ChangedBy
    declared: Any
    applied: Any
    live: Any


@dataclass(frozen=True, slots=True)
class FinalNames:
    """For each side: a referring name → the name that the resource has after the plan."""

    declared: Callable[[Reference, str], str]
    applied: Callable[[Reference, str], str]
    live: Callable[[Reference, str], str]


def changed_by(declared: Any, applied: Any, live: Any) -> ChangedBy:
    """Who changed an attribute, by its three values."""
    if same(declared, live):
        return ChangedBy.NEITHER
    return combine(git=not same(declared, applied), instance=not same(live, applied))


def combine(*, git: bool, instance: bool) -> ChangedBy:
    """Who changed something, from whether each side did."""
    if git:
        return ChangedBy.BOTH if instance else ChangedBy.GIT
    return ChangedBy.INSTANCE if instance else ChangedBy.NEITHER


def attribution(entry: Owned | None, path: str, before: Any, after: Any) -> str:
    """Who changed `path`, in words, given its live value `before` and its declared value `after`.

    Empty when `entry`, the ledger's entry, is None.
    """
    if entry is None:
        return ""
    applied = _Leaves(entry.attributes)
    if applied.has(path) and _is_unknown(path, before, after):
        return NO_VALUE
    origin = changed_by(after, applied.at(path), original(path, before, entry)) if applied.has(path) else ChangedBy.GIT
    return describe(origin)


def attribution_suffix(entry: Owned | None, changes: Iterable[FieldChange]) -> str:
    """The end of a reason: who made these changes; empty without a ledger entry."""
    found = sorted({attribution(entry, c.path, c.before, c.after) for c in changes} - {""})
    return "; " + ", ".join(found) if found else ""


def describe(origin: ChangedBy) -> str:
    """Who made a difference, in words."""
    match origin:
        case ChangedBy.NEITHER:
            return "as last applied"
        case ChangedBy.GIT:
            return "changed in git since the last apply"
        case ChangedBy.INSTANCE:
            return "changed on the instance"
        case ChangedBy.BOTH:
            return "changed on both sides"
        case ChangedBy.UNKNOWN:
            return "not in the ledger, so who changed it is unknown"
        case _:
            assert_never(origin)


def attribute_drifts(
    desired: ResourceState | None, entry: Owned | None, live: ResourceState, names: FinalNames
) -> tuple[AttributeDrift, ...]:
    """Every attribute that differs, sorted by path; `name` included, and `state` where it is declared.

    Without `desired` (no block any more), the last applied values are compared with the live ones. `entry` is None when
    the ledger does not have the resource.
    """
    return tuple(sorted(_compared(desired, entry, live, names), key=lambda found: found.path))


def _compared(
    desired: ResourceState | None, entry: Owned | None, live: ResourceState, names: FinalNames
) -> Iterator[AttributeDrift]:
    applied = _applied(entry)
    if entry is not None and entry.renaming_to is not None:  # its name now is a run's doing
        applied = {**applied, "name": live.name}
    wanted = applied if desired is None else desired.attributes
    for key, value in wanted.items():
        if key == SETTINGS:
            continue
        shown = _Three(value if desired else None, applied.get(key), live.attributes.get(key))
        now = as_sent(key, value, shown.live, entry)
        resolved = _comparable(key, _Three(value, shown.applied, now), live.kind, names)
        yield from _leaves(key, shown, resolved, entry=entry, is_declared=desired is not None, was=key in applied)
    live = hidden_like(live, desired, entry)
    old = applied_settings(entry)
    settings = comparable(old if desired is None else desired.settings, live.settings, entry)
    for key, value in (old if desired is None else desired.settings).items():
        if desired is None:
            value = as_live(value, live.settings.get(key))  # noqa: PLW2901 - an unknown value does not differ
        three = _Three(value, as_declared(old.get(key), value), settings[key])
        shown = _Three(value if desired else None, applied_for_display(old.get(key), value), live.settings.get(key))
        path, is_declared = f"{SETTINGS}.{key}", desired is not None
        yield from _leaves(path, shown, three, entry=entry, is_declared=is_declared, was=key in old)


@dataclass(frozen=True, slots=True)
class _Three:
    declared: Any
    applied: Any
    live: Any


def changed_in_git(desired: ResourceState, entry: Owned, names: FinalNames) -> bool:
    """Whether the declaration differs from the last one that was applied."""
    applied = _applied(entry)
    now = {**desired.attributes, **({SETTINGS: desired.settings} if desired.settings else {})}
    applied = {**applied, SETTINGS: as_declared(applied_settings(entry), desired.settings)}
    return any(
        key not in applied or not same(three.declared, three.applied)
        for key, value in now.items()
        for three in (_comparable(key, _Three(value, applied.get(key), None), desired.kind, names),)
    )


def _applied(entry: Owned | None) -> Mapping[str, Any]:
    return {} if entry is None else {"name": entry.address.name, **entry.attributes}


def _known(entry: Owned | None, was_declared: bool) -> ChangedBy | None:
    """Who made every difference, where the ledger has no value to compare with; None: it has one."""
    if entry is None:
        return ChangedBy.UNKNOWN
    return None if was_declared else ChangedBy.GIT  # git has added it since


def _leaves(
    key: str, shown: _Three, resolved: _Three, *, entry: Owned | None, is_declared: bool, was: bool
) -> Iterator[AttributeDrift]:
    """The differences of one attribute. `was`: it is in the ledger's entry."""
    known = _known(entry, was)
    values = (_Leaves({key: shown.declared}), _Leaves({key: shown.applied}), _Leaves({key: shown.live}))
    applied = _Leaves({key: resolved.applied})
    for change in field_changes(key, resolved.live, resolved.declared):
        if not is_declared:
            origin = ChangedBy.INSTANCE
        elif known is not None:
            origin = known
        elif _is_unknown(change.path, change.before, change.after):
            origin = ChangedBy.UNKNOWN
        else:
            origin = changed_by(change.after, applied.at(change.path), original(change.path, change.before, entry))
        yield AttributeDrift(change.path, origin, *(value.at(change.path) for value in values))


def _is_unknown(path: str, before: Any, after: Any) -> bool:
    """Whether the ledger keeps no value of a setting."""
    return path.startswith(f"{SETTINGS}.") and (is_sensitive(before) or is_sensitive(after))


def _comparable(key: str, three: _Three, kind: type[Resource], names: FinalNames) -> _Three:
    """The values as they are compared: references as final names, a live run state that satisfies the declared one as
    that state."""
    if key == "name":
        return _Three(*(v if v is None else identity(v) for v in (three.declared, three.applied, three.live)))
    machine = kind.machine
    if key == "state" and machine is not None:
        satisfied = next(
            (v for v in (three.declared, three.applied) if v is not None and machine.satisfies(three.live, v)),
            three.live,
        )
        return _Three(three.declared, three.applied, satisfied)
    reference = next((r for r in kind.references if r.attribute == key), None)
    if reference is None:
        return three
    return _Three(
        _resolved(reference, three.declared, names.declared),
        _resolved(reference, three.applied, names.applied),
        _resolved(reference, three.live, names.live),
    )


def _resolved(reference: Reference, value: Any, name: Callable[[Reference, str], str]) -> Any:
    def final(found: Any) -> Any:
        return name(reference, found) if isinstance(found, str) and not isinstance(found, DanglingReference) else found

    return reference.map(value, final)


def leaf_at(attributes: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, such as `settings.pace`; None where there is none."""
    return _Leaves(attributes).at(path)


class _Leaves:
    """Lookup of values by dotted path, at any depth."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def at(self, path: str) -> Any:
        """The value at `path`, None where there is none."""
        return self._walk(self._data, path)

    def has(self, path: str) -> bool:
        """Whether the attribute of `path` exists, with or without that leaf."""
        head, _, rest = path.partition(".")
        if head == SETTINGS:
            inner = self._data.get(SETTINGS, {})
            return any(rest == key or rest.startswith(f"{key}.") for key in inner)
        return head in self._data

    def _walk(self, data: Any, path: str) -> Any:
        if not isinstance(data, Mapping):
            return None
        if path in data:
            return data[path]
        for key, value in data.items():  # keys may contain dots, so the path cannot be split
            if path.startswith(f"{key}."):
                found = self._walk(value, path[len(key) + 1 :])
                if found is not None:
                    return found
        return None

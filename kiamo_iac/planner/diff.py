"""What differs between what is declared and what is live; the only user of deepdiff."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, assert_never

from kiamo_iac.core.address import identity
from kiamo_iac.core.ownership import Owned
from kiamo_iac.core.resource import Reference, Resource
from kiamo_iac.core.state import DanglingReference, Instance
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.masking import (
    applied_settings,
    as_declared,
    as_live,
    comparable,
    hidden_like,
    is_sensitive,
    kept,
)
from kiamo_iac.planner.plan import FieldChange


def field_changes(path: str, before: Any, after: Any) -> tuple[FieldChange, ...]:
    """The changes from `before` to `after` under `path`, one for every leaf of mappings, in the order of their paths.

    A list is one value: where it differs anywhere, it is shown whole. A leaf that is missing on one side is None there.
    """
    if same(before, after):
        return ()
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return (FieldChange(path, before, after),)
    leaves = tuple(
        FieldChange(".".join((path, *keys)), _leaf(before, keys), _leaf(after, keys))
        for keys in _differing_leaves(before, after)
    )
    return leaves or (FieldChange(path, before, after),)  # a key with null beside no key at all: no leaf shows it


def _differing_leaves(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, ...]]:
    from deepdiff import DeepDiff  # 170 ms to import, and most plans change no mapping

    found = DeepDiff(dict(before), dict(after), view="tree", verbose_level=0)
    paths = {_keys(level.path(output_format="list")) for levels in found.values() for level in levels}
    return sorted(p for p in paths if not same(_leaf(before, p), _leaf(after, p)))


def _keys(path: list[Any]) -> tuple[str, ...]:
    """The mapping keys that lead to a difference; a list index ends them, for a list is one value."""
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
NO_VALUE: Final = "sensitive: the ledger keeps no value that would say who changed it"
"""What is said of a difference in a sensitive value: the ledger does not keep it."""


class ChangedBy(StrEnum):
    """Where a difference comes from."""

    NEITHER = "neither"
    GIT = "git"
    INSTANCE = "instance"
    BOTH = "both"
    UNKNOWN = "unknown"
    """The ledger does not have it, or not its value."""


@dataclass(frozen=True, slots=True)
class AttributeDrift:
    """One attribute that is not live as it is declared; None on a side where it is not set."""

    path: str
    """Dotted below mappings, as in `FieldChange`."""
    changed_by: ChangedBy
    declared: Any
    applied: Any
    live: Any


@dataclass(frozen=True, slots=True)
class Names:
    """What a referring name means, side by side: the name of the thing that bears it when the plan is done."""

    declared: Callable[[Reference, str], str]
    applied: Callable[[Reference, str], str]
    live: Callable[[Reference, str], str]


def side_of(declared: Any, applied: Any, live: Any) -> ChangedBy:
    """Which side moved, by values alone."""
    if same(declared, live):
        return ChangedBy.NEITHER
    return moved(git=not same(declared, applied), instance=not same(live, applied))


def moved(*, git: bool, instance: bool) -> ChangedBy:
    """The side of what `git` changed, or somebody on the `instance`."""
    if git:
        return ChangedBy.BOTH if instance else ChangedBy.GIT
    return ChangedBy.INSTANCE if instance else ChangedBy.NEITHER


def authorship(entry: Owned | None, path: str, before: Any, after: Any) -> str:
    """The words for the change of `path` from `before`, which is live, to `after`, which is declared.

    Empty when nobody can say, for `entry`, what the ledger has of the thing, is None.
    """
    if entry is None:
        return ""
    found = _Leaves(entry.attributes)
    if found.knows(path) and _is_unknown(path, before, after):
        return NO_VALUE
    side = side_of(after, found.at(path), before) if found.knows(path) else ChangedBy.GIT
    return describe(side)


def by_whom(entry: Owned | None, changes: Iterable[FieldChange]) -> str:
    """The end of a reason: whose changes these are; empty without a ledger entry."""
    said = sorted({authorship(entry, c.path, c.before, c.after) for c in changes} - {""})
    return "; " + ", ".join(said) if said else ""


def describe(side: ChangedBy) -> str:
    """What is said of a difference from that side."""
    match side:
        case ChangedBy.NEITHER:
            return "as it was applied"
        case ChangedBy.GIT:
            return "changed in git since the last apply"
        case ChangedBy.INSTANCE:
            return "changed on the instance"
        case ChangedBy.BOTH:
            return "changed on both sides"
        case ChangedBy.UNKNOWN:
            return "not in the ledger, so that nobody can say who changed it"
        case _:
            assert_never(side)


def attributes(
    desired: Instance | None, entry: Owned | None, live: Instance, names: Names
) -> tuple[AttributeDrift, ...]:
    """Everything that differs, in the order of the paths; `name` among it, and `state` where it is declared.

    Without `desired` (the block is gone) it is what was last applied that is compared with what is live; without
    `entry`, the ledger does not have it.
    """
    return tuple(sorted(_compared(desired, entry, live, names), key=lambda found: found.path))


def _compared(desired: Instance | None, entry: Owned | None, live: Instance, names: Names) -> Iterator[AttributeDrift]:
    applied = _applied(entry)
    wanted = applied if desired is None else desired.attributes
    for key, value in wanted.items():
        if key == SETTINGS:
            continue
        shown = _Three(value if desired else None, applied.get(key), live.attributes.get(key))
        meant = _meant(key, _Three(value, shown.applied, shown.live), live.kind, names)
        yield from _leaves(key, shown, meant, declared=desired is not None, known=_known(entry, key in applied))
    live = hidden_like(live, desired, entry)
    old = applied_settings(entry)
    now = comparable(old if desired is None else desired.settings, live.settings, entry)
    for key, value in (old if desired is None else desired.settings).items():
        if desired is None:
            value = as_live(value, live.settings.get(key))  # noqa: PLW2901 - of what is not known, nothing differs
        three = _Three(value, as_declared(old.get(key), value), now[key])
        shown = _Three(value if desired else None, kept(old.get(key), value), live.settings.get(key))
        known = _known(entry, key in old)
        yield from _leaves(f"{SETTINGS}.{key}", shown, three, declared=desired is not None, known=known)


@dataclass(frozen=True, slots=True)
class _Three:
    declared: Any
    applied: Any
    live: Any


def changed_in_git(desired: Instance, entry: Owned, names: Names) -> bool:
    """Whether the declaration is another one than the last one applied."""
    applied = _applied(entry)
    now = {**desired.attributes, **({SETTINGS: desired.settings} if desired.settings else {})}
    applied = {**applied, SETTINGS: as_declared(applied_settings(entry), desired.settings)}
    return any(
        key not in applied or not same(three.declared, three.applied)
        for key, value in now.items()
        for three in (_meant(key, _Three(value, applied.get(key), None), desired.kind, names),)
    )


def _applied(entry: Owned | None) -> Mapping[str, Any]:
    return {} if entry is None else {"name": entry.address.name, **entry.attributes}


def _known(entry: Owned | None, declared_then: bool) -> ChangedBy | None:
    """The side of everything that differs, where there is nothing to compare with; None: there is."""
    if entry is None:
        return ChangedBy.UNKNOWN
    return None if declared_then else ChangedBy.GIT  # not declared then: git has added it since


def _leaves(
    key: str, shown: _Three, meant: _Three, *, declared: bool, known: ChangedBy | None
) -> Iterator[AttributeDrift]:
    values = (_Leaves({key: shown.declared}), _Leaves({key: shown.applied}), _Leaves({key: shown.live}))
    applied = _Leaves({key: meant.applied})
    for change in field_changes(key, meant.live, meant.declared):
        side = known or side_of(change.after, applied.at(change.path), change.before)
        if _is_unknown(change.path, change.before, change.after):
            side = known or ChangedBy.UNKNOWN
        found = [value.at(change.path) for value in values]
        yield AttributeDrift(change.path, side if declared else ChangedBy.INSTANCE, *found)


def _is_unknown(path: str, before: Any, after: Any) -> bool:
    """Whether the ledger keeps no value of a setting."""
    return path.startswith(f"{SETTINGS}.") and (is_sensitive(before) or is_sensitive(after))


def _meant(key: str, three: _Three, kind: type[Resource], names: Names) -> _Three:
    """The values in a form in which they compare: names of the end, and a run state that satisfies as that state."""
    if key == "name":
        return _Three(*(v if v is None else identity(v) for v in (three.declared, three.applied, three.live)))
    machine = kind.machine
    if key == "state" and machine is not None:
        stands = next(
            (v for v in (three.declared, three.applied) if v is not None and machine.satisfies(three.live, v)),
            three.live,
        )
        return _Three(three.declared, three.applied, stands)
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


class _Leaves:
    """Values by dotted path, at any depth."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def at(self, path: str) -> Any:
        """The value at `path`, None where there is none."""
        return self._walk(self._data, path)

    def knows(self, path: str) -> bool:
        """Whether the attribute of `path` is there at all, the leaf itself or not."""
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
        for key, value in data.items():  # keys may hold dots themselves, so that splitting the path would not do
            if path.startswith(f"{key}."):
                found = self._walk(value, path[len(key) + 1 :])
                if found is not None:
                    return found
        return None

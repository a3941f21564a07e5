"""Sensitive settings in a plan: hidden on the live side too, and compared without the ledger.

The ledger has `(sensitive)` in place of each applied value, so only two of the three sides have one:

declared ─ applied ─ live
   A    (sensitive)    A    nothing to do
   A    (sensitive)    B    written again; who changed it is unknown
   A    (sensitive)   ****  it is returned masked: not compared, with a note
   A         –        ****  written once: the ledger does not have it yet
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from kiamo_iac.core.sensitive import (
    MASK,
    Path,
    Sensitive,
    hidden_at,
    hidden_repeats,
    listed_paths,
    masked_paths,
    reads_back_masked,
    sensitive_paths,
)
from kiamo_iac.core.state import Owned, ResourceState
from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.kept import as_sent

_MISSING: Final = object()


def hidden_like(live: ResourceState, desired: ResourceState | None, entry: Owned | None) -> ResourceState:
    """A live object whose settings are also hidden where its declaration, or the last applied one, is sensitive.

    Values that are sensitive by their name or form are hidden already."""
    if not live.settings:
        return live
    settings = hidden_at(live.settings, paths_to_hide(live, desired, entry))
    if desired is not None:
        settings = hidden_repeats(settings, desired.settings)
    return live if settings is live.settings else replace(live, settings=settings)


def paths_to_hide(live: ResourceState, desired: ResourceState | None, entry: Owned | None) -> tuple[Path, ...]:
    """Paths at which a live object has, or may return later, a sensitive value: by itself, or by its declaration or the
    last applied one."""
    paths = [*sensitive_paths(live.settings), *masked_paths(applied_settings(entry))]
    if desired is not None:
        paths += [*sensitive_paths(desired.settings), *listed_paths(live.settings, desired.lifecycle.sensitive)]
    return tuple(dict.fromkeys(paths))


def applied_settings(entry: Owned | None) -> Mapping[str, Any]:
    """The settings in the ledger's entry."""
    found = entry.attributes.get("settings") if entry is not None else None
    return found if isinstance(found, Mapping) else {}


def comparable(declared: Mapping[str, Any], live: Mapping[str, Any], entry: Owned | None) -> dict[str, Any]:
    """The value that each declared setting is compared with: the live one, in which every masked value that was applied
    according to the ledger, and every value that is kept otherwise, is replaced by the declared one."""
    applied = applied_settings(entry)
    return {
        key: as_sent(
            f"settings.{key}", value, _comparable_value(value, live.get(key), applied.get(key, _MISSING)), entry
        )
        for key, value in declared.items()
    }


def not_compared(declared: Mapping[str, Any], live: Mapping[str, Any], entry: Owned | None) -> list[Path]:
    """Paths of the declared settings that differ from the live ones, and that `comparable` makes equal."""
    compared = comparable(declared, live, entry)
    return [
        path
        for path in sensitive_paths(declared)
        if path[0] in compared
        and not same(_at(live, path), _at(declared, path))
        and same(_at(compared, path), _at(declared, path))
    ]


def as_declared(applied: Any, declared: Any) -> Any:
    """The ledger's value, with the declared one in place of each value that the ledger does not keep."""
    if isinstance(declared, Sensitive):
        return declared if applied is not None else None
    if isinstance(applied, Mapping) and isinstance(declared, Mapping):
        return {key: as_declared(value, declared.get(key)) for key, value in applied.items()}
    if isinstance(applied, list) and isinstance(declared, list) and len(applied) == len(declared):
        return [as_declared(one, other) for one, other in zip(applied, declared, strict=True)]
    return applied


def as_live(applied: Any, live: Any) -> Any:
    """The ledger's value, with the live one in place of each value that the ledger does not keep."""
    if applied == MASK:
        return live
    if isinstance(applied, Mapping) and isinstance(live, Mapping):
        return {key: as_live(value, live.get(key)) for key, value in applied.items() if value != MASK or key in live}
    if isinstance(applied, list) and isinstance(live, list) and len(applied) == len(live):
        return [as_live(one, other) for one, other in zip(applied, live, strict=True)]
    return applied


def applied_for_display(applied: Any, declared: Any) -> Any:
    """The ledger's value for display: masked where it is declared sensitive now."""
    if isinstance(declared, Sensitive):
        return MASK if applied is not None else None
    if isinstance(applied, Mapping) and isinstance(declared, Mapping):
        return {key: applied_for_display(value, declared.get(key)) for key, value in applied.items()}
    if isinstance(applied, list) and isinstance(declared, list) and len(applied) == len(declared):
        return [applied_for_display(one, other) for one, other in zip(applied, declared, strict=True)]
    return applied


def is_sensitive(value: Any) -> bool:
    """Whether a value contains a sensitive one."""
    return bool(sensitive_paths(value))


def _comparable_value(declared: Any, live: Any, applied: Any) -> Any:
    if isinstance(declared, Sensitive):
        return declared if applied is not _MISSING and reads_back_masked(live) else live
    if isinstance(declared, Mapping):
        if live is None and applied is not _MISSING and _all_sensitive(declared):
            return declared
        if isinstance(live, Mapping) and not isinstance(live, Sensitive):
            return {**live, **dict(_entries(declared, live, applied))}
    if isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        known = applied if isinstance(applied, list) and len(applied) == len(live) else [_MISSING] * len(live)
        return [_comparable_value(*values) for values in zip(declared, live, known, strict=True)]
    return live


def _entries(declared: Mapping[str, Any], live: Mapping[str, Any], applied: Any) -> Iterator[tuple[str, Any]]:
    """The declared entries of a live mapping; a missing one only where a sensitive value may be left out."""
    known = applied if isinstance(applied, Mapping) else {}
    for key, value in declared.items():
        value_to_compare = _comparable_value(value, live.get(key), known.get(key, _MISSING))
        if key in live or value_to_compare is not None:
            yield key, value_to_compare


def _all_sensitive(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(map(_all_sensitive, value.values()))
    return isinstance(value, Sensitive)


def _at(data: Any, path: Path) -> Any:
    """The value at a path; below a list, that of each item."""
    for number, key in enumerate(path):
        if isinstance(data, list):
            return [_at(item, path[number:]) for item in data]
        data = data.get(key) if isinstance(data, Mapping) else None
    return data

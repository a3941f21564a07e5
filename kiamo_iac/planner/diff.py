"""What differs between what is declared and what is live; the only user of deepdiff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiamo_iac.core.strict_json import same
from kiamo_iac.planner.plan import FieldChange

__all__ = ["field_changes", "same"]


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

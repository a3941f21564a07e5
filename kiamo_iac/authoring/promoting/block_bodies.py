"""The bodies of blocks as they are written: taken apart into leaves, and compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kiamo_iac.authoring.exporting.unrepresentable import escaped
from kiamo_iac.authoring.promoting.promotion import NOTHING, Body, Leaf
from kiamo_iac.core.strict_json import same
from kiamo_iac.manifest.composition import Part

RUN_STATE: Final = frozenset({("state",), ("initial_state",)})
ENSURE: Final[Leaf] = ("ensure",)
_DEFAULTS: Final[Mapping[Leaf, Any]] = {
    ENSURE: "present",
    ("managed",): False,
    ("protect",): False,
    ("renamed_from",): [],
    ("exclusive",): [],
    ("ignore_changes",): [],
}
"""The defaults of a block."""


def written(part: Part) -> dict[str, Any]:
    """The keys of a part as they are written, variables unfilled; of a generated one, as they could be written."""
    if part.block.generated:
        return {key: escaped(value) for key, value in part.block.body().items() if key != "name"}
    raw = part.document.original(part.block.node)
    return {key: raw[key] for key in part.block.body() if key != "name"}  # type: ignore[call-overload]


def names_of(part: Part) -> dict[str, str]:
    """Its name as its file has it; at the top of a file after the names of its ancestors, by kind."""
    block = part.block
    raw = part.document.original(block.node) if not block.generated else escaped(block.node)
    above = [kind.kind for kind in block.type.ancestors] if block.at_top else []
    return {key: raw[key] for key in (*above, "name")}  # type: ignore[call-overload]


def leaves(body: Body) -> dict[Leaf, Any]:
    """Leaf → value, in the order of the body; defaults are omitted."""
    found: dict[Leaf, Any] = {}
    for key, value in body.items():
        if isinstance(value, Mapping):
            found |= {(key, entry): inner for entry, inner in value.items()}
        elif not ((key,) in _DEFAULTS and same(value, _DEFAULTS[key,])):
            found[key,] = value
    return found


def every_leaf(body: Body) -> list[Leaf]:
    """All leaves, defaults too."""
    return [
        leaf
        for key, value in body.items()
        for leaf in ([(key, entry) for entry in value] if isinstance(value, Mapping) and value else [(key,)])
    ]


def leaf_of(body: Body, leaf: Leaf) -> Any:
    """The value of a leaf, or NOTHING."""
    value: Any = body
    for step in leaf:
        if not isinstance(value, Mapping) or step not in value:
            return NOTHING
        value = value[step]
    return value


def with_leaf(body: Body, leaf: Leaf, value: Any) -> dict[str, Any]:
    """A copy of the body in which a leaf has another value; NOTHING takes it away."""
    inner = body.get(leaf[0]) if len(leaf) > 1 else None
    new = value if len(leaf) == 1 else with_leaf(inner if isinstance(inner, Mapping) else {}, leaf[1:], value)
    copy = {**body, leaf[0]: new}
    if new is NOTHING:
        del copy[leaf[0]]
    return copy


def alike(first: Body | None, second: Body | None) -> bool:
    """Whether two bodies are equal; None: not declared."""
    if first is None or second is None:
        return first is second
    return same(leaves(first), leaves(second))

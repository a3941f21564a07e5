"""What a contract says an instance can do, in the words of manifests and planner; nothing of routes or wire names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class KindCapabilities:
    """One kind under one contract."""

    operations: frozenset[str] = frozenset()
    """Of `list`, `create`, `read`, `update`, `delete` and the state commands (`start`, …), those the contract has."""
    attributes: frozenset[str] = frozenset()
    """Attributes that it has a wire name for, `name` among them; not the read-only ones."""
    required: Mapping[str, str | None] = field(default_factory=dict)
    """Attributes that a create must carry, each with the vendor's code for leaving it out."""
    wire_names: frozenset[str] = frozenset()
    """Wire names in use, which `settings` may therefore not take."""
    name_pattern: str | None = None
    """A regular expression that the whole of a name must match."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Attribute → its closed list of values."""
    defaults: tuple[Mapping[str, Any], ...] = ()
    """Attributes of the things of this kind that the platform makes together with every new parent."""
    embedded: frozenset[str] = frozenset()
    """Child kinds whose new things are sent inside the create of this kind."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """All kinds under one contract."""

    kinds: Mapping[str, KindCapabilities]
    meanings: Mapping[str, str] = field(default_factory=dict)
    """`ERR_nnnn` → the vendor's message."""
    origin: str = "the contract"
    """Which contract this is, as a sentence names it."""

    def of(self, kind: str) -> KindCapabilities:
        """What the contract says of `kind`; of a kind without a stanza, nothing."""
        return self.kinds.get(kind, _NOTHING)

    def meaning(self, code: str) -> str:
        """`ERR_2010: Batch must be stopped before deletion`."""
        text = self.meanings.get(code)
        return f"{code}: {text}" if text else code


_NOTHING = KindCapabilities()

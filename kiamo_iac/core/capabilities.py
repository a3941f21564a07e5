"""What an instance can do according to a contract, in the words of manifests; without routes and wire names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class KindCapabilities:
    """One kind under one contract."""

    operations: frozenset[str] = frozenset()
    """Of `list`, `create`, `read`, `update`, `delete` and state commands (`start`, …), those in the contract."""
    attributes: frozenset[str] = frozenset()
    """Attributes with a wire name, `name` among them; not the read-only ones."""
    required: Mapping[str, str | None] = field(default_factory=dict)
    """Attributes that a create must have, each with the vendor's code for a missing one."""
    wire_names: frozenset[str] = frozenset()
    """Wire names in use, which `settings` may not have as keys."""
    name_pattern: str | None = None
    """A regular expression that the whole of a name must match."""
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Attribute → its closed list of values."""
    defaults: tuple[Mapping[str, Any], ...] = ()
    """Attributes of the objects of this kind that the platform creates with every new parent."""
    embedded: frozenset[str] = frozenset()
    """Child kinds whose new objects are sent inside the create of this kind."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """All kinds under one contract."""

    kinds: Mapping[str, KindCapabilities]
    meanings: Mapping[str, str] = field(default_factory=dict)
    """`ERR_nnnn` → the vendor's message."""
    origin: str = "the contract"
    """The name of the contract in messages."""

    def of(self, kind: str) -> KindCapabilities:
        """The capabilities of `kind`; none for a kind without a stanza."""
        return self.kinds.get(kind, _NOTHING)

    def meaning(self, code: str) -> str:
        """`ERR_2010: Batch must be stopped before deletion`."""
        text = self.meanings.get(code)
        return f"{code}: {text}" if text else code


_NOTHING = KindCapabilities()

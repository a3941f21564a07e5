"""A promotion as data: what differs, how it is promoted, what is kept, and the files that change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final

from kiamo_iac.authoring.sheet import FileChange
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.state import State


class Nothing(Enum):
    """Stands where no value is declared; null is a value of settings."""

    NOTHING = "nothing"


NOTHING: Final = Nothing.NOTHING

Leaf = tuple[str, ...]
"""What differs of a resource: `("label",)`, `("association", "destination")`; `()` is the resource itself."""

Body = Mapping[str, Any]
"""The keys of a block without its name, the names of its parents, and its children."""


class Strategy(StrEnum):
    """How a difference is promoted."""

    UNSHADOW = "uncover"
    """A key of a patch of `to` hides what the base has: it is removed from the patch."""
    MOVE = "move"
    """From a patch of `from` into the base."""
    PATCH = "patch"
    """Written into a patch of `to`."""
    NOT_PROMOTED = "left"
    """Not promoted: it cannot be written for `to` alone."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What `from` declares, and `to` lacks or declares differently."""

    address: Address
    """As `to` names it."""
    leaf: Leaf
    wanted: Any
    """As `from` writes it, variables unfilled; of a resource, its body. NOTHING: `from` declares none."""
    present: Any
    """As `to` writes it; NOTHING: not at all."""
    source: SourceRange | None
    """Where `from` has it."""

    @property
    def path(self) -> str:
        """`association.destination`; empty for the resource itself."""
        return ".".join(self.leaf)


@dataclass(frozen=True, slots=True)
class PromotedDifference:
    """A difference, and how it is promoted."""

    difference: Difference
    how: Strategy
    files: tuple[str, ...] = ()
    """The files that change for it, as places name them."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """The edits that make `target` declare what `source` does."""

    source: str
    """The environment that is promoted."""
    target: str
    changes: tuple[PromotedDifference, ...]
    """Parents before their children."""
    files: tuple[FileChange, ...]
    """By name; empty when nothing can be done."""
    missing: tuple[Diagnostic, ...]
    """What `target` has to have first."""
    notes: tuple[Diagnostic, ...]
    """What to know before it is applied, by place."""
    by_variables: tuple[tuple[Address, Leaf], ...]
    """Written alike in both; another value because a variable has another one. Not to be changed."""
    only_target: tuple[Address, ...]
    """What `target` alone declares. Not to be changed."""
    desired: State
    """What `target` declares when it is done."""
    renamed: Mapping[Address, Address] = field(default_factory=dict)
    """Address as `target` names it → as `source` does, where a variable makes them differ."""
    listed: frozenset[str] = frozenset()
    """What any environment lists as sensitive, of whichever resource."""

    def on_source(self, address: Address) -> Address:
        """How `source` names what `target` names so."""
        return self.renamed.get(address, address)


@dataclass(frozen=True, slots=True)
class PromotionResult:
    """A promotion, and what has to be known before it is written."""

    promotion: Promotion
    missing: tuple[Diagnostic, ...]
    """What `to` has to have first: variables, and resources that promoted ones refer to."""
    notes: tuple[Diagnostic, ...]
    """All else, by place."""
    live: bool
    """Whether the instances were looked at."""

    @property
    def level(self) -> bool:
        """Whether there is nothing to promote, and nothing missing."""
        return not self.promotion.changes and not self.missing

"""A promotion as data: what differs, how it is brought over, what stays, and the files that change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any, Final, Literal

from kiamo_iac.authoring.sheet import FileChange
from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.core.state import State


class Nothing(Enum):
    """Stands where no value is declared; null is a value of settings."""

    NOTHING = "nothing"


NOTHING: Final = Nothing.NOTHING
NothingType = Literal[Nothing.NOTHING]

Leaf = tuple[str, ...]
"""What differs of a thing: `("label",)`, `("association", "destination")`; `()` is the thing itself."""

Body = Mapping[str, Any]
"""The keys of a block without its name, the names of its parents, and its children."""


class Strategy(StrEnum):
    """The way in which a difference is brought over."""

    UNSHADOW = "uncover"
    """A key of a patch of `to` hid what the base has: it is taken out of the patch."""
    MOVE = "move"
    """From a patch of `from` into the base."""
    PATCH = "patch"
    """Written into a patch of `to`."""
    LEFT = "left"
    """Not at all: it cannot be written where `to` would take it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that `from` declares, and that `to` lacks or declares otherwise."""

    address: Address
    """As `to` names it."""
    leaf: Leaf
    wanted: Any
    """As `from` writes it, variables unfilled; of a thing, its body. NOTHING: `from` declares none."""
    present: Any
    """As `to` writes it; NOTHING: not at all."""
    source: SourceRange | None
    """Where `from` has it."""

    @property
    def path(self) -> str:
        """`association.destination`; empty for the thing itself."""
        return ".".join(self.leaf)


@dataclass(frozen=True, slots=True)
class PromotedDifference:
    """A difference, and what becomes of it."""

    difference: Difference
    how: Strategy
    files: tuple[str, ...] = ()
    """The files that change for it, as places name them."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What would bring `target` level with `source`, as declared."""

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
    """What somebody should know before it is applied, by place."""
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
    """What `to` has to have first: variables, and things that promoted ones refer to."""
    notes: tuple[Diagnostic, ...]
    """All else, by place."""
    live: bool
    """Whether the instances were looked at."""

    @property
    def level(self) -> bool:
        """Whether there is nothing to promote, and nothing missing."""
        return not self.promotion.changes and not self.missing

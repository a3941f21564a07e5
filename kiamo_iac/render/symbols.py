"""The signs of the text formats, and what stands for them where the terminal cannot show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from kiamo_iac.planner.plan import Action


@dataclass(frozen=True, slots=True)
class Symbols:
    """One set of signs."""

    actions: Mapping[Action, str]
    """A sign for every action, all of one width."""
    arrow: str
    """Between before and after."""

    @classmethod
    def for_encoding(cls, encoding: str | None) -> Self:
        """The Unicode set where `encoding` has all of it, else the ASCII one (so for an unknown encoding, or none)."""
        unicode_set = UNICODE
        signs = "".join(unicode_set.actions.values()) + unicode_set.arrow
        try:
            signs.encode(encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return cls(ASCII.actions, ASCII.arrow)
        return cls(unicode_set.actions, unicode_set.arrow)


UNICODE = Symbols(
    MappingProxyType(
        {
            Action.CREATE: "+",
            Action.UPDATE: "~",
            Action.RENAME: ">",
            Action.DELETE: "-",
            Action.START: "▶",
            Action.PAUSE: "⏸",
            Action.STOP: "■",
        }
    ),
    "→",
)

ASCII = Symbols(
    MappingProxyType(
        {
            Action.CREATE: "+ ",
            Action.UPDATE: "~ ",
            Action.RENAME: "> ",
            Action.DELETE: "- ",
            Action.START: "|>",
            Action.PAUSE: "||",
            Action.STOP: "[]",
        }
    ),
    "->",
)

"""Which part of an instance is exported, and how much is said of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from kiamo_iac.core.address import Address


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody asked for."""

    only: tuple[str, ...] = ()
    """Addresses and collections (`services`, `bases/prospects/batches`); with all below them. None: everything."""
    skip_defaults: bool = False
    """Leave out what is empty."""
    run_state: bool = False
    """New blocks say what the run state is."""
    with_closed: bool = False
    """New blocks also for what has come to its end: such a thing is not there on another instance, and is made anew."""

    def has(self, address: Address) -> bool:
        """Whether it is asked for."""
        return not self.only or any(_within(address, text) for text in self.only)

    def concerns(self, parent: Address) -> bool:
        """Whether anything below `parent` is asked for, or what refers to it."""
        return self.has(parent) or any(_within(Address(text), parent) for text in self.only)

    def unknown(self, known: Collection[Address]) -> list[str]:
        """What was asked for by address, and is not `known`."""
        return [text for text in self.only if text.count("/") % 2 and text not in known]


def _within(address: Address, above: str) -> bool:
    return address == above or address.startswith(f"{above}/")

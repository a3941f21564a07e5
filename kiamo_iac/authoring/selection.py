"""Which resources are exported or promoted."""

from __future__ import annotations

from collections.abc import Collection, Container
from dataclasses import dataclass

from kiamo_iac.core.address import Address


@dataclass(frozen=True, slots=True)
class Selection:
    """The resources that the options of a command select."""

    only: tuple[str, ...] = ()
    """Addresses and collections (`services`, `bases/prospects/batches`), with all below them. Empty: everything."""
    without: tuple[str, ...] = ()
    """These, and all below them, are excluded."""
    run_state: bool = False
    """Run states are included: `state`, and in a promotion `initial_state`."""

    def has(self, address: Address) -> bool:
        """Whether the resource is selected."""
        return (not self.only or _within(address, self.only)) and not _within(address, self.without)

    def concerns(self, parent: Address) -> bool:
        """Whether `parent` or anything below it is selected."""
        return self.has(parent) or any(_within(Address(text), (parent,)) for text in self.only)

    def unknown(self, *known: Container[Address]) -> list[str]:
        """The selected addresses that are in none of `known`."""
        chosen = [Address(text) for text in self.only if text.count("/") % 2]
        return [address for address in chosen if not any(address in there for there in known)]


@dataclass(frozen=True, slots=True)
class ExportSelection(Selection):
    """What an export selects, and how much of it is written."""

    skip_defaults: bool = False
    """Empty values are left out."""
    with_closed: bool = False
    """New blocks are written for closed resources too: another instance does not have them, and would create them."""


def _within(address: Address, above: Collection[str]) -> bool:
    return any(address == one or address.startswith(f"{one}/") for one in above)

"""Questions of a derived contract, and the entries that they stand beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from kiamo_iac.contract.places import EntryPath

Entry: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ContractQuestion:
    """What a collection leaves open."""

    path: EntryPath
    """The entry that it concerns: `("kinds", "base", "operations", "create")`."""
    text: str
    candidates: tuple[str, ...] = ()
    """Entries that may be the answer, the likeliest first, as a contract has them."""
    about: frozenset[str] = frozenset()
    """The keys of the entry that it concerns; empty: all of it."""


def documented(entry: Entry) -> Entry:
    """An entry that the collection says."""
    return {**entry, "basis": "documented"}

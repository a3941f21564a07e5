"""What the ledger has ids of: a list that has none of it may have been cut short, so it is read again.

without a parent   still empty: refused; whatever it had would be created again, and its entries dropped
below a parent     the second reading is believed
"""

from __future__ import annotations

from collections import defaultdict

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import Diagnostic
from kiamo_iac.core.errors import VanishedError
from kiamo_iac.core.resource import Ensure, Resource
from kiamo_iac.core.state import Ownership, RemoteId, ResourceState, State


class LedgerIds:
    """The managed resources that the instance has to list, unless it has lost them or a plan may delete them."""

    def __init__(self, owned: Ownership, desired: State, *, prune: bool) -> None:
        """`prune`: what is owned and not declared is to be deleted, and may be gone already."""
        self._tops: defaultdict[str, list[Address]] = defaultdict(list)
        self._below: set[tuple[str, RemoteId | None]] = set()
        """Collections, each with the id of its parent, or with its address where the ledger has no id."""
        former = {
            Address.of(d.kind.collection, old, d.address.parent) for d in desired for old in d.lifecycle.renamed_from
        }
        for address, entry in owned.items():
            if entry.remote_id is None:
                continue
            if address.parent is not None:
                parent = owned.get(address.parent)
                known = parent.remote_id if parent is not None and parent.remote_id is not None else address.parent
                self._below.add((address.collection, known))
                continue
            declared = desired.get(address)
            is_pruned = prune and declared is None and address not in former
            if not is_pruned and (declared is None or declared.lifecycle.ensure is Ensure.PRESENT):
                self._tops[address.collection].append(address)

    def expects_any(self, kind: type[Resource]) -> bool:
        """Whether the ledger has any of `kind`, below whichever parent."""
        if kind.parent is None:
            return bool(self._tops.get(kind.collection))
        return any(collection == kind.collection for collection, _ in self._below)

    def expects_below(self, kind: type[Resource], parent: ResourceState) -> bool:
        """Whether the ledger has any of `kind` below `parent`."""
        return not self._below.isdisjoint({(kind.collection, parent.remote_id), (kind.collection, parent.address)})

    def refuse(self, kind: type[Resource]) -> VanishedError:
        """The error for a list without a parent that is still empty."""
        found = sorted(self._tops[kind.collection])
        shown = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")
        summary = f"the instance lists no {kind.collection}, read twice, and the ledger has {shown}"
        hint = (
            "check that the instance is the right one and complete; if they were deleted on purpose: "
            "kiamo-iac ledger forget ADDRESS..."
        )
        return VanishedError(
            f"{summary[:1].upper()}{summary[1:]}. Nothing was written.",
            hint=hint,
            diagnostics=[Diagnostic("KIA0442", summary, hint=hint)],
        )

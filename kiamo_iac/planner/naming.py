"""What a referring name means when it is declared, when it was last applied, and live: the final name of one thing."""

from __future__ import annotations

from collections.abc import Mapping

from kiamo_iac.core.address import Address, identity
from kiamo_iac.core.ownership import Ownership
from kiamo_iac.core.resource import Reference, Scope
from kiamo_iac.planner.matching import Pair, Pairing
from kiamo_iac.planner.three_way import Names
from kiamo_iac.resources import kinds


class Naming:
    """Follows names through renames, declared ones and those that were done since they were written down."""

    def __init__(self, pairing: Pairing, owned: Ownership) -> None:
        self._pairing = pairing
        self._owned = owned
        self._pairs = {pair.owned.address: pair for pair in pairing.pairs if pair.owned is not None}
        self._former = {
            Address.of(address.collection, old, address.parent): address
            for address, entry in owned.items()
            for old in entry.renamed_from
        }

    def of(self, pair: Pair, known: Mapping[int, Address]) -> Names:
        """For the references of `pair`; `known`: by the identity of a pair, where the ledger has it."""
        parent = pair.parent
        then = known[id(parent)] if parent is not None else None
        now = parent.live.address if parent is not None and parent.live is not None else None
        return Names(
            declared=lambda _, name: identity(name),
            applied=lambda reference, name: self._applied(_target(reference, name, then)),
            live=lambda reference, name: self._live(_target(reference, name, now)),
        )

    def _applied(self, address: Address) -> str:
        known = address if address in self._owned else self._former.get(address, address)
        pair = self._pairs.get(known)
        return pair.address.name if pair is not None else known.name

    def _live(self, address: Address) -> str:
        pair = self._pairing.by_live.get(address)
        return pair.address.name if pair is not None else address.name


def _target(reference: Reference, name: str, parent: Address | None) -> Address:
    collection = kinds()[reference.kind].collection
    return Address.of(collection, name, parent if reference.scope is Scope.SIBLING else None)

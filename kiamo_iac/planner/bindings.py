"""How the instance knows what the steps write, stand below and refer to, and what the plan saw of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import fingerprint
from kiamo_iac.planner.draft import Draft
from kiamo_iac.planner.masking import paths_to_hide
from kiamo_iac.planner.matching import Pair
from kiamo_iac.planner.plan import Action, Binding
from kiamo_iac.planner.references import References


class Bindings:
    """Of one plan."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._fingerprints: dict[Address, str] = {}

    def of(self, drafts: Iterable[Draft]) -> dict[Address, Binding]:
        """Address → id and exact name, of every live thing that the drafts need."""
        bindings: dict[Address, Binding] = {}
        for draft in drafts:
            for pair in (draft.pair, *self._targets(draft)):
                _bind(pair, bindings)
        return bindings

    def seen(self, draft: Draft) -> dict[Address, str | None]:
        """Address → fingerprint: of its own thing (None: not there), and of what it writes references to."""
        own = self._fingerprint(draft.pair)
        others = {t.address: seen for t in self._targets(draft) if (seen := self._fingerprint(t)) is not None}
        return {**others, draft.pair.address: own}

    def _targets(self, draft: Draft) -> Iterator[Pair]:
        if draft.action in {Action.CREATE, Action.UPDATE}:
            for _, _, target in self._references.declared(draft.pair, draft.after):
                if target is not None:
                    yield target

    def _fingerprint(self, pair: Pair) -> str | None:
        if pair.live is None or pair.virtual:
            return None
        if pair.address not in self._fingerprints:
            self._fingerprints[pair.address] = fingerprint(pair.live)
        return self._fingerprints[pair.address]


def _bind(pair: Pair, bindings: dict[Address, Binding]) -> None:
    at: Pair | None = pair
    while at is not None and at.address not in bindings:
        if at.live is not None and at.live.remote_id is not None:
            hidden = paths_to_hide(at.live, at.desired, at.owned)
            bindings[at.address] = Binding(at.live.remote_id, at.live.name, hidden)
        at = at.parent

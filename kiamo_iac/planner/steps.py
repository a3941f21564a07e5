"""Actions with their needs → numbered steps, in an order in which they may be executed one by one."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import TopologicalSorter

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import fingerprint
from kiamo_iac.planner.change_set import Draft
from kiamo_iac.planner.masking import paths_to_hide
from kiamo_iac.planner.matching import Pair
from kiamo_iac.planner.plan import Action, Binding, Step
from kiamo_iac.planner.references import References


def ordered(drafts: list[Draft]) -> list[Draft]:
    """The drafts so that each comes after its needs; among those that may come next, the smallest address first.

    The needs never go round in a circle: a name is only taken from what is renamed, and `order_names` opens those.
    """
    position = {id(d): (d.pair.address, n) for n, d in enumerate(drafts)}
    by_id = {id(d): d for d in drafts}
    sorter: TopologicalSorter[int] = TopologicalSorter({i: [id(n) for n in d.needs] for i, d in by_id.items()})
    sorter.prepare()
    waiting = [(position[i], i) for i in sorter.get_ready()]
    heapq.heapify(waiting)
    result: list[Draft] = []
    while waiting:
        _, i = heapq.heappop(waiting)
        result.append(by_id[i])
        sorter.done(i)
        for ready in sorter.get_ready():
            heapq.heappush(waiting, (position[ready], ready))
    return result


def steps(drafts: list[Draft], *, seen: Callable[[Draft], Mapping[Address, str | None]]) -> tuple[Step, ...]:
    """Number the drafts and turn their needs into `depends_on`; `seen` gives what a step stands on."""
    in_order = ordered(drafts)
    number = {id(d): n for n, d in enumerate(in_order, start=1)}
    return tuple(_step(d, number, seen(d)) for d in in_order)


def _step(draft: Draft, number: dict[int, int], seen: Mapping[Address, str | None]) -> Step:
    return Step(
        id=number[id(draft)],
        action=draft.action,
        address=draft.pair.address,
        kind=draft.pair.kind.kind,
        depends_on=tuple(sorted({number[id(need)] for need in draft.needs})),
        risk=draft.risk,
        before=draft.before,
        after=draft.after,
        changes=draft.changes,
        reason=draft.reason,
        source=draft.source,
        cause=draft.cause,
        seen=seen,
    )


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

"""The graph of planned changes → numbered steps in an executable order, with ids and fingerprints of what they need."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import fingerprint
from kiamo_iac.planner.change_set import ChangeNode
from kiamo_iac.planner.masking import paths_to_hide
from kiamo_iac.planner.matching import ResourcePair
from kiamo_iac.planner.plan import Action, Binding, Step
from kiamo_iac.planner.references import ReferenceIndex


class StepBuilder:
    """Builds the steps of one plan."""

    def __init__(self, references: ReferenceIndex) -> None:
        self._references = references
        self._fingerprints: dict[Address, str] = {}

    def steps(self, nodes: list[ChangeNode]) -> tuple[Step, ...]:
        """The steps of these nodes, numbered from 1, dependencies first."""
        ordered = in_order(nodes)
        number = {id(node): n for n, node in enumerate(ordered, start=1)}
        return tuple(
            Step.of(
                node.change,
                n,
                depends_on=tuple(sorted({number[id(d)] for d in node.dependencies})),
                seen=self._seen(node),
            )
            for n, node in enumerate(ordered, start=1)
        )

    def bindings(self, nodes: Iterable[ChangeNode]) -> dict[Address, Binding]:
        """Address → id and exact name, of every live object that the nodes write, refer to, or have as an ancestor."""
        bindings: dict[Address, Binding] = {}
        for node in nodes:
            for pair in (node.pair, *self._targets(node)):
                _bind(pair, bindings)
        return bindings

    def _seen(self, node: ChangeNode) -> dict[Address, str | None]:
        """Address → fingerprint: of the resource itself (None: it does not exist), and of the targets it refers to."""
        own = self._fingerprint(node.pair)
        others = {t.address: seen for t in self._targets(node) if (seen := self._fingerprint(t)) is not None}
        return {**others, node.pair.address: own}

    def _targets(self, node: ChangeNode) -> Iterator[ResourcePair]:
        if node.change.action in {Action.CREATE, Action.UPDATE}:
            for _, _, target in self._references.targets(node.pair, node.change.after):
                if target is not None:
                    yield target

    def _fingerprint(self, pair: ResourcePair) -> str | None:
        if pair.live is None or pair.made_with_parent:
            return None
        if pair.address not in self._fingerprints:
            self._fingerprints[pair.address] = fingerprint(pair.live)
        return self._fingerprints[pair.address]


def in_order(nodes: list[ChangeNode]) -> list[ChangeNode]:
    """The nodes, each after its dependencies; of those that may come next, the one with the smallest address first.

    There are no cycles: only the order of names could make one, and `order_names` breaks it.
    """
    position = {id(node): (node.pair.address, n) for n, node in enumerate(nodes)}
    by_id = {id(node): node for node in nodes}
    sorter: TopologicalSorter[int] = TopologicalSorter({i: map(id, n.dependencies) for i, n in by_id.items()})
    sorter.prepare()
    waiting = [(position[i], i) for i in sorter.get_ready()]
    heapq.heapify(waiting)
    result: list[ChangeNode] = []
    while waiting:
        _, i = heapq.heappop(waiting)
        result.append(by_id[i])
        sorter.done(i)
        for ready in sorter.get_ready():
            heapq.heappush(waiting, (position[ready], ready))
    return result


def _bind(pair: ResourcePair, bindings: dict[Address, Binding]) -> None:
    at: ResourcePair | None = pair
    while at is not None and at.address not in bindings:
        if at.live is not None and at.live.remote_id is not None:
            hidden = paths_to_hide(at.live, at.desired, at.owned)
            bindings[at.address] = Binding(at.live.remote_id, at.live.name, hidden)
        at = at.parent

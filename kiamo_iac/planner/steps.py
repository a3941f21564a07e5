"""The graph of planned changes → numbered steps in an executable order, with ids and fingerprints of what they need."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from graphlib import TopologicalSorter

from kiamo_iac.core.address import Address
from kiamo_iac.core.state import ResourceState, fingerprint
from kiamo_iac.planner.change_set import ChangeNode
from kiamo_iac.planner.masking import paths_to_hide
from kiamo_iac.planner.matching import ResourcePair
from kiamo_iac.planner.plan import Action, Binding, Cause, Standing, Step
from kiamo_iac.planner.references import ReferenceIndex


class StepBuilder:
    """Builds the steps of one plan."""

    def __init__(self, references: ReferenceIndex) -> None:
        self._references = references
        self._fingerprints: dict[Address, str] = {}
        self.observed: dict[Address, ResourceState] = {}
        """Address → live object, for every fingerprint."""
        self.bindings: dict[Address, Binding] = {}
        """Address → id and exact name, of every live object that a step writes, refers to, or has as an ancestor."""

    def build(self, nodes: list[ChangeNode]) -> tuple[Step, ...]:
        """The steps of these nodes, numbered from 1, dependencies first; fills `bindings`."""
        ordered = in_order(nodes)
        number = {id(node): n for n, node in enumerate(ordered, start=1)}
        steps = []
        for n, node in enumerate(ordered, start=1):
            depends_on = tuple(sorted({number[id(d)] for d in node.dependencies}))
            targets = list(self._targets(node))
            for pair in (node.pair, *targets):
                self._bind(pair)
            seen, standing = self._seen(node.pair, targets), _standing(node)
            steps.append(Step.of(node.change, n, depends_on=depends_on, seen=seen, standing=standing))
        return tuple(steps)

    def _seen(self, pair: ResourcePair, targets: list[ResourcePair]) -> dict[Address, str | None]:
        """Address → fingerprint: of the resource itself (None: it does not exist), and of the targets it refers to."""
        found: dict[Address, str | None] = {}
        for target in targets:
            if (seen := self._fingerprint(target)) is not None:
                found[target.address] = seen
        found[pair.address] = self._fingerprint(pair)
        return found

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
            self.observed[pair.address] = pair.live
        return self._fingerprints[pair.address]

    def _bind(self, pair: ResourcePair) -> None:
        at: ResourcePair | None = pair
        while at is not None and at.address not in self.bindings:
            if at.live is not None and at.live.remote_id is not None:
                hidden = paths_to_hide(at.live, at.desired, at.owned)
                self.bindings[at.address] = Binding(at.live.remote_id, at.live.name, hidden)
            at = at.parent


def _standing(node: ChangeNode) -> Standing:
    pair = node.pair
    declared = pair.desired is not None or node.change.cause is Cause.EXCLUSIVE
    if pair.in_ledger or pair.live is None or pair.made_with_parent:
        return Standing.MANAGED
    return Standing.DECLARED if declared else Standing.UNMANAGED


def in_order(nodes: list[ChangeNode]) -> list[ChangeNode]:
    """The nodes, each after its dependencies; of those that may come next, the first in the order of addresses.

    There are no cycles: only the order of names could make one, and `order_names` breaks it.
    """
    position = {id(node): (node.pair.address.place, n) for n, node in enumerate(nodes)}
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

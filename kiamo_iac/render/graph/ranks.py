"""The column of a node: one further right than all that it needs (longest path)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from kiamo_iac.render.graph.model import Graph


@dataclass(frozen=True, slots=True)
class Ranked:
    """Nodes by their number in the graph, with the edges that are drawn."""

    before: tuple[tuple[int, ...], ...]
    """Node → what it needs."""
    after: tuple[tuple[int, ...], ...]
    """Node → what needs it."""
    rank: tuple[int, ...]
    """Node → column, from 0; an edge always leads to a greater one."""


def ranked(graph: Graph) -> Ranked:
    """Columns for all nodes, in time that grows with nodes and edges.

    An edge that two others spell out is left out, as it only makes the drawing darker; so is one that closes a circle.
    """
    number = {node.key: at for at, node in enumerate(graph.nodes)}
    before: list[dict[int, None]] = [{} for _ in graph.nodes]  # dicts as sets that keep their order
    for edge in graph.edges:
        source, target = number.get(edge.source), number.get(edge.target)
        if source is not None and target is not None and source != target:
            before[target][source] = None
    order = _topological_order(before)
    rank = [0] * len(before)
    for node in order:
        rank[node] = max((rank[need] + 1 for need in before[node]), default=0)
    needs = [_without_transitive(node, before) for node in range(len(before))]
    after: list[list[int]] = [[] for _ in needs]
    for node, needed in enumerate(needs):
        for need in needed:
            after[need].append(node)
    return Ranked(tuple(needs), tuple(map(tuple, after)), tuple(rank))


def _topological_order(before: list[dict[int, None]]) -> list[int]:
    """An order in which needs come first; takes the edges that close circles out of `before`."""
    after: list[list[int]] = [[] for _ in before]
    for node, needs in enumerate(before):
        for need in needs:
            after[need].append(node)
    missing = [len(needs) for needs in before]
    ready = deque(node for node, count in enumerate(missing) if not count)
    order: list[int] = []
    done = [False] * len(before)
    stuck = 0
    while len(order) < len(before):
        if not ready:  # only circles are left: the first node of all goes on without what it waits for
            while done[stuck]:
                stuck += 1
            before[stuck] = {need: None for need in before[stuck] if done[need]}
            missing[stuck] = 0
            ready.append(stuck)
        node = ready.popleft()
        done[node] = True
        order.append(node)
        for waiting in after[node]:
            if node in before[waiting] and not done[waiting]:
                missing[waiting] -= 1
                if not missing[waiting]:
                    ready.append(waiting)
    return order


def _without_transitive(node: int, before: list[dict[int, None]]) -> tuple[int, ...]:
    needs = before[node]
    through = {far for need in needs for far in before[need] if far in needs}
    return tuple(need for need in needs if need not in through)

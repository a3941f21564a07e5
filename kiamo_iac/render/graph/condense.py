"""Graphs too large to read, made smaller: similar nodes are drawn once, then whole groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

from kiamo_iac.render.graph.model import Edge, Graph, GraphNode, Role

_ALIKE = 4
"""So many similar nodes are drawn as one."""
_MOST_ARROWS = 60
"""Between groups; more of them cannot be read."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A graph that fits, and a sentence on how it was made to fit; None: it already did."""

    graph: Graph
    note: str | None = None

    @property
    def described(self) -> str:
        """What the drawing shows, and what was done to it."""
        return self.graph.description if self.note is None else f"{self.graph.description} {self.note}"


def fitted(graph: Graph, *, nodes: int, edges: int | None = None) -> Fitted:
    """`graph` with no more than so many nodes and edges (None: any number of edges).

    What is alike (kind, role, neighbours) is drawn once with a count; then each group is drawn as one node, without
    edges where there are many; then groups that are alike; and of what is left the first.
    """

    def fits(smaller: Graph) -> bool:
        return len(smaller.nodes) <= nodes and (edges is None or len(smaller.edges) <= edges)

    if fits(graph):
        return Fitted(graph)
    whole = len(graph.nodes)
    folded = _alike(graph)
    if fits(folded):
        return Fitted(folded, f"{whole:,} are drawn as {len(folded.nodes):,}: similar nodes are drawn once.")
    grouped = _by_group(graph)
    how = "each group is one box"
    if len(grouped.edges) > _MOST_ARROWS:
        grouped, how = replace(grouped, edges=()), f"{how}, without arrows"
    if fits(grouped):
        return Fitted(grouped, f"{whole:,} are too many to draw: {how}.")
    bundled = _alike(grouped)
    if fits(bundled):
        return Fitted(bundled, f"{whole:,} are too many to draw: similar groups are drawn once.")
    cut = _first(bundled, nodes=nodes, edges=edges)
    drawn = sum(node.count for node in cut.nodes)
    total = sum(node.count for node in bundled.nodes)
    return Fitted(cut, f"{whole:,} are too many to draw: {drawn:,} of {total:,} groups are shown.")


def _alike(graph: Graph) -> Graph:
    """Nodes of one group, kind, role and mark, with the same neighbours, drawn as one."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for edge in graph.edges:
        before.setdefault(edge.target, []).append(edge.source)
        after.setdefault(edge.source, []).append(edge.target)

    def likeness(node: GraphNode) -> Hashable:
        around = (tuple(sorted(before.get(node.key, ()))), tuple(sorted(after.get(node.key, ()))))
        return node.group, node.kind, node.role, node.mark, node.caption, around

    alike = {node.key: likeness(node) for node in graph.nodes}
    sizes = Counter(alike.values())
    return _merged(graph, lambda node: alike[node.key] if sizes[alike[node.key]] >= _ALIKE else node.key, _bundle)


def _bundle(nodes: list[GraphNode]) -> GraphNode:
    first, count = nodes[0], sum(node.count for node in nodes)
    if len(nodes) == 1:
        return first
    more = f"{first.name} and {count - 1:,} more"
    return replace(first, name=more, address="", number=None, count=count)


def _by_group(graph: Graph) -> Graph:
    """One node for each group."""
    return _merged(graph, lambda node: node.group, _whole_group)


def _whole_group(nodes: list[GraphNode]) -> GraphNode:
    roles = Counter(node.role for node in nodes)
    marks = dict.fromkeys(node.mark for node in nodes if node.mark)
    collection, _, own = nodes[0].group.partition("/")
    return GraphNode(
        key=nodes[0].key,
        name=own or collection,
        kind="group",
        role=next(role for role in _WORST_FIRST if role in roles),
        group=collection,
        address=nodes[0].group,
        mark=", ".join(marks),
        caption=", ".join(f"{count:,} {role.value}" for role, count in roles.items()),
    )


_WORST_FIRST = (
    Role.DELETE,
    Role.STOP,
    Role.START,
    Role.ABSENT,
    Role.RENAME,
    Role.UPDATE,
    Role.PAUSE,
    Role.CREATE,
    Role.MANAGED,
    Role.REFERENCE,
)
"""A group is drawn as the worst that is in it."""


def _merged(graph: Graph, same: Callable[[GraphNode], Hashable], one: Callable[[list[GraphNode]], GraphNode]) -> Graph:
    """`graph` with one node in place of all for which `same` returns the same; edges between those are dropped."""
    together: dict[Hashable, list[GraphNode]] = {}
    for node in graph.nodes:
        together.setdefault(same(node), []).append(node)
    keys: dict[str, str] = {}
    nodes = []
    for members in together.values():
        nodes.append(replace(one(members), key=members[0].key))
        keys |= dict.fromkeys((member.key for member in members), members[0].key)
    edges = dict.fromkeys(
        Edge(keys[edge.source], keys[edge.target]) for edge in graph.edges if keys[edge.source] != keys[edge.target]
    )
    return replace(graph, nodes=tuple(nodes), edges=tuple(edges))


def _first(graph: Graph, *, nodes: int, edges: int | None) -> Graph:
    kept = graph.nodes[:nodes]
    keys = {node.key for node in kept}
    between = [edge for edge in graph.edges if edge.source in keys and edge.target in keys]
    return replace(graph, nodes=kept, edges=tuple(between[:edges]))

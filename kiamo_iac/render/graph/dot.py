"""A graph in graphviz's language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kiamo_iac.core.secret import redact
from kiamo_iac.render.escape import visible
from kiamo_iac.render.graph.model import Graph, GraphNode, Role

_COLORS: Final = {
    Role.CREATE: ("#dcfce7", "#15803d"),
    Role.UPDATE: ("#dbeafe", "#1d4ed8"),
    Role.RENAME: ("#e0f2fe", "#0369a1"),
    Role.DELETE: ("#fee2e2", "#b91c1c"),
    Role.START: ("#f3e8ff", "#7e22ce"),
    Role.PAUSE: ("#fef3c7", "#b45309"),
    Role.STOP: ("#ffe4e6", "#be123c"),
    Role.MANAGED: ("#f1f5f9", "#475569"),
    Role.REFERENCE: ("#ffffff", "#64748b"),
    Role.ABSENT: ("#fee2e2", "#b91c1c"),
}
"""Role → inside and border."""
_DASHED: Final = frozenset({Role.REFERENCE, Role.ABSENT})


def dot(graph: Graph) -> str:
    """The whole graph, whatever its size, ending with a newline."""
    return "".join(f"{line}\n" for line in _lines(graph))


def _lines(graph: Graph) -> Iterator[str]:
    yield "digraph kiamo {"
    yield f"  graph [label={quoted(graph.title)}, labelloc=t, rankdir=LR, fontname={quoted('Helvetica')}, nodesep=0.15]"
    yield '  node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11]'
    yield '  edge [color="#64748b", fontname="Helvetica", fontsize=9, arrowsize=0.7]'
    ids = {node.key: f"n{number}" for number, node in enumerate(graph.nodes, start=1)}
    for number, (group, nodes) in enumerate(graph.groups.items(), start=1):
        yield f"  subgraph cluster_{number} {{"
        yield f'    graph [label={quoted(group)}, style="rounded", color="#cbd5e1"]'
        yield from (f"    {ids[node.key]} {_attributes(node)}" for node in nodes)
        yield "  }"
    for edge in graph.edges:
        label = f" [label={quoted(edge.label)}]" if edge.label else ""
        yield f"  {ids[edge.source]} -> {ids[edge.target]}{label}"
    yield "}"


def _attributes(node: GraphNode) -> str:
    step = f"{node.number} · " if node.number is not None else ""
    lines = [node.name, step + node.subtitle, *([node.mark] if node.mark else ())]
    label = "\\n".join(_inside(line) for line in lines)
    fill, border = _COLORS[node.role]
    style = ', style="rounded,filled,dashed"' if node.role in _DASHED else ""
    return f'[label="{label}", tooltip={quoted(node.whole)}, fillcolor="{fill}", color="{border}"{style}]'


def quoted(text: str) -> str:
    """`text` as a quoted ID of the dot language."""
    return f'"{_inside(text)}"'


def _inside(text: str) -> str:
    r"""In a label graphviz reads escapes (`\n`, `\N`) and HTML entities too, so both are escaped twice."""
    return visible(redact(text)).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")

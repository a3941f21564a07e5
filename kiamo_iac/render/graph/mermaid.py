"""A graph in mermaid's language, for GitHub, GitLab and everything else that draws it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kiamo_iac.core.secret import conceal, redact
from kiamo_iac.render.escape import visible
from kiamo_iac.render.graph.condense import Fitted, fitted
from kiamo_iac.render.graph.model import Graph, GraphNode, Role

MAX_EDGES: Final = 450
MAX_TEXT: Final = 48_000
"""Mermaid gives up at 500 edges, or 50,000 characters (its settings `maxEdges`, `maxTextSize`), unless it is set
otherwise."""
_NODES: Final = (400, 200, 100, 50, 20)
"""How many there may be: the first of these with which the text is short enough."""
_LONGEST: Final = 60
"""Characters of a name."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9 /]|(?<=[A-Za-z0-9])[-_](?=[A-Za-z0-9])")

_CLASSES: Final = {
    Role.CREATE: "fill:#dcfce7,stroke:#15803d,color:#14532d",
    Role.UPDATE: "fill:#dbeafe,stroke:#1d4ed8,color:#1e3a8a",
    Role.RENAME: "fill:#e0f2fe,stroke:#0369a1,color:#0c4a6e",
    Role.DELETE: "fill:#fee2e2,stroke:#b91c1c,color:#7f1d1d",
    Role.START: "fill:#f3e8ff,stroke:#7e22ce,color:#581c87",
    Role.PAUSE: "fill:#fef3c7,stroke:#b45309,color:#78350f",
    Role.STOP: "fill:#ffe4e6,stroke:#be123c,color:#881337",
    Role.MANAGED: "fill:#f1f5f9,stroke:#475569,color:#0f172a",
    Role.REFERENCE: "fill:#ffffff,stroke:#64748b,color:#334155,stroke-dasharray:4 3",
    Role.ABSENT: "fill:#fee2e2,stroke:#b91c1c,color:#7f1d1d,stroke-dasharray:4 3",
}


def mermaid(graph: Graph) -> str:
    """The whole text, ending with a newline; a graph that mermaid would refuse is drawn with less in it."""
    text = ""
    for most in _NODES:
        text = "".join(f"{line}\n" for line in _lines(fitted(graph, nodes=most, edges=MAX_EDGES)))
        if len(text) <= MAX_TEXT:
            break
    return text


def _lines(fit: Fitted) -> Iterator[str]:
    yield "flowchart LR"
    yield f"  accTitle: {_directive(fit.graph.title)}"
    yield f"  accDescr: {_directive(fit.described)}"
    ids = {node.key: f"n{number}" for number, node in enumerate(fit.graph.nodes, start=1)}
    for number, (group, nodes) in enumerate(fit.graph.groups.items(), start=1):
        indent = "  "
        if group:
            yield f'  subgraph g{number}["{escaped(_short(group))}"]'
            indent = "    "
        yield from (f'{indent}{ids[node.key]}["{_label(node)}"]:::{node.role.value}' for node in nodes)
        if group:
            yield "  end"
    for edge in fit.graph.edges:
        label = f'|"{escaped(_short(edge.label))}"|' if edge.label else ""
        yield f"  {ids[edge.source]} -->{label} {ids[edge.target]}"
    used = dict.fromkeys(node.role for node in fit.graph.nodes)
    yield from (f"  classDef {role.value} {_CLASSES[role]}" for role in used)


def _label(node: GraphNode) -> str:
    step = f"{node.number} · " if node.number is not None else ""
    mark = f"<br/>{escaped(node.mark)}" if node.mark else ""
    return f"{escaped(_short(node.name))}<br/>{escaped(step + node.subtitle)}{mark}"


def _short(text: str) -> str:
    text = redact(conceal(text))
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def escaped(text: str) -> str:
    """`text` escaped for a quoted label: letters, digits and little else; the rest as mermaid's own `#code;`.

    So nothing of it can end the label, open a directive (`%%{`), be HTML, or be read as Markdown: a label that begins
    with `1. ` is a list to mermaid, and it refuses lists.
    """
    return "".join(_escaped(visible(text)))


def _escaped(text: str) -> Iterator[str]:
    for at, char in enumerate(text):
        plain = _PLAIN.match(text, at) is not None if char.isascii() else char.isalpha() and char != "\ufb02"
        yield char if plain else f"#{ord(char)};"


def _directive(text: str) -> str:
    """`text` on an `accTitle` line, which takes no codes: what could mean anything there is left out."""
    return re.sub(r"[^\w .,:'’/×-]", "�", visible(text)).replace("--", "-")

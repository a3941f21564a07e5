"""Graphs made by hand and by Hypothesis, that layout and writers are tried on."""

from __future__ import annotations

from hypothesis import strategies as st

from kiamo_iac.planner.plan import Action, Plan, Step
from kiamo_iac.render.graph.model import Edge, Graph, GraphNode, Role
from tests.render.plans import step

HOSTILE = (
    "<script>alert(1)</script>",
    '"]; click n1 "javascript:alert(1)',
    "end",
    "%%{init: {}}%%",
    "1. a list",
    "- another",
    "style: x#34;",
    "#quot;&quot;&#34;",
    "back\\slash\\",
    "\\N \\G",
    "`code` **bold** _low_ www.example.com a@b.c",
    "line\nbreak\u2028and\u202ebidi\x1b[31m",
    "ﬂ°°60¶ß",
    "]]>",
    "\ufffe\uffff\ud800",
    "名前が長い" * 20,
    "{{7*7}}|||",
)
"""Names that mean something to mermaid, graphviz, XML or a terminal."""


def graph_of(names: tuple[str, ...], *, group: str = "bases/a") -> Graph:
    """A chain of nodes with these names."""
    nodes = [GraphNode(str(at), name, "field", Role.CREATE, group, f"x/{name}", at) for at, name in enumerate(names)]
    edges = [Edge(str(at), str(at + 1), "a role") for at in range(len(names) - 1)]
    return Graph("A title", "A description.", tuple(nodes), tuple(edges))


def large_plan(bases: int, *, fields: int = 8, batches: int = 3, alike: bool = True) -> Plan:
    """A plan that makes so many bases with fields and batches, and starts the first batch of each."""
    steps: list[Step] = []

    def make(address: str, kind: str, *needs: int, action: Action = Action.CREATE) -> int:
        number = len(steps) + 1
        steps.append(step(number, action, address, kind=kind, depends_on=tuple(sorted(needs)), reason="declared"))
        return number

    services = [make(f"services/Service {at}", "service") for at in range(5)]
    for at in range(bases):
        base = f"bases/base-{at:05}"
        top = make(base, "base")
        some = fields if alike else fields + at % 7
        columns = [make(f"{base}/fields/field {each}", "field", top) for each in range(some)]
        for each in range(batches):
            service = services[(at + each) % 5]
            batch = make(f"{base}/batches/batch {each}", "batch", top, service, *columns)
            if not each:
                make(f"{base}/batches/batch {each}", "batch", batch, action=Action.START)
    return Plan("production", "https://kiamo.example.com", tuple(steps))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Any graph of up to 30 nodes in up to 4 groups, with circles, loops and edges said twice."""
    count = draw(st.integers(0, 30))
    groups = draw(st.lists(st.sampled_from(["services", "bases/a", "bases/b", ""]), min_size=count, max_size=count))
    nodes = tuple(
        GraphNode(str(at), f"n{at}", "field", draw(st.sampled_from(Role)), group) for at, group in enumerate(groups)
    )
    ends = st.integers(0, max(count - 1, 0)).map(str)
    edges = tuple(draw(st.lists(st.builds(Edge, ends, ends), max_size=60))) if count else ()
    return Graph("any", "Any.", nodes, edges)

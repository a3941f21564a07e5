"""The layout: nothing overlaps, nothing crosses a box, and the same graph is always drawn the same."""

from __future__ import annotations

import itertools

from hypothesis import given

from kiamo_iac.render.graph.build import plan_graph
from kiamo_iac.render.graph.layout import HEIGHT, WIDTH, Box, Drawing, layout
from kiamo_iac.render.graph.model import Edge, Graph, GraphNode, Role
from kiamo_iac.render.graph.ranks import ranked
from tests.render.graph.graphs import graph_of, graphs, large_plan


def overlap(one: Box, other: Box) -> bool:
    return abs(one.x - other.x) < WIDTH and abs(one.y - other.y) < HEIGHT


def check(drawing: Drawing) -> None:
    """All that has to hold of any drawing."""
    by_column: dict[int, list[Box]] = {}
    for box in drawing.boxes:
        by_column.setdefault(box.x, []).append(box)
        assert 0 <= box.x <= drawing.width - WIDTH
        assert 0 <= box.y <= drawing.height - HEIGHT
    columns = sorted(by_column)
    assert all(right - left > WIDTH for left, right in itertools.pairwise(columns))
    for column in by_column.values():
        column.sort(key=lambda box: box.y)
        assert all(below.y - above.y > HEIGHT for above, below in itertools.pairwise(column))
    for line in drawing.lines:
        for (x1, y1), (x2, y2) in zip(line.points, line.points[1:], strict=False):
            assert x1 == x2 or y1 == y2, "lines go across or down"
            for box in drawing.boxes:
                through_x = min(x1, x2) < box.x + WIDTH and max(x1, x2) > box.x
                through_y = min(y1, y2) < box.y + HEIGHT and max(y1, y2) > box.y
                assert not (through_x and through_y), (line, box)
    for above, below in zip(drawing.bands, drawing.bands[1:], strict=False):
        assert above.y + above.height < below.y


@given(graphs())
def test_any_graph_is_drawn_without_overlaps(graph: Graph) -> None:
    drawing = layout(graph)
    assert len(drawing.boxes) == len(graph.nodes)
    check(drawing)
    assert drawing == layout(graph)


def test_a_plan_is_drawn_from_left_to_right() -> None:
    drawing = layout(plan_graph(large_plan(6)))
    check(drawing)
    left = {box.node.key: box.x for box in drawing.boxes}
    for step in large_plan(6).steps:
        assert all(left[str(need)] < left[str(step.id)] for need in step.depends_on)


def test_a_line_ends_at_its_boxes() -> None:
    drawing = layout(plan_graph(large_plan(2)))
    boxes = {box.node.key: box for box in drawing.boxes}
    for line in drawing.lines:
        source, target = boxes[line.source], boxes[line.target]
        assert line.points[0] == (source.x + WIDTH, source.y + HEIGHT // 2)
        assert line.points[-1] == (target.x, target.y + HEIGHT // 2)


def test_an_edge_that_two_others_spell_out_is_not_drawn() -> None:
    chain = graph_of(("a", "b", "c"))
    more = Graph(chain.title, chain.description, chain.nodes, (*chain.edges, Edge("0", "2")))
    assert layout(more) == layout(chain)


def test_circles_are_drawn_without_the_edge_that_closes_them() -> None:
    nodes = tuple(GraphNode(name, name, "k", Role.MANAGED, "g") for name in "abc")
    graph = Graph("", "", nodes, (Edge("a", "b"), Edge("b", "c"), Edge("c", "a"), Edge("a", "a")))
    assert ranked(graph).rank == (0, 1, 2)
    assert len(layout(graph).lines) == 2


def test_loose_nodes_fill_rows() -> None:
    nodes = tuple(GraphNode(str(at), str(at), "k", Role.CREATE, "g") for at in range(6))
    boxes = layout(Graph("", "", nodes, ())).boxes
    assert len({box.x for box in boxes}) == 4
    assert len({box.y for box in boxes}) == 2


def test_an_empty_graph_is_a_small_drawing() -> None:
    drawing = layout(Graph("", "", (), ()))
    assert (drawing.boxes, drawing.lines, drawing.bands) == ((), (), ())
    assert drawing.width < 400


def test_work_grows_with_the_graph() -> None:
    """Twice the bases are twice the boxes and lines: nothing is drawn for pairs of groups."""
    one, two = (layout(plan_graph(large_plan(bases))) for bases in (20, 40))
    assert (len(two.boxes) - 5, len(two.lines)) == (2 * (len(one.boxes) - 5), 2 * len(one.lines))
    assert two.width == one.width

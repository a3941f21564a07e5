"""Graphs that are too large: made to fit, and it is said how."""

from __future__ import annotations

from kiamo_iac.render.graph.build import plan_graph
from kiamo_iac.render.graph.condense import fitted
from tests.render.graph.graphs import graph_of, large_plan


def test_what_fits_is_left_as_it_is() -> None:
    graph = graph_of(("a", "b", "c"))
    fit = fitted(graph, nodes=3, edges=2)
    assert (fit.graph, fit.note) == (graph, None)
    assert fit.described == "A description."


def test_what_is_alike_is_drawn_once() -> None:
    graph = plan_graph(large_plan(10))
    fit = fitted(graph, nodes=100)
    assert sum(node.count for node in fit.graph.nodes) == len(graph.nodes) == 135
    assert fit.note == "135 are drawn as 65: similar nodes are drawn once."
    bundle = next(node for node in fit.graph.nodes if node.count > 1 and node.kind == "field")
    assert (bundle.name, bundle.subtitle, bundle.number) == ("field 0 and 7 more", "create 8 × field", None)


def test_then_each_group_is_one_box() -> None:
    fit = fitted(plan_graph(large_plan(40)), nodes=60)
    assert [node.name for node in fit.graph.nodes[:2]] == ["services", "base-00000"]
    assert fit.graph.nodes[1].whole == "12 create, 1 start bases/base-00000 (dials contacts)"
    assert fit.graph.nodes[1].subtitle == "12 create, 1 start"
    assert fit.graph.nodes[1].mark == "dials contacts"
    assert fit.note == "525 are too many to draw: each group is one box."
    assert len(fit.graph.edges) == 40


def test_many_groups_are_drawn_without_arrows() -> None:
    fit = fitted(plan_graph(large_plan(70, alike=False)), nodes=100)
    assert fit.graph.edges == ()
    assert fit.note is not None
    assert fit.note.endswith("each group is one box, without arrows.")


def test_then_groups_that_are_alike_are_one_box() -> None:
    fit = fitted(plan_graph(large_plan(100)), nodes=10)
    assert [(node.name, node.subtitle) for node in fit.graph.nodes] == [
        ("services", "5 create"),
        ("base-00000 and 99 more", "each 12 create, 1 start"),
    ]


def test_and_then_the_first_are_drawn() -> None:
    fit = fitted(plan_graph(large_plan(100, alike=False)), nodes=3)
    assert len(fit.graph.nodes) == 3
    assert fit.note == "1,600 are too many to draw: 31 of 101 groups are shown."


def test_edges_have_a_limit_of_their_own() -> None:
    assert len(fitted(plan_graph(large_plan(10)), nodes=1000, edges=100).graph.edges) <= 100

"""What a plan and a desired state become as graphs."""

from __future__ import annotations

from kiamo_iac.core.address import Address
from kiamo_iac.core.resource import Ensure, Lifecycle
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.render.graph.build import plan_graph, state_graph
from kiamo_iac.render.graph.model import Graph, Role, group_of
from kiamo_iac.resources import kinds
from tests.render.plans import full_plan


def instance(address: str, kind: str, lifecycle: Lifecycle | None = None, **attributes: object) -> ResourceState:
    place = Address(address)
    return ResourceState(place, kinds()[kind], {"name": place.name, **attributes}, lifecycle=lifecycle or Lifecycle())


def edges(graph: Graph) -> set[tuple[str, str, str]]:
    return {(edge.source, edge.target, edge.label) for edge in graph.edges}


def test_a_plan_has_a_node_a_step_and_an_edge_a_dependency() -> None:
    plan = full_plan()
    graph = plan_graph(plan)
    assert [node.number for node in graph.nodes] == [step.id for step in plan.steps]
    assert [node.role.value for node in graph.nodes] == [step.action.value for step in plan.steps]
    assert edges(graph) == {(str(need), str(s.id), "") for s in plan.steps for need in s.depends_on}
    marks = {node.number: node.mark for node in graph.nodes if node.mark}
    assert marks == {2: "cannot be undone", 3: "data loss", 9: "dials contacts", 11: "cannot be undone"}
    assert graph.nodes[2].whole == "step 3: delete batch bases/prospects/batches/old (data loss)"
    assert list(graph.groups) == ["services", "bases/prospects", "bases/clients"]


def test_a_state_has_its_things_and_what_they_refer_to() -> None:
    state = State(
        [
            instance("bases/a", "base", Lifecycle(protect=True)),
            instance("bases/a/fields/city", "field"),
            instance("bases/a/fields/old", "field", Lifecycle(ensure=Ensure.ABSENT)),
            instance(
                "bases/a/batches/b",
                "batch",
                service="Sales",
                association={"destination": "phone", "reference": "city"},
            ),
            instance("services/Sales", "service", Lifecycle(managed=False)),
        ]
    )
    graph = state_graph(state, environment="staging")
    assert graph.title == "Declared resources of staging"
    roles = {node.key: node.role for node in graph.nodes}
    assert roles == {
        "services/Sales": Role.REFERENCE,
        "bases/a": Role.MANAGED,
        "bases/a/batches/b": Role.MANAGED,
        "bases/a/fields/phone": Role.REFERENCE,  # no manifest declares it
        "bases/a/fields/city": Role.MANAGED,
        "bases/a/fields/old": Role.ABSENT,
    }
    assert edges(graph) == {
        ("bases/a", "bases/a/fields/city", ""),
        ("bases/a", "bases/a/fields/old", ""),
        ("bases/a", "bases/a/fields/phone", ""),
        ("bases/a", "bases/a/batches/b", ""),
        ("services/Sales", "bases/a/batches/b", "service"),
        ("bases/a/fields/phone", "bases/a/batches/b", "destination"),
        ("bases/a/fields/city", "bases/a/batches/b", "reference"),
    }


def test_a_thing_of_another_manifest_is_a_reference() -> None:
    graph = state_graph(State([instance("bases/a/batches/b", "batch", service="Sales")]))
    assert {node.key: node.role for node in graph.nodes} == {
        "bases/a/batches/b": Role.MANAGED,
        "bases/a": Role.REFERENCE,
        "services/Sales": Role.REFERENCE,
    }


def test_things_that_nothing_stands_below_are_one_group() -> None:
    assert group_of(Address("services/Sales")) == "services"
    assert group_of(Address("bases/a")) == "bases/a"
    assert group_of(Address("bases/a%2Fb/fields/c")) == "bases/a%2Fb"
    assert group_of(Address("strangers/x/things/y")) == "strangers/x"

"""Graphs of a plan and of a desired state: a node for each step or resource, an edge to each that depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.resource import Ensure, Reference, ReferenceShape, Resource, Scope
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.render.diagnostics import counted
from kiamo_iac.render.graph.model import Edge, Graph, GraphNode, Role, group_of
from kiamo_iac.render.view import alarms_of
from kiamo_iac.resources import kinds

_ARROWS: Final = "An arrow leads from a resource to one that is below it or refers to it."


def state_graph(state: State, *, environment: str | None = None) -> Graph:
    """What is declared and what it refers to, declared or not.

    Kinds that nothing is below come first, then by address.
    """
    ordered = sorted(state, key=_order)
    nodes = {instance.address: _node(instance) for instance in ordered}
    edges: list[Edge] = []
    for instance in ordered:
        for address, kind, label in _needs(instance):
            if address not in nodes:
                nodes[address] = _undeclared(address, kind)
                if address.parent is not None and address.parent in state:
                    edges.append(Edge(address.parent, address))
            edges.append(Edge(address, instance.address, label))
    return Graph(
        title="Declared resources" if environment is None else f"Declared resources of {environment}",
        description=f"{counted(len(state), 'resource')}. {_ARROWS}",
        nodes=tuple(nodes.values()),
        edges=tuple(edges),
    )


def _order(instance: ResourceState) -> tuple[bool, Address]:
    return "/" in group_of(instance.address), instance.address


def _node(instance: ResourceState) -> GraphNode:
    role = Role.MANAGED if instance.lifecycle.managed else Role.REFERENCE
    if instance.lifecycle.ensure is Ensure.ABSENT:
        role = Role.ABSENT
    return GraphNode(
        key=instance.address,
        name=instance.name,
        kind=instance.kind.kind,
        role=role,
        group=group_of(instance.address),
        address=instance.address,
        mark="protected" if instance.lifecycle.protect else "",
    )


def _undeclared(address: Address, kind: str) -> GraphNode:
    return GraphNode(
        key=address, name=address.name, kind=kind, role=Role.REFERENCE, group=group_of(address), address=address
    )


def _needs(instance: ResourceState) -> Iterator[tuple[Address, str, str]]:
    """Each resource that it is below or refers to: address, kind, and the attribute or role."""
    parent = instance.address.parent
    if parent is not None and instance.kind.parent is not None:
        yield parent, instance.kind.parent, ""
    for reference in instance.kind.references:
        target = kinds()[reference.kind]
        below = parent if reference.scope is Scope.SIBLING else None
        yield from _named(instance, reference, target, below)


def _named(
    instance: ResourceState, reference: Reference, target: type[Resource], below: Address | None
) -> Iterator[tuple[Address, str, str]]:
    for key, name in reference.items(instance.attributes.get(reference.attribute)):
        label = key if reference.shape is ReferenceShape.MAPPING and key is not None else reference.attribute
        yield Address.of(target.collection, name, below), target.kind, label


def plan_graph(plan: Plan) -> Graph:
    """The steps in their order, and what depends on what."""
    known = {step.id for step in plan.steps}
    edges = (Edge(str(need), str(s.id)) for s in plan.steps for need in s.depends_on if need in known)
    return Graph(
        title=f"Plan for {plan.environment}",
        description=f"{counted(len(plan.steps), 'step')}. An arrow leads from a step to one that depends on it.",
        nodes=tuple(_step_node(step) for step in plan.steps),
        edges=tuple(edges),
    )


def _step_node(step: Step) -> GraphNode:
    return GraphNode(
        key=str(step.id),
        name=step.address.name,
        kind=step.kind,
        role=Role(step.action.value),
        group=group_of(step.address),
        address=step.address,
        number=step.id,
        mark=", ".join(alarm.label for alarm in alarms_of(step)),
    )

"""The graph of a plan: a node for each step, an edge from each step to those that wait for it."""

from __future__ import annotations

from typing import assert_never

from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.diagnostics import counted
from kiamo_iac.render.graph.model import Edge, Graph, Node, Role, group_of


def plan_graph(plan: Plan) -> Graph:
    """The steps in their order, and what waits for what."""
    known = {step.id for step in plan.steps}
    edges = (Edge(str(need), str(s.id)) for s in plan.steps for need in s.depends_on if need in known)
    return Graph(
        title=f"Plan for {plan.environment}",
        description=f"{counted(len(plan.steps), 'step')}. An arrow leads from a step to one that waits for it.",
        nodes=tuple(_node(step) for step in plan.steps),
        edges=tuple(edges),
    )


def _node(step: Step) -> Node:
    return Node(
        key=str(step.id),
        name=step.address.name,
        kind=step.kind,
        role=Role(step.action.value),
        group=group_of(step.address),
        address=step.address,
        number=step.id,
        mark=_mark(step),
    )


def _mark(step: Step) -> str:
    if step.action is Action.START:
        return "dials people"
    match step.risk:
        case Risk.REVERSIBLE:
            return ""
        case Risk.IRREVERSIBLE:
            return "for good"
        case Risk.DATA_LOSS:
            return "data loss"
        case _:
            assert_never(step.risk)

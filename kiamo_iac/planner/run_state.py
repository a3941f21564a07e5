"""The way from one run state to another, as commands; what a command needs, and what it cannot undo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.state_machine import StateMachine
from kiamo_iac.planner.change_set import Draft, Unit
from kiamo_iac.planner.matching import Pair
from kiamo_iac.planner.plan import Action, FieldChange, Risk


def machine_of(pair: Pair) -> StateMachine:
    """The machine of a kind that has one."""
    if pair.kind.machine is None:
        msg = f"a {pair.kind.kind} has no run state"
        raise LookupError(msg)
    return pair.kind.machine


def move(unit: Unit, start: str, goal: str, *, why: str, capabilities: Capabilities) -> None:
    """Commands from one run state to another, or a refusal."""
    pair, machine = unit.pair, machine_of(unit.pair)
    way = machine.path(start, goal)
    if way is None:
        closed = start in machine.terminal
        code = machine.closed_state if closed else machine.impossible
        unit.refuse(
            "KIA0510",
            f'{pair.kind.kind} "{pair.address.name}" is {start} and cannot become {goal}',
            detail=f"The instance would answer {capabilities.meaning(code)}."
            + (" Nothing is ever made anew to leave that state: people would be called twice." if closed else ""),
            hint="Take state away from the block, or declare a new one under another name.",
            key="state",
        )
        return
    for number, (command, reached) in enumerate(way):
        if not _requirement_met(unit, machine, command, capabilities):
            return
        passing = number + 1 < len(way)
        dials = " (this dials)" if command in machine.dials else ""
        reason = f"the way from {start} to {goal} goes through {reached}{dials}" if passing else f"{why}{dials}"
        give(unit, command, start if number == 0 else way[number - 1][1], reached, why=reason)


def _requirement_met(unit: Unit, machine: StateMachine, command: str, capabilities: Capabilities) -> bool:
    needed = machine.requires.get(command)
    if needed is None:
        return True
    pair = unit.pair
    have: Mapping[str, Any] = {
        **(pair.live.attributes if pair.live else {}),
        **(pair.desired.attributes if pair.desired else {}),
    }
    if have.get(needed.attribute):
        return True
    unit.refuse(
        "KIA0511",
        f'{pair.kind.kind} "{pair.address.name}" has no {needed.attribute}, and cannot {command} without',
        detail=f"The instance would answer {capabilities.meaning(needed.code)}.",
        hint=f"Declare {needed.attribute}.",
        key=needed.attribute,
    )
    return False


def give(unit: Unit, command: str, before: str, after: str, *, why: str) -> None:
    """Append one command that leads from the run state `before` to `after`."""
    pair, machine = unit.pair, machine_of(unit.pair)
    final = after in machine.terminal or command in machine.dials
    owner = pair.desired
    unit.add(
        Draft(
            Action(command),
            pair,
            why,
            before={"state": before},
            after={"state": after},
            changes=(FieldChange("state", before, after),),
            risk=Risk.IRREVERSIBLE if final else Risk.REVERSIBLE,
            source=owner.source_of("state") if owner else None,
        )
    )


def close(unit: Unit, state: str, *, why: str) -> None:
    """Commands from `state` to the nearest terminal state; none where it is one."""
    for command, reached in machine_of(unit.pair).way_out(state):
        give(unit, command, state, reached, why=why)
        state = reached

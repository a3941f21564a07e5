"""Run states: the commands from one to another, what each requires, and whether it can be undone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.state_machine import StateMachine
from kiamo_iac.planner.change_set import ChangeSet
from kiamo_iac.planner.matching import ResourcePair
from kiamo_iac.planner.plan import Action, Cause, FieldChange, PlannedChange, Risk


def machine_of(pair: ResourcePair) -> StateMachine:
    """The state machine of a kind; LookupError where it has none."""
    if pair.kind.machine is None:
        msg = f"a {pair.kind.kind} has no run state"
        raise LookupError(msg)
    return pair.kind.machine


def transition(change_set: ChangeSet, start: str, goal: str, *, why: str, capabilities: Capabilities) -> None:
    """Append the commands from one run state to another, or refuse."""
    pair, machine = change_set.pair, machine_of(change_set.pair)
    path = machine.path(start, goal)
    if path is None:
        closed = start in machine.terminal
        code = machine.closed_state if closed else machine.impossible
        change_set.refuse(
            "KIA0510",
            f'{pair.kind.kind} "{pair.address.name}" is {start} and cannot become {goal}',
            detail=f"The API would return {capabilities.meaning(code)}."
            + (" It is not recreated either: contacts would be dialled twice." if closed else ""),
            hint="remove state from the block, or declare a new one under another name",
            key="state",
        )
        return
    for number, (command, reached) in enumerate(path):
        if not _requirement_met(change_set, machine, command, capabilities):
            return
        passing = number + 1 < len(path)
        dials = " (dials contacts)" if command in machine.dials else ""
        reason = f"from {start} to {goal} through {reached}{dials}" if passing else f"{why}{dials}"
        add_command(change_set, command, start if number == 0 else path[number - 1][1], reached, why=reason)


def _requirement_met(change_set: ChangeSet, machine: StateMachine, command: str, capabilities: Capabilities) -> bool:
    needed = machine.requires.get(command)
    if needed is None:
        return True
    pair = change_set.pair
    have: Mapping[str, Any] = {
        **(pair.live.attributes if pair.live else {}),
        **(pair.desired.attributes if pair.desired else {}),
    }
    if have.get(needed.attribute):
        return True
    change_set.refuse(
        "KIA0511",
        f'{pair.kind.kind} "{pair.address.name}" has no {needed.attribute}, and cannot {command} without it',
        detail=f"The API would return {capabilities.meaning(needed.code)}.",
        hint=f"set {needed.attribute}",
        key=needed.attribute,
    )
    return False


def add_command(
    change_set: ChangeSet, command: str, before: str, after: str, *, why: str, cause: Cause = Cause.DECLARED
) -> None:
    """Append one command that leads from the run state `before` to `after`."""
    pair, machine = change_set.pair, machine_of(change_set.pair)
    final = after in machine.terminal or command in machine.dials
    change_set.add(
        PlannedChange(
            Action(command),
            pair.address,
            pair.kind.kind,
            why,
            before={"state": before},
            after={"state": after},
            changes=(FieldChange("state", before, after),),
            risk=Risk.IRREVERSIBLE if final else Risk.REVERSIBLE,
            source=pair.desired.source_of("state") if pair.desired else None,
            cause=cause,
        )
    )


def close(change_set: ChangeSet, state: str, *, why: str, cause: Cause) -> None:
    """Append the commands from `state` to the nearest terminal state; none where it is terminal."""
    for command, reached in machine_of(change_set.pair).way_out(state):
        add_command(change_set, command, state, reached, why=why, cause=cause)
        state = reached

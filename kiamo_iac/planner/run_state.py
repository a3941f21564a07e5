"""Run states: the commands from one to another, what each requires, whether it can be undone, what is still owed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kiamo_iac.core.capabilities import Capabilities
from kiamo_iac.core.printable import quote, shell_word
from kiamo_iac.core.state import OwedState, Owned, ResourceState
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


def transition(
    change_set: ChangeSet,
    start: str,
    goal: str,
    *,
    why: str,
    capabilities: Capabilities,
    cause: Cause = Cause.DECLARED,
) -> None:
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
        before = start if number == 0 else path[number - 1][1]
        add_command(change_set, command, before, reached, why=reason, cause=cause)


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
    """Append the commands from `state` to the nearest terminal state, none where it is terminal; or refuse."""
    if refuse_unlisted(change_set, state):
        return
    for command, reached in machine_of(change_set.pair).way_out(state):
        add_command(change_set, command, state, reached, why=why, cause=cause)
        state = reached


def refuse_unlisted(change_set: ChangeSet, state: str) -> bool:
    """Refuse a change of a resource whose live run state the contract does not list; whether it does not."""
    pair = change_set.pair
    if machine_of(pair).knows(state):
        return False
    kind = pair.kind.kind
    change_set.refuse(
        "KIA0510",
        f'{kind} "{pair.address.name}" has the run state {quote(state)}, which the contract does not list',
        hint=f"add its meaning to kinds.{kind}.attributes.state.values of the contract, or remove the block",
        key="state",
    )
    return True


# --- owed ------------------------------------------------------------------------------------------------------------


def still_owed(entry: Owned | None, declared: ResourceState | None, live: ResourceState | None) -> OwedState | None:
    """The run state that an earlier run owes to a resource; None: none, or that has lapsed.

    It lapses when the resource is no longer declared as managed, when a run state is declared for it, and when it is
    neither in the state that the run left it in nor further on the way to the owed one.
    """
    owed = entry.owed if entry is not None else None
    if owed is None or declared is None or live is None or declared.run_state is not None:
        return None
    machine, state = live.kind.machine, live.run_state
    way = machine.path(owed.left_in, owed.state) if machine is not None else None
    if state is None or not way:
        return None
    return owed if state in {owed.left_in, *(reached for _, reached in way[:-1])} else None


def owed_reason(machine: StateMachine, owed: OwedState) -> str:
    """Why a command pays what is owed: what the earlier run began, and did not end."""
    run = f"by the run of {run_moment(owed.since)}"
    if owed.left_in == machine.initial:
        return f"created with initial_state: {owed.state} {run}, not {owed.state} yet"
    if machine.moves.get(owed.left_in, {}).keys() & machine.dials:
        return f"back to {owed.state}, {owed.left_in} {run}"
    return f"to {owed.state}, {owed.left_in} on the way there {run}"


def left_text(owed: OwedState) -> str:
    """`left paused by the run of 2026-11-28 09:30 UTC, to be started`."""
    return f"left {owed.left_in} by the run of {run_moment(owed.since)}, to be {owed.state}"


def left_suffix(entry: Owned | None, state: str) -> str:
    """The end of a reason: which run left it in `state`; empty where the ledger knows of none."""
    owed = entry.owed if entry is not None else None
    return (
        f"; left {state} by the run of {run_moment(owed.since)}" if owed is not None and owed.left_in == state else ""
    )


def note_owed(change_set: ChangeSet, owed: OwedState) -> None:
    """Note that the plan pays what is owed, by which run, and how to waive it."""
    address = change_set.pair.ledger_address
    change_set.note(
        "KIA0620",
        f"{change_set.pair.address}: {left_text(owed)}; this plan does that",
        detail=f"Run {owed.run}.",
        hint=f"to leave it as it is: kiamo-iac ledger forget --owed {shell_word(address, 'ADDRESS')}",
    )


def note_lapsed(change_set: ChangeSet) -> None:
    """Note a run state that is no longer owed, though it was never reached."""
    pair = change_set.pair
    owed = pair.owned.owed if pair.owned is not None else None
    state = pair.live.run_state if pair.live is not None else None
    machine = pair.kind.machine
    if owed is None or state is None or machine is None or machine.satisfies(state, owed.state):
        return
    if pair.desired is not None and pair.desired.run_state is not None:
        return
    why = f"it is {state} now" if pair.desired is not None else f"it is no longer declared, and stays {state}"
    change_set.note(
        "KIA0621",
        f"{pair.address} is not brought to {owed.state}, as the run of {run_moment(owed.since)} was to: {why}",
        detail=f"Run {owed.run} left it {owed.left_in}.",
        hint=f"if it is to be {owed.state}, declare state: {owed.state}",
    )


def unpaid(pair: ResourcePair) -> ChangeSet:
    """The note on what is owed to a resource that is no longer declared."""
    change_set = ChangeSet(pair)
    note_lapsed(change_set)
    return change_set


def run_moment(timestamp: str) -> str:
    """`2026-11-28 09:30 UTC` of an RFC 3339 time in UTC."""
    return f"{timestamp[:16].replace('T', ' ')} UTC"

"""Which run states a plan owes while it is carried out: the ledger has them before the first write.

a detour      paused to be changed, or started on the way to paused: owed from the first of its commands on
a creation    with `initial_state`: owed from the create on
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kiamo_iac.core.state import OwedState
from kiamo_iac.planner.plan import Action, Cause, Step
from kiamo_iac.resources import kinds

if TYPE_CHECKING:
    from kiamo_iac.core.address import Address
    from kiamo_iac.core.state import State

COMMANDS = frozenset({Action.START, Action.PAUSE, Action.STOP})


class OwedStates:
    """The run states that one plan owes. Addresses are those of its steps."""

    def __init__(self, steps: Iterable[Step], desired: State, *, since: str, run: str) -> None:
        """`since`: RFC 3339, UTC, to the second; `run`: the id of the run that carries the plan out."""
        self._commands: dict[Address, list[Step]] = {}
        created: dict[Address, Step] = {}
        for step in steps:
            if step.action in COMMANDS:
                self._commands.setdefault(step.address, []).append(step)
            elif step.action is Action.CREATE:
                created[step.address] = step
        self._new: dict[Address, OwedState] = {}
        self._first: dict[Address, Step] = {}
        for address, commands in self._commands.items():
            create, declared = created.get(address), desired.get(address)
            if create is not None and declared is not None and declared.run_state is None:
                first, left_in = create, _initial(create)
            elif len(commands) > 1 and commands[0].cause is not Cause.OWED:
                first, left_in = commands[0], commands[0].after["state"]
            else:
                continue
            self._new[address] = OwedState(_goal(commands, created=create is not None), left_in, since, run)
            self._first[address] = first

    @property
    def first_steps(self) -> Mapping[Address, Step]:
        """Address → the step from which on a run state is owed to it; only what this plan adds."""
        return self._first

    def at_first(self, address: Address) -> OwedState | None:
        """What is owed from the first step on; None: this plan adds nothing."""
        return self._new.get(address)

    def after(self, step: Step, owed: OwedState | None) -> OwedState | None:
        """What is owed after `step`, if it was `owed` before."""
        if owed is None or step.action not in COMMANDS:
            return owed
        return None if step is self._commands[step.address][-1] else replace(owed, left_in=step.after["state"])


def _initial(step: Step) -> str:
    machine = kinds()[step.kind].machine
    return machine.initial if machine is not None else ""


def _goal(commands: list[Step], *, created: bool) -> str:
    """The state of the last command; for a batch that was paused and is then to be stopped for good, the one before
    both: a stop that was declared is never owed."""
    first, last = commands[0], commands[-1]
    machine = kinds()[last.kind].machine
    is_closed = machine is not None and last.after["state"] in machine.terminal
    goal: str = first.before["state"] if is_closed and not created else last.after["state"]
    return goal

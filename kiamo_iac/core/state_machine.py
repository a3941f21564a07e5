"""The run states of a kind, and the commands between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Requirement:
    """An attribute that must not be empty for a command."""

    attribute: str
    code: str
    """The vendor's code when it is."""


@dataclass(frozen=True, slots=True)
class StateMachine:
    """The states and commands of a kind. Commands have the names of the plan's actions."""

    initial: str
    """The state of a new object."""
    moves: Mapping[str, Mapping[str, str]]
    """State → command → the state it leads to."""
    terminal: frozenset[str]
    """States that no command leaves."""
    satisfied_by: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Desired state → other live states that satisfy it."""
    requires: Mapping[str, Requirement] = field(default_factory=dict)
    """Command → its requirement."""
    dials: frozenset[str] = frozenset()
    """Commands that make the platform dial contacts."""
    frozen_in: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Attribute → the states in which it cannot change, beside the terminal ones."""
    rename_only_in: frozenset[str] | None = None
    """States in which a rename is possible; None: any that is not terminal."""
    closed: str = ""
    """The vendor's code for any change of an object in a terminal state."""
    closed_state: str = ""
    """The vendor's code for a command to an object in a terminal state."""
    impossible: str = ""
    """The vendor's code for any other change that the state does not allow."""
    rename: str = ""
    """The vendor's code for a rename that the state does not allow."""
    delete: str = ""
    """The vendor's code for deleting an object in a state that is not terminal."""
    holds_parent: str = ""
    """The vendor's code for deleting the parent of an object in a state that is not terminal."""

    @property
    def running(self) -> frozenset[str]:
        """The states in which contacts are dialled."""
        return frozenset(
            reached for moves in self.moves.values() for command, reached in moves.items() if command in self.dials
        )

    @property
    def closed_by_command(self) -> frozenset[str]:
        """The terminal states that a command leads to."""
        return self.terminal & {state for moves in self.moves.values() for state in moves.values()}

    def knows(self, state: str) -> bool:
        """Whether a live state is one of this machine; an instance may have others."""
        return state in self.moves or state in self.terminal

    def satisfies(self, live: str, desired: str) -> bool:
        """Whether the state `live` satisfies `desired`."""
        return live == desired or live in self.satisfied_by.get(desired, frozenset())

    def path(self, start: str, end: str) -> tuple[tuple[str, str], ...] | None:
        """The shortest path from one state to another as (command, state reached) pairs; None when there is none."""
        if start == end:
            return ()
        seen = {start}
        queue: deque[tuple[str, tuple[tuple[str, str], ...]]] = deque([(start, ())])
        while queue:
            state, steps = queue.popleft()
            for command, reached in self.moves.get(state, {}).items():
                if reached == end:
                    return (*steps, (command, reached))
                if reached not in seen:
                    seen.add(reached)
                    queue.append((reached, (*steps, (command, reached))))
        return None

    def way_out(self, start: str) -> tuple[tuple[str, str], ...]:
        """The shortest path from `start` to a terminal state; empty when it is one.

        Raises:
            ValueError: there is none: a mistake in the file of the kind.
        """
        paths = [steps for end in sorted(self.terminal) if (steps := self.path(start, end)) is not None]
        if not paths:
            msg = f"no command leads from {start} to a terminal state"
            raise ValueError(msg)
        return min(paths, key=len)

    def detour(self, start: str, attributes: Iterable[str]) -> tuple[str, str] | None:
        """The (command, state) to a state in which all of `attributes` can change; None: they can in `start`."""
        if not any(start in self.frozen_in.get(a, ()) for a in attributes):
            return None
        for command, reached in self.moves.get(start, {}).items():
            if reached not in self.terminal and not any(reached in self.frozen_in.get(a, ()) for a in attributes):
                return command, reached
        msg = f"no command leads from {start} to a state in which {sorted(attributes)} can change"
        raise ValueError(msg)

"""A graph as data: what is drawn, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kiamo_iac.core.address import Address
from kiamo_iac.planner.plan import Action
from kiamo_iac.resources import by_collection, children_of


class Role(StrEnum):
    """What a node is drawn as: what a step does, or the state of a declared resource."""

    CREATE = Action.CREATE
    UPDATE = Action.UPDATE
    RENAME = Action.RENAME
    DELETE = Action.DELETE
    START = Action.START
    PAUSE = Action.PAUSE
    STOP = Action.STOP
    MANAGED = "managed"
    """Declared, and written by apply."""
    REFERENCE = "reference"
    """Must exist on the instance; never written."""
    ABSENT = "absent"
    """Declared with `ensure: absent`."""


DECLARED = frozenset({Role.MANAGED, Role.REFERENCE, Role.ABSENT})
"""The roles of a declared resource; the others are what a step does."""


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One box to draw. All text is data: each writer escapes it in its own way."""

    key: str
    """Unique in its graph."""
    name: str
    kind: str
    role: Role
    group: str
    """What it is drawn together with: its base, or the collection of a kind without children."""
    address: str = ""
    number: int | None = None
    """The id of its step."""
    mark: str = ""
    """What a person must not overlook, in a word or three; empty: nothing."""
    count: int = 1
    """How many nodes it represents."""
    caption: str = ""
    """The line under its name, where that is not its role and kind."""

    @property
    def subtitle(self) -> str:
        """The line under its name."""
        if self.caption:
            return self.caption if self.count == 1 else f"each {self.caption}"
        word = "" if self.role is Role.MANAGED else f"{self.role.value} "
        return f"{word}{self.kind}" if self.count == 1 else f"{word}{self.count} × {self.kind}"

    @property
    def whole(self) -> str:
        """All of it in one line, for those who cannot see the drawing, and for what does not fit into it."""
        step = f"step {self.number}: " if self.number is not None else ""
        return f"{step}{self.subtitle} {self.address or self.name}{f' ({self.mark})' if self.mark else ''}"


@dataclass(frozen=True, slots=True)
class Edge:
    """From what is needed to what needs it."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in the order in which they are to be read, and edges between them."""

    title: str
    description: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[Edge, ...]

    @property
    def groups(self) -> dict[str, list[GraphNode]]:
        """Group → its nodes, both in the order of the nodes, but whole collections first: the others refer to them."""
        found: dict[str, list[GraphNode]] = {}
        for node in self.nodes:
            found.setdefault(node.group, []).append(node)
        return dict(sorted(found.items(), key=lambda item: "/" in item[0]))


def group_of(address: Address) -> str:
    """What an object is drawn together with: the topmost object that it is at or below. Objects of a kind without
    children are one group, named as their collection."""
    collection, _, rest = address.partition("/")
    kind = by_collection().get(collection)
    if kind is not None and not children_of(kind.kind):
        return collection
    return f"{collection}/{rest.partition('/')[0]}"

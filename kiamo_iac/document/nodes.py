"""The pieces that a text is made of: nodes, their entries, and comments, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """What a node is."""

    SCALAR = "scalar"
    ALIAS = "alias"
    MAPPING = "mapping"
    SEQUENCE = "sequence"


@dataclass(slots=True, eq=False)
class Node:
    """One value or key. Offsets are of characters in the text, 0-based, ends behind the last one."""

    kind: Kind
    start: int
    """Of its anchor or tag, where it has one."""
    content: int
    """Of what follows anchor and tag."""
    end: int
    """Behind its last visible character; of an empty one, where it could be written."""
    full: int
    """As `end`, but behind the blank lines that belong to a literal text."""
    flow: bool = False
    """A mapping or list in brackets."""
    style: str = ""
    """Of a scalar: "", "'", '"', "|" or ">"."""
    value: str = ""
    """The text of a scalar, or the name that an alias stands for."""
    anchor: str | None = None
    tagged: bool = False
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """A mapping or list that is written in lines."""
        return not self.flow and self.kind in {Kind.MAPPING, Kind.SEQUENCE}

    @property
    def is_empty(self) -> bool:
        """Nothing is written there: an empty value."""
        return self.kind is Kind.SCALAR and self.content == self.end and not self.style

    @property
    def is_bare(self) -> bool:
        """Nothing is written there at all: neither a value nor an anchor or a tag."""
        return self.is_empty and self.start == self.end

    def entry(self, step: str | int) -> Entry | None:
        """The entry with this key, or at this index."""
        if isinstance(step, int):
            inside = self.kind is Kind.SEQUENCE and step < len(self.entries)
            return self.entries[step] if inside else None
        return next((entry for entry in self.entries if entry.name == step), None)

    def below(self) -> Iterator[Node]:
        """The node and every key and value in it, in the order of the text."""
        yield self
        for entry in self.entries:
            if entry.key is not None:
                yield entry.key
            yield from entry.value.below()


@dataclass(slots=True, eq=False)
class Entry:
    """One item of a list, or a key with its value."""

    start: int
    """Of its "-", its "?" or its key."""
    sign_end: int
    """Behind its "-" or ":"; of a key in brackets without a colon, the end of the key."""
    has_sign: bool
    key: Node | None
    value: Node

    @property
    def name(self) -> str | None:
        """The key as text; None of an item."""
        return self.key.value if self.key is not None else None

    @property
    def end(self) -> int:
        """Behind its last visible character."""
        return max(self.sign_end, self.value.end)

    @property
    def full(self) -> int:
        """Behind all that belongs to its value."""
        return max(self.sign_end, self.value.full)


@dataclass(frozen=True, slots=True)
class Comment:
    """From its "#" to the end of its line."""

    start: int
    end: int
    own_line: bool
    """Nothing but spaces stands before it on its line."""

"""A text as a tree of nodes with their start and end, and all comments: for edits and formatting.

`parse` reads the data of a text as fast as possible. `Tree` locates every piece of it, and is built only for a text
that `parse` accepts: one document, string keys, no loops.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from _ruamel_yaml import CParser  # type: ignore[import-not-found]
from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent, StreamEndEvent

BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The line breaks of libyaml."""
_BREAKS: Final = "\n\r\x85\u2028\u2029"
_PIECE: Final = re.compile(
    r"(?P<space>[ \t\n\r\x85\u2028\u2029]+)"
    r"|(?P<comment>\#[^\n\r\x85\u2028\u2029]*)"
    r"|(?P<property>![<][^>]*[>]|[&!][^ \t\n\r\x85\u2028\u2029,\[\]{}]*)"
    r"|(?P<sign>[-?:,])"
)
"""What can be between two nodes, and before the content of one."""
_HEADER: Final = re.compile(r"[|>][-+0-9]*[ \t]*(?P<comment>\#[^\n\r\x85\u2028\u2029]*)?")


class NodeKind(Enum):
    """What a node is."""

    SCALAR = "scalar"
    ALIAS = "alias"
    MAPPING = "mapping"
    SEQUENCE = "sequence"


@dataclass(slots=True, eq=False)
class Node:
    """One value or key. Offsets count characters of the text from 0; ends are exclusive."""

    kind: NodeKind
    start: int
    """Of its anchor or tag, where it has one."""
    content: int
    """Of what follows anchor and tag."""
    end: int
    """Behind its last visible character; of an empty one, where it could be written."""
    full: int
    """As `end`, but including the blank lines that belong to a literal text."""
    flow: bool = False
    """A mapping or list in brackets."""
    style: str = ""
    """Of a scalar: "", "'", '"', "|" or ">"."""
    value: str = ""
    """The text of a scalar, or the name of an alias."""
    anchor: str | None = None
    tagged: bool = False
    entries: list[NodeEntry] = field(default_factory=list)

    @property
    def is_block(self) -> bool:
        """A mapping or list that is written in lines."""
        return not self.flow and self.kind in {NodeKind.MAPPING, NodeKind.SEQUENCE}

    @property
    def is_empty(self) -> bool:
        """Nothing is written there: an empty value."""
        return self.kind is NodeKind.SCALAR and self.content == self.end and not self.style

    @property
    def is_bare(self) -> bool:
        """Nothing is written there at all: neither a value nor an anchor or a tag."""
        return self.is_empty and self.start == self.end

    def entry(self, step: str | int) -> NodeEntry | None:
        """The entry with this key, or at this index."""
        if isinstance(step, int):
            inside = self.kind is NodeKind.SEQUENCE and step < len(self.entries)
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
class NodeEntry:
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
    """Only spaces are before it on its line."""


class Tree:
    """A text as nodes and comments."""

    def __init__(self, text: str) -> None:
        """Build it.

        Raises:
            YAMLError: of ruamel.yaml, when the syntax is broken.
        """
        self.text = text
        self.comments: list[Comment] = []
        """In the order of the text."""
        self.bindings: list[tuple[Node, list[Node]]] = []
        """Each node with an anchor, and its aliases."""
        self.kept: set[int] = set()
        """Ends of the blank lines that belong to a text ("|+"): one more line there would belong to it too."""
        self.opening: tuple[int, int] | None = None
        """The span of "---" and the directives before it."""
        self.closing: tuple[int, int] | None = None
        """The span of "..."."""
        self.newline = found[0] if (found := BREAK.search(text)) else "\n"
        """The line break of the first line, used for new lines."""
        self._starts = [0, *(found.end() for found in BREAK.finditer(text))]
        self._position = 0
        self._anchors: dict[str, list[Node]] = {}
        self._next = CParser(text).get_event
        self.root = self._document()

    def line_start(self, offset: int) -> int:
        """Where the line of `offset` begins."""
        return self._starts[bisect_right(self._starts, offset) - 1]

    def line_end(self, offset: int) -> int:
        """Where the line of `offset` ends, its line break not counted."""
        found = BREAK.search(self.text, offset)
        return found.start() if found else len(self.text)

    def next_line(self, offset: int) -> int:
        """Where the line after that of `offset` begins, or the end of the text."""
        found = BREAK.search(self.text, offset)
        return found.end() if found else len(self.text)

    def column(self, offset: int) -> int:
        """How many characters are before `offset` on its line."""
        return offset - self.line_start(offset)

    def _document(self) -> Node | None:
        self._next()  # the start of the stream
        event = self._next()
        if type(event) is StreamEndEvent:
            self._pieces(len(self.text))
            return None
        if event.explicit:
            start, end = event.start_mark.index, event.end_mark.index
            self._pieces(start)
            self.opening = (start, end)
            self._comments_of_directives(start, end)
            self._position = end
        event = self._next()
        self._pieces(event.start_mark.index)
        root = self._node(event)
        event = self._next()
        start, end = event.start_mark.index, event.end_mark.index
        if event.explicit:
            self._pieces(start)
            self.closing = (start, end)
            self._position = end
        self._pieces(len(self.text))
        return root

    def _comments_of_directives(self, start: int, end: int) -> None:
        for line in re.finditer(r"[^\n\r\x85\u2028\u2029]+", self.text[start:end]):
            found = re.search(r"(?:^|(?<=[ \t]))#.*", line[0])
            if found:
                own = not line[0][: found.start()].strip()
                at = start + line.start()
                self.comments.append(Comment(at + found.start(), at + found.end(), own))

    def _pieces(self, end: int) -> list[tuple[str, int]]:
        """Signs and properties from here to `end`, with their offsets; comments are noted."""
        text, position, found = self.text, self._position, []
        while position < end:
            piece = _PIECE.match(text, position, end)
            if piece is None:  # a bracket, or the content of a node
                break
            position = piece.end()
            match piece.lastgroup:
                case "comment":
                    own = not text[self.line_start(piece.start()) : piece.start()].strip()
                    self.comments.append(Comment(piece.start(), len(text[:position].rstrip()), own))
                case "sign" | "property":
                    found.append((piece[0], piece.start()))
        self._position = end
        return found

    def _sign(self, end: int, sign: str) -> int | None:
        """The offset of the last such sign before `end`; the position goes there."""
        start = self._position
        if "#" not in (gap := self.text[start:end]):  # as nearly always; there is nothing else but spaces
            self._position = end
            return start + index if (index := gap.rfind(sign)) >= 0 else None
        found = [offset for piece, offset in self._pieces(end) if piece == sign]
        return found[-1] if found else None

    def _node(self, event: Any) -> Node:
        if type(event) is AliasEvent:
            return self._alias(event)
        if type(event) is ScalarEvent:
            return self._scalar(event)
        start = event.start_mark.index
        is_mapping = type(event) is MappingStartEvent
        node = Node(
            NodeKind.MAPPING if is_mapping else NodeKind.SEQUENCE, start, start, start, start, bool(event.flow_style)
        )
        self._properties(node, event)
        if node.flow and self.text[node.content : node.content + 1] in {"{", "["}:
            self._position = node.content + 1
        if is_mapping:
            self._mapping(node)
        else:
            self._sequence(node)
        return node

    def _properties(self, node: Node, event: Any) -> None:
        if event.anchor is None and event.ctag is None:
            return
        self._position = node.start
        text = self.text
        is_scalar = type(event) is ScalarEvent
        end = event.end_mark.index if is_scalar else len(text)  # what follows an empty one is not its own
        for piece in iter(lambda: _PIECE.match(text, self._position, end), None):
            if piece.lastgroup == "sign":
                break
            if piece.lastgroup == "property":
                self._position = node.content = piece.end()
            else:
                self._pieces(piece.end())
        node.anchor = event.anchor
        node.tagged = event.ctag is not None
        if is_scalar or node.flow:
            node.content = self._position
        if node.anchor is not None:
            aliases: list[Node] = []
            self._anchors[node.anchor] = aliases
            self.bindings.append((node, aliases))

    def _alias(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        node = Node(NodeKind.ALIAS, start, start, end, end, value=event.anchor)
        self._anchors[event.anchor].append(node)
        self._position = end
        return node

    def _scalar(self, event: Any) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        style = event.style if event.style in {"'", '"', "|", ">"} else ""
        node = Node(NodeKind.SCALAR, start, start, end, end, style=style, value=event.value)
        self._properties(node, event)
        if node.style in {"|", ">"}:
            self._end_of_block_scalar(node)
        elif node.content >= end and node.start < end and not style:  # an empty one with an anchor or a tag
            node.end = node.full = node.content = start + len(self.text[start:end].rstrip())
        self._position = end
        return node

    def _end_of_block_scalar(self, node: Node) -> None:
        header = _HEADER.match(self.text, node.content)
        if header is None:
            return
        if header["comment"]:
            begins = header.start("comment")
            self.comments.append(Comment(begins, begins + len(header["comment"].rstrip()), own_line=False))
        body = self.text[header.end() : node.full]
        visible = body.rstrip(" \t" + _BREAKS)
        # Spaces at the end of its last line belong to the text; blank lines do if it says so ("+").
        node.end = self.line_end(header.end() + len(visible)) if visible else header.end()
        node.end = min(node.end, node.full)
        if "+" not in header[0].partition("#")[0]:
            node.full = node.end
        else:
            self.kept.add(node.full)

    def _sequence(self, node: Node) -> None:
        while type(event := self._next()) in {ScalarEvent, AliasEvent, MappingStartEvent, SequenceStartEvent}:
            start = event.start_mark.index
            sign = self._sign(start, "-")
            value = self._node(event)
            if sign is None:
                entry = NodeEntry(value.start, value.start, has_sign=False, key=None, value=value)
            else:
                entry = NodeEntry(sign, sign + 1, has_sign=True, key=None, value=value)
                _settle(entry)
            node.entries.append(entry)
        self._close(node, event)

    def _mapping(self, node: Node) -> None:
        while type(event := self._next()) in {ScalarEvent, AliasEvent}:
            question = self._sign(event.start_mark.index, "?")
            key = self._node(event)
            event = self._next()
            colon = self._sign(event.start_mark.index, ":")
            value = self._node(event)
            start = key.start if question is None else question
            entry = NodeEntry(start, key.end if colon is None else colon + 1, colon is not None, key, value)
            _settle(entry)
            node.entries.append(entry)
        self._close(node, event)

    def _close(self, node: Node, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if node.flow:
            self._pieces(start)
            self._position = end
            node.end = node.full = end
            if not self.is_bracketed(node):
                node.end = node.full = node.entries[-1].end
                self._position = start
            return
        node.end = node.entries[-1].end
        node.full = node.entries[-1].full

    def meaning(self, node: Node) -> Node:
        """The node itself, or the anchored node of an alias."""
        if node.kind is not NodeKind.ALIAS:
            return node
        return next(anchored for anchored, aliases in self.bindings if any(alias is node for alias in aliases))

    def is_bracketed(self, node: Node) -> bool:
        """False for the mapping in `[a: b]`, which has no brackets of its own."""
        return self.text[node.content] in "{["


def _settle(entry: NodeEntry) -> None:
    """Move an empty value right behind its sign."""
    value = entry.value
    if value.is_empty and value.start == value.end:
        value.start = value.content = value.end = value.full = entry.sign_end

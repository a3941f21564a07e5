"""Edits of one text, collected while they don't overlap and then applied together: the text is rarely read again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from kiamo_iac.document.equality import Path
from kiamo_iac.document.splices import (
    EditContext,
    NodeContext,
    Splice,
    append_item,
    insert_key,
    remove_entry,
    replace_value,
)
from kiamo_iac.document.tree import Node, NodeEntry, NodeKind, Tree

_MAX_SIBLINGS: Final = 50
"""Items of a list that are searched for a style to follow."""


@dataclass(frozen=True, slots=True)
class TextEdit:
    """What one edit does to the text, and to the tree of it."""

    splices: list[Splice]
    replaced: Node | None = None
    """The node whose value is another one from now on."""
    removed: tuple[Node, NodeEntry] | None = None
    """A mapping or list, and the entry that it loses."""
    extended: Node | None = None
    """A mapping or list that gets an entry behind its last one."""

    def span(self) -> Splice | None:
        """The whole old text of what is replaced or removed: no other pending edit may be inside."""
        what = self.removed[1] if self.removed is not None else self.replaced
        return Splice(what.start, what.full, "-") if what is not None else None


def _start(splice: Splice) -> int:
    return splice.start


@dataclass(slots=True)
class SpliceSet:
    """Splices that don't overlap, sorted by their start."""

    touching: bool
    """Two removals may be next to each other."""
    _splices: list[Splice] = field(default_factory=list)
    _extended: dict[int, int] = field(default_factory=dict)
    """Offset of a splice that adds entries behind the last one → id of their mapping or list."""

    def __bool__(self) -> bool:
        return bool(self._splices)

    def add(self, edit: TextEdit) -> bool:
        """Add the splices of an edit; False when one of them overlaps another edit, and none was added."""
        splices = [splice for splice in edit.splices if splice.text or splice.start != splice.end]
        if edit.extended is not None and len(splices) == 1:
            (splice,) = splices
            if self._extended.get(splice.start) == id(edit.extended):
                index = bisect_left(self._splices, splice.start, key=_start)
                kept = self._splices[index]
                self._splices[index] = kept._replace(text=kept.text + splice.text)
                return True
        span = edit.span()
        if any(map(self._overlaps, splices)) or (span is not None and self._overlaps(span)):
            return False
        if edit.extended is not None and len(splices) == 1:
            self._extended[splices[0].start] = id(edit.extended)
        for splice in splices:
            self._splices.insert(bisect_right(self._splices, splice.start, key=_start), splice)
        return True

    def _overlaps(self, new: Splice) -> bool:
        after = bisect_right(self._splices, new.start, key=_start)
        return any(self._overlap(kept, new) for kept in self._splices[max(after - 1, 0) : after + 1])

    def _overlap(self, one: Splice, other: Splice) -> bool:
        first, second = sorted((one, other))
        if self.touching and not first.text and not second.text:
            return first.end > second.start
        return first.end >= second.start

    def apply(self, text: str) -> str:
        """`text` with all splices applied."""
        pieces, position = [], 0
        for start, end, new in self._splices:
            pieces += [text[position:start], new]
            position = end
        return "".join([*pieces, text[position:]])


class NeedsReparse(Exception):  # noqa: N818 - no error: the pending edits have to be applied first
    """An edit builds on another one that is not in the text yet."""


class EditBatch:
    """A text and its pending edits; the text is parsed again only where one edit builds on another.

    Whatever parses the text may raise the YAMLError of ruamel.yaml, when an applied edit broke its syntax.
    """

    def __init__(self, text: str, *, flow: Collection[str], at: Callable[[Path], Any]) -> None:
        """`flow`: see `writing.dump`; `at` returns the data wanted at a path."""
        self._text = text
        self._flow = flow
        self._at = at
        self._context: EditContext | None = None
        self._pending = SpliceSet(touching=False)
        self._replaced: set[int] = set()
        """ids of the nodes whose value is replaced by a pending edit."""

    def text(self) -> str:
        """The text with all edits so far."""
        if self._pending:
            self._text = self._pending.apply(self._text)
            self._pending = SpliceSet(touching=False)
            self._context = None
        return self._text

    def _edited(self) -> EditContext:
        """The text that the pending edits were made for."""
        if self._context is None:
            tree = Tree(self._text)
            self._pending = SpliceSet(touching=not tree.kept)
            self._replaced = set()
            self._context = EditContext(tree, self._flow)
        return self._context

    def _tree(self) -> Tree:
        return self._edited().tree

    def add(self, plan: Callable[[], TextEdit]) -> bool:
        """Add the edit that `plan` returns; False when its place is not found even with all pending edits applied."""
        if self._add(plan):
            return True
        self.text()
        return self._add(plan)

    def _add(self, plan: Callable[[], TextEdit]) -> bool:
        try:
            edit = plan()
        except NeedsReparse:
            return False
        if not self._pending.add(edit):
            return False
        if edit.replaced is not None:
            self._replaced.add(id(edit.replaced))
        if edit.removed is not None:
            holder, entry = edit.removed
            holder.entries.remove(entry)
        return True

    def _nodes_along(self, path: Path) -> list[NodeContext]:
        """The nodes from the root along `path`; fewer when one of them is an alias.

        Raises:
            NeedsReparse: a pending edit changed one of them.
        """
        root = self._tree().root
        end = len(self._text)
        found = NodeContext(root or Node(NodeKind.SCALAR, end, end, end, end), None, None)
        nodes = [found]
        for step in path:
            if id(found.node) in self._replaced:
                raise NeedsReparse
            if found.node.kind is NodeKind.ALIAS:
                return nodes
            entry = found.node.entry(step)
            if entry is None:
                raise NeedsReparse
            found = NodeContext(entry.value, entry, found.node)
            nodes.append(found)
        if id(found.node) in self._replaced:
            raise NeedsReparse
        return nodes

    def _find(self, path: Path) -> tuple[NodeContext, Path]:
        """The node at `path`, or the alias on the way to it; and the path of that node."""
        nodes = self._nodes_along(path)
        return nodes[-1], path[: len(nodes) - 1]

    # The edits.

    def replace(self, path: Path) -> TextEdit:
        """The value at `path` is another one."""
        found, reached = self._find(path)
        meant = self._tree().meaning(found.node)
        like = meant if meant.entries else self._similar(reached)
        splices = replace_value(self._edited(), found, self._at(reached), key=_key(reached), like=like)
        return TextEdit(splices, replaced=found.node)

    def insert(self, path: Path, after: str | None) -> TextEdit:
        """The mapping, not empty, that holds `path` gets its last step as a new key."""
        found, reached = self._find(path[:-1])
        if reached != path[:-1] or found.node.kind is NodeKind.ALIAS:
            return self.replace(reached)
        key, holder = str(path[-1]), self._at(path[:-1])
        if after not in holder or after == list(holder)[-2]:
            after = None
        if not found.node.entries or (after is not None and found.node.entry(after) is None):
            raise NeedsReparse
        splices = insert_key(self._edited(), found, key, holder[key], after=after, like=self._similar(path))
        return TextEdit(splices, extended=found.node if after is None else None)

    def append(self, path: Path) -> TextEdit:
        """The list at `path`, not empty before, has a new last item."""
        found, reached = self._find(path)
        if reached != path or found.node.kind is NodeKind.ALIAS:
            return self.replace(reached)
        if not found.node.entries:
            raise NeedsReparse
        splices = append_item(self._edited(), found, self._at(path)[-1], key=_key(path))
        return TextEdit(splices, extended=found.node)

    def remove(self, path: Path) -> TextEdit:
        """What was at `path` is removed from a mapping or list that has other entries."""
        found, reached = self._find(path)
        if reached != path or found.entry is None or found.parent is None:
            return self.replace(reached)
        if len(found.parent.entries) == 1:  # what was added to it is still pending
            raise NeedsReparse
        return TextEdit(remove_entry(self._edited(), found), removed=(found.parent, found.entry))

    def _similar(self, path: Path) -> Node | None:
        """The node at the same path in another item of the same list: its style is the one to follow."""
        for above in (1, 2):
            if len(path) < above or not isinstance(path[-above], int):
                continue
            below = path[len(path) - above + 1 :]
            for entry in self._find(path[:-above])[0].node.entries[:_MAX_SIBLINGS]:
                node: Node | None = entry.value
                for step in below:
                    found = node.entry(step) if node is not None else None
                    node = found.value if found is not None else None
                if node is not None and node.entries:
                    return node
        return None

    # Aliases.

    def write_out_aliases(self, path: Path, removed: Path | None) -> None:
        """Replace the aliases of every anchor that an edit is about to change by their values.

        The edit is at `path`; what is at `removed` goes, with the anchors in it.
        """
        while self._tree().bindings and self._affected_aliases(path, removed):
            self.text()
            affected = self._affected_aliases(path, removed)
            for place, node in _aliases(self._tree().root, ()):
                if id(node) in affected:
                    found, value = self._find(place)[0], self._at(place)
                    like = affected[id(node)]
                    self._pending.add(TextEdit(replace_value(self._edited(), found, value, key=_key(place), like=like)))
            self.text()

    def _affected_aliases(self, path: Path, removed: Path | None) -> dict[int, Node]:
        """ids of the aliases of what an edit at `path` changes or removes → the anchored node."""
        try:
            nodes = self._nodes_along(path)
            gone = self._nodes_along(removed)[-1].node if removed is not None else None
        except NeedsReparse:
            self.text()
            nodes = self._nodes_along(path)
            gone = self._nodes_along(removed)[-1].node if removed is not None else None
        changed = {id(found.node) for found in nodes}
        lost = {id(node) for node in gone.below()} if gone is not None else set()
        found: dict[int, Node] = {}
        for node, aliases in self._tree().bindings:
            if id(node) in changed or id(node) in lost:
                found |= {id(alias): node for alias in aliases if id(alias) not in lost}
        return found


def _key(path: Path) -> str | None:
    return next((step for step in reversed(path) if isinstance(step, str)), None)


def _aliases(node: Node | None, path: Path) -> Iterator[tuple[Path, Node]]:
    """Every alias below `node`, with its path."""
    if node is None:
        return
    if node.kind is NodeKind.ALIAS:
        yield path, node
    for index, entry in enumerate(node.entries):
        yield from _aliases(entry.value, (*path, index if entry.key is None else entry.key.value))

"""A mapping or list of a text gets one more entry."""

from __future__ import annotations

import re
from typing import Any, Final

from kiamo_iac.document.nodes import Node
from kiamo_iac.document.splices import Manner, Splice, Spot, Surroundings
from kiamo_iac.document.writing import INDENT, entry_lines, flow_text, item_lines

_BLANK_LINE: Final = re.compile(r"(?:\r\n|\n|\r(?!\n))[ \t]*[\n\r]")


class Grower(Surroundings):
    """The splices that add an entry."""

    def added(self, spot: Spot, key: str, value: Any, *, after: str | None, like: Node | None) -> list[Splice]:
        """A key with its value into a mapping that is there, and not empty."""
        node = spot.node
        index = next((i for i, e in enumerate(node.entries) if after is not None and e.name == after), None)
        last = len(node.entries) - 1
        index = last if index is None else index
        if node.flow:
            text = flow_text({key: value})[1:-1]
            if not self._tree.is_bracketed(node):  # [a: b]
                return [Splice(node.start, node.start, "{"), Splice(node.end, node.end, f", {text}}}")]
            return self._into_brackets(node, index, text)
        column = self._tree.column(node.entries[0].start)
        at = self._behind(spot, index)
        literals = self._may_end_literal(at, column)
        written = self._written(value, Manner(like, key), column=column + len(key) + 2, literals=literals)
        return self._below(node, at, entry_lines(key, written), spaced=index == last and self._spaced(node))

    def appended(self, spot: Spot, item: Any, *, key: str | None) -> list[Splice]:
        """An item to a list that is there, and not empty; `key` is that of the list."""
        node = spot.node
        if node.flow:
            return self._into_brackets(node, len(node.entries) - 1, flow_text(item))
        column = self._tree.column(node.entries[0].start)
        at = self._behind(spot, len(node.entries) - 1)
        literals = self._may_end_literal(at, column)
        written = self._written(item, Manner(node.entries[-1].value, key), column=column + INDENT, literals=literals)
        return self._below(node, at, item_lines(written), spaced=self._spaced(node))

    def _into_brackets(self, node: Node, index: int, text: str) -> list[Splice]:
        """Behind the entry at `index`, on a line of its own where that entry has one."""
        entry = node.entries[index]
        follows = re.compile(r"[ \t]*,").match(self._text, entry.end)
        end = follows.end() if follows else entry.end
        last = index == len(node.entries) - 1
        start = self._tree.line_start(entry.start)
        indent = self._text[start : entry.start]
        eol = self._tree.line_end(end)
        rest = self._text[end:eol].strip(" \t")
        if indent.strip() or (rest and not rest.startswith("#")):
            return [Splice(end, end, (f" {text}" if follows else f", {text}") + ("," if follows else ""))]
        line = f"{self._tree.newline}{indent}{text}{',' if follows else ''}"
        return [Splice(end, end, "" if follows or not last else ","), Splice(eol, eol, line)]

    def _behind(self, spot: Spot, index: int) -> int:
        """Where a new entry can begin behind the one at `index`: the end of a line, or the beginning of one.

        It is the beginning where the lines before belong to a literal text, blank ones with it.
        """
        node, tree = spot.node, self._tree
        last = index == len(node.entries) - 1
        entry = node.entries[index]
        column = tree.column(entry.start)
        least = column + 1 if not last or self._shares_column(spot, column) else column
        at = entry.full
        for comment in self._comments_after(at):
            line = tree.line_start(comment.start)
            if tree.column(comment.start) < least or line != (at if at in tree.kept else tree.next_line(at)):
                break
            at = comment.end
        return at if at in tree.kept and tree.line_start(at) == at else tree.line_end(at)

    def _below(self, node: Node, at: int, lines: list[str], *, spaced: bool) -> list[Splice]:
        """Lines of a new entry of `node` that begins at `at`."""
        tree = self._tree
        column = tree.column(node.entries[0].start)
        if tree.line_start(at) == at:
            return [Splice(at, at, self._joined(lines, indent=column, first=True) + tree.newline)]
        text = self._joined(([""] if spaced else []) + lines, indent=column, first=True)
        return [*self._chomped(node, at), Splice(at, at, tree.newline + text)]

    def _shares_column(self, spot: Spot, column: int) -> bool:
        """A list whose "-" stand below the first letter of its key."""
        return spot.entry is not None and spot.entry.key is not None and self._tree.column(spot.entry.start) == column

    def _spaced(self, node: Node) -> bool:
        """Whether its last two entries have an empty line between them."""
        if len(node.entries) < 2:
            return False
        one, other = node.entries[-2:]
        return _BLANK_LINE.search(self._text, one.full, other.start) is not None

    def _chomped(self, node: Node, at: int) -> list[Splice]:
        """A literal text at the end of a file without a last line break: it must not get one now."""
        if at != len(self._text):
            return []
        *_, leaf = node.below()
        if leaf.style not in {"|", ">"} or leaf.full != at:
            return []
        mark = re.compile(r"[|>]([0-9]*)([-+]?)([0-9]*)").match(self._text, leaf.content)
        if mark is None or mark[2] == "-":
            return []
        return [Splice(mark.start(2), mark.end(2), "-")]

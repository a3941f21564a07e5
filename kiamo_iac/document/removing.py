"""A mapping or list of a text loses an entry."""

from __future__ import annotations

import re
from bisect import bisect_left

from kiamo_iac.document.nodes import Node
from kiamo_iac.document.splices import Splice, Spot, Surroundings


class Remover(Surroundings):
    """The splices that take an entry away."""

    def removed(self, spot: Spot) -> list[Splice]:
        """An entry of a mapping or list that has others, with its comments."""
        entry, parent = spot.entry, spot.parent
        if entry is None or parent is None:
            return []
        index = parent.entries.index(entry)
        if parent.flow:
            return self._removed_in_brackets(parent, index)
        tree = self._tree
        start = tree.line_start(entry.start)
        column = tree.column(entry.start)
        end = self._behind_comments(entry.full, column)
        if tree.line_start(end) != end:
            end = tree.next_line(end)
        if self._text[start : entry.start].strip():
            return self._removed_first(parent, end)
        start = self._with_comments(start, column=column)
        return [Splice(start, self._without_gap(start, end), "")]

    def _removed_first(self, parent: Node, end: int) -> list[Splice]:
        """The first entry, which stands behind the "-" of its list."""
        entry, following = parent.entries[:2]
        if not self._text[end : following.start].strip():
            return [Splice(entry.start, following.start, "")]
        start = entry.start
        while self._text[start - 1] in " \t":
            start -= 1
        return [Splice(start, self._tree.line_end(entry.end), "")]

    def _with_comments(self, start: int, *, column: int) -> int:
        """Where the comments directly above begin; those that the file opens with are about the file, and stay."""
        tree = self._tree
        at = start
        for index in range(bisect_left(tree.comments, at, key=lambda comment: comment.start) - 1, -1, -1):
            comment = tree.comments[index]
            line = tree.line_start(comment.start)
            if not comment.own_line or tree.next_line(comment.start) != at or tree.column(comment.start) != column:
                break
            at = line
        top = tree.next_line(tree.opening[1]) if tree.opening else 0
        return start if at <= top else at

    def _without_gap(self, start: int, end: int) -> int:
        """The empty lines below go too, where there are some above, or nothing is."""
        if start and start not in self._tree.kept:
            above = self._text[self._tree.line_start(start - 1) : start]
            if above.strip():
                return end
        found = re.compile(r"(?:[ \t]*(?:\r\n|[\n\r]))+").match(self._text, end)
        return found.end() if found else end

    def _removed_in_brackets(self, parent: Node, index: int) -> list[Splice]:
        entry = parent.entries[index]
        tree = self._tree
        start = tree.line_start(entry.start)
        follows = re.compile(r"[ \t]*,").match(self._text, entry.end)
        end = follows.end() if follows else entry.end
        rest = self._text[end : tree.line_end(end)].strip(" \t")
        if not self._text[start : entry.start].strip() and (not rest or rest.startswith("#")):
            start = self._with_comments(start, column=tree.column(entry.start))
            return [Splice(start, tree.next_line(end), "")]
        if index + 1 < len(parent.entries):
            return [Splice(entry.start, parent.entries[index + 1].start, "")]
        if index == 0:
            return [Splice(entry.start, end, "")]
        return [Splice(parent.entries[index - 1].end, entry.end, "")]

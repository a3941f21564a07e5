"""A value of a text becomes another one."""

from __future__ import annotations

from typing import Any

from kiamo_iac.document.nodes import Entry, Node
from kiamo_iac.document.splices import Manner, Splice, Spot, Surroundings
from kiamo_iac.document.tree import BREAK
from kiamo_iac.document.writing import INDENT, Style, Written, flow_text, write


class Replacer(Surroundings):
    """The splices that put another value in the place of one."""

    def replaced(self, spot: Spot, value: Any, *, manner: Manner) -> list[Splice]:
        """The value of `spot` becomes `value`; in brackets where it stands in some."""
        node, entry, parent = spot
        if entry is None or parent is None:
            return self._replaced_root(node, value)
        if parent.flow:
            return [self._in_brackets(entry, node, flow_text(value))]
        column = self._tree.column(entry.start)
        literals = self._may_end_literal(node.full, column)
        written = self._written(value, manner, column=self._tree.column(entry.sign_end) + 1, literals=literals)
        if node.is_block:
            return self._replaced_block(entry, node, written, column=column)
        return self._replaced_inline(entry, node, written, column=column)

    def _replaced_root(self, node: Node, value: Any) -> list[Splice]:
        written = write(value, Style(self._flow, literals=self._may_end_literal(node.full, 0)))
        lines = [written.head, *self._indented(written.lines, INDENT)] if written.head else written.lines
        if node.is_empty:
            return self._into_nothing(lines)
        end = self._tree.line_end(node.end) if node.is_block else node.end
        return [Splice(node.start, end, self._joined(lines))]

    def _into_nothing(self, lines: list[str]) -> list[Splice]:
        """Into a document of comments alone, or of nothing: behind all of them, before a "..."."""
        at = self._tree.closing[0] if self._tree.closing else len(self._text)
        before = self._text[:at]
        start = self._tree.newline if before and before[-1] not in "\r\n" else ""
        return [Splice(at, at, f"{start}{self._joined(lines)}{self._tree.newline}")]

    def _in_brackets(self, entry: Entry, node: Node, text: str) -> Splice:
        if not node.is_empty or node.start != node.end:
            needs_space = self._text[node.start - 1] == ":"
            return Splice(node.start, node.end, f" {text}" if needs_space else text)
        return Splice(entry.sign_end, entry.sign_end, f" {text}" if entry.has_sign else f": {text}")

    def _replaced_inline(self, entry: Entry, node: Node, written: Written, *, column: int) -> list[Splice]:
        """A value on one line, or in brackets, or a text over several lines."""
        empty = node.is_empty and node.start == node.end
        start = entry.sign_end if empty else node.start
        eol = self._tree.line_end(node.end)
        if written.head:
            note = self._note_of_literal(node)
            note = f"  {note}" if note else ""
            head = f" {written.head}" if empty or self._text[start - 1] in ":-" else written.head
            if not written.lines:
                return [Splice(start, node.end, head + note)]
            below = self._lines(written.lines, column + INDENT)
            if note:  # its "|" line takes the comment along
                return [Splice(start, node.end, head + note + below)]
            return [Splice(start, node.end, head), Splice(eol, eol, below)]
        note = self._note_of_literal(node) or self._text[node.end : eol].strip()
        if BREAK.search(self._text, entry.sign_end, start):  # it has lines of its own below its sign
            column = self._tree.column(start)
            above = f"{note}{self._tree.newline}{' ' * column}" if note else ""
            return [Splice(start, eol, above + self._joined(written.lines, indent=column))]
        if entry.key is None and not empty and not note:
            return [Splice(start, eol, self._joined(written.lines, indent=self._tree.column(start)))]
        below = self._lines(written.lines, column + INDENT)
        return [Splice(entry.sign_end, eol, f"  {note}{below}" if note else below)]

    def _replaced_block(self, entry: Entry, node: Node, written: Written, *, column: int) -> list[Splice]:
        """A mapping or a list in lines: they go, with the comments among them."""
        tree = self._tree
        end = tree.line_end(self._behind_comments(node.end, column))
        same_line = tree.line_start(node.start) == tree.line_start(entry.sign_end)
        if same_line and entry.key is None and node.content == node.start:  # "- name: city"
            if written.head:
                text = written.head + self._lines(written.lines, column + INDENT)
            else:
                text = self._joined(written.lines, indent=tree.column(node.start))
            return [Splice(node.start, end, text)]
        head = f" {written.head}" if written.head else ""
        below = self._lines(written.lines, column + INDENT)
        eol = tree.line_end(entry.sign_end)
        if same_line:  # its anchor stands behind the sign
            return [Splice(entry.sign_end, end, head + below)]
        return [Splice(entry.sign_end, entry.sign_end, head), Splice(eol, end, below)]

    def _note_of_literal(self, node: Node) -> str:
        """The comment on the first line of a literal text, which would go with it."""
        if node.style not in {"|", ">"}:
            return ""
        comments = (c for c in self._tree.comments if node.content <= c.start < node.end)
        return "".join(self._text[c.start : c.end] for c in comments)

"""Which characters of a text go, and which come, to make one change of its data; all others stay."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final, NamedTuple

from kiamo_iac.document.tree import BREAK, Comment, Entry, Node, Tree
from kiamo_iac.document.writing import INDENT, WIDTH, Style, Written, entry_lines, flow_text, is_small, write

_BLANK_LINE: Final = re.compile(r"(?:\r\n|\n|\r(?!\n))[ \t]*[\n\r]")


class Splice(NamedTuple):
    """`text` in the place of the characters from `start` to `end`."""

    start: int
    end: int
    text: str


class Spot(NamedTuple):
    """A node, and what it is the value of."""

    node: Node
    entry: Entry | None
    """None of the top of the document."""
    parent: Node | None


class Splicer:
    """The changes that one tree can take."""

    def __init__(self, tree: Tree, *, flow: Collection[str]) -> None:
        """`flow`: see `writing.dump`."""
        self._tree = tree
        self._text = tree.text
        self._flow = flow

    # What is there already gets another value.

    def replaced(self, spot: Spot, value: Any, *, like: Node | None = None) -> list[Splice]:
        """The value of `spot` becomes `value`; in brackets where `like` is, or where it stands in brackets itself."""
        node, entry, parent = spot
        if entry is None or parent is None:
            return self._replaced_root(node, value)
        if parent.flow:
            return [self._in_brackets(entry, node, flow_text(value))]
        column = self._tree.column(entry.start)
        literals = self._may_end_literal(node.full, column)
        written = self._written(value, like, column=self._tree.column(entry.sign_end) + 1, literals=literals)
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

    # Something new comes.

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
        written = self._written(value, like, column=column + len(key) + 2, literals=literals)
        return self._below(node, at, entry_lines(key, written), spaced=index == last and self._spaced(node))

    def appended(self, spot: Spot, item: Any) -> list[Splice]:
        """An item to a list that is there, and not empty."""
        node = spot.node
        if node.flow:
            return self._into_brackets(node, len(node.entries) - 1, flow_text(item))
        column = self._tree.column(node.entries[0].start)
        at = self._behind(spot, len(node.entries) - 1)
        literals = self._may_end_literal(at, column)
        written = self._written(item, node.entries[-1].value, column=column + INDENT, literals=literals)
        return self._below(node, at, entry_lines(None, written), spaced=self._spaced(node))

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

    # Something goes.

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
        for comment in reversed(tree.comments):
            if comment.start >= at:
                continue
            line = tree.line_start(comment.start)
            if not comment.own_line or tree.next_line(comment.start) != at or tree.column(comment.start) != column:
                break
            at = line
        top = tree.next_line(tree.opening[1]) if tree.opening else 0
        return start if at <= top else at

    def _without_gap(self, start: int, end: int) -> int:
        """The empty lines below go too, where there are some above, or nothing is."""
        above = self._text[:start].rstrip(" \t")
        lines = above.splitlines()
        if lines and lines[-1].strip() and start not in self._tree.kept:
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

    # What stands around.

    def _behind_comments(self, at: int, column: int) -> int:
        """Behind the comments that follow `at` and stand deeper than `column`: they are about what stands there."""
        for comment in self._comments_after(at):
            if self._tree.column(comment.start) <= column:
                break
            at = comment.end
        return at

    def _comments_after(self, at: int) -> Iterator[Comment]:
        """The comments with a line of their own between `at`, in lines, and whatever comes next."""
        comments = self._tree.comments
        for comment in comments[bisect_left(comments, at, key=lambda comment: comment.start) :]:
            if self._text[at : comment.start].strip():
                break
            if comment.own_line:
                yield comment
            at = comment.end

    def _may_end_literal(self, at: int, column: int) -> bool:
        """Whether a literal text below an entry in `column` may end at `at`.

        It would swallow a comment that stands as deep as itself, and at the end of a file it needs a line break.
        """
        following = next(self._comments_after(at), None)
        deeper = following is not None and self._tree.column(following.start) > column
        return not deeper and self._tree.line_end(at) != len(self._text)

    # How it is written.

    def _written(self, value: Any, like: Node | None, *, column: int, literals: bool) -> Written:
        room = WIDTH - column
        if like is not None and like.flow and like.entries and isinstance(value, dict | list) and value:
            nested = any(entry.value.entries for entry in like.entries)
            if is_small(value) or (nested and "\n" not in str(value)):
                spaced = self._text[like.content : like.content + 2] == "{ "
                text = flow_text(value, spaced=spaced)
                if len(text) <= room:
                    return Written(text, [])
        return write(value, Style(self._flow, room, literals))

    def _indented(self, lines: Iterable[str], indent: int) -> list[str]:
        return [" " * indent + line if line else "" for line in lines]

    def _lines(self, lines: list[str], indent: int) -> str:
        """Lines below the one that they are put behind."""
        return "".join(self._tree.newline + line for line in self._indented(lines, indent))

    def _joined(self, lines: list[str], *, indent: int = 0, first: bool = False) -> str:
        """Lines whose first one is indented already, unless `first`."""
        indented = self._indented(lines, indent)
        if lines and not first:
            indented[0] = lines[0]
        return self._tree.newline.join(indented)

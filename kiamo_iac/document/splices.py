"""The splices that insert, remove or replace one entry of a text: only the characters of that entry change."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from kiamo_iac.document.tree import BREAK, Comment, Node, NodeEntry, Tree
from kiamo_iac.document.writing import (
    INDENT,
    WIDTH,
    WriteStyle,
    WrittenValue,
    entry_lines,
    flow_text,
    is_small,
    item_lines,
    write,
    write_under,
)

_BLANK_LINE: Final = re.compile(r"(?:\r\n|\n|\r(?!\n))[ \t]*[\n\r]")
_BLANK_LINES: Final = re.compile(r"(?:[ \t]*(?:\r\n|[\n\r]))+")
_COMMA: Final = re.compile(r"[ \t]*,")
_LITERAL_HEADER: Final = re.compile(r"[|>]([0-9]*)([-+]?)([0-9]*)")


class Splice(NamedTuple):
    """`text` replaces the characters from `start` to `end`."""

    start: int
    end: int
    text: str


class NodeContext(NamedTuple):
    """A node, and what it is the value of."""

    node: Node
    entry: NodeEntry | None
    """None for the root of the document."""
    parent: Node | None


@dataclass(frozen=True, slots=True)
class EditContext:
    """The text that is edited, and how new values are written in it."""

    tree: Tree
    flow: Collection[str]
    """Keys whose new values go into brackets, see `writing.dump`."""

    @property
    def text(self) -> str:
        """The text of the tree."""
        return self.tree.text

    def comments_after(self, at: int) -> Iterator[Comment]:
        """The comments on lines of their own that follow `at` before anything else does."""
        comments = self.tree.comments
        for index in range(bisect_left(comments, at, key=lambda comment: comment.start), len(comments)):
            comment = comments[index]
            if self.text[at : comment.start].strip():
                break
            if comment.own_line:
                yield comment
            at = comment.end

    def end_of_comments(self, at: int, column: int) -> int:
        """The end of the comments that follow `at` and are indented deeper than `column`: they belong to it."""
        for comment in self.comments_after(at):
            if self.tree.column(comment.start) <= column:
                break
            at = comment.end
        return at

    def start_of_comments(self, start: int, *, column: int) -> int:
        """The start of the comments directly above `start`; the file's opening comments are not among them."""
        tree = self.tree
        at = start
        for index in range(bisect_left(tree.comments, at, key=lambda comment: comment.start) - 1, -1, -1):
            comment = tree.comments[index]
            line = tree.line_start(comment.start)
            if not comment.own_line or tree.next_line(comment.start) != at or tree.column(comment.start) != column:
                break
            at = line
        top = tree.next_line(tree.opening[1]) if tree.opening else 0
        return start if at <= top else at

    def may_end_literal(self, at: int, column: int) -> bool:
        """Whether a literal text below an entry in `column` may end at `at`.

        A comment that is indented as deep would become part of it, and at the end of a file it needs a line break.
        """
        following = next(self.comments_after(at), None)
        deeper = following is not None and self.tree.column(following.start) > column
        return not deeper and self.tree.line_end(at) != len(self.text)

    def written(self, value: Any, *, key: str | None, like: Node | None, column: int, literals: bool) -> WrittenValue:
        """A new value under `key` (of an item, the key of its list), in the style of the node `like` where it fits."""
        style = WriteStyle(self.flow, WIDTH - column, literals)
        if like is None or not like.entries or not isinstance(value, dict | list) or not value:
            return write_under(key, value, style)
        if like.flow:
            return self._bracketed(value, like, style.width) or write(value, style)
        first = like.entries[0].value
        if not isinstance(value, list) or not first.flow:
            return write(value, style)
        narrower = style.narrower(INDENT)
        items = (self._bracketed(item, first, narrower.width) or write(item, narrower) for item in value)
        return WrittenValue("", [line for item in items for line in item_lines(item)])

    def _bracketed(self, value: Any, like: Node, room: int) -> WrittenValue | None:
        """A mapping or list in brackets, where `like` is in brackets and the value is as small and fits."""
        if not isinstance(value, dict | list) or not value:
            return None
        nested = any(entry.value.entries for entry in like.entries)
        text = flow_text(value, spaced=self.text[like.content : like.content + 2] == "{ ")
        fits = is_small(value) or (nested and "\\n" not in text)  # no text of several lines
        return WrittenValue(text, []) if fits and len(text) <= room else None

    def lines_below(self, lines: list[str], indent: int) -> str:
        """Lines to be put after the end of another line."""
        return "".join(self.tree.newline + line for line in _indented(lines, indent))

    def joined(self, lines: list[str], *, indent: int = 0, first: bool = False) -> str:
        """Lines as one text; the first one is indented already, unless `first`."""
        indented = _indented(lines, indent)
        if lines and not first:
            indented[0] = lines[0]
        return self.tree.newline.join(indented)


def _indented(lines: Iterable[str], indent: int) -> list[str]:
    return [" " * indent + line if line else "" for line in lines]


# Inserting.


def insert_key(
    context: EditContext, at: NodeContext, key: str, value: Any, *, after: str | None, like: Node | None
) -> list[Splice]:
    """Insert a key with its value into a mapping that is not empty, behind the key `after`, else as the last one."""
    node, tree = at.node, context.tree
    index = next((i for i, e in enumerate(node.entries) if after is not None and e.name == after), None)
    last = len(node.entries) - 1
    index = last if index is None else index
    if node.flow:
        text = flow_text({key: value})[1:-1]
        if not tree.is_bracketed(node):  # [a: b]
            return [Splice(node.start, node.start, "{"), Splice(node.end, node.end, f", {text}}}")]
        return _insert_in_brackets(context, node, index, text)
    column = tree.column(node.entries[0].start)
    start = _insertion_point(context, at, index)
    literals = context.may_end_literal(start, column)
    written = context.written(value, key=key, like=like, column=column + len(key) + 2, literals=literals)
    spaced = index == last and _is_spaced(context, node)
    return _insert_lines(context, node, start, entry_lines(key, written), spaced=spaced)


def append_item(context: EditContext, at: NodeContext, item: Any, *, key: str | None) -> list[Splice]:
    """Append an item to a list that is not empty; `key` is that of the list."""
    node, tree = at.node, context.tree
    if node.flow:
        return _insert_in_brackets(context, node, len(node.entries) - 1, flow_text(item))
    column = tree.column(node.entries[0].start)
    start = _insertion_point(context, at, len(node.entries) - 1)
    literals = context.may_end_literal(start, column)
    like = node.entries[-1].value
    written = context.written(item, key=key, like=like, column=column + INDENT, literals=literals)
    return _insert_lines(context, node, start, item_lines(written), spaced=_is_spaced(context, node))


def _insert_in_brackets(context: EditContext, node: Node, index: int, text: str) -> list[Splice]:
    """Behind the entry at `index`, on a line of its own where that entry has one."""
    entry, tree = node.entries[index], context.tree
    comma = _COMMA.match(context.text, entry.end)
    end = comma.end() if comma else entry.end
    last = index == len(node.entries) - 1
    start = tree.line_start(entry.start)
    indent = context.text[start : entry.start]
    eol = tree.line_end(end)
    rest = context.text[end:eol].strip(" \t")
    if indent.strip() or (rest and not rest.startswith("#")):
        return [Splice(end, end, (f" {text}" if comma else f", {text}") + ("," if comma else ""))]
    line = f"{tree.newline}{indent}{text}{',' if comma else ''}"
    return [Splice(end, end, "" if comma or not last else ","), Splice(eol, eol, line)]


def _insertion_point(context: EditContext, at: NodeContext, index: int) -> int:
    """Where a new entry can begin behind the one at `index`: the end of a line, or the start of one.

    It is the start of a line where the lines before, blank ones included, belong to a literal text.
    """
    node, tree = at.node, context.tree
    last = index == len(node.entries) - 1
    entry = node.entries[index]
    column = tree.column(entry.start)
    # A list may have its "-" below the first letter of its key.
    shares_column = at.entry is not None and at.entry.key is not None and tree.column(at.entry.start) == column
    least = column + 1 if not last or shares_column else column
    end = entry.full
    for comment in context.comments_after(end):
        line = tree.line_start(comment.start)
        if tree.column(comment.start) < least or line != (end if end in tree.kept else tree.next_line(end)):
            break
        end = comment.end
    return end if end in tree.kept and tree.line_start(end) == end else tree.line_end(end)


def _insert_lines(context: EditContext, node: Node, at: int, lines: list[str], *, spaced: bool) -> list[Splice]:
    """Insert the lines of a new entry of `node` at `at`."""
    tree = context.tree
    column = tree.column(node.entries[0].start)
    if tree.line_start(at) == at:
        return [Splice(at, at, context.joined(lines, indent=column, first=True) + tree.newline)]
    text = context.joined(([""] if spaced else []) + lines, indent=column, first=True)
    return [*_strip_final_newline(context, node, at), Splice(at, at, tree.newline + text)]


def _is_spaced(context: EditContext, node: Node) -> bool:
    """Whether its last two entries have an empty line between them."""
    if len(node.entries) < 2:
        return False
    one, other = node.entries[-2:]
    return _BLANK_LINE.search(context.text, one.full, other.start) is not None


def _strip_final_newline(context: EditContext, node: Node, at: int) -> list[Splice]:
    """Mark a literal text at the end of a file without a last line break with "-": its value must not get one."""
    if at != len(context.text):
        return []
    *_, leaf = node.below()
    if leaf.style not in {"|", ">"} or leaf.full != at:
        return []
    header = _LITERAL_HEADER.match(context.text, leaf.content)
    if header is None or header[2] == "-":
        return []
    return [Splice(header.start(2), header.end(2), "-")]


# Removing.


def remove_entry(context: EditContext, at: NodeContext) -> list[Splice]:
    """Remove an entry of a mapping or list that has others, with its comments."""
    entry, parent = at.entry, at.parent
    if entry is None or parent is None:
        return []
    index = parent.entries.index(entry)
    if parent.flow:
        return _remove_in_brackets(context, parent, index)
    tree = context.tree
    start = tree.line_start(entry.start)
    column = tree.column(entry.start)
    end = context.end_of_comments(entry.full, column)
    if tree.line_start(end) != end:
        end = tree.next_line(end)
    if context.text[start : entry.start].strip():
        return _remove_first(context, parent, end)
    start = context.start_of_comments(start, column=column)
    return [Splice(start, _end_of_gap(context, start, end), "")]


def _remove_first(context: EditContext, parent: Node, end: int) -> list[Splice]:
    """Remove the first entry of a mapping that begins on the line of its "-"."""
    entry, following = parent.entries[:2]
    if not context.text[end : following.start].strip():
        return [Splice(entry.start, following.start, "")]
    start = entry.start
    while context.text[start - 1] in " \t":
        start -= 1
    return [Splice(start, context.tree.line_end(entry.end), "")]


def _end_of_gap(context: EditContext, start: int, end: int) -> int:
    """The end of the empty lines below, where there are some above as well, or nothing is above."""
    tree = context.tree
    if start and start not in tree.kept:
        above = context.text[tree.line_start(start - 1) : start]
        if above.strip():
            return end
    found = _BLANK_LINES.match(context.text, end)
    return found.end() if found else end


def _remove_in_brackets(context: EditContext, parent: Node, index: int) -> list[Splice]:
    entry, tree = parent.entries[index], context.tree
    start = tree.line_start(entry.start)
    comma = _COMMA.match(context.text, entry.end)
    end = comma.end() if comma else entry.end
    rest = context.text[end : tree.line_end(end)].strip(" \t")
    if not context.text[start : entry.start].strip() and (not rest or rest.startswith("#")):
        start = context.start_of_comments(start, column=tree.column(entry.start))
        return [Splice(start, tree.next_line(end), "")]
    if index + 1 < len(parent.entries):
        return [Splice(entry.start, parent.entries[index + 1].start, "")]
    if index == 0:
        return [Splice(entry.start, end, "")]
    return [Splice(parent.entries[index - 1].end, entry.end, "")]


# Replacing.


def replace_value(
    context: EditContext, at: NodeContext, value: Any, *, key: str | None, like: Node | None
) -> list[Splice]:
    """Replace a value, in brackets where it is in some. `key`, `like`: see `EditContext.written`."""
    node, entry, parent = at
    if entry is None or parent is None:
        return _replace_root(context, node, value)
    if parent.flow:
        return [_replace_in_brackets(context, entry, node, flow_text(value))]
    tree = context.tree
    column = tree.column(entry.start)
    literals = context.may_end_literal(node.full, column)
    width = tree.column(entry.sign_end) + 1
    written = context.written(value, key=key, like=like, column=width, literals=literals)
    if node.is_block:
        return _replace_block(context, entry, node, written, column=column)
    return _replace_inline(context, entry, node, written, column=column)


def _replace_root(context: EditContext, node: Node, value: Any) -> list[Splice]:
    written = write(value, WriteStyle(context.flow, literals=context.may_end_literal(node.full, 0)))
    lines = [written.head, *_indented(written.lines, INDENT)] if written.head else written.lines
    if node.is_empty:
        return _write_into_empty(context, lines)
    end = context.tree.line_end(node.end) if node.is_block else node.end
    return [Splice(node.start, end, context.joined(lines))]


def _write_into_empty(context: EditContext, lines: list[str]) -> list[Splice]:
    """Into a document without a value: behind all its comments, before a "..."."""
    tree = context.tree
    at = tree.closing[0] if tree.closing else len(context.text)
    before = context.text[:at]
    start = tree.newline if before and before[-1] not in "\r\n" else ""
    return [Splice(at, at, f"{start}{context.joined(lines)}{tree.newline}")]


def _replace_in_brackets(context: EditContext, entry: NodeEntry, node: Node, text: str) -> Splice:
    if not node.is_empty or node.start != node.end:
        needs_space = context.text[node.start - 1] == ":"
        return Splice(node.start, node.end, f" {text}" if needs_space else text)
    return Splice(entry.sign_end, entry.sign_end, f" {text}" if entry.has_sign else f": {text}")


def _replace_inline(
    context: EditContext, entry: NodeEntry, node: Node, written: WrittenValue, *, column: int
) -> list[Splice]:
    """Replace a value on one line, or in brackets, or a text over several lines."""
    tree, text = context.tree, context.text
    empty = node.is_empty and node.start == node.end
    start = entry.sign_end if empty else node.start
    eol = tree.line_end(node.end)
    if written.head:
        comment = _comment_of_literal(context, node)
        comment = f"  {comment}" if comment else ""
        head = f" {written.head}" if empty or text[start - 1] in ":-" else written.head
        if not written.lines:
            return [Splice(start, node.end, head + comment)]
        below = context.lines_below(written.lines, column + INDENT)
        if comment:  # it stays on the line of the "|"
            return [Splice(start, node.end, head + comment + below)]
        return [Splice(start, node.end, head), Splice(eol, eol, below)]
    comment = _comment_of_literal(context, node) or text[node.end : eol].strip()
    if BREAK.search(text, entry.sign_end, start):  # the value begins on a line below its sign
        column = tree.column(start)
        above = f"{comment}{tree.newline}{' ' * column}" if comment else ""
        return [Splice(start, eol, above + context.joined(written.lines, indent=column))]
    if entry.key is None and not empty and not comment:
        return [Splice(start, eol, context.joined(written.lines, indent=tree.column(start)))]
    below = context.lines_below(written.lines, column + INDENT)
    return [Splice(entry.sign_end, eol, f"  {comment}{below}" if comment else below)]


def _replace_block(
    context: EditContext, entry: NodeEntry, node: Node, written: WrittenValue, *, column: int
) -> list[Splice]:
    """Replace a mapping or list in lines, with the comments in it."""
    tree = context.tree
    end = tree.line_end(context.end_of_comments(node.end, column))
    same_line = tree.line_start(node.start) == tree.line_start(entry.sign_end)
    if same_line and entry.key is None and node.content == node.start:  # "- name: city"
        if written.head:
            text = written.head + context.lines_below(written.lines, column + INDENT)
        else:
            text = context.joined(written.lines, indent=tree.column(node.start))
        return [Splice(node.start, end, text)]
    head = f" {written.head}" if written.head else ""
    below = context.lines_below(written.lines, column + INDENT)
    eol = tree.line_end(entry.sign_end)
    if same_line:  # its anchor is behind the sign
        return [Splice(entry.sign_end, end, head + below)]
    return [Splice(entry.sign_end, entry.sign_end, head), Splice(eol, end, below)]


def _comment_of_literal(context: EditContext, node: Node) -> str:
    """The comment on the first line of a literal text, which is kept when the text is replaced."""
    if node.style not in {"|", ">"}:
        return ""
    comments = (c for c in context.tree.comments if node.content <= c.start < node.end)
    return "".join(context.text[c.start : c.end] for c in comments)

"""The canonical layout of a text: its data, its comments and its order in one form."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from kiamo_iac.document.tree import BREAK, Comment, Node, NodeEntry, NodeKind, Tree
from kiamo_iac.document.writing import INDENT, LONGEST_KEY, WIDTH, is_hidden, is_plain, quoted, scalar

_END: Final = 2**62
"""Behind every text."""


class LayoutError(Exception):
    """The text cannot be formatted because of what is at `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class Layout:
    """One text in the canonical layout; comments are written in order as the walk along the nodes reaches them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._text = tree.text
        self._comments = tree.comments
        self._starts = [comment.start for comment in tree.comments]
        self._next = 0
        """Index of the first comment that is not written yet."""
        self._lines: list[str] = []
        self._opened = True
        """The current block is empty so far, and must not begin with an empty line."""

    def lines(self) -> list[str]:
        """The lines of the layout.

        Raises:
            LayoutError: a key is too long.
        """
        tree = self._tree
        if tree.opening is not None:
            start, end = tree.opening
            self._own_lines(self._until(start), 0)
            self._directives(start, end)
        if tree.root is not None and not tree.root.is_bare:
            self._root(tree.root)
        self._own_lines(self._until(_END), 0)
        return self._lines

    def _directives(self, start: int, end: int) -> None:
        """The "---", and what is before it."""
        position = start
        while position <= end:
            stop = min(self._tree.line_end(position), end)
            content = self._text[position:stop]
            comments = list(self._until(stop))
            if comments:
                content = self._text[position : comments[0].start].rstrip()
            notes = [self._text[comment.start : comment.end] for comment in comments]
            if content.strip() or notes:
                self._lines.append("  ".join(part for part in (content.rstrip(), *notes) if part))
            position = max(self._tree.next_line(position), position + 1)
        self._lines[-1] += self._note(end)
        self._opened = True

    def _root(self, root: Node) -> None:
        shown = properties(self._tree, root)
        text = self._inline(root, WIDTH)
        if text is not None:
            self._above(self._until(root.content), root.start, 0)
            self._short("", root, text, indent=-INDENT)
            return
        if shown:
            self._above(self._until(root.start), root.start, 0)
            self._lines.append(shown + self._note(root.start))
            self._opened = True
        self._block(root, 0, limit=_END, outer=-1)

    # Mappings and lists in lines.

    def _block(self, node: Node, indent: int, *, limit: int, outer: int, begun: str = "") -> None:
        """Write all entries, and the comments behind the last one that belong to the block.

        `limit`: where the next node begins; `outer`: the column of the enclosing block; `begun`: the start of the line
        of the first entry, if it is written already.
        """
        column = outer if node.flow else self._tree.column(node.entries[0].start)
        for index, entry in enumerate(node.entries):
            last = index + 1 == len(node.entries)
            if index or not begun:
                self._above(self._until(self._beginning(entry)), entry.start, indent)
            end = (node.end if node.flow else limit) if last else node.entries[index + 1].start
            prefix = " " * indent if index or not begun else begun
            self._entry(entry, prefix, indent=indent, limit=end, column=column)
            # Deeper ones are about this entry; below a literal text they would belong to it.
            if not node.flow and not is_literal(entry.value):
                self._own_lines(self._trailing(end, column + 1), indent + INDENT)
        if node.flow:
            self._own_lines(self._until(node.end), indent)
        else:
            self._own_lines(self._trailing(limit, outer + 1), indent)

    def _entry(self, entry: NodeEntry, prefix: str, *, indent: int, limit: int, column: int) -> None:
        value = entry.value
        head = f"{prefix}-" if entry.key is None else f"{prefix}{self._key(entry.key)}:"
        text = self._inline(value, WIDTH - len(head) - 1)
        if text is not None:
            self._short(head, value, text, indent=indent)
            return
        shown = properties(self._tree, value)
        if entry.key is None and not shown:
            if self._is_compact(value) and (note := self._note(value.end)):
                # The brackets were too long for one line: the comment behind them moves above.
                self._lines.append(" " * (len(prefix) - len(prefix.lstrip(" "))) + note.strip())
            self._block(value, indent + INDENT, limit=limit, outer=column, begun=f"{head} ")
            return
        note = self._note(entry.sign_end, before=value.entries[0].start)
        if not note and self._is_compact(value):
            note = self._note(value.end)
        self._lines.append(f"{head} {shown}".rstrip() + note)
        self._opened = True
        self._block(value, indent + INDENT, limit=limit, outer=column)

    def _beginning(self, entry: NodeEntry) -> int:
        """The offset before which comments are above the entry."""
        value = entry.value
        if value.is_bare:
            return entry.sign_end
        if self._is_compact(value):
            return value.content
        if entry.key is None:
            return self._beginning(value.entries[0]) if value.start == value.content else value.start
        return entry.sign_end

    def _is_compact(self, node: Node) -> bool:
        """Whether it could be on one line if the width allowed it."""
        return not node.entries or (node.flow and not self._has_comments(node))

    def _has_comments(self, node: Node) -> bool:
        return bisect_left(self._starts, node.content) != bisect_left(self._starts, node.end)

    def _key(self, node: Node) -> str:
        text = self._with_properties(node, one_line(self._tree, node, flow=False))
        if len(text) > LONGEST_KEY:
            raise LayoutError(node.start)
        return text

    # Values on one line, and texts of several.

    def _inline(self, node: Node, room: int) -> str | None:
        """A value on one line without its anchor and tag, or None where it needs several lines."""
        if node.kind is NodeKind.ALIAS:
            return self._text[node.start : node.end]
        if node.kind is NodeKind.SCALAR:
            return "" if is_literal(node) or node.is_empty else one_line(self._tree, node, flow=False)
        if not node.flow:
            return None
        if not node.entries:
            return "{}" if node.kind is NodeKind.MAPPING else "[]"
        if self._has_comments(node):
            return None
        text = self._in_brackets(node)
        return text if len(text) <= room else None

    def _in_brackets(self, node: Node) -> str:
        if node.kind is NodeKind.SEQUENCE:
            return f"[{', '.join(self._in_flow(entry.value) for entry in node.entries)}]"
        pairs = [(entry.key, entry.value) for entry in node.entries]
        inner = ", ".join(f"{self._in_flow(key)}: {self._in_flow(value)}" for key, value in pairs if key is not None)
        return f"{{{inner}}}"

    def _in_flow(self, node: Node) -> str:
        match node.kind:
            case NodeKind.ALIAS:
                # A ":" behind it would become part of its name.
                return self._text[node.start : node.end]
            case NodeKind.SCALAR:
                empty = "" if node.start != node.end else "null"
                return self._with_properties(node, empty if node.is_empty else one_line(self._tree, node, flow=True))
        return self._with_properties(node, self._in_brackets(node))

    def _with_properties(self, node: Node, text: str) -> str:
        return " ".join(part for part in (properties(self._tree, node), text) if part)

    def _short(self, head: str, node: Node, text: str, *, indent: int) -> None:
        """Write a value that begins on the line of its sign, and the further lines of its text below."""
        body: list[str] = []
        head = " ".join(part for part in (head, properties(self._tree, node)) if part)
        if is_literal(node):
            text, body = literal_lines(self._tree, node)
            indent = max(indent, 0)  # also at the top of a text it is indented
            self._lines.append(f"{head} {text}".lstrip(" " if not head else "") + self._note(node.content))
        elif node.flow and not node.entries and self._has_comments(node):
            inside = [self._text[comment.start : comment.end] for comment in self._until(node.end)]
            self._lines.append(f"{head} {text[0]}" if head else text[0])
            body = [*inside, text[1] + self._note(node.end)]
        else:
            too_long = len(head) + 1 + len(text) > WIDTH or "\n" in node.value
            several = several_lines(self._tree, node) if too_long and node.kind is NodeKind.SCALAR else None
            first, *body = several or [text]
            note = self._note(node.end)
            if body:
                body[-1] += note
                note = ""
            self._lines.append(" ".join(part for part in (head, first) if part) + note)
        self._lines += [" " * (indent + INDENT) + line if line else "" for line in body]
        self._opened = False

    # Comments and empty lines.

    def _peek(self, limit: int) -> Comment | None:
        if self._next < len(self._comments) and self._starts[self._next] < limit:
            return self._comments[self._next]
        return None

    def _until(self, limit: int) -> Iterator[Comment]:
        """The comments before `limit`."""
        while (comment := self._peek(limit)) is not None:
            self._next += 1
            yield comment

    def _trailing(self, limit: int, column: int) -> Iterator[Comment]:
        """The comments before `limit` that are in `column` or deeper."""
        while (comment := self._peek(limit)) is not None and self._tree.column(comment.start) >= column:
            self._next += 1
            yield comment

    def _note(self, offset: int, *, before: int = _END) -> str:
        """The comment at the end of the line of `offset`, with the space before it."""
        comment = self._peek(before)
        if comment is None or comment.own_line or BREAK.search(self._text, offset, comment.start):
            return ""
        self._next += 1
        return f"  {self._text[comment.start : comment.end]}"

    def _above(self, comments: Iterator[Comment], start: int, indent: int) -> None:
        """Write the comments above what begins at `start`, and the empty line above it."""
        found = list(comments)
        places = sorted([start, *(comment.start for comment in found)])
        for place, comment in zip(places, found, strict=False):
            self._own_line(comment, indent, spaced=self._spaced(place))
        if self._spaced(places[-1]) and not self._opened:
            self._lines.append("")
        self._opened = False

    def _own_lines(self, comments: Iterator[Comment], indent: int) -> None:
        for comment in comments:
            self._own_line(comment, indent, spaced=self._spaced(comment.start))

    def _own_line(self, comment: Comment, indent: int, *, spaced: bool) -> None:
        if spaced and not self._opened:
            self._lines.append("")
        self._lines.append(" " * indent + self._text[comment.start : comment.end])
        self._opened = False

    def _spaced(self, offset: int) -> bool:
        """Whether an empty line is above the line that begins at `offset`; lines of a literal text do not count."""
        start = self._tree.line_start(offset)
        if start == 0 or start in self._tree.kept or self._text[start:offset].strip():
            return False
        return not self._text[self._tree.line_start(start - 1) : start].strip()


_HEADER_LINE: Final = re.compile("[^\n\r\x85\u2028\u2029]*")


def properties(tree: Tree, node: Node) -> str:
    """Its anchor and tag, with one space between them."""
    if node.start == node.content:
        return ""
    found = re.sub(r"(?:^|(?<=\s))#.*", "", tree.text[node.start : node.content])
    return " ".join(found.split())


def one_line(tree: Tree, node: Node, *, flow: bool) -> str:
    """A scalar that is not a literal text, on one line, without anchor and tag.

    Unquoted text is kept unquoted: formatting does not decide whether `yes` is a string.
    """
    source = tree.text[node.content : node.end]
    several = BREAK.search(source) is not None
    if node.tagged and not several:
        return source
    if not node.style:
        return source if not several else scalar(node.value, flow=flow)
    if is_plain(node.value, flow=flow) and not node.tagged:
        return node.value
    if any(map(is_hidden, node.value)) and not several:
        return source
    return quoted(node.value)


def several_lines(tree: Tree, node: Node) -> list[str] | None:
    """The lines of a scalar of several lines, without indent; None where it has one line."""
    lines = BREAK.split(tree.text[node.content : node.end])
    if len(lines) == 1:
        return None
    return [lines[0].rstrip(), *(_trimmed(line) for line in lines[1:])]


def _trimmed(line: str) -> str:
    """Without surrounding spaces, except one that a backslash keeps."""
    bare = line.strip(" \t")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    follows = line.rstrip("\r\n")[len(line) - len(line.lstrip(" \t")) + len(bare) :]
    return bare + follows[:1] if backslashes % 2 else bare


def literal_lines(tree: Tree, node: Node) -> tuple[str, list[str]]:
    """The head of a literal or folded text, and its lines without indent."""
    header = _HEADER_LINE.match(tree.text, node.content)
    head = header[0] if header else ""
    lines = BREAK.split(tree.text[node.content + len(head) : node.full])[1:]
    keeps = "+" in head.partition("#")[0]
    if keeps and lines and lines[-1] == "":
        lines.pop()
    indent = _content_indent(lines, node.value)
    lines = [line[indent:] if line.strip(" ") or len(line) > indent else "" for line in lines]
    while lines and not keeps and not lines[-1]:
        lines.pop()
    if not node.value.strip("\n") and not keeps:
        return '""', []
    chomp = "" if node.value.endswith("\n") else "-"
    if node.value.endswith("\n\n") or (keeps and not node.value.strip("\n")):
        chomp = "+"
    elif keeps:
        while lines and not lines[-1]:
            lines.pop()
    return f"{node.style}{INDENT if _needs_indicator(lines) else ''}{chomp}", lines


def _content_indent(lines: list[str], value: str) -> int:
    """How many spaces before each line are not part of the text."""
    first = next((line for line in lines if line.strip(" ")), "")
    shown = next((line for line in value.split("\n") if line.strip(" ")), "")
    return (len(first) - len(first.lstrip(" "))) - (len(shown) - len(shown.lstrip(" ")))


def _needs_indicator(lines: list[str]) -> bool:
    """Whether a parser would take spaces of the text for its indent."""
    for line in lines:
        if line.strip(" "):
            return line.startswith(" ")
        if line:
            return True
    return False


def is_literal(node: Node) -> bool:
    """A literal or folded text."""
    return node.kind is NodeKind.SCALAR and node.style in {"|", ">"}

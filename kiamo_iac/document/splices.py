"""What a change of a text consists of, and what has to be known of the place where it is made."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from kiamo_iac.document.nodes import Comment, Entry, Node
from kiamo_iac.document.tree import Tree
from kiamo_iac.document.writing import (
    INDENT,
    WIDTH,
    Style,
    Written,
    flow_text,
    is_small,
    item_lines,
    write,
    write_under,
)


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


class Manner(NamedTuple):
    """How a new value is to be written."""

    like: Node | None
    """What stands in its place elsewhere, whose style it follows."""
    key: str | None
    """Its key, or that of its list."""


class Surroundings:
    """A tree that changes are made in: what stands around a place, and how new values are written there."""

    def __init__(self, tree: Tree, *, flow: Collection[str]) -> None:
        """`flow`: see `writing.dump`."""
        self._tree = tree
        self._text = tree.text
        self._flow = flow

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
        for index in range(bisect_left(comments, at, key=lambda comment: comment.start), len(comments)):
            comment = comments[index]
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

    def _written(self, value: Any, manner: Manner, *, column: int, literals: bool) -> Written:
        """A new value in lines; in brackets where what is alike is, or else where its key says so."""
        like = manner.like
        style = Style(self._flow, WIDTH - column, literals)
        if like is None or not like.entries or not isinstance(value, dict | list) or not value:
            return write_under(manner.key, value, style)
        if like.flow:
            return self._bracketed(value, like, style.width) or write(value, style)
        first = like.entries[0].value
        if not isinstance(value, list) or not first.flow:
            return write(value, style)
        narrower = style.narrower(INDENT)
        items = (self._bracketed(item, first, narrower.width) or write(item, narrower) for item in value)
        return Written("", [line for item in items for line in item_lines(item)])

    def _bracketed(self, value: Any, like: Node, room: int) -> Written | None:
        """A mapping or list in brackets as `like` is, where it is as small, and fits."""
        if not isinstance(value, dict | list) or not value:
            return None
        nested = any(entry.value.entries for entry in like.entries)
        text = flow_text(value, spaced=self._text[like.content : like.content + 2] == "{ ")
        fits = is_small(value) or (nested and "\\n" not in text)  # no text of several lines
        return Written(text, []) if fits and len(text) <= room else None

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

"""Comments above a block that move with it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from kiamo_iac.core.diagnostics import SourceRange, has_errors
from kiamo_iac.document.equality import difference
from kiamo_iac.document.parser import parse
from kiamo_iac.document.tree import Tree

_BOM = "\ufeff"


class BlockComments(NamedTuple):
    """Comments for a block of a new text."""

    path: tuple[str | int, ...]
    """Of the block, in the new text."""
    lines: tuple[str, ...]
    """Each from its "#" on."""


def above(text: str, block: SourceRange) -> tuple[str, ...]:
    """The comments directly above the item of a list, in the column of its "-"; of one in brackets, none."""
    lines = text.removeprefix(_BOM).split("\n")
    column = _dash(lines, block)
    found: list[str] = []
    if column is not None:
        for line in reversed(lines[: block.line - 1]):
            if line[:column].strip(" ") or not line[column:].startswith("#"):
                break
            found.append(line.strip())
    return tuple(reversed(found))


def carry_comments(text: str, file: str, comments: Iterable[BlockComments]) -> str:
    """The text with comments above its blocks; as it is, when it would not be the same data any more."""
    document = parse(text, file=file)
    lines = text.removeprefix(_BOM).split("\n")
    wanted: dict[int, list[str]] = {}
    for path, own in comments:
        node: Any = document.data
        for step in path:
            node = node[step]
        place = document.place(node).range
        column = _dash(lines, place)
        if column is not None:
            end = "\r" if lines[place.line - 1].endswith("\r") else ""
            wanted[place.line - 1] = [f"{' ' * column}{line}{end}" for line in own]
    new = "\n".join(one for index, line in enumerate(lines) for one in (*wanted.get(index, ()), line))
    again = parse(new, file=file)
    if has_errors(again.diagnostics) or difference(again.data, document.data) is not None:
        return text
    return (_BOM if text.startswith(_BOM) else "") + new


def lost(before: Iterable[str], after: Iterable[str]) -> int:
    """How many comments were removed."""
    return max(0, sum(map(_count, before)) - sum(map(_count, after)))


def _count(text: str) -> int:
    return len(Tree(text.removeprefix(_BOM)).comments)


def _dash(lines: list[str], block: SourceRange) -> int | None:
    """The column of the "-" of a block that begins on its line, 0-based."""
    head = lines[block.line - 1][: block.column - 1]
    return head.index("-") if head.strip() == "-" else None

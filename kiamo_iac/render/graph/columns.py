"""Nodes of one band in their columns: ordered by barycentre, then moved to where their neighbours are, never
overlapping. Whole numbers only, so that the same graph is drawn the same on every machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_SWEEPS: Final = 4
_SCALE: Final = 1024
"""Of the means by which nodes are ordered: fine enough to tell two apart."""


@dataclass(slots=True)
class Item:
    """A node in a column, or the place where an edge passes one."""

    height: int
    node: int | None
    """None: an edge passes."""
    left: list[Item] = field(default_factory=list)
    right: list[Item] = field(default_factory=list)
    y: int = 0
    """Of its middle, from the top of the band."""
    at: int = 0
    """Which of its column it is, from 0."""


def arrange(columns: Sequence[list[Item]], *, gap: int) -> int:
    """Order the items of each column and set their `y`; returns the height of the band.

    Two items of one column are at least `gap` apart.
    """
    _order(columns)
    for column in columns:
        y = 0
        for item in column:
            item.y = y + item.height // 2
            y += item.height + gap
    for sweep in range(_SWEEPS):
        ways = (columns, True) if sweep % 2 == 0 else (columns[::-1], False)
        for column in ways[0]:
            _settle(column, gap=gap, to_left=ways[1])
    items = [item for column in columns for item in column]
    top = min((item.y - item.height // 2 for item in items), default=0)
    for item in items:
        item.y -= top
    return max((item.y - item.height // 2 + item.height for item in items), default=0)


def _order(columns: Sequence[list[Item]]) -> None:
    _number(columns)
    for sweep in range(_SWEEPS):
        to_left = sweep % 2 == 0
        for column in columns if to_left else columns[::-1]:
            middle = {id(item): _barycentre(item.left if to_left else item.right, item) for item in column}
            column.sort(key=lambda item: (middle[id(item)], item.at))
            _number((column,))


def _number(columns: Sequence[list[Item]]) -> None:
    for column in columns:
        for at, item in enumerate(column):
            item.at = at


def _barycentre(neighbours: list[Item], item: Item) -> int:
    if not neighbours:
        return item.at * _SCALE
    return sum(neighbour.at for neighbour in neighbours) * _SCALE // len(neighbours)


def _settle(column: list[Item], *, gap: int, to_left: bool) -> None:
    """Move each item as near to the mean of its neighbours as the others let it.

    Isotonic regression by pooling adjacent violators: the wanted position, less the least distance from the first item,
    may only grow down the column; where it would not, items share the mean of their wanted positions.
    """
    offset = 0
    offsets: list[int] = []
    blocks: list[tuple[int, int]] = []  # sum of wanted positions, how many
    for at, item in enumerate(column):
        if at:
            above = column[at - 1]
            offset += above.height - above.height // 2 + gap + item.height // 2
        offsets.append(offset)
        neighbours = item.left if to_left else item.right
        wanted = sum(n.y for n in neighbours) // len(neighbours) if neighbours else item.y
        blocks.append((wanted - offset, 1))
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] > blocks[-1][0] * blocks[-2][1]:
            total, count = blocks.pop()
            blocks[-1] = (blocks[-1][0] + total, blocks[-1][1] + count)
    places = [total // count for total, count in blocks for _ in range(count)]
    for item, place, away in zip(column, places, offsets, strict=True):
        item.y = place + away

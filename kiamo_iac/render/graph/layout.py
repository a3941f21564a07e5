"""The place of everything in a drawing: columns from left to right, and in them a band for each group.

┌ services ────────┐
│ [Sales]──┐       │     Columns hold nodes, and nothing else but edges of the band that pass them. Between columns
└──────────┼───────┘     are gutters for what goes up and down; between bands are channels for what goes from band
───────────┤ channel     to band past a column. So no edge ever crosses a node.
┌ bases/a ─┼───────────────────┐
│ [a]───[fi│eld]───▶[batch]    │
└──────────▲───────────────────┘
           gutter
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kiamo_iac.render.graph.columns import Item, arrange
from kiamo_iac.render.graph.model import Graph, GraphNode
from kiamo_iac.render.graph.ranks import Ranked, ranked
from kiamo_iac.render.graph.routes import Run, routed

WIDTH: Final = 248
HEIGHT: Final = 46
"""Of a node. All lengths are in pixels."""
_GAP: Final = 12
_PASSING: Final = 6
"""The height that an edge takes where it passes a column."""
_MARGIN: Final = 16
_PADDING: Final = 12
_HEADER: Final = 26
_LOOSE_COLUMNS: Final = 4
"""Nodes without edges may make a drawing this wide."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node, by its upper left corner."""

    x: int
    y: int
    node: GraphNode


@dataclass(frozen=True, slots=True)
class Band:
    """The background of a group."""

    x: int
    y: int
    width: int
    height: int
    title: str


@dataclass(frozen=True, slots=True)
class Polyline:
    """An edge: its corners from source to target, and the keys of both."""

    points: tuple[tuple[int, int], ...]
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it."""

    width: int
    height: int
    bands: tuple[Band, ...]
    boxes: tuple[Box, ...]
    lines: tuple[Polyline, ...]


def layout(graph: Graph) -> Drawing:
    """A place for everything: the same graph is always drawn the same, no two boxes overlap, no line crosses one."""
    return _Layout(graph).drawing()


@dataclass(slots=True)
class _Band:
    """A group while it is laid out."""

    title: str
    columns: list[list[Item]]
    loose: list[int]
    """Nodes without any edge: they are in rows below the others."""
    height: int = 0


class _Layout:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._ranked: Ranked = ranked(graph)
        self._items: dict[int, Item] = {}
        self._group = [node.group for node in graph.nodes]
        self._passing: dict[tuple[int, int], Item] = {}
        self._ways: dict[tuple[int, int], tuple[Item, ...]] = {}
        self._bands = self._filled()
        loose = max((len(band.loose) for band in self._bands), default=0)
        self._count = max(1, min(loose, _LOOSE_COLUMNS), *(rank + 1 for rank in self._ranked.rank))

    def drawing(self) -> Drawing:
        """Everything in its place."""
        for band in self._bands:
            band.height = arrange(band.columns, gap=_GAP)
        runs = self._runs()
        routes = routed(runs, columns=self._count, bands=len(self._bands))
        lefts = self._lefts(routes.gutters)
        right = lefts[-1] + WIDTH + _MARGIN + _PADDING
        bands, boxes, channels, y = [], [], [], _MARGIN
        middles: dict[int, int] = {}
        for number, band in enumerate(self._bands):
            channels.append(y)
            y += routes.channels[number]
            head = _HEADER if band.title else 0
            top = y + head + _PADDING
            for node, (x, middle) in self._placed(band, lefts).items():
                boxes.append(Box(x, top + middle - HEIGHT // 2, self._graph.nodes[node]))
            middles |= {id(item): top + item.y for column in band.columns for item in column}
            height = head + 2 * _PADDING + band.height + self._loose_height(band)
            bands.append(Band(_MARGIN, y, right - 2 * _MARGIN, height, band.title))
            y += height + _GAP
        lines = (
            Polyline(
                routes.points(run, lefts=lefts, width=WIDTH, middles=middles, channels=channels),
                self._graph.nodes[run.source].key,
                self._graph.nodes[run.target].key,
            )
            for run in runs
        )
        return Drawing(right, y - _GAP + _MARGIN, tuple(bands), tuple(boxes), tuple(lines))

    # --- bands -------------------------------------------------------------------------------------------------------

    def _filled(self) -> list[_Band]:
        bands = {title: _Band(title, [], []) for title in self._graph.groups}
        for number, node in enumerate(self._graph.nodes):
            band = bands[node.group]
            if not self._ranked.before[number] and not self._ranked.after[number]:
                band.loose.append(number)
                continue
            item = self._items[number] = Item(HEIGHT, number)
            self._column(band, self._ranked.rank[number]).append(item)
        for number, needs in enumerate(self._ranked.before):
            for need in needs:
                if self._group[need] == self._group[number]:
                    self._chain(bands[self._group[number]], need, number)
        return list(bands.values())

    @staticmethod
    def _column(band: _Band, rank: int) -> list[Item]:
        while len(band.columns) <= rank:
            band.columns.append([])
        return band.columns[rank]

    def _chain(self, band: _Band, source: int, target: int) -> None:
        """Tie two nodes of a band, with an item in each column between; edges of one source pass a column together."""
        way = [self._items[source]]
        for rank in range(self._ranked.rank[source] + 1, self._ranked.rank[target]):
            passing = self._passing.get((source, rank))
            if passing is None:
                passing = self._passing[source, rank] = Item(_PASSING, None)
                self._column(band, rank).append(passing)
                _tie(way[-1], passing)
            way.append(passing)
        _tie(way[-1], self._items[target])
        self._ways[source, target] = (*way, self._items[target])

    def _placed(self, band: _Band, lefts: list[int]) -> dict[int, tuple[int, int]]:
        """Node → the left of its box, and its middle from the top of the band."""
        places = {
            item.node: (lefts[rank], item.y)
            for rank, column in enumerate(band.columns)
            for item in column
            if item.node is not None
        }
        top = band.height + (_GAP if band.height else 0)
        for at, node in enumerate(band.loose):
            row, column = divmod(at, self._count)
            places[node] = (lefts[column], top + row * (HEIGHT + _GAP) + HEIGHT // 2)
        return places

    def _loose_height(self, band: _Band) -> int:
        rows = -(-len(band.loose) // self._count)
        return rows * (HEIGHT + _GAP) - (0 if band.height or not rows else _GAP)

    # --- edges -------------------------------------------------------------------------------------------------------

    def _runs(self) -> list[Run]:
        place = {title: number for number, title in enumerate(self._graph.groups)}
        return [
            Run(
                source,
                target,
                self._ranked.rank[source],
                self._ranked.rank[target],
                (place[self._group[source]], place[self._group[target]]),
                self._ways.get((source, target)) or (self._items[source], self._items[target]),
            )
            for target, needs in enumerate(self._ranked.before)
            for source in needs
        ]

    @staticmethod
    def _lefts(gutters: list[int]) -> list[int]:
        lefts = [_MARGIN + _PADDING]
        for gutter in gutters:
            lefts.append(lefts[-1] + WIDTH + gutter)
        return lefts


def _tie(left: Item, right: Item) -> None:
    left.right.append(right)
    right.left.append(left)

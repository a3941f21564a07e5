"""How edges go: right into the gutter, up or down in a track of their own, and right again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kiamo_iac.render.graph.columns import Item

_TRACK: Final = 7
"""Between two edges side by side."""
_MOST_TRACKS: Final = 9
"""Of one gutter or channel; further sources share them in turn."""
_OUT: Final = 14
"""From a box to the first track."""
_IN: Final = 20
"""From the last track to the next column: room for the head of an arrow."""


@dataclass(frozen=True, slots=True)
class Run:
    """One edge to be routed; nodes by number."""

    source: int
    target: int
    start: int
    """The column of its source."""
    end: int
    """The column of its target, a greater one."""
    bands: tuple[int, int]
    """Of source and target."""
    stops: tuple[Item, ...]
    """What it goes through, both ends among them: within a band an item in each column."""


@dataclass(frozen=True, slots=True)
class Routes:
    """The room that all edges take, and the track of each."""

    gutters: list[int]
    """The width of the gutter after each column but the last."""
    channels: list[int]
    """The height of the channel above each band; 0: nothing goes there."""
    _tracks: Mapping[tuple[int, int, int | None], int]
    _lanes: Mapping[tuple[int, int], int]

    def points(
        self,
        run: Run,
        *,
        lefts: Sequence[int],
        width: int,
        middles: Mapping[int, int],
        channels: Sequence[int],
    ) -> tuple[tuple[int, int], ...]:
        """The corners of an edge. `middles`: the y of each item by its id; `channels`: the top of each."""
        across = run.bands[0] != run.bands[1]
        rows = [middles[id(stop)] for stop in run.stops]
        points = [(lefts[run.start] + width, rows[0])]
        if across and run.end > run.start + 1:
            lane = channels[run.bands[1]] + self._lanes[run.bands[1], run.source]
            turns = [(run.start, lane), (run.end - 1, rows[-1])]
        else:
            turns = [(run.start + at, row) for at, row in enumerate(rows[1:])]
        for gutter, row in turns:
            if row != points[-1][1]:
                x = lefts[gutter] + width + self._tracks[gutter, run.source, None if across else run.bands[0]]
                points += [(x, points[-1][1]), (x, row)]
        points.append((lefts[run.end], rows[-1]))
        return tuple(points)


def routed(runs: Sequence[Run], *, columns: int, bands: int) -> Routes:
    """Tracks for all edges: those of one source share one, and within a band those that stay in it are counted anew."""
    within: dict[tuple[int, int], dict[int, list[int]]] = {}
    across: dict[int, dict[int, None]] = {}
    lanes: dict[int, dict[int, None]] = {}
    for run in runs:
        if run.bands[0] == run.bands[1]:
            for at, (stop, to) in enumerate(zip(run.stops, run.stops[1:], strict=False)):
                seen = within.setdefault((run.start + at, run.bands[0]), {}).setdefault(run.source, [stop.y, 0])
                seen[1] += to.y - stop.y
            continue
        for gutter in dict.fromkeys((run.start, run.end - 1)):
            across.setdefault(gutter, {})[run.source] = None
        if run.end > run.start + 1:
            lanes.setdefault(run.bands[1], {})[run.source] = None
    inner = [0] * max(columns - 1, 0)
    for (gutter, _), sources in within.items():
        inner[gutter] = max(inner[gutter], min(len(sources), _MOST_TRACKS))
    tracks: dict[tuple[int, int, int | None], int] = {}
    for (gutter, band), sources in within.items():
        for at, source in enumerate(sorted(sources, key=lambda s: _turn_order(*sources[s]))):
            tracks[gutter, source, band] = _OUT + at % _MOST_TRACKS * _TRACK
    for gutter, others in across.items():
        for at, source in enumerate(others):
            tracks[gutter, source, None] = _OUT + (inner[gutter] + at % _MOST_TRACKS) * _TRACK
    outer = [min(len(across.get(gutter, ())), _MOST_TRACKS) for gutter in range(len(inner))]
    return Routes(
        [_OUT + max(mine + theirs - 1, 0) * _TRACK + _IN for mine, theirs in zip(inner, outer, strict=True)],
        [_channel(len(lanes.get(band, ()))) for band in range(bands)],
        tracks,
        {
            (band, source): (at % _MOST_TRACKS + 1) * _TRACK
            for band, sources in lanes.items()
            for at, source in enumerate(sources)
        },
    )


def _channel(sources: int) -> int:
    return (min(sources, _MOST_TRACKS) + 1) * _TRACK if sources else 0


def _turn_order(y: int, down: int) -> tuple[bool, int]:
    """Who turns first: of those that go up the highest, then of those that go down the lowest. So they do not cross."""
    return (down > 0, -y if down > 0 else y)

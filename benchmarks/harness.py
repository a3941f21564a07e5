"""Rows, their measurements, and the Markdown table of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Pairs:
    """Figures of kiamo-iac and of the peer (or the bound), measured in turn, in one unit: `s`, `ms`, `MB` or none."""

    taken: Sequence[tuple[float, float]]
    unit: str = "s"

    @property
    def ratios(self) -> list[float]:
        """kiamo-iac ÷ peer of every pair, ascending."""
        return sorted(own / peer for own, peer in self.taken)


@dataclass(frozen=True, slots=True)
class Counts:
    """A count that has to be exact: (counted, expected)."""

    taken: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Missing:
    """The row cannot be measured here; the message is the reason."""

    why: str


Outcome = Pairs | Counts | Missing


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured."""

    smoke: bool
    """True: sizes that only show that every row runs; their times have no meaning."""
    folder: Path
    """The folder for generated files; created for this run and removed after it."""

    def of(self, full: int, smoke: int) -> int:
        """A size: `full`, or `smoke` when this is a smoke run."""
        return smoke if self.smoke else full


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    key: str
    """Its name on the command line."""
    title: str
    peer: str
    """The peer or the bound."""
    bar: float | None
    """The highest median ratio; None: the row only informs, or counts exactly."""
    measure: Callable[[Scale, int], Outcome]
    """Takes the scale and the number of pairs."""
    pairs: int = 5
    """Pairs of a full run."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its measurement."""

    row: Row
    outcome: Outcome
    seconds: float
    timed: bool
    """False in a smoke run, whose times have no meaning."""

    @property
    def verdict(self) -> str:
        """`pass`, `fail`, or `-` where nothing is judged."""
        match self.outcome:
            case Pairs() as pairs:
                if self.row.bar is None or not self.timed:
                    return "-"
                return "pass" if statistics.median(pairs.ratios) <= self.row.bar else "fail"
            case Counts(taken):
                return "pass" if all(counted == right for counted, right in taken) else "fail"
            case Missing():
                return "-"
            case never:
                assert_never(never)


def alternate(pairs: int, own: Callable[[], float], peer: Callable[[], float]) -> list[tuple[float, float]]:
    """Figures of both sides, measured in turn: machines drift within minutes, so only neighbours compare."""
    return [(own(), peer()) for _ in range(pairs)]


def measure(rows: Iterable[Row], scale: Scale) -> Iterator[Line]:
    """Every row, one after the other."""
    for row in rows:
        started = time.perf_counter()
        outcome = row.measure(scale, 1 if scale.smoke else row.pairs)
        yield Line(row, outcome, time.perf_counter() - started, timed=not scale.smoke)


HEADER = ("row", "kiamo-iac", "peer or bound", "ratio: min / median / max", "bar", "")


def table(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    cells = [HEADER, *(_cells(line) for line in lines)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(HEADER))]
    printed = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    printed.insert(1, "| " + " | ".join("-" * max(w, 3) for w in widths) + " |")
    return "\n".join(printed)


def _cells(line: Line) -> tuple[str, ...]:
    row = line.row
    match line.outcome:
        case Pairs(taken, unit) as pairs:
            own, peer = (statistics.median(side) for side in zip(*taken, strict=True))
            ratios = pairs.ratios
            spread = " / ".join(f"{r:.3g}" for r in (ratios[0], statistics.median(ratios), ratios[-1]))
            bar = "" if row.bar is None else f"{row.bar:g}"
            return (row.title, f"{own:.3g} {unit}", f"{peer:.3g} {unit} ({row.peer})", spread, bar, line.verdict)
        case Counts(taken):
            counted, right = taken[-1]
            return (row.title, str(counted), f"{right} ({row.peer})", "", "exactly", line.verdict)
        case Missing(why):
            bar = "" if row.bar is None else f"{row.bar:g}"
            return (row.title, "", row.peer, why, bar, line.verdict)
        case never:
            assert_never(never)

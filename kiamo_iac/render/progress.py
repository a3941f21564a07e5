"""Progress of an apply: a live display on a terminal, one line for each step elsewhere; both on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, Self, TextIO

from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, visible
from kiamo_iac.render.run import FAILED, ReportedStep, line_of, words
from kiamo_iac.render.wrapping import cells, shortened, wrapped

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_TIME: Final = 7
"""Cells of the time: `1:02:03`."""
_GAP: Final = 2
"""Cells between two columns."""


class Progress(Protocol):
    """Notified of every step by one thread, between entering and leaving it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *failure: object) -> None: ...

    def started(self, step: Step) -> None:
        """The step is about to be performed."""

    def finished(self, results: Sequence[ReportedStep]) -> None:
        """Steps are over, or were not tried."""


class StepLines:
    """One line for each finished step: for logs, CI and simple terminals."""

    def __init__(self, plan: Plan, *, style: Style, write: Callable[[str], None]) -> None:
        self._style = style
        self._write = write
        self._total = len(plan.steps)
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        """Nothing to release."""

    def started(self, step: Step) -> None:
        """Nothing: only finished steps have a line."""

    def finished(self, results: Sequence[ReportedStep]) -> None:
        """`[3/7] done: + create bases/prospects`."""
        numbered = enumerate(results, start=self._count + 1)
        self._write(document(f"[{number}/{self._total}] {_ended(result, self._style)}" for number, result in numbered))
        self._count += len(results)


class LiveTable:
    """A bar, how many steps are over, the time, and a running step, each in its column; finished steps scroll by above.

    The columns stay where they are, whatever runs: only the last one, which has what is left of the width, changes.
    """

    def __init__(self, plan: Plan, *, style: Style, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._style = style
        self._total = len(plan.steps)
        self._count = 0
        self._running: dict[int, Step] = {}
        self._begun = time.monotonic()
        self._console = Console(file=stream, markup=False, highlight=False, emoji=False, no_color=not style.color)
        self._live = Live(console=self._console, get_renderable=self._line, transient=True, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *failure: object) -> None:
        with suppress(OSError):  # the terminal is gone
            self._live.stop()

    def started(self, step: Step) -> None:
        """Show it among the running ones."""
        self._running[step.id] = step

    def finished(self, results: Sequence[ReportedStep]) -> None:
        """Let them scroll by, and move the bar."""
        from rich.text import Text

        for result in results:
            self._running.pop(result.step.id, None)
        self._count += len(results)
        width = self._console.width
        lines = "\n".join(wrapped(_ended(result, self._style), width) for result in results)
        self._console.print(Text(lines), soft_wrap=True)

    def _line(self) -> RenderableType:
        """`━━━━━━━━━━        27/384    0:12  update bases/prospects/batches/spring`."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        bar = min(max(self._console.width // 5, 10), 30)
        counts = f"{self._count:>{len(str(self._total))}}/{self._total}"
        left = self._console.width - bar - len(counts) - _TIME - 3 * _GAP
        line = Table.grid(padding=(0, _GAP, 0, 0))
        for width in (bar, len(counts), _TIME, max(left, 1)):
            line.add_column(width=width, no_wrap=True, overflow="crop")
        elapsed = Text(_clock(time.monotonic() - self._begun), justify="right")
        line.add_row(
            ProgressBar(total=self._total, completed=self._count, width=bar), Text(counts), elapsed, self._current(left)
        )
        return line

    def _current(self, width: int) -> Text:
        """The running step that began first, and, where there is room, how many others run."""
        from rich.text import Text

        running = list(self._running.values())
        if not running:
            return Text()
        first, others = running[0], f" (+{len(running) - 1})" if len(running) > 1 else ""
        ellipsis = "…" if self._console.encoding.startswith("utf") else "..."
        words, name = first.action.value, visible(first.address)
        for more in (others, ""):
            if shown := shortened(words, name, width=width - len(more), ellipsis=ellipsis):
                return Text(f"{shown}{more}")
        return Text(shown if cells(shown := f"{words} {first.kind}{others}") <= width else "")


def _clock(seconds: float) -> str:
    """`0:07`, `12:34`, `1:02:03`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _ended(result: ReportedStep, style: Style) -> str:
    """`done: + create bases/prospects`; of a failed step, with the reason."""
    reason = f": {visible(str(result.error))}" if result.status == FAILED else ""
    return f"{words(result.status)}: {line_of(result.step, style)}{reason}"

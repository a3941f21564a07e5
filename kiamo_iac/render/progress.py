"""Progress of an apply: a live display on a terminal, one line for each step elsewhere; both on stderr."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, Self, TextIO

from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, visible
from kiamo_iac.render.run import FAILED, ReportedStep, line_of, words


class Progress(Protocol):
    """Notified of every step by one thread, between entering and leaving it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *failure: object) -> None: ...

    def started(self, step: Step) -> None:
        """The step is about to be performed."""

    def finished(self, result: ReportedStep) -> None:
        """The step is over, or was not tried."""


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

    def finished(self, result: ReportedStep) -> None:
        """`[3/7] done: + create bases/prospects`."""
        self._count += 1
        self._write(document([f"[{self._count}/{self._total}] {_ended(result, self._style)}"]))


class LiveTable:
    """A bar and the running steps, redrawn in place; finished steps scroll by above it."""

    def __init__(self, plan: Plan, *, style: Style, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._style = style
        self._running: dict[int, Step] = {}
        console = Console(file=stream, markup=False, highlight=False, emoji=False, no_color=not style.color)
        self._progress = Progress(
            TextColumn("{task.completed}/{task.total}", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task("", total=len(plan.steps))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        with suppress(OSError):  # the terminal is gone
            self._progress.stop()

    def started(self, step: Step) -> None:
        """Show it among the running ones."""
        self._running[step.id] = step
        self._describe()

    def finished(self, result: ReportedStep) -> None:
        """Let it scroll by, and move the bar."""
        from rich.text import Text

        self._running.pop(result.step.id, None)
        self._progress.console.print(Text(_ended(result, self._style)), soft_wrap=True)
        self._progress.advance(self._task)
        self._describe()

    def _describe(self) -> None:
        names = ", ".join(f"{step.action.value} {visible(step.address)}" for step in self._running.values())
        self._progress.update(self._task, description=names)


def _ended(result: ReportedStep, style: Style) -> str:
    """`done: + create bases/prospects`; of a failed step, with the reason."""
    reason = f": {visible(str(result.error))}" if result.status == FAILED else ""
    return f"{words(result.status)}: {line_of(result.step, style)}{reason}"

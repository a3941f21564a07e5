"""How an apply is followed while it runs: a live display on a terminal, a line a step elsewhere; both on stderr."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, Self, TextIO

from kiamo_iac.planner.plan import Plan, Step
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, visible


class Progress(Protocol):
    """Told of every step, from whichever thread performs it, between entering and leaving it."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *failure: object) -> None: ...

    def started(self, step: Step) -> None:
        """The step is being performed."""

    def finished(self, step: Step, *, outcome: str, detail: str | None) -> None:
        """The step is over: `outcome` in words (`done`, `failed`, `not tried`), `detail` says why."""


class Lines:
    """One line a finished step: for logs, CI, and terminals that can do no more."""

    def __init__(self, plan: Plan, *, style: Style, write: Callable[[str], None]) -> None:
        self._style = style
        self._write = write
        self._total = len(plan.steps)
        self._count = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        """Nothing is held."""

    def started(self, step: Step) -> None:
        """Nothing: a line for the end is enough."""

    def finished(self, step: Step, *, outcome: str, detail: str | None) -> None:
        """`[3/7] done: + create bases/prospects`."""
        with self._lock:
            self._count += 1
            self._write(
                document([f"[{self._count}/{self._total}] {_ended(step, self._style, outcome=outcome, detail=detail)}"])
            )


class Live:
    """A bar and what is being performed right now, redrawn in place; finished steps scroll by above it."""

    def __init__(self, plan: Plan, *, style: Style, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._style = style
        self._lock = threading.Lock()
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
        self._progress.stop()

    def started(self, step: Step) -> None:
        """Show it among the running ones."""
        with self._lock:
            self._running[step.id] = step
            self._describe()

    def finished(self, step: Step, *, outcome: str, detail: str | None) -> None:
        """Let it scroll by, and move the bar."""
        from rich.text import Text

        with self._lock:
            self._running.pop(step.id, None)
            self._progress.console.print(
                Text(_ended(step, self._style, outcome=outcome, detail=detail)), soft_wrap=True
            )
            self._progress.advance(self._task)
            self._describe()

    def _describe(self) -> None:
        names = ", ".join(f"{step.action.value} {visible(step.address)}" for step in self._running.values())
        self._progress.update(self._task, description=names)


def line_of(step: Step, style: Style) -> str:
    """`+ create bases/prospects`."""
    return f"{style.symbols.actions[step.action]} {step.action.value} {visible(step.address)}"


def _ended(step: Step, style: Style, *, outcome: str, detail: str | None) -> str:
    """`done: + create bases/prospects`, with the detail behind it when there is one."""
    why = f": {visible(detail)}" if detail else ""
    return f"{outcome}: {line_of(step, style)}{why}"

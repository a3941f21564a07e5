"""The rows, in the order in which they are printed."""

from __future__ import annotations

from benchmarks.harness import Row
from benchmarks.rows import commands, ledgers, live, offline, pages, startup

ROWS: tuple[Row, ...] = (*startup.ROWS, *offline.ROWS, *live.ROWS, *ledgers.ROWS, *commands.ROWS, *pages.ROWS)

"""Limits of one environment as the project file sets them: `guards` for an apply, `limits` for the calls of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from kiamo_iac.core.change_window import ChangeWindow
from kiamo_iac.core.place import Place

FEW: Final = 10
"""Below this many managed resources, one of them is a large share."""
DELETE_PERCENT: Final = 30
DELETE_PERCENT_OF_FEW: Final = 50
"""Of fewer than `FEW`."""

DEFAULT_ROWS: Final = 250_000
DEFAULT_BYTES: Final = 512 * 1024 * 1024
"""About 2 KiB a row."""
MAX_ROWS: Final = 5_000_000
MAX_BYTES: Final = 8 * 1024**3
"""The largest values that `limits` accepts: beyond them, memory runs out before a limit helps."""
MIN_WRITES_PER_SECOND: Final = 0.01
MAX_WRITES_PER_SECOND: Final = 1000
DEFAULT_JOURNALS: Final = 50
MAX_JOURNALS: Final = 10_000
"""Journals that are kept of an environment."""
DEFAULT_RETRY_WAIT: Final = 120
MAX_RETRY_WAIT: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """`guards` of one environment; None is no limit."""

    max_deletes: int | None = None
    """Number of resources that may go: `ensure: absent` and what is below a deleted base included."""
    max_delete_percent: int | None = None
    """Percentage of the managed resources that `--prune` and `exclusive` may delete, with all that is below them; 100
    is no limit. None: `delete_percent` decides."""
    max_update_percent: int | None = None
    """Percentage of the managed resources that may be updated or renamed; 100 is no limit."""
    allow_start: bool = False
    """Starting a batch, which dials contacts, needs no `--allow-start`; a start that is owed does."""
    change_window: ChangeWindow | None = None
    allow_stop: bool = False
    """Stopping a batch that is managed or declared needs no `--allow-stop`."""
    place: Place | None = field(default=None, compare=False)
    """Position of `guards` in the project file."""

    def delete_percent(self, managed: int) -> int:
        """`max_delete_percent`, or its default where there are `managed` resources."""
        if self.max_delete_percent is not None:
            return self.max_delete_percent
        return DELETE_PERCENT if managed >= FEW else DELETE_PERCENT_OF_FEW


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """`limits` of one environment: how much one run may read from its instance, how fast it may write, and how long it
    waits."""

    rows: int = DEFAULT_ROWS
    """Objects in all lists together. A list that is read again counts once, at its longest."""
    bytes: int = DEFAULT_BYTES
    """Bytes of all responses together, after decompression. What is read again counts once, at its largest."""
    writes_per_second: float | None = None
    """Of all writers together; None: no limit, until the instance answers 429."""
    retry_wait: float = DEFAULT_RETRY_WAIT
    """Seconds in all that a run waits because the instance asks it to, or is not available."""

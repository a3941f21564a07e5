"""How much one run may read from an instance: what the project file says under `limits` of an environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ROWS: Final = 250_000
BYTES: Final = 512 * 1024 * 1024
"""Some 2 KiB a row."""
MOST_ROWS: Final = 5_000_000
MOST_BYTES: Final = 8 * 1024**3
"""What `limits` takes at most: beyond that, a machine runs out of memory before a limit is of use."""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """The limits of a run against one environment."""

    rows: int = ROWS
    """Objects in all lists together. A list that is read again counts once, at its longest."""
    bytes: int = BYTES
    """Of all answers together, after decompression. What is read again counts once, at its largest."""

"""Manners that the contract language cannot describe. `KIAMO_IAC_MANNERS=all` runs these too."""

from __future__ import annotations

from typing import Final

PENDING: Final = frozenset(["services-by-key"])
"""Their names in the table."""

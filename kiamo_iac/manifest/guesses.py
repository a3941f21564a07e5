"""`did you mean`, within a budget: comparing every unknown name with every known one would take minutes."""

from __future__ import annotations

from collections.abc import Collection

from kiamo_iac.diagnostics import did_you_mean

_COMPARISONS = 100_000
"""Of all guesses of one load together; about a second."""


class Guesses:
    """Hints for unknown names, until the budget is spent."""

    def __init__(self) -> None:
        self._left = _COMPARISONS

    def near(self, word: str, candidates: Collection[str]) -> str | None:
        """A hint naming the candidate nearest to `word`, or None."""
        self._left -= len(candidates)
        return did_you_mean(word, candidates) if self._left >= 0 else None

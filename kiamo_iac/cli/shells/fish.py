"""Completion for fish: it escapes what it inserts, so candidates are handed over as they are meant."""

from __future__ import annotations

from kiamo_iac.cli.shells.completer import Answer, Completer, lines, typed_words
from kiamo_iac.cli.shells.line import taken_apart


class Fish(Completer):
    """The answer is the kind, then for each candidate its value, a tab and what it is."""

    name = "fish"
    script = "kiamo-iac.fish"

    def get_completion_args(self) -> tuple[list[str], str]:
        words, current = typed_words()
        return words, taken_apart(current).current  # fish tells the cursor's word with its quotes

    def written(self, answer: Answer) -> str:
        return lines(answer)

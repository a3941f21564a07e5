"""Completion for zsh: `compadd` quotes what it inserts, so candidates are handed over as they are meant."""

from __future__ import annotations

from kiamo_iac.cli.shells.completer import Answer, Completer, lines, typed_words


class Zsh(Completer):
    """The answer is the kind, then for each candidate its value, a tab and what it is."""

    name = "zsh"
    script = "kiamo-iac.zsh"

    def get_completion_args(self) -> tuple[list[str], str]:
        return typed_words()

    def written(self, answer: Answer) -> str:
        return lines(answer)

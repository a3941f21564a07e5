"""Completion for PowerShell: it inserts what it is given as it stands, so candidates are quoted, in ASCII JSON."""

from __future__ import annotations

import json
import re

from kiamo_iac.cli.shells.completer import Answer, Completer, typed_words

_QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell takes typographic quotes for the plain one (about_Quoting_Rules)."""
_PLAIN = re.compile(r"[A-Za-z0-9_./:=\\-]+")


class PowerShell(Completer):
    """The answer is a JSON list; an empty one leaves the word to PowerShell's own completion of paths.

    In ASCII, since what a program writes passes through the console's code page on its way.
    """

    name = "powershell"
    script = "kiamo-iac.ps1"

    def get_completion_args(self) -> tuple[list[str], str]:
        words, current = typed_words()
        return words, unquoted(current)

    def written(self, answer: Answer) -> str:
        return json.dumps(
            [
                {"text": quoted(each.value), "shown": each.value, "help": each.help or each.value}
                for each in answer.candidates
            ]
        )


def quoted(value: str) -> str:
    """`value` as PowerShell reads it back: bare, or in single quotes, in which nothing is ever expanded."""
    if _PLAIN.fullmatch(value):
        return value
    return "'" + "".join(char * 2 if char in _QUOTES else char for char in value) + "'"


def unquoted(word: str) -> str:
    """The word under the cursor, which comes with its quotes, and often without the last one."""
    if word[:1] and word[0] in _QUOTES:
        return re.sub(f"([{_QUOTES}])[{_QUOTES}]|[{_QUOTES}]$", r"\1", word[1:])
    return word.strip('"')

"""Completion for bash: it inserts what it is given as it stands, so every candidate is quoted for where it goes."""

from __future__ import annotations

import os
import re
from pathlib import PurePath

from kiamo_iac.cli.shells.completer import Answer, Completer, typed
from kiamo_iac.cli.shells.line import Line, taken_apart

BREAKS_VARIABLE = "_KIAMO_IAC_BREAKS"
"""bash's COMP_WORDBREAKS."""

_SPECIAL = re.compile(r"[^A-Za-z0-9_./,+=:@%\-\u0080-\U0010ffff]")
_SPECIAL_IN_DOUBLE_QUOTES = re.compile(r'["\\$`]')


class Bash(Completer):
    """The answer is the kind, then a candidate a line, ready to be inserted."""

    name = "bash"
    script = "kiamo-iac.bash"

    def get_completion_args(self) -> tuple[list[str], str]:
        line = _line()
        at = next((number for number, word in enumerate(line.words) if _is_program(word)), 0)
        return list(line.words[at + 1 :]), line.current

    def written(self, answer: Answer) -> str:
        line = _line()
        fitting = (each.value for each in answer.candidates if each.value.startswith(line.current))
        return "\n".join((answer.kind, *(quoted(value[line.kept :], quote=line.quote) for value in fitting)))


def _line() -> Line:
    return taken_apart(typed(), breaks=os.environ.get(BREAKS_VARIABLE, ""))


def _is_program(word: str) -> bool:
    """Whether a word is the program, and not a variable that is set for it."""
    return PurePath(word).name.startswith("kiamo-iac")


def quoted(value: str, *, quote: str) -> str:
    """`value` such that bash, with `quote` open, reads `value` and nothing else.

    However much of it is inserted (bash inserts what candidates have in common), no sign of it is ever without its
    escape. In double quotes no backslash keeps `!` from calling up history, hence the other quotes around it.
    """
    match quote:
        case "'":
            return value.replace("'", "'\\''")
        case '"':
            return _SPECIAL_IN_DOUBLE_QUOTES.sub(r"\\\g<0>", value).replace("!", "\"'!'\"")
        case _:
            return _SPECIAL.sub(r"\\\g<0>", value)

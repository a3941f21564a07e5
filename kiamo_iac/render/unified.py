"""A changed file as a unified diff, byte for byte: what `git apply` and `patch -p1` take in the folder of the project.

To be looked at by a person at a terminal, see `changes`.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection

from kiamo_iac.document.secrets import shown_text
from kiamo_iac.render.escape import visible

_NO_NEWLINE = "\\ No newline at end of file\n"


def unified_diff(file: str, before: str | None, after: str, *, listed: Collection[str] = ()) -> str:
    """One file; `before` None: it is new. Lines end at line feeds alone, as git has it; carriage returns stay.

    There is no `diff --git` line: without it git takes the names from the folder that it runs in. Sensitive values are
    masked in it, `listed` being what other files list: a diff that would have to show one cannot be applied.
    """
    file = visible(file)  # a name that this changes is none that a diff could be applied to
    tail = "\t" if " " in file else ""  # where the name ends, as GNU diff writes it
    old = "/dev/null" if before is None else f"a/{file}{tail}"
    was, now = (_lines(shown_text(text, listed)) for text in (before or "", after))
    lines = difflib.unified_diff(was, now, old, f"b/{file}{tail}")
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in lines)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])

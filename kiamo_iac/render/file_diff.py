"""What changes in a text file, as a unified diff that cannot be taken for anything else."""

from __future__ import annotations

import difflib
from collections.abc import Collection

import click

from kiamo_iac.document.masking import mask_secrets
from kiamo_iac.render.escape import document, visible

_COLORS = {"+": "green", "-": "red", "@": "cyan"}


def unified(before: str, after: str, *, name: str, listed: Collection[str] = (), color: bool = False) -> str:
    """The lines that differ, with three around them; `name` is that of the file. Empty when none do.

    What cannot be seen is written as an escape, so a diff with such characters shows a change and is not one to apply.
    Sensitive values are masked in it; `listed`: what other files list as such.
    """
    old, new = (mask_secrets(text, listed).splitlines(keepends=True) for text in (before, after))
    lines: list[str] = []
    for line in difflib.unified_diff(old, new, fromfile=f"a/{name}", tofile=f"b/{name}"):
        shown = visible(line.rstrip("\r\n"))
        if color and shown[:1] in _COLORS:
            shown = click.style(shown, fg=_COLORS[shown[0]], bold=shown.startswith(("---", "+++")) or None)
        lines.append(shown)
        if line[0] in "+- " and not line.endswith(("\n", "\r")):
            lines.append("\\ No newline at end of file")
    return document(lines)


_NO_NEWLINE = "\\ No newline at end of file\n"


def unified_diff(file: str, before: str | None, after: str, *, listed: Collection[str] = ()) -> str:
    """One file; `before` None: it is new. Lines end at line feeds alone, as git has it; carriage returns stay.

    There is no `diff --git` line: without it git takes the names from the folder that it runs in. Sensitive values are
    masked in it, `listed` being what other files list: a diff that would have to show one cannot be applied.
    """
    file = visible(file)  # a name that this changes is none that a diff could be applied to
    tail = "\t" if " " in file else ""  # where the name ends, as GNU diff writes it
    old = "/dev/null" if before is None else f"a/{file}{tail}"
    was, now = (_git_lines(mask_secrets(text, listed)) for text in (before or "", after))
    lines = difflib.unified_diff(was, now, old, f"b/{file}{tail}")
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in lines)


def _git_lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])

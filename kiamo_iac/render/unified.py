"""Changed files as unified diffs, byte for byte: what `git apply` and `patch -p1` take in the folder of the project."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import click

from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, visible

_NO_NEWLINE = "\\ No newline at end of file\n"


def unified_diff(file: str, before: str | None, after: str) -> str:
    """One file; `before` None: it is new. Lines end at line feeds alone, as git has it; carriage returns stay.

    There is no `diff --git` line: without it git takes the names from the folder that it runs in.
    """
    tail = "\t" if " " in file else ""  # where the name ends, as GNU diff writes it
    old = "/dev/null" if before is None else f"a/{file}{tail}"
    lines = difflib.unified_diff(_lines(before or ""), _lines(after), old, f"b/{file}{tail}")
    return "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in lines)


def shown_diff(diffs: Iterable[str], style: Style) -> str:
    """Diffs for somebody to look at: what cannot be seen is made visible, so that it is none to be applied."""
    return document(_painted(line, style) for diff in diffs for line in _lines(diff))


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


_COLORS = {"+": "green", "-": "red", "@": "cyan"}


def _painted(line: str, style: Style) -> str:
    text = visible(line.removesuffix("\n").removesuffix("\r"))
    if not style.color:
        return text
    heading = line.startswith(("--- ", "+++ "))
    return click.style(text, bold=True) if heading else click.style(text, fg=_COLORS.get(line[:1]))

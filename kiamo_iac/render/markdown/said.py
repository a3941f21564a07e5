"""Diagnostics in a comment: errors in a few words on top, all of them whole in a fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from kiamo_iac.core.diagnostics import Diagnostic, Severity, worst_first
from kiamo_iac.render.diagnostics import tally
from kiamo_iac.render.escape import visible
from kiamo_iac.render.markdown.page import Section, SizeBudget, code, folded

_FOLD_BYTES = 14_000
"""Of a comment, at most, for the diagnostics, so that they leave room for what is to be done."""


def in_short(diagnostic: Diagnostic) -> str:
    """Code, place, what is wrong and what to do about it, on one line."""
    place = f" at {code(str(diagnostic.source))}" if diagnostic.source else ""
    hint = f" Hint: {code(diagnostic.hint)}" if diagnostic.hint else ""
    return f"**{code(diagnostic.code)}**{place}: {code(diagnostic.summary)}{hint}"


def in_full(diagnostics: Sequence[Diagnostic], room: SizeBudget) -> Section:
    """Every diagnostic, worst first, with all that there is to say about it."""
    inside = SizeBudget(min(room.left, _FOLD_BYTES))
    given = inside.left
    parts = (list(_lines(diagnostic)) for diagnostic in worst_first(diagnostics))
    title = f"Diagnostics: {tally(diagnostics)}"
    taken = folded(title, parts, inside, count=len(diagnostics), language="diff")
    room.left -= given - inside.left
    return taken


def _lines(diagnostic: Diagnostic) -> Iterator[str]:
    place = f" {visible(str(diagnostic.source))}:" if diagnostic.source else ""
    label = f"{diagnostic.severity.value} {visible(diagnostic.code)}"
    yield f"{_sign(diagnostic.severity)} {label}{place} {visible(diagnostic.summary)}"
    if diagnostic.address:
        yield f"      of {visible(diagnostic.address)}"
    if diagnostic.detail:
        yield f"      {visible(diagnostic.detail)}"
    yield from (f"      {visible(str(where))}: {visible(message)}" for message, where in diagnostic.related)
    if diagnostic.hint:
        yield f"      hint: {visible(diagnostic.hint)}"


def _sign(severity: Severity) -> str:
    """What a fence of the language `diff` colours red, orange and grey."""
    match severity:
        case Severity.ERROR:
            return "-"
        case Severity.WARNING:
            return "!"
        case Severity.NOTE:
            return "#"
        case _:
            assert_never(severity)

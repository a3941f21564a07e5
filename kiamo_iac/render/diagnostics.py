"""Diagnostics as text and as JSON data: code, place, one sentence, a hint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import assert_never

import click

from kiamo_iac.core.diagnostics import Diagnostic, Severity
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.escape import document, visible


class TextCheck:
    """`validate` as text."""

    def __init__(self, style: Style) -> None:
        self._style = style

    def render(self, report: CheckReport) -> str:
        """Every diagnostic by place; empty when there are none."""
        return render_text(report.diagnostics, self._style)


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def summary_data(diagnostics: Iterable[Diagnostic]) -> dict[str, int]:
    """How many of each severity, all severities present."""
    counts = {severity.value: 0 for severity in Severity}
    for diagnostic in diagnostics:
        counts[diagnostic.severity.value] += 1
    return counts


def diagnostic_lines(diagnostic: Diagnostic, style: Style) -> list[str]:
    """One diagnostic: the place and what is wrong on the first line, the rest indented below."""
    place = f"{visible(str(diagnostic.source))}: " if diagnostic.source else ""
    label = f"{diagnostic.severity.value} {diagnostic.code}"
    if style.color:
        label = click.style(label, fg=_color(diagnostic.severity), bold=True)
    lines = [f"{place}{label}: {visible(diagnostic.summary)}"]
    if diagnostic.address:
        lines.append(f"    of {visible(diagnostic.address)}")
    if diagnostic.detail:
        lines.append(f"    {visible(diagnostic.detail)}")
    lines += [f"    {visible(str(where))}: {visible(message)}" for message, where in diagnostic.related]
    if diagnostic.hint:
        lines.append(f"    hint: {visible(diagnostic.hint)}")
    return lines


def _color(severity: Severity) -> str:
    match severity:
        case Severity.ERROR:
            return "red"
        case Severity.WARNING:
            return "yellow"
        case Severity.NOTE:
            return "cyan"
        case _:
            assert_never(severity)


def render_text(diagnostics: Sequence[Diagnostic], style: Style) -> str:
    """Every diagnostic by place, an empty line between two; empty when there are none."""
    lines: list[str] = []
    for diagnostic in sorted(diagnostics, key=Diagnostic.sort_key):
        lines += ["", *diagnostic_lines(diagnostic, style)]
    return document(lines[1:])


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; what there is none of is left out, and of nothing at all it says `no problems`."""
    counts = summary_data(diagnostics)
    return ", ".join(counted(number, noun) for noun, number in counts.items() if number) or "no problems"


def fingerprinted(diagnostics: Iterable[Diagnostic]) -> Iterator[tuple[Diagnostic, str]]:
    """Every diagnostic by place, with 32 hexadecimal characters.

    They are made of its file, code, address and summary. Lines are left out, so that a problem stays the same one when
    something is written above it; of several that agree in all four, the second and later are told apart by their rank.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    for diagnostic in sorted(diagnostics, key=Diagnostic.sort_key):
        file = diagnostic.source.file if diagnostic.source else ""
        what = (file, diagnostic.code, diagnostic.address or "", diagnostic.summary)
        text = "\0".join((*what, str(seen[what])))
        seen[what] += 1
        yield diagnostic, blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

"""Diagnostics as text: code, place, one sentence, a hint; identical ones as one; and their fingerprints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, assert_never

import click

from kiamo_iac.core.diagnostics import Diagnostic, Severity, by_place
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.escape import document, visible


@dataclass(frozen=True, slots=True)
class DiagnosticGroup:
    """Diagnostics that say the same of different places; `first` is the first of them in the order of the output."""

    first: Diagnostic
    others: tuple[Diagnostic, ...] = ()

    @property
    def count(self) -> int:
        """How many diagnostics it represents."""
        return 1 + len(self.others)

    def more(self, *, places: int = 3) -> str:
        """`and 299 more of these: a.yaml:30:5, …`, naming the first `places` of them; empty for one alone.

        It is data: the places are not escaped.
        """
        if not self.others:
            return ""
        named = list(dict.fromkeys(str(other.source or other.address or "") for other in self.others))
        listed = ", ".join([*filter(None, named[:places]), *(["…"] if len(named) > places else [])])
        return f"and {len(self.others):,} more of these{f': {listed}' if listed else ''}"


ALIKE: Final = 4
"""So many identical diagnostics are shown as one; fewer are shown each at its place, to be clicked on."""


def grouped(diagnostics: Iterable[Diagnostic], *, least: int = ALIKE) -> Iterator[DiagnosticGroup]:
    """Diagnostics in groups, in the order of the first of each.

    At least `least` of equal code, severity, summary, detail and hint make a group; every other one is its own.
    """
    ordered = list(diagnostics)
    alike: dict[tuple[str | None, ...], list[Diagnostic]] = {}
    for diagnostic in ordered:
        alike.setdefault(_message(diagnostic), []).append(diagnostic)
    large = {message: found for message, found in alike.items() if len(found) >= least}
    for diagnostic in ordered:
        message = _message(diagnostic)
        if message not in large:
            if len(alike[message]) < least:
                yield DiagnosticGroup(diagnostic)
            continue
        first, *others = large.pop(message)
        yield DiagnosticGroup(first, tuple(others))


def _message(diagnostic: Diagnostic) -> tuple[str | None, ...]:
    return diagnostic.code, diagnostic.severity, diagnostic.summary, diagnostic.detail, diagnostic.hint


def counted(number: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def summary_data(diagnostics: Iterable[Diagnostic]) -> dict[str, int]:
    """How many of each severity, all severities present."""
    counts = {severity.value: 0 for severity in Severity}
    for diagnostic in diagnostics:
        counts[diagnostic.severity.value] += 1
    return counts


def diagnostic_lines(diagnostics: Iterable[Diagnostic], style: Style) -> Iterator[list[str]]:
    """The lines of each group of `diagnostics`, in their order."""
    return (group_lines(group, style) for group in grouped(diagnostics))


def group_lines(group: DiagnosticGroup, style: Style) -> list[str]:
    """The place and what is wrong on the first line, the rest indented below; last, how many more there are of it."""
    diagnostic = group.first
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
    if more := group.more():
        lines.append(f"    {visible(more)}")
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
    """Every diagnostic by place, identical ones once, an empty line between two; empty when there are none."""
    lines: list[str] = []
    for part in diagnostic_lines(by_place(diagnostics), style):
        lines += ["", *part]
    return document(lines[1:])


def tally(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; zero counts are left out; `no problems` without diagnostics."""
    counts = summary_data(diagnostics)
    return ", ".join(counted(number, noun) for noun, number in counts.items() if number) or "no problems"


def fingerprinted(diagnostics: Iterable[Diagnostic]) -> Iterator[tuple[Diagnostic, str]]:
    """Every diagnostic by place, with 32 hexadecimal characters.

    They are made of its file, code, address and summary. Lines are left out, so that a problem stays the same one when
    something is written above it; of several that agree in all four, the second and later have their rank added.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    for diagnostic in by_place(diagnostics):
        file = diagnostic.source.file if diagnostic.source else ""
        what = (file, diagnostic.code, diagnostic.address or "", diagnostic.summary)
        text = "\0".join((*what, str(seen[what])))
        seen[what] += 1
        yield diagnostic, blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class TextCheck:
    """`validate` as text."""

    def __init__(self, style: Style) -> None:
        self._style = style

    def render(self, report: CheckReport) -> str:
        """Every diagnostic by place, identical ones once; empty when there are none."""
        return render_text(report.diagnostics, self._style)

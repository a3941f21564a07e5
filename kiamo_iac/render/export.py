"""An export as text: files, values before and after, and diagnostics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import click

from kiamo_iac.authoring.exporting.report import ExportReport
from kiamo_iac.planner.plan import Action
from kiamo_iac.render.base import Style
from kiamo_iac.render.diagnostics import counted, render_text
from kiamo_iac.render.escape import document, value, visible

_SHOWN = 20
"""Of each sort; an export of a whole instance has thousands."""


def export_text(report: ExportReport, style: Style, *, created: Sequence[str] = (), edited: Sequence[str] = ()) -> str:
    """The report of an export, its summary last."""
    told = render_text(report.diagnostics, style)
    lines = [*_files("created", created), *_files("changed", edited), *_changes(report, style)]
    if lines:
        lines.append("")
    summary = _summary(report, created, edited)
    return document(lines) + (f"{told}\n" if told else "") + document([summary])


def _files(what: str, names: Sequence[str]) -> Iterator[str]:
    yield from (f"{what}: {text}" for text in _first_lines(map(visible, names), len(names)))


def _changes(report: ExportReport, style: Style) -> Iterator[str]:
    signs = style.symbols
    lines = (
        f"{visible(change.address)} {visible(change.path)}: {value(change.before)} {signs.arrow} {value(change.after)}"
        for change in report.changed
    )
    for action, texts, count in (
        (Action.UPDATE, lines, len(report.changed)),
        (Action.CREATE, map(visible, report.added), len(report.added)),
        (Action.DELETE, map(visible, report.removed), len(report.removed)),
    ):
        color = {Action.UPDATE: "yellow", Action.CREATE: "green", Action.DELETE: "red"}[action]
        sign = click.style(signs.actions[action], fg=color) if style.color else signs.actions[action]
        yield from (f"  {sign} {text}" for text in _first_lines(texts, count))


def _first_lines(texts: Iterable[str], count: int) -> Iterator[str]:
    yield from islice(texts, _SHOWN)
    if count > _SHOWN:
        yield f"… and {count - _SHOWN} more"


def _summary(report: ExportReport, created: Sequence[str], edited: Sequence[str]) -> str:
    parts = [
        counted(len(created), "file") + " created" if created else "",
        counted(len(edited), "file") + " changed" if edited else "",
        counted(len(report.added), "resource") + " added" if report.added else "",
        counted(len(report.changed), "value") + " changed" if report.changed else "",
        counted(len(report.removed), "block") + " removed" if report.removed else "",
    ]
    said = ", ".join(part for part in parts if part)
    return f"Exported: {said}." if said else "Exported: nothing to change."

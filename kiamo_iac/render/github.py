"""What GitHub Actions reads on stdout: annotations as workflow commands, worst first and within its limits.

A command is `::error file=…,line=…,col=…,title=…::message`, encoded as the runner decodes it:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. The runner looks for `::` at the
start of a line, reads properties up to the next `::`, and decodes `%25`, `%0D`, `%0A` in both, `%3A` and `%2C` in
properties. Everything else of a name is data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, worst_first
from kiamo_iac.planner.plan import Plan
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.diagnostics import DiagnosticGroup, grouped
from kiamo_iac.render.escape import visible
from kiamo_iac.render.view import ListSection, PlanVerdict, PlanView, plan_view, unchanged

if TYPE_CHECKING:
    from kiamo_iac.core.provenance import PlanProvenance
    from kiamo_iac.planner.drift import Drift
    from kiamo_iac.render.view_drift import DriftRow, DriftView


PER_LEVEL: Final = 10
"""GitHub shows so many errors, warnings and notices of a step, each; the rest is in the log only."""

_MAX_LINE: Final = 1_000
_MAX_MESSAGE: Final = 4_000
"""The runner cuts a message at 4,096 characters."""
_MAX_TITLE: Final = 200
_PLACES: Final = 15
"""Of a group of identical diagnostics, so many places are named."""


class AnnotationLevel(StrEnum):
    """The commands that make annotations."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation; texts are as they are, not encoded."""

    level: AnnotationLevel
    title: str
    lines: tuple[str, ...]
    """The message, a line each."""
    source: SourceRange | None = None


def annotations_text(annotations: Iterable[Annotation], *, closing: str = "") -> str:
    """Annotations as commands, a line each, worst first, within the limits.

    A last notice says `closing` and how many were left out; it counts as one of the notices itself. There is none when
    there is nothing to count.
    """
    ordered = sorted(annotations, key=lambda annotation: list(AnnotationLevel).index(annotation.level))
    every = Counter(annotation.level for annotation in ordered)
    room = dict.fromkeys(AnnotationLevel, PER_LEVEL)
    if closing or any(every[level] > PER_LEVEL for level in AnnotationLevel):
        room[AnnotationLevel.NOTICE] -= 1
    left_out = {level: max(0, every[level] - room[level]) for level in AnnotationLevel}
    lines = list(_first(ordered, room))
    missing = ", ".join(f"{_counted(number, level)}" for level, number in left_out.items() if number)
    message = [closing] if closing else []
    if missing:
        message.append(f"GitHub shows {PER_LEVEL} annotations of a level; not shown: {missing}.")
    if message:
        lines.append(command(Annotation(AnnotationLevel.NOTICE, "kiamo-iac", tuple(message))))
    return "".join(f"{line}\n" for line in lines)


def _first(ordered: Iterable[Annotation], room: dict[AnnotationLevel, int]) -> Iterator[str]:
    for annotation in ordered:
        if room[annotation.level]:
            room[annotation.level] -= 1
            yield command(annotation)


def _counted(number: int, level: AnnotationLevel) -> str:
    return f"{number:,} {level.value}{'' if number == 1 else 's'}"


def command(annotation: Annotation) -> str:
    """One annotation as a workflow command, without a line end."""
    properties = {}
    place = annotation.source
    if place is not None and place.file:
        properties = {"file": place.file, "line": str(place.line), "col": str(place.column)}
    properties["title"] = visible(annotation.title)[:_MAX_TITLE]
    shown = ",".join(f"{key}={_property(visible(text))}" for key, text in properties.items() if text)
    message = "\n".join(visible(line)[:_MAX_LINE] for line in annotation.lines)[:_MAX_MESSAGE]
    return f"::{annotation.level.value} {shown}::{_data(message)}"


def _of_groups(groups: Iterable[DiagnosticGroup]) -> Iterator[Annotation]:
    """An annotation for each diagnostic, by place; where a level has more than GitHub shows, one for each group."""
    found = list(groups)
    sizes = Counter(group.first.severity for group in found for _ in range(group.count))
    crowded = {severity for severity, size in sizes.items() if size > PER_LEVEL}
    alone = (one for group in found if group.first.severity not in crowded for one in (group.first, *group.others))
    yield from map(_of_diagnostic, worst_first(alone))
    for group in found:
        if group.first.severity in crowded:
            yield _of_diagnostic(group.first, more=group.more(places=_PLACES))


def _of_diagnostic(diagnostic: Diagnostic, *, more: str = "") -> Annotation:
    """A diagnostic as an annotation at its place, its code as the title."""
    lines = [diagnostic.summary, *filter(None, [diagnostic.of_row])]
    if diagnostic.address:
        lines.append(f"of {diagnostic.address}")
    if diagnostic.detail:
        lines.append(diagnostic.detail)
    lines += [f"{place}: {message}" for message, place in diagnostic.related]
    if diagnostic.hint:
        lines.append(f"hint: {diagnostic.hint}")
    if more:
        lines.append(more)
    return Annotation(_level(diagnostic.severity), diagnostic.code, tuple(lines), diagnostic.source)


def _level(severity: Severity) -> AnnotationLevel:
    match severity:
        case Severity.ERROR:
            return AnnotationLevel.ERROR
        case Severity.WARNING:
            return AnnotationLevel.WARNING
        case Severity.NOTE:
            return AnnotationLevel.NOTICE
        case _:
            assert_never(severity)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


class GithubPlan:
    """The format of a plan for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan, provenance: PlanProvenance | None = None) -> str:  # noqa: ARG002 - not shown
        """Workflow commands, a line each."""
        return self.draw(plan_view(plan))

    def draw(self, view: PlanView) -> str:
        """The same of a view."""
        return annotations_text(_of_plan(view), closing=_closing(view))


class GithubDrift:
    """The format of a drift for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """Workflow commands, a line each."""
        from kiamo_iac.render.view_drift import drift_view

        return self.draw(drift_view(drift, environment=environment))

    def draw(self, view: DriftView) -> str:
        """The same of a view."""
        from kiamo_iac.render.view_drift import NO_LEDGER

        ledger = [] if view.ledger else [Annotation(AnnotationLevel.WARNING, "no ledger", (NO_LEDGER,))]
        rows = map(_of_drift_row, view.rows)
        lists = (one for section in view.sections for one in _of_section(section))
        return annotations_text([*ledger, *rows, *lists], closing=f"{view.environment}: {view.summary}")


class GithubCheck:
    """The format of `validate` for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, report: CheckReport) -> str:
        """Workflow commands, a line each; empty without diagnostics."""
        return annotations_text(_of_groups(grouped(worst_first(report.diagnostics), least=2)))


def _closing(view: PlanView) -> str:
    match view.verdict:
        case PlanVerdict.REFUSED:
            counts = f" {view.summary}" if view.rows else ""  # of manifests with errors there are none
            return f"{view.environment}: {view.verdict_line}{counts}"
        case PlanVerdict.GUARDED | PlanVerdict.READY:
            return f"Plan for {view.environment}: {view.summary} {view.verdict_line}"
        case PlanVerdict.UNCHANGED:
            return unchanged(view.environment)
        case _:
            assert_never(view.verdict)


def _of_plan(view: PlanView) -> Iterator[Annotation]:
    """Of one level, the first are the worst: what apply will be blocked by, the alarms, then the diagnostics."""
    for guard in _of_groups(view.guards):
        yield replace(guard, level=AnnotationLevel.WARNING)
    for section in view.lists:
        yield from _of_section(section)
    guards = {id(one) for group in view.guards for one in (group.first, *group.others)}
    yield from _of_groups(group for group in view.diagnostics if id(group.first) not in guards)
    for row in view.rows:
        if row.notes:
            head = f"{row.step.action.value} {row.step.address}"
            yield Annotation(AnnotationLevel.NOTICE, "note", (head, *row.notes), row.step.source)


def _of_section(section: ListSection) -> Iterator[Annotation]:
    level = AnnotationLevel.WARNING if section.alarm else AnnotationLevel.NOTICE
    for entry in section.entries:
        action = f"{entry.action.value} " if entry.action is not None else ""
        head = ": ".join(filter(None, (f"{action}{entry.address}", entry.words, entry.text)))
        yield Annotation(level, section.label, tuple(filter(None, (head, entry.reason))), entry.source)


def _of_drift_row(row: DriftRow) -> Annotation:
    from kiamo_iac.render.view_drift import OUTSIDE_GIT

    lines = (f"{row.resource.address}: {row.event_text}", *row.lines, *row.notes)
    if row.outside_git:
        return Annotation(AnnotationLevel.WARNING, OUTSIDE_GIT.lower(), lines, row.resource.source)
    return Annotation(AnnotationLevel.NOTICE, "changed in git", lines, row.resource.source)

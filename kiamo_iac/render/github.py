"""What GitHub Actions reads on stdout: annotations as workflow commands, worst first and within its limits.

A command is `::error file=…,line=…,col=…,title=…::message`, encoded as the runner decodes it:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. The runner looks for `::` at the
start of a line, reads properties up to the next `::`, and decodes `%25`, `%0D`, `%0A` in both, `%3A` and `%2C` in
properties. Everything else of a name is data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange, worst_first
from kiamo_iac.planner.diff import ChangedBy
from kiamo_iac.planner.plan import Action, Plan, Risk, Step
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.drift import attribute_line, drift_summary, happened, remarks
from kiamo_iac.render.escape import visible
from kiamo_iac.render.wording import consequence, summary_line

if TYPE_CHECKING:
    from kiamo_iac.planner.drift import Drift, ResourceDrift


PER_LEVEL: Final = 10
"""GitHub shows so many errors, warnings and notices of a step, each; the rest stands in the log alone."""

_MAX_LINE: Final = 1_000
_MAX_MESSAGE: Final = 4_000
"""The runner cuts a message at 4,096 characters."""
_MAX_TITLE: Final = 200


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
    there is nothing to say.
    """
    ordered = sorted(annotations, key=lambda annotation: list(AnnotationLevel).index(annotation.level))
    every = Counter(annotation.level for annotation in ordered)
    room = dict.fromkeys(AnnotationLevel, PER_LEVEL)
    if closing or any(every[level] > PER_LEVEL for level in AnnotationLevel):
        room[AnnotationLevel.NOTICE] -= 1
    left_out = {level: max(0, every[level] - room[level]) for level in AnnotationLevel}
    lines = list(_first(ordered, room))
    missing = ", ".join(f"{_counted(number, level)}" for level, number in left_out.items() if number)
    said = [closing] if closing else []
    if missing:
        said.append(f"Left out here, for GitHub shows {PER_LEVEL} of a kind: {missing}.")
    if said:
        lines.append(command(Annotation(AnnotationLevel.NOTICE, "kiamo-iac", tuple(said))))
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


def of_diagnostic(diagnostic: Diagnostic) -> Annotation:
    """A diagnostic as an annotation at its place, its code as the title."""
    lines = [diagnostic.summary]
    if diagnostic.address:
        lines.append(f"of {diagnostic.address}")
    if diagnostic.detail:
        lines.append(diagnostic.detail)
    lines += [f"{place}: {message}" for message, place in diagnostic.related]
    if diagnostic.hint:
        lines.append(f"hint: {diagnostic.hint}")
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


_RANK: Final = {Risk.DATA_LOSS: 0, Risk.IRREVERSIBLE: 2, Risk.REVERSIBLE: 3}


class GithubPlan:
    """The format for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan) -> str:
        """Workflow commands, a line each."""
        if not plan.applyable:
            counts = f" {summary_line(plan)}" if plan.steps else ""  # of manifests with errors nobody knows them
            closing = f"Refused: the plan for {plan.environment} will not be applied.{counts}"
        elif plan.steps:
            closing = f"Plan for {plan.environment}: {summary_line(plan)}"
        else:
            closing = f"No changes: {plan.environment} is as its manifests say."
        return annotations_text(_annotations(plan), closing=closing)


def _annotations(plan: Plan) -> Iterator[Annotation]:
    """Of one level, the first are the worst: what is lost, whom it dials, what cannot be undone, then the warnings."""
    lasting = [step for step in plan.steps if step.risk is not Risk.REVERSIBLE or step.action is Action.START]
    yield from map(_of_step, sorted(lasting, key=_badness))
    yield from map(of_diagnostic, worst_first(plan.diagnostics))


def _badness(step: Step) -> int:
    return 1 if step.action is Action.START and step.risk is not Risk.DATA_LOSS else _RANK[step.risk]


def _of_step(step: Step) -> Annotation:
    said = f"{step.action.value} {step.address}: {consequence(step)}"
    return Annotation(AnnotationLevel.WARNING, _title(step), (said, step.reason), step.source)


def _title(step: Step) -> str:
    if step.risk is Risk.DATA_LOSS:
        return "data loss"
    return "dials people" if step.action is Action.START else "cannot be undone"


class GithubDrift:
    """The format for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """Workflow commands, a line each."""
        closing = f"{environment}: {drift_summary(drift)}"
        return annotations_text(map(_of_thing, drift.resources), closing=closing)


def _of_thing(thing: ResourceDrift) -> Annotation:
    level = AnnotationLevel.NOTICE if thing.changed_by is ChangedBy.GIT else AnnotationLevel.WARNING
    facts = [attribute_line(found, thing) for found in thing.attributes]
    lines = (f"{thing.address}: {happened(thing)}", *facts, *remarks(thing))
    return Annotation(level, "drift", lines, thing.source)


class GithubCheck:
    """The format for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, report: CheckReport) -> str:
        """Workflow commands, a line each; nothing where there is nothing to say."""
        return annotations_text(map(of_diagnostic, worst_first(report.diagnostics)))

"""Workflow commands: `::error file=…,line=…,col=…,title=…::message`, encoded as the runner decodes them.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. The runner looks for `::` at the
start of a line, reads properties up to the next `::`, and decodes `%25`, `%0D`, `%0A` in both, `%3A` and `%2C` in
properties. Everything else of a name is data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, assert_never

from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.render.escape import visible

PER_LEVEL: Final = 10
"""GitHub shows so many errors, warnings and notices of a step, each; the rest stands in the log alone."""

_MAX_LINE: Final = 1_000
_MAX_MESSAGE: Final = 4_000
"""The runner cuts a message at 4,096 characters."""
_MAX_TITLE: Final = 200


class Level(StrEnum):
    """The commands that make annotations."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation; texts are as they are, not encoded."""

    level: Level
    title: str
    lines: tuple[str, ...]
    """The message, a line each."""
    source: SourceRange | None = None


def annotations_text(annotations: Iterable[Annotation], *, closing: str = "") -> str:
    """Annotations as commands, a line each, worst first, within the limits.

    A last notice says `closing` and how many were left out; it counts as one of the notices itself. There is none when
    there is nothing to say.
    """
    ordered = sorted(annotations, key=lambda annotation: list(Level).index(annotation.level))
    every = Counter(annotation.level for annotation in ordered)
    room = dict.fromkeys(Level, PER_LEVEL)
    if closing or any(every[level] > PER_LEVEL for level in Level):
        room[Level.NOTICE] -= 1
    left_out = {level: max(0, every[level] - room[level]) for level in Level}
    lines = list(_first(ordered, room))
    missing = ", ".join(f"{_counted(number, level)}" for level, number in left_out.items() if number)
    said = [closing] if closing else []
    if missing:
        said.append(f"Left out here, for GitHub shows {PER_LEVEL} of a kind: {missing}.")
    if said:
        lines.append(command(Annotation(Level.NOTICE, "kiamo-iac", tuple(said))))
    return "".join(f"{line}\n" for line in lines)


def _first(ordered: Iterable[Annotation], room: dict[Level, int]) -> Iterator[str]:
    for annotation in ordered:
        if room[annotation.level]:
            room[annotation.level] -= 1
            yield command(annotation)


def _counted(number: int, level: Level) -> str:
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


def _level(severity: Severity) -> Level:
    match severity:
        case Severity.ERROR:
            return Level.ERROR
        case Severity.WARNING:
            return Level.WARNING
        case Severity.NOTE:
            return Level.NOTICE
        case _:
            assert_never(severity)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

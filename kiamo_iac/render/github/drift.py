"""A drift as annotations: a warning where the instance was changed, a notice where git was, and one that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiamo_iac.planner.three_way import Side
from kiamo_iac.render.base import Style
from kiamo_iac.render.drift import attribute_line, happened, remarks, summary_line
from kiamo_iac.render.github.commands import Annotation, Level, annotations_text

if TYPE_CHECKING:
    from kiamo_iac.planner.drift import Drift, ThingDrift


class GithubDrift:
    """The format for GitHub Actions; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """Workflow commands, a line each."""
        closing = f"{environment}: {summary_line(drift)}"
        return annotations_text(map(_of_thing, drift.things), closing=closing)


def _of_thing(thing: ThingDrift) -> Annotation:
    level = Level.NOTICE if thing.side is Side.GIT else Level.WARNING
    facts = [attribute_line(found, thing) for found in thing.attributes]
    lines = (f"{thing.address}: {happened(thing)}", *facts, *remarks(thing))
    return Annotation(level, "drift", lines, thing.source)

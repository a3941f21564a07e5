"""Drift as people read it: what happened to each thing, on which side, and what it is on each of the three."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import click

from kiamo_iac.planner.diff import describe
from kiamo_iac.planner.drift import AttributeDrift, ChangedBy, Drift, DriftEvent, ResourceDrift
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import document, quoted, value, visible


class TextDrift:
    """The text format."""

    def __init__(self, style: Style) -> None:
        self._style = style

    def render(self, drift: Drift, *, environment: str) -> str:
        """All of it, ending with a line that counts."""
        return drift_text(drift, self._style, environment=environment)


def drift_text(drift: Drift, style: Style, *, environment: str) -> str:
    """All of it, ending with a line that counts."""
    return document(_lines(drift, style, environment))


def _lines(drift: Drift, style: Style, environment: str) -> Iterator[str]:
    yield _bold(f"Environment {visible(environment)}", style)
    yield ""
    if not drift.ledger:
        yield "There is no ledger of this environment, so that nobody can say who changed what."
        yield ""
    for thing in drift.resources:
        said = _paint(happened(thing), thing.changed_by, style)
        yield f"{_bold(visible(thing.address), style)} ({visible(thing.kind)}): {said}"
        yield from (f"    {attribute_line(found, thing)}" for found in thing.attributes)
        yield from (f"    {line}" for line in remarks(thing))
        yield ""
    yield _bold(drift_summary(drift), style)


def drift_summary(drift: Drift) -> str:
    """`Drift: 2 changed in git, 1 on the instance, 0 on both sides; 14 unchanged.`"""
    counts = drift.summary
    unknown = f", {counts[ChangedBy.UNKNOWN]} nobody can say where" if counts[ChangedBy.UNKNOWN] else ""
    stranger = f", {drift.not_owned} not in the ledger" if drift.not_owned else ""
    if not drift.any:
        return f"No drift: {counts[ChangedBy.NEITHER]} unchanged{stranger}."
    changed = f"{counts[ChangedBy.GIT]} changed in git, {counts[ChangedBy.INSTANCE]} on the instance"
    both, neither = counts[ChangedBy.BOTH], counts[ChangedBy.NEITHER]
    return f"Drift: {changed}, {both} on both sides{unknown}; {neither} unchanged{stranger}."


def happened(thing: ResourceDrift) -> str:
    """What happened to it, in words; `git` or `instance` is named in all of them."""
    also = ", and changed in git" if thing.changed_by is ChangedBy.BOTH else ""
    match thing.event:
        case DriftEvent.CHANGED:
            said = describe(thing.changed_by)
            if thing.changed_by is ChangedBy.UNKNOWN:
                said = f"a sensitive setting differs, and its value is {said}"
        case DriftEvent.NEW:
            said = "new in git"
        case DriftEvent.GONE:
            said = "gone from git" + (", and changed on the instance" if thing.changed_by is ChangedBy.BOTH else "")
        case DriftEvent.DELETED:
            said = f"deleted on the instance{also}"
        case DriftEvent.REMADE:
            ids = f"id {visible(str(thing.live_id))}, not {visible(str(thing.known_id))}"
            said = f"made anew on the instance ({ids}){also}"
        case DriftEvent.RENAMED:
            said = f"renamed to {quoted(thing.lives_as or '')} on the instance{also}"
        case DriftEvent.NOT_OWNED:
            said = describe(ChangedBy.UNKNOWN)
        case _:
            assert_never(thing.event)
    return said


def attribute_line(found: AttributeDrift, thing: ResourceDrift) -> str:
    """One attribute: what it is on each of the sides, and which of them changed it where that is not said above."""
    sides = [f"declared {value(found.declared)}", f"live {value(found.live)}"]
    if found.changed_by is not ChangedBy.UNKNOWN:
        sides.insert(1, f"applied {value(found.applied)}")
    whose = (
        f" ({describe(found.changed_by)})"
        if found.changed_by is not thing.changed_by or thing.event is not DriftEvent.CHANGED
        else ""
    )
    return f"{visible(found.path)}: {', '.join(sides)}{whose if found.changed_by is not ChangedBy.UNKNOWN else ''}"


def remarks(thing: ResourceDrift) -> Iterator[str]:
    """When it was applied last, and where it is declared."""
    if thing.applied_at:
        commit = f" from commit {visible(thing.commit[:10])}" if thing.commit else ""
        yield f"last applied {visible(thing.applied_at)}{commit}"
    if thing.source is not None:
        yield f"declared at {visible(str(thing.source))}"


def _paint(text: str, side: ChangedBy, style: Style) -> str:
    return click.style(text, fg=_color(side)) if style.color else text


def _bold(text: str, style: Style) -> str:
    return click.style(text, bold=True) if style.color else text


def _color(side: ChangedBy) -> str:
    match side:
        case ChangedBy.NEITHER:
            return "green"
        case ChangedBy.GIT:
            return "yellow"
        case ChangedBy.INSTANCE:
            return "magenta"
        case ChangedBy.BOTH:
            return "red"
        case ChangedBy.UNKNOWN:
            return "cyan"
        case _:
            assert_never(side)

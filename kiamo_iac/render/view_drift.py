"""What every format says of a drift, worked out once: what happened to each resource, and what changed outside git."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, assert_never

from kiamo_iac.planner.diff import describe
from kiamo_iac.planner.drift import AttributeDrift, ChangedBy, Drift, DriftEvent, ResourceDrift
from kiamo_iac.planner.run_state import left_text
from kiamo_iac.render.diagnostics import counted
from kiamo_iac.render.escape import quoted, value, visible
from kiamo_iac.render.view import Entry, ListSection

OUTSIDE_GIT: Final = "Changed outside git"
"""The alarm of a drift: the instance was changed, or nothing tells who changed it."""
OWED: Final = "Run states that the next apply restores"
"""The list of what an earlier run began, and did not end; it is no drift."""
RUN_STATES: Final = "Run states changed on the instance, not declared"
"""The list of run states that no manifest declares and others changed; it is no drift."""
NO_LEDGER: Final = "This environment has no ledger: who changed what is unknown."


@dataclass(frozen=True, slots=True)
class DriftRow:
    """A resource that drifted, and what is shown with it. Lines are made visible already."""

    resource: ResourceDrift
    event_text: str
    """What happened to it, in words; `git` or `instance` is named in all of them."""
    outside_git: bool
    """The alarm: not by git alone."""
    lines: tuple[str, ...]
    """A line for each attribute that differs."""
    notes: tuple[str, ...]
    """When it was applied last, and where it is declared."""


@dataclass(frozen=True, slots=True)
class DriftView:
    """A drift, ready to be drawn."""

    environment: str
    drifted: bool
    ledger: bool
    """False: who changed what is unknown, see `NO_LEDGER`."""
    verdict_line: str
    summary: str
    """`Drift: 2 changed in git, 1 on the instance, 0 on both sides; 14 unchanged.`"""
    counts: tuple[tuple[ChangedBy, int], ...]
    rows: tuple[DriftRow, ...]
    alarms: tuple[ListSection, ...]
    """What changed outside git; empty where nothing did."""
    sections: tuple[ListSection, ...] = ()
    """Other lists, drawn after the rows."""


def drift_view(drift: Drift, *, environment: str) -> DriftView:
    """Everything that a format says of `drift`."""
    rows = tuple(map(_row, drift.resources))
    outside = [row for row in rows if row.outside_git]
    entries = tuple(Entry(row.resource.address, text=row.event_text, source=row.resource.source) for row in outside)
    summary = drift.summary
    owed = tuple(Entry(address, text=left_text(state)) for address, state in sorted(drift.owed.items()))
    run_states = tuple(
        Entry(address, text=f"{visible(changed.now)}; {visible(changed.left_in)} when it was last applied or adopted")
        for address, changed in sorted(drift.run_states.items())
    )
    sections = (
        ListSection("owed", OWED, OWED.lower(), owed),
        ListSection("run_states", RUN_STATES, RUN_STATES.lower(), run_states),
    )
    return DriftView(
        environment=environment,
        drifted=drift.any,
        ledger=drift.ledger,
        verdict_line=_verdict_line(len(rows), len(outside)) if not drift.on_instance else _verdict_on_instance(drift),
        summary=_summary(drift),
        counts=tuple((side, summary[side]) for side in _ORDER),
        rows=rows,
        alarms=(ListSection("outside", OUTSIDE_GIT, OUTSIDE_GIT.lower(), entries, alarm=True),) if entries else (),
        sections=tuple(section for section in sections if section.entries),
    )


_ORDER: Final = (ChangedBy.GIT, ChangedBy.INSTANCE, ChangedBy.BOTH, ChangedBy.UNKNOWN, ChangedBy.NEITHER)
"""In which the sides are counted."""


def _row(resource: ResourceDrift) -> DriftRow:
    return DriftRow(
        resource,
        event_text=event_text(resource),
        outside_git=resource.changed_by is not ChangedBy.GIT,
        lines=tuple(_attribute_line(found, resource) for found in resource.attributes),
        notes=tuple(_notes(resource)),
    )


def _verdict_line(rows: int, outside: int) -> str:
    if not rows:
        return "No drift."
    where = "outside git" if outside else "in git"
    of_all = f"{outside:,} of " if 0 < outside < rows else ""
    return f"{of_all}{counted(rows, 'resource')} changed {where}."


def _verdict_on_instance(drift: Drift) -> str:
    return f"{counted(len(drift.resources), 'resource')} changed on the instance."


def _summary_on_instance(drift: Drift) -> str:
    """`Drift on the instance: 2 changed, 1 of them in git too.`"""
    both = drift.summary[ChangedBy.BOTH]
    found = f"Drift on the instance: {len(drift.resources)} changed" if drift.any else "No drift on the instance"
    also = f", {both} of them in git too" if both else ""
    unknown = drift.of_unknown_side
    left = f"; {unknown} of unknown origin not counted" if unknown else ""
    return f"{found}{also}{left}."


def _summary(drift: Drift) -> str:
    """`Drift: 2 changed in git, 1 on the instance, 0 on both sides; 14 unchanged.`"""
    if drift.on_instance:
        return _summary_on_instance(drift)
    counts = drift.summary
    unknown = f", {counts[ChangedBy.UNKNOWN]} of unknown origin" if counts[ChangedBy.UNKNOWN] else ""
    unmanaged = f", {drift.not_owned} not in the ledger" if drift.not_owned else ""
    if not drift.any:
        return f"No drift: {counts[ChangedBy.NEITHER]} unchanged{unmanaged}."
    changed = f"{counts[ChangedBy.GIT]} changed in git, {counts[ChangedBy.INSTANCE]} on the instance"
    both, neither = counts[ChangedBy.BOTH], counts[ChangedBy.NEITHER]
    return f"Drift: {changed}, {both} on both sides{unknown}; {neither} unchanged{unmanaged}."


def event_text(resource: ResourceDrift) -> str:
    """What happened to it, in words; `git`, `instance` or `ledger` is named in all of them."""
    also = ", and changed in git" if resource.changed_by is ChangedBy.BOTH else ""
    match resource.event:
        case DriftEvent.CHANGED if resource.changed_by is ChangedBy.UNKNOWN:
            what = f"a sensitive setting differs, and its value is {describe(resource.changed_by)}"
        case DriftEvent.CHANGED:
            what = describe(resource.changed_by)
        case DriftEvent.NEW:
            what = "new in git"
        case DriftEvent.GONE:
            what = "removed from git" + (
                ", and changed on the instance" if resource.changed_by is ChangedBy.BOTH else ""
            )
        case DriftEvent.DELETED:
            what = f"deleted on the instance{also}"
        case DriftEvent.REMADE:
            ids = f"id {visible(str(resource.live_id))}, not {visible(str(resource.known_id))}"
            what = f"recreated on the instance ({ids}){also}"
        case DriftEvent.RENAMED:
            what = f"renamed to {quoted(resource.lives_as or '')} on the instance{also}"
        case DriftEvent.NOT_OWNED:
            what = describe(ChangedBy.UNKNOWN)
        case _:
            assert_never(resource.event)
    return what


def _attribute_line(found: AttributeDrift, resource: ResourceDrift) -> str:
    """One attribute: its value on each side, and who changed it unless that is in the headline."""
    sides = [f"declared {value(found.declared)}", f"live {value(found.live)}"]
    if found.changed_by is not ChangedBy.UNKNOWN:
        sides.insert(1, f"applied {value(found.applied)}")
    whose = (
        f" ({describe(found.changed_by)})"
        if found.changed_by is not resource.changed_by or resource.event is not DriftEvent.CHANGED
        else ""
    )
    return f"{visible(found.path)}: {', '.join(sides)}{whose if found.changed_by is not ChangedBy.UNKNOWN else ''}"


def _notes(resource: ResourceDrift) -> Iterator[str]:
    """When it was applied last, and where it is declared."""
    if resource.applied_at:
        commit = f" from commit {visible(resource.commit[:10])}" if resource.commit else ""
        yield f"last applied {visible(resource.applied_at)}{commit}"
    if resource.source is not None:
        yield f"declared at {visible(str(resource.source))}"

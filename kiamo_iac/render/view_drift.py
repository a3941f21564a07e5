"""What every format says of a drift, worked out once: what happened to each object, and which changes are not git's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, assert_never

from kiamo_iac.planner.diff import describe
from kiamo_iac.planner.drift import AttributeDrift, ChangedBy, Drift, DriftEvent, ResourceDrift
from kiamo_iac.render.escape import quoted, value, visible
from kiamo_iac.render.view import Entry, ListSection

OUTSIDE_GIT: Final = "Changed outside git"
"""The alarm of a drift: the instance was changed, or nothing tells who changed it."""
NO_LEDGER: Final = "This environment has no ledger: who changed what is unknown."


@dataclass(frozen=True, slots=True)
class DriftRow:
    """An object that drifted, and what is said of it. Lines are made visible already."""

    thing: ResourceDrift
    happened: str
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
    entries = tuple(Entry(row.thing.address, text=row.happened, source=row.thing.source) for row in outside)
    summary = drift.summary
    return DriftView(
        environment=environment,
        drifted=drift.any,
        ledger=drift.ledger,
        verdict_line=_verdict_line(len(rows), len(outside)),
        summary=_summary(drift),
        counts=tuple((side, summary[side]) for side in _ORDER),
        rows=rows,
        alarms=(ListSection("outside", OUTSIDE_GIT, OUTSIDE_GIT.lower(), entries, alarm=True),) if entries else (),
    )


_ORDER: Final = (ChangedBy.GIT, ChangedBy.INSTANCE, ChangedBy.BOTH, ChangedBy.UNKNOWN, ChangedBy.NEITHER)
"""In which the sides are counted."""


def _row(thing: ResourceDrift) -> DriftRow:
    return DriftRow(
        thing,
        happened=happened(thing),
        outside_git=thing.changed_by is not ChangedBy.GIT,
        lines=tuple(_attribute_line(found, thing) for found in thing.attributes),
        notes=tuple(_notes(thing)),
    )


def _verdict_line(rows: int, outside: int) -> str:
    if not rows:
        return "No drift."
    where = "outside git" if outside else "in git"
    part = f"{outside:,} of {rows:,}" if 0 < outside < rows else f"All {rows:,}" if rows > 1 else "1 resource"
    return f"{part} changed {where}."


def _summary(drift: Drift) -> str:
    """`Drift: 2 changed in git, 1 on the instance, 0 on both sides; 14 unchanged.`"""
    counts = drift.summary
    unknown = f", {counts[ChangedBy.UNKNOWN]} of unknown origin" if counts[ChangedBy.UNKNOWN] else ""
    unmanaged = f", {drift.not_owned} not in the ledger" if drift.not_owned else ""
    if not drift.any:
        return f"No drift: {counts[ChangedBy.NEITHER]} unchanged{unmanaged}."
    changed = f"{counts[ChangedBy.GIT]} changed in git, {counts[ChangedBy.INSTANCE]} on the instance"
    both, neither = counts[ChangedBy.BOTH], counts[ChangedBy.NEITHER]
    return f"Drift: {changed}, {both} on both sides{unknown}; {neither} unchanged{unmanaged}."


def happened(thing: ResourceDrift) -> str:
    """What happened to it, in words; `git`, `instance` or `ledger` is named in all of them."""
    also = ", and changed in git" if thing.changed_by is ChangedBy.BOTH else ""
    match thing.event:
        case DriftEvent.CHANGED if thing.changed_by is ChangedBy.UNKNOWN:
            what = f"a sensitive setting differs, and its value is {describe(thing.changed_by)}"
        case DriftEvent.CHANGED:
            what = describe(thing.changed_by)
        case DriftEvent.NEW:
            what = "new in git"
        case DriftEvent.GONE:
            what = "removed from git" + (", and changed on the instance" if thing.changed_by is ChangedBy.BOTH else "")
        case DriftEvent.DELETED:
            what = f"deleted on the instance{also}"
        case DriftEvent.REMADE:
            ids = f"id {visible(str(thing.live_id))}, not {visible(str(thing.known_id))}"
            what = f"recreated on the instance ({ids}){also}"
        case DriftEvent.RENAMED:
            what = f"renamed to {quoted(thing.lives_as or '')} on the instance{also}"
        case DriftEvent.NOT_OWNED:
            what = describe(ChangedBy.UNKNOWN)
        case _:
            assert_never(thing.event)
    return what


def _attribute_line(found: AttributeDrift, thing: ResourceDrift) -> str:
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


def _notes(thing: ResourceDrift) -> Iterator[str]:
    """When it was applied last, and where it is declared."""
    if thing.applied_at:
        commit = f" from commit {visible(thing.commit[:10])}" if thing.commit else ""
        yield f"last applied {visible(thing.applied_at)}{commit}"
    if thing.source is not None:
        yield f"declared at {visible(str(thing.source))}"

"""A drift as an HTML page: who changed what, and what each attribute is on each of the three sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from kiamo_iac.planner.diff import ChangedBy, describe
from kiamo_iac.render.base import Style
from kiamo_iac.render.drift import drift_summary, happened, remarks
from kiamo_iac.render.html.page import page
from kiamo_iac.render.html.rows import filters, grouped, within

if TYPE_CHECKING:
    from kiamo_iac.planner.drift import Drift, ResourceDrift

_ORDER: Final = (ChangedBy.GIT, ChangedBy.INSTANCE, ChangedBy.BOTH, ChangedBy.UNKNOWN, ChangedBy.NEITHER)
"""In which they are counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """A thing as it is shown; text is data, but for what is said to be visible."""

    thing: ResourceDrift
    number: int
    where: str
    """See `rows.within`."""
    happened: str
    """Visible already."""
    remarks: tuple[str, ...]
    """Visible already."""
    attributes: tuple[tuple[str, object, object, object, str], ...]
    """Path, declared, applied, live, and who changed it."""


class HtmlDrift:
    """The HTML format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """The whole page, ending with a newline."""
        rows = [_row(thing, number) for number, thing in enumerate(drift.resources, start=1)]
        things = _by_side(drift.resources)
        return page(
            "drift.html.j2",
            environment=environment,
            drift=drift,
            summary=drift_summary(drift),
            counts=[(side.value, _side(side), drift.summary[side]) for side in _ORDER],
            groups=grouped((row.thing.address, row) for row in rows),
            filters=filters(
                ("side", "Changed", [(t.changed_by.value, _side(t.changed_by)) for t in things]),
                ("event", "Event", [(t.event.value, t.event.value.replace("_", " ")) for t in drift.resources]),
                ("kind", "Kind", [(t.kind, t.kind) for t in drift.resources]),
            ),
        )


def _row(thing: ResourceDrift, number: int) -> Row:
    return Row(
        thing,
        number,
        where=within(thing.address),
        happened=happened(thing),
        remarks=tuple(remarks(thing)),
        attributes=tuple((a.path, a.declared, a.applied, a.live, describe(a.changed_by)) for a in thing.attributes),
    )


def _by_side(things: Sequence[ResourceDrift]) -> list[ResourceDrift]:
    return sorted(things, key=lambda thing: _ORDER.index(thing.changed_by))


def _side(side: ChangedBy) -> str:
    """A side in the fewest words."""
    match side:
        case ChangedBy.NEITHER:
            return "unchanged"
        case ChangedBy.GIT:
            return "in git"
        case ChangedBy.INSTANCE:
            return "on the instance"
        case ChangedBy.BOTH:
            return "on both sides"
        case ChangedBy.UNKNOWN:
            return "nobody can say"
        case _:
            assert_never(side)

"""A drift as an HTML page: who changed what, and what each attribute is on each of the three sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, assert_never

from kiamo_iac.planner.three_way import Side, words
from kiamo_iac.render.base import Style
from kiamo_iac.render.drift import drift_summary, happened, remarks
from kiamo_iac.render.html.page import page
from kiamo_iac.render.html.rows import filters, grouped, within

if TYPE_CHECKING:
    from kiamo_iac.planner.drift import Drift, ThingDrift

_ORDER: Final = (Side.GIT, Side.INSTANCE, Side.BOTH, Side.UNKNOWN, Side.NEITHER)
"""In which they are counted."""


@dataclass(frozen=True, slots=True)
class Row:
    """A thing as it is shown; text is data, but for what is said to be visible."""

    thing: ThingDrift
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
        rows = [_row(thing, number) for number, thing in enumerate(drift.things, start=1)]
        things = _by_side(drift.things)
        return page(
            "drift.html.j2",
            environment=environment,
            drift=drift,
            summary=drift_summary(drift),
            counts=[(side.value, _side(side), drift.summary[side]) for side in _ORDER],
            groups=grouped((row.thing.address, row) for row in rows),
            filters=filters(
                ("side", "Changed", [(t.side.value, _side(t.side)) for t in things]),
                ("event", "Event", [(t.event.value, t.event.value.replace("_", " ")) for t in drift.things]),
                ("kind", "Kind", [(t.kind, t.kind) for t in drift.things]),
            ),
        )


def _row(thing: ThingDrift, number: int) -> Row:
    return Row(
        thing,
        number,
        where=within(thing.address),
        happened=happened(thing),
        remarks=tuple(remarks(thing)),
        attributes=tuple((a.path, a.declared, a.applied, a.live, words(a.side)) for a in thing.attributes),
    )


def _by_side(things: Sequence[ThingDrift]) -> list[ThingDrift]:
    return sorted(things, key=lambda thing: _ORDER.index(thing.side))


def _side(side: Side) -> str:
    """A side in the fewest words."""
    match side:
        case Side.NEITHER:
            return "unchanged"
        case Side.GIT:
            return "in git"
        case Side.INSTANCE:
            return "on the instance"
        case Side.BOTH:
            return "on both sides"
        case Side.UNKNOWN:
            return "nobody can say"
        case _:
            assert_never(side)

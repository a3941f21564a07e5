"""A drift as an HTML page: who changed what, and what each attribute is on each of the three sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from kiamo_iac.planner.diff import ChangedBy, describe
from kiamo_iac.planner.drift import DriftEvent
from kiamo_iac.render.base import Style
from kiamo_iac.render.html.page import filters, grouped_rows, page, within
from kiamo_iac.render.view_drift import NO_LEDGER, DriftRow, DriftView, drift_view

if TYPE_CHECKING:
    from kiamo_iac.planner.drift import Drift, ResourceDrift


@dataclass(frozen=True, slots=True)
class DriftCells:
    """What the table has of a resource beside its row; text is data."""

    row: DriftRow
    number: int
    event: str
    """What happened to it, in a word or two."""
    where: str
    """See `page.within`."""
    attributes: tuple[tuple[str, object, object, object, str], ...]
    """Path, declared, applied, live, and who changed it."""

    @property
    def resource(self) -> ResourceDrift:
        """The resource itself."""
        return self.row.resource


class HtmlDrift:
    """The HTML format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """The whole page, ending with a newline."""
        return self.draw(drift_view(drift, environment=environment))

    def draw(self, view: DriftView) -> str:
        """The same of a view."""
        cells = [_cells(row, number) for number, row in enumerate(view.rows, start=1)]
        resources = [row.resource for row in view.rows]
        return page(
            "drift.html.j2",
            view=view,
            no_ledger=NO_LEDGER,
            counts=[(side.value, _side(side), count) for side, count in view.counts],
            groups=grouped_rows(
                cells,
                lambda cell: cell.resource.address,
                lambda cell: (cell.resource.changed_by.value, _side(cell.resource.changed_by)),
            ),
            filters=filters(
                ("side", "Changed", [(t.changed_by.value, _side(t.changed_by)) for t in _by_side(resources, view)]),
                ("event", "Event", [(t.event.value, _event(t.event)) for t in resources]),
                ("kind", "Kind", [(t.kind, t.kind) for t in resources]),
            ),
        )


def _cells(row: DriftRow, number: int) -> DriftCells:
    found = row.resource.attributes
    return DriftCells(
        row,
        number,
        event=_event(row.resource.event),
        where=within(row.resource.address),
        attributes=tuple((a.path, a.declared, a.applied, a.live, describe(a.changed_by)) for a in found),
    )


def _by_side(resources: Sequence[ResourceDrift], view: DriftView) -> list[ResourceDrift]:
    order = [side for side, _ in view.counts]
    return sorted(resources, key=lambda resource: order.index(resource.changed_by))


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
            return "unknown"
        case _:
            assert_never(side)


def _event(event: DriftEvent) -> str:
    """An event in a word or two."""
    match event:
        case DriftEvent.CHANGED | DriftEvent.NEW | DriftEvent.DELETED | DriftEvent.RENAMED:
            return event.value
        case DriftEvent.GONE:
            return "removed"
        case DriftEvent.REMADE:
            return "recreated"
        case DriftEvent.NOT_OWNED:
            return "not managed"
        case _:
            assert_never(event)

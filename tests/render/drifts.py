"""Drifts made by hand, that every format is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.state import DanglingReference
from kiamo_iac.planner.drift import AttributeDrift, Drift, Event, Side, ThingDrift
from kiamo_iac.render.base import drift_renderer
from tests.render.goldens import STYLES

THEN: Final = "2026-01-05T18:30:00Z"
COMMIT: Final = "c0ffee0123456789"


def thing(address: str, event: Event, side: Side, *found: AttributeDrift, **more: Any) -> ThingDrift:
    """A thing that was applied, and is declared in `manifests/prospects.yaml`."""
    values = {
        "lives_as": Address(address).name,
        "known_id": "17",
        "live_id": "17",
        "applied_at": THEN,
        "commit": COMMIT,
        "source": SourceRange("manifests/prospects.yaml", 4, 5),
        **more,
    }
    kind = {"bases": "base", "fields": "field", "batches": "batch", "services": "service"}[Address(address).collection]
    return ThingDrift(Address(address), kind, event, side, found, **values)


def full() -> Drift:
    """Every event, and every side."""
    label = AttributeDrift("label", Side.GIT, "Prospects 2026", "Prospects", "Prospects")
    association = AttributeDrift("association.destination", Side.BOTH, "phone", "mobile", "home")
    service = AttributeDrift("service", Side.INSTANCE, "Sales", "Sales", DanglingReference("(gone: 17)"))
    return Drift(
        (
            thing("bases/away", Event.RENAMED, Side.BOTH, lives_as="far away", source=None),
            thing("bases/gone", Event.GONE, Side.GIT, source=None),
            thing(
                "bases/gone too",
                Event.GONE,
                Side.BOTH,
                AttributeDrift("label", Side.INSTANCE, None, "A", "B"),
                source=None,
            ),
            thing(
                "bases/new",
                Event.NEW,
                Side.GIT,
                **dict.fromkeys(("lives_as", "known_id", "live_id", "applied_at", "commit")),
            ),
            thing("bases/other", Event.REMADE, Side.INSTANCE, live_id=23),
            thing("bases/prospects", Event.CHANGED, Side.GIT, label),
            thing("bases/prospects/batches/autumn", Event.CHANGED, Side.BOTH, association, service),
            thing("bases/prospects/batches/spring", Event.CHANGED, Side.INSTANCE, service),
            thing(
                "bases/prospects/fields/city", Event.DELETED, Side.INSTANCE, lives_as=None, live_id=None, commit=None
            ),
            thing(
                "bases/prospects/fields/town",
                Event.RENAMED,
                Side.INSTANCE,
                AttributeDrift("name", Side.INSTANCE, "town", "town", "Ville"),
                lives_as="Ville",
            ),
            thing(
                "services/Win-back",
                Event.NOT_OWNED,
                Side.UNKNOWN,
                AttributeDrift("label", Side.UNKNOWN, "Win-back desk", None, None),
                known_id=None,
                applied_at=None,
                commit=None,
            ),
        ),
        unchanged=14,
        not_owned=3,
    )


def hostile() -> Drift:
    """Names and values that try to be something else: markup, commands of a CI system, colours, other lines."""
    evil = '\n::error::x\x1b[31m\u202e"'
    return Drift(
        (
            thing(
                f"bases/{evil}",
                Event.RENAMED,
                Side.BOTH,
                AttributeDrift(f"settings.{evil}", Side.BOTH, evil, [evil], {evil: evil}),
                lives_as=evil,
                commit=evil,
                source=SourceRange(evil, 1, 1),
            ),
            thing("bases/x", Event.REMADE, Side.INSTANCE, known_id=evil, live_id=evil, applied_at=evil),
        )
    )


DRIFTS: Mapping[str, Drift] = {
    "full": full(),
    "hostile": hostile(),
    "none": Drift((), unchanged=3),
    "no-ledger": Drift((), unchanged=3, not_owned=3, ledger=False),
}


def rendered(drift: Drift, suffix: str) -> str:
    """A drift in the format and style of a golden file's suffix."""
    format_name, style = STYLES[suffix]
    return drift_renderer(format_name, style).render(drift, environment="staging")

"""Drifts made by hand, that every format is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kiamo_iac.core.address import Address
from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.state import DanglingReference, OwedState
from kiamo_iac.planner.drift import AttributeDrift, ChangedBy, Drift, DriftEvent, ResourceDrift, RunStateChange
from kiamo_iac.render.base import drift_renderer
from tests.render.goldens import STYLES

THEN: Final = "2026-01-05T18:30:00Z"
COMMIT: Final = "c0ffee0123456789"


def thing(address: str, event: DriftEvent, side: ChangedBy, *found: AttributeDrift, **more: Any) -> ResourceDrift:
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
    return ResourceDrift(Address(address), kind, event, side, found, **values)


def full() -> Drift:
    """Every event, and every side."""
    label = AttributeDrift("label", ChangedBy.GIT, "Prospects 2026", "Prospects", "Prospects")
    association = AttributeDrift("association.destination", ChangedBy.BOTH, "phone", "mobile", "home")
    service = AttributeDrift("service", ChangedBy.INSTANCE, "Sales", "Sales", DanglingReference("(gone: 17)"))
    return Drift(
        (
            thing("bases/away", DriftEvent.RENAMED, ChangedBy.BOTH, lives_as="far away", source=None),
            thing("bases/gone", DriftEvent.GONE, ChangedBy.GIT, source=None),
            thing(
                "bases/gone too",
                DriftEvent.GONE,
                ChangedBy.BOTH,
                AttributeDrift("label", ChangedBy.INSTANCE, None, "A", "B"),
                source=None,
            ),
            thing(
                "bases/new",
                DriftEvent.NEW,
                ChangedBy.GIT,
                **dict.fromkeys(("lives_as", "known_id", "live_id", "applied_at", "commit")),
            ),
            thing("bases/other", DriftEvent.REMADE, ChangedBy.INSTANCE, live_id=23),
            thing("bases/prospects", DriftEvent.CHANGED, ChangedBy.GIT, label),
            thing("bases/prospects/batches/autumn", DriftEvent.CHANGED, ChangedBy.BOTH, association, service),
            thing("bases/prospects/batches/spring", DriftEvent.CHANGED, ChangedBy.INSTANCE, service),
            thing(
                "bases/prospects/fields/city",
                DriftEvent.DELETED,
                ChangedBy.INSTANCE,
                lives_as=None,
                live_id=None,
                commit=None,
            ),
            thing(
                "bases/prospects/fields/town",
                DriftEvent.RENAMED,
                ChangedBy.INSTANCE,
                AttributeDrift("name", ChangedBy.INSTANCE, "town", "town", "Ville"),
                lives_as="Ville",
            ),
            thing(
                "services/Win-back",
                DriftEvent.NOT_OWNED,
                ChangedBy.UNKNOWN,
                AttributeDrift("label", ChangedBy.UNKNOWN, "Win-back desk", None, None),
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
                DriftEvent.RENAMED,
                ChangedBy.BOTH,
                AttributeDrift(f"settings.{evil}", ChangedBy.BOTH, evil, [evil], {evil: evil}),
                lives_as=evil,
                commit=evil,
                source=SourceRange(evil, 1, 1),
            ),
            thing("bases/x", DriftEvent.REMADE, ChangedBy.INSTANCE, known_id=evil, live_id=evil, applied_at=evil),
        )
    )


DRIFTS: Mapping[str, Drift] = {
    "full": full(),
    "hostile": hostile(),
    "none": Drift((), unchanged=3),
    "owed": Drift(
        (),
        unchanged=3,
        owed={
            Address("bases/prospects/batches/spring"): OwedState(
                "started", "paused", "2026-01-05T18:30:00Z", "20260105T183000Z-c0ffee"
            )
        },
    ),
    "on-instance": full().only_on_instance(),
    "run-states": Drift(
        (),
        unchanged=3,
        run_states={Address("bases/prospects/batches/spring"): RunStateChange("new", "started")},
        on_instance=True,
        of_unknown_side=2,
    ),
    "no-ledger": Drift((), unchanged=3, not_owned=3, ledger=False),
}


def rendered(drift: Drift, suffix: str) -> str:
    """A drift in the format and style of a golden file's suffix."""
    format_name, style = STYLES[suffix]
    return drift_renderer(format_name, style).render(drift, environment="staging")

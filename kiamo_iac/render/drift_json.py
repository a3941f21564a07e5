"""Drift as JSON, described by `schemas/drift.schema.json`."""

from __future__ import annotations

from typing import Any, Final

from kiamo_iac.planner.drift import AttributeDrift, Drift, ThingDrift
from kiamo_iac.render.base import Style
from kiamo_iac.render.escape import json_document

FORMAT_VERSION: Final = "1.0"
"""The first number changes when a reader of the old form would misread the new one."""


class JsonDrift:
    """The JSON format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, drift: Drift, *, environment: str) -> str:
        """All of it, ending with a newline."""
        return drift_json(drift, environment=environment)


def drift_json(drift: Drift, *, environment: str) -> str:
    """All of it, ending with a newline."""
    return json_document(drift_data(drift, environment=environment))


def drift_data(drift: Drift, *, environment: str) -> dict[str, Any]:
    """All of it as plain data, keys in the order in which they are written."""
    return {
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "ledger": drift.ledger,
        "drifted": drift.any,
        "summary": {side.value: count for side, count in drift.summary.items()},
        "not_owned": drift.not_owned,
        "things": [_thing(thing) for thing in drift.things],
    }


def _thing(thing: ThingDrift) -> dict[str, Any]:
    return {
        "address": thing.address,
        "kind": thing.kind,
        "event": thing.event.value,
        "side": thing.side.value,
        "attributes": [_attribute(found) for found in thing.attributes],
        "lives_as": thing.lives_as,
        "known_id": thing.known_id,
        "live_id": thing.live_id,
        "applied_at": thing.applied_at or None,
        "commit": thing.commit,
        "source": str(thing.source) if thing.source else None,
    }


def _attribute(found: AttributeDrift) -> dict[str, Any]:
    return {
        "path": found.path,
        "side": found.side.value,
        "declared": found.declared,
        "applied": found.applied,
        "live": found.live,
    }

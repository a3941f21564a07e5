"""A plan, a drift and the result of `validate` as JSON; the schemas of that name describe them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kiamo_iac.core.common_records import DIAGNOSTIC
from kiamo_iac.core.diagnostics import Diagnostic, has_errors
from kiamo_iac.planner.drift import AttributeDrift, Drift, ResourceDrift
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.plan_json import PLAN
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.diagnostics import summary_data
from kiamo_iac.render.escape import json_document

DRIFT_FORMAT_VERSION: Final = "1.0"
"""The first number changes when a reader of the old form would misread the new one."""
CHECK_FORMAT_VERSION: Final = "1.0"
"""The same of the JSON of `validate`."""


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
        "format_version": DRIFT_FORMAT_VERSION,
        "environment": environment,
        "ledger": drift.ledger,
        "drifted": drift.any,
        "summary": {side.value: count for side, count in drift.summary.items()},
        "not_owned": drift.not_owned,
        "things": [_thing(thing) for thing in drift.resources],
    }


def _thing(thing: ResourceDrift) -> dict[str, Any]:
    return {
        "address": thing.address,
        "kind": thing.kind,
        "event": thing.event.value,
        "side": thing.changed_by.value,
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
        "side": found.changed_by.value,
        "declared": found.declared,
        "applied": found.applied,
        "live": found.live,
    }


class JsonPlan:
    """The JSON format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan) -> str:
        """The whole plan, ending with a newline."""
        return json_document(PLAN.data(plan))


class JsonCheck:
    """`validate` as JSON; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, report: CheckReport) -> str:
        """The whole result, ending with a newline."""
        return render_json(report.diagnostics, files=report.files, things=report.things)


def render_json(diagnostics: Sequence[Diagnostic], *, files: int, things: int) -> str:
    """The result of `validate`, see `schemas/validate.schema.json`; `files` and `things` say how much was read."""
    ordered = sorted(diagnostics, key=Diagnostic.sort_key)
    return json_document(
        {
            "format_version": CHECK_FORMAT_VERSION,
            "valid": not has_errors(ordered),
            "files": files,
            "things": things,
            "summary": summary_data(ordered),
            "diagnostics": [DIAGNOSTIC.data(d) for d in ordered],
        }
    )

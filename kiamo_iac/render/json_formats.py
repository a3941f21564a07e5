"""A plan, a drift and the result of `validate` as JSON; the schemas of that name describe them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from kiamo_iac.core.address import Address
from kiamo_iac.core.common_records import (
    ADDRESS,
    DIAGNOSTIC,
    ENVIRONMENT,
    KIND,
    PATH,
    PLACE_OR_NULL,
    count,
    diagnostics_list,
    major,
    version_of,
)
from kiamo_iac.core.diagnostics import Diagnostic, Severity, by_place, has_errors
from kiamo_iac.core.json_schema import Schema, schema_document
from kiamo_iac.core.provenance import PlanProvenance
from kiamo_iac.core.record import (
    Record,
    anything,
    boolean,
    counts,
    definitions,
    derived,
    enum,
    list_of,
    nullable,
    remote_id,
    text,
)
from kiamo_iac.core.state import OwedState
from kiamo_iac.planner.drift import AttributeDrift, ChangedBy, Drift, DriftEvent, ResourceDrift, RunStateChange
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.plan_json import plan_data
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.diagnostics import summary_data
from kiamo_iac.render.escape import json_document

DRIFT_FORMAT_VERSION: Final = "1.0"
"""The first number changes when a reader of the old form would misread the new one."""
CHECK_FORMAT_VERSION: Final = "1.0"
"""The same of the JSON of `validate`."""


_SIDE: Final = enum(ChangedBy, "Who changed it.")
_ATTRIBUTE: Final = Record(
    AttributeDrift,
    "One attribute that differs; null is an attribute that is not set.",
    {
        "path": PATH,
        "side": derived(_SIDE, "changed_by"),
        "declared": anything("Its value as it is declared."),
        "applied": anything("Its value as it is last applied."),
        "live": anything("Its value as it is live."),
    },
)
_RESOURCE: Final = Record(
    ResourceDrift,
    "One resource that is not as it was applied, or not as it is declared.",
    {
        "address": ADDRESS,
        "kind": KIND,
        "event": enum(DriftEvent, "What happened to it."),
        "side": derived(_SIDE, "changed_by"),
        "attributes": list_of(_ATTRIBUTE, "What differs, where it is changed."),
        "lives_as": nullable(text("Its name on the instance; null: it does not exist.")),
        "known_id": remote_id("The id that the ledger has."),
        "live_id": remote_id("The id on the instance."),
        "applied_at": derived(
            nullable(text("When it was last applied, RFC 3339.")), lambda resource: resource.applied_at or None
        ),
        "commit": nullable(text("The commit that it was last applied from.")),
        "source": PLACE_OR_NULL,
    },
)


class _DriftOf(NamedTuple):
    environment: str
    drift: Drift


class _OwedTo(NamedTuple):
    address: Address
    owed: OwedState


_OWED: Final = Record(
    _OwedTo,
    "A run state that an earlier run was bringing a resource to.",
    {
        "address": ADDRESS,
        "state": derived(text("The state to be reached."), "owed.state"),
        "left_in": derived(text("The state that the run left it in."), "owed.left_in"),
        "since": derived(text("When: RFC 3339, UTC."), "owed.since"),
        "run": derived(text("The id of that run."), "owed.run"),
    },
)


class _RunStateOf(NamedTuple):
    address: Address
    changed: RunStateChange


_RUN_STATE: Final = Record(
    _RunStateOf,
    "A run state that no manifest declares, and that others changed.",
    {
        "address": ADDRESS,
        "left_in": derived(text("The state that kiamo-iac left it in."), "changed.left_in"),
        "state": derived(text("The state that it has."), "changed.now"),
    },
)


DRIFT: Final = Record(
    _DriftOf,
    "Who changed what since the last apply: git or the instance.",
    {
        "format_version": version_of(DRIFT_FORMAT_VERSION),
        "environment": ENVIRONMENT,
        "ledger": derived(boolean("False: there is none, and every side is `unknown`."), "drift.ledger"),
        "drifted": derived(boolean("Whether there is any drift."), "drift.any"),
        "summary": derived(counts(ChangedBy, "How many resources changed on each side."), "drift.summary"),
        "not_owned": derived(count("How many declared resources are live and not in the ledger."), "drift.not_owned"),
        "things": derived(list_of(_RESOURCE, "By address."), "drift.resources"),
        "owed": derived(
            list_of(_OWED, "Run states that the next apply brings batches to; no drift."),
            lambda of: tuple(_OwedTo(address, owed) for address, owed in sorted(of.drift.owed.items())),
        ),
        "run_states": derived(
            list_of(_RUN_STATE, "Run states that others changed where none is declared; no drift."),
            lambda of: tuple(_RunStateOf(address, state) for address, state in sorted(of.drift.run_states.items())),
        ),
        "on_instance": derived(
            boolean("True: what changed in git alone, or on an unknown side, is left out."), "drift.on_instance"
        ),
        "of_unknown_side": derived(
            count("How many resources are left out because nothing tells which side changed them."),
            "drift.of_unknown_side",
        ),
    },
    optional={"owed": [], "run_states": [], "on_instance": False, "of_unknown_side": 0},
)
VALIDATION: Final = Record(
    CheckReport,
    "What `validate` found.",
    {
        "format_version": version_of(CHECK_FORMAT_VERSION),
        "valid": derived(boolean("False when there are errors."), lambda report: not has_errors(report.diagnostics)),
        "files": count("How many manifests were read."),
        "things": count("How many resources they declare."),
        "summary": derived(
            counts(Severity, "How many diagnostics of each severity."), lambda report: summary_data(report.diagnostics)
        ),
        "diagnostics": derived(
            diagnostics_list("Every problem of every file, by place."),
            lambda report: by_place(report.diagnostics),
        ),
    },
)


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
    """The same as plain data."""
    return DRIFT.data(_DriftOf(environment, drift))


def drift_schema() -> Schema:
    """The schema of `drift --format json`."""
    return schema_document("drift", major(DRIFT_FORMAT_VERSION), title="A drift of kiamo-iac", body=DRIFT.body)


class JsonPlan:
    """The JSON format; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, plan: Plan, provenance: PlanProvenance | None = None) -> str:
        """The whole plan, ending with a newline."""
        return json_document(plan_data(plan, provenance))


class JsonCheck:
    """`validate` as JSON; the style of text does not touch it."""

    def __init__(self, style: Style) -> None:
        del style

    def render(self, report: CheckReport) -> str:
        """The whole result, ending with a newline."""
        return render_json(report.diagnostics, files=report.files, things=report.things)


def render_json(diagnostics: Sequence[Diagnostic], *, files: int, things: int) -> str:
    """The result of `validate`, see `schemas/validate.schema.json`; `files` and `things` say how much was read."""
    return json_document(VALIDATION.data(CheckReport(tuple(diagnostics), files, things)))


def validate_schema() -> Schema:
    """The schema of `validate --format json`."""
    return schema_document(
        "validate",
        major(CHECK_FORMAT_VERSION),
        title="A validation by kiamo-iac",
        body=VALIDATION.body,
        definitions=definitions(DIAGNOSTIC),
    )

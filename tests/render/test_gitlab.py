"""GitLab's two reports, against what its documentation says of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from kiamo_iac.core.diagnostics import Diagnostic, SourceRange
from kiamo_iac.planner.plan import Action, Plan
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.escape import visible
from kiamo_iac.render.gitlab import GitlabCheck, GitlabDrift, GitlabPlan
from tests.render.checks import CHECKS
from tests.render.drifts import DRIFTS
from tests.render.hostile import HOSTILE, HUGE, checked_of, drift_of, plan_of
from tests.render.plans import PLANS, command, deleting_a_base, full_plan, step

CODE_QUALITY = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "additionalProperties": False,
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": r"^(?!/|\./)"},
                    "lines": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""The table of fields in GitLab's documentation of Code Quality, which publishes no schema."""

TERRAFORM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["create", "update", "delete"],
    "properties": {key: {"type": "integer", "minimum": 0} for key in ("create", "update", "delete")},
}
"""The report that GitLab's documentation makes with jq: three counts."""


def issues(checked: CheckReport) -> list[dict[str, Any]]:
    """A Code Quality report, known to be as documented."""
    text = GitlabCheck(Style()).render(checked)
    assert not text.startswith("\ufeff")
    data = json.loads(text)
    jsonschema.Draft202012Validator(CODE_QUALITY).validate(data)
    assert len({issue["fingerprint"] for issue in data}) == len(data)
    assert isinstance(data, list)
    return data


def counts(text: str) -> tuple[int, int, int]:
    """The three numbers of a report, known to be as documented."""
    data = json.loads(text)
    jsonschema.Draft202012Validator(TERRAFORM).validate(data)
    return data["create"], data["update"], data["delete"]


def plan_counts(plan: Plan) -> tuple[int, int, int]:
    return counts(GitlabPlan(Style()).render(plan))


# --- the widget -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_is_three_numbers(name: str) -> None:
    assert sum(plan_counts(PLANS[name]())) == len({s.address for s in PLANS[name]().steps})


def test_things_are_counted_and_not_steps() -> None:
    """`autumn` is paused, changed and started: one thing to update. `old` is stopped and deleted: one to delete."""
    assert plan_counts(full_plan()) == (3, 3, 2)


def test_a_thing_that_is_made_and_started_is_made() -> None:
    made = step(1, Action.CREATE, "bases/b/batches/s", reason="r", after={"name": "s"})
    start = command(2, Action.START, "bases/b/batches/s", before="new", after="started", reason="r")
    assert plan_counts(Plan("e", "u", (made, start))) == (1, 0, 0)


def test_a_replacement_is_both() -> None:
    gone = step(1, Action.DELETE, "bases/b", reason="r", before={"name": "b"})
    made = step(2, Action.CREATE, "bases/b", reason="r", after={"name": "b"})
    assert plan_counts(Plan("e", "u", (gone, made))) == (1, 0, 1)


def test_o15_what_goes_with_a_base_is_deleted_and_not_updated() -> None:
    plan = deleting_a_base()
    assert plan_counts(plan) == (0, 0, 4)
    stopped = replace(plan.steps[2], depends_on=(1,))
    assert plan_counts(replace(plan, steps=(plan.steps[0], stopped))) == (0, 0, 4)


@pytest.mark.parametrize(
    ("action", "expected"),
    [(Action.RENAME, (0, 1, 0)), (Action.START, (0, 1, 0)), (Action.PAUSE, (0, 1, 0)), (Action.STOP, (0, 1, 0))],
)
def test_all_else_is_an_update(action: Action, expected: tuple[int, int, int]) -> None:
    assert plan_counts(Plan("e", "u", (step(1, action, "bases/b/batches/s", reason="r"),))) == expected


def test_a_drift_is_counted_by_what_would_make_it_level() -> None:
    found = counts(GitlabDrift(Style()).render(DRIFTS["full"], environment="staging"))
    assert found == (2, 7, 2)
    assert sum(found) == len(DRIFTS["full"].resources)
    assert counts(GitlabDrift(Style()).render(DRIFTS["none"], environment="staging")) == (0, 0, 0)


# --- Code Quality -----------------------------------------------------------------------------------------------------


def test_every_problem_is_an_issue_at_its_place() -> None:
    found = issues(CHECKS["full"])
    assert [(issue["check_name"], issue["severity"]) for issue in found] == [
        ("KIA0202", "critical"),
        ("KIA0227", "minor"),
        ("KIA0202", "critical"),
        ("KIA0207", "critical"),
        ("KIA0308", "info"),
    ]
    assert found[0]["location"] == {"path": "telephony/manifests/a.yaml", "lines": {"begin": 12}}
    assert found[-1]["location"] == {"path": "telephony/kiamo.yaml", "lines": {"begin": 1}}


def test_nothing_wrong_is_an_empty_list() -> None:
    assert issues(CHECKS["valid"]) == []


def test_a_fingerprint_stays_when_lines_move() -> None:
    """So that the widget of a merge request does not call it a new one."""
    checked = CHECKS["full"]
    moved = tuple(
        replace(d, source=d.source and d.source._replace(line=d.source.line + 40)) for d in checked.diagnostics
    )
    names = [
        {issue["fingerprint"] for issue in issues(replace(checked, diagnostics=d))}
        for d in (checked.diagnostics, moved)
    ]
    assert names[0] == names[1]


def test_a_fingerprint_changes_with_file_code_address_and_summary() -> None:
    one = Diagnostic("KIA0202", "a", source=SourceRange("a.yaml", 1, 1))
    others = (
        replace(one, code="KIA0207"),
        replace(one, summary="b"),
        replace(one, source=SourceRange("b.yaml", 1, 1)),
        one,
    )
    assert len(issues(CheckReport((one, *others)))) == 5


@pytest.mark.parametrize("trick", [*HOSTILE, "huge"])
def test_data_is_text_in_json(trick: str) -> None:
    text = HOSTILE.get(trick, HUGE)
    plan_counts(plan_of(text))
    counts(GitlabDrift(Style()).render(drift_of(text), environment=text))
    data = json.loads(GitlabCheck(Style()).render(checked_of(text)))
    assert len(data) == 3
    for issue in data:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["description"].startswith(f'there is no "{visible(text)}"')
        assert issue["location"]["path"] == f"{text}.yaml"

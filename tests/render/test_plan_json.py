"""The plan's JSON: the shape that design and schema promise, and nothing lost on the way."""

from __future__ import annotations

import json

import jsonschema

from kiamo_iac.planner.plan import Action, Plan, Risk
from kiamo_iac.planner.plan_json import PLAN, plan_schema
from kiamo_iac.render.base import Style
from kiamo_iac.render.json_formats import JsonPlan
from tests.render.plans import deleting_a_base


def test_every_plan_meets_the_schema(named_plan: tuple[str, Plan]) -> None:
    jsonschema.Draft202012Validator.check_schema(plan_schema())
    jsonschema.Draft202012Validator(plan_schema()).validate(json.loads(JsonPlan(Style()).render(named_plan[1])))


def test_the_schema_refuses_what_is_not_a_plan() -> None:
    validator = jsonschema.Draft202012Validator(plan_schema())
    data = PLAN.data(Plan("staging", "http://127.0.0.1:8090", ()))
    assert not list(validator.iter_errors(data))
    assert list(validator.iter_errors(data | {"surprise": 1}))
    assert list(validator.iter_errors(data | {"format_version": "2.0"}))
    assert list(validator.iter_errors(data | {"summary": {}}))
    assert list(validator.iter_errors({key: data[key] for key in data if key != "applyable"}))


def test_nothing_is_lost_whatever_characters_names_hold(named_plan: tuple[str, Plan]) -> None:
    plan = named_plan[1]
    text = JsonPlan(Style()).render(plan)
    read = json.loads(text.encode("utf-8"))
    assert [step["address"] for step in read["steps"]] == list(map(str, (s.address for s in plan.steps)))
    assert [step["changes"] for step in read["steps"]] == [
        [{"path": c.path, "before": c.before, "after": c.after} for c in step.changes] for step in plan.steps
    ]
    assert read["environment"] == plan.environment
    assert text.endswith("}\n")


def test_keys_stand_in_the_order_of_the_design() -> None:
    data = PLAN.data(Plan("staging", "http://127.0.0.1:8090", ()))
    assert list(data) == ["format_version", "environment", "url", "summary", "steps", "diagnostics", "applyable"]
    assert list(data["summary"]) == [action.value for action in Action]


def test_o15_what_goes_with_a_deleted_base_is_in_its_step_and_in_the_summary() -> None:
    plan = deleting_a_base()
    data = json.loads(JsonPlan(Style()).render(plan))
    assert not list(jsonschema.Draft202012Validator(plan_schema()).iter_errors(data))
    assert data["summary"]["delete"] == 2
    assert data["summary"]["also_deleted"] == 2
    assert [step.get("also_deletes") for step in data["steps"]] == [
        None,
        None,
        ["bases/p/batches/spring", "bases/p/fields/city", "bases/p/fields/fax"],
    ]
    assert PLAN.parse(data) == plan


def test_the_schema_knows_every_action_and_risk() -> None:
    step = plan_schema()["definitions"]["step"]["properties"]
    assert step["action"]["enum"] == [a.value for a in Action]
    assert step["risk"]["enum"] == [r.value for r in Risk]

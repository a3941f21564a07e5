"""The words for pydantic's errors on values, which manifests and contracts share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from kiamo_iac.document.value_errors import Rule, value_problem


class Model(BaseModel):
    """A mapping."""


PROBLEMS: list[tuple[Any, Any, Rule, str]] = [
    (str, 7, Rule.TYPE, "a.b must be a string, got a number"),
    (str, None, Rule.TYPE, "a.b must be a string, got null"),
    (bool, "maybe", Rule.TYPE, "a.b must be true or false, got a string"),
    (int, "many", Rule.TYPE, "a.b must be an integer, got a string"),
    (int, 1.5, Rule.TYPE, "a.b must be an integer, got a number"),
    (dict[str, str], [1], Rule.TYPE, "a.b must be a mapping, got a list"),
    (Model, 5, Rule.TYPE, "a.b must be a mapping, got a number"),
    (list[str], {"a": 1}, Rule.TYPE, "a.b must be a list, got a mapping"),
    (tuple[str, ...], True, Rule.TYPE, "a.b must be a list, got a boolean"),
    (Literal["new", "old"], "nwe", Rule.CHOICE, 'a.b must be one of new, old, got "nwe"'),
    (Annotated[str, Field(min_length=1)], "", Rule.BOUNDS, "a.b must not be empty"),
    (Annotated[str, Field(max_length=2)], "abc", Rule.BOUNDS, "a.b must have at most 2 characters, got 3"),
    (Annotated[str, Field(pattern="^a$")], "b", Rule.BOUNDS, "a.b must match the pattern ^a$"),
    (Annotated[int, Field(ge=1)], 0, Rule.BOUNDS, "a.b must be 1 or more, got 0"),
]


@pytest.mark.parametrize(("type_", "value", "rule", "summary"), PROBLEMS)
def test_a_value_that_its_type_does_not_accept(type_: Any, value: Any, rule: Rule, summary: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(type_).validate_python(value)
    (detail,) = caught.value.errors()
    problem = value_problem(detail["type"], path="a.b", value=value, context=detail.get("ctx"), message=detail["msg"])
    assert (problem.rule, problem.summary) == (rule, summary)
    assert problem.hint


def test_a_choice_suggests_the_nearest_one() -> None:
    problem = value_problem("literal_error", path="state", value="nwe", context={"expected": "'new' or 'old'"})
    assert problem.hint == 'did you mean "new"?'
    problem = value_problem("literal_error", path="state", value=9, context={"expected": "'new' or 'old'"})
    assert (problem.summary, problem.hint) == ("state must be one of new, old, got a number", "write one of new, old")


def test_a_path_of_free_text_is_quoted() -> None:
    assert value_problem("string_type", path="settings.a b", value=1).summary == (
        '"settings.a b" must be a string, got a number'
    )

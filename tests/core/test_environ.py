"""The variables of environments: no two names share one, and none claims a variable that means something else."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from kiamo_iac.core.environ import instance_pins, ledger_pins, variable, variable_prefix, why_reserved
from kiamo_iac.manifest.project.file import ENVIRONMENT_NAME
from kiamo_iac.manifest.project.schema import project_schema

READ = (
    *("TOKEN", "TOKEN_FILE", "URL", "ORIGIN"),
    *("LEDGER_USERNAME", "LEDGER_PASSWORD", "LEDGER_PASSWORD_FILE", "LEDGER_ORIGIN"),
    *("PLAN_TOKEN", "PLAN_TOKEN_FILE"),
)
"""What follows the prefix of an environment: read by the program, or kept by the pipelines that `init` writes."""
SHARED = (
    *("KIAMO_TOKEN", "KIAMO_TOKEN_FILE", "KIAMO_ORIGIN", "KIAMO_URL", "KIAMO_GITLAB_TOKEN", "KIAMO_PROJECT"),
    *("KIAMO_ENVIRONMENT", "KIAMO_IAC_REPOSITORY", "KIAMO_IAC_REF", "KIAMO_IAC_PYTHON", "KIAMO_IAC_TOKEN"),
)
WORDS = st.sampled_from(
    [
        *("plan", "ledger", "url", "origin", "token", "file", "username", "password", "gitlab", "iac", "project"),
        *("environment", "staging", "prod", "a", "1", "repository", "ref"),
    ]
)
NAMES = st.one_of(
    st.lists(st.one_of(WORDS, WORDS.map(str.upper), WORDS.map(str.title)), min_size=1, max_size=4).flatmap(
        lambda words: st.sampled_from("-_.").map(lambda mark: mark.join(words))
    ),
    st.from_regex(ENVIRONMENT_NAME, fullmatch=True),
)


def variables(name: str) -> set[str]:
    """All that an environment of that name makes use of."""
    return {f"{variable_prefix(name)}_{ending}" for ending in READ}


@given(NAMES, NAMES)
def test_environments_that_may_stand_side_by_side_share_no_variable(one: str, other: str) -> None:
    for name in (one, other):
        if why_reserved(name) is not None:
            return
        assert variables(name).isdisjoint(SHARED)
    assert variable_prefix(one) == variable_prefix(other) or variables(one).isdisjoint(variables(other))


@given(NAMES)
def test_a_pin_of_an_environment_is_no_pin_of_anothers_ledger(name: str) -> None:
    if why_reserved(name) is not None:
        return
    prefix = variable_prefix(name)
    environ = {f"{prefix}_ORIGIN": "x", f"{prefix}_LEDGER_ORIGIN": "x"}
    assert list(instance_pins(environ)) == [f"{prefix}_ORIGIN"]
    assert list(ledger_pins(environ)) == [f"{prefix}_LEDGER_ORIGIN"]


def test_names_that_are_reserved_in_every_spelling() -> None:
    for word in ("plan", "ledger", "url", "origin", "token", "file"):
        for name in (word, f"staging-{word}", f"staging_{word}", f"staging.{word.upper()}", f"a-b.{word.title()}"):
            assert why_reserved(name) is not None, name
        assert why_reserved(f"staging{word}") is None
        assert why_reserved(f"{word}-staging") is None
    assert why_reserved("GitLab") is not None
    assert why_reserved("iac") is not None
    assert why_reserved("gitlab-staging") is None
    assert "KIAMO_STAGING_PLAN" in (why_reserved("staging-plan") or "")


@given(NAMES)
def test_the_schema_takes_the_names_that_the_reader_takes(name: str) -> None:
    allowed = project_schema()["properties"]["environments"]["propertyNames"]["pattern"]
    assert (re.search(allowed, name) is not None) == (why_reserved(name) is None)


def test_the_names_of_variables() -> None:
    assert variable_prefix("my-prod.2") == "KIAMO_MY_PROD_2"
    assert all(re.fullmatch(r"[A-Z0-9_]+", name) for name in variables("\u00e9-x"))


def test_an_empty_variable_is_unset() -> None:
    environ = {"A": "", "B": " \t\r\n", "C": " x "}
    assert [variable(environ, name) for name in "ABCD"] == [None, None, " x ", None]


def test_pins_count_whether_or_not_there_is_such_an_environment() -> None:
    environ = {
        "KIAMO_ORIGIN": "x",
        "KIAMO_GONE_ORIGIN": "x",
        "KIAMO_EMPTY_ORIGIN": "",
        "KIAMO_A_LEDGER_ORIGIN": "x",
        "KIAMO_LEDGER_ORIGIN": "x",
        "KIAMO_ORIGINAL": "x",
        "MY_ORIGIN": "x",
    }
    assert list(instance_pins(environ)) == ["KIAMO_GONE_ORIGIN", "KIAMO_ORIGIN"]
    assert list(ledger_pins(environ)) == ["KIAMO_A_LEDGER_ORIGIN", "KIAMO_LEDGER_ORIGIN"]

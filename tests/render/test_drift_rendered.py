"""Drift in every format, compared whole against golden files, and against its schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from kiamo_iac.planner.drift import ChangedBy, Drift, DriftEvent
from kiamo_iac.render.base import ASCII, Style
from kiamo_iac.render.json_formats import drift_data, drift_schema
from kiamo_iac.render.text import TextDrift
from kiamo_iac.render.view_drift import drift_view
from tests.render.drifts import DRIFTS, full, rendered
from tests.render.goldens import GOLDEN_DRIFT, SHELL, STYLES, golden_text, shell_of


@pytest.mark.parametrize("suffix", STYLES)
@pytest.mark.parametrize("name", DRIFTS)
def test_the_format_is_what_the_golden_file_says(name: str, suffix: str) -> None:
    expected = (GOLDEN_DRIFT / f"{name}.{suffix}").read_bytes().decode("utf-8")
    assert golden_text(rendered(DRIFTS[name], suffix), suffix) == expected


@pytest.mark.parametrize("name", DRIFTS)
def test_every_page_is_its_own_part_in_the_shell_of_all_pages(name: str) -> None:
    assert shell_of(rendered(DRIFTS[name], "html")) == SHELL.read_bytes().decode("utf-8")


def test_no_golden_file_is_left_over() -> None:
    assert {p.name for p in GOLDEN_DRIFT.iterdir()} == {f"{name}.{suffix}" for name in DRIFTS for suffix in STYLES}


@pytest.mark.parametrize("name", DRIFTS)
def test_every_drift_meets_the_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(drift_schema())
    jsonschema.Draft202012Validator(drift_schema()).validate(json.loads(rendered(DRIFTS[name], "json")))


def test_the_schema_refuses_what_is_no_drift() -> None:
    validator = jsonschema.Draft202012Validator(drift_schema())
    data = drift_data(Drift(()), environment="staging")
    assert not list(validator.iter_errors(data))
    assert list(validator.iter_errors(data | {"surprise": 1}))
    assert list(validator.iter_errors(data | {"summary": {}}))
    assert list(validator.iter_errors({key: data[key] for key in data if key != "drifted"}))


def test_the_hand_made_drift_has_every_event_and_side() -> None:
    assert {thing.event for thing in full().resources} == set(DriftEvent)
    assert {thing.changed_by for thing in full().resources} == set(ChangedBy) - {ChangedBy.NEITHER}
    assert [thing.address for thing in full().resources] == sorted(thing.address for thing in full().resources)


def test_nothing_hostile_gets_through() -> None:
    for suffix in ("txt", "ascii.txt"):
        text = rendered(DRIFTS["hostile"], suffix)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert json.loads(rendered(DRIFTS["hostile"], "json"))["things"][0]["commit"].startswith("\n::error")


def test_the_last_line_counts() -> None:
    text = TextDrift(Style(ASCII)).render(full(), environment="staging")
    summary = drift_view(full(), environment="staging").summary
    assert text.splitlines()[-1] == summary
    assert summary == (
        "Drift: 3 changed in git, 4 on the instance, 3 on both sides, 1 of unknown origin; 14 unchanged, "
        "3 not in the ledger."
    )
    assert drift_view(Drift((), unchanged=1), environment="staging").summary == "No drift: 1 unchanged."

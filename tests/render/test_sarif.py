"""SARIF: the published schema, what code scanning needs of it, and data that is never markup."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import jsonschema
import pytest

from kiamo_iac.core.codes import CODES
from kiamo_iac.core.diagnostics import Diagnostic, Severity, SourceRange
from kiamo_iac.render.base import CheckReport, Style
from kiamo_iac.render.escape import visible
from kiamo_iac.render.sarif import SarifCheck
from tests.cli.program import ROOT
from tests.render.checks import CHECKS, rendered_check
from tests.render.hostile import HOSTILE, HUGE, checked_of

SCHEMA = json.loads((Path(__file__).parent / "published" / "sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft4Validator:
    """Of the published schema."""
    jsonschema.Draft4Validator.check_schema(SCHEMA)
    return jsonschema.Draft4Validator(SCHEMA)


def run_of(checked: CheckReport) -> dict[str, Any]:
    """The one run of a log."""
    (run,) = json.loads(SarifCheck(Style()).render(checked))["runs"]
    assert isinstance(run, dict)
    return run


@pytest.mark.parametrize("name", CHECKS)
def test_every_result_meets_the_published_schema(name: str, validator: jsonschema.Draft4Validator) -> None:
    assert list(validator.iter_errors(json.loads(rendered_check(name, "sarif")))) == []


def test_the_schema_refuses_what_is_no_log(validator: jsonschema.Draft4Validator) -> None:
    log = json.loads(rendered_check("full", "sarif"))
    assert list(validator.iter_errors(log | {"surprise": 1}))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(validator.iter_errors(log))


def test_rules_are_the_codes_that_occur() -> None:
    run = run_of(CHECKS["full"])
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["KIA0202", "KIA0207", "KIA0227", "KIA0308"]
    for rule in rules:
        assert rule["shortDescription"]["text"] == CODES[rule["id"]]
        assert rule["help"]["text"].startswith(CODES[rule["id"]])
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_d29_readers_find_the_tool_its_rules_and_the_project() -> None:
    run = run_of(CHECKS["full"])
    driver = run["tool"]["driver"]
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    assert driver["informationUri"] == urls["Homepage"]
    pages = {rule["helpUri"].removeprefix(urls["Homepage"] + "/blob/main/") for rule in driver["rules"]}
    assert pages == {f"docs/reference/diagnostics.md#:~:text={rule['id']}" for rule in driver["rules"]}
    page = (ROOT / "docs" / "reference" / "diagnostics.md").read_text(encoding="utf-8")
    assert all(rule["id"] in page for rule in driver["rules"])
    assert run["automationDetails"] == {"id": "kiamo-iac/validate/telephony/"}
    assert run_of(CheckReport())["automationDetails"] == {"id": "kiamo-iac/validate/./"}
    assert run["invocations"] == [{"executionSuccessful": True}]


def test_d29_no_more_results_than_code_scanning_shows_and_errors_first() -> None:
    note = Diagnostic("KIA0308", "near", Severity.NOTE, source=SourceRange("a.yaml", 1, 1))
    notes = tuple(replace(note, source=SourceRange("a.yaml", line, 1)) for line in range(1, 5003))
    error = Diagnostic("KIA0202", "unknown key", source=SourceRange("z.yaml", 1, 1))
    run = run_of(CheckReport((*notes, error)))
    assert len(run["results"]) == 5000
    assert run["results"][-1]["ruleId"] == "KIA0202"
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    assert notification["message"]["text"].startswith("3 further results are not in this file, which has 5,000")


def test_places_are_exact() -> None:
    run = run_of(CHECKS["full"])
    assert run["columnKind"] == "unicodeCodePoints"
    twice = next(result for result in run["results"] if result["ruleId"] == "KIA0207")
    place = twice["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "telephony/manifests/dossier%20%C3%A9t%C3%A9/b.yaml"
    assert place["region"] == {"startLine": 3, "startColumn": 1}
    (related,) = twice["relatedLocations"]
    assert related["message"]["text"] == "first declared here"
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "telephony/manifests/a.yaml"
    nowhere = next(result for result in run["results"] if result["ruleId"] == "KIA0308")
    assert nowhere["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "telephony/kiamo.yaml"
    assert [result["level"] for result in run["results"]] == ["error", "warning", "error", "error", "note"]


def test_a_file_whose_name_is_no_utf8_keeps_its_bytes() -> None:
    text = b"\xe9t\xe9".decode("utf-8", "surrogateescape")
    uri = run_of(checked_of(text))["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "%E9t%E9.yaml"


@pytest.mark.parametrize("trick", [*HOSTILE, "huge"])
def test_data_is_never_markup(trick: str, validator: jsonschema.Draft4Validator) -> None:
    text = HOSTILE.get(trick, HUGE)
    checked = checked_of(text)
    log = json.loads(SarifCheck(Style()).render(checked))
    assert list(validator.iter_errors(log)) == []
    for result in log["runs"][0]["results"]:
        message = result["message"]["text"]
        assert "](" not in message
        assert "{0}" not in message.replace("{{0}}", "")
        summary = re.sub(r"\{\{(\d+)\}\}", r"{\1}", message.splitlines()[0].replace("] (", "]("))
        assert summary == f'there is no "{visible(text)}"'
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert urlsplit(uri)[:2] == ("", "")
        assert uri.isascii()
        assert uri.isprintable()
        assert unquote_to_bytes(uri) == f"{text}.yaml".encode("utf-8", "surrogatepass")

"""The JSON Schema takes what the loader takes, and refuses what it refuses in shape."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft7Validator

from kiamo_iac import PROJECT_URL
from kiamo_iac.document.parser import parse
from kiamo_iac.manifest.schema import manifest_schema
from tests.manifest.packaged import CAPABILITIES
from tests.manifest.test_manifest_blocks import CASES
from tests.manifest.test_manifest_state import MANIFEST

SCHEMA = manifest_schema(CAPABILITIES)
VALIDATOR = Draft7Validator(SCHEMA)
IN_SHAPE = {"KIA0201", "KIA0202", "KIA0203", "KIA0204", "KIA0205", "KIA0206", "KIA0211", "KIA0219"}
"""Codes of problems that a schema sees too."""


def data_of(text: str) -> Any:
    return parse(text, file="m.yaml").data


def test_it_is_a_schema_of_its_dialect() -> None:
    Draft7Validator.check_schema(SCHEMA)
    Draft7Validator.check_schema(manifest_schema())
    assert manifest_schema()["$id"] == f"{PROJECT_URL}/schemas/manifest/1"
    assert SCHEMA["$id"] == f"{PROJECT_URL}/schemas/manifest-in-force/1", "another schema has another id"


def test_it_takes_the_example_of_the_design() -> None:
    assert list(VALIDATOR.iter_errors(data_of(MANIFEST))) == []


@pytest.mark.parametrize("case", CASES)
def test_it_agrees_with_the_loader(case: str) -> None:
    text, expected, _ = CASES[case]
    assert VALIDATOR.is_valid(data_of(text)) is (expected.split()[1] not in IN_SHAPE)


def test_without_a_contract_it_is_as_wide_as_the_models() -> None:
    wide = manifest_schema()
    assert "label" in wide["definitions"]["batch"]["properties"]
    assert "label" not in SCHEMA["definitions"]["batch"]["properties"]
    assert "else" not in wide["definitions"]["field"]["properties"]["datatype"]
    assert "email" in SCHEMA["definitions"]["field"]["properties"]["datatype"]["else"]["enum"]


GENERATED = {
    "templates: {a: {base: b, service: s, settings: {x: 1}}}": True,
    "templates: {a: {name: b}}": False,
    "templates: {a: {use: b}}": False,
    "templates: {a: {colour: b}}": False,
    "templates: [a]": False,
    "batches: [{use: a, name: b}]": True,
    "batches: [{use: [a, c], name: b, base: d}]": True,
    "batches: [{for_each: [a], name: b}]": False,
    "batches: [{use: [1], name: b}]": False,
    "bases: [{for_each: {csv: a.csv}, name: '${each.Code agence}'}]": True,
    "bases: [{for_each: [1, b, true], name: '${each}', protect: '${each}'}]": True,
    "bases: [{for_each: [{a: 1, b: null}], name: '${each.a}', ensure: '${each.b}'}]": True,
    "bases: [{for_each: [], name: a}]": False,
    "bases: [{for_each: [[a]], name: a}]": False,
    "bases: [{for_each: [{a: [1]}], name: a}]": False,
    "bases: [{for_each: {cvs: a.csv}, name: a}]": False,
    "bases: [{for_each: a.csv, name: a}]": False,
    "bases: [{name: a, fields: [{for_each: [a], name: '${each}'}]}]": True,
}


@pytest.mark.parametrize("text", GENERATED)
def test_it_describes_templates_and_rows(text: str) -> None:
    assert VALIDATOR.is_valid(data_of(text)) is GENERATED[text]

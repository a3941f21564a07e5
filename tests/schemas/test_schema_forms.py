"""What holds of every schema: readable by old and new editors, closed, described, and without nameless alternatives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.protocols import Validator

from kiamo_iac import PROJECT_URL
from kiamo_iac.app.schemas import catalogue
from kiamo_iac.resources import kinds
from tests.manifest.packaged import CAPABILITIES
from tests.schemas.corpus import ROOT

SCHEMAS = {name: entry.make() for name, entry in catalogue().items()}
SCHEMAS |= {f"{name}, in force": entry.make() for name, entry in catalogue(CAPABILITIES).items()}
ALTERNATIVES = {"oneOf", "anyOf", "not"}
SUBSCHEMAS = {"items", "additionalProperties", "if", "then", "else", "propertyNames"}
OPEN = {"observed", "settings", "attributes", "before", "after", "body", "values", "things", "override"}
"""Keys under which any JSON may stand."""


def walk(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema within a schema, with where it stands."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for key in SUBSCHEMAS & schema.keys():
        yield from walk(schema[key], f"{path}/{key}")
    for key in ("properties", "definitions"):
        for name, inner in schema.get(key, {}).items():
            yield from walk(inner, f"{path}/{key}/{name}")
    for index, inner in enumerate(schema.get("allOf", [])):
        yield from walk(inner, f"{path}/allOf/{index}")


@pytest.fixture(params=SCHEMAS)
def schema(request: pytest.FixtureRequest) -> dict[str, Any]:
    return SCHEMAS[request.param]


@pytest.mark.parametrize("dialect", [Draft7Validator, Draft202012Validator])
def test_it_is_a_schema_in_its_dialect_and_in_the_newest(schema: dict[str, Any], dialect: type[Validator]) -> None:
    dialect.check_schema(schema)
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert "$defs" not in json.dumps(schema)


def test_no_alternatives_are_tried_in_turn(schema: dict[str, Any]) -> None:
    assert [path for path, inner in walk(schema) if ALTERNATIVES & inner.keys()] == []


def test_nothing_stands_beside_a_reference(schema: dict[str, Any]) -> None:
    """The old dialect would not read it, the new one would."""
    assert [path for path, inner in walk(schema) if "$ref" in inner and inner.keys() != {"$ref"}] == []
    references = {inner["$ref"] for _, inner in walk(schema) if "$ref" in inner}
    assert {reference.removeprefix("#/definitions/") for reference in references} == set(schema.get("definitions", {}))


def test_every_key_is_described(schema: dict[str, Any]) -> None:
    """An editor shows it when the pointer rests on the key."""
    lacking = []
    for path, inner in walk(schema):
        for key, value in inner.get("properties", {}).items():
            if "/if" in path:
                continue
            target = schema["definitions"][value["$ref"].rpartition("/")[2]] if "$ref" in value else value
            said = target.get("description", "")
            if not said.endswith(".") or "\n" in said:
                lacking.append(f"{path}/{key}")
    assert lacking == []
    assert schema["title"]
    assert schema["description"].endswith(".")


def test_every_object_says_what_it_takes(schema: dict[str, Any]) -> None:
    """It is closed, or says what its values are, or hands that on to a definition that it chooses by a key."""
    left_open = []
    for path, inner in walk(schema):
        if path.endswith("/if") or "object" not in inner.get("type", ()):
            continue
        chooses = "allOf" in inner or "if" in inner
        if inner.get("additionalProperties", ...) is ... and not chooses:
            left_open.append(path)
        if inner.get("additionalProperties", ...) == {} and path.split("/")[-1] not in OPEN:
            left_open.append(path)
    assert left_open == [] or all(path.split("/")[-2] in OPEN for path in left_open)


def test_every_schema_has_an_id_of_its_own_with_a_version() -> None:
    ids = {name: schema["$id"] for name, schema in SCHEMAS.items()}
    form = re.compile(re.escape(PROJECT_URL) + r"/schemas/[a-z]+(-[a-z]+)*/\d+(-\d+)*")
    assert [name for name, identifier in ids.items() if not form.fullmatch(identifier)] == []
    by_content = {json.dumps(schema, sort_keys=True) for schema in SCHEMAS.values()}
    assert len(set(ids.values())) == len(by_content)


def test_the_names_of_enums_are_written_out() -> None:
    for name, schema in SCHEMAS.items():
        assert json.loads(json.dumps(schema)) == schema, name


def test_every_kind_has_a_schema_and_a_file() -> None:
    files = {entry.file for entry in catalogue().values()}
    assert {f"kinds/{kind}.schema.json" for kind in kinds()} < files
    found = {path.relative_to(ROOT / "schemas").as_posix() for path in (ROOT / "schemas").rglob("*.json")}
    assert found == files, "no file is left over"

"""The OpenAPI document of a contract: valid, and read back as the contract that it is of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kiamo_iac.contract.collection.comparing import Correspondence, compare_contract
from kiamo_iac.contract.collection.reading import read_collection
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.openapi import openapi_document
from kiamo_iac.emulator import Emulator, EmulatorRequest
from tests.contract.dialect import contract_of, names

ONE_ADDRESS = {"query-ids": {"base.list", "base.read"}}
"""Calls with one method and path, which OpenAPI cannot tell apart by their queries."""


def test_the_packaged_contract_is_read_back() -> None:
    contract = load_contract()
    found = read_collection(json.dumps(openapi_document(contract)).encode(), shown="it")
    assert {row.outcome for row in compare_contract(contract, found)} == {Correspondence.SAME}


@pytest.mark.parametrize("name", names())
def test_a_derived_contract_is_read_back(name: str, tmp_path: Path) -> None:
    contract = contract_of(name, tmp_path)
    document = openapi_document(contract)
    rows = compare_contract(contract, read_collection(json.dumps(document).encode(), shown="it"))
    other = {f"{row.match.kind}.{row.match.operation}" for row in rows if row.outcome is not Correspondence.SAME}
    assert other == ONE_ADDRESS.get(name, set())
    for schema in _schemas(document["paths"]):
        Draft202012Validator.check_schema(schema)
    identifiers = [call["operationId"] for calls in document["paths"].values() for call in calls.values()]
    assert len(identifiers) == len({*identifiers})


def _schemas(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "schema":
                yield value
            yield from _schemas(value)
    elif isinstance(node, list):
        for each in node:
            yield from _schemas(each)


def test_the_emulator_publishes_it() -> None:
    with Emulator(load_contract()) as emulator:
        answer = emulator.handle(EmulatorRequest("GET", "/_emulator/openapi", headers={"host": "127.0.0.1"}))
    assert json.loads(answer.body) == json.loads(json.dumps(openapi_document(load_contract())))

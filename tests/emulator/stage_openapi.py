"""Schemathesis against the emulator: whatever its OpenAPI document allows is answered as the document says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.specs.openapi import checks as of_openapi

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from kiamo_iac.contract.openapi import openapi_document
from kiamo_iac.emulator import FULL_TOKEN, Emulator
from kiamo_iac.emulator.server import Server
from tests.contract.dialect import contract_of, names

HOUSES: Final = ("packaged", *(name for name in names() if name not in {"openapi-hal", "platform", "versioned"}))
CHECKS: Final = [
    checks.not_a_server_error,
    of_openapi.status_code_conformance,
    of_openapi.content_type_conformance,
    of_openapi.response_schema_conformance,
]
SEED: Final[dict[str, Any]] = {
    "services": [{"name": "a"}],
    "bases": [
        {
            "name": "b",
            "fields": [{"name": "a", "label": "A", "datatype": "text"}],
            "batches": [{"name": "x", "service": "a", "association": {"to": "a"}}],
        }
    ],
}


def in_force(name: str, folder: Path) -> Contract:
    return load_contract() if name == "packaged" else contract_of(name, folder)


@pytest.mark.parametrize("name", HOUSES)
def test_what_the_document_allows_is_answered_as_it_says(name: str, tmp_path: Path) -> None:
    contract = in_force(name, tmp_path)
    schema = schemathesis.openapi.from_dict(openapi_document(contract))
    answered: Counter[int] = Counter()
    with Emulator(contract) as emulator, Server(emulator) as server, requests.Session() as session:
        emulator.seed(SEED)
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]  # the document is valid

            @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=operation.as_strategy(), chosen=st.integers(0, 7))
            def conforms(case: Any, chosen: int) -> None:
                if chosen:
                    case.path_parameters = {**case.path_parameters, **ids(emulator, case.operation.path, chosen)}
                headers = {contract.auth.header: FULL_TOKEN}
                response = case.call(base_url=server.url, headers=headers, session=session)
                answered[response.status_code] += 1
                case.validate_response(response, checks=CHECKS)

            conforms()
    assert answered[200]
    assert sum(answered.values()) >= 12


def ids(emulator: Emulator, path: str, chosen: int) -> dict[str, Any]:
    """Ids of objects that are there, for the placeholders of a path."""
    dump = emulator.dump(ids=True)
    base = dump["bases"][chosen % len(dump["bases"])] if dump["bases"] else {"id": "0"}
    below = [each for key in ("fields", "batches") for each in base.get(key, ())]
    own = [*below, *dump["services"], *dump["bases"]]
    known = {"base": base["id"], "id": own[chosen % len(own)]["id"] if own else "0"}
    return {key: value for key, value in known.items() if f"{{{key}}}" in path}

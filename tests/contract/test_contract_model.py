"""Calls rendered from a contract, and what it tells manifests and planner."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kiamo_iac.contract.entries import Operation
from kiamo_iac.contract.model import Contract


def test_placeholders_are_filled_and_ids_escaped_in_paths_alone() -> None:
    call = Operation.model_validate(
        {
            "method": "PUT",
            "path": "/bases/{base}/batches/{id}/move",
            "query": {"of": "b-{base}"},
            "body": {"id": "{id}", "deep": [{"base": "{base}", "text": "is {id}"}], "force": False, "n": None},
            "basis": "assumed",
        }
    )
    assert call.placeholders() == {"base", "id"}
    path, query, body = call.render({"base": "a/b ?", "id": 7})
    assert path == "/bases/a%2Fb%20%3F/batches/7/move"
    assert query == {"of": "b-a/b ?"}
    assert body == {"id": 7, "deep": [{"base": "a/b ?", "text": "is 7"}], "force": False, "n": None}
    with pytest.raises(KeyError):
        call.render({"id": 7})


def test_capabilities_speak_the_words_of_manifests(any_contract: Contract) -> None:
    batch = any_contract.capabilities().of("batch")
    assert batch.operations == {"list", "create", "read", "update", "delete", "start", "pause", "stop"}
    assert batch.attributes == {"name", "service", "association", "state"}
    assert set(batch.required) == {"name", "service"}
    field = any_contract.capabilities().of("field")
    assert "phone" in field.choices["datatype"]
    assert [dict(thing) for thing in field.defaults] == [{"name": "phone", "label": "Phone", "datatype": "phone"}]
    assert any_contract.capabilities().of("base").embedded == {"field"}
    assert any_contract.capabilities().meaning("ERR_2060").startswith("ERR_2060: Name already in use")


def test_a_contract_is_data_that_survives_a_round_trip(any_contract: Contract) -> None:
    assert Contract.model_validate(any_contract.model_dump(mode="json")).kinds == any_contract.kinds


def test_a_contradiction_is_an_error_of_the_model_too(contract: Contract) -> None:
    data = contract.model_dump(mode="json")
    del data["kinds"]["service"]
    with pytest.raises(ValidationError, match="unknown kind"):
        Contract.model_validate(data)

"""The contract as people read it."""

from __future__ import annotations

import json
from importlib import resources

from kiamo_iac.contract.model import Contract, merge
from kiamo_iac.document.parser import parse
from kiamo_iac.render.base import ASCII, Style
from kiamo_iac.render.contract import changes_text, contract_json, contract_text


def packaged(over: object = None) -> Contract:
    """The packaged contract, with something merged over it."""
    text = resources.files("kiamo_iac.contract").joinpath("contract.yaml").read_text(encoding="utf-8")
    data = parse(text, file="contract.yaml").data
    return Contract.model_validate(merge(data, over) if over else data)


def test_the_first_line_names_the_contract_and_the_file_merged_over_it() -> None:
    contract = packaged()
    assert contract_text(contract).splitlines()[0] == f"{contract.name} (packaged)"
    assert contract_text(contract.from_file("my.yaml")).splitlines()[0] == f"{contract.name} (from my.yaml)"


def test_every_call_and_attribute_is_shown_with_its_basis() -> None:
    contract = packaged()
    text = contract_text(contract)
    for kind, stanza in contract.kinds.items():
        assert f"\n{kind}\n" in text
        for operation, call in stanza.operations.items():
            line = next(
                line for line in text.splitlines() if f"{call.method:6} {call.path}" in line and operation in line
            )
            assert line.endswith(call.basis.value)
        for attribute in stanza.attributes.values():
            assert f"as {attribute.wire}" in text
    assert "Kiamo-Api-Token" in text
    assert "names a service by id" in text


def test_json_can_be_given_as_a_contract_again() -> None:
    contract = packaged({"prefix": {"path": "/v2"}})
    again = Contract.model_validate(json.loads(contract_json(contract)))
    assert again == contract


def test_what_an_override_changes_is_told_by_line() -> None:
    over = {
        "prefix": {"path": "/v2"},
        "kinds": {"service": {"operations": {"create": None}}, "base": {"item": "data"}},
    }
    lines = changes_text(packaged(), packaged(over), Style(ASCII)).splitlines()
    assert '~ prefix.path: "/api" -> "/v2"' in lines
    assert '- kinds.service.operations.create.path: "/services"' in lines
    assert '+ kinds.base.item: "data"' in lines
    assert len(lines) == 5


def test_an_override_that_changes_nothing_says_so() -> None:
    assert changes_text(packaged(), packaged(), Style()) == "No changes to the packaged contract.\n"


def test_it_shows_how_rows_and_bodies_are_wrapped(contract: Contract) -> None:
    data = contract.model_dump(mode="json", exclude_unset=True)
    data["auth"]["query"] = "token"
    base, batch = data["kinds"]["base"], data["kinds"]["batch"]
    base["listing"] = {"items": "data", "keyed": "id", "detail": "read", "basis": "observed"}
    base["operations"]["create"] |= {"wrap": "base", "id": "$location"}
    batch["operations"]["status"] = {"method": "GET", "path": "/batches/{id}/status", "basis": "observed"}
    batch["attributes"]["state"] |= {"from": "status", "read": "data.state"}
    text = contract_text(Contract.model_validate(data))
    for shown in (
        "and in query  token",
        "at data, keyed by id, each read by itself",
        "POST   /bases, wrapped in base, id from $location",
        "as state, read at data.state, read by status, read-only",
    ):
        assert shown in text, text

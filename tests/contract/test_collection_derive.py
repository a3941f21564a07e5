"""What a collection says becomes a contract; what it leaves open becomes a question, and no call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.contract.collection.derive import derive_contract
from kiamo_iac.contract.collection.matching import Certainty, MatchCandidate, match_operations
from kiamo_iac.contract.collection.reading import read_collection
from kiamo_iac.contract.collection.requests import Collection
from kiamo_iac.contract.collection.writing import override_text
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.model import Contract
from tests.contract.dialect import dialect, names

COLLECTIONS = Path(__file__).parent / "collections"
LOOSE_WORDED = {"openapi-hal", "versioned"}
"""Houses whose words for a kind are in no list (`runs` for batches), or whose paths all begin with an unknown value."""


def collection(name: str) -> Collection:
    return read_collection((COLLECTIONS / name).read_bytes(), shown=name)


def derived(found: Collection, folder: Path) -> tuple[Contract, str]:
    """The contract in force under the derived file, and the file."""
    text = override_text(found, derive_contract(found))
    (folder / "derived.yaml").write_text(text, encoding="utf-8")
    return load_contract(folder / "derived.yaml"), text


def calls(found: Collection) -> dict[str, str]:
    """What is certain: `base.list` → its call."""
    return {
        f"{match.kind}.{match.operation}": called(best)
        for match in match_operations(found)
        if match.certainty is Certainty.CERTAIN and (best := match.best) is not None
    }


def called(candidate: MatchCandidate) -> str:
    """`PUT /bases/{base}/batches/{id}/command command=start`."""
    call = f"{candidate.request.method} {candidate.route.prefix}{candidate.route.path}"
    return call if candidate.command is None else f"{call} {candidate.command[0]}={candidate.command[1]}"


def facts(data: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What a derived contract says of the attributes and answers of each kind, where it is documented."""
    found = {}
    for kind, stanza in data["kinds"].items():
        said = {"id": stanza["id"]["wire"]} if stanza["id"]["basis"] == "documented" else {}
        for name, entry in stanza["attributes"].items():
            if entry and entry["basis"] == "documented":
                more = [f" {key} {entry[key]}" for key in ("by", "read") if key in entry]
                said[name] = "".join([entry["wire"], *more])
        if stanza["listing"]["basis"] == "documented":
            said["rows"] = stanza["listing"].get("items", ".")
            if (style := stanza["listing"]["paging"]["style"]) != "none":
                said["pages"] = style
        said |= {"item": stanza["item"]} if "item" in stanza else {}
        found[kind] = said | {f"{each}s": it["wire"] for each, it in stanza.get("embedded", {}).items() if it}
    return found


@pytest.mark.parametrize("name", names())
def test_what_is_there_is_found_and_nothing_is_wrong(name: str) -> None:
    """Of each collection: nine of ten operations at least, and all others are questions with the right candidate."""
    house = dialect(name)
    found = read_collection(house.data, shown=name)
    certain = calls(found)
    assert certain.items() <= house.operations.items()
    left = {f"{match.kind}.{match.operation}": match for match in match_operations(found)}
    for operation in house.operations.keys() - certain.keys():
        assert house.operations[operation] in [called(each) for each in left[operation].candidates]
    assert len(certain) >= 0.9 * len(house.operations) or name in LOOSE_WORDED
    assert facts(derive_contract(found).data) == house.facts


def test_a_variable_that_begins_every_path_is_asked_and_all_is_found_with_its_value(tmp_path: Path) -> None:
    house = dialect("versioned")
    _, text = derived(read_collection(house.data, shown="it"), tmp_path)
    assert "# ? prefix: every path begins with {version}: write its value into the collection" in text
    tree = json.loads(house.data) | {"variable": [{"key": "version", "value": "v2"}]}
    found = calls(read_collection(json.dumps(tree).encode(), shown="it"))
    assert found == {name: call.replace("{version}", "v2") for name, call in house.operations.items()}


def test_nine_of_ten_operations_are_found_in_all() -> None:
    houses = [dialect(name) for name in names()]
    found = sum(len(calls(read_collection(house.data, shown=house.name))) for house in houses)
    assert found >= 0.94 * sum(len(house.operations) for house in houses)


@pytest.mark.parametrize("name", names())
def test_a_derived_contract_is_valid_and_has_what_is_certain_alone(name: str, tmp_path: Path) -> None:
    house = dialect(name)
    contract, text = derived(read_collection(house.data, shown=name), tmp_path)
    for kind, stanza in contract.kinds.items():
        for operation, call in stanza.operations.items():
            assert house.operations[f"{kind}.{operation}"].startswith(
                f"{call.method} {contract.prefix.path}{call.path}"
            )
            assert call.basis == "documented"
        assert stanza.names is not None
        assert stanza.names.basis == "assumed"  # their pattern is the packaged one: no collection says it
    assert "# ? " in text
    assert len(json.dumps(house.answers)) < 900


def test_the_manner_of_the_vendor(tmp_path: Path) -> None:
    contract, text = derived(collection("documenter-v2.0.json"), tmp_path)
    batch = contract.kinds["batch"]
    assert batch.operations["start"].body == {"command": "start"}
    assert batch.attributes["service"].wire == "serviceId"
    assert batch.attributes["association"].by == "name"
    assert batch.attributes["state"].values is None
    assert contract.kinds["base"].listing.paging.style == "page"
    assert (contract.kinds["base"].listing.items, contract.kinds["base"].listing.total) == ("items", "total")
    assert contract.kinds["field"].made_with_parent is None
    assert "# ? state: which word stands for each of new, started, paused, stopped, finished?" in text


def test_french_names_and_an_envelope(tmp_path: Path) -> None:
    contract, text = derived(collection("francais-v2.1.json"), tmp_path)
    base = contract.kinds["base"]
    assert (contract.auth.header, base.item, base.listing.items, base.id.type) == (
        "X-Jeton",
        "donnees",
        "donnees",
        "integer",
    )
    assert base.attributes["name"].wire == "nom"
    assert base.attributes["contacts"].wire == "nbContacts"
    assert base.embedded["field"].wire == "champs"
    assert contract.kinds["batch"].operations["start"].body == {}
    assert "create" not in contract.kinds["service"].operations
    assert "      # ? create: no request of the collection looks like it\n      create: null\n" in text


def test_a_command_that_dials_is_not_derived_from_words_that_an_answer_has(tmp_path: Path) -> None:
    contract, text = derived(collection("openapi-3.yaml"), tmp_path)
    assert not {"start", "pause", "stop"} & contract.kinds["batch"].operations.keys()
    assert "      # ? start: no value of state for start is documented\n" in text
    assert contract.kinds["batch"].attributes["state"].values is not None
    assert contract.kinds["field"].attributes["datatype"].choices == ("string", "integer", "phone")


def request(
    name: str, method: str, path: str, *, text: str = "", body: Any = None, answer: Any = None
) -> dict[str, Any]:
    item: dict[str, Any] = {
        "name": name,
        "request": {"method": method, "url": f"https://x/{path}", "description": text},
    }
    if body is not None:
        item["request"]["body"] = {"mode": "raw", "raw": json.dumps(body)}
    if answer is not None:
        item["response"] = [{"code": 200, "body": json.dumps(answer)}]
    return item


def of(*items: dict[str, Any]) -> Collection:
    return read_collection(json.dumps({"info": {"name": "X"}, "item": items}).encode(), shown="it")


COMMAND = "bases/:baseId/batches/:batchId/command"


@pytest.mark.parametrize(
    "items",
    [
        [request("Command a batch", "PUT", COMMAND, body={"command": "<string>"})],
        [request("Command a batch", "PUT", COMMAND, body={"command": "<string>"}, text="`start`, `launch` or `pause`")],
        [request("Command", "PUT", COMMAND, body={"command": "start", "delay": 0})],
        [
            request("Start a batch", "POST", "bases/:baseId/batches/:batchId/start"),
            request("Launch a batch", "POST", "bases/:baseId/batches/:batchId/launch"),
        ],
        [request("Start a batch", "GET", "bases/:baseId/batches/:batchId/start")],
        [request("Start the import of a batch", "POST", "bases/:baseId/batches/:batchId/import/start")],
        [request("Start a batch (deprecated)", "POST", "bases/:baseId/batches/:batchId/start")],
        [request("Start a batch", "POST", "agents/:agentId/batches/:batchId/start")],
        [{"name": "Supervision", "item": [request("Start a batch", "POST", "bases/:baseId/batches/:batchId/start")]}],
    ],
)
def test_a_start_is_never_guessed(items: list[dict[str, Any]], tmp_path: Path) -> None:
    contract, _ = derived(of(*items), tmp_path)
    assert "start" not in contract.kinds["batch"].operations


def test_two_requests_that_look_alike_are_a_question_with_both_as_candidates(tmp_path: Path) -> None:
    items = [
        request("Get bases", "GET", f"{version}/bases", answer=[{"id": 1, "name": "a"}]) for version in ("v1", "v2")
    ]
    contract, text = derived(of(*items), tmp_path)
    assert "list" not in contract.kinds["base"].operations
    assert "# ? list: 2 requests look like it" in text
    assert "path: /v1/bases" in text
    assert "path: /v2/bases" in text


def test_an_empty_collection_leaves_no_call(tmp_path: Path) -> None:
    contract, _ = derived(of(), tmp_path)
    assert {kind for kind, stanza in contract.kinds.items() if stanza.operations} == set()


def test_without_the_key_of_the_name_no_call_is_made(tmp_path: Path) -> None:
    rows = [{"id": 1, "alias": "a"}]
    contract, text = derived(of(request("Get bases", "GET", "bases", answer=rows)), tmp_path)
    assert contract.kinds["base"].operations == {}
    assert "# ? list: the key of the name is not known (see attributes)" in text


def test_ids_in_query_and_body_are_named_there(tmp_path: Path) -> None:
    one = {"id": "<string>", "name": "<string>", "label": "<string>"}
    items = [
        request("List bases", "GET", "base/list", answer=[one]),
        request("Delete a base", "POST", "base/delete", body={"id": "<string>"}),
        request("List the fields of a base", "GET", "field/list?baseId=1", answer=[{**one, "datatype": "<string>"}]),
    ]
    contract, _ = derived(of(*items), tmp_path)
    assert contract.kinds["base"].operations["delete"].body == {"id": "{id}"}
    assert contract.kinds["field"].operations["list"].query == {"baseId": "{base}"}


def test_text_of_a_collection_stays_in_comments(tmp_path: Path) -> None:
    name = "X\nkinds: {base: null}\n#"
    found = read_collection(json.dumps({"info": {"name": name}, "item": []}).encode(), shown="it")
    contract, _ = derived(found, tmp_path)
    assert "base" in contract.kinds


@pytest.mark.parametrize(
    "path",
    ["a b/bases", "%2e%2e/bases", "bases;x=1", "x" * 600 + "/bases", "{{a}}x/bases", "bases/{a}{b}", "a//b/bases"],
)
def test_what_a_contract_refuses_is_a_question(path: str, tmp_path: Path) -> None:
    wide = {"id": 1, "name": "a", "x" * 300: 2, "a.b": 3}
    items = [
        request("Get bases", "GET", path, answer={"a.b..c": [wide]}),
        request("Create a base", "POST", path, body={"name": "a"}, answer=wide),
    ]
    contract, _ = derived(of(*items), tmp_path)
    assert contract.contract_version == "1"


OTHER_WAYS = [
    request("Delete agent", "DELETE", "services/:id", text="Removes the agent from the service"),
    request("Get bases", "GET", "bases", answer={"rows": [{"id": 1, "name": "a"}]}),
    request("Search bases", "POST", "bases/search", body={"name": "a"}, answer={"rows": [{"id": 1, "name": "a"}]}),
    request("Add a base", "POST", "bases", body={"base": {"name": "a", "label": "b"}}, answer={"result": 12}),
    request("Get a base", "GET", "bases/:id", answer={"result": {"id": 1, "name": "a", "label": "b"}}),
    request("Edit a base", "POST", "bases/:id/update", body={"base": {"label": "b"}}, answer={"success": True}),
    request("Archive a base", "PUT", "bases/:id/archive"),
    request("Get batches", "GET", "batches?baseId=1", answer=[{"id": 1, "name": "a"}]),
    request("Start a batch", "PUT", "batches/:id/run"),
    request("Go on with a batch", "PUT", "batches/:id", body={"state": "started"}),
    request("Start all batches of a service", "POST", "services/:id/batches/start"),
    request("Create many fields", "POST", "fields/batch", body=[{"name": "x"}]),
]


def test_other_ways_of_other_houses(tmp_path: Path) -> None:
    contract, text = derived(of(*OTHER_WAYS), tmp_path)
    base, batch = contract.kinds["base"], contract.kinds["batch"]
    assert contract.kinds["service"].operations.keys() == set()
    assert contract.kinds["field"].operations.keys() == set()
    assert base.operations.keys() == {"list", "create", "read", "update"}
    assert base.operations["list"].method == "GET"
    assert (base.operations["create"].wrap, base.operations["create"].id) == ("base", "result")
    assert (base.item, base.operations["update"].item) == ("result", "none")
    assert batch.operations.keys() == {"list"}
    assert "# ? start: 2 requests look like it" in text


AUTH = {"type": "apikey", "apikey": [{"key": "key", "value": "X-Api-Key"}, {"key": "in", "value": "header"}]}


@pytest.mark.parametrize(
    ("text", "auth", "header"),
    [
        ("Send **`Kiamo-Token:[API_token]`**\n\nKiamo-Token:68d2", None, "Kiamo-Token"),
        ("", AUTH, "X-Api-Key"),
        ("Content-Type: [json]", None, "Kiamo-Api-Token"),
    ],
)
def test_the_header_of_the_token_may_stand_in_the_text_or_in_the_auth(
    text: str, auth: dict[str, Any] | None, header: str, tmp_path: Path
) -> None:
    item = request("Get bases", "GET", "bases", answer=[{"id": 1, "name": "a"}])
    if auth is not None:
        item["request"]["auth"] = auth
    tree = {"info": {"name": "X", "description": text}, "item": [item]}
    contract, written = derived(read_collection(json.dumps(tree).encode(), shown="it"), tmp_path)
    assert contract.auth.header == header
    assert ("# ? auth: which header carries the token?" in written) is (auth is None and "Kiamo" not in text)

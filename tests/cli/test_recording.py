"""`contract derive --recording` and `contract compare --recording`: what an instance answered settles questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.contract.collection.derive import DerivedContract, derive_contract
from kiamo_iac.contract.collection.reading import read_collection
from kiamo_iac.contract.collection.recorded import with_recording
from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.recording import AnswerRecorder, Recording, read_recording
from kiamo_iac.core.errors import ManifestError
from tests.cli.program import kiamo
from tests.cli.test_doctor import PROJECT, instance, program
from tests.faults.wire import Message


def request(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """One request of a collection, without an example of its answer."""
    made: dict[str, Any] = {"method": method, "url": f"{{{{server}}}}{path}"}
    if body is not None:
        made["body"] = {"mode": "raw", "raw": json.dumps(body)}
    return {"name": f"{method} {path}", "request": made}


def collection(*more: dict[str, Any]) -> dict[str, Any]:
    """A collection whose paths begin behind a variable without a value."""
    batch = {"name": "<string>", "service": "<string>", "association": {"destination": "<string>"}}
    field = {"name": "<string>", "label": "<string>", "datatype": "<string>"}
    items = [
        request("GET", "/services"),
        request("GET", "/services/:id"),
        request("GET", "/bases"),
        request("GET", "/bases/:id"),
        request("POST", "/bases", {"name": "<string>", "label": "<string>", "fields": [field]}),
        request("GET", "/bases/:baseId/fields"),
        request("GET", "/bases/:baseId/fields/:id"),
        request("POST", "/bases/:baseId/fields", field),
        request("GET", "/bases/:baseId/batches"),
        request("GET", "/bases/:baseId/batches/:id"),
        request("POST", "/bases/:baseId/batches", batch),
        *more,
    ]
    return {
        "info": {"name": "Contacts", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/"},
        "item": items,
    }


def derived(recording: Recording | None = None, *more: dict[str, Any]) -> DerivedContract:
    return derive_contract(read_collection(json.dumps(collection(*more)).encode(), shown="collection.json"), recording)


def recorded(answers: dict[tuple[str, str], Any]) -> Recording:
    """What `(kind, operation)` answered."""
    recorder = AnswerRecorder(load_contract())
    for (kind, operation), data in answers.items():
        recorder(kind, operation, 200, data)
    return recorder.recording()


def asked(found: DerivedContract, *path: str) -> list[str]:
    return [question.text for question in found.questions if question.path == path]


def enveloped(_request: Message, data: Any) -> Any:
    """Rows in an envelope, with a total; a list shows no association."""
    if not isinstance(data, list):
        return data
    rows = [{key: value for key, value in row.items() if key != "association"} for row in data]
    return {"data": rows, "meta": {"total": len(rows)}}


def test_from_a_collection_without_examples_to_a_contract_that_an_instance_confirms(tmp_path: Path) -> None:
    (tmp_path / "collection.json").write_text(json.dumps(collection()), encoding="utf-8")
    words = ("contract", "derive", "collection.json", "--recording", "r.json", "-o", "c.yaml")
    with instance(tmp_path, enveloped) as made:
        assert program(tmp_path, made, "--record", "r.json").returncode == 1  # the packaged contract: arrays
        done = kiamo(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        (tmp_path / "kiamo.yaml").write_text(f"contract: c.yaml\n{PROJECT}", encoding="utf-8")
        text = (tmp_path / "c.yaml").read_text(encoding="utf-8")
        assert kiamo("contract", "check", "c.yaml", cwd=tmp_path).returncode == 0
        last = program(tmp_path, made, "--format", "json")
        assert made.writes == []
    assert "prefix: {path: /api, basis: observed}" in text
    assert text.count("listing: {items: data, total: meta.total,") == 4
    assert "detail: read" in text
    assert "come in pages when none is asked for" not in text
    data = json.loads(last.stdout)
    contradicted = [each["key"] for each in data["assumptions"] if each["verdict"] == "contradicted"]
    assert contradicted == [], last.stdout
    verdicts = {each["key"]: each["verdict"] for each in data["assumptions"]}
    assert verdicts["kinds.batch.listing.detail"] == verdicts["kinds.base.listing.paging"] == "confirmed"


def test_without_a_recording_the_same_are_questions() -> None:
    found = derived()
    assert asked(found, "prefix")
    assert any("come in pages" in text for text in asked(found, "kinds", "base", "listing"))
    assert any("as much of an object as a read" in text for text in asked(found, "kinds", "base", "listing"))
    assert any("are not certain" in text for text in asked(found, "kinds", "base", "id"))


def test_types_of_ids_and_words_that_were_seen() -> None:
    batch = {"id": 7, "name": "relance", "service": 3, "association": {"destination": "phone"}, "state": "EN_COURS"}
    new = batch | {"id": 8, "state": "NOUVEAU"}
    field = {"id": 1, "name": "ville", "label": "Ville", "datatype": "chaine", "default": False}
    found = derived(recorded({("batch", "list"): [batch, new], ("batch", "read"): batch, ("field", "list"): [field]}))
    assert found.data["kinds"]["batch"]["id"] == {"wire": "id", "type": "integer", "basis": "observed"}
    (state,) = asked(found, "kinds", "batch", "attributes", "state")
    assert "EN_COURS" in state
    assert "NOUVEAU" in state
    (question,) = [each for each in found.questions if each.path[-1] == "state"]
    assert "new: NOUVEAU" in question.candidates[0]
    (datatype,) = [text for text in asked(found, "kinds", "field", "attributes", "datatype") if "values" in text]
    assert datatype.endswith("The instance has chaine")


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"items": [{"id": "a", "name": "x"}], "total": 40}, "the list comes in pages, by total"),
        ({"items": [{"id": "a", "name": "x"}], "has_more": True}, "the list comes in pages, by has_more"),
        ([{"id": "a", "name": "x"}], "The longest that was read has 1, and nothing beside its rows"),
    ],
)
def test_whether_a_list_pages(answer: Any, says: str) -> None:
    found = derived(recorded({("base", "list"): answer}))
    assert any(says in text for text in asked(found, "kinds", "base", "listing"))


@pytest.mark.parametrize(
    "answer", [{"items": [{"id": "a"}], "total": 1}, {"items": [{"id": "a"}], "meta": {"next": None}}]
)
def test_a_list_that_says_it_is_whole_is_no_question(answer: Any) -> None:
    found = derived(recorded({("base", "list"): answer}))
    assert not any("pages" in text for text in asked(found, "kinds", "base", "listing"))


def test_two_requests_that_look_alike_are_told_apart_by_the_one_that_answers(tmp_path: Path) -> None:
    other = request("GET", "/v2/bases")
    open_ = next(match for match in derived(None, other).matches if (match.kind, match.operation) == ("base", "list"))
    settled = derived(recorded({("base", "list"): [{"id": "a", "name": "x"}]}), other)
    (match,) = [match for match in settled.matches if (match.kind, match.operation) == ("base", "list")]
    assert open_.certainty.value == "question"
    assert match.certainty.value == "certain"
    assert settled.data["kinds"]["base"]["operations"]["list"]["path"] == "/bases"
    (tmp_path / "collection.json").write_text(json.dumps(collection(other)), encoding="utf-8")
    with instance(tmp_path) as made:
        assert program(tmp_path, made, "--record", "r.json").returncode == 0
    words = ("contract", "compare", "collection.json", "--format", "json")
    for more, outcome in (((), "question"), (("--recording", "r.json"), "different")):
        rows = json.loads(kiamo(*words, *more, cwd=tmp_path).stdout)["operations"]
        (row,) = [each for each in rows if (each["kind"], each["operation"]) == ("base", "list")]
        assert row["outcome"] == outcome


def test_a_recording_settles_nothing_of_a_write() -> None:
    before = {match.operation: match.certainty for match in derived().matches if match.kind == "batch"}
    found = derived(recorded({("batch", "list"): [{"id": "a", "name": "x", "state": "new"}]}))
    after = {match.operation: match.certainty for match in found.matches if match.kind == "batch"}
    writes = before.keys() - {"list", "read"}
    assert {each: after[each] for each in writes} == {each: before[each] for each in writes}


def test_the_rows_of_several_answers_are_one_example() -> None:
    recording = recorded(
        {("base", "list"): {"data": [{"id": "a", "name": "x"}, {"id": "b", "name": "y", "label": "z"}]}}
    )
    found = with_recording(read_collection(json.dumps(collection()).encode(), shown="c"), recording)
    (answer,) = [each.answer for each in found.requests if each.name == "GET /bases"]
    assert answer == {"data": [{"id": "<string>", "name": "<string>", "label": "<string>"}]}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format_version": "1.0"}', '{"format_version":"1.0","contract":"x","calls":[{}]}']
)
def test_what_is_no_recording_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"r\.json is no recording of doctor"):
        read_recording(text.encode(), shown="r.json")
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    (tmp_path / "collection.json").write_text(json.dumps(collection()), encoding="utf-8")
    done = kiamo("contract", "derive", "collection.json", "--recording", "r.json", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""

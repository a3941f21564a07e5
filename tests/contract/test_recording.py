"""What a recording keeps of an answer, and what it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.contract.recording import AnswerRecorder, read_recording, recording_text

OTHER = load_contract(Path(__file__).parent / "other.yaml")
PACKAGED = load_contract()


def kept(data: Any, *, kind: str = "batch", operation: str = "list", contract: Any = PACKAGED) -> Any:
    """What is kept of one answer."""
    recorder = AnswerRecorder(contract)
    recorder(kind, operation, 200, data)
    (call,) = recorder.recording().calls
    return call.answer


def batch(**more: Any) -> dict[str, Any]:
    return {"id": "b1", "name": "relance", "service": "s1", "state": "started"} | more


def test_structure_types_and_words_are_kept() -> None:
    row = batch(association={"destination": "phone"}, contacts=812, ratio=0.5, active=True, closed=None)
    assert kept([row]) == [
        {
            "id": "<string>",
            "name": "<string>",
            "service": "<string>",
            "state": "started",
            "association": {"<key>": "<string>"},
            "contacts": "<integer>",
            "ratio": "<number>",
            "active": True,
            "closed": None,
        }
    ]


def test_rows_that_look_alike_are_there_once_and_counted() -> None:
    recorder = AnswerRecorder(PACKAGED)
    for number in range(3):
        recorder("batch", "list", 200, [batch(id=f"{number}{each}", name=f"n{each}") for each in range(7 + number)])
    (call,) = recorder.recording().calls
    assert (call.answer, call.times, call.rows) == ([kept(batch(), operation="read")], 3, 9)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"items": [], "total": 12}, {"items": [], "total": 12}),
        ({"data": [], "meta": {"page": 1, "pageCount": 3}}, {"data": [], "meta": {"page": 1, "pageCount": 3}}),
        ({"data": [], "next": "https://x/?after=relance"}, {"data": [], "next": "/?<string>"}),
        ({"data": [], "cursor": "relance", "has_more": True}, {"data": [], "cursor": "<string>", "has_more": True}),
        ({"data": [], "generation": 41}, {"data": [], "generation": "<integer>"}),
    ],
)
def test_what_is_beside_rows_is_kept(answer: Any, expected: Any) -> None:
    assert kept(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        {"dupont": batch(), "martin": batch()},
        {"dupont": [batch()]},
        {"data": {"dupont": batch()}},
        [batch(owner={"dupont": "x"})],
        [batch(owner={"x": {"dupont": {"dupont": 1}}})],
        [batch(contact_list=["dupont"], custom={"nom": "dupont"})],
        [batch(title="dupont", dupont="title")],
        [batch(association={"dupont": "phone"})],
        [batch(state="dupont@example.com"), batch(state="M. Dupont")],
        [batch(type="dupont")],
        [{"0612345678": "dupont", "id": 1, "dupont\x1b": 2}],
        "dupont",
    ],
)
def test_names_are_kept_neither_as_values_nor_as_keys(answer: Any) -> None:
    assert "dupont" not in json.dumps(kept(answer)).casefold()
    assert "0612" not in json.dumps(kept(answer))


def test_words_that_are_all_different_are_texts() -> None:
    names = ["dupont", "martin", "bernard", "petit"]
    assert kept([batch(state=name) for name in names]) == [kept(batch(state="<x>"), operation="read")]
    assert len(kept([batch(state=name) for name in (*names, "petit")])) == 4


def test_many_words_under_one_key_are_texts_also_one_by_one() -> None:
    recorder = AnswerRecorder(PACKAGED)
    for number in range(30):
        recorder("batch", "read", 200, batch(state=f"word{number}"))
    assert {call.answer["state"] for call in recorder.recording().calls if isinstance(call.answer, dict)} == {
        "<string>"
    }


def test_a_word_is_kept_under_the_key_of_the_contract_and_a_text_is_not(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("kinds: {batch: {attributes: {state: {wire: statut}}}}\n", encoding="utf-8")
    contract = load_contract(file)
    assert kept([batch(statut="EN_COURS")], contract=contract)[0]["statut"] == "EN_COURS"
    assert kept([batch(statut="EN COURS")], contract=contract)[0]["statut"] == "<string>"


def test_another_contract_names_other_keys() -> None:
    lot = {"ref": 7, "lotName": "relance", "phase": "HELD", "mapping": {"destination": 3}, "people": 4}
    assert kept({"lots": [lot]}, contract=OTHER) == {
        "lots": [
            {
                "ref": "<integer>",
                "lotName": "<string>",
                "phase": "HELD",
                "mapping": {"<key>": "<integer>"},
                "people": "<integer>",
            }
        ]
    }


def test_refusals_are_kept_without_their_text() -> None:
    recorder = AnswerRecorder(PACKAGED)
    recorder("base", "list", 403, {"message": "dupont may not"})
    recorder("base", "list", 200, None)
    text = recording_text(recorder.recording())
    assert "dupont" not in text
    assert [(call.status, call.answer) for call in recorder.recording().calls] == [(403, None), (200, None)]
    assert recorder.recording().answered("base", "list") == ()


def test_what_is_written_is_read_back() -> None:
    recorder = AnswerRecorder(PACKAGED)
    recorder("batch", "list", 200, [batch()], is_followed=True)
    recorder("batch", "read", 200, batch(state="paused"))
    written = recording_text(recorder.recording())
    assert read_recording(written.encode(), shown="r.json") == recorder.recording()


def test_it_stays_small() -> None:
    recorder = AnswerRecorder(PACKAGED)
    for number in range(300):
        recorder("base", "list", 200, [{f"k{each}": number for each in range(number)}])
    deep: Any = []
    for _ in range(60):
        deep = [deep]
    recorder("base", "read", 200, deep)
    assert len(recorder.recording().calls) <= 51
    assert len(recording_text(recorder.recording())) < 400_000

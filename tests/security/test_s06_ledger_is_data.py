"""A ledger is written by whoever can write its file, its ref or its state: what is read has the form that it must have,
and nothing of it is obeyed by a terminal or a CI system."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.planner.drift import ChangedBy, Drift, DriftEvent, ResourceDrift
from kiamo_iac.render.base import Style, drift_renderer
from kiamo_iac.render.formats import DRIFT_FORMATS, PLAN_FORMATS
from tests.cli.conftest import MANIFEST, Desk
from tests.security.ci_commands import TRIES, obeyed

E: Final = ("-e", "staging")
ATTACK: Final = "x\n::error::y\u001b[31m"
READERS: Final = (
    ("plan",),
    ("drift",),
    ("ledger", "list"),
    ("ledger", "list", "--format", "json"),
    ("apply", "--yes"),
    ("export",),
    ("adopt", "bases/prospects"),
    ("ledger", "forget", "bases/prospects"),
)
HEAD: Final = {"format_version": 1, "environment": "staging", "lineage": "l", "serial": 0}
ENTRY: Final = {
    "address": "bases/prospects",
    "remote_id": "7",
    "attributes": {"name": "prospects"},
    "protect": False,
    "renamed_from": [],
    "applied_at": "2026-11-22T16:00:00Z",
    "commit": None,
    "version": "0.1.0",
}


def write(desk: Desk, *records: dict[str, Any], **head: Any) -> str:
    """A ledger of these records."""
    text = "".join(f"{json.dumps(line)}\n" for line in ({**HEAD, **head}, *records))
    desk.ledger.parent.mkdir(exist_ok=True)
    desk.ledger.write_text(text, encoding="utf-8")
    return text


def put(**changes: Any) -> dict[str, Any]:
    """A record of the base."""
    return {"put": {**ENTRY, **changes}}


def deep(levels: int) -> Any:
    """Lists within each other."""
    value: Any = ATTACK
    for _ in range(levels):
        value = [value]
    return value


WRONG: Final[dict[str, dict[str, Any]]] = {
    "time": put(applied_at=ATTACK),
    "time, command": put(applied_at="::error::y"),
    "time, of another zone": put(applied_at="2026-11-22T16:00:00+01:00"),
    "time, with a line end": put(applied_at="2026-11-22T16:00:00Z\n"),
    "time, of no calendar": put(applied_at="2026-13-22T16:00:00Z"),
    "time, other digits": put(applied_at="٢٠٢٦-11-22T16:00:00Z"),
    "commit": put(commit=ATTACK),
    "commit, an option": put(commit="--upload-pack=x"),
    "commit, long": put(commit="a" * 65),
    "version": put(version=ATTACK),
    "version, blanks": put(version="1.0 ##[error]x"),
    "version, long": put(version="1" * 129),
    "address": put(address=f"bases/{ATTACK}/fields"),
    "address, huge": put(address="bases/" + "x" * 70_000),
    "address, of no kind": put(address="::error::y/x"),
    "address, below nothing": put(address="fields/x"),
    "id, huge": put(remote_id="7" * 70_000),
    "former name, huge": put(renamed_from=["x" * 70_000]),
    "attributes, deep": put(attributes={"settings": deep(101)}),
    "forgotten address": {"forget": ATTACK},
    "digest": {"spend": {"digest": ATTACK, "at": ENTRY["applied_at"]}},
    "digest, empty": {"spend": {"digest": "", "at": ENTRY["applied_at"]}},
    "spent at": {"spend": {"digest": "d", "at": ATTACK}},
    "unknown record": {ATTACK: ATTACK},
}


@pytest.mark.parametrize("words", READERS, ids=" ".join)
@pytest.mark.parametrize("record", WRONG.values(), ids=WRONG)
def test_s06_a_value_of_another_form_is_damage_with_its_place(
    desk: Desk, record: dict[str, Any], words: tuple[str, ...]
) -> None:
    text = write(desk, record)
    code, out, err = desk.run(*words, *E)
    assert (code, out) == (1, "")
    assert ".kiamo/staging.ledger.jsonl:2:1: error KIA0901: the ledger is corrupt" in err
    assert len(err) < 2_000
    assert obeyed(err) == []
    assert desk.ledger.read_text(encoding="utf-8") == text
    assert desk.writes() == []


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity"])
def test_s06_a_number_that_no_ledger_can_hold_is_damage_before_anything_is_written(desk: Desk, number: str) -> None:
    """What is read as infinite could not be written down again, in the middle of an apply."""
    text = write(desk, put(attributes={"settings": {"x": 0.5}})).replace("0.5", number)
    desk.ledger.write_text(text, encoding="utf-8")
    code, out, err = desk.run("apply", *E, "--yes")
    assert (code, out) == (1, "")
    assert ".kiamo/staging.ledger.jsonl:2:1: error KIA0901: the ledger is corrupt" in err
    assert desk.writes() == []


def test_s06_values_without_number_are_counted_before_they_are_built(desk: Desk) -> None:
    """128 MiB of empty lists, as a state may be large, took 3 GB."""
    write(desk)
    with desk.ledger.open("a", encoding="utf-8") as file:
        file.write(f'{{"put": [{"[]," * 5_100_000}[]]}}\n')
    code, out, err = desk.run("ledger", "list", *E)
    assert (code, out) == (1, "")
    assert ".kiamo/staging.ledger.jsonl:2:1: error KIA0901: the ledger is corrupt: it holds more than 10,000,000" in err


@pytest.mark.parametrize(
    "head",
    [
        {"lineage": ATTACK},
        {"lineage": "l" * 129},
        {"serial": 2**63},
        {"serial": -1},
        {"environment": ATTACK},
        {"environment": "x" * 70_000},
        {"format_version": 10**50},
        {ATTACK: 1},
    ],
    ids=str,
)
def test_s06_a_head_of_another_form_is_refused_and_not_obeyed(desk: Desk, head: dict[str, Any]) -> None:
    text = write(desk, **head)
    code, out, err = desk.run("ledger", "list", *E)
    assert (code, out) == (1, "")
    assert ".kiamo/staging.ledger.jsonl:1:1: error KIA090" in err
    assert len(err) < 2_000
    assert obeyed(err) == []
    assert desk.ledger.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("text", TRIES.values(), ids=TRIES)
def test_s06_what_may_be_anything_is_escaped_wherever_it_is_shown(desk: Desk, text: str) -> None:
    """Names, ids and values: a live one may hold whatever its instance allows."""
    desk.apply()
    (base,) = desk.emulator.dump(ids=True)["bases"]
    name = text.replace("%", "%25").replace("/", "%2F")
    head, *records = desk.ledger.read_text(encoding="utf-8").splitlines()
    more = [
        put(remote_id=base["id"], attributes={"name": "prospects", "label": text, "settings": {text: text}}),
        put(address=f"bases/{name}", remote_id=text, renamed_from=[text]),
        put(address=f"bases/{name}/fields/{name}", remote_id=f"1{text}", protect=True),
        put(address="services/Autres", remote_id=base["id"], attributes={text: [text, {text: text}]}),
    ]
    lines = [head, *records, *map(json.dumps, more)]
    desk.ledger.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Autre"))
    commands = [("ledger", "list"), ("ledger", "list", "--format", "json"), ("plan", "--prune"), ("export",)]
    commands += [("plan", "--format", name) for name in PLAN_FORMATS]
    commands += [("drift", "--format", name) for name in DRIFT_FORMATS]
    commands += [("apply", "--yes", "--prune"), ("ledger", "forget", f"bases/{name}")]
    for words in commands:
        code, out, err = desk.run("-v", *words, *E)
        assert "did not expect" not in err, err
        assert code in {0, 1, 6, 64}, err
        assert obeyed(out + err, annotations=words[-1] == "github") == [], words


@pytest.mark.parametrize("output", DRIFT_FORMATS)
def test_s06_a_drift_is_not_obeyed_whoever_made_it(output: str) -> None:
    """The renderers do not rely on what the ledger's reader has refused."""
    things = tuple(
        ResourceDrift(Address(f"bases/{n}"), "base", DriftEvent.CHANGED, ChangedBy.GIT, applied_at=text, commit=text)
        for n, text in enumerate((ATTACK, *TRIES.values()))
    )
    text = drift_renderer(output, Style()).render(Drift(things), environment="staging")
    assert obeyed(text, annotations=output == "github") == []


def test_s06_ledgers_of_earlier_versions_are_read(desk: Desk) -> None:
    """What may be empty, or short: an entry as it was before it was applied, one without git."""
    write(desk, put(applied_at="", version="", remote_id=None), put(address="bases/b", commit="abc1234"))
    owned = desk.owned()
    assert owned["bases/prospects"]["applied_at"] is None
    assert owned["bases/b"]["commit"] == "abc1234"

"""The journal of a run: what it holds, that it holds no secret, and that a cut line loses nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import ApiError, JournalError
from kiamo_iac.core.safe_files import RootedFile
from kiamo_iac.core.state import ResourceState, State
from kiamo_iac.executor.joining import joined
from kiamo_iac.executor.journal_writer import JournalWriter
from kiamo_iac.executor.report import Outcome, Report, Status, StepResult
from kiamo_iac.ledger.journal import (
    Journal,
    JournalHead,
    ObjectImage,
    journal_schema,
    parse_journal,
)
from kiamo_iac.planner.plan import Action, Binding, Plan
from kiamo_iac.resources import kinds
from tests.executor.steps import plan, step

WHEN = "2026-11-28T19:30:12Z"
HEAD = JournalHead(
    "20261128T193012Z-1f3a2b", "apply", "staging", ".", "http://127.0.0.1:1", WHEN, "0.1.0", commit="abc123"
)
TOKEN = "c0ffee" * 6 + "c0de"


def live(address: str, remote_id: str, /, extras: Mapping[str, Any] | None = None, **attributes: Any) -> ResourceState:
    at = Address(address)
    kind = {"bases": "base", "fields": "field", "batches": "batch"}[at.collection]
    return ResourceState(at, kinds()[kind], {"name": at.name, **attributes}, remote_id=remote_id, extras=extras or {})


class Script:
    """A journal in a folder, with a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self.file = RootedFile(folder, (".kiamo", "journal", "staging", f"{HEAD.run}.jsonl"))
        self.writer = JournalWriter(self.file, clock=lambda: WHEN)

    def read(self) -> Journal:
        data = self.file.path.read_bytes()
        for line in data.splitlines():
            Draft202012Validator(journal_schema()).validate(json.loads(line))
        return parse_journal(data, "j")


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Script]:
    made = Script(tmp_path)
    with made.writer:
        yield made


def deleting() -> tuple[Plan, State]:
    """A plan that deletes a base with a field, a default field and a batch."""
    gone = Address("bases/old")
    made = plan(step(1, Action.DELETE, gone, before={"name": "old"}), bindings={gone: Binding("7", "old")})
    state = State(
        [
            live("bases/old", "7", {"contacts": 50_000}, label="Old"),
            live("bases/old/fields/city", "8", label="City", datatype="string"),
            live("bases/old/fields/phone", "9", {"default": True}),
            live("bases/old/batches/spring", "10", state="stopped"),
        ]
    )
    return made, state


def test_a_deletion_is_recorded_with_everything_below_and_what_is_lost(script: Script) -> None:
    script.writer.begin(HEAD, *deleting())
    journal = script.read()
    assert journal.head == HEAD
    (found,) = journal.steps.values()
    assert (found.remote_id, found.lost) == ("7", "50000 contacts")
    assert found.with_it == (
        ObjectImage(Address("bases/old/batches/spring"), "batch", {"name": "spring", "state": "stopped"}),
        ObjectImage(Address("bases/old/fields/city"), "field", {"name": "city", "label": "City", "datatype": "string"}),
    )


def test_calls_are_those_of_the_step_of_their_thread(script: Script) -> None:
    first, second = step(1, Action.CREATE, "bases/a"), step(2, Action.CREATE, "bases/b")
    script.writer.begin(HEAD, plan(first, second), State())
    ready = threading.Barrier(2)

    def call(of: int) -> None:
        with script.writer.step(first if of == 1 else second):
            ready.wait(10)
            n = script.writer.sending("POST", f"/bases/{of}")
            script.writer.answered(n, 201)

    threads = [threading.Thread(target=call, args=(of,)) for of in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    script.writer.answered(script.writer.sending("PUT", "/elsewhere"), None, f"reset, token {TOKEN}")
    journal = script.read()
    assert {(call.step, call.path) for call in journal.calls.values()} == {
        (1, "/bases/1"),
        (2, "/bases/2"),
        (None, "/elsewhere"),
    }
    assert [answer.status for answer in journal.answers.values()].count(201) == 2
    assert TOKEN not in script.file.path.read_text()


def test_results_and_the_end_are_recorded(script: Script) -> None:
    one, two, three = (step(n, Action.CREATE) for n in (1, 2, 3))
    script.writer.begin(HEAD, plan(one, two, three), State())
    results = (
        StepResult(one, Status.DONE, outcome=Outcome("7", notes=('label is kept as "A"',))),
        StepResult(two, Status.FAILED, ApiError(f"refused {TOKEN}")),
        StepResult(three, Status.SKIPPED, because=2),
    )
    script.writer.finished(results[:2])
    script.writer.finished(results[2:])
    script.writer.close(Report(results), interrupted=True)
    journal = script.read()
    assert [(r.status, r.remote_id, r.notes) for r in journal.results.values()] == [
        ("done", "7", ('label is kept as "A"',)),
        ("failed", None, ()),
        ("not_tried", None, ()),
    ]
    assert journal.end is not None
    assert (journal.end.done, journal.end.failed, journal.end.not_tried, journal.end.interrupted) == (1, 1, 1, True)
    assert TOKEN not in script.file.path.read_text()


@pytest.mark.parametrize(
    ("status", "may"), [(201, True), (None, True), (502, True), (400, False), (404, False), (429, False)]
)
def test_a_call_without_a_clear_answer_may_have_happened(script: Script, status: int | None, may: bool) -> None:
    one = step(1, Action.CREATE)
    script.writer.begin(HEAD, plan(one), State())
    assert not script.read().may_have_happened(1)
    with script.writer.step(one):
        n = script.writer.sending("POST", "/bases")
    assert script.read().may_have_happened(1)
    script.writer.answered(n, status)
    assert script.read().may_have_happened(1) is may


def test_sensitive_settings_are_masked_and_tokens_hidden(script: Script) -> None:
    before = {"name": "a", "settings": {"smtp_password": "hunter2-hunter2", "note": TOKEN}}
    script.writer.begin(HEAD, plan(step(1, Action.UPDATE, "bases/a", before=before, after=before)), State())
    text = script.file.path.read_text()
    assert "hunter2" not in text
    assert TOKEN not in text
    assert script.read().steps[1].before["settings"]["smtp_password"] == "(sensitive)"


def test_a_line_that_was_cut_loses_that_line_alone(script: Script) -> None:
    script.writer.begin(HEAD, plan(step(1, Action.CREATE)), State())
    script.writer.sending("POST", "/bases")
    data = script.file.path.read_bytes()
    whole = parse_journal(data, "j")
    for cut in range(data.rfind(b"\n", 0, -1) + 1, len(data)):
        found = parse_journal(data[:cut], "j")
        assert (found.head, found.steps, found.calls) == (whole.head, whole.steps, {})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n",
        b"[]\n",
        b"nonsense\n",
        b"\xff\n",
        b'{"step": {}}\n',
        b'{"head": {}}\n',
        b'{"call": {"n": 1, "step": 1, "method": "POST", "path": "/", "at": "2026-11-28T19:30:12Z"}}\n',
        b'{"nothing": 1}\n',
    ],
)
def test_what_is_no_journal_is_refused_with_its_line(data: bytes) -> None:
    with pytest.raises(JournalError, match=r"j is empty|line 1"):
        parse_journal(data, "j")


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "bases/old"},
        {"address": "bases/old/fields/city"},
        {"address": "nothing/old"},
        {"address": "fields/old"},
        {"before": {"name": None}},
        {"before": {"name": ["old"]}},
        {"after": {"settings": 5}},
        {"address": "bases/old/batches/x", "kind": "batch", "after": {"association": {"destination": None}}},
        {"with_it": [{"address": "bases/old/fields/city", "kind": "bases", "attributes": {}}]},
        {"with_it": [{"address": "bases/old", "kind": "field", "attributes": {}}]},
        {"with_it": [{"address": "bases/old/fields/city", "kind": "field", "attributes": {"name": {}}}]},
    ],
)
def test_a_damaged_step_is_refused_with_its_line(script: Script, damage: Mapping[str, Any]) -> None:
    script.writer.begin(HEAD, *deleting())
    head, line = script.file.path.read_bytes().splitlines(keepends=True)
    damaged = json.dumps({"step": json.loads(line)["step"] | damage}).encode()
    with pytest.raises(JournalError, match="j is not one, or is damaged: line 2 must"):
        parse_journal(head + damaged + b"\n", "j")


def test_each_call_belongs_to_a_step_or_to_none(script: Script) -> None:
    script.writer.begin(HEAD, plan(step(1, Action.CREATE), step(2, Action.CREATE)), State())
    script.writer.sending("POST", "/none")
    for number in (2, 1, 2):
        with script.writer.step(step(number, Action.CREATE)):
            script.writer.sending("POST", f"/{number}")
    journal = script.read()
    paths = {each: [call.path for call in journal.calls_of(each)] for each in (None, 1, 2, 3)}
    assert paths == {None: ["/none"], 1: ["/1"], 2: ["/2", "/2"], 3: []}


def test_a_call_for_a_rename_and_an_update_belongs_to_both(script: Script) -> None:
    rename = step(1, Action.RENAME, "bases/a", before={"name": "old"}, after={"name": "a"})
    update = step(2, Action.UPDATE, "bases/a", needs=[1], before={"label": "L"}, after={"label": "M"})
    (one,) = joined([rename, update])
    script.writer.begin(HEAD, plan(rename, update), State())
    with script.writer.step(one):
        script.writer.sending("PUT", "/api/bases/7")
    script.writer.sending("GET", "/api/bases")
    journal = script.read()
    assert [journal.calls_of(1), journal.calls_of(2)] == [[journal.calls[1]], [journal.calls[1]]]
    assert journal.may_have_happened(2)
    assert journal.calls_of(None) == [journal.calls[2]]


def test_a_second_head_is_refused(script: Script) -> None:
    script.writer.begin(HEAD, plan(), State())
    with pytest.raises(JournalError, match="line 2"):
        parse_journal(script.file.path.read_bytes() * 2, "j")


def test_f22_a_journal_that_cannot_be_written_fails_before_the_first_call(tmp_path: Path) -> None:
    (tmp_path / ".kiamo").write_text("a file")
    with pytest.raises(JournalError, match="Nothing was written"):
        Script(tmp_path).writer.begin(HEAD, plan(), State())


def test_a_journal_is_private_and_follows_no_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / ".kiamo").symlink_to(elsewhere)
    with pytest.raises(JournalError, match="symbolic link"):
        Script(tmp_path).writer.begin(HEAD, plan(), State())
    assert list(elsewhere.iterdir()) == []


def test_a_disk_that_fills_up_ends_the_journal_and_not_the_run(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    script.writer.begin(HEAD, plan(step(1, Action.CREATE)), State())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    script.writer.sending("POST", "/bases")
    assert "incomplete: No space left" in str(script.writer.error)
    script.writer.sending("POST", "/bases")
    script.writer.close(Report(()), interrupted=False)

"""Journals as a person meets them: written by apply, listed, shown, and dropped when there are too many."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from kiamo_iac.app.journaling import journal_file, remove_old, runs_of
from kiamo_iac.core.errors import JournalError
from kiamo_iac.emulator import FULL_TOKEN
from kiamo_iac.ledger.journal import journal_schema
from kiamo_iac.render.journal import run_schema, runs_schema
from tests.cli.conftest import MANIFEST, Desk


def relabel(desk: Desk, label: str) -> None:
    desk.manifest(MANIFEST.replace("label: Prospects", f"label: {label}"))
    desk.apply()


def files(desk: Desk) -> list[Path]:
    return sorted((desk.folder / ".kiamo" / "journal" / "staging").glob("*.jsonl"))


def test_there_is_none_before_the_first_run(desk: Desk) -> None:
    code, out, err = desk.run("journal", "list", "-e", "staging")
    assert (code, out) == (0, "")
    assert "staging has no journal" in err
    code, _, err = desk.run("journal", "show", "-e", "staging")
    assert code == 64
    assert "staging has no journal" in err


def test_what_the_journal_says_was_done_is_what_the_server_did(desk: Desk) -> None:
    desk.apply()
    code, out, _ = desk.run("journal", "show", "-e", "staging", "--format", "json")
    assert code == 0
    shown = json.loads(out)
    jsonschema.validate(shown, run_schema())
    writes = [(call.method, call.path, call.status) for call in desk.emulator.calls() if call.method != "GET"]
    answers = {answer["n"]: answer["status"] for answer in shown["answers"]}
    assert sorted((call["method"], call["path"], answers[call["n"]]) for call in shown["calls"]) == sorted(writes)
    assert {result["status"] for result in shown["results"]} == {"done"}
    assert shown["end"]["failed"] == 0
    for line in files(desk)[0].read_text().splitlines():
        jsonschema.validate(json.loads(line), journal_schema())


def test_a_run_without_a_step_leaves_no_journal(desk: Desk) -> None:
    desk.apply()
    desk.apply()
    assert len(files(desk)) == 1


def test_runs_are_listed_the_newest_first_and_chosen_by_their_beginning(desk: Desk) -> None:
    desk.apply()
    relabel(desk, "Changed")
    code, out, _ = desk.run("journal", "list", "-e", "staging")
    assert code == 0
    newest, oldest = (line.split()[0] for line in out.splitlines()[1:])
    assert [newest, oldest] == [path.stem for path in reversed(files(desk))]
    code, out, _ = desk.run("journal", "list", "-e", "staging", "--format", "json")
    jsonschema.validate(json.loads(out), runs_schema())
    code, out, _ = desk.run("journal", "show", "-e", "staging", oldest)
    assert "create bases/prospects" in out
    code, out, _ = desk.run("journal", "show", "-e", "staging")
    assert "update bases/prospects" in out
    assert ": 200" in out
    code, out, _ = desk.run("journal", "show", "-e", "staging", "--format", "markdown")
    assert "| `update bases/prospects` | done | " in out
    code, _, err = desk.run("journal", "show", "-e", "staging", "2")
    assert code == 64
    assert '2 runs of staging begin with "2"' in err
    code, _, err = desk.run("journal", "show", "-e", "staging", "1999")
    assert code == 64
    assert 'staging has no run "1999"' in err


def test_journals_are_private_and_hold_no_token(desk: Desk) -> None:
    desk.apply()
    (file,) = files(desk)
    assert file.stat().st_mode & 0o077 == 0
    assert FULL_TOKEN not in file.read_text()


def test_as_many_are_kept_as_the_project_says(desk: Desk) -> None:
    project = desk.folder / "kiamo.yaml"
    project.write_text(project.read_text() + "journals: {keep: 2}\n")
    desk.apply()
    first = files(desk)[0]
    for label in ("B", "C", "D"):
        relabel(desk, label)
    assert len(files(desk)) == 2
    assert not first.exists()


def test_f22_a_journal_that_cannot_be_written_fails_before_the_first_call(desk: Desk) -> None:
    (desk.folder / ".kiamo").mkdir()
    (desk.folder / ".kiamo" / "journal").write_text("a file")
    code, _, err = desk.run("apply", "-e", "staging", "--yes")
    assert code == 1
    assert "Nothing was written" in err
    assert all(call.method == "GET" for call in desk.emulator.calls())
    assert not desk.ledger.exists()


def test_a_link_in_the_place_of_the_journals_is_named(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    (desk.folder / ".kiamo").mkdir()
    (desk.folder / ".kiamo" / "journal").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    code, _, err = desk.run("apply", "-e", "staging", "--yes")
    assert (code, "remove .kiamo/journal: files below .kiamo belong to this machine" in err) == (1, True)
    code, _, err = desk.run("journal", "list", "-e", "staging")
    folder = desk.folder / ".kiamo" / "journal" / "staging"
    assert (code, f"The journals in {folder} cannot be read: .kiamo/journal is a symbolic link" in err) == (1, True)
    assert desk.run("plan", "-e", "staging")[0] == 0


def test_without_a_journal_that_can_be_read_plans_and_applies_go_on(desk: Desk) -> None:
    desk.apply()
    files(desk)[0].write_text("nonsense\n")
    code, out, err = desk.run("journal", "list", "-e", "staging")
    assert (code, out, "staging has no journal that can be read" in err) == (0, "", True)
    code, out, _ = desk.run("plan", "-e", "staging")
    assert (code, "No changes" in out) == (0, True)
    relabel(desk, "Changed")
    assert len(files(desk)) == 2


def test_a_damaged_journal_is_named_and_the_others_are_listed(desk: Desk) -> None:
    desk.apply()
    relabel(desk, "Changed")
    first, second = files(desk)
    first.write_text("nonsense\n")
    code, out, err = desk.run("journal", "list", "-e", "staging")
    assert (code, second.stem in out, first.stem in out) == (0, True, False)
    assert "KIA0920" in err
    code, _, err = desk.run("journal", "show", "-e", "staging", first.stem)
    assert code == 1
    assert "line 1" in err


def test_a_link_among_the_journals_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / ".kiamo" / "journal" / "staging"
    folder.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.write_text("{}\n")
    name = "20261128T193012Z-1f3a2b"
    (folder / f"{name}.jsonl").symlink_to(outside)
    assert runs_of(tmp_path, "staging") == []
    (tmp_path / ".kiamo" / "journal" / "linked").symlink_to(folder)
    with pytest.raises(JournalError, match="symbolic link"):
        runs_of(tmp_path, "linked")
    for number in range(2):
        (folder / f"20261128T19301{number}Z-1f3a2b.jsonl").write_text("{}\n")
    remove_old(tmp_path, "staging", keep=1)
    assert runs_of(tmp_path, "staging") == ["20261128T193011Z-1f3a2b"]
    assert outside.exists()
    assert journal_file(tmp_path, "staging", name).path.name == f"{name}.jsonl"


@pytest.mark.parametrize("output", ["text", "markdown"])
def test_what_a_server_or_a_file_says_is_neither_a_command_of_ci_nor_an_escape_sequence(
    desk: Desk, output: str
) -> None:
    desk.apply()
    (path,) = files(desk)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        if "call" in line:
            line["call"]["path"] = "\n::error::x\x1b[2J|`"
        if "result" in line:
            line["result"] |= {"error": "::error::x\r::warning::x", "notes": ["::notice::" + "x" * 500]}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    code, out, _ = desk.run("journal", "show", "-e", "staging", "--format", output)
    assert code == 0
    assert not any(line.lstrip().startswith("::") for line in out.splitlines())
    assert not {"\x1b", "\r"} & set(out)

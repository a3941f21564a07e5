"""`kiamo-iac contract`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kiamo_iac.cli.main import run
from tests.cli.conftest import Desk

OVERRIDE = "prefix: {path: /v2, basis: documented}\nkinds: {service: {operations: {create: null}}}\n"


def test_outside_of_a_project_the_packaged_contract_is_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["contract", "show"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Kiamo API v2, as assumed by kiamo-iac")
    assert "Kiamo-Api-Token" in out
    assert run(["contract", "show", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["prefix"] == {"path": "/api", "basis": "observed"}


def test_in_a_project_its_own_contract_is_in_force(desk: Desk) -> None:
    (desk.folder / "mine.yaml").write_text(OVERRIDE, encoding="utf-8")
    with (desk.folder / "kiamo.yaml").open("a", encoding="utf-8") as file:
        file.write("contract: mine.yaml\n")
    code, out, err = desk.run("contract", "show")
    assert (code, err) == (0, "")
    assert "(from mine.yaml)" in out
    assert "/v2" in out
    assert "POST   /services" not in out
    code, out, _ = desk.run("contract", "show", "--format", "json")
    assert code == 0
    (desk.folder / "again.json.yaml").write_text(out, encoding="utf-8")
    assert desk.run("contract", "check", "again.json.yaml")[0] == 0


def test_check_says_what_an_override_changes(desk: Desk) -> None:
    (desk.folder / "mine.yaml").write_text(OVERRIDE, encoding="utf-8")
    code, out, err = desk.run("contract", "check", "mine.yaml")
    assert (code, err) == (0, "mine.yaml is valid.\n")
    assert '~ prefix.path: "/api" → "/v2"\n' in out
    assert '- kinds.service.operations.create.path: "/services"\n' in out


def test_check_without_a_file_checks_that_of_the_project(desk: Desk) -> None:
    assert desk.run("contract", "check") == (
        0,
        "No changes to the packaged contract.\n",
        "The packaged contract is valid.\n",
    )
    (desk.folder / "mine.yaml").write_text(OVERRIDE, encoding="utf-8")
    with (desk.folder / "kiamo.yaml").open("a", encoding="utf-8") as file:
        file.write("contract: mine.yaml\n")
    code, out, err = desk.run("contract", "check")
    assert (code, err) == (0, "mine.yaml is valid.\n")
    assert '~ prefix.path: "/api" → "/v2"\n' in out
    (desk.folder / "mine.yaml").write_text("nonsense: 1\n", encoding="utf-8")
    code, out, err = desk.run("contract", "check")
    assert (code, "mine.yaml:1:1: error KIA0401" in err) == (1, True)


def test_check_says_what_is_wrong_with_it(desk: Desk) -> None:
    (desk.folder / "mine.yaml").write_text("nonsense: 1\nprefix: {path: api}\n", encoding="utf-8")
    code, out, err = desk.run("contract", "check", "mine.yaml")
    assert (code, out) == (1, "")
    assert "mine.yaml:1:1: error KIA0401" in err
    assert "mine.yaml:2:" in err
    assert desk.run("contract", "check", "missing.yaml")[0] == 64


def test_a_missing_call_of_the_contract_refuses_the_plan(desk: Desk) -> None:
    (desk.folder / "mine.yaml").write_text("kinds: {base: {operations: {create: null}}}\n", encoding="utf-8")
    with (desk.folder / "kiamo.yaml").open("a", encoding="utf-8") as file:
        file.write("contract: mine.yaml\n")
    code, out, _ = desk.run("plan", "-e", "staging")
    assert code == 1
    assert "KIA0501" in out
    assert "mine.yaml" in out
    assert desk.writes() == []


def test_the_log_numbers_its_lines_and_names_process_and_run(desk: Desk) -> None:
    code, out, err = desk.run("-v", "apply", "-e", "staging", "--yes", "--format", "json")
    assert code == 0
    lines = re.findall(r"^([0-9a-f]{6}) (\d+): (.*)$", err, re.MULTILINE)
    assert len({process for process, _, _ in lines}) == 1
    assert [int(number) for _, number, _ in lines] == list(range(1, len(lines) + 1))
    assert any(re.fullmatch(r"POST /api/bases: 201, \d+ ms", text) for _, _, text in lines)
    assert f"run {json.loads(out)['run_id']} is planned" in {text for _, _, text in lines}
    _, _, again = desk.run("-v", "plan", "-e", "staging")
    assert not re.search(f"^{lines[0][0]} ", again, re.MULTILINE)

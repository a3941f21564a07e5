"""`kiamo-iac schema`: listed, printed, written, and narrowed to the contract in force."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from kiamo_iac.app.schemas import catalogue
from kiamo_iac.cli.main import run
from tests.cli.conftest import Desk
from tests.cli.program import ROOT, kiamo

NAMES = catalogue()


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_printed_as_it_is_committed(name: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["schema", name]) == 0
    assert capsysbinary.readouterr().out == (ROOT / "schemas" / NAMES[name].file).read_bytes()


def test_without_a_name_all_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == list(NAMES)
    assert "saved-plan         the file of plan --out\n" in out
    assert err == ""


def test_a_name_that_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "manifst"]) == 64
    assert 'did you mean "manifest"?' in capsys.readouterr().err


def test_all_are_written_and_the_second_time_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "schemas"
    assert run(["schema", "--out", str(folder)]) == 0
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.json")}
    assert found == {entry.file: (ROOT / "schemas" / entry.file).read_bytes() for entry in NAMES.values()}
    assert run(["schema", "--out", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"{len(NAMES)} schemas in {folder}: {len(NAMES)} written.",
        f"{len(NAMES)} schemas in {folder}: 0 written.",
    ]


def test_one_is_written(tmp_path: Path) -> None:
    assert run(["schema", "batch", "--out", str(tmp_path)]) == 0
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json")] == ["kinds/batch.schema.json"]


def test_a_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kinds").touch()
    assert run(["schema", "batch", "--out", str(tmp_path)]) == 64
    assert "batch.schema.json cannot be written" in capsys.readouterr().err


def test_a_disk_that_is_full_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "kinds" / "batch.schema.json"
    old.parent.mkdir()
    old.write_text("{}", encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert run(["schema", "batch", "--out", str(tmp_path)]) == 64
    assert "batch.schema.json cannot be written: No space left on device." in capsys.readouterr().err
    assert [(path.name, path.read_text(encoding="utf-8")) for path in old.parent.iterdir()] == [(old.name, "{}")]


def test_in_a_project_its_contract_narrows_the_schemas_of_manifests(desk: Desk) -> None:
    (desk.folder / "mine.yaml").write_text(
        "kinds: {field: {attributes: {datatype: {choices: [text, phone, color]}}}}\n", encoding="utf-8"
    )
    with (desk.folder / "kiamo.yaml").open("a", encoding="utf-8") as file:
        file.write("contract: mine.yaml\n")
    code, out, err = desk.run("schema", "manifest")
    assert (code, err) == (0, "")
    schema = json.loads(out)
    assert schema["$id"] == "https://github.com/kiamo-iac/kiamo-iac/schemas/manifest-in-force/1"
    fields = schema["definitions"]["field"]["properties"]
    assert fields["datatype"]["else"] == {"enum": ["text", "phone", "color"]}
    assert "Required on creation (ERR_1080)." in fields["datatype"]["description"]
    assert "label" not in schema["definitions"]["batch"]["properties"], "the contract has no wire name for it"
    assert desk.run("schema", "plan")[1].encode() == (ROOT / "schemas" / "plan.schema.json").read_bytes()


def test_a_project_that_holds_problems_is_told(desk: Desk) -> None:
    (desk.folder / "kiamo.yaml").write_text("manifest: [x]\n", encoding="utf-8")
    code, _, err = desk.run("schema", "manifest")
    assert code == 1
    assert "KIA0302" in err


def test_it_runs_as_a_program_of_its_own(tmp_path: Path) -> None:
    done = kiamo("schema", "service", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["title"] == "A service of kiamo-iac"


@pytest.mark.parametrize("link", ["kinds", "batch.schema.json"])
def test_a_link_does_not_lead_schemas_somewhere_else(
    tmp_path: Path, link: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline writes into a checkout, and whoever opens a merge request may put a link there."""
    inside, outside = tmp_path / "schemas", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    if link == "kinds":
        (inside / link).symlink_to(outside, target_is_directory=True)
    else:
        (inside / "kinds").mkdir()
        (inside / "kinds" / link).symlink_to(outside / link)
    assert run(["schema", "batch", "--out", str(inside)]) == 64
    assert "a link leads out of the folder" in capsys.readouterr().err
    assert list(outside.iterdir()) == []

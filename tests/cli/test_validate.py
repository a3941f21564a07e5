"""`kiamo-iac validate`: offline, all at once, and light."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kiamo_iac.render.json_formats import validate_schema
from tests.cli.conftest import MANIFEST, Desk
from tests.cli.program import ROOT, kiamo, variables

HEAVY = {
    "httpx",
    "httpcore",
    "deepdiff",
    "rich",
    "jinja2",
    "asyncio",
    "queue",
    "starlette",
    "uvicorn",
    "kiamo_iac.planner.planner",
}


def test_a_sound_project_is_valid_and_nothing_is_called(desk: Desk) -> None:
    code, out, err = desk.run("validate")
    assert (code, out) == (0, "")
    assert err == "1 manifest, 4 resources: valid.\n"
    assert desk.emulator.calls() == []


def test_every_problem_of_every_file_is_told_at_once(desk: Desk) -> None:
    desk.manifest("bases:\n  - name: autres\n    lable: Autres\n", "b.yaml")
    desk.manifest("bases:\n  - name: tiers\n    fields: [{name: age, label: 3, datatype: nonsense}]\n", "c.yaml")
    code, out, err = desk.run("validate")
    assert code == 1
    assert "manifests/b.yaml:3:5: error KIA0202: " in out
    assert 'hint: did you mean "label"?' in out
    assert out.count("manifests/c.yaml:3:") >= 2
    assert err.startswith("3 manifests, ")


def test_json_is_versioned_and_meets_its_schema(desk: Desk) -> None:
    desk.manifest("bases:\n  - name: autres\n    lable: Autres\n", "b.yaml")
    code, out, _ = desk.run("validate", "--format", "json")
    data = json.loads(out)
    jsonschema.Draft202012Validator(validate_schema()).validate(data)
    assert code == 1
    assert data["format_version"] == "1.0"
    assert data["valid"] is False
    assert data["files"] == 2
    assert data["diagnostics"][0]["source"] == "manifests/b.yaml:3:5"


def test_warnings_fail_only_when_strict(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("service: Ventes", "service: Inconnu"))
    assert desk.run("validate")[0] == 0
    code, out, _ = desk.run("validate", "--strict")
    assert code == 1
    assert "warning KIA0227" in out


def test_problems_of_the_project_file_are_diagnostics_too(desk: Desk) -> None:
    (desk.folder / "kiamo.yaml").write_text("manifest: [manifests]\n", encoding="utf-8")
    code, out, _ = desk.run("validate", "--format", "json")
    data = json.loads(out)
    assert code == 1
    assert {d["code"] for d in data["diagnostics"]} == {"KIA0302", "KIA0304"}


def test_problems_of_the_contract_are_diagnostics_too(desk: Desk) -> None:
    (desk.folder / "contract.yaml").write_text("nonsense: 1\n", encoding="utf-8")
    with (desk.folder / "kiamo.yaml").open("a", encoding="utf-8") as file:
        file.write("contract: contract.yaml\n")
    code, out, _ = desk.run("validate")
    assert code == 1
    assert "contract.yaml:1:1: error KIA0401" in out


def test_a_changed_file_is_checked_together_with_its_project(desk: Desk) -> None:
    """As pre-commit passes it: `b.yaml` is sound by itself, and declares again what `a.yaml` does."""
    path = desk.manifest("bases:\n  - name: prospects\n", "b.yaml")
    code, out, err = desk.run("validate", "manifests/b.yaml")
    assert code == 1
    assert "KIA0207" in out
    assert err.startswith("2 manifests")
    assert desk.run("validate", str(path))[0] == 1


def test_a_project_below_is_found_from_the_path(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path.parent)
    code, _, err = desk.run("validate", f"{tmp_path.name}/manifests/a.yaml")
    assert (code, err) == (0, "1 manifest, 4 resources: valid.\n")


def test_a_folder_with_projects_below_is_checked_by_project(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = tmp_path / "repository"
    for name in ("one", "two"):
        shutil.copytree(desk.folder / "manifests", root / name / "manifests")
        shutil.copy(desk.folder / "kiamo.yaml", root / name)
    (root / ".git").mkdir()
    monkeypatch.chdir(root)
    assert desk.run("validate", ".")[::2] == (0, "2 manifests, 8 resources: valid.\n")
    for name in ("one", "two"):
        (root / name / "manifests" / "a.yaml").write_text("oops: []\n", encoding="utf-8")
    code, out, _ = desk.run("validate", ".")
    assert code == 1
    assert [line.split(" ")[0] for line in out.splitlines() if "KIA0202" in line] == [
        "one/manifests/a.yaml:1:1:",
        "two/manifests/a.yaml:1:1:",
    ]


def test_what_is_no_manifest_of_the_project_is_said(desk: Desk) -> None:
    (desk.folder / "live.yaml").write_text("nonsense: 1\n", encoding="utf-8")
    code, _, err = desk.run("validate", "live.yaml", "kiamo.yaml")
    assert code == 0
    assert "live.yaml is not a manifest of its project: not checked.\n" in err
    assert "kiamo.yaml is no manifest" not in err


def test_without_a_project_the_paths_are_checked_by_themselves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kiamo_iac.cli.main import run

    (tmp_path / ".git").mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.yaml").write_text(MANIFEST, encoding="utf-8")
    (tmp_path / "b.yaml").write_text("bases:\n  - name: prospects\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert run(["validate", "folder"]) == 0
    assert run(["validate", "folder", "b.yaml"]) == 1
    assert "KIA0207" in capsys.readouterr().out
    assert run(["validate"]) == 64
    assert "No kiamo.yaml found" in capsys.readouterr().err
    assert run(["validate", "missing.yaml"]) == 64


@pytest.mark.parametrize("arguments", [["validate"], ["validate", "--format", "json"]])
def test_it_loads_nothing_that_it_does_not_need(desk: Desk, arguments: list[str]) -> None:
    desk.manifest("bases:\n  - name: autres\n    lable: Autres\n", "b.yaml")
    code = (
        "import sys; from kiamo_iac.cli.main import run; code = run(sys.argv[1:]);"
        "print('\\0'.join(sys.modules), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=desk.folder,
        env=variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    loaded = set(done.stderr.splitlines()[-1].split("\0"))
    assert loaded & HEAVY == set()
    assert "kiamo_iac.manifest.loader" in loaded
    assert str(ROOT)


def test_files_are_named_as_they_stand_from_where_it_was_typed(tmp_path: Path) -> None:
    folder = tmp_path / "ops" / "kiamo"
    (folder / "manifests").mkdir(parents=True)
    (folder / "kiamo.yaml").write_text("manifests: [manifests]\n", encoding="utf-8")
    (folder / "manifests" / "a.yaml").write_text("bases:\n  - lable: x\n", encoding="utf-8")
    done = kiamo("validate", "ops/kiamo/manifests/a.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("ops/kiamo/manifests/a.yaml:2:5: error ")
    assert kiamo("validate", cwd=folder).stdout.startswith("manifests/a.yaml:2:5: error ")
    beside = kiamo("--project", "../kiamo.yaml", "validate", cwd=folder / "manifests")
    assert beside.stdout.startswith("manifests/a.yaml:2:5: error ")


def test_d07_manifests_that_declare_nothing_have_a_warning(desk: Desk) -> None:
    (desk.folder / "manifests" / "a.yaml").unlink()
    (desk.folder / "manifests" / "bases.json").write_text('{"bases": []}')
    code, out, err = desk.run("validate")
    assert code == 0
    assert "kiamo.yaml:1:13: warning KIA0248: there is no manifest in the folders of manifests\n" in out + err
    assert 'hint: names of manifests end in .yaml or .yml: "bases.json" is not read\n' in out + err
    assert "warning KIA0248" in desk.run("plan", "-e", "staging")[1]
    desk.manifest("# nothing yet\n")
    assert "warning KIA0248: the manifests declare nothing\n" in "".join(desk.run("validate")[1:])
    desk.manifest("services:\n  - name: Ventes\n")
    assert "KIA0248" not in "".join(desk.run("validate")[1:])


def test_d07_two_environments_with_one_url_have_a_warning(desk: Desk) -> None:
    desk.project(
        'manifests: [manifests]\nenvironments:\n  a: {url: "http://127.0.0.1:1"}\n  b: {url: "http://127.0.0.1:1/"}\n'
    )
    code, out, err = desk.run("validate")
    assert code == 0
    assert 'kiamo.yaml:4:12: warning KIA0317: "b" has the url of "a": both change one instance\n' in out + err
    assert desk.run("validate", "--strict")[0] == 1


def test_d07_a_project_file_of_another_name_is_named(desk: Desk) -> None:
    (desk.folder / "kiamo.yaml").rename(desk.folder / "kiamo.yml")
    code, _, err = desk.run("validate")
    assert code == 64
    assert f"Hint: rename {desk.folder / 'kiamo.yml'} to kiamo.yaml\n" in err


@pytest.mark.parametrize("url", ["", '""', "null", "~"])
def test_d07_an_empty_url_is_an_error_that_says_what_to_write(desk: Desk, url: str) -> None:
    desk.project(f"manifests: [manifests]\nenvironments:\n  a:\n    url: {url}\n")
    code, out, err = desk.run("validate")
    assert code == 1
    assert "hint: write url: https://kiamo.example.com" in out + err


def two_projects(desk: Desk, *, inner: str, outer: str = "") -> None:
    """A project at the root of a repository, and one below it; each with that text in its project file."""
    (desk.folder / ".git").mkdir()
    (desk.folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    below = desk.folder / "teams" / "emea"
    (below / "manifests").mkdir(parents=True)
    (below / "manifests" / "b.yaml").write_text("bases: [{name: emea, lable: X}]\n")
    (below / "kiamo.yaml").write_text(f"{inner}manifests: [manifests]\n")
    desk.project(f"{outer}manifests: [manifests]\n")


def test_a_folder_means_every_project_in_it(desk: Desk) -> None:
    two_projects(desk, inner="name: emea\n")
    code, out, err = desk.run("validate", ".")
    assert code == 1
    assert "teams/emea/manifests/b.yaml:1:22" in out + err
    assert "2 manifests" in out + err
    assert desk.run("validate")[0] == 0
    assert desk.run("validate", "manifests")[0] == 0
    assert desk.run("--project", "kiamo.yaml", "validate", ".")[0] == 0
    code, out, _ = desk.run("validate", ".", "--format", "gitlab")
    assert [each["location"]["path"] for each in read_list(out)] == ["teams/emea/manifests/b.yaml"]


@pytest.mark.parametrize(
    ("outer", "inner", "clash"),
    [("name: emea\n", "name: emea\n", True), ("name: apac\n", "name: emea\n", False), ("", "", False)],
)
def test_two_projects_of_a_repository_have_names_of_their_own(desk: Desk, outer: str, inner: str, clash: bool) -> None:
    two_projects(desk, inner=inner, outer=outer)
    (desk.folder / "teams" / "emea" / "manifests" / "b.yaml").write_text("bases: [{name: emea}]\n")
    code, out, err = desk.run("validate", ".")
    assert code == (1 if clash else 0)
    assert ("KIA0318" in out + err) is clash
    assert ("teams/emea/kiamo.yaml:1:1" in out + err) is clash


def read_list(text: str) -> list[dict[str, Any]]:
    """JSON, a list of objects."""
    data = json.loads(text)
    assert isinstance(data, list)
    return data

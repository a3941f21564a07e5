"""`--format` for CI: files named from the root of the repository, the step summary, and no token in any of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as Xml

import pytest

from kiamo_iac.app.repository_paths import below_repository
from kiamo_iac.cli.output import MAX_BYTES
from kiamo_iac.emulator import FULL_TOKEN
from kiamo_iac.render.formats import CHECK_FORMATS, DRIFT_FORMATS, PLAN_FORMATS
from tests.cli.conftest import MANIFEST, Desk
from tests.cli.program import variables
from tests.cli.test_validate import HEAVY

BROKEN = "bases:\n  - name: autres\n    lable: Autres\n"
PLAN = ("plan", "-e", "staging")
DRIFT = ("drift", "-e", "staging")


@pytest.fixture
def nested(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The project in the folder `telephony/kiamo été` of a git repository, with a broken manifest."""
    below = tmp_path / "telephony" / "kiamo été"
    below.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "kiamo.yaml").rename(below / "kiamo.yaml")
    (tmp_path / "manifests").rename(below / "manifests")
    (below / "manifests" / "b.yaml").write_text(BROKEN, encoding="utf-8")
    monkeypatch.chdir(below)
    return Desk(below, desk.emulator, desk.capture)


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the step's summary, with what an earlier command has written."""
    path = tmp_path / "summary.md"
    path.write_text("earlier\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


# --- where files are named from ---------------------------------------------------------------------------------------


def test_annotations_name_files_from_the_root_of_the_repository(nested: Desk) -> None:
    code, out, err = nested.run("validate", "--format", "github")
    assert code == 1
    assert out.startswith("::error file=telephony/kiamo été/manifests/b.yaml,line=3,col=5,title=KIA0202::")
    assert err.endswith("1 error.\n")


def test_code_quality_names_files_from_the_root_of_the_repository(nested: Desk) -> None:
    (issue,) = json.loads(nested.run("validate", "--format", "gitlab")[1])
    assert issue["location"] == {"path": "telephony/kiamo été/manifests/b.yaml", "lines": {"begin": 3}}


def test_junit_names_files_from_the_root_of_the_repository_and_lists_all(nested: Desk) -> None:
    root = Xml.fromstring(nested.run("validate", "--format", "junit")[1].encode())
    assert {suite.get("name"): suite.get("failures") for suite in root} == {
        "telephony/kiamo été/manifests/a.yaml": "0",
        "telephony/kiamo été/manifests/b.yaml": "1",
    }


def test_sarif_names_files_from_the_root_of_the_repository(nested: Desk) -> None:
    (result,) = json.loads(nested.run("validate", "--format", "sarif")[1])["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert unquote(uri) == "telephony/kiamo été/manifests/b.yaml"


def test_text_and_json_name_them_from_the_project(nested: Desk) -> None:
    assert nested.run("validate")[1].startswith("manifests/b.yaml:3:5: ")
    (said,) = json.loads(nested.run("validate", "--format", "json")[1])["diagnostics"]
    assert said["source"] == "manifests/b.yaml:3:5"


def test_projects_of_one_repository_are_told_apart(nested: Desk, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "kiamo.yaml").write_text((nested.folder / "kiamo.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    (other / "manifests").mkdir()
    (other / "manifests" / "b.yaml").write_text(BROKEN, encoding="utf-8")
    paths = (str(nested.folder / "manifests" / "b.yaml"), str(other / "manifests" / "b.yaml"))
    found = json.loads(nested.run("validate", "--format", "gitlab", *paths)[1])
    assert sorted(issue["location"]["path"] for issue in found) == [
        "other/manifests/b.yaml",
        "telephony/kiamo été/manifests/b.yaml",
    ]


def test_a_broken_project_file_is_named_from_the_root_too(nested: Desk) -> None:
    nested.project("nonsense: 1\n")
    paths = {issue["location"]["path"] for issue in json.loads(nested.run("validate", "--format", "gitlab")[1])}
    assert paths == {"telephony/kiamo été/kiamo.yaml"}


def test_manifests_without_a_project_are_named_from_the_root_too(nested: Desk) -> None:
    (nested.folder / "kiamo.yaml").unlink()
    root = Xml.fromstring(nested.run("validate", "--format", "junit", "manifests/b.yaml")[1].encode())
    assert [suite.get("name") for suite in root] == ["telephony/kiamo été/manifests/b.yaml"]


def test_a_plan_names_files_from_the_root_of_the_repository(nested: Desk, tmp_path: Path) -> None:
    (nested.folder / "manifests" / "b.yaml").unlink()
    assert "#     telephony/kiamo été/manifests/a.yaml:4:5: " in nested.run(*PLAN, "--format", "markdown")[1]
    assert nested.run(*PLAN, "--out", "saved.plan")[0] == 0
    shown = nested.run("show", "saved.plan", "--format", "markdown")[1]
    assert "#     telephony/kiamo été/manifests/a.yaml:4:5: " in shown
    assert "manifests/a.yaml:4:5: " in nested.run(*PLAN)[1]
    assert "telephony" not in nested.run(*PLAN)[1]


def test_a_drift_names_files_from_the_root_of_the_repository(nested: Desk) -> None:
    (nested.folder / "manifests" / "b.yaml").unlink()
    out = nested.run(*DRIFT, "--format", "github")[1]
    assert (
        "file=telephony/kiamo été/manifests/a.yaml,line=4,col=5,title=changed in git::bases/prospects: new in git"
        in out
    )


def test_the_root_is_found_in_a_worktree_and_where_a_runner_says(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    assert below_repository(folder, {}) == ""
    assert below_repository(folder, {"CI_PROJECT_DIR": str(tmp_path)}) == "a/b/"
    assert below_repository(folder, {"GITHUB_WORKSPACE": str(tmp_path / "elsewhere")}) == ""
    (tmp_path / "a" / ".git").write_text("gitdir: elsewhere\n", encoding="utf-8")
    assert below_repository(folder, {"CI_PROJECT_DIR": str(tmp_path)}) == "b/"
    assert below_repository(tmp_path / "a", {}) == ""


# --- what each format is ----------------------------------------------------------------------------------------------


def test_strict_warnings_fail_in_junit_too(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("service: Ventes", "service: Inconnu"))
    root = Xml.fromstring(desk.run("validate", "--format", "junit")[1].encode())
    assert root.get("failures") == "0"
    code, out, _ = desk.run("validate", "--format", "junit", "--strict")
    assert (code, Xml.fromstring(out.encode()).get("failures")) == (1, "1")


def test_the_widget_of_a_plan(desk: Desk) -> None:
    code, out, err = desk.run(*PLAN, "--format", "gitlab", "--detailed-exitcode")
    assert (code, err) == (2, "")
    assert json.loads(out) == {"create": 3, "update": 0, "delete": 0}


def test_a_refused_plan_is_shown_and_fails(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("name: Ventes", "name: Inconnu").replace("service: Ventes", "service: Inconnu"))
    code, out, _ = desk.run(*PLAN, "--format", "github")
    assert code == 1
    assert out.startswith("::error file=manifests/a.yaml,line=2,col=11,title=KIA0503::")
    assert "::notice title=kiamo-iac::staging: Plan refused: 1 error." in out


@pytest.mark.parametrize("output", ["markdown", "github"])
def test_manifests_that_cannot_be_planned_with_are_a_refusal(nested: Desk, summary: Path, output: str) -> None:
    """Else the comment of the last run would stay, and say that all is well."""
    code, out, err = nested.run(*PLAN, "--format", output)
    assert code == 1
    assert err.endswith("Error: The manifests have 1 error.\n")
    text = out if output == "markdown" else summary.read_text(encoding="utf-8").removeprefix("earlier\n")
    assert text.startswith("<!-- kiamo-iac:plan:staging -->\n### Plan for `staging`\n\n**Plan refused: 1 error.**")
    assert "**`KIA0202`** at `telephony/kiamo été/manifests/b.yaml:3:5`: " in text
    if output == "github":
        assert out.startswith("::error file=telephony/kiamo été/manifests/b.yaml,line=3,col=5,title=KIA0202::")


@pytest.mark.parametrize("output", ["text", "json", "gitlab"])
def test_other_formats_leave_that_to_stderr(nested: Desk, output: str) -> None:
    assert nested.run(*PLAN, "--format", output)[:2] == (1, "")


# --- the step summary -------------------------------------------------------------------------------------------------


def test_github_adds_to_the_step_summary(desk: Desk, summary: Path) -> None:
    out = desk.run(*PLAN, "--format", "github")[1]
    assert out.startswith("::notice title=kiamo-iac::Plan for staging: 3 to create")
    desk.run(*DRIFT, "--format", "github")
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("earlier\n<!-- kiamo-iac:plan:staging -->\n### Plan for `staging`\n")
    assert text.count("<!-- kiamo-iac:drift:staging -->") == 1


@pytest.mark.parametrize("output", ["text", "json", "markdown", "gitlab"])
def test_no_other_format_does(desk: Desk, summary: Path, output: str) -> None:
    desk.run(*PLAN, "--format", output)
    assert summary.read_text(encoding="utf-8") == "earlier\n"


def test_a_full_summary_is_left_as_it_is(desk: Desk, summary: Path) -> None:
    summary.write_bytes(b"x" * (MAX_BYTES - 100))
    code, _, err = desk.run(*PLAN, "--format", "github")
    assert (code, err) == (0, "The step's summary is full (1024 KiB): nothing was added to it.\n")
    assert summary.stat().st_size == MAX_BYTES - 100


def test_a_summary_that_cannot_be_written_is_said(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    code, out, err = desk.run(*PLAN, "--format", "github")
    assert code == 0
    assert out.startswith("::notice")
    assert err.startswith("The step's summary could not be written: ")


# --- tokens -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", PLAN_FORMATS)
def test_no_format_of_a_plan_shows_a_token(desk: Desk, summary: Path, output: str) -> None:
    desk.apply()
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('prospects')}", {"label": f"a {FULL_TOKEN} b"})
    code, out, err = desk.run(*PLAN, "--format", output)
    assert code == 0
    assert FULL_TOKEN not in out + err + summary.read_text(encoding="utf-8")


@pytest.mark.parametrize("output", DRIFT_FORMATS)
def test_no_format_of_a_drift_shows_a_token(desk: Desk, summary: Path, output: str) -> None:
    desk.apply()
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('prospects')}", {"label": f"a {FULL_TOKEN} b"})
    code, out, err = desk.run(*DRIFT, "--format", output)
    assert code == 0
    assert FULL_TOKEN not in out + err + summary.read_text(encoding="utf-8")


@pytest.mark.parametrize("output", CHECK_FORMATS)
def test_no_format_of_validate_shows_a_token(desk: Desk, output: str) -> None:
    desk.manifest(f'bases:\n  - name: "{FULL_TOKEN}"\n    "{FULL_TOKEN}": 1\n', "b.yaml")
    code, out, err = desk.run("validate", "--format", output)
    assert code == 1
    assert FULL_TOKEN not in out + err


# --- what is loaded ---------------------------------------------------------------------------------------------------


def loaded_by(folder: Path, *arguments: str) -> set[str]:
    """The modules that a run has loaded."""
    code = (
        "import sys; from kiamo_iac.cli.main import run; run(sys.argv[1:]);"
        "print('\\0'.join(sys.modules), file=sys.stderr)"
    )
    done: Any = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env=variables(), capture_output=True, check=True
    )
    return set(done.stderr.decode().splitlines()[-1].split("\0"))


@pytest.mark.parametrize("output", CHECK_FORMATS)
def test_validate_loads_one_format_and_nothing_heavy(desk: Desk, output: str) -> None:
    desk.manifest(BROKEN, "b.yaml")
    loaded = loaded_by(desk.folder, "validate", "--format", output)
    assert loaded & (HEAVY | {"jinja2"}) == set()
    formats = {target.partition(":")[0] for target in CHECK_FORMATS.values()} - {"kiamo_iac.render.diagnostics"}
    assert loaded & formats == {CHECK_FORMATS[output].partition(":")[0]} - {"kiamo_iac.render.diagnostics"}
    if output in {"text", "json"}:
        assert "kiamo_iac.app.repository_paths" not in loaded

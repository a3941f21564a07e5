"""Where a plan comes from is shown and saved with it, as data, and a commit is named for what it holds alone."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from kiamo_iac import __version__
from kiamo_iac.planner.plan_file import saved_plan_schema
from kiamo_iac.planner.plan_json import plan_schema
from kiamo_iac.render.base import Style, plan_renderer
from kiamo_iac.render.run import RunFacts, report_schema, run_json, run_text
from kiamo_iac.render.run_markdown import run_markdown
from tests.cli.conftest import Desk
from tests.git_by_hand import git, leave_the_job
from tests.render.plans import PROVENANCE_OF_TESTS, full_plan
from tests.render.test_run import NOON


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_the_job(monkeypatch)


def committed(desk: Desk, *, author: str = "Ann <ann@example.com>") -> str:
    git(desk.folder, "init", "-q", "-b", "main")
    git(desk.folder, "add", "kiamo.yaml", "manifests")
    git(desk.folder, "commit", "-q", f"--author={author}", "-m", "one")
    return git(desk.folder, "rev-parse", "HEAD")


def test_d18_a_plan_says_where_it_comes_from(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = committed(desk)
    data = json.loads(desk.run("plan", "-e", "staging", "--format", "json")[1])
    jsonschema.Draft202012Validator(plan_schema()).validate(data)
    found = data["provenance"]
    assert {found.pop(key) is not None for key in ("created_at", "digest")} == {True}
    assert found == {
        "tool_version": __version__,
        "commit": commit,
        "dirty": False,
        "branch": "main",
        "author": "Ann",
        "pipeline_url": None,
        "contract": {"name": "Kiamo API v2, as assumed by kiamo-iac", "version": "1"},
    }
    for name, value in (("CI_JOB_URL", "https://gitlab.example.com/j/1"), ("CI_COMMIT_BRANCH", "elsewhere")):
        monkeypatch.setenv(name, value)
    git(desk.folder, "checkout", "-q", "--detach")
    page = desk.run("plan", "-e", "staging", "--format", "markdown")[1]
    assert f"Commit: `{commit[:12]}`, Branch: `elsewhere`, Author: `Ann`" in page
    assert "Pipeline: `https://gitlab.example.com/j/1`" in page
    monkeypatch.setenv("CI_JOB_URL", "javascript:alert(1)")
    assert json.loads(desk.run("plan", "-e", "staging", "--format", "json")[1])["provenance"]["pipeline_url"] is None


def test_d18_a_saved_plan_keeps_it_and_apply_does_not_compare_it(desk: Desk, tmp_path: Path) -> None:
    commit = committed(desk)
    file = tmp_path / "a.plan"
    assert desk.run("plan", "-e", "staging", "--out", str(file))[0] == 0
    saved = json.loads(file.read_text())
    jsonschema.Draft202012Validator(saved_plan_schema()).validate(saved)
    assert saved["provenance"]["commit"] == commit
    shown = json.loads(desk.run("show", str(file), "--format", "json")[1])
    assert shown["provenance"] == saved["provenance"]
    assert "<td>Ann</td>" in desk.run("show", str(file), "--format", "html")[1]
    git(desk.folder, "commit", "-q", "--allow-empty", "--author=Bob <b@example.com>", "-m", "two")
    code, out, err = desk.run("apply", str(file), "--yes", "--format", "json")
    report = json.loads(out)
    jsonschema.Draft202012Validator(report_schema()).validate(report)
    assert (code, report["provenance"]["author"]) == (0, "Bob"), err
    assert report["provenance"]["digest"] == saved["provenance"]["digest"]


def test_d11_the_ledger_names_no_commit_for_what_is_not_committed(desk: Desk) -> None:
    commit = committed(desk)
    desk.manifest((desk.folder / "manifests" / "a.yaml").read_text() + "# not committed\n")
    found = json.loads(desk.run("plan", "-e", "staging", "--format", "json")[1])["provenance"]
    assert (found["commit"], found["dirty"]) == (commit, True)
    out = desk.run("apply", "-e", "staging", "--yes")[1]
    assert f"\nCommit: {commit[:12]} with uncommitted changes, Branch: main, Author: Ann\n" in out
    assert {entry["commit"] for entry in desk.owned().values()} == {None}
    desk.manifest((desk.folder / "manifests" / "a.yaml").read_text().replace("label: ", "label: New "))
    git(desk.folder, "commit", "-q", "-a", "-m", "two")
    desk.apply()
    assert desk.owned()["bases/prospects"]["commit"] == git(desk.folder, "rev-parse", "HEAD")


def test_d11_what_an_undo_puts_back_is_of_no_commit(desk: Desk) -> None:
    committed(desk)
    desk.apply()
    desk.manifest((desk.folder / "manifests" / "a.yaml").read_text().replace("label: ", "label: New "))
    git(desk.folder, "commit", "-q", "-a", "-m", "two")
    desk.apply()
    code, out, _ = desk.run("undo", "-e", "staging", "--yes", "--format", "json")
    assert (code, json.loads(out)["summary"]["done"] > 0) == (0, True)
    assert desk.owned()["bases/prospects"]["commit"] is None
    _, out, _ = desk.run("journal", "list", "-e", "staging", "--format", "json")
    heads = [run["head"] for run in json.loads(out)["runs"]]
    assert {head["commit"] is None for head in heads if head["undoes"] is not None} == {True}


@pytest.mark.parametrize("form", ["json", "markdown", "html", "report", "report.json", "report.md"])
def test_d18_what_people_choose_is_data_in_every_format(form: str) -> None:
    plan, facts = full_plan(), RunFacts("run", NOON, 1.0, PROVENANCE_OF_TESTS)
    match form:
        case "report":
            text = run_text([], facts, Style())
        case "report.json":
            text = run_json(plan, [], facts)
        case "report.md":
            text = run_markdown(plan, [], facts, failure=None)
        case _:
            text = plan_renderer(form, Style()).render(plan, PROVENANCE_OF_TESTS)
    assert "\u202e" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    if form == "html":
        assert "<script>alert(1)" not in text
    if form in {"markdown", "report.md"}:
        assert "Branch: ``feature/`::error::x`<b>|\\u202e``" in text
    if form in {"json", "report.json"}:
        assert json.loads(text)["provenance"]["author"] == PROVENANCE_OF_TESTS.author


def test_d18_nothing_is_known_outside_of_git(desk: Desk) -> None:
    found = json.loads(desk.run("plan", "-e", "staging", "--format", "json")[1])["provenance"]
    unknown = ("commit", "dirty", "branch", "author", "pipeline_url")
    assert {found[key] for key in unknown} == {None}


def test_d11_rows_that_are_not_committed_make_a_commit_dirty(desk: Desk) -> None:
    rows = desk.folder / "rows.csv"
    rows.write_text("code\nnord\n")
    desk.manifest('bases:\n  - {for_each: {csv: rows.csv}, name: "b-${each.code}", label: B}\n')
    git(desk.folder, "init", "-q", "-b", "main")
    git(desk.folder, "add", ".")
    git(desk.folder, "commit", "-q", "-m", "one")
    assert json.loads(desk.run("plan", "-e", "staging", "--format", "json")[1])["provenance"]["dirty"] is False
    rows.write_text("code\nnord\nsud\n")
    assert json.loads(desk.run("plan", "-e", "staging", "--format", "json")[1])["provenance"]["dirty"] is True
    desk.apply()
    assert {entry["commit"] for entry in desk.owned().values()} == {None}

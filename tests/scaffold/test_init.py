"""`kiamo-iac init`: a project that is valid, can be planned, and never takes the place of anything."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kiamo_iac.cli.main import run
from kiamo_iac.core.safe_files import RootedFile
from kiamo_iac.document.formatting import FormatResult, format_text
from kiamo_iac.emulator import FULL_TOKEN
from tests.pipelines.gitlab_runner import extended, load_pipeline
from tests.pipelines.machine import ROOT

GITHUB = "git@github.com:acme/call-centre.git"
GITLAB = "https://robot:secret-word@gitlab.example.com/ops/kiamo/call-centre.git"

Here = Callable[..., Path]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    """Makes the working directory a repository with that remote, or without one."""
    monkeypatch.chdir(tmp_path)

    def make(remote: str | None = None, *, head: str | None = None) -> Path:
        git = tmp_path / ".git"
        (git / "refs" / "remotes" / "origin").mkdir(parents=True)
        url = (
            f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {remote}\n\tfetch = +refs/heads/*\n' if remote else ""
        )
        (git / "config").write_text(url, encoding="utf-8")
        if head is not None:
            (git / "refs" / "remotes" / "origin" / "HEAD").write_text(f"ref: refs/remotes/origin/{head}\n")
        return tmp_path

    return make


def read(path: Path) -> Any:
    """A file of YAML."""
    return YAML(typ="safe").load(path)


def tree(folder: Path) -> list[str]:
    """Every file below, but for git's."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.startswith(".git/"))


def test_a_new_project_is_valid(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    folder = here()
    assert run(["init"]) == 0
    out, err = capsys.readouterr()
    assert out.split() == [
        "kiamo.yaml",
        "manifests/prospects.yaml",
        "environments/production/prospects.yaml",
        ".gitignore",
        ".pre-commit-config.yaml",
        ".prettierignore",
        ".yamllint",
    ]
    assert sorted(out.split()) == tree(folder)
    assert "kiamo-iac plan -e staging" in err
    assert run(["validate", "--strict"]) == 0


@pytest.mark.parametrize("ci", ["github", "gitlab", "none"])
def test_a_new_project_is_planned_on_the_emulator(
    ci: str, here: Here, kiamo_emulator: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here()
    assert run(["init", "--ci", ci]) == 0
    for environment in ("staging", "production"):
        for name, value in kiamo_emulator.environ(environment).items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        assert run(["plan", "-e", environment, "--detailed-exitcode"]) == 2
        out = capsys.readouterr().out
        assert "Plan: 3 to create" in out
        assert ("Prospects of ACME staging" in out) is (environment == "staging")
        assert ("Prospects of ACME" in out) is True
    assert run(["plan", "--all-environments"]) == 0


def test_nothing_is_written_where_something_is(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    folder = here()
    (folder / "manifests").mkdir()
    (folder / "manifests" / "prospects.yaml").write_text("bases: []\n")
    (folder / "kiamo.yaml").symlink_to(folder / "nowhere")
    assert run(["init"]) == 1
    err = capsys.readouterr().err
    assert "kiamo.yaml" in err
    assert "prospects.yaml" in err
    assert ".gitignore" not in err
    assert str(folder) not in err
    assert tree(folder) == ["manifests/prospects.yaml"]
    assert (folder / "manifests" / "prospects.yaml").read_text() == "bases: []\n"


def test_a_second_time_is_refused_and_changes_nothing(here: Here) -> None:
    folder = here(GITHUB)
    assert run(["init", "sub"]) == 0
    before = {name: (folder / name).read_bytes() for name in tree(folder)}
    assert run(["init", "sub"]) == 1
    assert {name: (folder / name).read_bytes() for name in tree(folder)} == before


@pytest.mark.parametrize(
    ("below", "name"), [("teams/Été 2026", "teams-t-2026"), ("a" * 60, "a" * 40), ("éé", None), (".", None)]
)
def test_a_project_below_the_root_of_a_repository_has_a_name(here: Here, below: str, name: str | None) -> None:
    """Other projects may be there, whose environments have the same names."""
    folder = here(GITLAB)
    assert run(["init", below, "--ci", "gitlab"]) == 0
    made = read(folder / below / "kiamo.yaml")
    assert made.get("name") == name
    address = made["environments"]["staging"]["ledger"]["address"]
    assert address.endswith(f"/terraform/state/kiamo-{name}-staging" if name else "/terraform/state/kiamo-staging")


def test_a_failure_leaves_nothing_behind(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, opened, real = here(), [], RootedFile.create

    def failing(file: RootedFile, data: bytes) -> None:
        opened.append(file)
        if len(opened) == 4:
            raise OSError(28, "No space left on device", str(file.path))
        real(file, data)

    monkeypatch.setattr(RootedFile, "create", failing)
    assert run(["init", "a/b"]) == 1
    assert len(opened) == 4
    assert tree(folder) == []
    assert not (folder / "a").exists()


@pytest.mark.parametrize("name", ["dependabot.yml", "dependabot.yaml"])
def test_a_configuration_of_dependabot_that_is_there_is_told_what_to_add(
    here: Here, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = here(GITHUB)
    (folder / ".github").mkdir()
    mine = "version: 2\nupdates:\n  - package-ecosystem: pip\n"
    (folder / ".github" / name).write_text(mine)
    assert run(["init"]) == 0
    assert (folder / ".github" / name).read_text() == mine
    assert [path.name for path in (folder / ".github").iterdir() if path.is_file()] == [name]
    err = capsys.readouterr().err
    assert f"{name} exists and was not changed" in err
    assert "\n  - package-ecosystem: github-actions\n    directory: /\n" in err
    assert "version: 2" not in err


def test_where_dependabot_looks_after_actions_there_is_nothing_to_add(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = here(GITHUB)
    (folder / ".github").mkdir()
    (folder / ".github" / "dependabot.yml").write_text('updates:\n  - "package-ecosystem": "github-actions"\n')
    assert run(["init"]) == 0
    assert "dependabot" not in capsys.readouterr().err


def test_files_that_people_have_already_are_left_alone(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    folder = here(GITLAB)
    existing = (".gitignore", ".pre-commit-config.yaml", ".gitlab-ci.yml", ".prettierignore", ".yamllint")
    for name in existing:
        (folder / name).write_text("mine\n")
    assert run(["init"]) == 0
    err = capsys.readouterr().err
    for name in existing:
        assert (folder / name).read_text() == "mine\n"
        assert f"{name} exists and was not changed" in err
    assert 'local: ".gitlab/kiamo*.gitlab-ci.yml" # and add to your stages: validate, plan, apply' in err
    assert ".kiamo/" in err
    assert (folder / ".gitlab" / "kiamo.gitlab-ci.yml").is_file()


@pytest.mark.parametrize(
    ("remote", "wanted"),
    [
        (GITHUB, ".github/workflows/kiamo.yml"),
        (GITLAB, ".gitlab/kiamo.gitlab-ci.yml"),
        ("ssh://git@gitlab.example.com:2222/ops/x.git", ".gitlab/kiamo.gitlab-ci.yml"),
        ("https://bitbucket.example.com/ops/x.git", None),
        ("../elsewhere", None),
        (None, None),
    ],
)
def test_whose_pipelines_are_written_is_told_by_the_remote(here: Here, remote: str | None, wanted: str | None) -> None:
    folder = here(remote)
    assert run(["init"]) == 0
    found = [name for name in tree(folder) if name.startswith((".github/", ".gitlab/"))]
    assert (folder / ".gitlab-ci.yml").exists() is (wanted is not None and ".gitlab" in wanted)
    assert [name for name in found if name != ".github/dependabot.yml"] == ([wanted] if wanted else [])
    assert (".github/dependabot.yml" in found) is (wanted == ".github/workflows/kiamo.yml")


def test_it_is_told_by_the_files_that_are_there(here: Here) -> None:
    folder = here()
    (folder / ".github").mkdir()
    assert run(["init"]) == 0
    assert (folder / ".github" / "workflows" / "kiamo.yml").is_file()


def test_pipelines_keep_the_ledger_where_it_stays(here: Here) -> None:
    folder = here(GITLAB)
    assert run(["init"]) == 0
    text = (folder / "kiamo.yaml").read_text()
    assert "secret-word" not in "".join((folder / name).read_text() for name in tree(folder))
    ledger = read(folder / "kiamo.yaml")["environments"]["production"]["ledger"]
    state = "https://gitlab.example.com/api/v4/projects/ops%2Fkiamo%2Fcall-centre/terraform/state/kiamo-production"
    assert ledger == {"backend": "http", "address": state}
    assert "git}" not in text
    assert run(["validate"]) == 0


@pytest.mark.parametrize(
    ("remote", "host"),
    [
        ("https://gitlab.example.com:8443/ops/x.git", "gitlab.example.com:8443"),
        ("https://gitlab.example.com:443/ops/x.git", "gitlab.example.com"),
        ("ssh://git@gitlab.example.com:2222/ops/x.git", "gitlab.example.com"),
        ("http://gitlab.example.com:8080/ops/x.git", "gitlab.example.com"),
    ],
)
def test_the_ledger_is_on_the_port_of_the_remote(here: Here, remote: str, host: str) -> None:
    """Its credentials are of that server, and so is the pin of the pipeline."""
    folder = here(remote)
    assert run(["init"]) == 0
    ledger = read(folder / "kiamo.yaml")["environments"]["staging"]["ledger"]
    assert ledger["address"] == f"https://{host}/api/v4/projects/ops%2Fx/terraform/state/kiamo-staging"
    assert run(["validate"]) == 0


def test_what_to_set_is_named_by_the_variables_of_the_project(here: Here) -> None:
    folder = here(GITLAB)
    assert run(["init", "--environment", "b.c", "--environment", "3"]) == 0
    assert "for each <ENV> of B_C, 3." in (folder / ".gitlab" / "kiamo.gitlab-ci.yml").read_text(encoding="utf-8")


def test_github_keeps_it_on_a_ref(here: Here) -> None:
    folder = here(GITHUB)
    assert run(["init"]) == 0
    assert read(folder / "kiamo.yaml")["environments"]["staging"]["ledger"] == {"backend": "git"}


def test_a_project_in_a_folder_of_the_repository(here: Here) -> None:
    folder = here(GITHUB, head="trunk")
    assert run(["init", "kiamo/emea"]) == 0
    workflow = read(folder / ".github" / "workflows" / "kiamo-kiamo-emea.yml")
    assert workflow["jobs"]["plan-staging"]["steps"][2]["with"]["project"] == "kiamo/emea/kiamo.yaml"
    assert (workflow.get("on") or workflow.get(True))["push"] == {
        "branches": ["trunk"],
        "paths": ["kiamo/emea/**", ".github/workflows/kiamo-kiamo-emea.yml"],
    }
    assert (folder / "kiamo" / "emea" / ".gitignore").is_file()
    assert run(["--project", "kiamo/emea/kiamo.yaml", "validate"]) == 0


def test_the_tool_is_fetched_from_where_it_is_said_to_be(here: Here) -> None:
    folder = here(GITHUB)
    assert run(["init", "--tool", "https://github.com/acme/kiamo-iac@v9"]) == 0
    step = read(folder / ".github" / "workflows" / "kiamo.yml")["jobs"]["validate"]["steps"][1]
    assert (step["with"]["repository"], step["with"]["ref"]) == ("acme/kiamo-iac", "v9")
    hooks = read(folder / ".pre-commit-config.yaml")["repos"][0]
    assert (hooks["repo"], hooks["rev"]) == ("https://github.com/acme/kiamo-iac", "v9")


DIGEST = f"@sha256:{'5' * 64}"


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize(
    "image",
    [
        "kiamo-iac",
        "acme/kiamo-iac:0.1.0",
        f"registry.example.com:5000/a/b__c/d-e.f:V1{DIGEST}",
        f"localhost/x{DIGEST}",
        "10.0.0.7:5000/x:a_b-c.D",
    ],
)
def test_jobs_run_in_an_image(here: Here, capsys: pytest.CaptureFixture[str], ci: str, image: str) -> None:
    folder = here()
    assert run(["init", "--ci", ci, "--image", image]) == 0
    assert ("pin it with its digest" in capsys.readouterr().err) is ("@" not in image)
    if ci == "gitlab":
        pipeline = load_pipeline(folder / ".gitlab-ci.yml")
        jobs = [extended(pipeline, name) for name in pipeline if "script" in extended_or_empty(pipeline, name)]
        assert [job["image"] for job in jobs] == [{"name": image, "entrypoint": [""]}] * len(jobs)
        text = (folder / ".gitlab" / "kiamo.gitlab-ci.yml").read_text(encoding="utf-8")
        assert "KIAMO_IAC_" not in text
        assert "pipelines/install" not in text
    else:
        found = list(read(folder / ".github" / "workflows" / "kiamo.yml")["jobs"].values())
        assert [job["container"]["image"] for job in found] == [image] * len(found)
        given = [step["with"] for job in found for step in job["steps"] if step.get("uses") == "./.kiamo-iac"]
        assert [each["install"] for each in given] == ["false"] * len(found)


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize(
    "image",
    [
        "",
        "-x",
        "--privileged",
        "a b",
        "a\nb",
        "kiamo-iac\n",
        'x"}, y: {',
        "x'",
        "$IMAGE",
        "${{ secrets.X }}",
        "$(id)",
        "`id`",
        "x;id",
        "x#y",
        "https://registry.example.com/x",
        "user:pw@registry.example.com/x",
        "Acme/x",
        "x:",
        "x:-a",
        "x@sha256:12",
        f"x@sha256:{'G' * 64}",
        f"x{DIGEST}{DIGEST}",
        "a//b",
        "../x",
        "x/",
        "%{name}",
        "\u212aiamo",
        "x" * 501,
        "-".join("a" * 40000),
    ],
)
def test_what_is_no_image_is_refused(here: Here, capsys: pytest.CaptureFixture[str], ci: str, image: str) -> None:
    folder = here()
    assert run(["init", "--ci", ci, f"--image={image}"]) == 64
    assert "not the reference of an image" in capsys.readouterr().err
    assert tree(folder) == []


def test_an_image_without_pipelines_is_refused(here: Here) -> None:
    folder = here()
    assert run(["init", "--ci", "none", "--image", "x"]) == 64
    assert tree(folder) == []


def test_without_it_no_name_is_made_up(here: Here) -> None:
    folder = here(GITHUB)
    assert run(["init"]) == 0
    for job in read(folder / ".github" / "workflows" / "kiamo.yml")["jobs"].values():
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(name.startswith("actions/") or name == "./.kiamo-iac" for name in used)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--environment", "a b"],
        ["--environment", "../up"],
        ["--environment", ""],
        ["--environment", "a.b", "--environment", "a-b"],
        ["--environment", "staging", "--environment", "staging-plan"],
        ["--environment", "GitLab"],
        ["--environment", "a=http://kiamo.example.com"],
        ["--url", "https://me:pw@kiamo.example.com"],
        ["--tool", "http://example.com/a/b"],
        ["--tool", "https://example.com/a/b@; rm -rf"],
        ["--tool", "https://example.com"],
    ],
)
def test_what_makes_no_sense_is_refused(here: Here, arguments: list[str]) -> None:
    folder = here(GITHUB)
    assert run(["init", *arguments]) == 64
    assert tree(folder) == []


@pytest.mark.parametrize("names", [["only"], ["a", "b.c", "3"], ["on", "null", "y", "no"], ["validate", "drift"]])
@pytest.mark.parametrize("remote", [GITHUB, GITLAB, None])
def test_any_names_of_environments_are_valid_and_in_the_canonical_layout(
    here: Here, remote: str | None, names: list[str]
) -> None:
    folder = here(remote)
    chosen = [part for name in names for part in ("--environment", f"{name}=https://{name}.example.com")]
    assert run(["init", *chosen]) == 0
    assert run(["validate", "--strict"]) == 0
    assert list(read(folder / "kiamo.yaml")["environments"]) == names
    for name in tree(folder):
        if name.endswith(".yaml"):
            text = (folder / name).read_text()
            assert format_text(text, file=name) == FormatResult(text)
    assert all("%{" not in (folder / name).read_text() for name in tree(folder))


def test_the_url_is_that_of_the_first_environment(here: Here) -> None:
    folder = here()
    assert run(["init", "--url", "https://test.example.com/", "--environment", "a", "--environment", "b"]) == 0
    found = {name: stanza["url"] for name, stanza in read(folder / "kiamo.yaml")["environments"].items()}
    assert found == {"a": "https://test.example.com", "b": "https://kiamo.example.com"}


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        (".github/workflows/kiamo.yml", "github-workflows"),
        (".github/dependabot.yml", "dependabot"),
        (".gitlab-ci.yml", "gitlab-ci"),
        (".gitlab/kiamo.gitlab-ci.yml", "gitlab-ci"),
        (".github/workflows/kiamo-below.yml", "github-workflows"),
        (".gitlab/kiamo-below.gitlab-ci.yml", "gitlab-ci"),
    ],
)
def test_pipelines_meet_the_published_schema(here: Here, file: str, schema: str) -> None:
    here()
    ci = "gitlab" if "gitlab" in file else "github"
    for folder, more in ((".", []), ("below", ["--image", "acme/kiamo-iac"])):
        assert run(["init", folder, "--ci", ci, *more, *("--environment", "a", "--environment", "b.c")]) == 0
    checked = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", file]
    done = subprocess.run(checked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_local_hooks_are_those_that_this_project_offers(here: Here) -> None:
    folder = here()
    assert run(["init"]) == 0
    local = read(folder / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    offered = {hook["id"]: hook for hook in read(ROOT / ".pre-commit-hooks.yaml")}
    assert [hook["id"] for hook in local] == list(offered)
    for hook in local:
        assert hook["language"] == "system"
        same = {key: offered[hook["id"]][key] for key in ("name", "entry", "files", "require_serial")}
        assert {key: hook[key] for key in same} == same


def test_no_file_is_for_anybody_to_run(here: Here) -> None:
    folder = here(GITHUB)
    assert run(["init"]) == 0
    modes = {stat.S_IMODE((folder / name).stat().st_mode) & 0o111 for name in tree(folder)}
    assert modes == {0} or os.name == "nt"
    assert FULL_TOKEN not in "".join((folder / name).read_text() for name in tree(folder))


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize("name", ["a: b # c", "`id`", "%{name}", "a]b, {c}", "*&!", "~", "-rf", "a'b", "é", "{{x}}"])
def test_a_folder_is_text_to_a_pipeline(here: Here, ci: str, name: str) -> None:
    root = here()
    assert run(["init", "--ci", ci, "--", name]) == 0
    if ci == "github":
        (file,) = (root / ".github" / "workflows").iterdir()
        jobs = read(file)["jobs"]
        given = [step.get("with", {}) for job in jobs.values() for step in job["steps"]]
        assert {each["project"] for each in given if "mode" in each} == {f"{name}/kiamo.yaml"}
    else:
        pipeline = load_pipeline(root / ".gitlab-ci.yml")
        (apply,) = (key for key in pipeline if key.startswith(".kiamo-apply"))
        assert extended(pipeline, apply)["variables"]["KIAMO_PROJECT"] == f"{name}/kiamo.yaml"
        assert pipeline[apply]["artifacts"]["paths"] == [f"{name}/.kiamo/"]


@pytest.mark.parametrize("ci", ["github", "gitlab"])
@pytest.mark.parametrize(
    "name",
    ["${{ secrets.KIAMO_PRODUCTION_TOKEN }}", "$KIAMO_PRODUCTION_TOKEN", 'a"b', "a\\nb", "a\nb", "\x1b[31m", "\u202e"],
)
def test_a_folder_that_a_pipeline_would_take_for_code_is_refused(here: Here, ci: str, name: str) -> None:
    root = here()
    assert run(["init", "--ci", ci, name]) == 64
    assert tree(root) == []


@pytest.mark.parametrize("name", ["con", "CON.x", "a.", "lpt1"])
def test_every_environment_is_a_folder_on_every_system(here: Here, name: str) -> None:
    root = here()
    assert run(["init", "--environment", "staging", "--environment", name]) == 64
    assert tree(root) == []


# --- several projects in one repository -------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [".", "teams/emea"])
def test_gitlab_runs_every_project_of_a_repository(here: Here, capsys: pytest.CaptureFixture[str], first: str) -> None:
    """The second `init` changes no file, and leaves nothing to add; no job or setting of one is that of the other."""
    root = here(GITLAB)
    assert run(["init", first]) == 0
    before = {name: (root / name).read_bytes() for name in tree(root)}
    capsys.readouterr()
    assert run(["init", "apac"]) == 0
    assert to_add(capsys.readouterr().err) == [".prettierignore"]
    assert {name: (root / name).read_bytes() for name in before} == before
    pipeline = load_pipeline(root / ".gitlab-ci.yml")  # which refuses a key of two files
    names = {name for name in pipeline if "apac" in name}
    assert {"validate:apac", "plan:apac:staging", "apply:apac:production", "drift:apac:staging"} < names
    jobs = {name: extended(pipeline, name) for name in pipeline if "script" in extended_or_empty(pipeline, name)}
    for name, job in jobs.items():
        is_added = name in names
        assert (job["variables"]["KIAMO_PROJECT"] == "apac/kiamo.yaml") is is_added, name
        assert all(("apac" in needed) is is_added for needed in job.get("needs", [])), name
        assert all(
            "apac/**/*" in rule["changes"] for rule in job["rules"] if is_added and "schedule" not in rule["if"][-11:]
        )
    groups = [job["resource_group"] for name, job in jobs.items() if "resource_group" in job]
    assert len(groups) == len(set(groups)) == 4


def extended_or_empty(pipeline: dict[str, Any], name: str) -> dict[str, Any]:
    """A job; empty for what is none."""
    return extended(pipeline, name) if isinstance(pipeline[name], dict) and not name.startswith(".") else {}


@pytest.mark.parametrize("first", [".", "teams/emea"])
def test_github_runs_every_project_of_a_repository(here: Here, capsys: pytest.CaptureFixture[str], first: str) -> None:
    root = here(GITHUB)
    assert run(["init", first]) == 0
    before = {name: (root / name).read_bytes() for name in tree(root)}
    capsys.readouterr()
    assert run(["init", "apac"]) == 0
    assert to_add(capsys.readouterr().err) == [".prettierignore"]
    assert {name: (root / name).read_bytes() for name in before} == before
    workflows = [read(file) for file in sorted((root / ".github" / "workflows").iterdir())]
    assert len({workflow["name"] for workflow in workflows}) == 2
    titles = [job["name"] for workflow in workflows for job in workflow["jobs"].values()]
    assert len(titles) == len(set(titles))
    groups = [job["concurrency"]["group"] for workflow in workflows for job in workflow["jobs"].values()]
    own = [{job["concurrency"]["group"] for job in workflow["jobs"].values()} for workflow in workflows]
    assert groups
    assert own[0].isdisjoint(own[1])


def test_a_name_that_two_folders_would_have_is_refused(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    root = here(GITLAB)
    assert run(["init", "teams/a"]) == 0
    assert run(["init", "teams-a"]) == 1
    assert "kiamo-teams-a.gitlab-ci.yml" in capsys.readouterr().err
    assert not (root / "teams-a").exists()


def test_a_folder_whose_name_is_a_pattern_is_not_filtered_by_path(here: Here) -> None:
    root = here(GITHUB)
    assert run(["init", "a[b]*"]) == 0
    workflow = read(root / ".github" / "workflows" / "kiamo-a-b.yml")
    assert (workflow.get("on") or workflow.get(True))["pull_request"] is None


def test_hooks_are_of_all_projects(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    here()
    assert run(["init", "a", "--ci", "none"]) == 0
    assert run(["init", "b", "--ci", "none"]) == 0
    assert to_add(capsys.readouterr().err) == [".prettierignore"]


# --- prettier and yamllint --------------------------------------------------------------------------------------------


def to_add(err: str) -> list[str]:
    """The files to which something is to be added."""
    return re.findall(r"^(.*) exists and was not changed", err, re.MULTILINE)


@pytest.mark.parametrize(
    ("there", "lacking"),
    [
        ("", ["kiamo.yaml", "manifests/", "environments/", ".schemas/", ".kiamo/"]),
        ("kiamo.yaml\n/manifests\n/environments/\n.schemas\n", [".kiamo/"]),
        ("/kiamo.yaml\nmanifests/\nenvironments/\n.schemas/\n.kiamo/\n", []),
    ],
)
def test_only_what_prettier_does_not_ignore_yet_is_to_be_added(
    here: Here, capsys: pytest.CaptureFixture[str], there: str, lacking: list[str]
) -> None:
    folder = here()
    (folder / ".prettierignore").write_text(there)
    assert run(["init", "--ci", "none"]) == 0
    err = capsys.readouterr().err
    assert re.findall(r"^/(\S+)$", err, re.MULTILINE) == lacking
    assert to_add(err) == ([".prettierignore"] if lacking else [])
    assert (folder / ".prettierignore").read_text() == there


@pytest.mark.parametrize(
    ("name", "lines"),
    [("teams/emea", 5), ("a[b]*?\\", 5), ("a\nkiamo.yaml", 0), ("a\rb", 0)],
)
def test_a_folder_is_one_name_to_prettier(here: Here, name: str, lines: int) -> None:
    """No pattern that would take in other files, and no second line."""
    folder = here()
    assert run(["init", name, "--ci", "none"]) == 0
    file = folder / ".prettierignore"
    written = file.read_text().splitlines()[1:] if file.exists() else []
    assert len(written) == lines
    literal = re.sub(r"[\\*?\[\]]", lambda found: "\\" + found[0], name)
    assert all(line.startswith(f"/{literal}/") for line in written)


@pytest.mark.parametrize("name", [".yamllint", ".yamllint.yaml", ".yamllint.yml"])
def test_yamllint_has_one_file_of_settings(here: Here, capsys: pytest.CaptureFixture[str], name: str) -> None:
    folder = here()
    (folder / name).write_text("extends: relaxed\n")
    assert run(["init", "a", "--ci", "none"]) == 0
    err = capsys.readouterr().err
    assert to_add(err) == [name]
    rules = err[err.index("rules:\n") :].partition("\n\n")[0]
    assert "extends" not in rules
    (folder / name).write_text(f"extends: relaxed\n{rules}\n")
    assert run(["init", "b", "--ci", "none"]) == 0
    assert to_add(capsys.readouterr().err) == [".prettierignore"]

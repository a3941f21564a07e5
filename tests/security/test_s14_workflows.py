"""S14: the workflows of `init` name actions by commit, hold as few rights as they need, and run no text of others.

`make workflows` has zizmor say so, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kiamo_iac.scaffold.pipelines import actions
from tests.cli.program import ROOT, kiamo
from tests.committed_files import problems_of
from tests.pipelines.expressions import condition, filled
from tests.pipelines.variants import VARIANTS, written

Job = Mapping[str, Any]

PINNED = re.compile(r"uses: [\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
NODE_24 = {"checkout": 5, "upload": 6, "download": 7}
"""The first major of each that runs on node24. GitHub's runners retire node20, which the majors before run on."""
LEDGER = ("plan", "propose", "apply", "drift")
"""Jobs that use the ledger, which is on git."""
PAGES = (ROOT / "README.md", ROOT / "action.yml", *sorted((ROOT / "docs").rglob("*.md")))


@pytest.fixture(params=VARIANTS)
def workflow(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workflow as `init` writes it."""
    return written(request.param, tmp_path)


def jobs_of(workflow: Path) -> Mapping[str, Job]:
    """Name → job."""
    jobs: Mapping[str, Job] = YAML(typ="safe").load(workflow)["jobs"]
    assert jobs
    return jobs


def kind_of(name: str) -> str:
    """`apply` for `apply-production`."""
    return name.partition("-")[0]


def uses(text: str) -> Iterator[str]:
    """Every line that uses an action, without what begins it."""
    for line in text.splitlines():
        stripped = line.strip().removeprefix("#").strip().removeprefix("-").strip()
        if stripped.startswith("uses:"):
            yield stripped


def test_s14_each_action_is_named_by_its_commit_with_its_version(workflow: Path) -> None:
    lines = list(uses(workflow.read_text(encoding="utf-8")))
    foreign = [line for line in lines if not line.startswith("uses: ./.kiamo-iac ")]
    assert len(foreign) > 5
    assert [line for line in foreign if not PINNED.fullmatch(line)] == []
    assert {line.removeprefix("uses: ") for line in foreign} <= set(actions().values())


def test_s14_no_action_is_of_a_major_whose_runtime_is_retired() -> None:
    majors = {name: int(action.partition(" # v")[2].partition(".")[0]) for name, action in actions().items()}
    assert majors.keys() == NODE_24.keys()
    assert [name for name, major in majors.items() if major < NODE_24[name]] == []


def test_s14_what_is_shown_for_copying_names_actions_by_commit() -> None:
    shown = [line for page in PAGES for line in uses(page.read_text(encoding="utf-8"))]
    foreign = [line for line in shown if "<" not in line and "./" not in line]
    assert len(foreign) > 1
    assert [line for line in foreign if not PINNED.fullmatch(line)] == []
    assert {line.removeprefix("uses: ") for line in foreign} <= set(actions().values())


def test_s14_each_job_has_the_rights_that_it_needs_and_no_more(workflow: Path) -> None:
    assert YAML(typ="safe").load(workflow)["permissions"] == {}
    wanted = {
        "validate": {"contents": "read"},
        "plan": {"contents": "read", "pull-requests": "write"},
        "propose": {"contents": "read"},
        "apply": {"contents": "write"},
        "drift": {"contents": "read"},
    }
    for name, job in jobs_of(workflow).items():
        assert job["permissions"] == wanted[kind_of(name)], name
        assert job["timeout-minutes"] <= 60
        assert "cancel-in-progress" in job["concurrency"]


def test_s14_credentials_stay_only_where_the_ledger_is_on_git(workflow: Path) -> None:
    for name, job in jobs_of(workflow).items():
        project, *others = [step["with"] for step in job["steps"] if "checkout@" in step.get("uses", "")]
        assert project["persist-credentials"] is (kind_of(name) in LEDGER), name
        assert [given["persist-credentials"] for given in others] == [False]


def test_s14_a_secret_reaches_the_step_that_needs_it_and_one_that_writes_an_environment(workflow: Path) -> None:
    for name, job in jobs_of(workflow).items():
        prefix = f"KIAMO_{re.sub('[^A-Z0-9]', '_', name.partition('-')[2].upper())}"
        text = str({**job, "steps": [{**step, "env": {}} for step in job["steps"]]})
        assert "secrets." not in text
        given = [step["env"] for step in job["steps"] if "env" in step]
        if kind_of(name) == "validate":
            assert given == []
            continue
        assert len(given) == 1
        secret = f"{prefix}_TOKEN" if kind_of(name) == "apply" else f"{prefix}_PLAN_TOKEN"
        assert given[0] == {
            f"{prefix}_TOKEN": f"${{{{ secrets.{secret} }}}}",
            f"{prefix}_ORIGIN": f"${{{{ vars.{prefix}_ORIGIN }}}}",
            f"{prefix}_LEDGER_ORIGIN": f"${{{{ vars.{prefix}_LEDGER_ORIGIN || github.server_url }}}}",
        }
        assert ("environment" in job) is (kind_of(name) == "apply")


def test_s14_no_expression_is_in_a_script_and_no_trigger_gives_secrets_to_strangers(workflow: Path) -> None:
    document = YAML(typ="safe").load(workflow)
    assert set(document.get("on") or document[True]) == {"pull_request", "push", "schedule"}
    steps = [step for job in document["jobs"].values() for step in job["steps"]]
    action = YAML(typ="safe").load(ROOT / "action.yml")["runs"]["steps"]
    assert [step["run"] for step in [*steps, *action] if "${{" in step.get("run", "")] == []
    for name in (
        "head_ref",
        "ref_name",
        "pull_request.title",
        "pull_request.body",
        "head.ref",
        "GITHUB_PATH",
        "GITHUB_ENV",
    ):
        assert name not in workflow.read_text(encoding="utf-8")
        assert name not in str(action)


def test_s14_the_tool_is_never_the_project_itself_for_want_of_a_setting(workflow: Path) -> None:
    """To actions/checkout, an empty repository is this one, at the commit of the pull request: its action.yml would be
    run with tokens. An empty ref is the default branch."""
    for job in jobs_of(workflow).values():
        (tool,) = [step["with"] for step in job["steps"] if step.get("with", {}).get("path") == ".kiamo-iac"]
        found = [filled(tool[name], {"vars": {}}, {}) for name in ("repository", "ref")]
        assert found in (
            ["KIAMO_IAC_REPOSITORY-is-not-set", "KIAMO_IAC_REF-is-not-set"],
            ["acme/kiamo-iac", "v9"],
        )
        settings = {"KIAMO_IAC_REPOSITORY": "acme/kiamo-iac", "KIAMO_IAC_REF": "v9"}
        assert [filled(tool[name], {"vars": settings}, {}) for name in ("repository", "ref")] == [
            "acme/kiamo-iac",
            "v9",
        ]


def test_s14_who_gets_no_secrets_is_not_planned(workflow: Path) -> None:
    """A fork, and Dependabot, for whose pull requests `init` itself writes a configuration."""

    def planned(name: str, author: str) -> bool:
        pull = {"head": {"repo": {"full_name": name}}, "user": {"login": author}}
        github = {"event_name": "pull_request", "repository": "acme/kiamo", "event": {"pull_request": pull}}
        jobs = [job for name, job in jobs_of(workflow).items() if kind_of(name) == "plan"]
        found = {condition(job["if"], {"github": github}, {"success": lambda: True}) for job in jobs}
        assert len(found) == 1
        return found.pop()

    assert planned("acme/kiamo", "mallory")
    assert not planned("mallory/kiamo", "mallory")
    assert not planned("acme/kiamo", "dependabot[bot]")


PROMOTIONS = (
    ({"apply-a": "success"}, "propose-b-c", True),
    ({"apply-a": "cancelled"}, "propose-b-c", False),
    ({"apply-a": "failure"}, "propose-b-c", False),
    ({"apply-a": "skipped"}, "propose-b-c", False),
    ({"propose-b-c": "success", "apply-b-c": "success"}, "propose-3", True),
    ({"propose-b-c": "success", "apply-b-c": "skipped"}, "propose-3", True),
    ({"propose-b-c": "success", "apply-b-c": "cancelled"}, "propose-3", False),
    ({"propose-b-c": "success", "apply-b-c": "failure"}, "propose-3", False),
    ({"propose-b-c": "cancelled", "apply-b-c": "skipped"}, "propose-3", False),
    ({"propose-b-c": "success"}, "apply-b-c", True),
    ({"propose-b-c": "cancelled"}, "apply-b-c", False),
)
"""What became of the jobs before, the job, and whether it runs."""


@pytest.mark.parametrize(("before", "name", "runs"), PROMOTIONS)
def test_s14_an_environment_is_proposed_after_the_one_before_it_was_applied(
    tmp_path: Path, before: Mapping[str, str], name: str, runs: bool
) -> None:
    """A job is cancelled alone when it takes too long, or when a newer run waits in its place."""
    job = jobs_of(written("a ledger on git, two gates", tmp_path))[name]
    needs = [job["needs"]] if isinstance(job["needs"], str) else job["needs"]
    assert set(needs) == set(before)
    contexts = {
        "github": {"event_name": "push"},
        "needs": {need: {"result": result, "outputs": {"changes": "true"}} for need, result in before.items()},
    }
    functions = {
        "success": lambda: set(before.values()) == {"success"},
        "failure": lambda: "failure" in before.values(),
        "cancelled": lambda: False,
    }
    assert condition(job["if"], contexts, functions) is runs


def test_s14_a_project_with_workflows_is_valid_commits_and_all(tmp_path: Path) -> None:
    """A manifest with 40 hex digits is refused. Those of workflows are no manifests."""
    written("a ledger on git, a gate", tmp_path)
    for arguments in (("validate",), ("validate", ".")):
        done = kiamo(*arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr


def test_s14_dependabot_is_shown_where_the_actions_are() -> None:
    (update,) = YAML(typ="safe").load(ROOT / ".github" / "dependabot.yml")["updates"]
    assert update["package-ecosystem"] == "github-actions"
    files = [file for folder in update["directories"] for file in (ROOT / folder.lstrip("/")).glob("*.yml")]
    found = [line for file in files for line in uses(file.read_text(encoding="utf-8")) if PINNED.fullmatch(line)]
    assert {line.removeprefix("uses: ") for line in found} == set(actions().values())


HEX = "0123456789" * 4


@pytest.mark.parametrize(
    "line",
    [
        f"      - uses: actions/checkout@{HEX} # v7.0.1",
        f"uses: actions/checkout@{HEX} # v7.0.1",
        f"#   - uses: actions/checkout@{HEX} # v7.0.1",
    ],
)
def test_s14_an_action_named_by_commit_may_be_committed(
    tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _problems(tmp_path, line, monkeypatch) == []


@pytest.mark.parametrize(
    "line",
    [
        f"token: {HEX}",
        f"- uses: actions/checkout@{HEX}",
        f"- uses: actions/checkout@{HEX} # v7",
        f"- uses: actions/checkout@{HEX} # v7.0.1 {HEX}",
        f"- uses: checkout@{HEX} # v7.0.1",
        f"- uses: actions/checkout@v1 # {HEX} v7.0.1",
        f"env: {{uses: actions/checkout@{HEX} # v7.0.1",
        f"- uses: {HEX}/{HEX}@{HEX} # v7.0.1",
    ],
)
def test_s14_any_other_40_hex_digits_may_not(tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(_problems(tmp_path, line, monkeypatch)) == 1


def _problems(folder: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("tests.committed_files.ROOT", folder)
    file = folder / "some.yml"
    file.write_text(f"{line}\n", encoding="utf-8")
    return list(problems_of(file))

"""The workflow that `init` writes and the action that it uses, run from an opened pull request to production.

Not collected with the default suite: `make pipelines`. Nothing here is GitHub: a small runner runs the scripts, against
an emulator and a small forge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.github_runner import Done, Github
from tests.pipelines.machine import PLAN_TOKEN, WRITE_TOKEN, Machine, machine

PULL: Mapping[str, Any] = {"number": 7, "pull_request": {"number": 7, "head": {"repo": {"full_name": "acme/kiamo"}}}}
FORK: Mapping[str, Any] = {"number": 7, "pull_request": {"number": 7, "head": {"repo": {"full_name": "mallory/kiamo"}}}}
PUSH: Mapping[str, Any] = {"ref": "refs/heads/main"}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    """The machine."""
    with machine(tmp_path, "github") as made:
        yield made


@pytest.fixture
def github(here: Machine) -> Github:
    """The repository."""
    return configured(here)


def configured(here: Machine) -> Github:
    """A repository, set up as the workflow's own comment says."""
    return Github(
        here,
        secrets={"KIAMO_STAGING_PLAN_TOKEN": PLAN_TOKEN, "KIAMO_PRODUCTION_PLAN_TOKEN": PLAN_TOKEN},
        environments={
            "staging": {"KIAMO_STAGING_TOKEN": WRITE_TOKEN},
            "production": {"KIAMO_PRODUCTION_TOKEN": WRITE_TOKEN},
        },
        variables={"KIAMO_STAGING_ORIGIN": here.urls["staging"], "KIAMO_PRODUCTION_ORIGIN": here.urls["production"]},
    )


def event(github: Github, name: str, payload: Mapping[str, Any]) -> dict[str, Done]:
    """What became of the jobs."""
    return github.run(github.machine.project / ".github" / "workflows" / "kiamo.yml", name, payload)


def results(done: Mapping[str, Done]) -> dict[str, str]:
    """Job → result, without those that were skipped."""
    return {name: job.result for name, job in done.items() if job.result != "skipped"}


def test_from_a_pull_request_to_production(github: Github, here: Machine) -> None:
    done = event(github, "pull_request", PULL)
    assert results(done) == {"validate": "success", "plan-staging": "success", "plan-production": "success"}
    assert github.installations == 3
    markers = [comment["body"].splitlines()[0] for comment in here.forge.comments]
    assert markers == ["<!-- kiamo-iac:plan:staging -->", "<!-- kiamo-iac:plan:production -->"]
    assert "Prospects of ACME staging" in here.forge.comments[0]["body"]
    assert "3 to create" in done["plan-staging"].log
    assert "prospects" in done["plan-staging"].summary
    assert (here.writes("staging"), here.writes("production")) == (0, 0)
    assert "<html" in (github.artifacts["kiamo-plan-staging"]).read_text(encoding="utf-8")

    here.manifest("label: City", "label: Town")
    event(github, "pull_request", PULL)
    assert len(here.forge.comments) == 2
    assert "Town" in here.forge.comments[0]["body"]

    asked: list[str] = []
    github.approves = lambda environment: not asked.append(environment)  # type: ignore[func-returns-value]
    done = event(github, "push", PUSH)
    assert results(done) == {
        "validate": "success",
        "apply-staging": "success",
        "propose-production": "success",
        "apply-production": "success",
    }
    assert asked == ["staging", "production"]
    for name in ("staging", "production"):
        kept = github.artifacts[f"kiamo-journal-{name}"]
        assert kept == here.temp / "kiamo-journal"
        assert list(kept.glob(f"journal/{name}/*")), list(kept.rglob("*"))
    assert here.bases("staging") == ["Prospects of ACME staging"]
    assert here.bases("production") == ["Prospects of ACME"]
    assert len(here.forge.comments) == 2

    wrote = here.writes("staging"), here.writes("production")
    done = event(github, "push", PUSH)
    assert results(done) == {"validate": "success", "apply-staging": "success", "propose-production": "success"}
    assert asked == ["staging", "production", "staging"]
    assert (here.writes("staging"), here.writes("production")) == wrote
    assert results(event(github, "schedule", {})) == {"drift-staging": "success", "drift-production": "success"}


def test_in_an_image_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the temporary folder has another path than on the host, whose path `runner.temp` is."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    image = f"registry.example.com/tools/kiamo-iac@sha256:{'5' * 64}"
    with machine(tmp_path, "github", "--image", image) as here:
        github = configured(here)
        workflow = (here.project / ".github" / "workflows" / "kiamo.yml").read_text(encoding="utf-8")
        assert workflow.count("\n    container:") == workflow.count("\n    runs-on:") == 8
        assert "runner.temp }}" not in workflow
        assert set(results(event(github, "pull_request", PULL)).values()) == {"success"}
        done = event(github, "push", PUSH)
        assert results(done) == dict.fromkeys(
            ("validate", "apply-staging", "propose-production", "apply-production"), "success"
        )
        assert here.bases("production") == ["Prospects of ACME"]
        assert list(github.artifacts["kiamo-journal-production"].glob("journal/production/*"))
        assert github.installations == 0
        trusted = (tmp_path / "home" / ".gitconfig").read_text(encoding="utf-8")
        assert set(re.findall("directory = (.*)", trusted)) == {str(here.project)}


def test_no_token_is_in_a_log_a_summary_a_comment_or_an_artifact(github: Github, here: Machine) -> None:
    done = [*event(github, "pull_request", PULL).values(), *event(github, "push", PUSH).values()]
    texts = [job.log + job.summary for job in done] + [comment["body"] for comment in here.forge.comments]
    for path in github.artifacts.values():
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        texts += [file.read_text(encoding="utf-8") for file in files]
    for secret in (PLAN_TOKEN, WRITE_TOKEN, here.token):
        assert all(secret not in text for text in texts)


def test_a_broken_manifest_stops_everything(github: Github, here: Machine) -> None:
    here.manifest("label: City", "lable: City")
    for name, payload in (("pull_request", PULL), ("push", PUSH)):
        done = event(github, name, payload)
        assert results(done) == {"validate": "failure"}
        assert "::error file=manifests/prospects.yaml,line=6" in done["validate"].log
    assert here.forge.comments == []


def test_a_refused_plan_is_commented_and_fails(github: Github, here: Machine) -> None:
    here.manifest("bases:", "services:\n  - name: Nobody has it\nbases:")
    done = event(github, "pull_request", PULL)
    assert results(done) == {"validate": "success", "plan-staging": "failure", "plan-production": "failure"}
    assert "Nobody has it" in here.forge.comments[0]["body"]
    assert "::error file=manifests/prospects.yaml" in done["plan-staging"].log


def test_a_pull_request_of_a_fork_is_validated_and_no_more(github: Github, here: Machine) -> None:
    assert results(event(github, "pull_request", FORK)) == {"validate": "success"}
    assert here.emulators["staging"].calls() == []


def test_an_instance_that_changes_between_plan_and_approval_is_left_alone(github: Github, here: Machine) -> None:
    def somebody(environment: str) -> bool:
        if environment == "production":
            here.emulators["production"].seed({"bases": [{"name": "prospects", "label": "By hand"}]})
        return True

    github.approves = somebody
    done = event(github, "push", PUSH)
    assert results(done)["apply-production"] == "failure"
    assert "title=Stale" in done["apply-production"].log
    assert here.bases("production") == ["By hand"]
    assert here.writes("production") == 0


def test_reviewers_who_say_no_keep_production_as_it_is(github: Github, here: Machine) -> None:
    github.approves = lambda environment: environment == "staging"
    event(github, "push", PUSH)
    assert (here.bases("staging"), here.bases("production")) == (["Prospects of ACME staging"], [])


def test_the_token_goes_to_no_other_origin(github: Github, here: Machine) -> None:
    github.variables = {**github.variables, "KIAMO_STAGING_ORIGIN": "https://kiamo.example.com"}
    done = event(github, "pull_request", PULL)
    assert results(done)["plan-staging"] == "failure"
    assert "KIAMO_STAGING_ORIGIN allows" in done["plan-staging"].log
    assert here.emulators["staging"].calls() == []


def test_without_the_settings_it_says_which_is_missing(github: Github) -> None:
    github.secrets = {}
    done = event(github, "pull_request", PULL)
    assert results(done) == {"validate": "success", "plan-staging": "failure", "plan-production": "failure"}
    assert "No API token: set KIAMO_STAGING_TOKEN" in done["plan-staging"].log


def test_drift_at_night_fails_and_says_where(github: Github, here: Machine) -> None:
    event(github, "push", PUSH)
    here.manifest("label: Prospects of", "label: Leads of")  # merged, and not yet applied
    done = event(github, "schedule", {})
    assert results(done) == {"drift-staging": "success", "drift-production": "success"}
    here.by_hand("staging", "By hand")
    done = event(github, "schedule", {})
    assert results(done) == {"drift-staging": "failure", "drift-production": "success"}
    assert "title=Drift" in done["drift-staging"].log


def test_names_never_become_commands(github: Github, here: Machine) -> None:
    workflow = here.project / ".github" / "workflows" / "kiamo.yml"
    text = workflow.read_text(encoding="utf-8")
    hostile = text.replace('environment: "staging"', 'environment: "$(touch pwned); `touch pwned` \' x"')
    workflow.write_text(hostile, encoding="utf-8")
    done = event(github, "pull_request", PULL)
    assert results(done)["plan-staging"] == "failure"
    assert not list(here.project.rglob("pwned"))


def test_more_arguments_come_a_line_each(github: Github, here: Machine) -> None:
    workflow = here.project / ".github" / "workflows" / "kiamo.yml"
    text = workflow.read_text(encoding="utf-8")
    more = 'mode: plan, arguments: "--target\\nbases/prospects/fields/city\\n\\n", environment'
    workflow.write_text(text.replace("mode: plan, environment", more), encoding="utf-8")
    done = event(github, "pull_request", PULL)
    assert "2 to create" in done["plan-staging"].log

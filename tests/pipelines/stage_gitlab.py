"""The pipeline that `init` writes for GitLab, run from an opened merge request to production.

Not collected with the default suite: `make pipelines`. Nothing here is GitLab: a small runner runs the scripts, against
an emulator and a small forge.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.program import kiamo
from tests.forge.fake import ROBOT
from tests.pipelines.gitlab_runner import Done, Gitlab, Setting
from tests.pipelines.machine import PLAN_TOKEN, WRITE_TOKEN, Machine, machine


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    """The machine."""
    with machine(tmp_path, "gitlab") as made:
        yield made


@pytest.fixture
def gitlab(here: Machine) -> Gitlab:
    """The project."""
    return configured(here)


def configured(here: Machine) -> Gitlab:
    """A project, set up as the pipeline's own comment says."""
    settings = {"KIAMO_GITLAB_TOKEN": Setting(ROBOT)}
    for name, url in here.urls.items():
        prefix = f"KIAMO_{name.upper()}"
        settings[f"{prefix}_PLAN_TOKEN"] = Setting(PLAN_TOKEN)
        settings[f"{prefix}_TOKEN"] = Setting(WRITE_TOKEN, protected=True, environment=name)
        settings[f"{prefix}_ORIGIN"] = Setting(url)
    return Gitlab(here, settings)


def merge_request(gitlab: Gitlab) -> dict[str, Done]:
    """The pipeline of a merge request."""
    return _run(gitlab, "merge_request_event", CI_MERGE_REQUEST_IID="7", CI_MERGE_REQUEST_PROJECT_ID="42")


def merge(gitlab: Gitlab) -> dict[str, Done]:
    """The pipeline of the default branch."""
    return _run(gitlab, "push", CI_COMMIT_BRANCH="main")


def night(gitlab: Gitlab) -> dict[str, Done]:
    """The scheduled one."""
    return _run(gitlab, "schedule", CI_COMMIT_BRANCH="main")


def _run(gitlab: Gitlab, source: str, **variables: str) -> dict[str, Done]:
    return gitlab.run(gitlab.machine.project / ".gitlab-ci.yml", source, **variables)


def results(done: Mapping[str, Done]) -> dict[str, str]:
    """Job → result."""
    return {name: job.result for name, job in done.items()}


def test_from_a_merge_request_to_production(gitlab: Gitlab, here: Machine) -> None:
    done = merge_request(gitlab)
    assert results(done) == {"validate": "success", "plan:staging": "success", "plan:production": "success"}
    markers = [comment["body"].splitlines()[0] for comment in here.forge.comments]
    assert markers == ["<!-- kiamo-iac:plan:staging -->", "<!-- kiamo-iac:plan:production -->"]
    kept = done["plan:staging"].artifacts
    assert kept is not None
    folder = kept / "kiamo-plan" / "staging"
    assert json.loads((folder / "report.json").read_text()) == {"create": 3, "update": 0, "delete": 0}
    assert json.loads((folder / "plan.json").read_text())["environment"] == "staging"
    assert "<html" in (folder / "plan.html").read_text(encoding="utf-8")
    assert (here.writes("staging"), here.writes("production")) == (0, 0)

    here.manifest("label: City", "label: Town")
    merge_request(gitlab)
    assert len(here.forge.comments) == 2
    assert "Town" in here.forge.comments[0]["body"]

    done = merge(gitlab)
    waiting = {"validate": "success", "apply:staging": "success", "propose:production": "success"}
    assert results(done) == {**waiting, "apply:production": "manual"}
    assert (here.bases("staging"), here.bases("production")) == (["Prospects of ACME staging"], [])

    gitlab.presses = {"apply:production"}
    assert set(results(merge(gitlab)).values()) == {"success"}
    assert here.bases("production") == ["Prospects of ACME"]
    assert len(here.forge.comments) == 2

    wrote = here.writes("staging"), here.writes("production")
    assert set(results(merge(gitlab)).values()) == {"success"}
    assert (here.writes("staging"), here.writes("production")) == wrote
    assert results(night(gitlab)) == {"drift:staging": "success", "drift:production": "success"}


@pytest.fixture
def imaged(tmp_path: Path) -> Iterator[Gitlab]:
    """A project whose jobs run in an image: each in a clone of its own, with nothing to install from."""
    with machine(tmp_path, "gitlab", "--image", "registry.example.com/tools/kiamo-iac:1") as here:
        gitlab = configured(here)
        gitlab.origin = here.project
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", here.project], check=True)
        committed(here)
        yield gitlab


def committed(here: Machine) -> None:
    """All that is in the work tree, in a commit."""
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    subprocess.run(["git", "-C", here.project, "add", "--all", "--force"], check=True)
    subprocess.run(["git", "-C", here.project, *author, "commit", "--quiet", "-m", "x"], check=True)


def test_in_an_image_nothing_is_installed(imaged: Gitlab) -> None:
    """No setting says where from."""
    assert set(results(merge_request(imaged)).values()) == {"success"}
    imaged.presses = {"apply:production"}
    done = merge(imaged)
    assert set(results(done).values()) == {"success"}, "\n".join(job.log for job in done.values())
    assert imaged.machine.bases("production") == ["Prospects of ACME"]


@pytest.mark.parametrize("path", ["", ".:", ":", "bin:"])
def test_a_commit_brings_no_program_to_an_image_without_one(
    imaged: Gitlab, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where PATH has a relative folder, or an empty one, which is the work tree."""
    here = imaged.machine
    for folder in (here.project, here.project / "bin"):
        folder.mkdir(exist_ok=True)
        (folder / "kiamo-iac").write_text("#!/bin/sh\necho mine\n", encoding="utf-8")
        (folder / "kiamo-iac").chmod(0o755)
    committed(here)
    (here.bin / "kiamo-iac").unlink()
    monkeypatch.setattr(Machine, "variables", lambda _here: {"PATH": f"{path}/usr/bin:/bin", "HOME": str(here.temp)})
    done = merge_request(imaged)
    assert results(done) == {"validate": "failed (1)", "plan:staging": "skipped", "plan:production": "skipped"}
    assert "has no kiamo-iac on its PATH" in done["validate"].log
    assert "mine" not in done["validate"].log


@pytest.mark.parametrize("name", ["kiamo-plan", ".kiamo", ".kiamo-iac"])
def test_a_commit_with_files_of_jobs_is_refused_in_an_image_too(imaged: Gitlab, name: str) -> None:
    here = imaged.machine
    (here.project / name).mkdir(exist_ok=True)
    (here.project / name / "x").write_text("x", encoding="utf-8")
    committed(here)
    assert results(merge(imaged))["validate"] == "failed (1)"


def test_no_token_is_in_a_log_a_comment_or_an_artifact(gitlab: Gitlab, here: Machine) -> None:
    gitlab.presses = {"apply:production"}
    done = [*merge_request(gitlab).values(), *merge(gitlab).values()]
    texts = [job.log for job in done] + [comment["body"] for comment in here.forge.comments]
    for job in done:
        assert job.artifacts is not None
        texts += [file.read_text(encoding="utf-8") for file in job.artifacts.rglob("*") if file.is_file()]
    assert all(secret not in text for text in texts for secret in (PLAN_TOKEN, WRITE_TOKEN, ROBOT))


def test_a_broken_manifest_stops_everything_and_is_reported(gitlab: Gitlab, here: Machine) -> None:
    here.manifest("label: City", "lable: City")
    done = merge_request(gitlab)
    assert results(done) == {"validate": "failed (1)", "plan:staging": "skipped", "plan:production": "skipped"}
    kept = done["validate"].artifacts
    assert kept is not None
    report = json.loads((kept / "kiamo-report" / "code-quality.json").read_text())
    assert report[0]["location"]["path"] == "manifests/prospects.yaml"
    assert "<failure" in (kept / "kiamo-report" / "junit.xml").read_text()
    assert set(results(merge(gitlab)).values()) == {"failed (1)", "skipped"}
    assert here.emulators["staging"].calls() == []


def test_a_refused_plan_is_commented_and_fails(gitlab: Gitlab, here: Machine) -> None:
    here.manifest("bases:", "services:\n  - name: Nobody has it\nbases:")
    assert results(merge_request(gitlab))["plan:staging"] == "failed (1)"
    assert "Nobody has it" in here.forge.comments[0]["body"]


def test_without_a_token_to_comment_with_the_plan_is_there_all_the_same(gitlab: Gitlab, here: Machine) -> None:
    gitlab.settings = {name: value for name, value in gitlab.settings.items() if name != "KIAMO_GITLAB_TOKEN"}
    assert set(results(merge_request(gitlab)).values()) == {"success"}
    assert here.forge.comments == []


def test_an_instance_that_changes_before_the_button_is_pressed_is_left_alone(gitlab: Gitlab, here: Machine) -> None:
    done = merge(gitlab)
    here.emulators["production"].seed({"bases": [{"name": "prospects", "label": "By hand"}]})
    file = here.project / ".gitlab" / "kiamo.gitlab-ci.yml"
    text = file.read_text(encoding="utf-8")
    propose = text[text.index("propose:production:") : text.index("# Applies exactly that plan")]
    file.write_text(text.replace(propose, _kept(propose)), encoding="utf-8")
    kept = done["propose:production"].artifacts
    assert kept is not None
    (here.temp / "kept").symlink_to(kept / "kiamo-plan")
    gitlab.presses = {"apply:production"}
    done = merge(gitlab)
    assert results(done)["apply:production"] == "failed (3)"
    assert (here.bases("production"), here.writes("production")) == (["By hand"], 0)


def _kept(propose: str) -> str:
    """The job that hands on the plan of the first pipeline, as when a button is pressed days later."""
    return f'{propose.rstrip()}\n  script: ["mkdir kiamo-plan && cp -R ../temp/kept/. kiamo-plan"]\n\n'


def test_two_projects_of_a_repository_run_beside_each_other(gitlab: Gitlab, here: Machine) -> None:
    """Each has its jobs, its plans and its comments, and a commit runs those of the project that it changes."""
    subprocess.run(["git", "init", "--quiet", here.project], check=True)
    named = [part for name, url in here.urls.items() for part in ("--environment", f"{name}={url}")]
    assert kiamo("init", "emea", "--ci", "gitlab", *named, cwd=here.project).returncode == 0
    file = here.project / "emea" / "manifests" / "prospects.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("name: prospects", "name: emea"), encoding="utf-8")
    own = {"validate": "success", "plan:staging": "success", "plan:production": "success"}
    emea = {"validate:emea": "success", "plan:emea:staging": "success", "plan:emea:production": "success"}
    done = merge_request(gitlab)
    assert results(done) == own | emea
    assert len(here.forge.comments) == 4
    kept = done["plan:emea:staging"].artifacts
    assert kept is not None
    assert (kept / "kiamo-plan" / "emea" / "staging" / "saved.plan").is_file()

    gitlab.changed = ("README.md", "emea/manifests/prospects.yaml")
    assert results(merge_request(gitlab)) == own | emea  # the project at the root runs for any change
    gitlab.changed = ("manifests/prospects.yaml", "emea-2/x.yaml")
    assert results(merge_request(gitlab)) == own
    gitlab.changed = None

    gitlab.presses = {"apply:production", "apply:emea:production"}
    assert set(results(merge(gitlab)).values()) == {"success"}
    assert sorted(base["name"] for base in here.emulators["production"].dump()["bases"]) == ["emea", "prospects"]
    wrote = here.writes("staging")
    assert set(results(merge(gitlab)).values()) == {"success"}
    assert here.writes("staging") == wrote
    assert set(results(night(gitlab)).values()) == {"success"}

    file.write_text(file.read_text(encoding="utf-8").replace("label: City", "lable: City"), encoding="utf-8")
    done = merge_request(gitlab)
    assert {name: job for name, job in results(done).items() if "emea" not in name} == own
    assert results(done)["plan:emea:staging"] == "skipped"


def test_drift_at_night_fails_if_the_instance_was_changed(gitlab: Gitlab, here: Machine) -> None:
    gitlab.presses = {"apply:production"}
    merge(gitlab)
    here.manifest("label: Prospects of", "label: Leads of")  # merged, and not yet applied
    assert set(results(night(gitlab)).values()) == {"success"}
    here.by_hand("staging", "By hand")
    assert results(night(gitlab)) == {"drift:staging": "failed (2)", "drift:production": "success"}


def test_a_branch_without_a_merge_request_has_no_pipeline(gitlab: Gitlab) -> None:
    assert _run(gitlab, "push", CI_COMMIT_BRANCH="feature") == {}

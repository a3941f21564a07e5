"""S12, in whole pipelines that succeed: `make pipelines` runs it. `test_s12_pipelines.py` has what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.pipelines.github_runner import Github
from tests.pipelines.gitlab_runner import Gitlab, Setting
from tests.pipelines.machine import PLAN_TOKEN, WRITE_TOKEN, Machine, machine
from tests.security.test_s12_pipelines import (
    DRIFT,
    check_unpinned,
    contents,
    git,
    gitlab,
    here,
    outside,
    results,
    run,
    tool,
)

__all__ = ["gitlab", "here", "outside", "tool"]


def test_s12_each_job_runs_in_a_clone_with_the_tool_of_that_tag_branch_or_commit(
    gitlab: Gitlab, here: Machine, tool: Path
) -> None:
    done = run(gitlab, "push", CI_COMMIT_BRANCH="main")
    assert set(results(done).values()) == {"success"}, "\n".join(job.log for job in done.values())
    assert here.bases("production") == ["Prospects of ACME"]
    for ref in ("main", git(tool, "rev-parse", "HEAD")):
        gitlab.settings = {**gitlab.settings, "KIAMO_IAC_REF": Setting(ref)}
        assert results(run(gitlab, "schedule", CI_COMMIT_BRANCH="main")) == dict.fromkeys(DRIFT, "success")


@pytest.mark.parametrize("name", ["kiamo-plan", "kiamo-report"])
def test_s12_what_another_job_left_on_the_disk_is_removed_and_no_link_is_followed(
    gitlab: Gitlab, here: Machine, outside: Path, name: str
) -> None:
    """A runner that keeps its work tree, without before_script: the scripts alone."""
    gitlab.origin = None
    before = contents(outside)
    (here.project / name).symlink_to(outside)
    done = run(gitlab, "merge_request_event", CI_MERGE_REQUEST_IID="7")
    assert set(results(done).values()) == {"success"}
    assert contents(outside) == before
    kept = done["plan:staging"].artifacts
    assert kept is not None
    assert '"environment": "staging"' in (kept / "kiamo-plan" / "staging" / "plan.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("what", ["a pin of spaces", "a pin of a ledger without a value"])
def test_s12_gitlab_a_pin_without_a_value_fails_before_a_token_is_sent(
    gitlab: Gitlab, here: Machine, what: str
) -> None:
    check_unpinned(gitlab, here, what)


def test_s12_gitlab_a_setting_that_does_not_reach_branches_is_named_as_the_user_set_it(
    gitlab: Gitlab, here: Machine
) -> None:
    """Nobody is asked to set `KIAMO_STAGING_TOKEN` for branches: that is the token that writes."""
    settings = gitlab.settings
    for name in ("KIAMO_STAGING_PLAN_TOKEN", "KIAMO_STAGING_ORIGIN"):
        gitlab.settings = {**settings, name: replace(settings[name], protected=True)}
        log = run(gitlab, "merge_request_event")["plan:staging"].log
        assert f"{name} is not set in this job" in log
        assert "A protected variable" in log
    assert here.emulators["staging"].calls() == []


def test_s12_on_github_nothing_is_read_from_or_written_to_such_a_folder(tmp_path: Path, outside: Path) -> None:
    with machine(tmp_path, "github") as here:
        for name in ("kiamo-plan", "kiamo-report"):
            (here.project / name).symlink_to(outside)
        before = contents(outside)
        prefixes = {name: f"KIAMO_{name.upper()}" for name in here.urls}
        github = Github(
            here,
            secrets={f"{prefix}_PLAN_TOKEN": PLAN_TOKEN for prefix in prefixes.values()},
            environments={name: {f"{prefix}_TOKEN": WRITE_TOKEN} for name, prefix in prefixes.items()},
            variables={f"{prefix}_ORIGIN": here.urls[name] for name, prefix in prefixes.items()},
        )
        done = github.run(here.project / ".github" / "workflows" / "kiamo.yml", "push", {})
        assert {job.result for job in done.values()} == {"success", "skipped"}
        assert here.bases("production") == ["Prospects of ACME"]
        assert contents(outside) == before
        assert github.artifacts
        assert all(here.temp in path.parents for path in github.artifacts.values())

"""Which pipeline this is, by its variables; and where the token may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiamo_iac.core.errors import UsageError
from kiamo_iac.forge.pipeline import GithubPipeline, GitlabPipeline, pipeline_of
from tests.forge.conftest import Job
from tests.forge.fake import Fake


def test_a_pull_request_of_github(tmp_path: Path) -> None:
    pipeline = pipeline_of(Fake(url="https://git.example.com").github(tmp_path))
    assert isinstance(pipeline, GithubPipeline)
    assert (pipeline.number, pipeline.repository) == (7, "acme/kiamo")
    assert pipeline.graphql == "https://git.example.com/api/graphql"
    assert "ghs_" not in repr(pipeline)


def test_a_merge_request_of_gitlab() -> None:
    pipeline = pipeline_of(Fake(url="https://git.example.com").gitlab())
    assert isinstance(pipeline, GitlabPipeline)
    assert (pipeline.project, pipeline.iid) == ("42", "7")
    assert pipeline.page == "https://git.example.com/acme/kiamo/-/merge_requests/7"
    assert "glpat" not in repr(pipeline)


def test_the_pipeline_of_a_fork_names_the_project_of_the_merge_request() -> None:
    variables = Fake().gitlab(CI_PROJECT_ID="99")
    pipeline = pipeline_of(variables | {"CI_API_V4_URL": "https://git.example.com/api/v4"})
    assert isinstance(pipeline, GitlabPipeline)
    assert pipeline.project == "42"


@pytest.mark.parametrize("event", [{}, {"ref": "refs/heads/main"}, []])
def test_a_push_is_about_no_merge_request(tmp_path: Path, event: object) -> None:
    assert pipeline_of(Fake().github(tmp_path, event)) is None


def test_a_branch_is_about_no_merge_request() -> None:
    assert pipeline_of(Fake().gitlab(CI_MERGE_REQUEST_IID="")) is None


def test_outside_of_a_pipeline_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="Not in a pipeline job"):
        pipeline_of({"CI": "true"})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"GITHUB_TOKEN": ""}, "No token to comment with: set GITHUB_TOKEN"),
        ({"GITHUB_TOKEN": "two words"}, "not a token"),
        ({"GITHUB_API_URL": ""}, "GITHUB_API_URL is not set"),
        ({"GITHUB_REPOSITORY": "acme/kiamo/../../other"}, "GITHUB_REPOSITORY is malformed"),
        ({"GITHUB_EVENT_PATH": "nowhere.json"}, "cannot be read"),
    ],
)
def test_what_a_github_job_lacks_is_reported(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        pipeline_of(Fake(url="https://git.example.com").github(tmp_path, **changed))


@pytest.mark.parametrize("named", [{}, {"number": "7"}, {"number": True}, {"number": 0}, 7])
def test_an_event_without_a_number_is_refused(tmp_path: Path, named: object) -> None:
    with pytest.raises(UsageError, match="no pull request number"):
        pipeline_of(Fake(url="https://git.example.com").github(tmp_path, {"pull_request": named}))


@pytest.mark.parametrize("text", ["{", "[" * 100_000, ""])
def test_an_event_that_is_not_json_is_refused(tmp_path: Path, text: str) -> None:
    variables = Fake().github(tmp_path)
    Path(variables["GITHUB_EVENT_PATH"]).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        pipeline_of(variables)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"KIAMO_GITLAB_TOKEN": ""}, "No token to comment with: set KIAMO_GITLAB_TOKEN"),
        ({"CI_MERGE_REQUEST_IID": "7/../8"}, "CI_MERGE_REQUEST_IID is malformed"),
        ({"CI_MERGE_REQUEST_PROJECT_ID": "acme/kiamo"}, "CI_MERGE_REQUEST_PROJECT_ID is malformed"),
        ({"CI_API_V4_URL": ""}, "CI_API_V4_URL is not set"),
    ],
)
def test_what_a_gitlab_job_lacks_is_reported(changed: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        pipeline_of(Fake(url="https://git.example.com").gitlab(**changed))


@pytest.mark.parametrize("url", ["http://git.example.com/api", "ftp://127.0.0.1/api", "https://me:pw@git.example.com"])
def test_the_token_goes_to_no_such_address(job: Job, url: str) -> None:
    with pytest.raises(UsageError, match=r"API|plain http"):
        job.comment(GITHUB_API_URL=url, CI_API_V4_URL=url)
    assert job.fake.log == []


def test_the_token_goes_to_the_origin_of_the_api_alone(github: Job) -> None:
    from tests.forge.fake import MARKER, US, serving

    github.fake.say(US, f"{MARKER}\n\nOld.")
    with serving() as elsewhere, pytest.raises(UsageError, match="another address than that of GitHub's API"):
        github.comment(GITHUB_GRAPHQL_URL=f"{elsewhere.url}/graphql")
    assert elsewhere.log == []

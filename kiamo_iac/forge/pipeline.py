"""The merge request of the running pipeline, from the variables that GitHub and GitLab set in their jobs.

Their documentation lists the variables: GitHub "Variables reference", GitLab "Predefined CI/CD variables".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, TypeAlias

from kiamo_iac.core.errors import UsageError
from kiamo_iac.core.safe_files import read_limited
from kiamo_iac.core.secret import Secret, from_environ
from kiamo_iac.http.message import Authorization, Endpoint

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
_LARGEST_EVENT: Final = 64 * 1024 * 1024
"""Bytes; GitHub limits an event to 25 MB."""


def _endpoint(name: str) -> Endpoint:
    return Endpoint(
        address=f"the address of {name}",
        example="https://gitlab.example.com/api/v4",
        owner=f"that of {name}",
        server=name,
        hint=f"all addresses of {name} have one scheme, host and port",
    )


@dataclass(frozen=True, slots=True)
class GithubPipeline:
    """A job of GitHub Actions on a pull request."""

    api: str
    """Without a slash at its end, as the following addresses."""
    graphql: str
    repository: str
    """`owner/name`."""
    number: int
    """Of the pull request."""
    token: Secret
    endpoint: ClassVar[Endpoint] = _endpoint("GitHub's API")

    @property
    def authorization(self) -> Authorization:
        """As GitHub's REST documentation has it."""
        return Authorization.bearer(self.token)


@dataclass(frozen=True, slots=True)
class GitlabPipeline:
    """A job of GitLab CI on a merge request."""

    api: str
    project: str
    """The id of the project that the merge request is in."""
    iid: str
    """Of the merge request, within its project."""
    token: Secret
    page: str | None
    """The address of the merge request for people, where the job knows it."""
    endpoint: ClassVar[Endpoint] = _endpoint("GitLab's API")

    @property
    def authorization(self) -> Authorization:
        """As GitLab's REST documentation has it."""
        return Authorization.token("PRIVATE-TOKEN", self.token)


Pipeline: TypeAlias = GithubPipeline | GitlabPipeline


def pipeline_of(environ: Mapping[str, str]) -> Pipeline | None:
    """The merge request of this job; None: it has none, as on the default branch.

    Raises:
        UsageError: this is not a job of GitHub or GitLab, or its variables are missing or malformed.
    """
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    msg = "Not in a pipeline job: neither GITHUB_ACTIONS nor GITLAB_CI is true."
    raise UsageError(msg, hint="comments are posted by pipeline jobs; elsewhere, read the file")


def _github(environ: Mapping[str, str]) -> GithubPipeline | None:
    event = _event(_required(environ, "GITHUB_EVENT_PATH"))
    request = event.get("pull_request") if isinstance(event, dict) else None
    if request is None:
        return None
    number = request.get("number") if isinstance(request, dict) else None
    if type(number) is not int or number < 1:
        msg = "The event in the file of GITHUB_EVENT_PATH has no pull request number."
        raise UsageError(msg)
    api = _required(environ, "GITHUB_API_URL").rstrip("/")
    return GithubPipeline(
        api=api,
        graphql=environ.get("GITHUB_GRAPHQL_URL") or f"{api}/graphql",
        repository=_required(environ, "GITHUB_REPOSITORY", _REPOSITORY),
        number=number,
        token=_token(environ, "GITHUB_TOKEN", "pass it to the step: env: {GITHUB_TOKEN: ${{ github.token }}}"),
    )


def _gitlab(environ: Mapping[str, str]) -> GitlabPipeline | None:
    if not environ.get("CI_MERGE_REQUEST_IID"):
        return None
    # In the pipeline of a fork, CI_PROJECT_ID is the fork, which does not have the merge request.
    own = "CI_MERGE_REQUEST_PROJECT_ID"
    iid = _required(environ, "CI_MERGE_REQUEST_IID", _NUMBER)
    page = environ.get("CI_MERGE_REQUEST_PROJECT_URL")
    return GitlabPipeline(
        api=_required(environ, "CI_API_V4_URL").rstrip("/"),
        project=_required(environ, own if environ.get(own) else "CI_PROJECT_ID", _NUMBER),
        iid=iid,
        token=_token(
            environ,
            "KIAMO_GITLAB_TOKEN",
            "create a project access token with the scope api and the role Reporter, and store it in a masked variable"
            " of that name: the job's own token can read comments, but not write them",
        ),
        page=f"{page}/-/merge_requests/{iid}" if page else None,
    )


def _event(path: str) -> Any:
    try:
        data = read_limited(Path(path), limit=_LARGEST_EVENT)
        return json.loads(data if data is not None else b"")
    except (OSError, ValueError, RecursionError) as error:
        msg = "The file of GITHUB_EVENT_PATH cannot be read."
        raise UsageError(msg) from error


def _required(environ: Mapping[str, str], name: str, form: re.Pattern[str] = _PRINTABLE) -> str:
    text = environ.get(name, "")
    if not text:
        msg = f"{name} is not set, although this is a pipeline job."
        raise UsageError(msg)
    if not form.fullmatch(text):
        msg = f"{name} is malformed."
        raise UsageError(msg)
    return text


def _token(environ: Mapping[str, str], name: str, hint: str) -> Secret:
    token = from_environ(environ, name, file=False)
    if token is None:
        msg = f"No token to comment with: set {name}."
        raise UsageError(msg, hint=hint)
    if not _PRINTABLE.fullmatch(token.reveal()):
        msg = f"The value of {name} is not a token."
        raise UsageError(msg, hint=hint)
    return token

"""The comments of a pull request on GitHub.

By its REST documentation ("REST API endpoints for issue comments": a pull request is an issue; pages of 100, the next
one in the Link header). The user of a token: its GraphQL documentation (`viewer`); REST's `GET /user` does not
work with the token of a job. Whether GraphQL names an app as REST does (`github-actions[bot]`) or without the suffix
is not documented, so the suffix is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kiamo_iac.core.errors import ApiError, ResponseError, TransportError
from kiamo_iac.forge.calls import ForgeClient
from kiamo_iac.forge.comment import ExistingComment, first_line, text_of
from kiamo_iac.forge.pipeline import GithubPipeline
from kiamo_iac.http.message import Send

_BOT: Final = "[bot]"
_HEADERS: Final = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_HINTS: Final[Mapping[int, str]] = {
    401: "pass the token of the job: env: {GITHUB_TOKEN: ${{ github.token }}}",
    403: "give the job permissions: {pull-requests: write}; a pull request from a fork gets a token that only reads",
    404: "give the job permissions: {pull-requests: write}, and check that the token is of this repository",
    422: "the comment may be longer than GitHub allows",
}


class Github:
    """A pull request."""

    limit: int = 65_536
    name: str = "GitHub"

    def __init__(self, pipeline: GithubPipeline, send: Send) -> None:
        self._repository = f"{pipeline.api}/repos/{pipeline.repository}"
        self._comments = f"{self._repository}/issues/{pipeline.number}/comments"
        self._graphql = pipeline.graphql
        self._client = ForgeClient(send, _HEADERS, hints=_HINTS)
        self._login: str | None = None

    def find(self, marker: str) -> ExistingComment | None:
        """As `Forge.find`. If GitHub does not name the user of the token, no comment is taken for its own: a second
        comment is better than changing that of another author."""
        candidates = self._beginning_with(marker)
        if not candidates:
            return None
        own = self._viewer()
        return next((_existing(data) for data in candidates if own is not None and _author(data) == own), None)

    def create(self, body: str) -> ExistingComment:
        """As `Forge.create`."""
        return _existing(self._client.call("POST", self._comments, {"body": body}))

    def update(self, found: ExistingComment, body: str) -> ExistingComment:
        """As `Forge.update`."""
        url = f"{self._repository}/issues/comments/{found.id}"
        return _existing(self._client.call("PATCH", url, {"body": body}))

    def _beginning_with(self, marker: str) -> list[dict[str, Any]]:
        """The comments that begin with `marker`, the oldest first."""
        items = self._client.pages(self._comments, "", has_next=lambda headers: 'rel="next"' in headers.get("link", ""))
        return [item for item in items if isinstance(item, dict) and first_line(item.get("body")) == marker]

    def _viewer(self) -> str | None:
        if self._login is None:
            try:
                data = self._client.call("POST", self._graphql, {"query": "query { viewer { login } }"})
                login = data["data"]["viewer"]["login"]
            except TransportError:
                raise
            except (ApiError, KeyError, TypeError):
                return None
            self._login = login.removesuffix(_BOT) if isinstance(login, str) and login else None
        return self._login


def _author(data: Mapping[str, Any]) -> object:
    user = data.get("user")
    login = user.get("login") if isinstance(user, dict) else None
    return login.removesuffix(_BOT) if isinstance(login, str) else None


def _existing(data: Any) -> ExistingComment:
    if not isinstance(data, dict) or type(data.get("id")) is not int:
        msg = "GitHub returned a comment without an id."
        raise ResponseError(msg)
    page = data.get("html_url")
    return ExistingComment(data["id"], text_of(data.get("body")), page if isinstance(page, str) else None)

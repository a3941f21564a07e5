"""The comments of a merge request on GitLab.

By its documentation of the notes API (pages of 100, `X-Next-Page`; at most 1,000,000 characters) and of job tokens
(which can read notes, but not write them); the author of a note is compared with `GET /user`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from kiamo_iac.core.errors import ResponseError
from kiamo_iac.forge.calls import ForgeClient
from kiamo_iac.forge.comment import ExistingComment, first_line, text_of
from kiamo_iac.forge.pipeline import GitlabPipeline
from kiamo_iac.http.message import Send

_QUICK_ACTION: Final = re.compile(r"^([ \t]*)/(?=[A-Za-z])", re.MULTILINE)
"""A line such as `/merge` is a command to GitLab (its documentation of quick actions), run with the token's rights."""
_HINTS: Final[Mapping[int, str]] = {
    401: "KIAMO_GITLAB_TOKEN is not valid, or has expired: create a new project access token with the scope api",
    403: "KIAMO_GITLAB_TOKEN needs the scope api and the role Reporter",
    404: "check that KIAMO_GITLAB_TOKEN is a token of the project that the merge request is in",
}


class Gitlab:
    """A merge request."""

    limit: int = 1_000_000
    name: str = "GitLab"

    def __init__(self, pipeline: GitlabPipeline, send: Send) -> None:
        self._api = pipeline.api
        self._notes = f"{pipeline.api}/projects/{pipeline.project}/merge_requests/{pipeline.iid}/notes"
        self._page = pipeline.page
        self._client = ForgeClient(send, {}, hints=_HINTS)
        self._id: int | None = None

    def find(self, marker: str) -> ExistingComment | None:
        """As `Forge.find`."""
        candidates = self._beginning_with(marker)
        if not candidates:
            return None
        own = self._own_id()
        return next((self._existing(data) for data in candidates if _author(data) == own), None)

    def create(self, body: str) -> ExistingComment:
        """As `Forge.create`."""
        return self._existing(self._client.call("POST", self._notes, {"body": _inert(body)}))

    def update(self, found: ExistingComment, body: str) -> ExistingComment:
        """As `Forge.update`."""
        return self._existing(self._client.call("PUT", f"{self._notes}/{found.id}", {"body": _inert(body)}))

    def _beginning_with(self, marker: str) -> list[dict[str, Any]]:
        """The comments that begin with `marker`, the oldest first, without GitLab's system notes."""
        query = "sort=asc&order_by=created_at&"
        items = self._client.pages(
            self._notes, query, has_next=lambda headers: bool(headers.get("x-next-page", "").strip())
        )
        people = (item for item in items if isinstance(item, dict) and item.get("system") is not True)
        return [item for item in people if first_line(item.get("body")) == marker]

    def _own_id(self) -> int:
        if self._id is None:
            data = self._client.call("GET", f"{self._api}/user")
            found = data.get("id") if isinstance(data, dict) else None
            if type(found) is not int:
                msg = "GitLab did not return the user of KIAMO_GITLAB_TOKEN."
                raise ResponseError(msg)
            self._id = found
        return self._id

    def _existing(self, data: Any) -> ExistingComment:
        if not isinstance(data, dict) or type(data.get("id")) is not int:
            msg = "GitLab returned a comment without an id."
            raise ResponseError(msg)
        page = f"{self._page}#note_{data['id']}" if self._page else None
        return ExistingComment(data["id"], text_of(data.get("body")), page)


def _inert(body: str) -> str:
    return _QUICK_ACTION.sub(r"\1\\/", body)


def _author(data: Mapping[str, Any]) -> object:
    author = data.get("author")
    return author.get("id") if isinstance(author, dict) else None

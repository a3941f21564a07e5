"""Small servers of the two APIs, as far as comments go, written from the documentation of GitHub and GitLab.

GitHub: `Authorization: Bearer`; comments of a pull request as an issue, the oldest first, in pages with a Link header;
whoever may write may change anybody's comment; a job's token cannot ask `GET /user`, only GraphQL's `viewer`.
GitLab: `PRIVATE-TOKEN`, or `JOB-TOKEN`, which may read and write nothing; notes in pages with `X-Next-Page`, GitLab's
own among them; a line that begins with a slash is an order.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.http.loopback import DroppedError, QuietHandler, listening

BOT = "ghs_token-of-the-job"
READER = "ghs_token-of-a-fork"
ROBOT = "glpat-token-of-the-robot"
JOB = "glcbt-token-of-the-job"
US, STRANGER = ("github-actions[bot]", 41), ("mallory", 66)
MARKER = "<!-- kiamo-iac:plan:staging -->"

Answer = tuple[int, Any, Mapping[str, str]]


@dataclass
class Fake:
    """One merge request, number 7 of the repository acme/kiamo (project 42), and what was asked of the server."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    """`METHOD path status`, in order."""
    orders: list[str] = field(default_factory=list)
    """What GitLab was told to do by a line of a comment."""
    faults: list[str] = field(default_factory=list)
    """For the next writes: `drop` (before), `commit and drop` (after), or a status, with `Retry-After: 0` after a +."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    redirect: str | None = None
    refusal: str = ""
    """What GitHub says to a token that is not valid, in place of the token."""
    viewer: object = US[0]
    page: int = 100
    """The most that a page holds, whatever is asked for."""
    url: str = ""
    guard: threading.Lock = field(default_factory=threading.Lock)

    def say(self, author: tuple[str, int], body: str, *, system: bool = False) -> dict[str, Any]:
        """Add a comment."""
        login, number = author
        made = {
            "id": len(self.comments) + 1,
            "body": body,
            "user": {"login": login, "id": number, "type": "Bot" if "[bot]" in login else "User"},
            "author": {"username": login, "id": number},
            "system": system,
        }
        made["html_url"] = f"{self.url}/acme/kiamo/pull/7#issuecomment-{made['id']}"
        self.comments.append(made)
        return made

    def writes(self) -> list[str]:
        """The calls that were not reads."""
        return [call for call in self.log if not call.startswith("GET") and "graphql" not in call]

    def github(self, folder: Path, event: object = None, **more: str) -> dict[str, str]:
        """The variables of a job on a pull request; `event` takes the place of its event."""
        file = folder / "event.json"
        file.write_text(json.dumps({"pull_request": {"number": 7}} if event is None else event), encoding="utf-8")
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": f"{self.url}/api/v3",
            "GITHUB_GRAPHQL_URL": f"{self.url}/api/graphql",
            "GITHUB_REPOSITORY": "acme/kiamo",
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_TOKEN": BOT,
        } | more

    def gitlab(self, **more: str) -> dict[str, str]:
        """The variables of a job on a merge request."""
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_PROJECT_URL": f"{self.url}/acme/kiamo",
            "CI_JOB_TOKEN": JOB,
            "KIAMO_GITLAB_TOKEN": ROBOT,
        } | more


class Handler(QuietHandler):
    """Answers one request after the other."""

    fake: Fake

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fake, parts = self.fake, urlsplit(self.path)
        with fake.guard:
            fake.headers.append(dict(self.headers.items()))
            try:
                status, data, headers = self._answer(parts.path, parse_qs(parts.query), body)
            except DroppedError:
                fake.log.append(f"{self.command} {parts.path} dropped")
                self.close_connection = True
                return
            fake.log.append(f"{self.command} {parts.path} {status}")
        text = json.dumps(data).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(text))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = do_PATCH = _serve  # noqa: N815 - http.server's names

    def _answer(self, path: str, query: Mapping[str, list[str]], body: bytes) -> Answer:
        if self.fake.redirect:
            return 302, {}, {"Location": self.fake.redirect}
        data = json.loads(body) if body else {}
        if path.startswith(("/api/v3/", "/api/graphql")):
            return self._github(path, query, data)
        return self._gitlab(path, query, data)

    def _github(self, path: str, query: Mapping[str, list[str]], data: Mapping[str, Any]) -> Answer:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in {BOT, READER}:
            return 401, {"message": self.fake.refusal or f"Bad credentials {token}"}, {}
        fake = self.fake
        if path == "/api/graphql":
            return 200, {"data": {"viewer": {"login": fake.viewer}}} if fake.viewer else {"errors": []}, {}
        if path == "/api/v3/user" or (self.command != "GET" and token == READER):
            return 403, {"message": "Resource not accessible by integration"}, {}
        if path == "/api/v3/repos/acme/kiamo/issues/7/comments":
            if self.command == "GET":
                items, following = self._paged(query)
                link = f'<{fake.url}{path}?page={following}>; rel="next", <{fake.url}>; rel="last"'
                return 200, items, {"Link": link} if following else {}
            if len(data["body"]) > 65_536:
                return 422, {"message": "Validation Failed"}, {}
            return self._written(lambda: fake.say(US, data["body"]), 201)
        if found := re.fullmatch("/api/v3/repos/acme/kiamo/issues/comments/([0-9]+)", path):
            return self._changed(int(found[1]), data["body"])
        return 404, {"message": "Not Found"}, {}

    def _gitlab(self, path: str, query: Mapping[str, list[str]], data: Mapping[str, Any]) -> Answer:
        fake, token = self.fake, self.headers.get("PRIVATE-TOKEN")
        if token != ROBOT:
            reads = self.headers.get("JOB-TOKEN") == JOB and self.command == "GET"
            return (404, {}, {}) if reads else (401, {"message": f"401 Unauthorized {token}"}, {})
        if path == "/api/v4/user":
            return 200, {"id": US[1], "username": "project_42_bot", "bot": True}, {}
        notes = "/api/v4/projects/42/merge_requests/7/notes"
        if path == notes and self.command == "GET":
            items, following = self._paged(query)
            return 200, items, {"X-Next-Page": str(following or "")}
        if "body" in data:
            fake.orders += re.findall(r"^[ \t]*/[a-z].*", data["body"], re.MULTILINE)
        if path == notes:
            return self._written(lambda: fake.say(US, data["body"].strip()), 201)
        if found := re.fullmatch(f"{notes}/([0-9]+)", path):
            return self._changed(int(found[1]), data["body"].strip())
        return 404, {"message": "404 Not found"}, {}

    def _paged(self, query: Mapping[str, list[str]]) -> tuple[list[Any], int | None]:
        size, page = min(int(query.get("per_page", ["20"])[0]), self.fake.page), int(query.get("page", ["1"])[0])
        there = self.fake.comments
        return there[(page - 1) * size : page * size], page + 1 if page * size < len(there) else None

    def _changed(self, number: int, body: str) -> Answer:
        there = [comment for comment in self.fake.comments if comment["id"] == number and "locked" not in comment]
        if not there:
            return 404, {"message": "Not Found"}, {}

        def change() -> dict[str, Any]:
            there[0]["body"] = body
            return there[0]

        return self._written(change, 200)

    def _written(self, write: Any, status: int) -> Answer:
        fault = self.fake.faults.pop(0) if self.fake.faults else ""
        if fault == "drop":
            raise DroppedError
        if fault and fault != "commit and drop":
            return int(fault.rstrip("+")), {"message": "not now"}, {"Retry-After": "0"} if "+" in fault else {}
        made = write()
        if fault:
            raise DroppedError
        return status, made, {}


@contextmanager
def serving() -> Iterator[Fake]:
    """A server behind a port of loopback."""
    fake = Fake()
    with listening(Handler, fake=fake) as fake.url:
        yield fake

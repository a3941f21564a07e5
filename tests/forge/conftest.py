"""A forge, and pipelines on either of the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kiamo_iac.app import commenting
from kiamo_iac.forge import comment as forge_comment
from kiamo_iac.forge.comment import PostedComment
from tests.forge.fake import MARKER, Fake, serving


@dataclass(frozen=True)
class Job:
    """A job on a merge request of one of the two."""

    name: str
    fake: Fake
    environ: Mapping[str, str]
    log: list[str] = field(default_factory=list)

    def comment(self, text: str = f"{MARKER}\n\nA plan.\n", **more: str) -> PostedComment | None:
        """Comment, with more variables."""
        return commenting.post_comment(text, {**self.environ, **more}, log=self.log.append)


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A running forge."""
    with serving() as running:
        yield running


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited; nobody waits."""
    waited: list[float] = []
    post = forge_comment.post
    monkeypatch.setattr(commenting, "post", lambda forge, wanted: post(forge, wanted, pause=waited.append))
    return waited


@pytest.fixture(params=["github", "gitlab"])
def job(request: pytest.FixtureRequest, fake: Fake, tmp_path: Path, waits: list[float]) -> Job:
    """A job on each of the two."""
    variables: Mapping[str, Callable[[], Mapping[str, str]]] = {
        "github": lambda: fake.github(tmp_path),
        "gitlab": fake.gitlab,
    }
    return Job(request.param, fake, variables[request.param]())


@pytest.fixture
def github(fake: Fake, tmp_path: Path, waits: list[float]) -> Job:
    """A job of GitHub Actions."""
    return Job("github", fake, fake.github(tmp_path))


@pytest.fixture
def gitlab(fake: Fake, waits: list[float]) -> Job:
    """A job of GitLab CI."""
    return Job("gitlab", fake, fake.gitlab())

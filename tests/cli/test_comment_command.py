"""`kiamo-iac comment` as a pipeline runs it: over HTTP, against a small forge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.emulator import FULL_TOKEN
from tests.forge.fake import BOT, MARKER, Fake, serving


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Fake]:
    """A forge, and the variables of a job of GitHub on it."""
    monkeypatch.delenv("GITLAB_CI", raising=False)
    with serving() as running:
        for name, value in running.github(tmp_path).items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A plan."""
    path = tmp_path / "plan.md"
    path.write_bytes(f"{MARKER}\n\nPrévu.\n".encode())
    return path


def test_it_posts_and_then_updates(fake: Fake, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["comment", str(file)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{fake.url}/acme/kiamo/pull/7#issuecomment-1\n"
    assert captured.err == "Comment created.\n"
    file.write_bytes(f"{MARKER}\n\nFait.\n".encode())
    assert run(["comment", str(file)]) == 0
    assert capsys.readouterr().err == "Comment updated.\n"
    assert [comment["body"] for comment in fake.comments] == [f"{MARKER}\n\nFait.\n"]


def test_without_a_merge_request_nothing_is_posted(
    fake: Fake, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.github(tmp_path, {"ref": "refs/heads/main"})
    monkeypatch.delenv("GITHUB_TOKEN")
    assert run(["comment", str(file)]) == 0
    assert "nothing was posted" in capsys.readouterr().err
    assert fake.log == []


def test_outside_of_a_pipeline_it_is_a_mistake(
    fake: Fake, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert run(["comment", str(file)]) == 64
    assert "Not in a pipeline job" in capsys.readouterr().err


def test_no_token_gets_into_the_comment_or_the_log(
    fake: Fake, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", "a-token-of-another-form")
    file.write_text(f"{MARKER}\n{FULL_TOKEN} a-token-of-another-form\n", encoding="utf-8")
    assert run(["-v", "comment", str(file)]) == 0
    captured = capsys.readouterr()
    assert fake.comments[0]["body"] == f"{MARKER}\n(hidden) (hidden)\n"
    assert BOT not in captured.out + captured.err


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"A plan.\n"])
def test_a_file_that_is_no_comment_is_refused(fake: Fake, file: Path, data: bytes) -> None:
    file.write_bytes(data)
    assert run(["comment", str(file)]) == 64
    assert fake.log == []


def test_each_project_with_a_name_has_a_comment_of_its_own(
    fake: Fake, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "manifests").mkdir()
    for name in ("outbound", "inbound", "outbound"):
        (tmp_path / "kiamo.yaml").write_text(f"name: {name}\nmanifests: [manifests]\n", encoding="utf-8")
        assert run(["comment", str(file)]) == 0
    begun = [comment["body"].splitlines()[0] for comment in fake.comments]
    assert begun == [MARKER.replace(" -->", ":outbound -->"), MARKER.replace(" -->", ":inbound -->")]

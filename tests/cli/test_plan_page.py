"""The page of a plan: the command that applies it, and links from `file:line` to the forge of this checkout alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kiamo_iac.core.diagnostics import SourceRange
from kiamo_iac.core.urls import page_of_remote
from kiamo_iac.render.base import NO_CONTEXT, PageContext
from tests.cli.conftest import Desk
from tests.git_by_hand import git, leave_the_job

LINK = re.compile(r'<a href="(https?:[^"]*)"')


@pytest.fixture(autouse=True)
def _no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_the_job(monkeypatch)


def committed(desk: Desk, remote: str = "") -> str:
    """A checkout with the project in its folder `desk`, and its commit."""
    git(desk.folder, "init", "-q", "-b", "main")
    git(desk.folder, "add", "kiamo.yaml", "manifests")
    git(desk.folder, "commit", "-q", "-m", "one")
    if remote:
        git(desk.folder, "remote", "add", "origin", remote)
    return git(desk.folder, "rev-parse", "HEAD")


def links(desk: Desk, *command: str) -> set[str]:
    """The addresses elsewhere that the page of the plan leads to."""
    code, out, err = desk.run(*(command or ("plan", "-e", "staging")), "--format", "html")
    assert code == 0, err
    return set(LINK.findall(out))


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("git@gitlab.example.com:group/sub/project.git", "https://gitlab.example.com/group/sub/project/-/blob/"),
        ("https://ci:secret@gitlab.example.com:8443/group/p.git", "https://gitlab.example.com:8443/group/p/-/blob/"),
        ("ssh://git@github.com:22/owner/repo", "https://github.com/owner/repo/blob/"),
    ],
)
def test_d15_places_lead_to_the_forge_of_the_remote(desk: Desk, remote: str, page: str) -> None:
    commit = committed(desk, remote)
    assert f"{page}{commit}/manifests/a.yaml#L4" in links(desk)


def test_d15_the_pipeline_names_the_forge_before_the_remote(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = committed(desk, "git@github.com:owner/repo.git")
    monkeypatch.setenv("CI_PROJECT_URL", "https://code.example.com/group/project")
    assert f"https://code.example.com/group/project/-/blob/{commit}/manifests/a.yaml#L4" in links(desk)
    monkeypatch.delenv("CI_PROJECT_URL")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/other")
    assert f"https://github.example.com/owner/other/blob/{commit}/manifests/a.yaml#L4" in links(desk)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://127.0.0.1/g/p", "https://a@b.example.com/g/p", 'https://a.example.com/"><b>']
)
def test_d15_what_is_no_https_address_of_a_forge_is_no_link(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    committed(desk, "https://gitlab.example.com/group/project.git")
    monkeypatch.setenv("CI_PROJECT_URL", url)
    assert links(desk) == set()


@pytest.mark.parametrize(
    "remote", ["/srv/git/p.git", "ext::sh -c true", "http://gitlab.example.com/g/p", "git@code.example.com:g/p"]
)
def test_d15_a_remote_whose_forge_is_unknown_is_no_link(desk: Desk, remote: str) -> None:
    committed(desk, remote)
    assert links(desk) == set()


def test_d15_a_saved_plan_leads_nowhere_but_from_a_checkout_of_its_commit(desk: Desk, tmp_path: Path) -> None:
    """A stranger can write into a saved plan which commit it is of."""
    commit = committed(desk, "git@gitlab.example.com:group/project.git")
    file = tmp_path / "a.plan"
    assert desk.run("plan", "-e", "staging", "--out", str(file))[0] == 0
    assert f"https://gitlab.example.com/group/project/-/blob/{commit}/manifests/a.yaml#L4" in links(
        desk, "show", str(file)
    )
    git(desk.folder, "commit", "-q", "--allow-empty", "-m", "two")
    assert links(desk, "show", str(file)) == set()
    desk.manifest((desk.folder / "manifests" / "a.yaml").read_text() + "# not committed\n")
    assert links(desk) == set()


def test_d15_the_name_of_a_file_is_only_a_path_below_the_commit() -> None:
    context = PageContext(sources="https://gitlab.example.com/g/p/-/blob/abc/")
    href = context.href(SourceRange('manifests/a "b"#c?d%2F\u202e\ud800.yaml', 3, 1))
    assert href == ("https://gitlab.example.com/g/p/-/blob/abc/manifests/a%20%22b%22%23c%3Fd%252F%E2%80%AE%3F.yaml#L3")
    for outside in ("/etc/passwd", "../other/a.yaml", "a/../../b.yaml", "//evil.example.com/a.yaml", "./a.yaml"):
        assert context.href(SourceRange(outside, 1, 1)) == ""
    assert NO_CONTEXT.href(SourceRange("a.yaml", 1, 1)) == ""


@pytest.mark.parametrize("remote", ["git@gitlab.example.com:../../x", "https://h.example.com/a//b", "git@h:a?b"])
def test_a_remote_that_is_no_path_of_a_page_is_none(remote: str) -> None:
    with pytest.raises(ValueError, match=r"path|query"):
        page_of_remote(remote)


def test_d15_the_page_has_the_command_that_applies_the_plan(desk: Desk, tmp_path: Path) -> None:
    def command(*words: str) -> str:
        page = desk.run(*words, "--format", "html")[1]
        found = re.search(r'<code id="command">(.*?)</code>', page)
        return found[1].replace("&#39;", "'") if found else ""

    assert command("plan", "-e", "staging") == "kiamo-iac apply -e staging"
    target = "bases/prospects/fields/ville"
    assert command("plan", "-e", "staging", "--prune", "--target", target) == (
        f"kiamo-iac apply -e staging --prune --target {target}"
    )
    file = tmp_path / "the plan"
    saved = command("plan", "-e", "staging", "--out", str(file))
    assert saved == f"kiamo-iac apply '{file}'"
    assert command("show", str(file)) == saved
    assert desk.run("plan", "-e", "staging", "--out", str(file))[2].rstrip().endswith(saved)
    desk.apply()
    assert command("plan", "-e", "staging") == ""


def test_d15_steps_of_an_object_and_what_is_below_it_come_before_the_next(desk: Desk) -> None:
    """`-` sorts before `/`."""
    names = ("x", "x-001", "x-002")
    bases = "".join(f"  - {{name: {name}, fields: [{{name: f, label: F, datatype: string}}]}}\n" for name in names)
    desk.manifest(f"bases:\n{bases}")
    found = re.findall(r'<tr id="step-(\d+)"', desk.run("plan", "-e", "staging", "--format", "html")[1])
    assert found == [str(number) for number in range(1, len(found) + 1)]
    assert len(found) == 6

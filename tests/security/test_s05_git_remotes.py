"""A project file that leads git, and the credentials of the job, to another server."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import MANIFEST, Desk
from tests.git_by_hand import git, leave_the_job
from tests.http.servers import Wild, always, answer, wild

PROJECT = """\
manifests: [manifests]
environments:
  staging: {{url: "http://127.0.0.1:8090", ledger: {{backend: git, remote: "{}"}}}}
"""
COMMANDS = (
    ("plan", "-e", "staging"),
    ("drift", "-e", "staging"),
    ("ledger", "list", "-e", "staging"),
    ("export", "-e", "staging"),
    ("plan", "--all-environments"),
    ("apply", "-e", "staging", "--yes"),
    ("adopt", "-e", "staging", "bases/prospects"),
    ("ledger", "forget", "-e", "staging", "bases/prospects"),
    ("ledger", "unlock", "-e", "staging", "x"),
)
PIN = "KIAMO_STAGING_LEDGER_ORIGIN"
CREDENTIAL = "job:hunter2"


@pytest.fixture
def project(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose job holds credentials in every place that git asks, for whichever host."""
    leave_the_job(monkeypatch)
    folder = desk.folder / "checkout"
    (folder / "manifests").mkdir(parents=True)
    (folder / "manifests" / "a.yaml").write_text(MANIFEST, encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    askpass = desk.folder / "askpass.sh"
    askpass.write_text('#!/bin/sh\ncase "$1" in User*) echo job;; *) echo hunter2;; esac\n')
    askpass.chmod(0o755)
    monkeypatch.setenv("GIT_ASKPASS", str(askpass))
    header = f"X-Job: {b64encode(CREDENTIAL.encode()).decode()}"
    pairs = {"http.extraheader": header, "credential.helper": "!f() { echo username=job; echo password=hunter2; }; f"}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(pairs)))
    for number, (key, value) in enumerate(pairs.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.chdir(folder)
    return folder


def ledger_at(project: Path, remote: str) -> None:
    """What the project file says of the ledger."""
    (project / "kiamo.yaml").write_text(PROJECT.format(remote), encoding="utf-8")


@pytest.fixture
def evil() -> Iterator[Wild]:
    """The server of whoever wrote the merge request: it asks for a password."""
    with wild(
        always(answer(b"", status="401 No", headers='WWW-Authenticate: Basic realm="x"\r\nConnection: close\r\n'))
    ) as server:
        yield server


def assert_refused(desk: Desk, *said: str, code: int = 64) -> None:
    """No command of them all gets anywhere."""
    for line in COMMANDS:
        exit_code, out, err = desk.run(*line)
        if "--all-environments" in line:  # a row of the table says what happened
            assert exit_code in {1, 64}
            assert said[0].split(",")[0] in out + err
            continue
        assert exit_code == code, err
        for text in said:
            assert text in err


def test_s05_the_attack_works_on_a_remote_that_is_allowed(project: Path, desk: Desk, evil: Wild) -> None:
    """What the tests below prevent: here the checkout itself names the server, which so gets the credentials."""
    git(project, "remote", "add", "origin", f"{evil.url}/x.git")
    ledger_at(project, "origin")
    assert desk.run("ledger", "list", "-e", "staging")[0] == 1
    seen = b"".join(evil.requests)
    assert b64encode(CREDENTIAL.encode()) in seen
    assert b"Authorization: Basic" in seen


@pytest.mark.parametrize("ledger", ["{evil}/x.git", "{evil}"])
def test_s05_an_address_that_only_the_project_file_names_gets_nothing(
    project: Path, desk: Desk, evil: Wild, ledger: str
) -> None:
    git(project, "remote", "add", "origin", "https://git.example.com/x.git")
    ledger_at(project, ledger.format(evil=evil.url))
    assert_refused(desk, "only the project file names", f"Hint: set {PIN} to its origin")
    assert (evil.connections, evil.requests) == (0, [])


@pytest.mark.parametrize("ledger", ["ssh://evil.example.com/x.git", "git@evil.example.com:x.git"])
def test_s05_an_address_over_ssh_that_only_the_project_file_names_is_not_called(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, ledger: str
) -> None:
    called = desk.folder / "called"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {called}; false")
    git(project, "remote", "add", "origin", "git@git.example.com:x.git")
    ledger_at(project, ledger)
    assert_refused(desk, "only the project file names")
    assert not called.exists()
    monkeypatch.setenv(PIN, "ssh://git.example.com")
    assert_refused(desk, "ssh://evil.example.com:22", "allows only ssh://git.example.com:22")
    assert not called.exists()
    monkeypatch.setenv(PIN, "ssh://evil.example.com")
    assert desk.run("ledger", "list", "-e", "staging")[0] == 1
    assert called.exists()


@pytest.mark.parametrize(
    "remote",
    [
        "ssh://git.example.com/a@[evil.example.com]/x.git",
        "ssh://git@git.example.com/a%40%5Bevil.example.com%5D/x.git",
        "git@git.example.com:a@[evil.example.com]:x.git",
        "ssh://evil.example.com%2F@git.example.com/x.git",
    ],
)
def test_s05_an_address_in_which_git_finds_another_host_is_not_called(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, remote: str
) -> None:
    """Git runs `ssh … git.example.com/a@evil.example.com` for the first: what is behind the last @ is ssh's host."""
    called = desk.folder / "called"
    ssh = desk.folder / "ssh.sh"
    ssh.write_text(f'#!/bin/sh\necho "$*" >> {called}\nexit 1\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH", str(ssh))
    monkeypatch.setenv(PIN, "ssh://git.example.com")
    ledger_at(project, remote)
    assert_refused(desk, "invalid remote", code=1)
    git(project, "remote", "add", "origin", remote)
    ledger_at(project, "origin")
    assert_refused(desk, "allows only ssh://git.example.com:22")
    assert not called.exists()
    git(project, "remote", "set-url", "origin", "git@git.example.com:x.git")
    assert desk.run("ledger", "list", "-e", "staging")[0] == 1
    assert "git@git.example.com git-upload-pack" in called.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "configure",
    [
        [("remote", "add", "origin", "{0}/x.git")],
        [("remote", "add", "origin", "{1}/x.git"), ("config", "url.{0}/.insteadOf", "{1}/")],
        [("remote", "add", "origin", "{1}/x.git"), ("config", "url.{0}/.pushInsteadOf", "{1}/")],
        [("remote", "add", "origin", "{1}/x.git"), ("config", "remote.origin.pushurl", "{0}/x.git")],
        [("remote", "add", "origin", "{1}/x.git"), ("config", "--add", "remote.origin.url", "{0}/x.git")],
        [("remote", "add", "origin", "../elsewhere")],
        [("remote", "add", "origin", "file:///elsewhere")],
        [("remote", "add", "origin", "git://git.example.com/x")],
        [("remote", "add", "origin", "http://git.example.com/x")],
    ],
    ids=["url", "insteadOf", "pushInsteadOf", "pushurl", "second url", "path", "file", "git", "http"],
)
def test_s05_a_named_remote_is_held_against_the_pin_for_reads_and_writes(
    project: Path, desk: Desk, evil: Wild, monkeypatch: pytest.MonkeyPatch, configure: list[tuple[str, ...]]
) -> None:
    allowed = "https://git.example.com"
    for arguments in configure:
        git(project, *(argument.format(evil.url, allowed) for argument in arguments))
    ledger_at(project, "origin")
    monkeypatch.setenv(PIN, allowed)
    assert_refused(desk, f"{PIN} allows only https://git.example.com:443", "git remote -v")
    assert (evil.connections, evil.requests) == (0, [])


def test_s05_an_address_is_rewritten_by_the_users_configuration_and_then_compared(
    project: Path, desk: Desk, evil: Wild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PIN, "https://git.example.com")
    ledger_at(project, "https://git.example.com/x.git")
    git(project, "config", f"url.{evil.url}/.insteadOf", "https://git.example.com/")
    assert_refused(desk, "allows only https://git.example.com:443")
    assert evil.connections == 0


def test_s05_a_pinned_address_is_used_for_reads_and_writes(
    project: Path, desk: Desk, evil: Wild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is one of ours for the moment, so that no pushInsteadOf leads writes elsewhere."""
    monkeypatch.setenv(PIN, evil.url)
    ledger_at(project, f"{evil.url}/x.git")
    git(project, "config", "url.https://127.0.0.1:1/.pushInsteadOf", f"{evil.url}/")
    code, _, err = desk.run("apply", "-e", "staging", "--yes")
    assert code == 1
    assert evil.connections
    assert "Authentication failed" in err
    assert all(b"/x.git/info/refs?service=git-" in request for request in evil.requests)
    assert any(b"service=git-receive-pack" in request for request in evil.requests)


@pytest.mark.parametrize(
    ("configured", "ledger"),
    [
        ("{0}/a/x.git", "{0}/a/x.git"),
        ("{0}/a/x", "{0}/a/x.git"),
        ("http://robot:secret@{1}/a/x.git", "{0}/a/x"),
    ],
)
def test_s05_an_address_that_the_checkout_configures_too_is_that_remote(
    project: Path, desk: Desk, evil: Wild, configured: str, ledger: str
) -> None:
    authority = evil.url.removeprefix("http://")
    git(project, "remote", "add", "upstream", configured.format(evil.url, authority))
    ledger_at(project, ledger.format(evil.url))
    code, _, err = desk.run("ledger", "list", "-e", "staging")
    assert code == 1
    assert "Authentication failed" in err
    assert evil.connections
    ledger_at(project, f"{evil.url}/a/other.git")
    before = evil.connections
    assert_refused(desk, "only the project file names")
    assert evil.connections == before


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
@pytest.mark.parametrize("pinned", [True, False])
def test_s05_a_redirect_is_not_followed(
    project: Path, desk: Desk, evil: Wild, monkeypatch: pytest.MonkeyPatch, status: str, *, pinned: bool
) -> None:
    location = f"Location: {evil.url}/x.git/info/refs?service=git-upload-pack\r\nConnection: close\r\n"
    with wild(always(answer(b"", status=status, headers=location))) as server:
        git(project, "remote", "add", "origin", f"{server.url}/x.git")
        ledger_at(project, "origin")
        if pinned:
            monkeypatch.setenv(PIN, server.url)
        code, _, err = desk.run("plan", "-e", "staging")
        assert code == 1
        assert server.connections
        assert "Hint: redirects are not followed" in err
    assert (evil.connections, evil.requests) == (0, [])


def test_s05_a_remote_of_a_submodule_needs_a_pin(
    project: Path, desk: Desk, evil: Wild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a submodule was cloned from, `.gitmodules` says: a file of the tree."""
    inner = desk.folder / "inner"
    inner.mkdir()
    git(inner, "init", "-q", "-b", "main")
    (inner / "manifests").mkdir()
    (inner / "manifests" / "a.yaml").write_text(MANIFEST, encoding="utf-8")
    ledger_at(inner, "origin")
    git(inner, "add", ".")
    git(inner, "commit", "-q", "-m", "evil")
    git(project, "submodule", "add", str(inner), "telephony")
    git(project / "telephony", "remote", "set-url", "origin", f"{evil.url}/x.git")
    monkeypatch.chdir(project / "telephony")
    assert_refused(desk, "a remote of a submodule", f"Hint: set {PIN}")
    assert evil.connections == 0
    monkeypatch.setenv(PIN, evil.url)
    assert desk.run("plan", "-e", "staging")[0] == 1
    assert evil.connections


def test_s05_a_remote_of_the_users_own_configuration_is_none_of_the_checkout(
    project: Path, desk: Desk, evil: Wild, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = desk.folder / "gitconfig"
    config.write_text(f'[remote "shared"]\n\turl = {evil.url}/x.git\n', encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    ledger_at(project, "shared")
    assert_refused(desk, 'the remote "shared", which does not exist', code=1)
    assert evil.connections == 0


def test_s05_no_password_of_a_remote_is_shown(
    project: Path, desk: Desk, evil: Wild, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(project, "remote", "add", "origin", f"http://robot:secret-of-a-job@{evil.url.removeprefix('http://')}/x.git")
    ledger_at(project, "origin")
    for pin in (evil.url, "https://git.example.com"):
        monkeypatch.setenv(PIN, pin)
        for line in COMMANDS:
            _, out, err = desk.run(*line)
            assert not re.search("secret-of-a-job|hunter2", out + err)

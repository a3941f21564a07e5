"""A merge request that brings what git would obey: an embedded bare repository, a `.git` file, a program `git`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kiamo_iac.git import command
from tests.cli.conftest import MANIFEST, Desk
from tests.git_by_hand import git, leave_the_job

COMMANDS = (
    ("plan", "-e", "staging"),
    ("drift", "-e", "staging"),
    ("ledger", "list", "-e", "staging"),
    ("export", "-e", "staging"),
    ("apply", "-e", "staging", "--yes"),
    ("adopt", "-e", "staging", "bases/prospects"),
    ("ledger", "forget", "-e", "staging", "bases/prospects"),
)
"""Command lines that read or write a ledger."""
PROJECT = """\
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:8090", ledger: {backend: git, remote: origin}}
"""
FILE_LEDGER = PROJECT.replace(", ledger: {backend: git, remote: origin}", "")


@pytest.fixture
def project(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `telephony` of a checkout, with a ledger on git; `origin` is a bare repository elsewhere."""
    leave_the_job(monkeypatch)
    checkout, folder = desk.folder / "checkout", desk.folder / "checkout" / "telephony"
    (folder / "manifests").mkdir(parents=True)
    (folder / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "manifests" / "a.yaml").write_text(MANIFEST, encoding="utf-8")
    git(desk.folder, "init", "-q", "--bare", "origin.git")
    git(checkout, "init", "-q", "-b", "main")
    git(checkout, "remote", "add", "origin", str(desk.folder / "origin.git"))
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "begin")
    monkeypatch.chdir(folder)
    return folder


def bare_at(folder: Path, pwned: Path) -> None:
    """A bare repository among the files of `folder`, as a commit can hold it, that runs a program on every occasion."""
    (folder / "objects" / "info").mkdir(parents=True)
    (folder / "objects" / "info" / "keep").touch()
    (folder / "refs" / "heads").mkdir(parents=True)
    (folder / "refs" / "heads" / "keep").touch()
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    runs = folder.parent / "evil.sh"
    runs.write_text(f'#!/bin/sh\nenv > {pwned}\nexec "$@"\n')
    runs.chmod(0o755)
    (folder / "config").write_text(
        "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
        f'\tfsmonitor = "{runs}"\n\tsshCommand = "{runs}"\n\thooksPath = "{runs.parent}"\n'
        f'[remote "origin"]\n\turl = .\n'
        f'\tuploadpack = "{runs} git-upload-pack"\n\treceivepack = "{runs} git-receive-pack"\n'
        f'[credential]\n\thelper = "{runs}"\n'
    )


@pytest.mark.parametrize("explicit", [True, False], ids=["safe.bareRepository", "by --git-dir alone"])
def test_s01_an_embedded_bare_repository_is_never_taken_for_the_projects_own(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, *, explicit: bool
) -> None:
    """The second way is that of a git before 2.38, which does not know the setting."""
    if not explicit:
        monkeypatch.setattr(command, "CONFIG", {k: v for k, v in command.CONFIG.items() if k != "safe.bareRepository"})
    pwned = desk.folder / "pwned"
    bare_at(project, pwned)
    for line in COMMANDS:
        code, out, err = desk.run(*line)
        assert code == 0, out + err
    assert not pwned.exists()
    assert git(desk.folder / "origin.git", "for-each-ref", "--format=%(refname)") == "refs/kiamo-iac/staging"


@pytest.mark.parametrize("how", ["file", "link", "file of a link"])
def test_s01_a_git_file_that_leads_into_the_tree_is_refused(project: Path, desk: Desk, how: str) -> None:
    """No commit brings a `.git`; an archive or a cache of a job can."""
    pwned = desk.folder / "pwned"
    evil = project.parent / "evil"
    evil.mkdir()
    bare_at(evil, pwned)
    (evil / "config").write_text((evil / "config").read_text().replace("bare = true", "bare = false"))
    match how:
        case "file":
            (project / ".git").write_text("gitdir: ../evil\n")
        case "link":
            (project / ".git").symlink_to(evil)
        case "file of a link":
            (desk.folder / "outside").symlink_to(evil)
            (project / ".git").write_text(f"gitdir: {desk.folder / 'outside'}\n")
    for line in COMMANDS:
        code, _, err = desk.run(*line)
        assert code == 1
        assert "telephony/.git leads to" in err
        assert "checkout/evil, a folder that a commit can bring" in err
        assert "Hint: " in err
    assert not pwned.exists()
    (project / "kiamo.yaml").write_text(FILE_LEDGER, encoding="utf-8")
    assert desk.run("apply", "-e", "staging", "--yes")[0] == 0
    assert not pwned.exists()
    assert '"commit":null' in (project / ".kiamo" / "staging.ledger.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["{0}:{1}", ".:{1}", ":{1}", "bin:{1}", "{0}/bin:{1}", "{2}/bin:{1}"])
def test_s01_a_program_git_of_the_checkout_is_never_started(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    pwned = desk.folder / "pwned"
    for folder in (project, project / "bin", project.parent / "bin"):
        folder.mkdir(exist_ok=True)
        for name in ("git", "git-upload-pack", "git-receive-pack"):
            (folder / name).write_text(f'#!/bin/sh\ntouch {pwned}\nexec env -i PATH=/usr/bin:/bin {name} "$@"\n')
            (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", path.format(project, os.environ["PATH"], project.parent))
    for line in COMMANDS:
        code, out, err = desk.run(*line)
        assert code == 0, out + err
    (project / "kiamo.yaml").write_text(FILE_LEDGER, encoding="utf-8")
    git(project, "commit", "-q", "-a", "-m", "a ledger in a file")
    assert desk.run("adopt", "-e", "staging", "bases/prospects")[0] == 0
    assert {thing["commit"] for thing in desk.owned().values()} == {git(project, "rev-parse", "HEAD")}
    assert not pwned.exists()


def test_s01_variables_that_redirect_git_are_taken_out(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwned, seen = desk.folder / "pwned", desk.folder / "seen"
    bare_at(project, pwned)
    runs = project.parent / "evil.sh"
    redirecting = {
        "GIT_DIR": project,
        "GIT_COMMON_DIR": project,
        "GIT_WORK_TREE": project,
        "GIT_OBJECT_DIRECTORY": project / "objects",
        "GIT_EXEC_PATH": project,
        "GIT_EXTERNAL_DIFF": runs,
        "GIT_PAGER": runs,
        "GIT_EDITOR": runs,
        "GIT_PROXY_COMMAND": runs,
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={runs}'",
        "GIT_TRACE": seen,
        "GIT_TRACE_CURL": seen,
        "GIT_TRACE2_EVENT": seen,
        "GIT_REDIRECT_STDERR": seen,
    }
    for name, value in redirecting.items():
        monkeypatch.setenv(name, str(value))
    for line in COMMANDS:
        code, out, err = desk.run(*line)
        assert code == 0, out + err
    assert not pwned.exists()
    assert not seen.exists()


def test_s01_git_and_what_it_starts_see_no_token_of_an_instance(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = desk.folder / "seen"
    ssh = desk.folder / "ssh.sh"
    ssh.write_text(f'#!/bin/sh\nenv > {seen}\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    git(project, "remote", "set-url", "origin", f"ssh://host.invalid{desk.folder}/origin.git")
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    code, out, err = desk.run("ledger", "list", "-e", "staging")
    assert code == 0, out + err
    assert "GIT_SSH_COMMAND=" in seen.read_text()
    assert "KIAMO_STAGING_TOKEN" in os.environ
    assert "KIAMO_" not in seen.read_text()


@pytest.mark.parametrize(
    "how", ["HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "include", "link"]
)
def test_s01_a_configuration_that_a_commit_brings_runs_nothing(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Jobs set HOME to the folder of the checkout where the user of a container has none."""
    pwned, checkout = desk.folder / "pwned", project.parent
    file = checkout / ("git/config" if how == "XDG_CONFIG_HOME" else ".gitconfig")
    file.parent.mkdir(exist_ok=True)
    evil = f'[core]\n\tsshCommand = "env > {pwned}; false"\n[credential]\n\thelper = "!env > {pwned}; false"\n'
    match how:
        case "HOME" | "XDG_CONFIG_HOME":
            monkeypatch.setenv(how, str(checkout))
        case "include":
            git(checkout, "config", "include.path", "../.gitconfig")
        case "link":
            monkeypatch.setenv("HOME", str(checkout))
            file.symlink_to("evil")
        case _:
            monkeypatch.setenv(how, str(file))
    git(checkout, "remote", "set-url", "origin", "git@git.example.com:x.git")
    file.write_text(evil, encoding="utf-8")
    git(checkout, "add", ".")
    for line in COMMANDS:
        code, _, err = desk.run(*line)
        assert code == 1
        assert "Git would read core.sshcommand from" in err
        assert "a file that a commit can bring: git tracks" in err
        assert "Hint: set HOME" in err
    assert not pwned.exists()
    git(checkout, "rm", "-q", "--cached", str(file.relative_to(checkout)), *(["evil"] if how == "link" else []))
    assert desk.run("ledger", "list", "-e", "staging")[0] == 1
    assert pwned.exists(), "what the job itself configures there stands"


def test_s01_a_configuration_beside_a_submodule_runs_nothing(
    project: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request may change the repository around it."""
    pwned, around = desk.folder / "pwned", desk.folder / "around"
    around.mkdir()
    git(around, "init", "-q", "-b", "main")
    git(around, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(project.parent), "sub")
    git(around / "sub", "remote", "set-url", "origin", "git@git.example.com:x.git")
    (around / ".gitconfig").write_text(f'[core]\n\tsshCommand = "env > {pwned}; false"\n', encoding="utf-8")
    (around / "bin").mkdir()
    (around / "bin" / "git").write_text(f"#!/bin/sh\nenv > {pwned}\n")
    (around / "bin" / "git").chmod(0o755)
    git(around, "add", ".")
    monkeypatch.setenv("HOME", str(around))
    monkeypatch.setenv("PATH", f"{around / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_ORIGIN", "ssh://git.example.com")
    monkeypatch.chdir(around / "sub" / "telephony")
    code, _, err = desk.run("ledger", "list", "-e", "staging")
    assert (code, "Git would read core.sshcommand from" in err) == (1, True)
    assert not pwned.exists()


def test_s01_a_team_may_share_what_its_people_alone_use(project: Path, desk: Desk) -> None:
    checkout = project.parent
    (checkout / ".gitconfig").write_text(
        "[alias]\n\tpush = !false\n\tco = checkout\n[fetch]\n\tprune = true\n[core]\n\tautocrlf = input\n"
        '[diff "yaml"]\n\ttextconv = cat\n[pull]\n\trebase = true\n[push]\n\tdefault = current\n',
        encoding="utf-8",
    )
    git(checkout, "config", "include.path", "../.gitconfig")
    git(checkout, "add", ".")
    for line in COMMANDS:
        code, out, err = desk.run(*line)
        assert code == 0, out + err

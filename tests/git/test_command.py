"""One place starts git; what it is started with."""

from __future__ import annotations

import ast
import os
import signal
from pathlib import Path

import pytest

import kiamo_iac
from kiamo_iac.core.errors import GitError
from kiamo_iac.git import command
from kiamo_iac.git.command import Git
from kiamo_iac.git.environment import find_git, git_environment
from tests.git_by_hand import ENVIRON, git

PACKAGE = Path(kiamo_iac.__file__).parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return folder


def opened(folder: Path, **more: str) -> Git:
    found = Git.of(folder, ENVIRON | more)
    assert found is not None
    return found


def program_at(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_nothing_else_in_the_package_starts_a_program() -> None:
    starters = {"subprocess", "pty", "multiprocessing"}
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names):
                    modules = {name.name.partition(".")[0] for name in names}
                case ast.ImportFrom(module):
                    modules = {(module or "").partition(".")[0]}
                case ast.Attribute(ast.Name("os"), attribute):
                    modules = (
                        {"subprocess"}
                        if attribute.startswith(("exec", "posix_spawn", "spawn", "system", "popen"))
                        else set()
                    )
                case _:
                    continue
            if modules & starters:
                found.add(file.relative_to(PACKAGE).as_posix())
    assert found == {"git/command.py", "demo/runner.py"}  # the demo starts this very program


def test_the_repository_of_another_user_is_refused_unless_it_is_trusted(checkout: Path, tmp_path: Path) -> None:
    """Git's own tests let it believe that: a variable that is not passed on to it otherwise."""
    real = find_git(ENVIRON, tree=checkout)
    program_at(tmp_path / "bin" / "git", f'GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"')
    environ = ENVIRON | {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{ENVIRON['PATH']}"}
    with pytest.raises(GitError, match=r"checkout belongs to another user") as caught:
        Git.of(checkout, environ)
    assert f"safe.directory {checkout}" in (caught.value.hint or "")
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(checkout)}
    found = Git.of(checkout, environ | trusted)
    assert found is not None
    assert found.run("rev-parse", "HEAD").code == 0


def test_replaced_objects_are_seen_as_they_were(checkout: Path) -> None:
    one = git(checkout, "rev-parse", "HEAD")
    git(checkout, "commit", "-q", "--allow-empty", "-m", "two")
    git(checkout, "replace", one, "HEAD")
    assert b"one" in opened(checkout).run("cat-file", "commit", one).output


def test_what_a_configuration_would_run_is_off(checkout: Path, tmp_path: Path) -> None:
    pwned = tmp_path / "pwned"
    evil = program_at(tmp_path / "evil", f"touch {pwned}; exit 1")
    program_at(checkout / ".git/hooks/reference-transaction", f"touch {pwned}")
    for name in ("core.fsmonitor", "core.pager", "core.hooksPath", "gpg.program"):
        git(checkout, "config", name, str(evil))
    (checkout / ".gitattributes").write_text("* filter=evil diff=evil\n")
    for name in ("filter.evil.clean", "filter.evil.process", "diff.evil.textconv"):
        git(checkout, "config", name, str(evil))
    git(checkout, "config", "protocol.ext.allow", "always")
    git(checkout, "config", "push.gpgSign", "true")
    (checkout / "a.yaml").write_text("a: 1\n")
    found = opened(checkout)
    assert found.run("update-ref", "refs/x/y", "HEAD").code == 0
    assert found.run("ls-files", "--others").code == 0
    assert found.run("hash-object", "-w", "--stdin", stdin=b"x").code == 0
    assert found.run("log", "-1").code == 0
    refused = found.run("ls-remote", "--", f"ext::{evil}")
    assert (refused.code, "'ext' not allowed" in refused.message) == (128, True)
    assert not pwned.exists()


def test_the_users_configuration_is_used(checkout: Path) -> None:
    git(checkout, "config", "http.https://example.com/.extraheader", "AUTHORIZATION: basic x")
    git(checkout, "config", "core.sshCommand", "ssh -i key")
    pair = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "credential.helper", "GIT_CONFIG_VALUE_0": "!job"}
    found = opened(checkout, **pair)
    for name, value in (
        ("http.https://example.com/.extraheader", "AUTHORIZATION: basic x"),
        ("core.sshCommand", "ssh -i key"),
        ("credential.helper", "!job"),
        ("safe.bareRepository", "explicit"),
        ("http.followRedirects", "false"),
    ):
        assert found.run("config", "--get", name).output.decode().strip() == value


@pytest.mark.parametrize(
    "name",
    [
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_ATTR_SOURCE",
        "GIT_CEILING_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_CONFIG_PARAMETERS",
        "GIT_CURL_VERBOSE",
        "GIT_DIR",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM",
        "GIT_EDITOR",
        "GIT_EXEC_PATH",
        "GIT_EXTERNAL_DIFF",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_LITERAL_PATHSPECS",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PAGER",
        "GIT_PROXY_COMMAND",
        "GIT_REDIRECT_STDOUT",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_SSL_NO_VERIFY",
        "GIT_TEMPLATE_DIR",
        "GIT_TRACE",
        "GIT_TRACE2_EVENT",
        "GIT_TRACE_CURL",
        "GIT_TRACE_CURL_NO_DATA",
        "GIT_WORK_TREE",
        "GIT_OF_A_VERSION_TO_COME",
        "git_dir",
        "KIAMO_TOKEN",
        "KIAMO_STAGING_TOKEN",
        "KIAMO_STAGING_PLAN_TOKEN_FILE",
        "KIAMO_STAGING_LEDGER_PASSWORD",
        "KIAMO_STAGING_LEDGER_PASSWORD_FILE",
    ],
)
def test_variables_that_redirect_git_or_hold_a_token_do_not_reach_it(tmp_path: Path, name: str) -> None:
    assert name not in git_environment({name: "x", "PATH": "/bin"}, tree=tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "GIT_ASKPASS",
        "GIT_CONFIG_COUNT",
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_KEY_12",
        "GIT_CONFIG_VALUE_0",
        "GIT_SSH",
        "GIT_SSH_COMMAND",
        "GIT_SSL_CAINFO",
        "HOME",
        "HTTPS_PROXY",
        "SSH_ASKPASS",
        "SSH_AUTH_SOCK",
    ],
)
def test_credentials_of_a_job_and_trust_reach_it(tmp_path: Path, name: str) -> None:
    assert git_environment({name: "x", "PATH": "/bin"}, tree=tmp_path)[name] == "x"


def test_a_limit_of_protocols_is_kept_without_the_one_that_runs_programs(tmp_path: Path) -> None:
    seen = git_environment({"GIT_ALLOW_PROTOCOL": "https:ext:ssh", "PATH": "/bin"}, tree=tmp_path)
    assert seen["GIT_ALLOW_PROTOCOL"] == "https:ssh"


def test_git_is_looked_for_in_absolute_folders_outside_of_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree, tools = tmp_path / "tree", tmp_path / "tools"
    for folder in (tree, tree / "bin", tools):
        program_at(folder / "git", "exit 0")
    (tmp_path / "link").symlink_to(tree / "bin")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "git").symlink_to(tree / "git")
    monkeypatch.chdir(tree)
    untrusted = ("", ".", "bin", "./bin", str(tree), str(tree / "bin"), str(tmp_path / "link"), str(tmp_path / "other"))
    for entry in untrusted:
        assert find_git({"PATH": entry}, tree=tree) is None
        assert find_git({"PATH": f"{entry}{os.pathsep}{tools}"}, tree=tree) == tools / "git"
    assert git_environment({"PATH": os.pathsep.join((*untrusted[:-1], "/bin"))}, tree=tree)["PATH"] == "/bin"


def test_an_answer_has_an_end(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LONGEST", 1 << 20)
    opened_git = opened(checkout)
    for size in (0, 1, (1 << 20) - 1, 1 << 20):
        given = b"x" * size
        blob = opened_git.run("hash-object", "-w", "--stdin", stdin=given).output.decode().strip()
        assert opened_git.run("cat-file", "blob", blob).output == given
    blob = opened_git.run("hash-object", "-w", "--stdin", stdin=bytes((1 << 20) + 1)).output.decode().strip()
    with pytest.raises(GitError, match="git cat-file returned more than 1 MiB"):
        opened_git.run("cat-file", "blob", blob)


def test_what_git_leaves_running_is_not_waited_for(checkout: Path, tmp_path: Path) -> None:
    """A connection that ssh shares holds stderr open, for as long as ControlPersist says."""
    real = find_git(ENVIRON, tree=checkout)
    pid = tmp_path / "pid"
    program_at(tmp_path / "bin" / "git", f'sleep 600 >/dev/null & echo $! > {pid}; echo so >&2; exec {real} "$@"')
    environ = ENVIRON | {"PATH": f"{tmp_path / 'bin'}{os.pathsep}{ENVIRON['PATH']}"}
    found = Git.of(checkout, environ)
    assert found is not None
    assert found.run("rev-parse", "HEAD").output.decode().strip() == git(checkout, "rev-parse", "HEAD")
    os.kill(int(pid.read_text()), signal.SIGKILL)  # it was left running, as it should be


def test_a_git_that_reads_nothing_of_what_it_is_given_ends(checkout: Path) -> None:
    assert opened(checkout).run("--no-such-option", stdin=bytes(1 << 22)).code


def test_a_server_that_is_away_for_a_moment_is_asked_again(checkout: Path) -> None:
    """Curl words it in other ways from version to version."""
    result = opened(checkout).run("ls-remote", "--", "http://127.0.0.1:1/x.git")
    assert (result.code, result.transient) == (128, True), result.message

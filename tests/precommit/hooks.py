"""The hooks run by pre-commit itself: as `try-repo` and as a user configures them, offline, and timed.

Run by `make hooks`, not by `make test`: pre-commit makes environments of its own, which takes the package index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.precommit.repositories import OFFLINE, REV, ROOT, Project, checkout, git, make_repository, surroundings, tool

CONFIG = """\
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: kiamo-fmt
      - id: kiamo-validate
"""
PROJECT = "manifests: [manifests]\nenvironments:\n  staging:\n    url: http://127.0.0.1:8090\n"
BASE = (
    "bases:\n  - name: prospects\n    label: Prospects\n    exclusive: [fields]\n    batches:\n      - name: spring\n"
    "        service: Outbound Sales\n        association:\n          destination: mobile\n"
)
SERVICES = "services:\n  - name: Outbound Sales\n"
FIELDS = "fields:\n  - base: prospects\n    name: mobile\n    label: Mobile\n    datatype: phone\n"
WRONG = "bases:\n  - name: others\n    lable: Others\n"
ILL_LAID_OUT = "bases:\n      -   name:    'others'   # who they are\n          label:  Others\n"


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tool, as `repo:` names it."""
    return tool(tmp_path_factory.mktemp("tool"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for all, so that the environment of a tag is made once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def project(tmp_path: Path, home: Path, repo: Path) -> Project:
    """A project with the hooks in its configuration, all of it right and laid out."""
    made = Project(tmp_path / "project", home)
    made.folder.mkdir()
    (made.folder / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (made.folder / ".pre-commit-config.yaml").write_text(CONFIG.format(repo=repo, rev=REV), encoding="utf-8")
    make_repository(made.folder)
    for name, text in (("base", BASE), ("services", SERVICES), ("fields", FIELDS)):
        made.write(f"manifests/{name}.yaml", text)
    made.pre_commit("run", "kiamo-fmt", "--all-files")
    made.commit()
    return made


def isolation() -> tuple[str, ...]:
    """What a command runs under to have no network at all, where this machine allows it."""
    for words in (("unshare", "-n"), ("unshare", "-rn")):
        if (
            shutil.which(words[0])
            and subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
        ):
            return words
    return ()


def test_try_repo_passes_what_is_right(tmp_path: Path, repo: Path) -> None:
    """An example of ours, once it is laid out."""
    folder = shutil.copytree(
        ROOT / "examples" / "02-outbound-campaigns", tmp_path / "example", ignore=shutil.ignore_patterns(".kiamo")
    )
    subprocess.run([sys.executable, "-m", "kiamo_iac", "fmt"], cwd=folder, env=checkout(), check=True)
    make_repository(folder)
    done = Project(folder, tmp_path / "home").pre_commit("try-repo", str(repo), "--all-files")
    assert (done.of("validate"), done.of("fmt"), done.code) == ("Passed", "Passed", 0), done.said
    assert git(folder, "status", "--short") == ""


def test_try_repo_refuses_what_is_wrong_and_lays_out_the_rest(project: Project, tmp_path: Path, repo: Path) -> None:
    project.write("manifests/wrong.yaml", WRONG)
    project.write("manifests/ill.yaml", ILL_LAID_OUT.replace("others", "more"))
    done = replace(project, home=tmp_path / "home").pre_commit("try-repo", str(repo), "--all-files")
    assert (done.of("validate"), done.of("fmt"), done.code) == ("Failed", "Failed", 1), done.said
    assert 'manifests/wrong.yaml:3:5: error KIA0202: unknown key "lable" in a base' in done.said
    assert 'hint: did you mean "label"?' in done.said
    assert "files were modified by this hook" in done.said
    assert "# who they are\n" in project.read("manifests/ill.yaml")
    assert project.read("manifests/ill.yaml") != ILL_LAID_OUT


def test_only_what_a_commit_changes_is_laid_out_and_the_whole_project_is_checked(project: Project) -> None:
    project.write("manifests/untouched.yaml", ILL_LAID_OUT)
    project.commit()
    project.write("manifests/services.yaml", f"{SERVICES}  - name: Others\n    lable: x\n")
    done = project.pre_commit("run")
    assert (done.of("fmt"), done.of("validate"), done.code) == ("Passed", "Failed", 1), done.said
    assert project.read("manifests/untouched.yaml") == ILL_LAID_OUT
    project.write("manifests/services.yaml", SERVICES + "  - name: More\n")
    project.write("manifests/base.yaml", project.read("manifests/base.yaml").replace("destination: mobile", "x: none"))
    done = project.pre_commit("run")
    assert "KIA0226" in done.said, "a problem between two files, of which one is not changed"


def test_a_commit_is_held_back_until_its_files_are_laid_out(project: Project) -> None:
    project.write("manifests/others.yaml", ILL_LAID_OUT)
    first = project.pre_commit("run")
    assert (first.of("fmt"), first.of("validate"), first.code) == ("Failed", "Passed", 1), first.said
    git(project.folder, "add", "--all")
    again = project.pre_commit("run")
    assert (again.of("fmt"), again.of("validate"), again.code) == ("Passed", "Passed", 0), again.said


def test_the_git_hook_itself(project: Project) -> None:
    assert project.pre_commit("install").code == 0
    project.write("manifests/wrong.yaml", WRONG)
    environ = surroundings(PRE_COMMIT_HOME=str(project.home), PRE_COMMIT_COLOR="never")
    words = ["git", "commit", "--message=wrong"]
    done = subprocess.run(words, cwd=project.folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "KIA0202" in done.stdout + done.stderr
    assert git(project.folder, "log", "--format=%s", "-1") == "more\n"


def test_what_is_no_manifest_is_no_concern_of_theirs(project: Project) -> None:
    project.write("README.md", "# Read me\n")
    project.write("deploy/values.yaml", "a:   1\n")
    project.write("manifests/notes.txt", "none\n")
    done = project.pre_commit("run")
    assert (done.of("fmt"), done.of("validate"), done.code) == ("Skipped", "Skipped", 0), done.said


def test_a_project_anywhere_in_a_repository(project: Project) -> None:
    (project.folder / "telephony").mkdir()
    for name in ("kiamo.yaml", "manifests"):
        git(project.folder, "mv", name, f"telephony/{name}")
    project.commit()
    project.write("telephony/manifests/wrong.yaml", WRONG)
    done = project.pre_commit("run", "kiamo-validate")
    assert "manifests/wrong.yaml:3:5: error KIA0202" in done.said


def test_a_deletion_alone_is_seen_with_always_run(project: Project) -> None:
    """pre-commit passes no deleted files; docs/how-to/pre-commit.md says so."""
    git(project.folder, "rm", "--quiet", "manifests/fields.yaml")
    assert project.pre_commit("run").of("validate") == "Skipped"
    config = project.read(".pre-commit-config.yaml").replace(
        "id: kiamo-validate", "id: kiamo-validate\n        always_run: true"
    )
    project.write(".pre-commit-config.yaml", config)
    done = project.pre_commit("run")
    assert done.of("validate") == "Failed"
    assert "KIA0226" in done.said


def test_nothing_is_asked_of_the_network(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    offline = replace(project, prefix=isolation(), environ=OFFLINE)
    done = offline.pre_commit("run", "--all-files")
    assert (done.of("fmt"), done.of("validate"), done.code) == ("Passed", "Passed", 0), done.said
    offline.write("manifests/wrong.yaml", WRONG)
    assert "KIA0202" in offline.pre_commit("run").said
    with capsys.disabled():
        say(f"\noffline: under {' '.join(offline.prefix) or 'no isolation'}, proxies at a closed port, PIP_NO_INDEX")


# --- how long it takes: told, not asserted ---------------------------------------------------------------------------


def say(text: str) -> None:
    """A line for whoever reads the log."""
    sys.stdout.write(f"{text}\n")


class Taken(NamedTuple):
    """Seconds of the quickest of several runs."""

    wall: float
    processor: float
    """Of all processes; nothing that else runs on the machine is in it. Zero on Windows, which does not say."""

    @classmethod
    def by(cls, command: Callable[[], object], *, times: int) -> Taken:
        """Run it so many times."""
        runs = []
        for _ in range(times):
            before, started = os.times(), time.perf_counter()
            command()
            after = os.times()
            used = after.children_user + after.children_system - before.children_user - before.children_system
            runs.append(cls(time.perf_counter() - started, used))
        return cls(min(run.wall for run in runs), min(run.processor for run in runs))


def manifest(number: int) -> str:
    """A manifest as they are: a base, its fields, its batches."""
    fields = "".join(
        f"      - name: field_{index}\n        label: Field {index}\n        datatype: string\n" for index in range(8)
    )
    batches = "".join(
        f"      - name: batch-{index}\n        service: Outbound Sales\n"
        f"        association:\n          destination: field_{index}\n"
        for index in range(4)
    )
    return f"bases:\n  - name: base-{number}\n    label: Base {number}\n    fields:\n{fields}    batches:\n{batches}"


def test_a_hundred_manifests_of_which_some_are_changed(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(98):
        (project.folder / "manifests" / f"base-{number:02}.yaml").write_text(manifest(number), encoding="utf-8")
    project.write("manifests/base.yaml", "# one hundred in all\n" + BASE)
    project.pre_commit("run", "kiamo-fmt", "--all-files")
    project.commit()
    assert len(list(project.folder.glob("manifests/*.yaml"))) == 101
    changed = [f"manifests/base-{number:02}.yaml" for number in (3, 50, 97)]
    for name in changed:
        project.write(name, project.read(name).replace("label: Base", "label: The base"))
    (program,) = project.home.glob("repo*/py_env-*/bin/kiamo-iac")

    def hook(command: str, *names: str) -> Taken:
        words = [str(program), command, *names]
        return Taken.by(
            lambda: subprocess.run(words, cwd=project.folder, env=surroundings(), capture_output=True, check=True),
            times=5,
        )

    everything = [path.relative_to(project.folder).as_posix() for path in project.folder.glob("manifests/*.yaml")]
    rows = {
        "kiamo-iac --version": hook("--version"),
        "kiamo-iac validate, 3 of 101 files named": hook("validate", *changed),
        "kiamo-iac fmt, 3 files": hook("fmt", *changed),
        "kiamo-iac fmt, 101 files": hook("fmt", *everything),
        "pre-commit run, 3 of 101 files changed": Taken.by(lambda: project.pre_commit("run"), times=3),
        "pre-commit run, with nothing for the hooks": Taken.by(
            lambda: project.pre_commit("run", "--files", ".pre-commit-config.yaml"), times=3
        ),
    }
    done = project.pre_commit("run")
    assert (done.of("fmt"), done.of("validate"), done.code) == ("Passed", "Passed", 0), done.said
    with capsys.disabled():
        say("\n  wall  processor")
        for what, taken in rows.items():
            say(f"{taken.wall:4.2f} s     {taken.processor:4.2f} s  {what}")

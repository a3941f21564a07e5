"""S12: what a commit brings where jobs write is neither followed nor trusted, on GitLab, on GitHub, and by the scripts.

The pipelines that `init` writes are run by the small runners of tests/pipelines: each job in a clone of its own, with
its `before_script`, artifacts unpacked over the checkout as GitLab does it. `make pipelines` runs whole ones too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.cli.program import ROOT, kiamo
from tests.pipelines.gitlab_runner import Done, Gitlab, Setting, extended, load_pipeline
from tests.pipelines.machine import PLAN_TOKEN, WRITE_TOKEN, Machine, machine

FOLDERS = ("kiamo-plan", "kiamo-report", ".kiamo-iac", ".kiamo")
"""Where jobs write."""
DRIFT = ("drift:staging", "drift:production")


def git(folder: Path, *arguments: str) -> str:
    """Git in `folder`."""
    done = subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    """All of `folder`, what .gitignore names too, as a commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all", "--force")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    git(folder, *who, "commit", "--quiet", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Machine]:
    """A project for GitLab, in a repository."""
    with machine(tmp_path, "gitlab") as made:
        commit(made.project)
        yield made


@pytest.fixture
def tool(tmp_path: Path, here: Machine) -> Path:
    """A repository of kiamo-iac whose installation is there already."""
    folder = tmp_path / "tool"
    (folder / "pipelines").mkdir(parents=True)
    install = folder / "pipelines" / "install"
    install.write_text(f'#!/bin/sh\necho "{here.bin}"\n', encoding="utf-8")
    install.chmod(0o755)
    commit(folder)
    git(folder, "tag", "v9")
    return folder


@pytest.fixture
def gitlab(here: Machine, tool: Path) -> Gitlab:
    """The project on GitLab, with its settings, whose button is pressed."""
    settings = {"KIAMO_IAC_REPOSITORY": Setting(str(tool)), "KIAMO_IAC_REF": Setting("v9")}
    for name, url in here.urls.items():
        prefix = f"KIAMO_{name.upper()}"
        settings[f"{prefix}_PLAN_TOKEN"] = Setting(PLAN_TOKEN)
        settings[f"{prefix}_TOKEN"] = Setting(WRITE_TOKEN, protected=True, environment=name)
        settings[f"{prefix}_ORIGIN"] = Setting(url)
    return Gitlab(here, settings, presses={"apply:production"}, origin=here.project)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder outside of every work tree, which a link leads to, with files of the names that jobs write."""
    folder = tmp_path / "outside"
    for name in ("staging", "production"):
        (folder / name).mkdir(parents=True)
        (folder / name / "saved.plan").write_text("theirs", encoding="utf-8")
    return folder


def contents(folder: Path) -> Mapping[str, str]:
    """Every file below."""
    return {
        file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def run(gitlab: Gitlab, source: str, **variables: str) -> dict[str, Done]:
    """A pipeline."""
    return gitlab.run(gitlab.machine.project / ".gitlab-ci.yml", source, **variables)


def results(done: Mapping[str, Done]) -> dict[str, str]:
    """Job → result."""
    return {name: job.result for name, job in done.items()}


def calls(here: Machine) -> int:
    """How many calls the instances have seen."""
    return sum(len(emulator.calls()) for emulator in here.emulators.values())


def plant_a_plan(project: Path, outside: Path) -> None:
    for name in ("staging", "production"):
        folder = project / "kiamo-plan" / name
        folder.mkdir(parents=True)
        (folder / "saved.plan").write_text("{}", encoding="utf-8")


def plant_a_rescue_copy(project: Path, outside: Path) -> None:
    (project / ".kiamo").mkdir()
    (project / ".kiamo" / "staging.ledger.rescue.json").write_text("{}", encoding="utf-8")


def plant_the_tool(project: Path, outside: Path) -> None:
    install = project / ".kiamo-iac" / "checkout" / "pipelines" / "install"
    install.parent.mkdir(parents=True)
    install.write_text(f'#!/bin/sh\ntouch "{outside}/pwned"\n', encoding="utf-8")
    install.chmod(0o755)


def plant_in_other_letters(project: Path, outside: Path) -> None:
    """The same folder where a file system knows no case."""
    (project / "Kiamo-Plan" / "production").mkdir(parents=True)
    (project / "Kiamo-Plan" / "production" / "saved.plan").write_text("{}", encoding="utf-8")


def plant_a_file(project: Path, outside: Path) -> None:
    (project / "kiamo-plan").write_text("no folder", encoding="utf-8")


def link(name: str) -> Callable[[Path, Path], None]:
    def plant(project: Path, outside: Path) -> None:
        (project / name).symlink_to(outside)

    return plant


def link_below(project: Path, outside: Path) -> None:
    (project / "kiamo-plan").mkdir()
    (project / "kiamo-plan" / "production").symlink_to(outside / "production")


PLANTS: Mapping[str, Callable[[Path, Path], None]] = {
    "a saved plan": plant_a_plan,
    "a rescue copy": plant_a_rescue_copy,
    "the tool": plant_the_tool,
    "other letters": plant_in_other_letters,
    "a file": plant_a_file,
    "a link below": link_below,
    **{f"a link {name}": link(name) for name in FOLDERS},
}


def test_s12_a_commit_that_brings_what_only_jobs_write_is_refused_by_every_job(
    gitlab: Gitlab, here: Machine, outside: Path
) -> None:
    clean, before = git(here.project, "rev-parse", "HEAD"), contents(outside)
    for what, plant in PLANTS.items():
        plant(here.project, outside)
        commit(here.project)
        pipelines = ("merge_request_event", "feature"), ("push", "main"), ("schedule", "main")
        done = [run(gitlab, source, CI_COMMIT_BRANCH=branch) for source, branch in pipelines]
        ran = [job for each in done for job in each.values() if job.result != "skipped"]
        assert [job.result for job in ran] == ["failed (1)"] * 4, what
        assert all("where only jobs write" in job.log for job in ran), what
        assert all(contents(job.artifacts) == {} for job in ran if job.artifacts is not None), what
        assert contents(outside) == before, what
        git(here.project, "reset", "--quiet", "--hard", clean)
    assert calls(here) == 0


def test_s12_a_refused_plan_leaves_no_plan_that_was_there_before(gitlab: Gitlab, here: Machine, outside: Path) -> None:
    gitlab.origin = None
    here.manifest("bases:", "services:\n  - name: Nobody has it\nbases:")
    plant_a_plan(here.project, outside)
    done = run(gitlab, "merge_request_event", CI_MERGE_REQUEST_IID="7")
    assert results(done)["plan:staging"] == "failed (1)"
    for name in ("plan:staging", "plan:production"):
        kept = done[name].artifacts
        assert kept is not None
        assert [file for file in contents(kept) if not file.endswith("plan.md")] == []


def test_s12_no_folder_on_the_way_to_the_project_is_a_link(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (outside / ".kiamo").mkdir(parents=True)
    (outside / ".kiamo" / "journal").write_text("mine", encoding="utf-8")
    root.mkdir()
    git(root, "init", "--quiet")
    assert kiamo("init", "--ci", "gitlab", "sub", cwd=root).returncode == 0
    commit(root)
    shutil.move(root / "sub", outside / "sub")
    (root / "sub").symlink_to(outside)
    shutil.copytree(outside / "sub", outside, dirs_exist_ok=True)
    commit(root)
    pipeline = load_pipeline(root / ".gitlab-ci.yml")
    validate = extended(pipeline, "validate:sub")
    prelude = validate["before_script"]
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -eo pipefail", *prelude])],
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **validate["variables"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "sub/kiamo.yaml" in done.stderr
    assert (outside / ".kiamo" / "journal").read_text() == "mine"


def test_s12_no_cache_no_work_tree_and_no_ledger_go_from_job_to_job(here: Machine) -> None:
    pipeline = load_pipeline(here.project / ".gitlab-ci.yml")
    jobs = {name: extended(pipeline, name) for name in pipeline if ":" in name or name == "validate"}
    assert len(jobs) == 8
    for job in jobs.values():
        assert job["cache"] == []
        assert job["variables"]["GIT_STRATEGY"] == "clone"
        assert any("rm -rf -- .kiamo-iac kiamo-report" in line for line in job["before_script"])
    kept = {name: job.get("artifacts", {}) for name, job in jobs.items()}
    assert [name for name, spec in kept.items() if ".kiamo/" in spec.get("paths", []) and "apply" not in name] == []


UNPINNED: Mapping[str, Mapping[str, Setting | None]] = {
    "no pin": {"KIAMO_STAGING_ORIGIN": None, "KIAMO_PRODUCTION_ORIGIN": None},
    "a pin of spaces": {"KIAMO_STAGING_ORIGIN": Setting(" "), "KIAMO_PRODUCTION_ORIGIN": Setting("\t")},
    "a pin of a ledger without a value": {
        "KIAMO_STAGING_LEDGER_ORIGIN": Setting(""),
        "KIAMO_PRODUCTION_LEDGER_ORIGIN": Setting(""),
    },
    "no ref of the tool": {"KIAMO_IAC_REF": None},
}
"""What is missing → the settings without it."""


@pytest.mark.parametrize("what", ["no pin", "no ref of the tool"])
def test_s12_gitlab_a_job_without_a_pin_fails_before_a_token_is_sent(gitlab: Gitlab, here: Machine, what: str) -> None:
    """GitLab gives no variable at all for one that nobody has set; to git, an empty ref is HEAD."""
    check_unpinned(gitlab, here, what)


def check_unpinned(gitlab: Gitlab, here: Machine, what: str) -> None:
    """No job of any pipeline sends a token, and one says what is missing.

    Raises:
        AssertionError: one does, or none says so.
    """
    changed = {**gitlab.settings, **UNPINNED[what]}
    gitlab.settings = {name: setting for name, setting in changed.items() if setting is not None}
    missing = next(iter(UNPINNED[what]))
    for source, branch in (("merge_request_event", "feature"), ("push", "main"), ("schedule", "main")):
        done = run(gitlab, source, CI_COMMIT_BRANCH=branch)
        assert "success" not in {job.result for name, job in done.items() if name != "validate"}
        assert any(f"{missing} is not set in this job. Set it under" in job.log for job in done.values())
    assert calls(here) == 0


def test_s12_gitlab_what_only_jobs_write_is_found_beside_a_project_file_of_any_name(
    gitlab: Gitlab, here: Machine, outside: Path
) -> None:
    (here.project / "kiamo.yaml").rename(here.project / "emea.yaml")
    pipeline = here.project / ".gitlab" / "kiamo.gitlab-ci.yml"
    text = pipeline.read_text(encoding="utf-8")
    pipeline.write_text(text.replace('KIAMO_PROJECT: "kiamo.yaml"', 'KIAMO_PROJECT: "emea.yaml"'), encoding="utf-8")
    plant_a_rescue_copy(here.project, outside)
    commit(here.project)
    done = run(gitlab, "push", CI_COMMIT_BRANCH="main")
    assert "where only jobs write" in done["validate"].log


def test_s12_gitlab_no_environment_is_applied_beside_the_job_that_validates(tmp_path: Path) -> None:
    """Whatever the environment is called: each job waits for those before it by their names."""
    done = kiamo("init", "--ci", "gitlab", "--environment", "validate", "--environment", "b", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    pipeline = load_pipeline(tmp_path / ".gitlab-ci.yml")
    stages = [pipeline[name]["stage"] for name in ("validate", "plan:b", "apply:validate")]
    assert stages == pipeline["stages"]
    needs = {name: pipeline[name]["needs"] for name in ("apply:validate", "propose:b", "apply:b")}
    assert needs == {"apply:validate": ["validate"], "propose:b": ["apply:validate"], "apply:b": ["propose:b"]}


# --- GitHub, and the scripts -----------------------------------------------------------------------------------------


def run_install(cwd: Path, install: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """The installation, as far as it comes."""
    return subprocess.run(
        [install, cwd / "env"],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_s12_a_checkout_of_the_tool_that_went_through_a_link_is_not_installed(tmp_path: Path) -> None:
    workspace, elsewhere = tmp_path / "workspace", tmp_path / "elsewhere"
    workspace.mkdir()
    shutil.copytree(ROOT / "pipelines", elsewhere / "pipelines")
    (workspace / ".kiamo-iac").symlink_to(elsewhere)
    install = workspace / ".kiamo-iac" / "pipelines" / "install"
    done = run_install(tmp_path, install, GITHUB_WORKSPACE=str(workspace))
    assert (done.returncode, done.stdout) == (1, "")
    assert ".kiamo-iac is a link that the commit brings" in done.stderr
    assert not (tmp_path / "env").exists()


def test_s12_the_installation_takes_no_program_no_setting_and_no_token_of_the_job(tmp_path: Path) -> None:
    """The folder that a job runs in has a python3, and settings of version managers, pip and setuptools."""
    tree, path = tmp_path / "tree", tmp_path / "bin"
    tree.mkdir()
    path.mkdir()
    for name in ("python3", "mkdir", "dirname"):
        (tree / name).write_text(f'#!/bin/sh\ntouch "{tmp_path}/pwned"\n', encoding="utf-8")
        (tree / name).chmod(0o755)
    real = path / "python3"
    real.write_text(
        f'#!/bin/sh\n{{ pwd; echo "$PATH"; env; }} >>"{tmp_path}/seen"\necho "Python 3.8.1"\nexit 1\n', encoding="utf-8"
    )
    real.chmod(0o755)
    done = run_install(
        tree,
        ROOT / "pipelines" / "install",
        PATH=f".::{path}:{os.environ['PATH']}:bin:",
        KIAMO_STAGING_TOKEN="secret-word",
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    seen = (tmp_path / "seen").read_text(encoding="utf-8")
    assert seen.splitlines()[0] == "/"
    assert seen.splitlines()[1] == f"{path}:{os.environ['PATH']}"
    assert "secret-word" not in seen
    assert not (tmp_path / "pwned").exists()


def test_s12_the_installation_is_of_the_checkout_that_it_stands_in(tmp_path: Path) -> None:
    """With CDPATH, `cd` prefers a folder elsewhere."""
    tree, decoy = tmp_path / "tree", tmp_path / "decoy"
    for folder in (tree, decoy):
        shutil.copytree(ROOT / "pipelines", folder / "pipelines")
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "$@" >>"{tmp_path}/seen"\n'
        'case "$*" in *venv*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;; '
        f'*sysconfig*) echo "{tmp_path}" ;; esac\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    done = run_install(tree, Path("pipelines/install"), CDPATH=str(decoy), KIAMO_IAC_PYTHON=str(python))
    assert done.returncode == 0, done.stderr
    assert f"-r {tree}/requirements.txt" in (tmp_path / "seen").read_text(encoding="utf-8")
    assert (tmp_path / "kiamo-iac-checkout.pth").read_text(encoding="utf-8") == f"{tree}\n"


def test_s12_the_action_runs_no_program_of_the_folder_that_a_job_runs_in(tmp_path: Path) -> None:
    tree, path = tmp_path / "tree", tmp_path / "bin"
    for folder, text in ((tree, f'touch "{tmp_path}/pwned"'), (path, 'echo "ours $*"')):
        folder.mkdir()
        (folder / "kiamo-iac").write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (folder / "kiamo-iac").chmod(0o755)
    for more in ({}, {"COMMAND": str(path)}):
        done = subprocess.run(
            [ROOT / "pipelines" / "action", "validate"],
            cwd=tree,
            env={"PATH": f".:{path}:{os.environ['PATH']}", "GITHUB_OUTPUT": str(tmp_path / "output"), **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "ours validate --format github\n")
    assert not (tmp_path / "pwned").exists()


def test_s12_a_saved_plan_is_a_file_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "kiamo-iac").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    (tmp_path / "kiamo-iac").chmod(0o755)
    done = subprocess.run(
        [ROOT / "pipelines" / "action", "apply"],
        env={
            "PATH": os.environ["PATH"],
            "COMMAND": str(tmp_path),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "RUNNER_TEMP": str(tmp_path),
            "ENVIRONMENT": "staging",
            "PLAN_FILE": "--allow-data-loss=bases/a",
            "LOCK_TIMEOUT": "1",
            "ARGUMENTS": "--prune\n",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-3:] == ["--prune", "--", "--allow-data-loss=bases/a"]


@pytest.mark.parametrize("value", ["", " \t"])
@pytest.mark.parametrize("pin", ["KIAMO_STAGING_ORIGIN", "KIAMO_STAGING_LEDGER_ORIGIN", "KIAMO_ORIGIN"])
@pytest.mark.parametrize("mode", ["plan", "apply", "drift"])
def test_s12_a_pin_without_a_value_stops_the_action_before_a_token_is_sent(
    tmp_path: Path, mode: str, pin: str, value: str
) -> None:
    """GitHub gives an empty text for a variable that nobody has set: to the program, that is no pin."""
    (tmp_path / "kiamo-iac").write_text(f'#!/bin/sh\ntouch "{tmp_path}/called"\n', encoding="utf-8")
    (tmp_path / "kiamo-iac").chmod(0o755)
    done = subprocess.run(
        [ROOT / "pipelines" / "action", mode],
        env={
            "PATH": os.environ["PATH"],
            "COMMAND": str(tmp_path),
            "GITHUB_OUTPUT": str(tmp_path / "output"),
            "RUNNER_TEMP": str(tmp_path),
            "ENVIRONMENT": "staging",
            "LOCK_TIMEOUT": "1",
            pin: value,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"::error title=Not pinned::{pin}" in done.stdout
    assert not (tmp_path / "called").exists()


def keep(tree: Path, temp: Path, **environ: str) -> Mapping[str, str]:
    """What the action hands to the workflow after an apply."""
    done = subprocess.run(
        [ROOT / "pipelines" / "action", "keep"],
        cwd=tree,
        env={"PATH": os.environ["PATH"], "RUNNER_TEMP": str(temp), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return contents(temp / "kiamo-journal")


def journal(folder: Path, name: str, *, made: int) -> None:
    """A file below `.kiamo`, with its time in seconds since the run began."""
    file = folder / ".kiamo" / "journal" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(name, encoding="utf-8")
    os.utime(file, (1_700_000_000 + made,) * 2)


@pytest.mark.parametrize("project", ["", "emea/kiamo.yaml"])
def test_s12_github_the_journal_of_a_run_is_kept_and_nothing_that_a_commit_brought(
    tmp_path: Path, outside: Path, project: str
) -> None:
    tree, temp = tmp_path / "tree", tmp_path / "temp"
    folder = tree / Path(project).parent
    folder.mkdir(parents=True)
    temp.mkdir()
    (folder / "kiamo.yaml").touch()
    journal(folder, "forged", made=-10)
    journal(folder, "run 'a' $(x)", made=10)
    (folder / ".kiamo" / "journal" / "link").symlink_to(outside / "staging" / "saved.plan")
    (folder / ".kiamo" / "folder").symlink_to(outside)
    assert keep(tree, temp, PROJECT=project) == {}  # nothing was applied
    (temp / "kiamo-iac.started").touch()
    os.utime(temp / "kiamo-iac.started", (1_700_000_000,) * 2)
    assert keep(tree, temp, PROJECT=project, CDPATH=str(outside)) == {"journal/run 'a' $(x)": "run 'a' $(x)"}


def test_s12_github_a_link_in_the_place_of_kiamo_is_not_followed(tmp_path: Path, outside: Path) -> None:
    tree, temp = tmp_path / "tree", tmp_path / "temp"
    tree.mkdir()
    temp.mkdir()
    (tree / "kiamo.yaml").touch()
    (temp / "kiamo-iac.started").touch()
    os.utime(temp / "kiamo-iac.started", (0, 0))
    (tree / ".kiamo").symlink_to(outside)
    assert keep(tree, temp) == {}

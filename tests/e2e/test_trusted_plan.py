"""Runs on several machines, each a process and a folder of its own: one ledger and one lock, whatever keeps them."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator
from kiamo_iac.emulator.server import Server
from tests.cli.program import COMMAND, kiamo, variables
from tests.ledger.state_server import PASSWORD, USER, State, serving

APPLY = ("apply", "-e", "staging", "--yes")
BOTH = "bases:\n  - {name: a, label: A}\n  - {name: b, label: B}\n"
ONE = "bases:\n  - {name: a, label: A}\n"


@dataclass(frozen=True)
class Machine:
    """A checkout of the project on a machine of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command line, to its end."""
        return kiamo(*arguments, cwd=self.folder, **self.environment)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """One command line, under way: its first write is done."""
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=variables(**self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        assert process.stderr is not None
        while "done: " not in process.stderr.readline():
            assert process.poll() is None
        return process

    def manifest(self, text: str) -> None:
        """Write the only manifest."""
        (self.folder / "manifests" / "a.yaml").write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Site:
    """An instance, and two machines that work on it."""

    emulator: Emulator
    here: Machine
    there: Machine

    def bases(self) -> list[str]:
        """The names of what there is."""
        return [base["name"] for base in self.emulator.dump().get("bases", [])]

    def writes(self) -> int:
        """How many calls were no reads."""
        return sum(call.method != "GET" for call in self.emulator.calls())


def _git(*arguments: str, cwd: Path) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=cwd, check=True, capture_output=True)


def _project(folder: Path, ledger: str) -> None:
    (folder / "manifests").mkdir(parents=True)
    (folder / "manifests" / "a.yaml").write_text(BOTH, encoding="utf-8")
    text = f'manifests: [manifests]\nenvironments:\n  staging: {{url: "http://127.0.0.1:8090", ledger: {ledger}}}\n'
    (folder / "kiamo.yaml").write_text(text, encoding="utf-8")


def _folders(backend: str, folder: Path, stack: ExitStack) -> tuple[Path, Path]:
    """Two checkouts that share a ledger; with a file, two names of one folder."""
    here, there = folder / "here", folder / "there"
    match backend:
        case "file":
            _project(here, "{backend: file}")
            return here, here
        case "git":
            _git("init", "--bare", "--quiet", "remote.git", cwd=folder)
            _project(here, "{backend: git}")
            _git("init", "--quiet", "--initial-branch=main", cwd=here)
            _git("remote", "add", "origin", "../remote.git", cwd=here)
            _git("add", ".", cwd=here)
            _git("commit", "--quiet", "-m", "one", cwd=here)
            _git("push", "--quiet", "origin", "main", cwd=here)
            _git("clone", "--quiet", "--branch=main", "remote.git", "there", cwd=folder)
        case _:
            state = stack.enter_context(serving(State(gitlab=backend == "gitlab")))
            _project(here, f'{{backend: http, address: "{state.address}"}}')
            shutil.copytree(here, there)
    return here, there


@pytest.fixture
def site(backend: str, tmp_path: Path) -> Iterator[Site]:
    """The instance is empty, and neither machine has applied anything."""
    with ExitStack() as stack:
        emulator = stack.enter_context(Emulator(load_contract()))
        server = stack.enter_context(Server(emulator))
        environment = {
            "KIAMO_STAGING_TOKEN": FULL_TOKEN,
            "KIAMO_STAGING_URL": server.url,
            "KIAMO_STAGING_LEDGER_USERNAME": USER,
            "KIAMO_STAGING_LEDGER_PASSWORD": PASSWORD,
        }
        here, there = _folders(backend, tmp_path, stack)
        yield Site(emulator, Machine(here, environment), Machine(there, environment))


every_backend = pytest.mark.parametrize("backend", ["file", "git", "http", "gitlab"])


@every_backend
def test_what_one_machine_makes_the_other_may_prune(site: Site) -> None:
    made = site.here.run(*APPLY)
    assert made.returncode == 0, made.stderr
    listed = site.there.run("ledger", "list", "-e", "staging")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.endswith("\n2 managed resources.\n")
    site.there.manifest(ONE)
    pruned = site.there.run(*APPLY, "--prune")
    assert pruned.returncode == 0, pruned.stderr
    assert site.bases() == ["a"]
    site.here.manifest(ONE)
    level = site.here.run("plan", "-e", "staging", "--prune", "--detailed-exitcode")
    assert level.returncode == 0, level.stdout
    listed = site.here.run("ledger", "list", "-e", "staging")
    assert listed.stdout.endswith("\n1 managed resource.\n")
    for told in (made, listed, pruned, level):
        assert PASSWORD not in told.stdout + told.stderr
        assert FULL_TOKEN not in told.stdout + told.stderr


@every_backend
def test_a_plan_saved_on_one_machine_is_applied_once_on_any(site: Site) -> None:
    saved = site.here.run("plan", "-e", "staging", "--out", "a.plan")
    assert saved.returncode == 0, saved.stderr
    if site.there.folder != site.here.folder:
        shutil.copy(site.here.folder / "a.plan", site.there.folder / "a.plan")
    applied = site.there.run("apply", "a.plan", "--yes")
    assert applied.returncode == 0, applied.stderr
    again = site.here.run("apply", "a.plan", "--yes")
    assert again.returncode == 1
    assert "was applied already" in again.stderr


@every_backend
def test_a_second_run_meets_the_lock_and_writes_nothing(site: Site) -> None:
    many = "bases:\n" + "".join(f"  - {{name: b{n:02}, label: B}}\n" for n in range(12))
    for machine in (site.here, site.there):
        machine.manifest(many)
    site.emulator.latency = 0.4
    first = site.here.begin(*APPLY, "--parallelism", "1")
    so_far = site.emulator.calls()
    locked = site.there.run(*APPLY)
    reads_by_second = [call for call in site.emulator.calls(after=len(so_far)) if call.method == "GET"]
    assert first.poll() is None, "the first run was to be still under way"
    assert (locked.returncode, locked.stdout) == (5, "")
    assert re.search(r"is locked by \S+@\S+", locked.stderr)
    assert "--lock-timeout" in locked.stderr
    assert all(call.path != "/api/services" for call in reads_by_second)  # it did not even read
    site.emulator.latency = 0
    waited = site.there.run(*APPLY, "--lock-timeout", "60")
    _, err = first.communicate(timeout=60)
    assert (first.returncode, waited.returncode) == (0, 0), err + waited.stderr
    assert "No changes" in waited.stdout
    assert len(site.bases()) == 12
    assert site.writes() == 12


@every_backend
def test_what_a_killed_run_leaves_is_picked_up(site: Site, backend: str) -> None:
    many = "bases:\n" + "".join(f"  - {{name: b{n:02}, label: B}}\n" for n in range(12))
    for machine in (site.here, site.there):
        machine.manifest(many)
    site.emulator.latency = 0.3
    run = site.here.begin(*APPLY, "--parallelism", "1")
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=60)
    time.sleep(1)  # seconds: the call in flight takes effect; tests/app/test_intents.py has one that does so later
    site.emulator.latency = 0
    locked = site.there.run(*APPLY)
    if backend == "file":  # the lock ends with its process
        assert locked.returncode == 0, locked.stderr
    else:
        assert locked.returncode == 5
        (command,) = re.findall(r"kiamo-iac (ledger unlock -e staging \S+)", locked.stderr)
        wrong = site.there.run("ledger", "unlock", "-e", "staging", "another")
        assert wrong.returncode == 64
        broken = site.there.run(*command.split())
        assert broken.returncode == 0, broken.stderr
        done = site.there.run(*APPLY)
        assert done.returncode == 0, done.stderr
    assert sorted(site.bases()) == [f"b{n:02}" for n in range(12)]
    assert site.there.run("plan", "-e", "staging", "--prune", "--detailed-exitcode").returncode == 0
    listed = site.there.run("ledger", "list", "-e", "staging")
    assert "(unknown)" not in listed.stdout
    assert listed.stdout.endswith("\n12 managed resources.\n")


@pytest.mark.parametrize("backend", ["git"])
def test_the_git_backend_leaves_the_work_tree_alone(site: Site) -> None:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=site.here.folder, capture_output=True, check=True, text=True)
        return done.stdout

    (site.here.folder / ".git" / "info" / "exclude").write_text(".kiamo/\n", encoding="utf-8")  # journals
    before = (git("status", "--porcelain"), git("rev-parse", "HEAD"), git("branch", "--all"))
    assert site.here.run(*APPLY).returncode == 0
    assert (git("status", "--porcelain"), git("rev-parse", "HEAD"), git("branch", "--all")) == before
    assert "refs/kiamo-iac/staging" in git("ls-remote", "origin")
    assert "refs/kiamo-iac-lock" not in git("ls-remote", "origin")

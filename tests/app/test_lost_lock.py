"""A run whose lock or ledger is lost in the middle: no further write, exit code 4, and what was done is not lost."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import BinaryIO

import pytest

from kiamo_iac.app.applying import ApplyRun, start_apply
from kiamo_iac.app.ownership import read_owned
from kiamo_iac.app.project import Workspace
from kiamo_iac.core.errors import KiamoIacError, LedgerError, PartialError
from kiamo_iac.core.safe_files import RootedFile
from kiamo_iac.emulator import EmulatorRequest
from kiamo_iac.emulator.messages import EmulatorResponse
from kiamo_iac.http.transport import InProcess
from kiamo_iac.ledger import remote
from kiamo_iac.ledger.file import FileStore
from tests.app.conftest import Site
from tests.ledger.state_server import PASSWORD, USER, State, serving

COUNT = 8
MANIFEST = "bases:\n" + "".join(f"  - {{name: b{number}}}\n" for number in range(COUNT))
RESCUE = ".kiamo/staging.ledger.rescue.json"


@dataclass
class Shared:
    """A project whose ledger is somewhere else, and what can become of that."""

    site: Site
    environ: dict[str, str]
    faults: dict[str, Callable[[], object]]
    mend: Callable[[], object]
    """What people do before the next run."""
    stop: threading.Event = field(default_factory=threading.Event)
    in_flight: int = 1
    """How many writes begin before the run knows: a record in a file is written before the next step begins."""
    at: int = 0
    """The write during which something happens; 0: none."""
    fault: str = ""

    @property
    def workspace(self) -> Workspace:
        """The project, on an instance whose writes something happens during."""
        workspace = self.site.workspace
        transport = InProcess(self._handle, request=EmulatorRequest)
        return replace(workspace, environ={**workspace.environ, **self.environ}, transport=transport)

    def _handle(self, request: EmulatorRequest) -> EmulatorResponse:
        if request.method != "GET" and self.at:
            number = len(self.site.writes()) + 1
            if number == self.at:
                self.faults[self.fault]()
            elif number == self.at + 1:  # what the write before left to be saved was refused
                assert self.stop.wait(30)
        return self.site.emulator.handle(request)

    def apply(self, *, at: int = 0, fault: str = "") -> None:
        """One apply, of one write at a time."""
        self.at, self.fault = at, fault
        self.stop.clear()
        with start_apply(self.workspace, "staging") as run:
            self.run = run
            report = run.perform(parallelism=1, stop=self.stop)
            run.check(report)

    def bases(self) -> list[str]:
        """The names of the bases on the instance."""
        return sorted(base["name"] for base in self.site.emulator.dump().get("bases", ()))


@pytest.fixture
def http(site: Site) -> Iterator[Shared]:
    with serving(State()) as state:
        site.manifest(MANIFEST)
        ledger = f"ledger: {{backend: http, address: '{state.address}'}}"
        project = f"manifests: [manifests]\nenvironments: {{staging: {{url: 'http://127.0.0.1:8090', {ledger}}}}}\n"
        (site.folder / "kiamo.yaml").write_text(project, encoding="utf-8")
        faults: dict[str, Callable[[], object]] = {
            "stolen": lambda: setattr(state, "lock", {"ID": "theirs", "Who": "thief", "Created": "now"}),
            "deleted": lambda: setattr(state, "lock", None),
            "refused": lambda: state.faults.extend(["403"] * 20),
            "gone": lambda: state.faults.extend(["drop"] * 20),
            "locked": lambda: state.spoken.update(UNLOCK=(500, b"no", "text/plain")),
        }

        def mend() -> None:
            state.lock = None
            state.faults.clear()
            state.spoken.clear()

        environ = {"KIAMO_STAGING_LEDGER_USERNAME": USER, "KIAMO_STAGING_LEDGER_PASSWORD": PASSWORD}
        yield Shared(site, environ, faults, mend)


@pytest.fixture
def git(site: Site) -> Shared:
    def run(*arguments: str) -> str:
        names = {f"GIT_{role}_{key}": "test" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *arguments], cwd=site.folder, env=environ | names, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    environ = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    site.manifest(MANIFEST)
    project = (
        "manifests: [manifests]\n"
        "environments: {staging: {url: 'http://127.0.0.1:8090', ledger: {backend: git, remote: origin}}}\n"
    )
    (site.folder / "kiamo.yaml").write_text(project, encoding="utf-8")
    run("init", "-q", "--bare", "origin.git")
    run("init", "-q")
    run("remote", "add", "origin", "./origin.git")
    lock = "refs/kiamo-iac-lock/staging"

    def steal() -> None:
        tree = run("mktree")
        run("push", "-q", "-f", "origin", f"{run('commit-tree', tree, '-m', 'theirs')}:{lock}")

    def delete() -> None:
        run("push", "-q", "origin", f":{lock}")

    def mend() -> None:
        if run("ls-remote", "origin", lock):
            delete()

    return Shared(site, environ, {"stolen": steal, "deleted": delete}, mend)


@pytest.fixture(name="file")
def in_file(site: Site, monkeypatch: pytest.MonkeyPatch) -> Shared:
    site.manifest(MANIFEST)
    ledger = site.folder / ".kiamo" / "staging.ledger.jsonl"
    lock = ledger.with_name(f"{ledger.name}.lock")
    full = threading.Event()

    def steal() -> None:
        lock.rename(lock.with_name("away"))
        lock.touch()

    def write(place: RootedFile, data: bytes) -> None:
        if full.is_set() and place.path == ledger:
            raise OSError(errno.ENOSPC, "No space left on device")
        written(place, data)

    def append(store: FileStore, file: BinaryIO, data: bytes) -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        appended(store, file, data)

    written, appended = RootedFile.write, FileStore._append
    monkeypatch.setattr(RootedFile, "write", write)
    monkeypatch.setattr(FileStore, "_append", append)
    faults: dict[str, Callable[[], object]] = {
        "stolen": steal,
        "deleted": lambda: lock.rename(lock.with_name("away")),
        "removed": ledger.unlink,
        "full": full.set,
    }
    return Shared(site, {}, faults, full.clear, in_flight=0)


WINDOWS = sys.platform == "win32"  # there, no program can take away a file that another one has open
IN_FILE = ["file full", *([] if WINDOWS else ["file stolen", "file deleted"])]
ELSEWHERE = ["http stolen", "http deleted", "http refused", "http gone", "git stolen", "git deleted"]


@pytest.fixture(params=[*ELSEWHERE, *IN_FILE, *([] if WINDOWS else ["file removed"])])
def lost(request: pytest.FixtureRequest) -> tuple[Shared, str]:
    """A project, and what becomes of its lock or its ledger."""
    backend, fault = request.param.split()
    return request.getfixturevalue(backend), fault


@pytest.fixture(params=[*ELSEWHERE, *IN_FILE])
def lost_at_once(request: pytest.FixtureRequest) -> tuple[Shared, str]:
    """As `lost`, where there is no ledger yet."""
    backend, fault = request.param.split()
    return request.getfixturevalue(backend), fault


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record is saved at once, and an outage ends a run at its second failure."""
    monkeypatch.setattr(remote, "INTERVAL", 0.0)
    monkeypatch.setattr(remote, "PATIENCE", 0.0)
    monkeypatch.setattr(remote, "_WAITS", (0.0, None))


def test_f28_a_lost_ledger_ends_the_run_and_the_next_one_restores_it(lost: tuple[Shared, str]) -> None:
    shared, fault = lost
    with pytest.raises(PartialError, match="The ledger could not be written, so the run was stopped") as caught:
        shared.apply(at=3, fault=fault)
    assert caught.value.exit_code == 4
    assert RESCUE in (caught.value.hint or "")
    assert len(shared.bases()) == 3 + shared.in_flight
    assert (shared.site.folder / RESCUE).exists()

    shared.mend()
    shared.apply()
    assert [found.code for found in shared.site.notices] == ["KIA0913"]
    assert "bases/b2" in (shared.site.notices[0].detail or "")
    assert shared.bases() == [f"b{number}" for number in range(COUNT)]
    assert len(shared.site.writes()) == COUNT  # nothing was made twice
    owned = read_owned(shared.workspace, "staging")
    assert owned is not None
    assert all(entry.remote_id is not None for entry in owned.values())
    assert not (shared.site.folder / RESCUE).exists()


def test_o13_a_ledger_that_is_lost_with_the_last_write_ends_with_exit_code_4(lost: tuple[Shared, str]) -> None:
    shared, fault = lost
    with pytest.raises(PartialError) as caught:
        shared.apply(at=COUNT, fault=fault)
    assert caught.value.exit_code == 4
    assert RESCUE in (caught.value.hint or "")
    assert len(shared.bases()) == COUNT
    shared.mend()
    shared.apply()
    assert len(shared.site.writes()) == COUNT


def test_f22_a_ledger_that_is_lost_before_the_first_write_ends_with_exit_code_1(
    lost_at_once: tuple[Shared, str],
) -> None:
    shared, fault = lost_at_once

    def confirmed(run: ApplyRun) -> None:
        shared.faults[fault]()
        run.perform(parallelism=1, stop=shared.stop)

    with pytest.raises(KiamoIacError) as caught, start_apply(shared.workspace, "staging") as run:
        confirmed(run)
    assert caught.value.exit_code == 1
    assert isinstance(caught.value, LedgerError)
    assert shared.bases() == []
    assert not (shared.site.folder / RESCUE).exists()
    shared.mend()
    shared.apply()
    assert len(shared.bases()) == COUNT


def test_o08_a_run_that_was_paused_asks_for_its_lock_before_it_goes_on(
    http: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop slept while the user was asked; meanwhile another run took the lock. An update needs no intent."""
    http.apply()
    http.site.manifest(MANIFEST.replace("{name: b1}", "{name: b1, label: Other}"))
    writes = len(http.site.writes())
    later = time.time() + 3600

    def slept(run: ApplyRun) -> None:
        http.faults["stolen"]()
        monkeypatch.setattr(remote, "wall_clock", lambda: later)
        run.perform(parallelism=1)

    with (
        pytest.raises(LedgerError, match="its lock was lost: it is held by thief"),
        start_apply(http.workspace, "staging") as run,
    ):
        slept(run)
    assert len(http.site.writes()) == writes


def test_o13_a_lock_that_cannot_be_released_after_a_write_ends_with_exit_code_4(http: Shared) -> None:
    with pytest.raises(PartialError, match="is written, but its lock was not released") as caught:
        http.apply(at=COUNT, fault="locked")
    assert "kiamo-iac ledger unlock -e staging" in (caught.value.hint or "")
    http.mend()
    http.faults["locked"]()
    with pytest.raises(LedgerError, match="its lock was not released"):
        http.apply()  # nothing to do, and nothing was written
    http.mend()
    http.apply()

"""The ledger cannot be written, is lost on the way, or is that of another: F22, F28, F29."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.ledger import remote
from tests.faults.proxy import BEFORE, Exchange, Proxy, always, doing, dropped, nth, proxying, reply, reset
from tests.faults.scene import HTTP_LEDGER, PROJECT, Scene, playing, shown
from tests.git_by_hand import git, leave_the_job
from tests.ledger.state_server import PASSWORD, USER, State, serving

MANY = "bases:\n" + "".join(f"  - {{name: b{number:02}, label: B}}\n" for number in range(20))
CREDENTIALS = {"KIAMO_STAGING_LEDGER_USERNAME": USER, "KIAMO_STAGING_LEDGER_PASSWORD": PASSWORD}


# --- F22: nowhere to write -------------------------------------------------------------------------------------------


def blocked_folder(scene: Scene) -> None:
    (scene.folder / ".kiamo").write_text("in the way", encoding="utf-8")


def blocked_file(scene: Scene) -> None:
    scene.ledger.mkdir(parents=True)


def blocked_lock(scene: Scene) -> None:
    scene.ledger.with_name("staging.ledger.jsonl.lock").mkdir(parents=True)


def blocked_journal(scene: Scene) -> None:
    (scene.folder / ".kiamo").mkdir()
    (scene.folder / ".kiamo" / "journal").write_text("in the way", encoding="utf-8")


@pytest.mark.parametrize("block", [blocked_folder, blocked_file, blocked_lock, blocked_journal])
def test_f22_a_ledger_or_journal_that_cannot_be_written_fails_before_the_first_write(scene: Scene, block: Any) -> None:
    block(scene)
    done = scene.apply(expect=1)
    assert ".kiamo" in done.stderr, shown(done)
    assert scene.kiamo.writes == []
    if (scene.folder / ".kiamo").is_file():
        (scene.folder / ".kiamo").unlink()
    else:
        shutil.rmtree(scene.folder / ".kiamo")
    scene.converges()


class FullDisk:
    """`os.fsync` of a disk that is full from a moment on."""

    def __init__(self) -> None:
        self.full = False
        self.fsync = os.fsync

    def __call__(self, file: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.fsync(file)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    """The disk of this process."""
    made = FullDisk()
    monkeypatch.setattr(os, "fsync", made)
    return made


def test_f22_a_full_disk_fails_before_the_first_write(scene: Scene, disk: FullDisk) -> None:
    disk.full = True
    done = scene.apply(expect=1)
    assert "No space left" in done.stderr, shown(done)
    assert scene.kiamo.writes == []
    disk.full = False
    scene.converges()


def test_f22_a_disk_that_fills_up_in_the_middle_ends_the_run(scene: Scene, disk: FullDisk) -> None:
    """What was sent before is lost to the ledger, not to the next run: its intents are there. Exit 4, not 1."""

    def fill(exchange: Exchange) -> bool:
        disk.full = True
        return True

    scene.manifest(MANY)
    scene.proxy.play(fill, "POST", on=nth(3))
    slowly(scene)
    done = scene.apply("--parallelism", "1", expect=4)
    assert "No space left" in done.stderr, shown(done)
    assert 3 <= len(scene.kiamo.committed) < 10  # the ledger is put on the disk beside the calls
    disk.full = False
    scene.converges()
    assert len(scene.kiamo.committed) == 20
    assert all(entry["id"] is not None for entry in scene.owned().values())


# --- F28: the lock or the server goes in the middle ------------------------------------------------------------------


@pytest.fixture
def state(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    """A ledger on a server, written at once, whose lock is asked for before a step that follows a slow one."""
    monkeypatch.setattr(remote, "INTERVAL", 0.0)
    monkeypatch.setattr(remote, "CHECK", 0.05)
    monkeypatch.setattr(remote, "_WAITS", (0.0, None))
    with serving(State()) as server:
        yield server


@pytest.fixture
def ledger(scene: Scene, state: State) -> Iterator[Proxy]:
    """A proxy in front of it."""
    with proxying(state.url) as proxy:
        scene.project(PROJECT + HTTP_LEDGER % f"{proxy.url}/state")
        scene.more = CREDENTIALS
        scene.manifest(MANY)
        scene.speed = 100
        yield proxy


def slowly(scene: Scene) -> None:
    """Creates take so long from now on that the lock is asked for before each of them."""
    scene.proxy.play(doing(lambda: time.sleep(0.1)), "POST", on=always, when=BEFORE)


def locked_by_another(state: State) -> None:
    state.lock = {"ID": "of-another", "Who": "mallory", "Created": "now", "Operation": "apply"}


def lock_is_gone(state: State) -> None:
    state.lock = None


@pytest.mark.parametrize("lost", [locked_by_another, lock_is_gone])
def test_f28_a_lock_that_is_lost_ends_the_run(scene: Scene, state: State, ledger: Proxy, lost: Any) -> None:
    def lose(exchange: Exchange) -> bool:
        lost(state)
        slowly(scene)
        return True

    scene.proxy.play(lose, "POST", on=nth(3))
    done = scene.apply("--parallelism", "1", expect=4)
    assert "lock" in (done.stdout + done.stderr).lower(), shown(done)
    assert 3 <= len(scene.kiamo.committed) <= 5, "no further write once it is known"
    state.lock = None
    scene.converges()
    assert len(scene.kiamo.committed) == 20
    assert all(entry["id"] is not None for entry in scene.owned().values())


@pytest.mark.parametrize(
    "fault", [dropped, reset, reply(503), reply(500), reply(403)], ids=["dropped", "reset", "503", "500", "403"]
)
def test_f28_a_server_that_goes_away_ends_the_run_and_the_backup_is_put_back(
    scene: Scene, state: State, ledger: Proxy, fault: Any
) -> None:
    def lose(exchange: Exchange) -> bool:
        ledger.play(fault, on=always, when=BEFORE)
        slowly(scene)
        return True

    scene.proxy.play(lose, "POST", on=nth(3))
    done = scene.apply("--parallelism", "1", expect=4)
    assert "ledger" in done.stderr, shown(done)
    assert 3 <= len(scene.kiamo.committed) <= 5, "no further write once it is known"
    ledger.peace()
    if state.lock is not None:  # it could not be given back
        assert state.lock["ID"] in done.stderr
        assert scene.run("ledger", "unlock", "-e", "staging", state.lock["ID"]).returncode == 0
    planned = scene.plan()
    assert "KIA0913" in planned.stdout + planned.stderr, shown(planned)
    scene.converges()
    assert len(scene.kiamo.committed) == 20
    assert all(entry["id"] is not None for entry in scene.owned().values())


# --- F29: whose ledger it is -----------------------------------------------------------------------------------------


def test_f29_an_instance_that_has_a_name_may_have_another_url(scene: Scene) -> None:
    scene.project(PROJECT + "    instance: kiamo-prod\n")
    scene.converges()
    with proxying(scene.kiamo.url) as second:
        writes = len(scene.kiamo.writes)
        done = scene.run("apply", "-e", "staging", "--yes", "--prune", KIAMO_STAGING_URL=second.url)
        assert (done.returncode, scene.kiamo.writes[writes:]) == (0, []), shown(done)
    scene.converges()


def test_f29_another_project_with_the_same_environment_is_refused(scene: Scene, state: State, tmp_path: Path) -> None:
    address = HTTP_LEDGER % state.address
    scene.project("name: outbound\n" + PROJECT + address)
    scene.more = CREDENTIALS
    tree = scene.converges()
    with playing(tmp_path / "other", scene.kiamo) as other:
        other.project("name: inbound\n" + PROJECT + address)
        other.more = CREDENTIALS
        other.manifest("bases:\n  - {name: clients, label: Clients}\n")
        other.proxy.url = scene.proxy.url
        writes = len(scene.kiamo.writes)
        done = other.apply("--prune", expect=1)
        assert "outbound" in done.stderr, shown(done)
        assert scene.kiamo.writes[writes:] == []
    scene.converges(to=tree)


# --- F28: the same for a ledger on a git ref -------------------------------------------------------------------------


@pytest.fixture
def bare(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The remote of the project's repository, which has the ledger, asked for its lock as in `state`."""
    leave_the_job(monkeypatch)
    monkeypatch.setattr(remote, "INTERVAL", 0.0)
    monkeypatch.setattr(remote, "CHECK", 0.05)
    monkeypatch.setattr(remote, "_WAITS", (0.0, None))
    where = tmp_path / "bare.git"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(where))
    scene.project(PROJECT + "    ledger: {backend: git}\n")
    scene.manifest(MANY)
    git(scene.folder, "init", "-q", "-b", "main")
    git(scene.folder, "remote", "add", "origin", str(where))
    git(scene.folder, "add", "kiamo.yaml", "manifests")
    git(scene.folder, "commit", "-q", "-m", "begin")
    git(scene.folder, "push", "-q", "origin", "main")
    scene.more = {"HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return where


def lock_ref(bare: Path) -> str:
    """The one ref that is a lock, or nothing."""
    return git(bare, "for-each-ref", "--format=%(refname)", "refs/kiamo-iac-lock/")


def test_f28_a_lock_ref_that_is_deleted_ends_the_run(scene: Scene, bare: Path) -> None:
    def lose(exchange: Exchange) -> bool:
        git(bare, "update-ref", "-d", lock_ref(bare))
        slowly(scene)
        return True

    scene.proxy.play(lose, "POST", on=nth(3))
    done = scene.apply("--parallelism", "1", expect=4)
    assert "lock" in done.stderr, shown(done)
    assert 3 <= len(scene.kiamo.committed) <= 5, "no further write once it is known"
    scene.converges()
    assert len(scene.kiamo.committed) == 20
    assert lock_ref(bare) == ""
    assert all(entry["id"] is not None for entry in scene.owned().values())


def test_f28_a_remote_that_goes_away_ends_the_run_and_the_backup_is_put_back(scene: Scene, bare: Path) -> None:
    away = bare.with_name("away.git")

    def lose(exchange: Exchange) -> bool:
        bare.rename(away)
        slowly(scene)
        return True

    scene.proxy.play(lose, "POST", on=nth(3))
    done = scene.apply("--parallelism", "1", expect=4)
    assert "ledger" in done.stderr, shown(done)
    assert 3 <= len(scene.kiamo.committed) <= 5, "no further write once it is known"
    away.rename(bare)
    (lock,) = re.findall(r"ledger unlock -e staging ([0-9a-f-]{36})", done.stderr)
    assert scene.run("ledger", "unlock", "-e", "staging", lock).returncode == 0
    planned = scene.plan()
    assert "KIA0913" in planned.stdout + planned.stderr, shown(planned)
    scene.converges()
    assert len(scene.kiamo.committed) == 20
    assert all(entry["id"] is not None for entry in scene.owned().values())

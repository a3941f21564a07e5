"""The ledger in a file: appended to, repaired, compacted, locked; and never damaged by a run that fails."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import LedgerError, LockedError, UsageError
from kiamo_iac.core.ledger_settings import FileSettings, LedgerSettings
from kiamo_iac.core.state import Owned
from kiamo_iac.ledger.content import Put
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lines import header_line, record_lines
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.opening import LedgerAccess, LedgerContext, ledger_access
from tests.ledger.entries import ENVIRONMENT, content_of, files_below, identity_of, owned

SETTINGS = FileSettings()
LEDGER = ".kiamo/staging.ledger.jsonl"


def access(root: Path, *, settings: LedgerSettings = SETTINGS, environment: str = ENVIRONMENT) -> LedgerAccess:
    return ledger_access(settings, LedgerContext(identity_of(environment), root, {}))


def opened(
    root: Path, *, settings: LedgerSettings = SETTINGS, environment: str = ENVIRONMENT, timeout: float = 0.0
) -> AbstractContextManager[Ledger]:
    info = LockInfo.of_this_process("alice", "apply")
    return access(root, settings=settings, environment=environment).locked(info, timeout=timeout)


def read(root: Path, *, settings: LedgerSettings = SETTINGS, environment: str = ENVIRONMENT) -> Ledger:
    return access(root, settings=settings, environment=environment).read()


def names(ledger: Ledger) -> list[str]:
    return sorted(address.name for address in ledger.owned)


def lines_of(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / LEDGER).read_text(encoding="utf-8").splitlines()]


def test_what_is_recorded_is_read(tmp_path: Path) -> None:
    assert not read(tmp_path).found
    with opened(tmp_path) as ledger:
        assert not ledger.found
        ledger.intend([owned("a", None), owned("b", None)])
        assert {entry.remote_id for entry in ledger.owned.values()} == {None}
        ledger.record(owned("a", 17))
        ledger.record(replace(owned("b", "x y"), protect=True, renamed_from=("old",)))
        ledger.record(owned("c"))
        ledger.forget(Address("bases/c"))
        ledger.forget(Address("bases/never"))
        ledger.mark_applied("digest")
        assert ledger.was_applied("digest")
    again = read(tmp_path)
    assert again.found
    assert dict(again.owned) == {
        "bases/a": owned("a", 17),
        "bases/b": replace(owned("b", "x y"), protect=True, renamed_from=("old",)),
    }
    assert again.was_applied("digest")
    assert not again.was_applied("other")
    assert again.serial == ledger.serial == 7


def test_what_is_intended_is_written_at_once(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.record(owned("a", "7", label="A"))
    with opened(tmp_path) as ledger:
        ledger.intend([owned("a", None, label="B"), owned("b", None)])
        assert dict(read(tmp_path).owned) == {"bases/a": owned("a", None, label="B"), "bases/b": owned("b", None)}


def test_what_is_recorded_together_is_written_at_once_and_known_before(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.intend([owned("a", None), owned("b", 5)])
        before = lines_of(tmp_path)
        with ledger.together():
            ledger.record(owned("a", 17))
            ledger.forget(Address("bases/b"))
            assert names(ledger) == ["a"]
            assert lines_of(tmp_path) == before
        assert [*map(list, lines_of(tmp_path)[len(before) :])] == [["put"], ["forget"]]
    with opened(tmp_path) as ledger, suppress(KeyError), ledger.together():
        ledger.record(owned("c", 18))
        raise KeyError
    assert names(read(tmp_path)) == ["a", "c"]


def test_no_records_create_no_file(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.intend([])
        ledger.flush()
    assert not (tmp_path / LEDGER).exists()


def counting_syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The files that were synced to the disk, from now on."""
    synced: list[int] = []
    sync = os.fsync

    def counted(handle: int) -> None:
        synced.append(handle)
        sync(handle)

    monkeypatch.setattr(os, "fsync", counted)
    return synced


def test_each_record_is_in_the_file_when_record_returns_and_soon_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as ledger:
        ledger.intend([owned("a", None)])
        synced = counting_syncs(monkeypatch)
        for number in range(300):
            ledger.record(owned("a", number))
        assert dict(read(tmp_path).owned)[Address("bases/a")].remote_id == 299
        assert len(synced) < 100, "records that come together are synced together"
        deadline = time.monotonic() + 30
        while not synced and time.monotonic() < deadline:
            time.sleep(0.01)
        assert synced
        ledger.record(owned("a", 300))
    assert dict(read(tmp_path).owned)[Address("bases/a")].remote_id == 300


def test_what_could_not_be_synced_is_taken_back_and_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: SimpleQueue[LedgerError] = SimpleQueue()
    with opened(tmp_path) as ledger:
        ledger.watch(failures.put)
        ledger.intend([owned("a", None)])
        before = (tmp_path / LEDGER).read_bytes()
        sync = os.fsync

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        ledger.record(owned("a", 7))
        assert "No space left" in str(failures.get(timeout=30))
        assert (tmp_path / LEDGER).read_bytes() == before
        with pytest.raises(LedgerError, match="No space left"):
            ledger.check()
        monkeypatch.setattr(os, "fsync", sync)
        ledger.flush()
    assert dict(read(tmp_path).owned)[Address("bases/a")].remote_id == 7
    assert len(lines_of(tmp_path)) == 3


def test_a_record_after_a_torn_line_that_could_not_be_synced_is_taken_back_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as ledger:
        ledger.record(owned("a"))
    path = tmp_path / LEDGER
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"put":{"address":"bases/b","remo' + b"x" * 500)
    failures: SimpleQueue[LedgerError] = SimpleQueue()
    sync = os.fsync

    def full_beside_the_calls(handle: int) -> None:
        if threading.current_thread().name == "ledger":
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    with opened(tmp_path) as ledger:
        ledger.watch(failures.put)
        monkeypatch.setattr(os, "fsync", full_beside_the_calls)
        ledger.record(owned("c"))
        assert "No space left" in str(failures.get(timeout=30))
        assert path.read_bytes() == whole
        monkeypatch.setattr(os, "fsync", sync)
        ledger.flush()
    assert names(read(tmp_path)) == ["a", "c"]
    assert len(lines_of(tmp_path)) == 3


def test_a_record_costs_one_line_however_large_the_ledger_is(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.intend(owned(f"b{number}", None) for number in range(500))
        before = (tmp_path / LEDGER).read_bytes()
        ledger.record(owned("b7", 8))
        after = (tmp_path / LEDGER).read_bytes()
    assert after.startswith(before)
    assert after[len(before) :].decode() == record_lines([Put(owned("b7", 8))])


def test_a_torn_line_is_left_out_and_set_aside_with_the_next_record(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.record(owned("a"))
    path = tmp_path / LEDGER
    torn = b'{"put":{"address":"bases/b","remo\x00\x00'
    path.write_bytes(path.read_bytes() + torn)
    before = files_below(tmp_path)
    assert names(read(tmp_path)) == ["a"]
    with opened(tmp_path) as ledger:
        assert names(ledger) == ["a"]
    assert files_below(tmp_path)[LEDGER] == before[LEDGER]
    with opened(tmp_path) as ledger:
        ledger.record(owned("c"))
        ledger.record(owned("d"))
    assert names(read(tmp_path)) == ["a", "c", "d"]
    assert files_below(tmp_path)[f"{LEDGER}.torn"] == torn + b"\n"
    assert len(lines_of(tmp_path)) == 4


def test_a_file_of_many_records_is_compacted_when_it_is_opened_to_be_written(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        for number in range(105):
            ledger.record(owned("a", number))
        serial = ledger.serial
    assert len(lines_of(tmp_path)) == 106
    assert read(tmp_path).serial == serial
    assert len(lines_of(tmp_path)) == 106
    lineage = lines_of(tmp_path)[0]["lineage"]
    with opened(tmp_path) as ledger:
        assert len(lines_of(tmp_path)) == 2
        ledger.record(owned("b"))
    assert (read(tmp_path).serial, names(read(tmp_path))) == (serial + 1, ["a", "b"])
    assert lines_of(tmp_path)[0]["lineage"] == lineage
    assert [name for name in files_below(tmp_path) if name.endswith(".tmp")] == []


def test_a_compaction_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as ledger:
        for number in range(105):
            ledger.record(owned("a", number))
    before = files_below(tmp_path)

    def full(*paths: str, **folders: int | None) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LedgerError, match=r"cannot be written: No space left"), opened(tmp_path):
        pass
    assert files_below(tmp_path) == before


class Full:
    """A file on a disk that takes `room` bytes more."""

    def __init__(self, inner: Any, room: int) -> None:
        self.inner, self.room = inner, room

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        count: int = self.inner.write(data[: self.room])
        self.room -= count
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def on_a_full_disk(ledger: Ledger) -> Full:
    disk = Full(ledger._store._file, 20)  # type: ignore[attr-defined]
    ledger._store._file = disk  # type: ignore[attr-defined]
    return disk


def test_f22_a_full_disk_is_reported_at_once_and_the_file_stays_whole(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.record(owned("a"))
    before = (tmp_path / LEDGER).read_bytes()

    def run() -> None:
        with opened(tmp_path) as ledger:
            on_a_full_disk(ledger)
            with pytest.raises(LedgerError, match="No space left"):
                ledger.intend([owned("b", None)])
            assert (tmp_path / LEDGER).read_bytes() == before

    with pytest.raises(LedgerError, match=r"No space left.* about to be applied: bases/b\.") as caught:
        run()
    assert caught.value.hint is not None
    assert names(read(tmp_path)) == ["a"]


def test_what_a_full_disk_refused_is_written_once_there_is_room(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.record(owned("a"))
    with opened(tmp_path) as ledger:
        disk = on_a_full_disk(ledger)
        with pytest.raises(LedgerError, match="No space left"):
            ledger.record(owned("b"))
        disk.room = 1 << 20
        ledger.record(owned("c"))
    assert names(read(tmp_path)) == ["a", "b", "c"]


def test_f22_a_folder_that_cannot_be_created_fails_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / ".kiamo").write_text("a file")
    with pytest.raises(LedgerError, match="cannot be locked"), opened(tmp_path):
        pass
    assert files_below(tmp_path) == {".kiamo": b"a file"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "KIA0901"),
        (b"not a ledger\n", "KIA0901"),
        (b'{"format_version":3,"environment":"staging"}\n', "KIA0902"),
        (header_line(content_of(environment="production"), records=0).encode(), "KIA0903"),
    ],
    ids=["empty", "junk", "newer", "another environment"],
)
def test_a_file_that_is_no_ledger_is_never_changed(tmp_path: Path, data: bytes, code: str) -> None:
    path = tmp_path / LEDGER
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(LedgerError) as caught, opened(tmp_path):
        pass
    assert [(d.code, d.source.file if d.source else None) for d in caught.value.diagnostics] == [(code, LEDGER)]
    with pytest.raises(LedgerError):
        read(tmp_path)
    assert path.read_bytes() == data


@pytest.mark.parametrize("other", ["appends", "takes its place"])
def test_a_file_that_something_else_writes_meanwhile_is_not_written(tmp_path: Path, other: str) -> None:
    with opened(tmp_path) as ledger:
        ledger.record(owned("a"))
    path = tmp_path / LEDGER
    seen: list[bytes] = []

    def run() -> None:
        with opened(tmp_path) as ledger:
            if other == "appends":
                path.write_bytes(path.read_bytes() + record_lines([Put(owned("x"))]).encode())
            else:
                copy = path.with_name("copy")
                copy.write_bytes(path.read_bytes())
                copy.replace(path)
            seen.append(path.read_bytes())
            with pytest.raises(LedgerError, match="another program has written it"):
                ledger.check()
            for name in ("b", "c"):
                with pytest.raises(LedgerError, match="another program has written it"):
                    ledger.record(owned(name))

    with pytest.raises(LedgerError, match=r"another program has written it.*bases/b, bases/c"):
        run()
    assert path.read_bytes() == seen[0]


def test_many_threads_lose_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:

        def work(worker: int) -> None:
            for number in range(20):
                ledger.record(owned(f"b{worker}-{number}"))
                if number % 4 == 3:
                    ledger.forget(Address(f"bases/b{worker}-{number}"))

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seen = dict(ledger.owned)
    assert len(seen) == 6 * 15
    assert dict(read(tmp_path).owned) == seen


# --- the lock --------------------------------------------------------------------------------------------------------


def test_f09_a_second_run_is_refused_with_the_holder_of_the_lock(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.record(owned("a"))
        before = (tmp_path / LEDGER).read_bytes()
        with (
            pytest.raises(
                LockedError, match=rf"locked by alice@.* \(process {os.getpid()}\) for apply since 20"
            ) as caught,
            opened(tmp_path),
        ):
            pass
        assert caught.value.exit_code == 5
        assert caught.value.hint is not None
        assert "--lock-timeout" in caught.value.hint
        assert names(read(tmp_path)) == ["a"]
        with opened(tmp_path, environment="production") as other:
            other.record(owned("z"))
        assert (tmp_path / LEDGER).read_bytes() == before
    with opened(tmp_path) as ledger:
        assert names(ledger) == ["a"]


def test_a_run_waits_for_the_lock_until_the_timeout(tmp_path: Path) -> None:
    release, held = threading.Event(), threading.Event()

    def hold() -> None:
        with opened(tmp_path) as ledger:
            ledger.record(owned("a"))
            held.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    with pytest.raises(LockedError), opened(tmp_path, timeout=0.05):
        pass
    threading.Timer(0.2, release.set).start()
    with opened(tmp_path, timeout=30) as ledger:
        assert names(ledger) == ["a"]
    thread.join()


HOLD = """
import sys
from pathlib import Path
from tests.ledger.test_ledger_file import opened, owned
with opened(Path(sys.argv[1])) as ledger:
    ledger.intend([owned("a", None), owned("b", None)])
    ledger.record(owned("a", 1))
    print("held", flush=True)
    sys.stdin.read()
"""


def test_f07_a_run_that_is_killed_keeps_what_it_recorded_and_leaves_no_lock(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        with pytest.raises(LockedError, match=rf"process {child.pid}\)"), opened(tmp_path):
            pass
        with pytest.raises(UsageError, match='is not "wrong"'):
            access(tmp_path).break_lock("wrong")
        held = json.loads((tmp_path / f"{LEDGER}.holder.json").read_text())["id"]
        with pytest.raises(LedgerError, match="still running"):
            access(tmp_path).break_lock(held)
        child.kill()
    with pytest.raises(UsageError, match="is not locked"):
        access(tmp_path).break_lock(held)
    with opened(tmp_path) as ledger:
        assert {address.name: entry.remote_id for address, entry in ledger.owned.items()} == {"a": 1, "b": None}


def test_a_run_that_fails_gives_the_lock_back_and_keeps_what_was_recorded(tmp_path: Path) -> None:
    def run() -> None:
        with opened(tmp_path) as ledger:
            ledger.record(owned("a"))
            msg = "on its way"
            raise RuntimeError(msg)

    with pytest.raises(RuntimeError, match="on its way"):
        run()
    with opened(tmp_path) as ledger:
        assert names(ledger) == ["a"]
    assert f"{LEDGER}.holder.json" not in files_below(tmp_path)


# --- paths and reading -----------------------------------------------------------------------------------------------


def test_the_path_may_be_chosen_within_the_project(tmp_path: Path) -> None:
    settings = FileSettings(path="state/ours.jsonl")
    with opened(tmp_path, settings=settings) as ledger:
        ledger.record(owned("a"))
    assert names(read(tmp_path, settings=settings)) == ["a"]
    assert "state/ours.jsonl" in files_below(tmp_path)


@pytest.mark.parametrize("path", ["../ours.jsonl", "/etc/ours.jsonl", "link/ours.jsonl", "folder", "a\\b"])
def test_a_path_out_of_the_project_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "project"
    (root / "folder").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path, target_is_directory=True)
    with (
        pytest.raises(LedgerError, match=r"not a (file|folder) within the project"),
        opened(root, settings=FileSettings(path=path)),
    ):
        pass


def test_a_ledger_that_was_only_read_is_not_written(tmp_path: Path) -> None:
    ledger = read(tmp_path)
    with pytest.raises(RuntimeError, match="without its lock"):
        ledger.record(owned("a"))
    ledger.flush()
    assert files_below(tmp_path) == {}


def test_owned_is_a_picture_of_its_moment(tmp_path: Path) -> None:
    with opened(tmp_path) as ledger:
        ledger.record(owned("a"))
        seen = ledger.owned
        ledger.record(Owned(Address("bases/b"), 1))
        assert list(seen) == ["bases/a"]
        assert len(ledger.owned) == 2

"""Records on their way to a remote: gathered, tried again, never in the way of a step."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from kiamo_iac.core.errors import LedgerError, TransportError
from kiamo_iac.core.safe_files import RootedFile
from kiamo_iac.ledger import remote
from kiamo_iac.ledger.backup import LocalBackup
from kiamo_iac.ledger.content import AppliedPlan, Content, Put
from kiamo_iac.ledger.document import RemoteContent, revision_of
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.remote import RemoteStore
from tests.ledger.entries import ENVIRONMENT, WHEN, owned

HELD = LockInfo("mine", "me")


class Memory:
    """A remote that keeps what it is given, when it feels like it."""

    shown = "memory"

    def __init__(self) -> None:
        self.writes: list[set[str]] = []
        self.failures: list[Exception] = []
        self.gate = threading.Event()
        self.gate.set()
        self.written = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.overtaken = False
        self.holder: LockInfo | None = HELD
        self.asked = 0

    def write(self, content: Content, *, expected: str | None) -> str | None:
        self.begun.release()
        self.gate.wait(30)
        if self.failures:
            raise self.failures.pop(0)
        if self.overtaken:
            return None
        self.writes.append({address.name for address in content.entries})
        self.written.release()
        return revision_of(content)

    def read(self) -> RemoteContent | None:
        return None

    def lock(self, info: LockInfo, *, timeout: float) -> None: ...

    def unlock(self) -> None: ...

    hides_lock_id = False
    source = None

    def lock_info(self) -> LockInfo | None:
        self.asked += 1
        return self.holder

    def break_lock(self, info: LockInfo) -> None: ...


def store_of(memory: Memory, root: Path, *, interval: float = 3600.0) -> RemoteStore:
    backup = LocalBackup(RootedFile(root, ("rescue.json",)), {})
    return RemoteStore(
        memory, Content(ENVIRONMENT), revision=None, backup=backup, held=HELD, interval=interval, pause=lambda _: None
    )


def test_no_step_waits_for_a_write_and_what_came_meanwhile_goes_with_the_next(tmp_path: Path) -> None:
    memory = Memory()
    memory.gate.clear()
    store = store_of(memory, tmp_path, interval=0.0)
    store.append([Put(owned("a"))])
    assert memory.begun.acquire(timeout=30)
    store.append([Put(owned("b"))])
    store.append([Put(owned("c"))])
    memory.gate.set()
    assert memory.written.acquire(timeout=30)
    assert memory.written.acquire(timeout=30)
    store.close()
    assert memory.writes == [{"a"}, {"a", "b", "c"}]


def test_the_next_write_waits_for_its_interval_or_the_end(tmp_path: Path) -> None:
    memory = Memory()
    store = store_of(memory, tmp_path)
    store.append([Put(owned("a"))])
    assert memory.written.acquire(timeout=30)
    for name in "bcd":
        store.append([Put(owned(name))])
    assert memory.writes == [{"a"}]
    store.close()
    assert memory.writes == [{"a"}, {"a", "b", "c", "d"}]


def test_the_interval_is_not_shorter_than_the_time_that_a_write_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory()
    store = store_of(memory, tmp_path, interval=3.0)
    times = iter([100.0, 105.0, 110.0, 110.1])
    monkeypatch.setattr("kiamo_iac.ledger.remote.monotonic", lambda: next(times))
    store._waiting = [Put(owned("a"))]
    store.flush()
    assert store._next == 110.0
    store._waiting = [Put(owned("b"))]
    store.flush()
    assert store._next == 113.1


def test_a_write_that_fails_meanwhile_is_made_good_by_the_end(tmp_path: Path) -> None:
    memory = Memory()
    memory.failures = [LedgerError("no"), TransportError("away", sent=True)]
    store = store_of(memory, tmp_path)
    store.append([Put(owned("a"))])
    assert memory.begun.acquire(timeout=30)
    store.close()
    assert memory.writes == [{"a"}]
    assert not (tmp_path / "rescue.json").exists()


def test_a_passing_trouble_is_tried_again_and_any_other_is_not(tmp_path: Path) -> None:
    memory = Memory()
    store = store_of(memory, tmp_path)
    store._waiting = [AppliedPlan("digest", WHEN)]
    memory.failures = [TransportError("away", sent=True)] * 3 + [LedgerError("unseen")]
    with pytest.raises(LedgerError, match="memory could not be written: away") as caught:
        store.flush()
    assert isinstance(caught.value.__cause__, TransportError)
    assert len(memory.failures) == 1
    memory.failures = [LedgerError("no", hint="ask"), LedgerError("unseen")]
    with pytest.raises(LedgerError, match="could not be written: no") as caught:
        store.flush()
    assert caught.value.hint == "ask"
    assert len(memory.failures) == 1
    assert not (tmp_path / "rescue.json").exists()


def test_a_rescue_copy_that_cannot_be_written_either_is_not_promised(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = Memory()
    memory.failures = [LedgerError("no")]
    store = RemoteStore(
        memory,
        Content(ENVIRONMENT),
        revision=None,
        backup=LocalBackup(RootedFile(tmp_path, ("file", "r.json")), {}),
        interval=3600.0,
    )
    store._waiting = [Put(owned(f"b{number:02}")) for number in range(10)]
    with pytest.raises(LedgerError, match=r"bases/b00, .*bases/b07 and 2 more\.") as caught:
        store.flush()
    assert "adopt" in (caught.value.hint or "")


# --- a run that may write no more ------------------------------------------------------------------------------------


def watched(memory: Memory, root: Path, **options: float) -> tuple[RemoteStore, list[LedgerError], threading.Event]:
    """A store, what it ends its run for, and an event for that."""
    store, ended = store_of(memory, root, **options), threading.Event()
    errors: list[LedgerError] = []

    def on_failure(error: LedgerError) -> None:
        errors.append(error)
        ended.set()

    store.watch(on_failure)
    return store, errors, ended


def test_o08_a_refused_save_ends_the_run_at_once_and_all_that_was_done_is_in_the_backup(tmp_path: Path) -> None:
    memory = Memory()
    memory.failures = [LedgerError("no", hint="ask"), LedgerError("no", hint="ask")]
    store, errors, ended = watched(memory, tmp_path)
    store.append([Put(owned("a"))])
    assert ended.wait(30)
    with pytest.raises(LedgerError, match="memory could not be written: no") as caught:
        store.check()
    assert [caught.value] == errors
    assert '"bases/a"' in (tmp_path / "rescue.json").read_text(encoding="utf-8")
    store.append([Put(owned("b"))])  # it was in flight
    with pytest.raises(LedgerError, match="bases/a, bases/b"):
        store.close()
    assert '"bases/b"' in (tmp_path / "rescue.json").read_text(encoding="utf-8")


def test_o08_another_run_that_has_written_ends_this_one_for_good(tmp_path: Path) -> None:
    memory = Memory()
    memory.overtaken = True
    store, errors, ended = watched(memory, tmp_path)
    store.append([Put(owned("a"))])
    assert ended.wait(30)
    assert "another run has written it" in str(errors[0])
    memory.overtaken = False
    with pytest.raises(LedgerError, match="another run has written it"):
        store.close()
    assert memory.writes == []


def test_o08_an_outage_may_pass_and_ends_the_run_when_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory()
    memory.failures = [TransportError("away", sent=True)] * 3
    store, errors, ended = watched(memory, tmp_path, interval=0.0)
    store.append([Put(owned("a"))])
    assert memory.written.acquire(timeout=30)
    assert errors == []
    monkeypatch.setattr(remote, "PATIENCE", 0.0)
    memory.failures = [TransportError("away", sent=True)] * 2
    store.append([Put(owned("b"))])
    assert ended.wait(30)
    assert "memory could not be written: away" in str(errors[0])
    store.close()  # it is back at the end
    assert memory.writes[-1] == {"a", "b"}
    assert not (tmp_path / "rescue.json").exists()


@pytest.mark.parametrize("holder", [None, LockInfo("other", "thief")], ids=["released", "stolen"])
def test_o08_after_a_pause_the_lock_is_asked_for_before_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: LockInfo | None
) -> None:
    memory = Memory()
    now = [1000.0]
    monkeypatch.setattr(remote, "wall_clock", lambda: now[0])
    store, errors, _ = watched(memory, tmp_path)
    store._next = monotonic() + 3600.0  # the thread of the store writes nothing
    store._waiting = [Put(owned("a"))]
    store.check()
    assert memory.asked == 0  # it has just been taken
    now[0] += 3600.0
    store.check()
    store.check()
    assert memory.asked == 1
    memory.holder = holder
    now[0] -= 3600.0  # the clock was set
    with pytest.raises(LedgerError, match="its lock was lost"):
        store.check()
    assert store.lost
    assert len(errors) == 1
    with pytest.raises(LedgerError, match="its lock was lost"):
        store.close()
    assert memory.writes == []
    assert (tmp_path / "rescue.json").exists()


def test_o08_a_lock_that_is_lost_while_all_steps_wait_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory()
    memory.holder = LockInfo("other", "thief")
    monkeypatch.setattr(remote, "CHECK", 0.01)
    store, errors, ended = watched(memory, tmp_path, interval=0.0)
    with suppress(LedgerError):
        store.check()
    assert ended.wait(30)
    assert "held by thief" in str(errors[0])
    with pytest.raises(LedgerError):
        store.check()


def test_a_server_that_leaves_out_the_id_of_a_lock_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    memory.holder = LockInfo("", "")
    monkeypatch.setattr(remote, "CHECK", 0.0)
    store, errors, _ = watched(memory, tmp_path)
    store.check()
    store.close()
    assert errors == []

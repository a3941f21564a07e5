"""Records on their way to a remote: gathered, tried again, never in the way of a step."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from kiamo_iac.core.errors import LedgerError, TransportError
from kiamo_iac.core.safe_files import RootedFile
from kiamo_iac.ledger.backup import LocalBackup
from kiamo_iac.ledger.content import AppliedPlan, Content, Put
from kiamo_iac.ledger.document import RemoteContent, revision_of
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.remote import RemoteStore
from tests.ledger.entries import ENVIRONMENT, WHEN, owned


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

    def write(self, content: Content, *, expected: str | None) -> str | None:
        self.begun.release()
        self.gate.wait(30)
        if self.failures:
            raise self.failures.pop(0)
        self.writes.append({address.name for address in content.entries})
        self.written.release()
        return revision_of(content)

    def read(self) -> RemoteContent | None:
        return None

    def lock(self, info: LockInfo, *, timeout: float) -> None: ...

    def unlock(self) -> None: ...

    hides_lock_id = False

    def lock_info(self) -> LockInfo | None:
        return None

    def break_lock(self, info: LockInfo) -> None: ...


def store_of(memory: Memory, root: Path, *, interval: float = 3600.0) -> RemoteStore:
    backup = LocalBackup(RootedFile(root, ("rescue.json",)), {})
    return RemoteStore(
        memory, Content(ENVIRONMENT), revision=None, backup=backup, interval=interval, pause=lambda _: None
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

"""The ledger behind a server of Terraform's HTTP state protocol, over real HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import LedgerError, LockedError, TransportError, UsageError
from kiamo_iac.core.ledger_settings import HttpSettings
from kiamo_iac.core.secret import Secret
from kiamo_iac.http.caller import HttpCaller
from kiamo_iac.http.message import Authorization
from kiamo_iac.ledger import remote
from kiamo_iac.ledger.access import caller_for
from kiamo_iac.ledger.http import content_of_state, state_document
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.opening import LedgerAccess, LedgerContext, ledger_access
from tests.ledger.entries import ENVIRONMENT, IDENTITY, content_of, files_below, owned
from tests.ledger.state_server import PASSWORD, USER, State, serving

RESCUE = ".kiamo/staging.ledger.rescue.json"


@pytest.fixture(params=[False, True], ids=["terraform", "gitlab"])
def state(request: pytest.FixtureRequest) -> Iterator[State]:
    with serving(State(gitlab=request.param)) as running:
        yield running


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_WAITS", (0.0, 0.0, None))


def settings_of(state: State, **keys: Any) -> HttpSettings:
    return HttpSettings(address=state.address, **keys)


def send_to(state: State, password: str = PASSWORD) -> HttpCaller:
    client = caller_for(state.address, Authorization.basic(USER, Secret(password)), pause=lambda _: None)
    state.clients.append(client)
    return client


def access(state: State, root: Path, *, password: str = PASSWORD, **keys: Any) -> LedgerAccess:
    return ledger_access(settings_of(state, **keys), LedgerContext(IDENTITY, root, {}, send=send_to(state, password)))


def opened(state: State, root: Path, *, timeout: float = 0.0, who: str = "alice") -> AbstractContextManager[Ledger]:
    return access(state, root).locked(LockInfo.of_this_process(who, "apply"), timeout=timeout)


def read(state: State, root: Path) -> Ledger:
    return access(state, root).read()


def names(ledger: Ledger) -> list[str]:
    return sorted(address.name for address in ledger.owned)


def record(state: State, root: Path, *which: str) -> None:
    with opened(state, root) as ledger:
        for name in which:
            ledger.record(owned(name))


def test_what_is_recorded_is_read(state: State, tmp_path: Path) -> None:
    assert not read(state, tmp_path).found
    with opened(state, tmp_path) as ledger:
        assert not ledger.found
        ledger.intend([owned("a", None), owned("b", None)])
        assert names(read(state, tmp_path)) == ["a", "b"]
        ledger.record(owned("a", "é 7"))
        ledger.forget(Address("bases/b"))
        ledger.mark_applied("digest")
    again = read(state, tmp_path)
    assert again.found
    assert dict(again.owned) == {"bases/a": owned("a", "é 7")}
    assert again.was_applied("digest")
    assert again.serial == ledger.serial
    assert state.lock is None
    assert files_below(tmp_path) == {}


def test_what_is_kept_is_a_terraform_state_whose_serial_grows(state: State, tmp_path: Path) -> None:
    record(state, tmp_path, "a")
    assert state.body is not None
    first = json.loads(state.body)
    assert (first["version"], first["resources"], first["outputs"]["kiamo_iac"]["type"]) == (4, [], "string")
    assert list(first).index("serial") < list(first).index("outputs")
    record(state, tmp_path, "b")
    second = json.loads(state.body)
    assert second["serial"] > first["serial"]
    assert second["lineage"] == first["lineage"]


def test_records_are_gathered_and_written_by_the_end(state: State, tmp_path: Path) -> None:
    record(state, tmp_path, *(f"b{number}" for number in range(200)))
    assert len(read(state, tmp_path).owned) == 200
    assert (
        sum(line == "POST 200" for line in state.log) <= 2 + 1
    )  # the first at once, the rest at the end; GitLab's lock


def test_a_second_run_is_refused_with_the_holder_of_the_lock(state: State, tmp_path: Path) -> None:
    with opened(state, tmp_path) as ledger:
        ledger.record(owned("a"))
        with (
            pytest.raises(LockedError, match=r"locked by alice@\S+ since 20\S+, lock \S+-") as caught,
            opened(state, tmp_path, who="bob"),
        ):
            pass
        assert caught.value.exit_code == 5
        assert state.lock is not None
        assert state.lock["ID"] in (caught.value.hint or "")
        assert "bob" not in str(caught.value)
    with opened(state, tmp_path, who="bob") as ledger:
        assert names(ledger) == ["a"]


def test_a_run_waits_for_the_lock(state: State, tmp_path: Path) -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with opened(state, tmp_path) as ledger:
            ledger.record(owned("a"))
            held.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    threading.Timer(0.2, release.set).start()
    with opened(state, tmp_path, timeout=30) as ledger:
        assert names(ledger) == ["a"]
    thread.join()


def test_a_lock_is_broken_by_its_id_alone(state: State, tmp_path: Path) -> None:
    def broken(lock_id: str) -> str:
        return access(state, tmp_path).break_lock(lock_id).id

    with pytest.raises(UsageError, match="is not locked"):
        broken("x")
    assert state.lock is None
    state.lock = {"ID": "dead-run", "Who": "carol@runner", "Created": "2026-01-01T00:00:00Z"}
    with pytest.raises(UsageError, match='not "x": it is held by carol@runner since 2026'):
        broken("x")
    assert state.lock["ID"] == "dead-run"
    assert broken("dead-run") == "dead-run"
    assert state.lock is None


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_a_state_that_changed_meanwhile_is_not_overwritten(state: State, tmp_path: Path) -> None:
    record(state, tmp_path, "a")
    theirs = state_document(content_of("theirs"))

    def run() -> None:
        with opened(state, tmp_path) as ledger:
            state.body = theirs
            ledger.record(owned("b"))

    with pytest.raises(LedgerError, match=r"another run has written it.* or about to be applied: bases/b\.") as caught:
        run()
    assert state.body == theirs
    assert RESCUE in (caught.value.hint or "")
    assert state.lock is None
    with pytest.raises(LedgerError, match="has been written since"), opened(state, tmp_path):
        pass
    with pytest.raises(LedgerError, match="has been written since"):
        read(state, tmp_path)
    assert state.body == theirs
    assert "bases/b" in (tmp_path / RESCUE).read_text()


def test_f28_a_backup_that_cannot_be_restored_names_what_is_only_in_it_and_the_way_out(
    state: State, tmp_path: Path
) -> None:
    record(state, tmp_path, "a")
    with suppress(LedgerError), opened(state, tmp_path) as ledger:
        state.body = state_document(content_of("theirs"))
        ledger.record(owned("b"))
    with pytest.raises(LedgerError, match=r"Only the backup has \d resources?: .*bases/b") as caught:
        read(state, tmp_path)
    assert "move the backup out of .kiamo" in (caught.value.hint or "")
    (tmp_path / RESCUE).rename(tmp_path / "kept.json")
    with opened(state, tmp_path) as ledger:
        assert [address for address in ledger.owned if address.endswith("theirs")]


@pytest.mark.parametrize("fault", ["drop", "commit and drop", "503"])
def test_a_passing_trouble_of_a_write_passes(state: State, tmp_path: Path, fault: str) -> None:
    with opened(state, tmp_path) as ledger:
        state.faults = [fault]
        ledger.intend([owned("a", None)])
        state.faults = [fault]
        ledger.record(owned("b"))
        ledger.flush()
        ledger.record(owned("c"))
    assert names(read(state, tmp_path)) == ["a", "b", "c"]
    assert files_below(tmp_path) == {}


def test_a_write_that_arrived_after_an_error_is_recognised(state: State, tmp_path: Path) -> None:
    with opened(state, tmp_path) as ledger:
        store: Any = ledger._store
        store._next = time.monotonic() + 3600  # the thread stays out of this
        state.faults = ["commit and drop"]
        ledger.record(owned("a"))
        with pytest.raises(TransportError):
            store._write()
        ledger.record(owned("b"))
    assert names(read(state, tmp_path)) == ["a", "b"]


def test_f22_a_ledger_that_cannot_be_written_fails_before_anything_is_applied(state: State, tmp_path: Path) -> None:
    def run() -> None:
        with opened(state, tmp_path) as ledger:
            state.faults = ["500"] * 9
            with pytest.raises(LedgerError, match="returned 500"):
                ledger.intend([owned("a", None)])

    with pytest.raises(LedgerError, match="returned 500"):
        run()
    assert files_below(tmp_path) == {}
    assert state.lock is None


def test_what_could_not_be_written_is_rescued_and_written_back_by_the_next_run(state: State, tmp_path: Path) -> None:
    record(state, tmp_path, "a")

    def run() -> None:
        with opened(state, tmp_path) as ledger:
            ledger.intend([owned("b", None)])
            state.faults = ["503"] * 99
            ledger.record(owned("b", 8))
            ledger.forget(Address("bases/a"))

    with pytest.raises(
        LedgerError, match=r"returned 503.* about to be applied: bases/b, bases/a \(deleted\)\."
    ) as caught:
        run()
    assert RESCUE in (caught.value.hint or "")
    state.faults = []
    assert state.lock is None
    assert names(read(state, tmp_path)) == ["b"]
    assert dict(read(state, tmp_path / "elsewhere").owned)[Address("bases/b")].remote_id is None
    with opened(state, tmp_path) as ledger:
        assert names(ledger) == ["b"]
        assert dict(read(state, tmp_path / "elsewhere").owned) == {"bases/b": owned("b", 8)}
    assert files_below(tmp_path) == {}
    record(state, tmp_path, "c")
    assert names(read(state, tmp_path)) == ["b", "c"]


def test_a_backup_whose_content_arrived_is_removed(state: State, tmp_path: Path) -> None:
    def run() -> None:
        with opened(state, tmp_path) as ledger:
            state.faults = ["503"] * 99
            ledger.record(owned("b", 8))

    with pytest.raises(LedgerError):
        run()
    state.faults = []
    copy = (tmp_path / RESCUE).read_text()
    record(state, tmp_path)
    (tmp_path / RESCUE).write_text(copy)
    record(state, tmp_path, "c")
    assert names(read(state, tmp_path)) == ["b", "c"]
    assert files_below(tmp_path) == {}


@pytest.mark.parametrize("junk", ["{", "[]", '{"follows": null, "ledger": {}}'])
def test_a_damaged_rescue_copy_is_left_alone(state: State, tmp_path: Path, junk: str) -> None:
    (tmp_path / ".kiamo").mkdir()
    (tmp_path / RESCUE).write_text(junk)
    with pytest.raises(LedgerError) as caught, opened(state, tmp_path):
        pass
    assert caught.value.diagnostics[0].code == "KIA0901"
    assert (tmp_path / RESCUE).read_text() == junk
    assert (state.lock, state.body) == (None, None)


def test_a_lock_that_was_broken_meanwhile_is_reported_and_nothing_is_overwritten(state: State, tmp_path: Path) -> None:
    record(state, tmp_path, "a")
    before = state.body

    def run() -> None:
        with opened(state, tmp_path) as ledger:
            state.lock = {"ID": "thief", "Who": "thief", "Created": "now"}
            ledger.record(owned("b"))

    with pytest.raises(LedgerError, match="its lock was lost: it is held by thief") as caught:
        run()
    assert "rescue" in (caught.value.hint or "")
    assert state.body == before
    assert state.lock is not None
    assert state.lock["ID"] == "thief"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"\xff",
        b"[]",
        b'{"version": 4, "outputs": {}, "resources": [{"type": "aws_instance"}]}',
        b'{"outputs": {"kiamo_iac": {"value": {}}}}',
        state_document(content_of(environment="production")),
    ],
    ids=["html", "bytes", "list", "infrastructure", "object", "another environment"],
)
def test_what_is_no_ledger_is_never_overwritten(state: State, tmp_path: Path, body: bytes) -> None:
    state.body = body
    with pytest.raises(LedgerError) as caught, opened(state, tmp_path):
        pass
    assert [found.code for found in caught.value.diagnostics] in (["KIA0901"], ["KIA0903"])
    assert (state.body, state.lock) == (body, None)


def test_a_wrong_password_is_reported_and_never_shown(state: State, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="returned 401") as caught:
        access(state, tmp_path, password="hunter2-hunter2").read()
    assert "hunter2" not in f"{caught.value}{caught.value.hint}"
    assert "KIAMO_<ENV>_LEDGER_USERNAME" in (caught.value.hint or "")


def test_a_redirect_is_not_followed(state: State, tmp_path: Path) -> None:
    with serving(State()) as elsewhere:
        state.redirect = elsewhere.address
        with pytest.raises(LedgerError, match="returned 302") as caught, opened(state, tmp_path):
            pass
        assert "redirects are not followed" in (caught.value.hint or "")
        assert elsewhere.log == []


def test_a_server_that_does_not_lock_is_reported(tmp_path: Path) -> None:
    with serving(State()) as state:
        at = access(state, tmp_path, lock_address=f"{state.url}/nowhere")
        info = LockInfo.of_this_process("alice", "apply")
        with pytest.raises(LedgerError, match="returned 404") as caught, at.locked(info, timeout=0):
            pass
        assert "lock_address" in (caught.value.hint or "")


def test_an_unreachable_server_is_reported(tmp_path: Path) -> None:
    with serving(State()) as state:
        pass
    with pytest.raises(TransportError, match="no connection"), opened(state, tmp_path):
        pass


def test_a_lock_that_could_not_be_released_is_reported(state: State, tmp_path: Path) -> None:
    def run() -> None:
        with opened(state, tmp_path) as ledger:
            ledger.record(owned("a"))
            ledger.flush()
            state.lock = None

    with pytest.raises(LedgerError, match=r"is written, but its lock was not released: .*409") as caught:
        run()
    assert "ledger unlock -e staging" in (caught.value.hint or "")
    assert names(read(state, tmp_path)) == ["a"]


def test_a_state_document_holds_the_ledger() -> None:
    content = content_of("a", "b")
    assert content_of_state(state_document(content), "x", environment=ENVIRONMENT) == content


@pytest.mark.parametrize(
    ("settings", "lock", "unlock", "update"),
    [
        (
            HttpSettings(address="https://s.example/state"),
            ("LOCK", "https://s.example/state"),
            ("UNLOCK", "https://s.example/state"),
            ("POST", "https://s.example/state"),
        ),
        (
            HttpSettings(address="https://g.example/api/v4/projects/a%2Fb/terraform/state/k"),
            ("POST", "https://g.example/api/v4/projects/a%2Fb/terraform/state/k/lock"),
            ("DELETE", "https://g.example/api/v4/projects/a%2Fb/terraform/state/k/lock"),
            ("POST", "https://g.example/api/v4/projects/a%2Fb/terraform/state/k"),
        ),
        (
            HttpSettings(
                address="https://s.example/state",
                lock_address="https://s.example/l",
                unlock_address="https://s.example/u",
                lock_method="PUT",
                unlock_method="DELETE",
                update_method="PUT",
            ),
            ("PUT", "https://s.example/l"),
            ("DELETE", "https://s.example/u"),
            ("PUT", "https://s.example/state"),
        ),
    ],
    ids=["Terraform's defaults", "GitLab", "declared"],
)
def test_methods_and_addresses(
    settings: HttpSettings, lock: tuple[str, str], unlock: tuple[str, str], update: tuple[str, str]
) -> None:
    assert (settings.lock, settings.unlock, settings.update) == (lock, unlock, update)

"""The ledger on a ref of a git remote: a bare repository, and two clones of it that race."""

from __future__ import annotations

import os
import subprocess
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import KiamoIacError, LedgerError, LockedError, TransportError, UsageError
from kiamo_iac.core.ledger_settings import GitSettings, LedgerSettings
from kiamo_iac.core.urls import Origin
from kiamo_iac.git.command import without_password
from kiamo_iac.ledger import remote
from kiamo_iac.ledger.git import GitBackend, ref_part
from kiamo_iac.ledger.git_remotes import LedgerGit
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.ledger.lock import LockInfo
from kiamo_iac.ledger.opening import LedgerAccess, LedgerContext, ledger_access
from tests.ledger.entries import ENVIRONMENT, IDENTITY, TOKEN, content_of, files_below, identity_of, owned

SETTINGS = GitSettings()
ENVIRON = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
RESCUE = ".kiamo/staging.ledger.rescue.json"


def git(folder: Path, *arguments: str) -> str:
    identity = {f"GIT_{role}_{key}": "test" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    result = subprocess.run(
        ["git", *arguments], cwd=folder, env=ENVIRON | identity, capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


@dataclass(frozen=True)
class Hosted:
    """A bare repository and two clones."""

    bare: Path
    a: Path
    b: Path

    def refs(self) -> list[str]:
        return git(self.bare, "for-each-ref", "--format=%(refname)").splitlines()


@pytest.fixture
def hosted(tmp_path: Path) -> Hosted:
    bare, seed = tmp_path / "bare.git", tmp_path / "seed"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(bare))
    git(tmp_path, "init", "-q", "-b", "main", str(seed))
    (seed / "kiamo.yaml").write_text("manifests: [manifests]\n")
    git(seed, "add", ".")
    git(seed, "commit", "-q", "-m", "begin")
    git(seed, "push", "-q", str(bare), "main")
    for name in "ab":
        git(tmp_path, "clone", "-q", str(bare), name)
    return Hosted(bare, tmp_path / "a", tmp_path / "b")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "_WAITS", (0.0, None))


def access(root: Path, *, settings: LedgerSettings = SETTINGS, environment: str = ENVIRONMENT) -> LedgerAccess:
    return ledger_access(settings, LedgerContext(identity_of(environment), root, ENVIRON))


def opened(
    root: Path, *, settings: LedgerSettings = SETTINGS, timeout: float = 0.0, who: str = "alice"
) -> AbstractContextManager[Ledger]:
    return access(root, settings=settings).locked(LockInfo.of_this_process(who, "apply"), timeout=timeout)


def read(root: Path, *, settings: LedgerSettings = SETTINGS) -> Ledger:
    return access(root, settings=settings).read()


def names(ledger: Ledger) -> list[str]:
    return sorted(address.name for address in ledger.owned)


def remote_of(root: Path) -> GitBackend:
    return GitBackend(SETTINGS, LedgerGit.of(root, ENVIRON, remote="origin"), LedgerContext(IDENTITY, root, ENVIRON))


def test_what_one_clone_records_the_other_reads(hosted: Hosted) -> None:
    assert not read(hosted.a).found
    with opened(hosted.a) as ledger:
        assert not ledger.found
        ledger.intend([owned("a", None), owned("é b", None)])
        assert names(read(hosted.b)) == ["a", "é b"]
        ledger.record(owned("a", 17))
        ledger.mark_applied("digest")
        assert hosted.refs() == ["refs/heads/main", "refs/kiamo-iac-lock/staging", "refs/kiamo-iac/staging"]
    assert hosted.refs() == ["refs/heads/main", "refs/kiamo-iac/staging"]
    again = read(hosted.b)
    assert dict(again.owned) == {"bases/a": owned("a", 17), "bases/é b": owned("é b", None)}
    assert again.was_applied("digest")
    with opened(hosted.b) as ledger:
        ledger.forget(Address("bases/a"))
    assert names(read(hosted.a)) == ["é b"]


def test_work_tree_index_branches_and_fetch_head_stay_as_they_are(hosted: Hosted) -> None:
    (hosted.a / "half-done.yaml").write_text("bases: []\n")
    git(hosted.a, "add", "half-done.yaml")
    (hosted.a / "kiamo.yaml").write_text("manifests: [changed]\n")

    def seen() -> dict[str, bytes]:
        files = files_below(hosted.a)
        return {name: data for name, data in files.items() if not name.startswith(".git/objects")}

    before = seen()
    with opened(hosted.b) as ledger:
        ledger.record(owned("b"))
    with opened(hosted.a) as ledger:
        ledger.record(owned("a"))
    assert names(read(hosted.a)) == ["a", "b"]
    assert seen() == before


def test_the_history_has_a_commit_for_each_run(hosted: Hosted) -> None:
    for number in range(3):
        with opened(hosted.a) as ledger:
            for name in "abc":
                ledger.record(owned(name, number))
                ledger.flush()
    assert git(hosted.bare, "rev-list", "--count", "refs/kiamo-iac/staging") == "3"
    assert (
        git(hosted.bare, "show", "-s", "--format=%an: %s", "refs/kiamo-iac/staging")
        == "kiamo-iac: 3 resources, serial 9"
    )


def test_hooks_of_the_clone_do_not_run(hosted: Hosted) -> None:
    hook = hosted.a / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with opened(hosted.a) as ledger:
        ledger.record(owned("a"))
    assert names(read(hosted.b)) == ["a"]


def test_the_environment_of_a_hook_does_not_lead_astray(hosted: Hosted, tmp_path: Path) -> None:
    environ = {**ENVIRON, "GIT_DIR": str(tmp_path / "nowhere"), "GIT_INDEX_FILE": str(tmp_path / "index")}
    ledger = ledger_access(SETTINGS, LedgerContext(IDENTITY, hosted.a, environ)).read()
    assert not ledger.found


# --- the lock --------------------------------------------------------------------------------------------------------


def test_a_second_clone_is_refused_with_the_holder_of_the_lock(hosted: Hosted) -> None:
    with opened(hosted.a) as ledger:
        ledger.record(owned("a"))
        with (
            pytest.raises(
                LockedError, match=rf"locked by alice@.* \(process {os.getpid()}\) for apply since 20"
            ) as caught,
            opened(hosted.b, who="bob"),
        ):
            pass
        assert caught.value.exit_code == 5
    with opened(hosted.b, who="bob") as ledger:
        assert names(ledger) == ["a"]


def test_a_run_waits_for_the_lock(hosted: Hosted) -> None:
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with opened(hosted.a) as ledger:
            ledger.record(owned("a"))
            held.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(30)
    threading.Timer(0.2, release.set).start()
    with opened(hosted.b, timeout=60) as ledger:
        assert names(ledger) == ["a"]
    thread.join()


def test_of_two_clones_that_race_for_the_lock_one_holds_it(hosted: Hosted) -> None:
    for _ in range(3):
        barrier = threading.Barrier(4)
        outcomes: list[object] = []

        def race(
            root: Path, who: str, *, barrier: threading.Barrier = barrier, outcomes: list[object] = outcomes
        ) -> None:
            contender = remote_of(root)
            barrier.wait()
            try:
                contender.lock(LockInfo.of_this_process(who, "apply"), timeout=0)
            except KiamoIacError as error:
                outcomes.append(error)
            else:
                outcomes.append(contender)

        threads = [
            threading.Thread(target=race, args=(root, f"run {number}"))
            for number, root in enumerate((hosted.a, hosted.b, hosted.a, hosted.b))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [outcome for outcome in outcomes if isinstance(outcome, GitBackend)]
        assert len(winners) == 1
        losers = [outcome for outcome in outcomes if isinstance(outcome, LockedError)]
        assert len(losers) == 3, outcomes
        assert all("run " in str(loser) for loser in losers)
        winners[0].unlock()
        assert hosted.refs() == ["refs/heads/main"]


def test_a_lock_is_broken_by_its_id_alone(hosted: Hosted) -> None:
    def broken(lock_id: str) -> LockInfo:
        return access(hosted.b).break_lock(lock_id)

    with pytest.raises(UsageError, match="is not locked"):
        broken("x")
    dead = LockInfo.of_this_process("carol", "apply")
    remote_of(hosted.a).lock(dead, timeout=0)
    with pytest.raises(UsageError, match='not "x": it is held by carol'):
        broken("x")
    assert broken(dead.id) == dead
    assert hosted.refs() == ["refs/heads/main"]


def test_a_run_whose_lock_was_broken_leaves_the_next_ones_lock_alone(hosted: Hosted) -> None:
    first, second = remote_of(hosted.a), remote_of(hosted.b)
    dead, alive = LockInfo.of_this_process("dead", "apply"), LockInfo.of_this_process("alive", "apply")
    first.lock(dead, timeout=0)
    second.break_lock(dead)
    second.lock(alive, timeout=0)
    second.break_lock(dead)
    first.unlock()
    assert second.lock_info() == alive


# --- what goes wrong -------------------------------------------------------------------------------------------------


def test_of_two_writers_the_second_loses_and_nothing_of_either_is_lost(hosted: Hosted) -> None:
    with opened(hosted.a) as ledger:
        ledger.record(owned("a"))

    def run() -> None:
        with opened(hosted.a) as ledger:
            assert remote_of(hosted.b).write(
                content_of("theirs"), expected=git(hosted.bare, "rev-parse", "refs/kiamo-iac/staging")
            )
            ledger.record(owned("b"))

    with pytest.raises(LedgerError, match=r"another run has written it.* about to be applied: bases/b\.") as caught:
        run()
    assert RESCUE in (caught.value.hint or "")
    assert "bases/b" in (hosted.a / RESCUE).read_text()
    assert names(read(hosted.b)) == ["theirs"]
    assert hosted.refs() == ["refs/heads/main", "refs/kiamo-iac/staging"]
    with pytest.raises(LedgerError, match="has been written since"), opened(hosted.a):
        pass


def test_many_writers_of_one_ref_each_win_or_lose(hosted: Hosted) -> None:
    barrier = threading.Barrier(4)
    written: list[str | None] = []

    def write(root: Path, name: str) -> None:
        writer = remote_of(root)
        barrier.wait()
        written.append(writer.write(content_of(name), expected=None))

    threads = [
        threading.Thread(target=write, args=(root, f"w{number}"))
        for number, root in enumerate((hosted.a, hosted.b, hosted.a, hosted.b))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [commit for commit in written if commit is not None]
    assert written.count(None) == 3
    assert git(hosted.bare, "rev-parse", "refs/kiamo-iac/staging") == winner


def test_a_push_that_arrived_after_an_error_is_recognised(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = remote_of(hosted.a)
    first = ours.write(content_of("a"), expected=None)
    assert first is not None
    assert ours.write(content_of("a", "b"), expected=None) is not None
    assert names(read(hosted.b)) == ["a", "b"]


def test_a_remote_that_is_away_at_the_end_leaves_a_rescue_copy_that_the_next_run_writes_back(hosted: Hosted) -> None:
    away = hosted.bare.with_name("away")

    def run() -> None:
        with opened(hosted.a) as ledger:
            ledger.intend([owned("a", None)])
            hosted.bare.rename(away)
            ledger.record(owned("a", 8))

    with pytest.raises(LedgerError, match=r"git \S+ failed.* about to be applied: bases/a\.") as caught:
        run()
    assert RESCUE in (caught.value.hint or "")
    assert "ledger unlock -e staging" in (caught.value.hint or "")
    away.rename(hosted.bare)
    dead = remote_of(hosted.b).lock_info()
    assert dead is not None
    remote_of(hosted.b).break_lock(dead)
    assert dict(read(hosted.b).owned) == {"bases/a": owned("a", None)}
    with opened(hosted.a) as ledger:
        assert dict(ledger.owned) == {"bases/a": owned("a", 8)}
    assert dict(read(hosted.b).owned) == {"bases/a": owned("a", 8)}
    assert not (hosted.a / RESCUE).exists()


def test_a_ref_that_holds_no_ledger_is_left_alone(hosted: Hosted) -> None:
    git(hosted.a, "push", "-q", "origin", "main:refs/kiamo-iac/staging")
    before = git(hosted.bare, "rev-parse", "refs/kiamo-iac/staging")
    with pytest.raises(LedgerError, match=r"cannot be read. It is unchanged") as caught, opened(hosted.a):
        pass
    assert caught.value.diagnostics[0].summary == "the ledger is corrupt: its commit holds no file ledger.json"
    assert git(hosted.bare, "rev-parse", "refs/kiamo-iac/staging") == before
    assert hosted.refs() == ["refs/heads/main", "refs/kiamo-iac/staging"]


def test_a_ref_that_is_no_commit_is_left_alone(hosted: Hosted) -> None:
    blob = git(hosted.a, "hash-object", "-w", str(hosted.a / ".git" / "HEAD"))
    git(hosted.a, "push", "-q", "origin", f"{blob}:refs/kiamo-iac/staging")
    with pytest.raises(LedgerError, match="cannot be read") as caught:
        read(hosted.b)
    assert caught.value.diagnostics[0].summary == "the ledger is corrupt: refs/kiamo-iac/staging is no commit"


def test_a_ledger_of_another_environment_is_left_alone(hosted: Hosted) -> None:
    settings = GitSettings(ref="staging")
    with opened(hosted.a) as ledger:
        ledger.record(owned("a"))
    with pytest.raises(LedgerError) as caught:
        access(hosted.b, settings=settings, environment="production").read()
    assert caught.value.diagnostics[0].code == "KIA0903"


def test_a_remote_that_refuses_is_reported(hosted: Hosted) -> None:
    hook = hosted.bare / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho You are not allowed to push >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(LedgerError, match=r"git push failed: .*pre-receive hook declined") as caught, opened(hosted.a):
        pass
    assert "push to" in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["", "-o", "--upload-pack=touch pwned"])
def test_a_remote_that_is_an_option_is_refused(hosted: Hosted, name: str) -> None:
    with pytest.raises(LedgerError, match="has no valid remote"):
        read(hosted.a, settings=GitSettings(remote=name))


def test_a_project_without_git_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match='the remote "origin", but the project is in no git repository') as caught:
        read(tmp_path)
    assert "git remote add origin" in (caught.value.hint or "")


def test_a_folder_is_never_taken_for_a_remote(hosted: Hosted) -> None:
    """Git itself would, and run the hooks of the repository that lies there."""
    subprocess.run(["git", "clone", "--quiet", "--bare", str(hosted.a), str(hosted.a / "evil")], check=True)
    hook = hosted.a / "evil" / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {hosted.a}/pwned\n")
    hook.chmod(0o755)
    with pytest.raises(LedgerError, match='the remote "evil", which does not exist'):
        read(hosted.a, settings=GitSettings(remote="evil"))
    assert not (hosted.a / "pwned").exists()


def test_a_machine_without_git_is_reported(hosted: Hosted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LedgerError, match="git cannot be run"):
        LedgerGit.of(hosted.a, {"PATH": str(tmp_path)}, remote="origin")


def test_a_git_that_hangs_is_ended_with_all_that_it_started(hosted: Hosted) -> None:
    slow = LedgerGit.of(hosted.a, ENVIRON, remote="origin", seconds=0.5)
    with pytest.raises(TransportError, match=r"^The ledger is stored in git, but git ls-remote timed out"):
        slow.check_output("ls-remote", "--upload-pack=sleep 600; true", "origin")


def test_the_password_of_an_address_is_never_shown(hosted: Hosted) -> None:
    address = f"https://robot:hunter2@127.0.0.1:1/{TOKEN}.git"
    settings = GitSettings(remote=address)
    for pinned in (None, Origin("https", "127.0.0.1", 1)):
        with pytest.raises(KiamoIacError) as caught:
            ledger_access(settings, LedgerContext(IDENTITY, hosted.a, ENVIRON, pinned=pinned)).read()
        assert isinstance(caught.value, UsageError if pinned is None else LedgerError | TransportError)
        assert "hunter2" not in f"{caught.value}{caught.value.hint}"
        assert TOKEN not in f"{caught.value}{caught.value.hint}"
    assert without_password("fatal: 'https://a:b@h/x'") == "fatal: 'https://(hidden)@h/x'"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("staging", "staging"),
        ("eu.prod-2_a", "eu.prod-2_a"),
        ("a..b", "a%2E.b"),
        ("x.lock", "x%2Elock"),
        ("end.", "end%2E"),
        ("é b", "%C3%A9%20b"),
        ("-x", "%2Dx"),
    ],
)
def test_names_of_environments_are_made_fit_for_refs(name: str, part: str) -> None:
    assert ref_part(name) == part
    subprocess.run(["git", "check-ref-format", f"refs/kiamo-iac/{part}"], check=True)


def test_a_lock_that_is_given_back_between_push_and_look_is_taken(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The push fails for the lock is held, and by the time that the remote is looked at, nobody holds it."""
    first, second = remote_of(hosted.a), remote_of(hosted.b)
    first.lock(LockInfo.of_this_process("first", "apply"), timeout=0)
    tip = second._tip

    def given_back(ref: str) -> str | None:
        first.unlock()
        return tip(ref)

    monkeypatch.setattr(second, "_tip", given_back)
    mine = LockInfo.of_this_process("second", "apply")
    second.lock(mine, timeout=0)
    assert first.lock_info() == mine


def test_a_lock_that_is_given_back_before_its_holder_is_read_is_taken(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the run would end with a lock that nobody holds, and could not say whose it was."""
    first, second = remote_of(hosted.a), remote_of(hosted.b)
    first.lock(LockInfo.of_this_process("first", "apply"), timeout=0)
    fetch = second._fetch

    def given_back(ref: str, commit: str, *, file: str) -> bool:
        first.unlock()
        return fetch(ref, commit, file=file)

    monkeypatch.setattr(second, "_fetch", given_back)
    mine = LockInfo.of_this_process("second", "apply")
    second.lock(mine, timeout=0)
    assert first.lock_info() == mine


def test_a_commit_whose_file_another_run_has_still_to_fetch_is_fetched(hosted: Hosted) -> None:
    """Git unpacks the commit first: a second run in the same clone may find it without what it holds."""
    mine = LockInfo.of_this_process("first", "apply")
    with opened(hosted.a) as ledger:
        ledger.record(owned("a"))
    remote_of(hosted.a).lock(mine, timeout=0)
    for ref in ("refs/kiamo-iac-lock/staging", "refs/kiamo-iac/staging"):
        commit = git(hosted.a, "cat-file", "commit", (tip := git(hosted.bare, "rev-parse", ref)))
        half = ["git", "hash-object", "-w", "-t", "commit", "--stdin", "--literally"]
        made = subprocess.run(half, cwd=hosted.b, input=f"{commit}\n", capture_output=True, text=True, check=True)
        assert made.stdout.strip() == tip
    assert remote_of(hosted.b).lock_info() == mine
    assert names(read(hosted.b)) == ["a"]


# --- the lock, while the ledger is written ---------------------------------------------------------------------------

LOCK_REF = "refs/kiamo-iac-lock/staging"


@pytest.mark.parametrize("atomic", [True, False], ids=["atomic", "one after the other"])
@pytest.mark.parametrize("stolen", [True, False], ids=["stolen", "deleted"])
def test_f28_a_ledger_is_never_pushed_without_the_lock_and_the_next_run_restores_it(
    hosted: Hosted, *, stolen: bool, atomic: bool
) -> None:
    git(hosted.bare, "config", "receive.advertiseAtomic", str(atomic).lower())
    with opened(hosted.a) as ledger:
        ledger.record(owned("a"))
    before = git(hosted.bare, "rev-parse", "refs/kiamo-iac/staging")

    def run() -> None:
        with opened(hosted.a) as ledger:
            git(hosted.bare, "update-ref", "-d", LOCK_REF)
            if stolen:
                remote_of(hosted.b).lock(LockInfo("theirs", "thief"), timeout=0)
            ledger.record(owned("b"))

    how = "it is held by thief" if stolen else "it was released, or has expired"
    with pytest.raises(LedgerError, match=f"its lock was lost: {how}.*bases/b") as caught:
        run()
    assert RESCUE in (caught.value.hint or "")
    assert git(hosted.bare, "rev-parse", "refs/kiamo-iac/staging") == before
    assert (LOCK_REF in hosted.refs()) == stolen  # and the lock of another run stays
    if stolen:
        access(hosted.a).break_lock("theirs")
    with opened(hosted.a) as ledger:
        assert names(ledger) == ["a", "b"]
    assert names(read(hosted.b)) == ["a", "b"]
    assert not (hosted.a / RESCUE).exists()


def test_a_lock_moves_on_with_every_write_and_keeps_its_id(hosted: Hosted) -> None:
    tips = set()
    with opened(hosted.a) as ledger:
        for name in "abc":
            ledger.record(owned(name))
            ledger.flush()
            tips.add(git(hosted.bare, "rev-parse", LOCK_REF))
            with pytest.raises(LockedError, match="locked by alice") as caught, opened(hosted.b, who="bob"):
                pass
        lock_id = (caught.value.hint or "").rsplit(" ", 1)[1]
        assert access(hosted.b).break_lock(lock_id).id == lock_id
        assert LOCK_REF not in hosted.refs()
    assert len(tips) == 3
    assert names(read(hosted.b)) == ["a", "b", "c"]


def test_a_server_without_atomic_pushes_is_written_one_ref_after_the_other(hosted: Hosted) -> None:
    git(hosted.bare, "config", "receive.advertiseAtomic", "false")
    for name in "ab":
        with opened(hosted.a) as ledger:
            ledger.record(owned(name))
    assert names(read(hosted.b)) == ["a", "b"]
    assert hosted.refs() == ["refs/heads/main", "refs/kiamo-iac/staging"]

"""A signal at any moment: the lock is given back, nothing is half-written, and the exit code is 130.

Each run is a process of its own, on an instance and a state server behind proxies that hold a call until it is let go.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli.program import variables
from tests.faults.proxy import AFTER, BEFORE, Proxy, always, held, nth, proxying, reply
from tests.faults.scene import Scene, playing
from tests.git_by_hand import git
from tests.ledger.state_server import PASSWORD, USER, State
from tests.ledger.state_server import serving as serving_state

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
BASES = "bases:\n" + "".join(f"  - {{name: b{number}, label: B}}\n" for number in range(6))
APPLY = ("apply", "-e", "staging", "--yes", "--parallelism", "1")
CREDENTIALS = {"KIAMO_STAGING_LEDGER_USERNAME": USER, "KIAMO_STAGING_LEDGER_PASSWORD": PASSWORD}
PROGRAM = f"""
import runpy, signal, sys
ignored = sys.argv.pop(1).split(",")
for number in {[int(number) for number in SIGNALS]}:  # tests that run in the background ignore SIGINT
    signal.signal(number, signal.SIG_IGN if str(number) in ignored else signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("kiamo_iac", run_name="__main__")
"""
SECONDS = 20.0
"""For a process to end: much less than the deadline of a call (30 s, of a ledger 60 s), much more than it takes."""


@dataclass
class Run:
    """One process, whose stderr is read line by line."""

    process: subprocess.Popen[bytes]
    lines: list[str] = field(default_factory=list)
    out: bytes = b""

    def __post_init__(self) -> None:
        self._more = threading.Condition()
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_err, self._read_out)]
        for reader in self._readers:
            reader.start()

    def _read_err(self) -> None:
        text = ""
        while self.process.stderr and (
            data := os.read(self.process.stderr.fileno(), 4096)
        ):  # not by lines: a prompt ends without one
            text += data.decode()
            with self._more:
                self.lines[:] = text.splitlines()
                self._more.notify_all()

    def _read_out(self) -> None:
        self.out = self.process.stdout.read() if self.process.stdout else b""

    def until(self, text: str) -> None:
        """Wait for a text on stderr."""
        with self._more:
            assert self._more.wait_for(lambda: any(text in line for line in self.lines), 60), self.lines

    def signal(self, number: signal.Signals, *, stopping: bool = True) -> None:
        """Send one; `stopping`: and wait until it is known."""
        self.process.send_signal(number)
        if stopping:
            self.until("Stopping: ")

    def end(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr; no traceback."""
        code = self.process.wait(SECONDS)
        for reader in self._readers:
            reader.join(10)
        self.close()
        err = "\n".join(self.lines)
        assert "Traceback" not in err
        assert "KeyboardInterrupt" not in err
        return code, self.out.decode(), err

    def close(self) -> None:
        """End it, and close what was read."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


@dataclass
class Stage:
    """A project whose ledger is behind HTTP, and what holds calls."""

    scene: Scene
    state: State
    ledger: Proxy
    """In front of the state server."""
    runs: list[Run] = field(default_factory=list)
    let_go: list[threading.Event] = field(default_factory=list)

    def start(
        self, *arguments: str, stdin: int = subprocess.DEVNULL, out: int | None = None, ignoring: Collection[int] = ()
    ) -> Run:
        """Begin a run. `out`: both its outputs. `ignoring`: the signals that it ignores from its start, as by nohup."""

        environ = variables(**self.scene.variables, **CREDENTIALS)
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, ",".join(str(int(number)) for number in ignoring), *arguments],
            cwd=self.scene.folder,
            env=environ,
            stdin=stdin,
            stdout=subprocess.PIPE if out is None else out,
            stderr=subprocess.PIPE if out is None else out,
        )
        self.runs.append(Run(process))
        return self.runs[-1]

    def hold(self, proxy: Proxy, method: str, path: str = "", *, number: int = 1) -> Callable[[], None]:
        """Hold a call once the server has done it; returns a function that waits until it is held."""
        begun, until = threading.Event(), threading.Event()
        self.let_go.append(until)
        proxy.play(held(until, begun), method, path, on=nth(number), when=AFTER)

        def wait() -> None:
            assert begun.wait(60), self.runs[-1].lines

        return wait

    def release(self) -> None:
        """Let every call go."""
        for event in self.let_go:
            event.set()

    @property
    def lock_id(self) -> str:
        """Of the lock that is held."""
        assert self.state.lock is not None
        found: str = self.state.lock["ID"]
        return found

    def bases(self) -> int:
        """How many the instance has."""
        return len(self.scene.created("/bases"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Six bases to create."""
    with playing(tmp_path / "project") as scene, serving_state(State()) as state, proxying(state.url) as ledger:
        scene.manifest(BASES)
        scene.project(
            "manifests: [manifests]\nenvironments:\n"
            f'  staging: {{url: "http://127.0.0.1:1", ledger: {{backend: http, address: "{ledger.url}/state"}}}}\n'
        )
        made = Stage(scene, state, ledger)
        try:
            yield made
        finally:
            made.release()
            for run in made.runs:
                run.close()


def interrupted(run: Run, stage: Stage) -> tuple[str, str]:
    """The run has ended as it should, and the lock is given back; its stdout and stderr."""
    code, out, err = run.end()
    assert code == 130, err
    assert stage.state.lock is None
    return out, err


# --- before the first write ------------------------------------------------------------------------------------------


def test_f31_while_it_waits_for_the_lock(stage: Stage) -> None:
    stage.state.lock = {"ID": "another", "Who": "somebody@elsewhere", "Created": "2024-01-08T09:30:00Z"}
    run = stage.start(*APPLY, "--lock-timeout", "600")
    while len(stage.state.log) < 3:
        assert run.process.poll() is None
        time.sleep(0.01)
    run.signal(signal.SIGTERM)
    code, _, err = run.end()
    assert code == 130
    assert "Error: The run was interrupted. Nothing was written." in err
    assert stage.state.lock["ID"] == "another"
    assert set(stage.state.log) == {"LOCK 423"}


@pytest.mark.parametrize("method", ["LOCK", "GET"])
def test_f31_while_it_takes_the_lock_and_reads_the_ledger(stage: Stage, method: str) -> None:
    held_now = stage.hold(stage.ledger, method)
    run = stage.start(*APPLY)
    held_now()
    run.signal(signal.SIGHUP)
    stage.release()
    interrupted(run, stage)
    assert stage.state.log[-1] == "UNLOCK 200"
    assert stage.scene.proxy.passed == []


@pytest.mark.parametrize("number", SIGNALS)
def test_f31_o12_while_it_plans_no_read_is_waited_for(stage: Stage, number: signal.Signals) -> None:
    held_now = stage.hold(stage.scene.proxy, "GET", "/api/bases")
    run = stage.start(*APPLY)
    held_now()
    run.signal(number)
    out, err = interrupted(run, stage)  # the read is held all the time
    assert out == ""
    assert "Error: The run was interrupted. Nothing was written." in err


def test_f31_o12_while_it_waits_to_read_again(stage: Stage) -> None:
    stage.scene.proxy.play(reply(503, retry_after="40"), "GET", on=always, when=BEFORE)
    run = stage.start("-v", *APPLY)
    run.until(": 503,")
    run.signal(signal.SIGTERM)
    interrupted(run, stage)


@pytest.mark.parametrize("number", SIGNALS)
def test_f31_at_the_confirmation(stage: Stage, number: signal.Signals) -> None:
    master, slave = os.openpty()
    try:
        run = stage.start("apply", "-e", "staging", stdin=slave)
        run.until('Type "yes"')
        assert stage.state.lock is not None
        run.signal(number)
        out, err = interrupted(run, stage)
    finally:
        os.close(master)
        os.close(slave)
    assert "Plan: 6 to create" in out
    assert "Error: The run was interrupted. Nothing was written." in err
    assert stage.bases() == 0


# --- while it writes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
def test_f08_f31_while_it_writes(stage: Stage, number: signal.Signals) -> None:
    held_now = stage.hold(stage.scene.proxy, "POST", number=3)
    run = stage.start(*APPLY)
    held_now()
    run.signal(number)
    stage.release()
    out, err = interrupted(run, stage)
    assert "Applied in part: 3 done, 3 not tried.\n" in out
    assert "Error: The run was interrupted: 3 done, 0 failed, 3 not tried." in err
    assert stage.bases() == 3
    assert stage.state.log[-2:] == ["POST 200", "UNLOCK 200"]
    converges(stage)


def test_f08_a_step_that_is_only_checked_writes_nothing(stage: Stage) -> None:
    converges(stage)
    stage.scene.manifest(BASES.replace("label: B", "label: C"))
    writes = len(stage.scene.kiamo.writes)
    held_now = stage.hold(stage.scene.proxy, "GET", "/api/bases(/[^/]+)?$", number=2)  # the first is the plan's
    run = stage.start(*APPLY)
    held_now()
    run.signal(signal.SIGTERM)
    stage.release()
    out, err = interrupted(run, stage)
    assert len(stage.scene.kiamo.writes) == writes
    assert "Not applied: 6 not tried.\n" in out
    assert "Error: The run was interrupted: 0 done, 0 failed, 6 not tried." in err
    converges(stage)


def test_f31_while_the_ledger_is_flushed(stage: Stage) -> None:
    held_now = stage.hold(stage.ledger, "POST", number=2)  # the first has what is about to be created
    run = stage.start(*APPLY)
    held_now()
    run.signal(signal.SIGTERM)
    stage.release()
    interrupted(run, stage)
    converges(stage)


@pytest.mark.parametrize("number", SIGNALS)
def test_f31_while_the_lock_is_given_back(stage: Stage, number: signal.Signals) -> None:
    held_now = stage.hold(stage.ledger, "UNLOCK")
    run = stage.start(*APPLY)
    held_now()
    run.signal(number)
    stage.release()
    out, err = interrupted(run, stage)
    assert "Applied: 6 done.\n" in out
    assert "Error: The run was interrupted at its end." in err
    converges(stage)


def test_f31_a_lock_that_cannot_be_given_back_is_named(stage: Stage) -> None:
    held_now = stage.hold(stage.scene.proxy, "POST", number=2)
    stage.ledger.play(reply(500), "UNLOCK", on=always, when=BEFORE)
    run = stage.start(*APPLY)
    held_now()
    run.signal(signal.SIGTERM)
    stage.release()
    code, _, err = run.end()
    assert code == 130
    assert f"kiamo-iac ledger unlock -e staging {stage.lock_id}" in err


# --- more than one ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "UNLOCK"])
def test_f08_f31_a_second_signal_aborts_and_names_the_lock(stage: Stage, method: str) -> None:
    proxy = stage.ledger if method == "UNLOCK" else stage.scene.proxy
    proxy.play(held(threading.Event(), begun := threading.Event()), method, when=BEFORE)
    run = stage.start(*APPLY)
    assert begun.wait(60)
    run.signal(signal.SIGINT)
    run.signal(signal.SIGTERM)
    code, out, err = run.end()
    assert code == 130
    assert ("Applied" in out) is (method == "UNLOCK")
    assert "Aborted. " in err
    assert f"kiamo-iac ledger unlock -e staging {stage.lock_id}" in err


def test_f31_a_terminal_that_closes_sends_more_than_one_hangup(stage: Stage) -> None:
    held_now = stage.hold(stage.scene.proxy, "POST", number=2)
    run = stage.start(*APPLY)
    held_now()
    for _ in range(3):
        run.signal(signal.SIGHUP)
    stage.release()
    out, _ = interrupted(run, stage)
    assert "Applied in part: 2 done, 4 not tried.\n" in out


def test_f31_a_terminal_that_is_gone_changes_nothing(stage: Stage) -> None:
    """Whatever the run says fails from then on: its streams are a terminal that has closed."""
    held_now = stage.hold(stage.scene.proxy, "POST", number=2)
    master, slave = os.openpty()
    run = stage.start(*APPLY, out=slave)
    os.close(slave)
    held_now()
    os.close(master)
    run.signal(signal.SIGHUP, stopping=False)
    stage.release()
    interrupted(run, stage)
    assert stage.bases() in {2, 3}
    converges(stage)


def test_what_is_ignored_from_the_start_stays_ignored(stage: Stage) -> None:
    held_now = stage.hold(stage.scene.proxy, "POST", number=2)
    run = stage.start(*APPLY, ignoring={signal.SIGHUP})
    held_now()
    run.signal(signal.SIGHUP, stopping=False)
    stage.release()
    code, out, _ = run.end()
    assert (code, stage.state.lock) == (0, None)
    assert "Applied: 6 done.\n" in out


# --- a ledger on a git ref -------------------------------------------------------------------------------------------

HOOK = """#!/bin/sh
if grep -q "$(cat ../HOLD)"; then
    touch ../HELD
    while ! [ -e ../GO ]; do sleep 0.02; done
fi
"""
"""Of the remote: holds the first push that has a line with the pattern of a file, until another file is there."""


@pytest.mark.parametrize(
    ("held", "times"),
    [
        ("^0* .* refs/kiamo-iac-lock/", 1),  # the lock is taken
        ("^[0-9a-f]*[1-9a-f].* refs/kiamo-iac/", 1),  # the ledger is written once more
        (" 0* refs/kiamo-iac-lock/", 1),  # the lock is released
        (" 0* refs/kiamo-iac-lock/", 2),
    ],
)
def test_f31_while_git_pushes(tmp_path: Path, held: str, times: int) -> None:
    remote = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", str(remote))
    (tmp_path / "HOLD").write_text(held, encoding="ascii")
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(HOOK, encoding="ascii")
    hook.chmod(0o755)
    with playing(tmp_path / "project") as scene:
        git(scene.folder, "init", "-q")
        git(scene.folder, "remote", "add", "origin", str(remote))
        scene.manifest(BASES)
        scene.project(
            "manifests: [manifests]\nenvironments:\n"
            '  staging: {url: "http://127.0.0.1:1", ledger: {backend: git, remote: origin}}\n'
        )
        stage = Stage(scene, State(), scene.proxy)
        run = stage.start(*APPLY)
        try:
            while not (tmp_path / "HELD").exists():
                assert run.process.poll() is None, run.lines
                time.sleep(0.02)
            (tmp_path / "HOLD").write_text("nothing", encoding="ascii")
            for _ in range(times):
                run.signal(signal.SIGTERM)
            if times == 1:
                (tmp_path / "GO").touch()
            code, _, err = run.end()
        finally:
            (tmp_path / "GO").touch()
            run.close()
        assert code == 130, err
        if times == 1:
            assert "refs/kiamo-iac-lock" not in git(remote, "for-each-ref"), err
        else:
            assert re.search(r"kiamo-iac ledger unlock -e staging [0-9a-f-]{36}", err), err


# --- the other commands ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "method"),
    [
        (("adopt", "-e", "staging", "bases/b0"), "GET"),
        (("adopt", "-e", "staging", "bases/b0"), "POST"),
        (("ledger", "forget", "-e", "staging", "bases/b0"), "POST"),
        (("ledger", "forget", "-e", "staging", "bases/b0"), "UNLOCK"),
    ],
)
def test_f31_every_command_that_takes_the_lock(stage: Stage, arguments: tuple[str, ...], method: str) -> None:
    converges(stage)
    held_now = stage.hold(stage.ledger, method)
    run = stage.start(*arguments)
    held_now()
    run.signal(signal.SIGTERM)
    stage.release()
    interrupted(run, stage)


def test_f31_unlock_leaves_no_lock_of_its_own(stage: Stage) -> None:
    held_now = stage.hold(stage.ledger, "LOCK")  # the protocol shows a lock only to one who asks for it
    run = stage.start("ledger", "unlock", "-e", "staging", "nobody")
    held_now()
    run.signal(signal.SIGTERM)
    stage.release()
    interrupted(run, stage)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_command_without_a_lock_ends_at_once(stage: Stage, number: signal.Signals) -> None:
    held_now = stage.hold(stage.scene.proxy, "GET", "/api/bases")
    run = stage.start("plan", "-e", "staging")
    held_now()
    run.signal(number, stopping=False)
    code, out, err = run.end()
    assert (code, out) == (130, "")
    assert [line for line in err.splitlines() if not line.startswith("note KIA0409: ")] == ["", "Interrupted."]


def converges(stage: Stage) -> None:
    """A run without signals ends well, and a second one writes nothing."""
    stage.ledger.peace()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scene, "variables", {**stage.scene.variables, **CREDENTIALS})
        stage.scene.converges()


DYING = """
import os, signal, sys, threading, time
from kiamo_iac.cli.signals import end_at_once, ending_in_order
from kiamo_iac.core.runtime import Interruption

class Dying:
    def __init__(self, do): self.do = do
    def __del__(self): self.do()
"""


def dying(program: str) -> tuple[str, str]:
    """The outputs of a program that ends with 0."""
    ran = [sys.executable, "-c", DYING + program]
    done = subprocess.run(ran, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "KeyboardInterrupt" not in done.stderr
    return done.stdout, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself SIGINT")
@pytest.mark.parametrize("ignored", ["SIGHUP", "SIGINT"])
def test_an_interrupt_in_a_finalizer_is_raised_behind_it(ignored: str) -> None:
    out, err = dying(f"""
signal.signal(signal.{ignored}, signal.SIG_IGN)
end_at_once()
Dying(lambda: 1 / 0)
try:
    Dying(lambda: os.kill(os.getpid(), signal.SIGTERM))
    time.sleep(30)
except KeyboardInterrupt:
    print("interrupted")
""")
    assert out == "interrupted\n"
    assert "ZeroDivisionError" in err


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself SIGINT")
def test_an_interrupt_in_a_finalizer_of_a_run_that_ends_in_order_aborts_nothing() -> None:
    out, err = dying("""
end_at_once()
interruption = Interruption()
try:
    with ending_in_order(interruption), interruption.deferring():
        with interruption.interruptible():
            Dying(lambda: os.kill(os.getpid(), signal.SIGINT))
            for timer in threading.enumerate():
                timer.join() if isinstance(timer, threading.Timer) else None
            print("ends")
except Exception as error:
    print(type(error).__name__)
""")
    assert out == "ends\nInterrupted\n"
    assert "Aborted" not in err

"""Signals at any moment: F08, F31."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.forks import Child, Forks
from tests.faults.proxy import AFTER, BEFORE, When, always, held, nth, reply
from tests.faults.scene import HTTP_LEDGER, PROJECT, Scene
from tests.ledger.state_server import PASSWORD, USER, State, serving

APPLY = ("apply", "-e", "staging", "--yes", "--parallelism", "1")
CREDENTIALS = {"KIAMO_STAGING_LEDGER_USERNAME": USER, "KIAMO_STAGING_LEDGER_PASSWORD": PASSWORD}
SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def stopping(child: Child) -> Callable[[], bool]:
    """Whether the run has said that it stops."""
    return lambda: "Stopping: " in child.err.read_text(encoding="utf-8")


def held_by(state: State) -> str | None:
    """The id of the lock, or None."""
    return state.lock["ID"] if state.lock is not None else None


@pytest.fixture
def state(scene: Scene) -> Iterator[State]:
    """A ledger on a server, with a lock that outlives a process."""
    with serving(State()) as server:
        scene.project(PROJECT + HTTP_LEDGER % server.address)
        scene.more = CREDENTIALS
        yield server


# --- F08 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_f08_once_calls_in_flight_finish(scene: Scene, forking: Forks, number: signal.Signals, when: When) -> None:
    go, begun = threading.Event(), threading.Event()
    scene.proxy.play(held(go, begun), "POST", on=nth(2), when=when)
    child = forking.start(*APPLY, cwd=scene.folder, **scene.variables)
    child.until(begun.is_set)
    os.kill(child.pid, number)
    child.until(stopping(child))
    go.set()
    code, out, err = child.wait()
    assert code == 130, out + err
    assert len(scene.kiamo.committed) == 2
    assert "Applied in part: 2 done, 3 not tried." in out, out + err
    scene.converges()
    assert len(scene.kiamo.committed) == 4


def test_f08_twice_it_aborts(scene: Scene, forking: Forks) -> None:
    go, begun = threading.Event(), threading.Event()
    scene.proxy.play(held(go, begun), "POST", on=nth(2), when=AFTER)
    child = forking.start(*APPLY, cwd=scene.folder, **scene.variables)
    child.until(begun.is_set)
    os.kill(child.pid, signal.SIGINT)
    child.until(stopping(child))
    os.kill(child.pid, signal.SIGINT)
    code, out, err = child.wait()
    go.set()
    assert code == 130, out + err
    assert "Aborted" in err
    scene.converges()
    assert len(scene.kiamo.committed) == 4


# --- F31 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("path", ["/services$", "/bases$"])
def test_f31_while_planning_the_lock_is_given_back(
    scene: Scene, state: State, forking: Forks, number: signal.Signals, path: str
) -> None:
    go, begun = threading.Event(), threading.Event()
    scene.proxy.play(held(go, begun), "GET", path)
    child = forking.start(*APPLY, cwd=scene.folder, **scene.variables)
    child.until(begun.is_set)
    assert held_by(state)
    os.kill(child.pid, number)
    time.sleep(0.1)
    go.set()
    code, out, err = child.wait()
    assert (code, held_by(state)) == (130, None), out + err
    assert scene.kiamo.writes == []
    scene.converges()


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_f31_in_a_wait(scene: Scene, state: State, forking: Forks, number: signal.Signals, method: str) -> None:
    """The instance asked to wait 50 s."""
    rule = scene.proxy.play(reply(429, retry_after="50"), method, on=always, when=BEFORE)
    child = forking.start(*APPLY, cwd=scene.folder, **scene.variables)
    child.until(lambda: rule.played > 0)
    time.sleep(0.1)
    begun = time.monotonic()
    os.kill(child.pid, number)
    code, out, err = child.wait()
    assert time.monotonic() - begun < 20
    assert (code, held_by(state)) == (130, None), out + err
    assert scene.kiamo.committed == []
    scene.converges()


@pytest.mark.parametrize("number", SIGNALS)
def test_f31_in_the_middle_of_the_writes(scene: Scene, state: State, forking: Forks, number: signal.Signals) -> None:
    go, begun = threading.Event(), threading.Event()
    scene.proxy.play(held(go, begun), "POST", on=nth(2), when=AFTER)
    child = forking.start(*APPLY, cwd=scene.folder, **scene.variables)
    child.until(begun.is_set)
    os.kill(child.pid, number)
    child.until(stopping(child))
    go.set()
    code, out, err = child.wait()
    assert (code, held_by(state)) == (130, None), out + err
    assert len(scene.kiamo.committed) == 2
    scene.converges()


def test_f31_a_second_signal_gives_the_lock_back_or_names_it(scene: Scene, state: State, forking: Forks) -> None:
    go, begun = threading.Event(), threading.Event()
    scene.proxy.play(held(go, begun), "POST", on=nth(2), when=AFTER)
    child = forking.start(*APPLY, cwd=scene.folder, **scene.variables)
    child.until(begun.is_set)
    lock = held_by(state)
    assert lock is not None
    os.kill(child.pid, signal.SIGTERM)
    child.until(stopping(child))
    os.kill(child.pid, signal.SIGTERM)
    code, out, err = child.wait()
    go.set()
    assert code == 130, out + err
    if held_by(state) is not None:
        assert lock in err
        done = scene.run("ledger", "unlock", "-e", "staging", lock)
        assert done.returncode == 0
    scene.converges()

"""An instance that asks to wait, or is away for a while: F05, F06, F32."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.cli.program import COMMAND, variables
from tests.faults.forks import Forks
from tests.faults.kiamo import Kiamo
from tests.faults.proxy import BEFORE, Fault, When, always, doing, dropped, first, nth, reply, reset, share, then
from tests.faults.scene import PROJECT, Scene, playing, shown
from tests.http.clock import FastClock
from tests.shells.terminal import terminal

BASES = "bases:\n" + "".join(f"  - {{name: b{number}, label: B}}\n" for number in range(60))
"""60 creates."""
SPEED = 60.0
"""A minute in a second."""


@pytest.fixture
def sixty(scene: Scene) -> Scene:
    """60 bases to create; waits pass fast."""
    scene.manifest(BASES)
    scene.speed = SPEED
    return scene


def posts(scene: Scene) -> int:
    """How many creates were sent."""
    return sum(call.startswith("POST ") for call in scene.proxy.passed)


# --- F32: asked to wait ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parallelism", ["1", "4", "32"])
def test_f32_creates_that_are_all_answered_503_are_no_storm(sixty: Scene, parallelism: str) -> None:
    sixty.proxy.play(reply(503, retry_after="30"), "POST", on=always, when=BEFORE)
    done = sixty.apply("--parallelism", parallelism, expect=4)
    assert posts(sixty) <= 24, shown(done)
    assert re.search(r"^waiting 3[01] s: the instance answered 503 \(Retry-After: 30\)$", done.stderr, re.MULTILINE)
    assert done.stderr.count("waiting ") <= 2 * 120 / 30, shown(done)
    assert re.search("as long as it may|this run may wait only .* more", done.stdout), shown(done)
    sixty.converges()
    assert len(sixty.kiamo.bases) == 60


@pytest.mark.parametrize("wait", ["1", None])
def test_f32_an_instance_that_takes_ten_writes_a_second_gets_all_of_them(tmp_path: Path, wait: str | None) -> None:
    clock = FastClock(4)
    with playing(tmp_path / "project", Kiamo(writes_per_second=10, retry_after=wait, clock=clock)) as scene:
        scene.manifest("bases:\n" + "".join(f"  - {{name: b{number}, label: B}}\n" for number in range(120)))
        scene.speed = 4
        done = scene.apply(expect=0)
        refused = [call for call in scene.kiamo.calls if call.status == 429]
        assert len(scene.created("/bases")) == 120
        assert len(refused) <= 15, shown(done)
        scene.kiamo.writes_per_second = None
        scene.converges()


def test_f32_a_limit_of_the_project_file_holds_for_all_writers(tmp_path: Path) -> None:
    clock = FastClock(4)
    with playing(tmp_path / "project", Kiamo(clock=clock)) as scene:
        scene.project(f"{PROJECT}    limits: {{writes_per_second: 20}}\n")
        scene.manifest("bases:\n" + "".join(f"  - {{name: b{number}, label: B}}\n" for number in range(40)))
        scene.speed = 4
        done = scene.apply(expect=0)
        moments = [call.at for call in scene.kiamo.writes]
        assert len(moments) == 40
        assert moments[-1] - moments[0] >= 38 / 20 * 0.9
        assert "waiting" not in done.stderr


@pytest.mark.parametrize("fault", [dropped, reset, reply(503), reply(502)], ids=["dropped", "reset", "503", "502"])
@pytest.mark.parametrize("when", When)
def test_f32_an_outage_of_a_minute_is_survived_without_hammering(sixty: Scene, fault: Fault, when: When) -> None:
    clock, moments = FastClock(SPEED), list[float]()

    def on(number: int) -> bool:
        if number < 20:
            return False
        moments.append(clock())
        return moments[-1] < moments[0] + 60

    sixty.proxy.play(fault, on=on, when=when)
    done = sixty.apply(expect=0)
    assert len(sixty.created("/bases")) == 60
    during = sum(moment < moments[0] + 60 for moment in moments)
    assert 5 <= during <= 40, shown(done)
    assert "waiting" in done.stderr
    sixty.converges()


# --- F05: 503 on a part of the calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("part", "codes"), [(0.01, {0}), (0.1, {0}), (0.5, {0, 4}), (0.9, {0, 1, 4}), (1.0, {1})])
@pytest.mark.parametrize("when", When)
def test_f05_503_on_a_part_of_the_calls_converges_or_stops(
    sixty: Scene, part: float, codes: set[int], when: When
) -> None:
    sixty.proxy.play(reply(503), on=share(part), when=when)
    done = sixty.apply()
    assert done.returncode in codes, shown(done)
    assert posts(sixty) <= (2 * 60 if part < 1 else 0)  # each is sent once more at most
    assert len(sixty.proxy.passed) <= 400
    sixty.converges()
    assert len(sixty.created("/bases")) == 60


# --- F06: 429 with any Retry-After -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "least"),
    [("7", 7.0), ("date", 8.0), ("-1", 1.0), ("soon", 1.0), ("nan", 1.0), ("0", 0.0)],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_f06_a_429_is_repeated_and_never_earlier_than_asked(
    scene: Scene, method: str, asked: str, least: float
) -> None:
    clock, moments = FastClock(20), list[float]()
    scene.speed = 20

    def on(number: int) -> bool:
        moments.append(clock())
        return number == 1

    # By this clock ten seconds are half of one: a date is rounded to seconds of the real one.
    value = formatdate(time.time() + 10, usegmt=True) if asked == "date" else asked
    scene.proxy.play(reply(429, retry_after=value), method, "/bases$", on=on, when=BEFORE)
    done = scene.apply("--parallelism", "1", expect=0)
    assert moments[1] - moments[0] >= least, shown(done)
    scene.converges()


@pytest.mark.parametrize("asked", ["1e9", "1000000000", "Fri, 01 Jan 2100 00:00:00 GMT"])
def test_f06_past_the_cap_is_a_clear_failure(sixty: Scene, asked: str) -> None:
    sixty.proxy.play(reply(429, retry_after=asked), "POST", on=nth(10), when=BEFORE)
    sixty.proxy.play(doing(lambda: time.sleep(0.3)), "POST", on=lambda number: number > 10)  # the 429 comes first
    done = sixty.apply(expect=4)
    assert re.search(
        r"the instance answered 429 \(Retry-After: \d{10}\), and this run may wait only 120 s more", done.stdout
    ), shown(done)
    assert posts(sixty) <= 14
    sixty.converges()


def test_f06_a_plan_that_would_wait_too_long_ends_with_1(scene: Scene) -> None:
    scene.proxy.play(reply(429, retry_after="121"), "GET", when=BEFORE)
    done = scene.plan()
    assert done.returncode == 1
    assert (
        "was not made again: the instance answered 429 (Retry-After: 121), and this run may wait only 120 s more."
        in done.stderr
    ), shown(done)
    assert "limits: {retry_wait: 120}" in done.stderr


# --- O19: shown ------------------------------------------------------------------------------------------------------


def test_o19_a_plan_shows_that_it_waits(sixty: Scene) -> None:
    sixty.proxy.play(reply(503, retry_after="20"), "GET", on=first(2), when=BEFORE)
    done = sixty.plan()
    assert done.returncode == 0, shown(done)
    lines = [line for line in done.stderr.splitlines() if line.startswith("waiting ")]
    assert lines
    assert len(lines) <= 3, shown(done)
    assert all(line.endswith("s: the instance answered 503 (Retry-After: 20)") for line in lines)
    assert "waiting" not in done.stdout


def test_o19_at_a_terminal_the_wait_has_a_line_of_its_own_above_the_bar(scene: Scene) -> None:
    scene.proxy.play(reply(429, retry_after="1"), "POST", "/bases$", when=BEFORE)
    environ = {**variables(**scene.variables), "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "40"}
    with terminal([*COMMAND, "apply", "-e", "staging", "--yes"], folder=scene.folder, environ=environ) as console:
        seen = console.until("Applied: 5 done.")
    assert seen.count("waiting") == 1
    begun = r"(\x1b\[(2K|\?25l)|\r\n)"  # the line of a bar that is wiped, or the first line before it, or another line
    assert re.search(begun + r"waiting 1 s: the instance answered 429 \(Retry-After: 1\)\r\n", seen)


# --- F31: a signal while it waits ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "method"), [("apply", "POST"), ("apply", "GET"), ("plan", "GET")])
def test_f31_an_interrupt_ends_the_wait(scene: Scene, forking: Forks, command: str, method: str) -> None:
    waiting = threading.Event()
    scene.proxy.play(then(waiting.set, reply(503, retry_after="60")), method, "/bases$", on=first(1), when=BEFORE)
    arguments = (command, "-e", "staging", *(["--yes"] if command == "apply" else []))
    child = forking.start(*arguments, cwd=scene.folder, **scene.variables)
    assert waiting.wait(60)
    while "waiting 60 s" not in child.err.read_text(encoding="utf-8"):
        time.sleep(0.02)
    begun = time.monotonic()
    os.kill(child.pid, signal.SIGINT)
    code, _, err = child.wait()
    assert code == 130, err
    assert time.monotonic() - begun < 20
    scene.converges()

"""The exit codes of `apply`: a test for each way in which a run ends."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kiamo_iac.executor.writer import Writer
from tests.cli.program import COMMAND, variables
from tests.faults.proxy import BEFORE, always, doing, nth, reply
from tests.faults.scene import Scene, playing

THREE = "bases:\n  - {name: a, label: A}\n  - {name: b, label: B}\n  - {name: c, label: C}\n"
ONE_BY_ONE = ("--parallelism", "1")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Three bases to create."""
    with playing(tmp_path / "project") as made:
        made.manifest(THREE)
        yield made


def locked(scene: Scene) -> Callable[[], object]:
    """Another run holds the lock of the ledger."""
    from filelock import FileLock

    lock = FileLock(scene.ledger.with_name("staging.ledger.jsonl.lock"))
    lock.acquire()
    return lock.release


def test_0_all_of_it_is_done_and_then_there_is_nothing_to_do(scene: Scene) -> None:
    scene.apply(expect=0)
    scene.apply(expect=0)


def test_1_a_refused_plan(scene: Scene) -> None:
    scene.manifest(
        "bases:\n  - name: a\n    batches: [{name: x, service: Nowhere, association: {destination: phone}}]\n"
    )
    assert "Plan refused" in scene.apply(expect=1).stdout


def test_1_an_instance_that_cannot_be_read(scene: Scene) -> None:
    scene.proxy.play(reply(500), "GET", on=always)
    scene.apply(expect=1)


def test_1_a_ledger_that_cannot_be_written_before_the_first_write(scene: Scene) -> None:
    scene.ledger.parent.mkdir(exist_ok=True)
    scene.ledger.mkdir()
    scene.apply(expect=1)
    assert scene.kiamo.writes == []


def test_o13_1_a_step_that_fails_before_any_write_is_sent(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    from kiamo_iac.core.errors import TransportError

    def fail(*_: object) -> object:
        msg = "POST /api/bases failed: no connection."
        raise TransportError(msg, sent=False)

    monkeypatch.setattr(Writer, "perform", fail)
    done = scene.apply(expect=1)
    assert "Error: Nothing was written: 3 failed, 0 not tried.\nHint: run plan" in done.stderr
    assert scene.kiamo.writes == []


@pytest.mark.parametrize("number", [1, 2])
def test_3_what_the_plan_saw_has_changed_before_the_first_write_or_later(scene: Scene, number: int) -> None:
    scene.apply(expect=0)
    scene.manifest(THREE.replace("label: ", "label: New "))

    def by_hand() -> None:
        scene.kiamo.by_hand("PUT", f"/bases/{ids['abc'[number - 1]]}", {"label": "By hand"})

    writes, ids = len(scene.kiamo.writes), {address[-1]: each["id"] for address, each in scene.owned().items()}
    scene.proxy.play(
        doing(by_hand), "GET", r"/bases(/[^/]+)?$", on=nth(number + 1), when=BEFORE
    )  # the plan reads first
    done = scene.apply(*ONE_BY_ONE, expect=3)
    assert "The instance has changed since the plan" in done.stderr
    assert len(scene.kiamo.writes) == writes + 2  # of the others


def test_4_a_step_that_is_refused(scene: Scene) -> None:
    scene.proxy.play(reply(400), "POST", on=nth(2), when=BEFORE)
    scene.apply(expect=4)


def test_4_every_write_that_was_sent_is_refused(scene: Scene) -> None:
    scene.kiamo.denied = {"POST"}
    assert "Not applied: 1 failed, 2 not tried." in scene.apply(*ONE_BY_ONE, expect=4).stdout
    assert scene.kiamo.tree()["bases"] == []


@pytest.mark.parametrize("command", ["apply", "undo"])
def test_o13_4_the_report_cannot_be_written(scene: Scene, command: str) -> None:
    if command == "undo":
        scene.apply(expect=0)
    with Path("/dev/full").open("wb") as full:
        environ = variables(**scene.variables)
        done = subprocess.run(
            [*COMMAND, command, "-e", "staging", "--yes", "--format", "json"],
            cwd=scene.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 4
    assert (
        "Error: Calls that write were made, and the report could not be written: No space left on device."
        in done.stderr
    )
    assert "Exception ignored" not in done.stderr
    assert len(scene.created("/bases")) == 3


def test_5_another_run_holds_the_lock(scene: Scene) -> None:
    scene.apply(expect=0)
    scene.manifest(THREE.replace("label: ", "label: New "))
    release = locked(scene)
    scene.apply(expect=5)
    release()
    scene.apply(expect=0)


def test_6_a_guard(scene: Scene) -> None:
    scene.apply(expect=0)
    scene.project(
        'manifests: [manifests]\nenvironments:\n  staging: {url: "http://127.0.0.1:1", guards: {max_deletes: 0}}\n'
    )
    scene.manifest("bases:\n  - {name: a, label: A}\n")
    scene.apply("--prune", expect=6)


def test_64_no_terminal_to_confirm_on(scene: Scene) -> None:
    assert scene.run("apply", "-e", "staging").returncode == 64
    assert scene.kiamo.writes == []

"""Bases whose names go round, and a run of it that is cut at one of its writes: F27."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from tests.faults.forks import Forks
from tests.faults.kiamo import Item
from tests.faults.proxy import Exchange, When, nth, silence
from tests.faults.scene import HTTP_LEDGER, PROJECT, Scene, shown
from tests.ledger.state_server import PASSWORD, USER, State

RINGS: dict[str, Sequence[str]] = {"swap": ("a", "b"), "ring": ("a", "b", "c")}


def manifest(names: Sequence[str], *, turned: bool) -> str:
    """A base for each name, with a field that tells it apart. Turned: each has the name of the one after it."""
    blocks = []
    for at, name in enumerate(names):
        now = names[(at + 1) % len(names)] if turned else name
        former = f"    renamed_from: [{name}]\n" if turned else ""
        blocks.append(
            f"  - name: {now}\n{former}    label: Was {name}\n"
            f"    fields: [{{name: f_{name}, label: F, datatype: string}}]\n"
        )
    return "bases:\n" + "".join(blocks)


@dataclass(frozen=True)
class Ring:
    """A scene where the bases stand under their first names, and the turned manifest is to be applied."""

    scene: Scene
    names: Sequence[str]
    bases: dict[str, Item]
    ledger: Path
    writes: int
    """Of a run that is not cut."""
    calls: int
    """Of that run, reads too."""
    state: State | None = None
    """The server of the ledger, where it is not in a file."""
    body: bytes | None = None
    """What that server had."""

    def again(self) -> None:
        """As it was."""
        kiamo = self.scene.kiamo
        kiamo.bases = deepcopy(self.bases)
        kiamo.calls.clear()
        shutil.rmtree(self.scene.folder / ".kiamo", ignore_errors=True)
        shutil.copytree(self.ledger, self.scene.folder / ".kiamo")
        if self.state is not None:
            self.state.body, self.state.lock = self.body, None

    def objects(self) -> set[tuple[str, str]]:
        """Id and field of each base: what must be the same objects in the end."""
        return _objects(self.scene.kiamo.bases)

    @property
    def first_objects(self) -> set[tuple[str, str]]:
        """The same, before the turned manifest was applied."""
        return _objects(self.bases)


def _objects(bases: dict[str, Item]) -> set[tuple[str, str]]:
    return {
        (base["id"], field["name"])
        for base in bases.values()
        for field in base["fields"].values()
        if not field["default"]
    }


def ring_of(scene: Scene, names: Sequence[str], state: State | None = None) -> Ring:
    """Apply the first manifest, try the turned one, and put everything back. `state`: keeps the ledger."""
    if state is not None:
        scene.project(PROJECT + HTTP_LEDGER % state.address)
        scene.more = {"KIAMO_STAGING_LEDGER_USERNAME": USER, "KIAMO_STAGING_LEDGER_PASSWORD": PASSWORD}
    scene.manifest(manifest(names, turned=False))
    scene.converges()
    kept = scene.folder.parent / "kept"
    shutil.copytree(scene.folder / ".kiamo", kept)
    bases, body = deepcopy(scene.kiamo.bases), state.body if state is not None else None
    scene.manifest(manifest(names, turned=True))
    scene.kiamo.calls.clear()
    scene.apply("--parallelism", "1", expect=0)
    writes, calls = len(scene.kiamo.committed), len(scene.kiamo.calls)
    scene.converges()
    return Ring(scene, names, bases, kept, writes, calls, state, body)


def killed(scene: Scene, forking: Forks, number: int, *, when: When, method: str = "POST|PUT|DELETE") -> bool:
    """Apply, and kill the run at its n-th write (or call of a method); False: it ended before."""
    pid, known = [0], threading.Event()

    def kill(exchange: Exchange) -> bool:
        assert known.wait(60)
        os.kill(pid[0], signal.SIGKILL)
        return silence(exchange)

    scene.proxy.play(kill, method, on=nth(number), when=when)
    child = forking.start("apply", "-e", "staging", "--yes", "--parallelism", "1", cwd=scene.folder, **scene.variables)
    pid[0] = child.pid
    known.set()
    code, out, err = child.wait()
    assert code in {0, -signal.SIGKILL}, f"call {number}: {out}{err}"
    scene.proxy.peace()
    return code != 0


def cut_at(
    ring: Ring,
    forking: Forks,
    number: int,
    *,
    when: When,
    back: bool,
    ledger: bool,
    method: str = "POST|PUT|DELETE",
) -> None:
    """Kill the run at its n-th write (or call of a method); then apply it again, or the manifest before it.

    Raises:
        AssertionError: an object is lost or made, or stands under another name than the declared one.
    """
    ring.again()
    scene, objects = ring.scene, ring.first_objects
    scene.manifest(manifest(ring.names, turned=True))
    if not ledger:
        shutil.rmtree(scene.folder / ".kiamo")
    if not killed(scene, forking, number, when=when, method=method):
        assert not ledger, number  # then it reads less
        assert number > ring.writes
        return
    if not ledger:
        shutil.rmtree(scene.folder / ".kiamo")
    scene.manifest(manifest(ring.names, turned=not back))
    where = f"cut {when.value} call {number}, {'back' if back else 'forward'}:"
    log = "\n".join(map(str, scene.kiamo.writes))
    if ring.state is not None:
        ring.state.lock = None  # as ledger unlock does
    done = scene.apply()
    assert done.returncode == 0, f"{where}\n{log}\n{shown(done)}"
    scene.converges()
    assert set(scene.kiamo.bases) == {id_ for id_, _ in objects}, f"{where}\n{log}\n{shown(done)}"
    if back and not ledger:
        return  # nothing says any more which of them had which name
    assert ring.objects() == objects, f"{where}\n{log}\n{shown(done)}"
    assert [str(call) for call in scene.kiamo.committed if call.method != "PUT"] == [], f"{where}\n{log}"
    labels = {base["name"]: base["label"] for base in scene.kiamo.bases.values()}
    names = [ring.names[(at + (not back)) % len(ring.names)] for at in range(len(ring.names))]
    assert labels == {now: f"Was {name}" for now, name in zip(names, ring.names, strict=True)}, f"{where}\n{log}"

"""A plan of many kinds of writes, and a run of it that is killed at one of its calls."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from tests.faults.forks import Forks
from tests.faults.kiamo import Item
from tests.faults.proxy import Exchange, When, nth, silence
from tests.faults.scene import HTTP_LEDGER, PROJECT, Scene
from tests.ledger.state_server import PASSWORD, USER, State

BEFORE_IT = """\
services:
  - {name: Ventes, managed: true, label: Ventes}
bases:
  - name: prospects
    label: Prospects
    fields:
      - {name: ville, label: Ville, datatype: string}
    batches:
      - {name: relance, service: Ventes, association: {destination: phone}}
      - {name: appels, service: Ventes, association: {destination: phone}, state: started}
  - {name: clients, label: Clients}
  - {name: vieux, label: Vieux, fields: [{name: fax, label: Fax, datatype: phone}]}
"""
AFTER_IT = """\
services:
  - {name: Ventes, managed: true, label: Ventes sortantes}
  - {name: Rappels, managed: true, label: Rappels}
bases:
  - name: prospects
    label: Prospects 2026
    fields:
      - {name: ville, label: Commune, datatype: string}
      - {name: mail, label: Mail, datatype: email}
    batches:
      - {name: relance 2, renamed_from: [relance], service: Ventes, association: {destination: phone}}
      - {name: appels, service: Ventes, association: {destination: ville}, state: started}
      - {name: rappel, service: Rappels, association: {destination: phone}, initial_state: started}
  - {name: clients 2, renamed_from: [clients], label: Clients}
"""
COUNT = 13
"""Writes from the one to the other: 2 of services; 4 of prospects, its fields and relance; 3 of appels (it is paused,
changed and started); 2 of rappel; a rename and a delete of bases."""
CONSENTS = ("--prune", "--allow-start")


@dataclass(frozen=True)
class Changes:
    """A scene in which the first manifest was applied, and the second one stands."""

    scene: Scene
    services: dict[str, Item]
    bases: dict[str, Item]
    ledger: Path
    """A copy of `.kiamo`."""
    target: Item
    """How it ends without a kill."""
    calls: int
    """Of the run that is not killed, reads too."""
    state: State | None = None
    """The server of the ledger, where it is not in a file."""
    body: bytes | None = None
    """What that server had."""

    def again(self) -> None:
        """As it was before the run."""
        kiamo = self.scene.kiamo
        kiamo.services, kiamo.bases = deepcopy(self.services), deepcopy(self.bases)
        kiamo.calls.clear()
        self.scene.proxy.passed.clear()
        shutil.rmtree(self.scene.folder / ".kiamo")
        shutil.copytree(self.ledger, self.scene.folder / ".kiamo")
        if self.state is not None:
            self.state.body, self.state.lock = self.body, None


def changing(scene: Scene, state: State | None = None) -> Changes:
    """Apply the first manifest, and then try the second one, whose end is the target. `state`: keeps the ledger."""
    ledger = HTTP_LEDGER % state.address if state is not None else ""
    scene.project(PROJECT + "    guards: {max_delete_percent: 100, max_update_percent: 100}\n" + ledger)
    if state is not None:
        scene.more = {"KIAMO_STAGING_LEDGER_USERNAME": USER, "KIAMO_STAGING_LEDGER_PASSWORD": PASSWORD}
    scene.manifest(BEFORE_IT)
    scene.consents = CONSENTS
    scene.converges()
    scene.kiamo.names_unique = False  # a second object of a name would be seen
    kept = scene.folder.parent / "kept"
    shutil.copytree(scene.folder / ".kiamo", kept)
    services, bases = deepcopy(scene.kiamo.services), deepcopy(scene.kiamo.bases)
    scene.manifest(AFTER_IT)
    body = state.body if state is not None else None
    made = Changes(scene, services, bases, kept, {}, 0, state, body)
    made.again()
    scene.apply("--parallelism", "1", expect=0)
    calls = len(scene.kiamo.calls)
    assert len(scene.kiamo.committed) == COUNT
    return Changes(scene, services, bases, kept, scene.converges(), calls, state, body)


def killed_at(changes: Changes, forking: Forks, number: int, *, when: When, method: str = "POST|PUT|DELETE") -> None:
    """Kill a run at its n-th call, before or after the server has done it; a clean run ends at the target, and nothing
    is made twice.

    Raises:
        AssertionError: it does not, or the run has no such call.
    """
    changes.again()
    scene, pid, known = changes.scene, [0], threading.Event()

    def kill(exchange: Exchange) -> bool:
        assert known.wait(60)
        os.kill(pid[0], signal.SIGKILL)
        return silence(exchange)

    rule = scene.proxy.play(kill, method, on=nth(number), when=when)
    child = forking.start(
        "apply", "-e", "staging", "--yes", "--parallelism", "1", *CONSENTS, cwd=scene.folder, **scene.variables
    )
    pid[0] = child.pid
    known.set()
    code, out, err = child.wait()
    assert (code, rule.played) == (-signal.SIGKILL, 1), f"call {number} {when}: {out}{err}"
    log = "\n".join(map(str, scene.kiamo.writes))
    if changes.state is not None:
        changes.state.lock = None  # as ledger unlock does
    try:
        scene.converges(to=changes.target)
    except AssertionError as error:
        msg = f"killed {when.value} call {number}, after\n{log}\nthen {error}"
        raise AssertionError(msg) from error
    creates = [
        call.path.split("/")[-1] + str(call.body.get("name")) for call in scene.kiamo.committed if call.method == "POST"
    ]
    assert len(creates) == len(set(creates)), f"killed {when.value} call {number}: {creates}"

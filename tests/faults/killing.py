"""A plan of many kinds of writes, and a run of it that is killed at one of its calls."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from tests.faults.forks import Forks
from tests.faults.kiamo import Call, Item, Kiamo
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


@dataclass(frozen=True)
class Plot:
    """Two manifests, and what it takes from the one to the other."""

    before: str
    after: str
    count: int
    """How many writes."""
    consents: tuple[str, ...]
    starts: Mapping[str, int]
    """How often each batch is started, by its name: by one run, and by all runs together where one is killed. (A batch
    that is paused for a change is started once: it was started before.)"""


SHORT = Plot(
    BEFORE_IT,
    AFTER_IT,
    count=13,
    consents=("--prune", "--allow-start"),
    starts={"appels": 1, "rappel": 1},
)
"""2 writes of services; 4 of prospects, its fields and relance; 3 of appels (it is paused, changed and started); 2 of
rappel; a rename and a delete of bases."""


@dataclass(frozen=True)
class Changes:
    """A scene in which the first manifest was applied, and the second one stands."""

    plot: Plot
    scene: Scene
    services: dict[str, Item]
    bases: dict[str, Item]
    ledger: Path
    """A copy of `.kiamo`."""
    target: Item
    """How it ends without a kill."""
    names: Mapping[str, str]
    """The name in the end of each object that was there before, by its id."""
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


def changing(scene: Scene, state: State | None = None, plot: Plot = SHORT) -> Changes:
    """Apply the first manifest, and then try the second one, whose end is the target. `state`: keeps the ledger."""
    ledger = HTTP_LEDGER % state.address if state is not None else ""
    scene.project(PROJECT + "    guards: {max_delete_percent: 100, max_update_percent: 100}\n" + ledger)
    if state is not None:
        scene.more = {"KIAMO_STAGING_LEDGER_USERNAME": USER, "KIAMO_STAGING_LEDGER_PASSWORD": PASSWORD}
    scene.manifest(plot.before)
    scene.consents = plot.consents
    scene.converges()
    scene.kiamo.names_unique = False  # a second object of a name would be seen
    kept = scene.folder.parent / "kept"
    shutil.copytree(scene.folder / ".kiamo", kept)
    services, bases = deepcopy(scene.kiamo.services), deepcopy(scene.kiamo.bases)
    scene.manifest(plot.after)
    body = state.body if state is not None else None
    made = Changes(plot, scene, services, bases, kept, {}, {}, 0, state, body)
    made.again()
    scene.apply("--parallelism", "1", expect=0)
    calls = len(scene.kiamo.calls)
    assert len(scene.kiamo.committed) == plot.count
    assert starts_of(scene.kiamo) == plot.starts
    target = scene.converges()
    names = {id_: name for id_, name in names_of(scene.kiamo).items() if id_ in all_names(services, bases)}
    return Changes(plot, scene, services, bases, kept, target, names, calls, state, body)


def killed_at(changes: Changes, forking: Forks, number: int, *, when: When, method: str = "POST|PUT|DELETE") -> None:
    """Kill a run at its n-th call, before or after the server has done it. Its journal has every call that the server
    had; a clean run ends at the target, with the same objects, nothing made or started twice.

    Raises:
        AssertionError: it does not, or the run has no such call.
    """
    scene = changes.scene
    changes.again()
    journals = scene.journals()
    kill(changes, forking, number, when=when, method=method)
    log = "\n".join(map(str, scene.kiamo.writes))
    where = f"killed {when.value} call {number}, after\n{log}\n"
    check_witness(scene, scene.journals() - journals, scene.kiamo.writes, log)
    if changes.state is not None:
        changes.state.lock = None  # as ledger unlock does
    try:
        scene.converges(to=changes.target)
    except AssertionError as error:
        msg = f"{where}then {error}"
        raise AssertionError(msg) from error
    names = names_of(scene.kiamo)
    assert {id_: names.get(id_) for id_ in changes.names} == changes.names, where
    assert starts_of(scene.kiamo) == changes.plot.starts, where
    creates = [
        call.path.split("/")[-1] + str(call.body.get("name")) for call in scene.kiamo.committed if call.method == "POST"
    ]
    assert len(creates) == len(set(creates)), f"{where}{creates}"


def kill(changes: Changes, forking: Forks, number: int, *, when: When, method: str = "POST|PUT|DELETE") -> None:
    """Kill a run at its n-th call, before or after the server has done it.

    Raises:
        AssertionError: it has no such call.
    """
    arguments = ("apply", "--parallelism", "1", *changes.scene.consents)
    code, out, err = end_at(changes.scene, forking, number, when=when, method=method, arguments=arguments)
    assert code == -signal.SIGKILL, f"call {number} {when}: {out}{err}"


def end_at(
    scene: Scene,
    forking: Forks,
    number: int,
    *,
    when: When,
    arguments: Sequence[str],
    method: str = "POST|PUT|DELETE",
) -> tuple[int, str, str]:
    """Run a command that writes, and kill it at its n-th call; exit code, stdout and stderr. Without such a call it
    ends by itself."""
    pid, known = [0], threading.Event()

    def end(exchange: Exchange) -> bool:
        assert known.wait(60)
        os.kill(pid[0], signal.SIGKILL)
        return silence(exchange)

    scene.proxy.play(end, method, on=nth(number), when=when)
    command, *others = arguments
    child = forking.start(command, "-e", "staging", "--yes", *others, cwd=scene.folder, **scene.variables)
    pid[0] = child.pid
    known.set()
    return child.wait()


def check_witness(scene: Scene, journals: set[Path], writes: Sequence[Call], where: str) -> None:
    """The journal of a killed run has the writes that came to the server, in their order with their status. Its last
    call may have come, and has no answer.

    Raises:
        AssertionError: it has not.
    """
    log = [f"{call.method} {call.path} {call.status}" for call in writes]
    if not journals:
        assert log == [], where
        return
    (journal,) = journals
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    answers = {line["answer"]["n"]: line["answer"]["status"] for line in lines if "answer" in line}
    calls = [line["call"] for line in lines if "call" in line]
    answered = [f"{call['method']} {call['path']} {answers[call['n']]}" for call in calls if call["n"] in answers]
    last = [f"{call['method']} {call['path']} " for call in calls if call["n"] not in answers]
    assert len(last) <= 1, where
    assert answered == log[: len(answered)], where
    assert [line.startswith(tuple(last)) for line in log[len(answered) :]] in ([], [True]), where
    shown = scene.run("journal", "show", "-e", "staging")
    assert (shown.returncode, "did not end" in shown.stdout) == (0, True), where


def starts_of(kiamo: Kiamo) -> dict[str, int]:
    """How often each batch was started, by its name now."""
    batches = {id_: batch["name"] for base in kiamo.bases.values() for id_, batch in base["batches"].items()}
    started = [
        batches[call.path.split("/")[-2]]
        for call in kiamo.committed
        if call.path.endswith("/command") and call.body["command"] == "start"
    ]
    return dict(Counter(started))


def names_of(kiamo: Kiamo) -> dict[str, str]:
    """The name of each object, by its id."""
    return all_names(kiamo.services, kiamo.bases)


def all_names(services: Mapping[str, Item], bases: Mapping[str, Item]) -> dict[str, str]:
    """The name of each of these objects and of what is below them, by its id."""
    below = [base[kind] for base in bases.values() for kind in ("fields", "batches")]
    return {id_: each["name"] for holder in (services, bases, *below) for id_, each in holder.items()}

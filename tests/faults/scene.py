"""A project in a folder, an instance behind a proxy, and the program run against it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.api import budget, client
from kiamo_iac.executor import delivery
from kiamo_iac.executor.delivery import Polling
from kiamo_iac.http.caller import HttpCaller
from kiamo_iac.ledger import access
from tests.cli.program import Completed, kiamo
from tests.faults.kiamo import TOKEN, Call, Item, Kiamo, serving
from tests.faults.proxy import Proxy, proxying
from tests.http.clock import FastClock

PROJECT = """\
manifests: [manifests]
environments:
  staging:
    url: http://127.0.0.1:1
"""
"""More keys of the environment may follow it."""
HTTP_LEDGER = """\
    ledger:
      backend: http
      address: %s
"""
"""A ledger on a server, at an address."""
MANIFEST = """\
services:
  - name: Ventes
    managed: true
    label: Ventes
bases:
  - name: prospects
    label: Prospects
    fields:
      - {name: ville, label: Ville, datatype: string}
    batches:
      - {name: relance, service: Ventes, association: {destination: phone}}
  - name: clients
    label: Clients
"""
"""Five creates; POST /services, /bases (twice), and …/batches. The field goes with its base."""


@dataclass
class Scene:
    """Where a test plays. `kiamo` is the instance, `proxy` what stands in front of it."""

    folder: Path
    kiamo: Kiamo
    proxy: Proxy
    consents: tuple[str, ...] = ()
    """Options of every apply, such as `--allow-start`."""
    deadline: float = 30.0
    """Of one call, in seconds."""
    speed: float = 1.0
    """How many times as fast the waits before and between calls pass, and what was written is looked for."""
    more: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of every run, beside token and url."""
    has_journal: bool = True
    """Whether the journal of each apply is compared with what came to the proxy: not where it cannot be written."""

    # --- files -------------------------------------------------------------------------------------------------------

    def manifest(self, text: str, name: str = "a.yaml") -> None:
        """Write a manifest."""
        (self.folder / "manifests" / name).write_text(text, encoding="utf-8")

    def project(self, text: str) -> None:
        """Write the project file."""
        (self.folder / "kiamo.yaml").write_text(text, encoding="utf-8")

    @property
    def ledger(self) -> Path:
        """Where the ledger is kept."""
        return self.folder / ".kiamo" / "staging.ledger.jsonl"

    def owned(self) -> dict[str, Item]:
        """What the ledger has, by address."""
        done = self.run("ledger", "list", "-e", "staging", "--format", "json")
        assert done.returncode == 0, done.stderr
        return {each["address"]: each for each in json.loads(done.stdout)["things"]}

    # --- runs --------------------------------------------------------------------------------------------------------

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a run."""
        return {"KIAMO_STAGING_TOKEN": TOKEN, "KIAMO_STAGING_URL": self.proxy.url} | dict(self.more)

    def run(self, *arguments: str, **more: str) -> Completed:
        """Run the program in this process. `more`: environment variables."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client, "HttpCaller", self._caller)
            if self.speed != 1:
                patch.setattr(budget, "Gate", FastClock(self.speed).gate)
                patch.setattr(delivery, "Polling", self._polling)
                patch.setattr(access, "HttpCaller", self._ledger_caller)
            return kiamo(*arguments, cwd=self.folder, **self.variables | more)

    def _caller(self, *positional: Any, **named: Any) -> HttpCaller:
        named["limits"] = replace(named["limits"], deadline=self.deadline)
        return HttpCaller(*positional, **named)

    def _ledger_caller(self, *positional: Any, **named: Any) -> HttpCaller:
        return HttpCaller(*positional, **named | {"pause": FastClock(self.speed).pause})

    def _polling(
        self, pause: Callable[[float], object] = time.sleep, show: Callable[[str], object] = lambda _: None
    ) -> Polling:
        return Polling(clock=FastClock(self.speed), pause=lambda seconds: pause(seconds / self.speed), show=show)

    def plan(self, *arguments: str, **more: str) -> Completed:
        """`plan`."""
        return self.run("plan", "-e", "staging", *arguments, **more)

    def apply(self, *arguments: str, expect: int | None = None, **more: str) -> Completed:
        """`apply --yes`, with the consents. `expect`: its exit code. The journal has every write that was sent."""
        journals, sent = self.journals(), len(self.proxy.passed)
        done = self.run("apply", "-e", "staging", "--yes", *self.consents, *arguments, **more)
        assert expect in (None, done.returncode), shown(done)
        if self.has_journal:
            new = sorted(self.journals() - journals)
            writes = sorted(line for line in self.proxy.passed[sent:] if not line.startswith("GET "))
            assert (sorted(calls_of(new[0])) if new else []) == writes, shown(done)
        return done

    def journals(self) -> set[Path]:
        """The journals of all runs."""
        return set((self.folder / ".kiamo" / "journal").glob("*/*.jsonl"))

    def report(self, *arguments: str, expect: int | None = None) -> dict[str, str]:
        """The outcome of each step of an apply, `action address` → done, failed, not_tried."""
        done = self.apply("--format", "json", *arguments, expect=expect)
        return {f"{each['action']} {each['address']}": each["outcome"] for each in json.loads(done.stdout)["results"]}

    # --- what holds after every fault --------------------------------------------------------------------------------

    def converges(self, *arguments: str, to: Item | None = None) -> Item:
        """Without faults a run ends well, a second one writes nothing, and no name stands twice.

        `to`: the tree that the instance must end as. Returns that tree.
        """
        self.proxy.peace()
        self.apply(*arguments, expect=0)
        tree, writes = self.kiamo.tree(), len(self.kiamo.writes)
        again = self.apply(*arguments, expect=0)
        assert [str(call) for call in self.kiamo.writes[writes:]] == [], shown(again)
        assert "No changes" in again.stdout, shown(again)
        assert self.kiamo.duplicates() == []
        if to is not None:
            assert tree == to
        return tree

    def created(self, path: str) -> list[Call]:
        """The creates at a path (without `/api`) that took effect."""
        return [call for call in self.kiamo.committed if call.method == "POST" and call.path == f"/api{path}"]


def calls_of(journal: Path) -> list[str]:
    """`METHOD path` of every write that a journal says was sent."""
    lines = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    never = {line["answer"]["n"] for line in lines if "answer" in line and line["answer"]["status"] == 0}
    calls = [line["call"] for line in lines if "call" in line]
    return [f"{call['method']} {call['path']}" for call in calls if call["n"] not in never]


def shown(done: Completed) -> str:
    """A run in the message of an assertion."""
    return f"exit {done.returncode}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"


@contextmanager
def playing(folder: Path, kiamo: Kiamo | None = None) -> Iterator[Scene]:
    """A scene with the usual manifest and an empty instance."""
    (folder / "manifests").mkdir(parents=True)
    with serving(kiamo or Kiamo()) as server, proxying(server.url) as proxy:
        made = Scene(folder, server, proxy)
        made.project(PROJECT)
        made.manifest(MANIFEST)
        yield made

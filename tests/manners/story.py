"""The story that every manner goes through, with `plan` and `apply` of the program: create → edit → pause → change
association → change service → stop → delete. After each chapter the instance is as declared, and the next plan empty.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.api import budget
from kiamo_iac.executor import delivery
from kiamo_iac.executor.delivery import Polling
from tests.cli.program import Completed, kiamo
from tests.http.clock import FastClock
from tests.manners.desk import TOKEN, Desk, serving

PROJECT = """\
manifests: [manifests]
contract: contract.yaml
environments:
  staging:
    url: http://127.0.0.1:1
    guards: {max_delete_percent: 100}
"""
SPEED = 20.0
"""How many times as fast the waits before and between calls pass."""

BATCH = "bases/prospects/batches/relance"
CONSENTS = ("--allow-start", "--allow-stop", BATCH, "--allow-data-loss", "bases/prospects")


@dataclass(frozen=True)
class Desired:
    """What the manifest of a chapter declares."""

    label: str = "Ventes"
    base_label: str = "Prospects"
    field_label: str = "Ville"
    association: str = ""
    service: str = "Ventes"
    state: str = "started"

    def manifest(self, manner: Manner) -> str:
        """As a manifest."""
        services = "".join(
            f"  - {{name: {name}, {f'managed: true, label: {label}' if manner.writes_services else ''}}}\n"
            for name, label in (("Ventes", self.label), ("Support", "Support"))
        )
        settings = "    settings: {motd: Bonjour}\n" if manner.has_motd else ""
        return (
            f"services:\n{services}bases:\n  - name: prospects\n    label: {self.base_label}\n{settings}"
            f"    fields:\n      - {{name: ville, label: {self.field_label}, datatype: string}}\n"
            "      - {name: mobile, label: Mobile, datatype: phone}\n"
            f"    batches:\n      - {{name: relance, service: {self.service}, "
            f"association: {{destination: {self.association or manner.first}}}, state: {self.state}}}\n"
        )

    def tree(self, manner: Manner, before: Mapping[str, Any]) -> Mapping[str, Any]:
        """The instance that it declares, beside what was there before."""
        tree: dict[str, Any] = deepcopy(dict(before))
        if manner.writes_services:
            tree["services"] |= {"Ventes": self.label, "Support": "Support"}
        fields = {"ville": (self.field_label, "string"), "mobile": ("Mobile", "phone")}
        if manner.desk_default is not None:
            fields = {
                manner.desk_default["name"]: tuple(manner.desk_default[k] for k in ("label", "datatype"))
            } | fields
        tree["bases"]["prospects"] = {
            "label": self.base_label,
            "motd": "Bonjour" if manner.has_motd else None,
            "fields": fields,
            "batches": {"relance": (self.service, {"destination": self.association or manner.first}, self.state)},
        }
        return tree


CHAPTERS = {
    "create": Desired(),
    "edit": Desired("Ventes Nord", "Prospects 2026", "Commune"),
    "pause": Desired("Ventes Nord", "Prospects 2026", "Commune", state="paused"),
    "change association": Desired("Ventes Nord", "Prospects 2026", "Commune", "mobile", state="paused"),
    "change service": Desired("Ventes Nord", "Prospects 2026", "Commune", "mobile", "Support", "paused"),
    "stop": Desired("Ventes Nord", "Prospects 2026", "Commune", "mobile", "Support", "stopped"),
}
"""The last one, delete, declares all of it absent."""


@dataclass
class Manner:
    """One manner of an API, and the contract that describes it."""

    name: str
    contract: Mapping[str, Any] = field(default_factory=dict)
    knobs: Mapping[str, Any] = field(default_factory=dict)
    """Of the `Desk`."""
    has_motd: bool = True
    """Whether the base declares a setting that the contract does not have."""
    writes_services: bool = True
    archive: Mapping[str, Any] | None = None
    """Attributes of a batch that is there before, and is not declared; None: there is none."""
    archived_field: Mapping[str, Any] | None = None
    """So of a field, beside its defaults."""
    refusal: str = "ERR_2060"
    """What the program shows where the instance refuses a name; empty: not tried."""
    more: tuple[tuple[str, str], ...] = ()
    """Kind and name of what is there too."""
    first: str = "phone"
    """The field that the batch dials at first."""
    resumes: bool = False
    """The story has a chapter more: a paused batch is started again."""

    def desk(self) -> Desk:
        """An instance of this manner, with what stands on it before."""
        desk = Desk(**self.knobs)
        for name in ("Accueil", "Fermeture", "Nuit"):
            desk.add("service", name=name, label=name)
        if not self.writes_services:
            for name in ("Ventes", "Support"):
                desk.add("service", name=name, label=name)
        base = desk.add("base", name="archives", label="Archives")
        desk.add("base", name="divers", label="Divers")
        desk.add("field", base, **{"name": "note", "label": "Note", "datatype": "text", **(self.archived_field or {})})
        if self.archive is not None:
            first = next(iter(desk.items["service"]))
            desk.add("batch", base, **{"name": "ancien", "service": first, "state": "finished", **self.archive})
        for kind, name in self.more:
            desk.add(kind, name=name, label=name)
        return desk

    @property
    def desk_default(self) -> Mapping[str, Any] | None:
        """The field that every base of this instance has."""
        found: Mapping[str, Any] | None = Desk(**self.knobs).default_field
        return found


@dataclass
class Telling:
    """A manner under way: a project in a folder, and its instance."""

    manner: Manner
    desk: Desk
    folder: Path

    def run(self, *arguments: str) -> Completed:
        """Run the program in this process."""
        more = {"KIAMO_STAGING_TOKEN": TOKEN, "KIAMO_STAGING_URL": self.desk.url}
        return kiamo(*arguments, cwd=self.folder, **more)

    def apply(self) -> Completed:
        """`apply --yes`, with all consents."""
        return self.run("apply", "-e", "staging", "--yes", *CONSENTS)

    def manifest(self, text: str) -> None:
        """Write the manifest."""
        (self.folder / "manifests" / "a.yaml").write_text(text, encoding="utf-8")

    def resumes(self, before: Mapping[str, Any]) -> None:
        """A paused batch is started again, and paused."""
        for state in ("started", "paused"):
            desired = replace(CHAPTERS["pause"], state=state)
            self.manifest(desired.manifest(self.manner))
            self.ends(state, desired.tree(self.manner, before))

    def ends(self, chapter: str, tree: Mapping[str, Any], *, is_planned_again: bool = True) -> None:
        """Apply: the instance is then as declared, and the next plan is empty."""
        calls = len(self.desk.calls)
        done = self.apply()
        assert done.returncode == 0, self._shown(chapter, done, calls)
        assert self.desk.tree() == tree, self._shown(chapter, done, calls)
        calls = len(self.desk.calls)
        if not is_planned_again:
            return
        again = self.run("plan", "-e", "staging", "--detailed-exitcode")
        assert again.returncode == 0, self._shown(f"plan after {chapter}", again, calls)

    def _shown(self, chapter: str, done: Completed, calls: int) -> str:
        lines = [f"{c.method} {c.path} {c.query or ''} {c.raw.decode()}" for c in self.desk.calls[calls:]]
        return "\n".join([f"{self.manner.name}: {chapter}: exit {done.returncode}", done.stdout, done.stderr, *lines])


@contextmanager
def telling(manner: Manner, folder: Path) -> Iterator[Telling]:
    """A project, and an instance of a manner that serves."""
    (folder / "manifests").mkdir(parents=True)
    (folder / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "contract.yaml").write_text(json.dumps(manner.contract, indent=1), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, serving(manner.desk()) as desk:
        patch.setattr(budget, "Gate", FastClock(SPEED).gate)
        patch.setattr(
            delivery,
            "Polling",
            lambda pause=None, show=None: Polling(clock=FastClock(SPEED), pause=FastClock(SPEED).pause),
        )
        yield Telling(manner, desk, folder)


def tell(manner: Manner, folder: Path) -> None:
    """The whole story, with an empty plan after each chapter."""
    with telling(manner, folder) as told:
        before = told.desk.tree()
        for chapter, desired in CHAPTERS.items():
            told.manifest(desired.manifest(manner))
            told.ends(chapter, desired.tree(manner, before))
            if chapter == "pause" and manner.resumes:
                told.resumes(before)
        if manner.refusal and manner.writes_services:
            told.manifest(CHAPTERS["stop"].manifest(manner) + "  - {name: Interdit, label: X}\n")
            done = told.apply()
            assert done.returncode not in {0, 3}, done.stdout
            assert manner.refusal in done.stdout + done.stderr, done.stdout + done.stderr
        told.manifest(_absent(manner))
        told.ends("delete", before)


def tell_in_short(manner: Manner, folder: Path) -> None:
    """The same writes in fewer applies, and an empty plan after two of them."""
    with telling(manner, folder) as told:
        before = told.desk.tree()
        for chapter in ("create", "pause", "change service"):
            told.manifest(CHAPTERS[chapter].manifest(manner))
            told.ends(chapter, CHAPTERS[chapter].tree(manner, before), is_planned_again=chapter != "pause")
            if chapter == "pause" and manner.resumes:
                told.resumes(before)
        told.manifest(_absent(manner))
        told.ends("delete", before, is_planned_again=False)


def _absent(manner: Manner) -> str:
    batch, fields = "{name: relance, ensure: absent}", "{name: ville, ensure: absent}, {name: mobile, ensure: absent}"
    services = "[{name: Ventes, managed: true, ensure: absent}, {name: Support, managed: true, ensure: absent}]"
    bases = f"bases: [{{name: prospects, ensure: absent, fields: [{fields}], batches: [{batch}]}}]\n"
    return bases + (f"services: {services}\n" if manner.writes_services else "")

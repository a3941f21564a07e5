"""What the ledger holds before, during and after a run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from kiamo_iac.app.applying import start_apply
from kiamo_iac.app.ownership import lock_ledger
from kiamo_iac.app.planning import plan_environment
from kiamo_iac.app.recording import Recorder, declared_attributes, managed_declaration
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import LedgerError, PartialError
from kiamo_iac.executor.report import StepResult
from kiamo_iac.ledger.ledger import Ledger
from kiamo_iac.planner.guards import Consents
from kiamo_iac.planner.plan import Step
from tests.app.conftest import MANIFEST, Site

BASE = Address("bases/prospects")


@dataclass
class Observed:
    """What the ledger's file holds whenever a step starts and ends."""

    site: Site
    started_with: list[set[str]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    order: list[str] = field(default_factory=list)

    def started(self, step: Step) -> None:
        owned = self.site.owned()
        self.started_with.append({str(address) for address in owned})
        self.ids.append(sum(entry.remote_id is not None for entry in owned.values()))
        self.order.append(f"start {step.address}")

    def finished(self, results: Sequence[StepResult]) -> None:
        self.order += [f"end {result.step.address}" for result in results]


def test_entries_exist_before_the_first_write_and_get_their_ids_step_by_step(site: Site) -> None:
    observed = Observed(site)
    with start_apply(site.workspace, "staging") as run:
        assert run.perform(parallelism=1, observer=observed).ok
    every = {"bases/prospects", "bases/prospects/batches/spring", "bases/prospects/fields/city"}
    assert observed.started_with == [every] * 3
    assert observed.ids[0] == 0
    assert observed.ids == sorted(observed.ids)
    assert len(observed.order) == 6
    assert all(entry.remote_id is not None for entry in site.owned().values())


def test_a_ledger_that_cannot_be_written_stops_the_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Ledger, entry: object) -> None:
        raise LedgerError("The ledger is full.")

    with start_apply(site.workspace, "staging") as run:
        monkeypatch.setattr(Ledger, "record", full)
        report = run.perform(parallelism=1)
        with pytest.raises(PartialError, match="The ledger is full"):
            run.check(report)
        monkeypatch.undo()
    assert len(site.writes()) == 1


def test_nothing_is_written_if_the_ledger_cannot_be_before(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Ledger, entries: object) -> None:
        raise LedgerError("The ledger is full.")

    with start_apply(site.workspace, "staging") as run:
        monkeypatch.setattr(Ledger, "intend", full)
        with pytest.raises(LedgerError):
            run.perform(parallelism=1)
        monkeypatch.undo()
    assert site.writes() == []


def test_a_deletion_removes_the_entries_below_too(site: Site) -> None:
    site.apply()
    site.manifest("bases:\n  - {name: prospects, ensure: absent}\n")
    with start_apply(site.workspace, "staging") as run:
        run.check_guards(Consents(data_loss=(BASE,)))
        assert run.perform(parallelism=1).ok
    assert site.owned() == {}


def test_a_rename_moves_the_entries_below_too(site: Site) -> None:
    site.apply()
    before = {entry.remote_id for entry in site.owned().values()}
    site.manifest(MANIFEST.replace("name: prospects", "name: leads\n    renamed_from: [prospects]"))
    site.apply()
    owned = site.owned()
    assert {str(address) for address in owned} == {
        "bases/leads",
        "bases/leads/batches/spring",
        "bases/leads/fields/city",
    }
    assert {entry.remote_id for entry in owned.values()} == before


def test_the_entries_of_a_rename_are_written_in_one_order(site: Site) -> None:
    """The file of the ledger is the same for the same run, whatever order sets have in that process."""
    fields = [f"f{n}" for n in range(6)]
    block = "".join(f"      - {{name: {name}, label: F, datatype: string}}\n" for name in fields)
    manifest = f"bases:\n  - name: prospects\n    label: P\n    fields:\n{block}"
    site.manifest(manifest)
    site.apply()
    site.manifest(manifest.replace("name: prospects", "name: leads\n    renamed_from: [prospects]"))
    site.apply()
    lines = map(json.loads, (site.folder / ".kiamo" / "staging.ledger.jsonl").read_text("utf-8").splitlines())
    forgotten = [line["forget"] for line in lines if "forget" in line]
    assert forgotten == ["bases/prospects", *(f"bases/prospects/fields/{name}" for name in fields)]


def test_a_full_apply_records_what_was_live_as_declared_already(site: Site) -> None:
    site.call("POST", "/api/bases", {"name": "prospects", "label": "Prospects", "fields": []})
    site.manifest("bases:\n  - {name: prospects, label: Prospects, protect: true}\n")
    assert plan_environment(site.workspace, "staging").plan.steps == ()
    site.apply()
    assert site.owned_or_none() is None  # it was live, and is not adopted
    site.manifest("bases:\n  - {name: prospects, label: Leads, protect: true}\n")
    site.apply()
    entry = site.owned()[BASE]
    assert (entry.attributes["label"], entry.protect) == ("Leads", True)


def test_an_entry_is_kept_current_without_steps(site: Site) -> None:
    """`protect` is no attribute of the instance: only the ledger learns of it."""
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", "label: Prospects\n    protect: true"))
    plan, _ = site.apply()
    assert plan.steps == ()
    assert site.owned()[BASE].protect


def test_declarations_that_are_absent_or_references_are_not_managed(site: Site) -> None:
    site.manifest("services:\n  - name: Sales\nbases:\n  - {name: a, label: A}\n  - {name: b, ensure: absent}\n")
    desired = site.workspace.load("staging").state
    assert managed_declaration(desired, Address("services/Sales")) is None
    assert managed_declaration(desired, Address("bases/b")) is None
    assert managed_declaration(desired, Address("bases/c")) is None
    declared = managed_declaration(desired, Address("bases/a"))
    assert declared is not None
    assert declared_attributes(declared) == {"name": "a", "label": "A"}


def test_the_recorder_forwards_to_nobody_by_default(site: Site) -> None:
    result = plan_environment(site.workspace, "staging")
    with lock_ledger(site.workspace, "staging") as ledger:
        recorder = Recorder(
            ledger,
            result,
            stamp=lambda entry: entry,
            capabilities=site.workspace.contract.capabilities(),
            run_id="r1",
            since="2026-11-28T09:30:00Z",
        )
        recorder.begin()
        recorder.started(result.plan.steps[0])
        assert recorder.error is None
        assert len(ledger.owned) == 3

"""Undo: what a run did is undone through planner, guards and ledger, and what cannot be is listed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from kiamo_iac.app.journaling import journal_file, runs_of
from kiamo_iac.app.undoing import start_undo
from kiamo_iac.core.address import Address
from kiamo_iac.core.errors import GuardError, JournalError, UsageError
from kiamo_iac.planner.guards import Consents
from kiamo_iac.planner.plan import Plan
from kiamo_iac.planner.plan_file import Options
from tests.app.conftest import LIVE, MANIFEST, Site
from tests.app.killing import Kill, killed

BASE = Address("bases/prospects")
EVERYTHING = Consents(every_start=True, stops=(BASE,), data_loss=(BASE,))


def undo(site: Site, run: str | None = None, *, consents: Consents | None = None) -> Plan:
    """Undo a run; every step must be done."""
    with start_undo(site.workspace, "staging", run) as started:
        started.check_guards(consents)
        report = started.perform(parallelism=2)
        started.check(report)
    assert all(step.reason.startswith("as before the run of 20") for step in started.plan.steps)
    site.notices[:] = started.impossible
    return started.plan


def notes(site: Site) -> list[str]:
    """What could not be undone."""
    return [each.summary for each in site.notices]


def state(site: Site) -> Mapping[str, Any]:
    """What the instance has, with ids."""
    return site.emulator.dump(ids=True)


def actions(plan: Plan) -> list[tuple[str, str]]:
    return [(step.action.value, step.address) for step in plan.steps]


def test_what_a_run_created_is_deleted(site: Site) -> None:
    before = state(site)
    site.apply()
    plan = undo(site)
    assert actions(plan)[-1] == ("delete", "bases/prospects")
    assert state(site) == before
    assert not site.owned()


def test_what_a_run_changed_has_its_former_values_and_nothing_else_is_touched(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", "label: Leads").replace("label: City", "label: Town"))
    before = state(site)
    site.apply()
    plan = undo(site)
    assert sorted(actions(plan)) == [("update", "bases/prospects"), ("update", "bases/prospects/fields/city")]
    assert state(site) == before
    assert site.owned()[Address("bases/prospects")].attributes["label"] == "Prospects"
    assert site.owned()[Address("bases/prospects/batches/spring")].attributes["service"] == "Sales"


def test_an_undo_is_undone(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", "label: Leads"))
    site.apply()
    after = state(site)
    undo(site)
    assert state(site) != after
    undo(site)
    assert state(site) == after


def test_an_earlier_run_is_chosen_by_its_id(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", "label: Leads"))
    site.apply()
    changed = runs_of(site.folder, "staging")[-1]
    site.manifest(MANIFEST.replace("label: Prospects", "label: Leads").replace("label: City", "label: Town"))
    site.apply()
    assert actions(undo(site, changed)) == [("update", "bases/prospects")]


def test_a_deleted_base_is_created_again_without_its_contacts(site: Site) -> None:
    site.apply()
    before = site.emulator.dump()
    site.emulator.set_contacts("prospects", 50)
    site.manifest("services: [{name: Sales}]\nbases: [{name: prospects, ensure: absent}]\n")
    site.apply(consents=EVERYTHING)
    undo(site)
    assert any("50 contacts cannot be brought back" in note for note in notes(site))
    assert site.emulator.dump() == before


def test_a_rename_is_undone(site: Site) -> None:
    site.apply()
    before = state(site)
    site.manifest(MANIFEST.replace("- name: prospects", "- name: leads\n    renamed_from: [prospects]"))
    site.apply()
    plan = undo(site)
    assert actions(plan) == [("rename", "bases/prospects")]
    assert state(site) == before
    assert Address("bases/prospects/fields/city") in site.owned()


def test_a_swap_is_undone(site: Site) -> None:
    two = "services: [{name: Sales}]\nbases: [{name: a, label: A%s}, {name: b, label: B%s}]\n"
    site.manifest(two % ("", ""))
    site.apply()
    before = state(site)
    site.manifest(
        "services: [{name: Sales}]\n"
        "bases: [{name: a, label: B, renamed_from: [b]}, {name: b, label: A, renamed_from: [a]}]\n"
    )
    site.apply()
    assert state(site) != before
    undo(site)
    assert state(site) == before


def test_what_was_deleted_below_a_base_of_a_swap_is_created_in_that_base(site: Site) -> None:
    """Also where the other base of the swap has an object of that name."""
    field = "{name: x, label: %s, datatype: string}"
    two = "bases:\n  - {name: %s, label: A, fields: [%s]%s}\n  - {name: %s, label: B, fields: [%s]%s}\n"
    site.manifest(two % ("a", field % "X", "", "b", field % "Y", ""))
    site.apply()
    before = site.emulator.dump()
    site.manifest(two % ("b", "", ", renamed_from: [a]", "a", field % "Y", ", renamed_from: [b]"))
    site.apply(Options(prune=True), consents=Consents(data_loss=(Address("bases/a"), Address("bases/b"))))
    undo(site)
    assert notes(site) == []
    assert site.emulator.dump() == before


def test_a_swap_is_undone_without_a_ledger_and_with_all_that_was_done_below_it(site: Site) -> None:
    """Both bases have a batch of the same name; one was stopped, which an update of it would refuse."""
    batch = "{name: w, service: Sales, association: {destination: %s}%s}"
    base = "  - {name: %s, label: %s, fields: [{name: f, label: F, datatype: string}], batches: [%s]%s}\n"
    two = "services: [{name: Sales}]\nbases:\n"
    site.manifest(two + base % ("a", "A", batch % ("f", ""), "") + base % ("b", "B", batch % ("f", ""), ""))
    site.apply()
    before = site.emulator.dump()
    site.manifest(
        two
        + base % ("b", "A2", batch % ("phone", ", state: stopped"), ", renamed_from: [a]")
        + base % ("a", "B2", batch % ("phone", ""), ", renamed_from: [b]")
    )
    site.apply(consents=Consents(stops=(Address("bases/a"), Address("bases/b"))))
    (site.folder / ".kiamo" / "staging.ledger.jsonl").unlink()
    undo(site)
    assert notes(site) == [
        "bases/a/batches/w: it is stopped, and cannot be changed any more (association)",
        "bases/a/batches/w: it is stopped, and cannot become new again",
    ]
    (stopped,) = before["bases"][0]["batches"]
    stopped |= {"association": {"destination": "phone"}, "state": "stopped"}
    assert site.emulator.dump() == before


@pytest.mark.parametrize("ledger", ["saved", "unsaved", "lost"])
def test_a_swap_with_deletions_that_was_cut_is_undone(site: Site, ledger: str) -> None:
    """At every write, also where the ledger has nothing of the run, and where there is none."""
    field = "{name: %s, label: F, datatype: string}"
    two = "bases:\n  - {name: %s, label: A, fields: [%s]%s}\n  - {name: %s, label: B, fields: [%s]%s}\n"
    for at in count(1):
        site.emulator.reset()
        (site.folder / ".kiamo" / "staging.ledger.jsonl").unlink(missing_ok=True)
        site.manifest(two % ("a", field % "x", "", "b", field % "y", ""))
        site.apply()
        before = site.emulator.dump()
        site.manifest(two % ("b", "", ", renamed_from: [a]", "a", "", ", renamed_from: [b]"))
        if not killed(site, Kill(at, committed=True, unsaved=ledger == "unsaved"), Options(prune=True)):
            break
        if ledger == "lost":
            (site.folder / ".kiamo" / "staging.ledger.jsonl").unlink()
        undo(site, consents=Consents(data_loss=(Address("bases/a"), Address("bases/b"))))
        assert notes(site) == []
        assert site.emulator.dump() == before, at
    assert at == 6


def test_a_stopped_batch_stays_stopped_and_is_listed(site: Site) -> None:
    site.manifest(MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}"))
    site.apply(consents=EVERYTHING)
    site.manifest(
        MANIFEST.replace("destination: phone}}", "destination: phone}, state: stopped}").replace(
            "label: Prospects", "label: Leads"
        )
    )
    site.apply(consents=EVERYTHING)
    plan = undo(site)
    assert actions(plan) == [("update", "bases/prospects")]
    assert any("it is stopped, and cannot become started again" in note for note in notes(site))


def test_what_a_stopped_or_started_batch_keeps_is_listed_and_the_rest_is_undone(site: Site) -> None:
    site.apply()
    site.manifest(
        MANIFEST.replace("label: Prospects", "label: Leads").replace(
            "{name: spring, service: Sales, association: {destination: phone}}",
            "{name: spring, service: Sales, association: {destination: city}, state: stopped}",
        )
    )
    site.apply(consents=EVERYTHING)
    assert actions(undo(site)) == [("update", "bases/prospects")]
    assert notes(site) == [
        "bases/prospects/batches/spring: it is stopped, and cannot be changed any more (association)",
        "bases/prospects/batches/spring: it is stopped, and cannot become new again",
    ]


def test_a_batch_that_runs_keeps_the_name_that_the_run_gave_it(site: Site) -> None:
    site.apply()
    site.manifest(
        MANIFEST.replace("label: Prospects", "label: Leads").replace(
            "{name: spring,", "{name: summer, state: started, renamed_from: [spring],"
        )
    )
    site.apply(consents=EVERYTHING)
    assert actions(undo(site)) == [("update", "bases/prospects")]
    assert notes(site) == [
        "bases/prospects/batches/summer: it is started, and cannot be renamed: it keeps its name",
        "bases/prospects/batches/summer: it is started, and cannot become new again",
    ]


def test_what_is_created_again_below_a_renamed_base_is_listed_where_it_will_be(site: Site) -> None:
    site.manifest(MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}"))
    site.apply(consents=EVERYTHING)
    site.manifest(
        MANIFEST[: MANIFEST.index("    batches:")].replace(
            "- name: prospects", "- name: leads\n    renamed_from: [prospects]"
        )
    )
    leads = Address("bases/leads")
    site.apply(Options(prune=True), consents=Consents(stops=(leads,), data_loss=(leads,)))
    assert ("create", "bases/prospects/batches/spring") in actions(undo(site))
    assert notes(site) == ["bases/prospects/batches/spring: the batch is created again as new; it was started"]


def test_a_batch_that_a_run_paused_needs_consent_to_be_started_again(site: Site) -> None:
    site.manifest(MANIFEST.replace("destination: phone}}", "destination: phone}, state: started}"))
    site.apply(consents=EVERYTHING)
    site.manifest(MANIFEST.replace("destination: phone}}", "destination: phone}, state: paused}"))
    site.apply()
    with pytest.raises(GuardError):
        undo(site)
    assert actions(undo(site, consents=EVERYTHING)) == [("start", "bases/prospects/batches/spring")]


def test_what_others_changed_since_stays_and_what_the_run_did_is_undone(site: Site) -> None:
    """A value that is neither that of before the run nor the one that the run set is listed."""
    settings = "label: Prospects\n    settings: {pace: 1, tone: low}"
    site.manifest(MANIFEST.replace("label: Prospects", settings))
    site.apply()
    site.manifest(
        MANIFEST.replace("label: Prospects", settings.replace("Prospects", "Leads").replace("1", "2").replace("w", "g"))
    )
    site.apply()
    (base,) = state(site)["bases"]
    site.call("PUT", f"/api/bases/{base['id']}", {"label": "By hand", "tone": "high"})
    plan = undo(site)
    assert [change.path for step in plan.steps for change in step.changes] == ["settings.pace"]
    assert notes(site) == [
        'bases/prospects: "settings.tone" was changed after the run, and is kept',
        "bases/prospects: label was changed after the run, and is kept",
    ]
    (base,) = state(site)["bases"]
    assert (base["label"], base["settings"]) == ("By hand", {"pace": 1, "tone": "high"})


def test_a_name_that_others_changed_since_stays_and_what_is_below_it_is_undone(site: Site) -> None:
    site.apply()
    site.manifest(
        MANIFEST.replace("- name: prospects", "- name: leads\n    renamed_from: [prospects]").replace("City", "Town")
    )
    site.apply()
    (base,) = state(site)["bases"]
    site.call("PUT", f"/api/bases/{base['id']}", {"name": "clients"})
    plan = undo(site)
    assert [(step.action.value, step.changes[0].after) for step in plan.steps] == [("update", "City")]
    assert notes(site) == ['bases/leads: it was renamed to "clients" after the run: it keeps its name']
    assert plan.diagnostics == ()


@pytest.mark.parametrize("ledger", [True, False])
def test_what_was_deleted_below_a_base_that_others_renamed_since(site: Site, *, ledger: bool) -> None:
    """Only a ledger knows which base it was; without one it is listed, and the rest is undone."""
    two = MANIFEST.replace("bases:", "bases:\n  - {name: other, label: %s}")
    site.manifest(two % "O")
    site.apply()
    site.manifest((two % "P").replace("      - {name: city, label: City, datatype: string}\n", "      []\n"))
    site.apply(options=Options(prune=True), consents=EVERYTHING)
    base = next(base for base in state(site)["bases"] if base["name"] == "prospects")
    site.call("PUT", f"/api/bases/{base['id']}", {"name": "clients"})
    if not ledger:
        (site.folder / ".kiamo" / "staging.ledger.jsonl").unlink()
    plan = undo(site)
    created = [("create", "bases/clients/fields/city")] if ledger else []
    assert actions(plan) == [*created, ("update", "bases/other")]
    gone = "bases/prospects/fields/city: nothing of it is undone: bases/prospects does not exist any more"
    assert notes(site) == ([] if ledger else [gone])


def test_an_object_that_has_been_deleted_since_is_listed(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("label: City", "label: Town"))
    site.apply()
    (base,) = state(site)["bases"]
    field = next(f for f in base["fields"] if f["name"] == "city")
    site.call("DELETE", f"/api/bases/{base['id']}/fields/{field['id']}")
    plan = undo(site)
    assert plan.steps == ()
    assert notes(site) == ["bases/prospects/fields/city: nothing of it is undone: it does not exist any more"]


def test_an_object_that_was_created_again_since_is_not_deleted(site: Site) -> None:
    site.apply()
    (base,) = state(site)["bases"]
    site.emulator.reset()
    site.emulator.seed({**LIVE, "bases": [{"name": "first"}, {"name": "prospects", "label": "Another"}]})
    plan = undo(site)
    assert plan.steps == ()
    assert [found["id"] for found in state(site)["bases"]].count(base["id"]) <= 1
    assert len(state(site)["bases"]) == 2


def test_sensitive_settings_are_listed_and_not_sent(site: Site) -> None:
    settings = "label: Prospects\n    settings: {smtp_password: %s, pace: %d}"
    site.manifest(MANIFEST.replace("label: Prospects", settings % ("hunter2-hunter2", 1)))
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", settings % ("hunter3-hunter3", 2)))
    site.apply()
    undo(site)
    assert any('"settings.smtp_password" is sensitive' in note for note in notes(site))
    (base,) = state(site)["bases"]
    assert (base["settings"]["pace"], base["settings"]["smtp_password"]) == (1, "hunter3-hunter3")


def test_there_is_nothing_to_undo_before_the_first_run(site: Site) -> None:
    with pytest.raises(UsageError, match="staging has no journal"):
        undo(site)


def test_a_journal_of_another_instance_is_refused(site: Site) -> None:
    site.apply()
    project = site.folder / "kiamo.yaml"
    project.write_text(project.read_text().replace("8090", "8091"))
    with pytest.raises(JournalError, match="of the instance"):
        undo(site)


def test_a_journal_that_git_tracks_is_refused(site: Site) -> None:
    site.apply()
    for command in (["init", "-q"], ["add", "-f", ".kiamo"]):
        subprocess.run(["git", *command], cwd=site.folder, check=True)
    with pytest.raises(JournalError, match="it is in git"):
        undo(site)


@pytest.mark.parametrize("change", [{"environment": "guarded"}, {"run": "20200101T000000Z-abcdef"}])
def test_a_journal_that_was_copied_from_another_environment_or_run_is_refused(
    site: Site, change: Mapping[str, str]
) -> None:
    """What git tracks is found by these names."""
    site.apply()
    journal = journal_file(site.folder, "staging", runs_of(site.folder, "staging")[-1])
    head, *rest = journal.path.read_text().splitlines()
    data = json.loads(head)
    data["head"] |= change
    journal.path.write_text("\n".join([json.dumps(data), *rest, ""]))
    with pytest.raises(JournalError, match="was copied or renamed"):
        undo(site)


@pytest.mark.parametrize("action", ["rename", "start", "pause", "stop"])
def test_a_journal_whose_step_lacks_what_it_replaces_is_damaged(site: Site, action: str) -> None:
    site.apply()
    journal = journal_file(site.folder, "staging", runs_of(site.folder, "staging")[-1])
    journal.path.write_text(journal.path.read_text().replace('"action":"create"', f'"action":"{action}"'))
    with pytest.raises(JournalError, match=r'line 2 must have "(name|state)" in "before"'):
        undo(site)


def test_a_journal_that_ends_anywhere_is_undone_as_far_as_it_goes(site: Site) -> None:
    """Cut at any byte, as by a machine that stopped: either its head is missing, or nothing but what it has is undone,
    and the objects whose creation it does not have are not touched."""
    site.apply()
    journal = journal_file(site.folder, "staging", runs_of(site.folder, "staging")[-1])
    data = journal.path.read_bytes()
    for size in range(0, len(data), 7):
        journal.path.write_bytes(data[:size])
        if b"\n" not in data[:size]:
            with pytest.raises(JournalError, match="is empty"):
                undo(site)
            continue
        with start_undo(site.workspace, "staging", None) as run:
            assert run.plan.applyable
            assert {step.action.value for step in run.plan.steps} <= {"delete", "stop"}


def test_what_an_undo_does_not_name_is_not_said_to_be_kept(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", "label: Leads"))
    site.apply()
    assert [each.code for each in undo(site).diagnostics] == []


def test_what_a_run_created_and_protected_is_listed_and_the_rest_is_undone(site: Site) -> None:
    site.apply()
    before = state(site)
    field = "fields:\n      - {name: mail, label: Mail, datatype: email, protect: true}\n"
    site.manifest(f"{MANIFEST}  - name: leads\n    {field}  - {{name: clients}}\n")
    site.apply()
    assert actions(undo(site)) == [("delete", "bases/clients")]
    (note,) = notes(site)
    assert note == "bases/leads: nothing of it is undone: bases/leads/fields/mail is protected"
    assert [base["name"] for base in state(site)["bases"]] == [*(base["name"] for base in before["bases"]), "leads"]


RENAMED = """
services: [{name: Sales}]
bases:
  - name: leads
    renamed_from: [prospects]
    label: Leads
    fields:
      - {name: city, label: Town, datatype: string}
      - {name: mail, label: Mail, datatype: email}
    batches:
      - {name: spring, service: Sales, association: {destination: phone}}
"""


def test_what_was_created_below_a_renamed_base_is_deleted(site: Site) -> None:
    site.apply()
    before = state(site)
    site.manifest(RENAMED)
    site.apply()
    undo(site)
    assert state(site) == before
    assert notes(site) == []


def test_a_base_whose_name_was_taken_keeps_its_new_one_and_the_object_of_others_is_not_touched(site: Site) -> None:
    site.apply()
    site.manifest(RENAMED)
    site.apply()
    site.call("POST", "/api/bases", {"name": "prospects", "label": "Of others", "fields": []})
    taken = site.base_id()
    site.call("POST", f"/api/bases/{taken}/fields", {"name": "city", "label": "Of others", "datatype": "string"})
    (other,) = [base for base in state(site)["bases"] if base["id"] == taken]
    undo(site)
    assert notes(site) == ['bases/leads: another object is called "prospects" now: it keeps its name']
    assert [base for base in state(site)["bases"] if base["id"] == taken] == [other]
    (base,) = [base for base in state(site)["bases"] if base["name"] == "leads"]
    assert base["label"] == "Prospects"
    assert [field["label"] for field in base["fields"] if field["name"] in ("city", "mail")] == ["City"]


def test_a_deleted_field_is_not_created_in_a_base_that_others_made_since(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("    fields:\n      - {name: city, label: City, datatype: string}\n", ""))
    site.apply(Options(prune=True), consents=EVERYTHING)
    batch = next(iter(state(site)["bases"][0]["batches"]))
    site.call("PUT", f"/api/bases/{site.base_id()}/batches/{batch['id']}/command", {"command": "stop"})
    site.call("DELETE", f"/api/bases/{site.base_id()}")
    site.call("POST", "/api/bases", {"name": "prospects", "label": "Of others", "fields": []})
    assert undo(site).steps == ()
    assert 'bases/prospects/fields/city: nothing of it is undone: another object is called "prospects" now' in notes(
        site
    )


def test_a_setting_that_was_not_set_is_listed(site: Site) -> None:
    site.apply()
    site.manifest(MANIFEST.replace("label: Prospects", "label: Prospects\n    settings: {pace: 3}"))
    site.apply()
    assert undo(site).steps == ()
    assert notes(site) == ['bases/prospects: "settings.pace" was not set, and cannot be removed']

"""Consents as they are given: a start or a stop by its address, on the command line of the apply that does it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiamo_iac.emulator.faults import Fault
from tests.cli.conftest import Desk

BATCH = "bases/prospects/batches/relance"
PROJECT = 'manifests: [manifests]\nenvironments:\n  staging: {url: "http://127.0.0.1:8090", guards: {%s}}\n'
ALL_MAY_GO = "max_delete_percent: 100"


def declaring(*batches: dict[str, Any], **base: Any) -> str:
    """The base with these batches, each of them of the one service."""
    below = [{"service": "Ventes", "association": {"destination": "phone"}} | batch for batch in batches]
    fields = [{"name": "ville", "label": "Ville", "datatype": "string"}]
    block = {"name": "prospects", "label": "Prospects", "fields": fields, "batches": below} | base
    return json.dumps({"services": [{"name": "Ventes"}], "bases": [block]})


def state_of(desk: Desk, name: str = "relance") -> str | None:
    """The run state of a batch; None: there is none."""
    bases = {base["name"]: base for base in desk.emulator.dump().get("bases", [])}
    batches = {batch["name"]: batch for batch in bases.get("prospects", {}).get("batches", [])}
    return batches[name]["state"] if name in batches else None


def running(desk: Desk, *names: str) -> None:
    """The base with batches that run, and are managed."""
    desk.manifest(declaring(*({"name": name, "state": "started"} for name in names)))
    desk.apply("--allow-start")


def blocked(desk: Desk, *arguments: str, code: str = "KIA0708") -> str:
    """What a blocked apply says; it wrote nothing."""
    written = len(desk.writes())
    status, out, err = desk.run("apply", *arguments, "--yes")
    assert (status, out) == (6, ""), out + err
    assert code in err
    assert len(desk.writes()) == written
    return err


STAGING = ("-e", "staging")
WAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "pruned": (declaring(), ("--prune",)),
    "exclusive": (declaring(exclusive=["batches"]), ()),
    "absent": (declaring({"name": "relance", "ensure": "absent"}), ()),
    "stopped": (declaring({"name": "relance", "state": "stopped"}), ()),
    "paused and changed on the way": (
        declaring({"name": "relance", "state": "stopped", "association": {"destination": "ville"}}),
        (),
    ),
    "with its base": ('{"bases": [{"name": "prospects", "ensure": "absent"}]}', ()),
    "with its pruned base": ('{"services": [{"name": "Ventes", "managed": true}]}', ("--prune",)),
}
"""How a batch comes to be stopped: the manifest, and the options."""


@pytest.mark.parametrize("way", WAYS)
def test_o16_a_batch_that_runs_is_stopped_by_its_address_whatever_the_way(desk: Desk, way: str) -> None:
    desk.project(PROJECT % ALL_MAY_GO)
    running(desk, "relance")
    manifest, options = WAYS[way]
    desk.manifest(manifest)
    code, out, err = desk.run("plan", *STAGING, *options)
    assert code == 0, err
    summary = "apply will be blocked: this batch is running, and a stopped batch never runs again"
    assert f"{summary}; pass --allow-stop ADDRESS" in out
    err = blocked(desk, *STAGING, *options)
    assert f"to stop it for good, pass --allow-stop {BATCH}, or set allow_stop: true in guards of staging" in err
    assert state_of(desk) == "started"
    desk.apply(*options, "--allow-stop", BATCH)
    assert state_of(desk) in {"stopped", None}


@pytest.mark.parametrize("way", WAYS)
def test_o16_allow_stop_in_guards_covers_what_is_managed_or_declared(desk: Desk, way: str) -> None:
    desk.project(PROJECT % f"allow_stop: true, {ALL_MAY_GO}")
    running(desk, "relance")
    manifest, options = WAYS[way]
    desk.manifest(manifest)
    desk.apply(*options)
    assert state_of(desk) in {"stopped", None}


@pytest.mark.parametrize("state", ["new", "paused"])
@pytest.mark.parametrize("way", WAYS)
def test_o16_a_managed_batch_that_does_not_run_is_stopped_without_consent(desk: Desk, way: str, state: str) -> None:
    desk.project(PROJECT % ALL_MAY_GO)
    desk.manifest(declaring({"name": "relance", "state": state}))
    desk.apply("--allow-start")
    manifest, options = WAYS[way]
    desk.manifest(manifest)
    desk.apply(*options)
    assert state_of(desk) in {"stopped", None}


def test_o16_an_exclusive_list_needs_consent_for_a_batch_that_is_not_managed(desk: Desk) -> None:
    desk.apply()
    add_by_hand(desk)
    desk.manifest(declaring({"name": "relance"}, exclusive=["batches"]))
    err = blocked(desk, *STAGING)
    assert "this batch is not managed, and a stopped batch never runs again" in err
    desk.project(PROJECT % f"allow_stop: true, {ALL_MAY_GO}")
    desk.apply()
    assert (state_of(desk, "main"), state_of(desk)) == (None, "new")


def add_by_hand(desk: Desk) -> None:
    """A batch that somebody makes at the console."""
    (service,) = desk.emulator.dump(ids=True)["services"]
    body = {"name": "main", "service": service["id"], "association": {"destination": "phone"}}
    desk.by_hand("POST", f"/api/bases/{desk.id_of('prospects')}/batches", body)


@pytest.mark.parametrize("named", ["bases/prospects/batches/main", "bases/prospects"])
def test_o16_an_unmanaged_batch_is_named_when_it_is_planned_and_when_it_is_applied(desk: Desk, named: str) -> None:
    desk.project(PROJECT % f"allow_stop: true, {ALL_MAY_GO}")
    desk.apply()
    add_by_hand(desk)
    desk.manifest('{"bases": [{"name": "prospects", "ensure": "absent"}]}')
    code, out, _ = desk.run("plan", *STAGING, "--out", "saved.plan")
    assert code == 1
    assert "KIA0515" in out
    code, out, _ = desk.run("plan", *STAGING, "--out", "saved.plan", "--allow-stop", named)
    assert code == 0
    assert "apply will be blocked: this batch is not managed" in out
    err = blocked(desk, "saved.plan")
    assert "to stop it for good, pass --allow-stop bases/prospects/batches/main\n" in err
    code, out, err = desk.run("apply", "saved.plan", "--yes", "--allow-stop", named)
    assert code == 0, out + err
    assert "bases" not in desk.emulator.dump()


def test_o16_a_saved_plan_is_given_its_consents_when_it_is_applied(desk: Desk) -> None:
    running(desk, "relance", "hiver")
    changed = {"name": "relance", "association": {"destination": "ville"}}
    desk.manifest(declaring({"name": "hiver", "state": "stopped"}, changed))
    assert desk.run("plan", *STAGING, "--out", "saved.plan")[0] == 0
    blocked(desk, "saved.plan", "--allow-start-of", BATCH)
    blocked(desk, "saved.plan", "--allow-stop", "bases/prospects/batches/hiver", code="KIA0701")
    consents = ("--allow-stop", "bases/prospects/batches/hiver", "--allow-start-of", BATCH)
    code, out, err = desk.run("apply", "saved.plan", "--yes", *consents)
    assert code == 0, out + err
    assert (state_of(desk, "hiver"), state_of(desk)) == ("stopped", "started")


def test_data_loss_is_allowed_when_a_saved_plan_is_applied(desk: Desk) -> None:
    field = {"name": "fax", "label": "Fax", "datatype": "phone"}
    desk.emulator.seed({"bases": [{"name": "p", "label": "P", "contacts": 12, "fields": [field]}]})
    desk.manifest("bases:\n  - {name: p, label: P, fields: [{name: fax, ensure: absent}]}\n")
    assert desk.run("plan", *STAGING, "--out", "saved.plan")[0] == 0
    blocked(desk, "saved.plan", code="KIA0707")
    code, out, err = desk.run("apply", "saved.plan", "--yes", "--allow-data-loss", "bases/p")
    assert code == 0, out + err


def test_o16_one_of_two_batches_is_allowed_to_start(desk: Desk) -> None:
    desk.manifest(declaring({"name": "relance", "state": "started"}, {"name": "hiver", "state": "started"}))
    err = blocked(desk, *STAGING, "--allow-start-of", BATCH, code="KIA0701")
    assert "bases/prospects/batches/hiver" in err
    assert BATCH not in err.replace("--allow-start-of ADDRESS", "")
    desk.apply("--allow-start-of", "bases/prospects")
    assert (state_of(desk), state_of(desk, "hiver")) == ("started", "started")


@pytest.mark.parametrize("option", ["--allow-start-of", "--allow-stop", "--allow-data-loss"])
def test_what_is_no_address_is_a_usage_error(desk: Desk, option: str) -> None:
    code, _, err = desk.run("apply", *STAGING, "--yes", option, "prospects")
    assert code == 64
    assert "is not an address" in err
    assert desk.writes() == []


def test_a_start_that_a_run_owes_needs_an_option_whatever_the_guards_allow(desk: Desk) -> None:
    """The start of a detour has no effect; the next apply pays it, if it is asked to."""
    desk.project(PROJECT % "allow_start: true")
    running(desk, "relance")
    desk.manifest(declaring({"name": "relance", "association": {"destination": "ville"}}))
    desk.emulator.faults.add([Fault.parse("ignore,call=start batch")])
    assert desk.run("apply", *STAGING, "--yes")[0] == 4
    assert state_of(desk) == "paused"
    desk.emulator.faults.clear()
    err = blocked(desk, *STAGING, code="KIA0701")
    assert "An earlier run owes this start: allow_start does not cover it." in err
    assert "pass --allow-start to dial them now, or --allow-start-of ADDRESS for one batch\n" in err
    desk.apply("--allow-start-of", BATCH)
    assert state_of(desk) == "started"


def test_o15_a_plan_to_delete_a_base_that_gets_another_field_is_stale(desk: Desk) -> None:
    desk.project(PROJECT % "max_deletes: 3")
    desk.manifest(declaring())
    desk.apply()
    desk.manifest('{"bases": [{"name": "prospects", "ensure": "absent"}]}')
    assert desk.run("plan", *STAGING, "--out", "saved.plan")[0] == 0
    field = {"name": "fax", "label": "Fax", "datatype": "phone"}
    desk.by_hand("POST", f"/api/bases/{desk.id_of('prospects')}/fields", field)
    code, _, err = desk.run("apply", "saved.plan", "--yes")
    assert code == 3
    assert "KIA0805" in err
    assert "bases/prospects" in err
    desk.apply()

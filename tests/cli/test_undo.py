"""Undo at the command line: what cannot come back is shown first, then the plan; the rest is as for apply."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.cli.conftest import MANIFEST, Desk, starting

ALL_OF_IT = ("--allow-start", "--allow-stop", "bases/prospects", "--allow-data-loss", "bases/prospects")


def test_what_cannot_be_undone_is_shown_before_the_plan(desk: Desk) -> None:
    desk.apply()
    desk.emulator.set_contacts("prospects", 7)
    desk.manifest("services: [{name: Ventes}]\nbases: [{name: prospects, ensure: absent}]\n")
    desk.apply(*ALL_OF_IT)
    code, out, err = desk.run("undo", "-e", "staging", "--yes")
    assert code == 0, out + err
    assert out.startswith(
        "Cannot be undone:\n  bases/prospects: 7 contacts cannot be brought back (import them again)\n"
    )
    assert out.index("Cannot be undone") < out.index("create bases/prospects")
    assert "as before the run of 20" in out
    (base,) = desk.emulator.dump()["bases"]
    assert (base["name"], base.get("contacts", 0)) == ("prospects", 0)


def test_the_next_plan_shows_what_the_manifests_still_declare(desk: Desk) -> None:
    desk.apply()
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Leads"))
    desk.apply()
    code, _, err = desk.run("undo", "-e", "staging", "--yes")
    assert code == 0, err
    code, out, _ = desk.run("plan", "-e", "staging", "--detailed-exitcode")
    assert code == 2
    assert '"Prospects" → "Leads"' in out


def test_it_asks_and_may_be_refused(desk: Desk, typing: Callable[[str], None]) -> None:
    desk.apply()
    written = len(desk.writes())
    typing("no\n")
    code, _, err = desk.run("undo", "-e", "staging")
    assert code == 1
    assert 'Type "yes" to undo this on staging' in err
    assert len(desk.writes()) == written


def test_guards_hold_for_an_undo(desk: Desk) -> None:
    desk.manifest(starting())
    desk.apply("--allow-start")
    desk.manifest(starting("paused"))
    desk.apply()
    written = len(desk.writes())
    code, _, err = desk.run("undo", "-e", "staging", "--yes")
    assert code == 6
    assert "KIA0701" in err
    assert len(desk.writes()) == written
    code, out, _ = desk.run("undo", "-e", "staging", "--yes", "--allow-start-of", "bases/prospects")
    assert code == 0
    assert "start bases/prospects/batches/relance" in out


def test_a_run_is_named_by_its_id_and_listed_as_what_was_undone(desk: Desk) -> None:
    desk.apply()
    _, out, _ = desk.run("journal", "list", "-e", "staging", "--format", "json")
    run = json.loads(out)["runs"][0]["head"]["run"]
    code, out, _ = desk.run("undo", "-e", "staging", run, "--yes", "--format", "json")
    assert code == 0
    assert json.loads(out)["summary"]["failed"] == 0
    _, out, _ = desk.run("journal", "list", "-e", "staging")
    assert f"undo of {run}" in out
    code, _, err = desk.run("undo", "-e", "staging", "1999", "--yes")
    assert code == 64
    assert 'staging has no run "1999"' in err

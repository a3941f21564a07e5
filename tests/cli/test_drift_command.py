"""`kiamo-iac drift`: the four ways in which two sides may have moved, in text, JSON and exit codes."""

from __future__ import annotations

import json

import jsonschema

from kiamo_iac.render.json_formats import drift_schema
from tests.cli.conftest import Desk

FOUR = "bases:\n" + "".join(f"  - {{name: {name}, label: Old}}\n" for name in ("both", "git", "hand", "same"))
DRIFT = ("drift", "-e", "staging")


def moved(desk: Desk) -> None:
    """`git` changes in the manifests, `hand` on the instance, `both` on both sides, `same` on neither."""
    desk.manifest(FOUR)
    desk.apply()
    desk.manifest(FOUR.replace("git, label: Old", "git, label: New").replace("both, label: Old", "both, label: New"))
    for name in ("hand", "both"):
        desk.by_hand("PUT", f"/api/bases/{desk.id_of(name)}", {"label": "By hand"})


def test_four_ways(desk: Desk) -> None:
    moved(desk)
    written = len(desk.writes())
    code, out, err = desk.run(*DRIFT)
    assert (code, err) == (0, "")
    assert "bases/both (base): changed on both sides" in out
    assert "bases/git (base): changed in git since the last apply" in out
    assert "bases/hand (base): changed on the instance" in out
    assert "bases/same" not in out
    assert out.endswith("Drift: 1 changed in git, 1 on the instance, 1 on both sides; 1 unchanged.\n")
    assert len(desk.writes()) == written


def test_the_exit_code_tells_when_it_is_asked_to(desk: Desk) -> None:
    moved(desk)
    assert desk.run(*DRIFT, "--detailed-exitcode")[0] == 2
    desk.apply()
    code, out, _ = desk.run(*DRIFT, "--detailed-exitcode")
    assert (code, out.splitlines()[-1]) == (0, "No drift: 4 unchanged.")


def test_json_meets_its_schema(desk: Desk) -> None:
    moved(desk)
    code, out, _ = desk.run(*DRIFT, "--format", "json")
    assert code == 0
    data = json.loads(out)
    jsonschema.Draft202012Validator(drift_schema()).validate(data)
    assert data["environment"] == "staging"


def test_without_a_ledger_nobody_can_say(desk: Desk) -> None:
    moved(desk)
    desk.ledger.unlink()
    code, out, _ = desk.run(*DRIFT)
    assert code == 0
    assert "This environment has no ledger: who changed what is unknown." in out


def test_a_run_that_failed_half_way_is_not_taken_for_somebody_s_hand(desk: Desk) -> None:
    """What an interrupted run did not reach is still `changed in git`."""
    desk.manifest(FOUR)
    desk.apply("--target", "bases/git")
    _, out, _ = desk.run(*DRIFT)
    assert "bases/git" not in out
    assert "bases/hand (base): new in git" in out

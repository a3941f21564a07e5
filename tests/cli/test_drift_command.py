"""`kiamo-iac drift`: the four ways in which two sides may have moved, in text, JSON and exit codes."""

from __future__ import annotations

import json

import jsonschema

from kiamo_iac.render.json_formats import drift_schema
from tests.cli.conftest import Desk, starting

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


def test_what_is_merged_and_not_applied_is_no_drift_on_the_instance(desk: Desk) -> None:
    moved(desk)
    code, out, err = desk.run(*DRIFT, "--on-instance", "--detailed-exitcode")
    assert (code, err) == (2, "")
    assert "bases/hand" in out
    assert "bases/both" in out
    assert "bases/git" not in out
    assert out.endswith("Drift on the instance: 2 changed, 1 of them in git too.\n")
    for name in ("hand", "both"):
        desk.by_hand("PUT", f"/api/bases/{desk.id_of(name)}", {"label": "Old"})
    code, out, _ = desk.run(*DRIFT, "--on-instance", "--detailed-exitcode")
    assert (code, out.splitlines()[-1]) == (0, "No drift on the instance.")
    assert desk.run(*DRIFT, "--detailed-exitcode")[0] == 2


def test_what_no_ledger_tells_is_not_counted_and_said(desk: Desk) -> None:
    moved(desk)
    desk.ledger.unlink()
    code, out, _ = desk.run(*DRIFT, "--on-instance", "--detailed-exitcode")
    assert code == 0
    assert "This environment has no ledger" in out
    assert out.endswith("No drift on the instance; 3 of unknown origin not counted.\n")


def run_by_hand(desk: Desk, *commands: str) -> None:
    """What a supervisor does with the batch."""
    base = desk.id_of("prospects")
    batch = desk.emulator.dump(ids=True)["bases"][0]["batches"][0]["id"]
    for command in commands:
        desk.by_hand("PUT", f"/api/bases/{base}/batches/{batch}/command", {"command": command})


def test_a_run_state_that_is_not_declared_is_a_note_and_no_drift(desk: Desk) -> None:
    desk.apply()
    assert "Run states changed" not in desk.run(*DRIFT)[1]
    run_by_hand(desk, "start")
    for more in ((), ("--on-instance",)):
        code, out, _ = desk.run(*DRIFT, "--detailed-exitcode", *more)
        assert code == 0
        assert "not declared (1):\n  bases/prospects/batches/relance: started; new when it was last" in out, out
    data = json.loads(desk.run(*DRIFT, "--format", "json")[1])
    assert data["run_states"] == [{"address": "bases/prospects/batches/relance", "left_in": "new", "state": "started"}]
    jsonschema.Draft202012Validator(drift_schema()).validate(data)
    desk.run("adopt", "-e", "staging", "bases/prospects/batches/relance")
    assert "Run states changed" not in desk.run(*DRIFT)[1]
    run_by_hand(desk, "pause")
    assert "relance: paused; started when" in desk.run(*DRIFT)[1]


def test_a_declared_run_state_that_others_changed_is_drift(desk: Desk) -> None:
    desk.manifest(starting())
    desk.apply("--allow-start")
    run_by_hand(desk, "pause")
    code, out, _ = desk.run(*DRIFT, "--on-instance", "--detailed-exitcode")
    assert code == 2
    assert "state: declared" in out
    assert "Run states changed" not in out


def test_a_batch_that_ran_to_its_end_was_changed_by_none(desk: Desk) -> None:
    desk.manifest(starting().replace("state: started", "initial_state: started"))
    desk.apply("--allow-start")
    desk.emulator.finish("prospects", "relance")
    assert "Run states changed" not in desk.run(*DRIFT)[1]

"""What owning is for: pruning what is ours and nothing else, protection that outlives its block, renames told apart."""

from __future__ import annotations

import pytest

from tests.cli.conftest import MANIFEST, Desk

TWO = MANIFEST + "  - {name: anciens, label: Anciens}\n"
PLAN = ("plan", "-e", "staging")


def bases(desk: Desk) -> list[str]:
    """The names of what there is."""
    return sorted(base["name"] for base in desk.emulator.dump().get("bases", []))


# --- prune -----------------------------------------------------------------------------------------------------------


def test_prune_deletes_what_is_ours_and_gone_from_the_manifests_and_nothing_else(desk: Desk) -> None:
    desk.emulator.seed({"bases": [{"name": "inconnue", "label": "A stranger's"}]})
    desk.manifest(TWO)
    desk.apply()
    desk.manifest(MANIFEST)
    code, out, _ = desk.run(*PLAN, "--detailed-exitcode")
    assert code == 0
    assert "1 managed resource is no longer declared; it is kept (pass --prune to delete it): bases/anciens" in out
    code, out, _ = desk.run(*PLAN, "--prune", "--detailed-exitcode")
    assert code == 2
    assert "- delete bases/anciens (base, cannot be undone: its id and its history are lost)" in out
    assert "managed, no longer declared" in out
    assert "1 to delete" in out
    desk.apply("--prune")
    assert bases(desk) == ["inconnue", "prospects"]
    assert "bases/anciens" not in desk.owned()
    assert desk.run(*PLAN, "--prune", "--detailed-exitcode")[0] == 0


def test_a_lost_ledger_prunes_nothing_and_says_so(desk: Desk) -> None:
    desk.manifest(TWO)
    desk.apply()
    desk.ledger.unlink()
    desk.manifest(MANIFEST)
    code, out, _ = desk.run("apply", "-e", "staging", "--yes", "--prune")
    assert code == 0
    assert "this environment has no ledger: nothing is pruned" in out
    assert bases(desk) == ["anciens", "prospects"]


def test_what_was_forgotten_is_not_pruned(desk: Desk) -> None:
    desk.manifest(TWO)
    desk.apply()
    assert desk.run("ledger", "forget", "-e", "staging", "bases/anciens")[0] == 0
    desk.manifest(MANIFEST)
    desk.apply("--prune")
    assert bases(desk) == ["anciens", "prospects"]


def test_what_is_gone_from_both_sides_is_forgotten(desk: Desk) -> None:
    desk.manifest(TWO)
    desk.apply()
    desk.by_hand("DELETE", f"/api/bases/{desk.id_of('anciens')}")
    desk.manifest(MANIFEST)
    desk.apply()
    assert "bases/anciens" not in desk.owned()


def test_a_reference_is_nobody_s_to_manage(desk: Desk) -> None:
    managed = MANIFEST.replace("- name: Ventes\n", "- name: Ventes\n    managed: true\n    label: Sortantes\n")
    desk.manifest(managed)
    desk.apply()
    assert "services/Ventes" in desk.owned()
    desk.manifest(MANIFEST)
    desk.apply()
    assert "services/Ventes" not in desk.owned()


# --- protect ---------------------------------------------------------------------------------------------------------


def test_protection_outlives_its_block(desk: Desk) -> None:
    protected = "  - {name: anciens, label: Anciens, protect: true}\n"
    desk.manifest(MANIFEST + protected)
    desk.apply()
    assert desk.owned()["bases/anciens"]["protect"] is True
    desk.manifest(MANIFEST)
    code, out, _ = desk.run("apply", "-e", "staging", "--yes", "--prune")
    assert code == 0
    assert "bases/anciens is no longer declared; it is kept" in out
    assert "declare it with protect: false, apply, and then remove the block" in out
    assert bases(desk) == ["anciens", "prospects"]
    desk.manifest(MANIFEST + protected.replace("true", "false"))
    desk.apply("--prune")
    desk.manifest(MANIFEST)
    desk.apply("--prune")
    assert bases(desk) == ["prospects"]


# --- renamed, made anew ----------------------------------------------------------------------------------------------


def test_what_somebody_renamed_gets_its_name_back(desk: Desk) -> None:
    desk.apply()
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('prospects')}", {"name": "clients"})
    code, out, _ = desk.run(*PLAN)
    assert code == 0
    assert '"prospects" was renamed to "clients" on the instance since the last apply; will be renamed back' in out
    assert 'renamed to "clients" on the instance' in out
    assert "renamed_from says" not in out
    assert "1 to rename" in out
    desk.apply()
    assert bases(desk) == ["prospects"]
    assert desk.run(*PLAN, "--detailed-exitcode")[0] == 0


def test_what_somebody_made_anew_stops_the_plan_until_it_is_adopted(desk: Desk) -> None:
    desk.apply()
    base = desk.id_of("prospects")
    (batch,) = (b for b in desk.emulator.dump(ids=True)["bases"][0]["batches"])
    desk.by_hand("PUT", f"/api/bases/{base}/batches/{batch['id']}/command", {"command": "stop"})
    desk.by_hand("DELETE", f"/api/bases/{base}")
    desk.by_hand("POST", "/api/bases", {"name": "prospects", "label": "Prospects", "fields": []})
    code, out, _ = desk.run(*PLAN)
    assert code == 1
    assert "KIA0520" in out
    assert "kiamo-iac adopt bases/prospects" in out
    assert desk.run("adopt", "-e", "staging", "bases/prospects")[0] == 0
    desk.apply()
    assert desk.run(*PLAN, "--detailed-exitcode")[0] == 0
    assert desk.owned()["bases/prospects"]["id"] != base


def test_what_somebody_deleted_is_made_anew_and_told(desk: Desk) -> None:
    desk.manifest(TWO)
    desk.apply()
    before = desk.id_of("anciens")
    desk.by_hand("DELETE", f"/api/bases/{before}")
    code, out, _ = desk.run("apply", "-e", "staging", "--yes")
    assert code == 0
    assert '"anciens" was deleted outside kiamo-iac; will be recreated' in out
    assert desk.owned()["bases/anciens"]["id"] == desk.id_of("anciens") != before


# --- targets ---------------------------------------------------------------------------------------------------------


def test_a_target_takes_what_it_depends_on_and_nothing_else(desk: Desk) -> None:
    desk.manifest(TWO)
    code, out, _ = desk.run("apply", "-e", "staging", "--yes", "--target", "bases/prospects/fields/ville")
    assert code == 0
    assert "excluded by --target" in out
    (base,) = desk.emulator.dump()["bases"]
    assert (base["name"], "batches" in base) == ("prospects", False)
    assert sorted(desk.owned()) == ["bases/prospects", "bases/prospects/fields/ville"]
    assert desk.run(*PLAN, "--target", "bases/anciens", "--detailed-exitcode")[0] == 2
    desk.apply("--target", "bases/anciens", "--target", "bases/prospects")
    assert desk.run(*PLAN, "--detailed-exitcode")[0] == 0


def test_a_target_that_is_nothing_is_refused(desk: Desk) -> None:
    code, out, _ = desk.run(*PLAN, "--target", "bases/prospect")
    assert code == 1
    assert 'did you mean "bases/prospects"?' in out
    assert desk.run(*PLAN, "--target", "base/prospects")[0] == 64


# --- strangers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [False, True])
def test_a_stranger_s_batch_blocks_its_base_unless_it_is_named(desk: Desk, allowed: bool) -> None:
    desk.manifest(TWO)
    desk.apply()
    (service,) = desk.emulator.dump(ids=True)["services"]
    body = {"name": "a la main", "service": service["id"], "association": {"destination": "phone"}}
    desk.by_hand("POST", f"/api/bases/{desk.id_of('anciens')}/batches", body)
    desk.manifest(MANIFEST)
    stop = ("--allow-stop", "bases/anciens/batches/a la main") if allowed else ()
    code, out, _ = desk.run("apply", "-e", "staging", "--yes", "--prune", *stop)
    assert code == (0 if allowed else 1)
    assert ("stop bases/anciens/batches/a la main" in out) is allowed
    assert bases(desk) == (["prospects"] if allowed else ["anciens", "prospects"])

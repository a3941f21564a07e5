"""Saved plans: one apply of exactly what was shown, or none; stale is 3, anything else about the file is 1."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from kiamo_iac.emulator import FULL_TOKEN
from tests.cli.conftest import MANIFEST, PROJECT, Desk, starting

Typing = Callable[[str], None]
FILE = "tonight.plan"


def save(desk: Desk, *arguments: str) -> str:
    """Save a plan, and return it as it was shown."""
    code, out, err = desk.run("plan", "-e", "staging", "--out", FILE, *arguments)
    assert code == 0, out + err
    assert f"Plan saved to {FILE}. To apply it (once): kiamo-iac apply {FILE}" in err
    return out


def apply(desk: Desk, *arguments: str) -> tuple[int, str, str]:
    """Apply the saved plan."""
    return desk.run("apply", FILE, "--yes", *arguments)


def test_it_is_applied_once(desk: Desk) -> None:
    shown = save(desk)
    assert desk.run("show", FILE)[:2] == (0, shown)
    assert not desk.ledger.exists()
    code, out, err = apply(desk)
    assert code == 0, err
    assert out.startswith(shown)
    assert out.endswith("Applied: 3 done.\n")
    written = len(desk.writes())
    code, out, err = apply(desk)
    assert (code, out) == (1, "")
    assert "was applied already" in err
    assert len(desk.writes()) == written


def test_nobody_else_reads_it_and_nothing_secret_is_in_it(desk: Desk) -> None:
    save(desk)
    assert FULL_TOKEN not in Path(FILE).read_text(encoding="utf-8")
    assert os.name == "nt" or stat.S_IMODE(Path(FILE).stat().st_mode) == 0o600


def test_json_shows_the_same(desk: Desk) -> None:
    code, out, _ = desk.run("plan", "-e", "staging", "--out", FILE, "--format", "json")
    assert code == 0
    assert desk.run("show", FILE, "--format", "json")[:2] == (0, out)


def test_a_refused_plan_is_not_saved(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("service: Ventes", "service: Inconnu"))
    assert desk.run("plan", "-e", "staging", "--out", FILE)[0] == 1
    assert not Path(FILE).exists()


def test_the_environment_may_be_said_and_must_agree(desk: Desk) -> None:
    save(desk)
    code, _, err = apply(desk, "-e", "eager")
    assert code == 1
    assert 'for the environment "staging", not for "eager"' in err
    assert apply(desk, "-e", "staging")[0] == 0


def test_its_options_are_its_own(desk: Desk) -> None:
    save(desk)
    for option in (("--prune",), ("--target", "bases/prospects")):
        assert apply(desk, *option)[0] == 64
    assert desk.run("apply", "--yes")[0] == 64
    assert desk.writes() == []


def test_it_prunes_and_is_cut_as_it_was_when_it_was_saved(desk: Desk) -> None:
    desk.manifest(MANIFEST + "  - {name: a, label: A}\n  - {name: b, label: B}\n")
    desk.apply()
    desk.manifest(MANIFEST)
    save(desk, "--prune", "--target", "bases/a")
    assert apply(desk)[0] == 0
    assert sorted(base["name"] for base in desk.emulator.dump()["bases"]) == ["b", "prospects"]


def test_guards_and_the_question_are_as_ever(desk: Desk, typing: Typing) -> None:
    desk.manifest(starting())
    save(desk)
    assert apply(desk)[0] == 6
    typing("no\n")
    assert desk.run("apply", FILE, "--allow-start")[0] == 1
    assert desk.writes() == []
    assert apply(desk, "--allow-start")[0] == 0


# --- stale -----------------------------------------------------------------------------------------------------------


def stale(desk: Desk) -> str:
    """What is said of a stale plan; nothing was written, and it is not spent."""
    written = len(desk.writes())
    code, out, err = apply(desk)
    assert (code, out) == (3, ""), out + err
    assert "Nothing was written." in err
    assert len(desk.writes()) == written
    return err


def test_a_changed_target_is_stale(desk: Desk) -> None:
    desk.apply()
    desk.manifest(MANIFEST.replace("label: Prospects", "label: Autre"))
    save(desk)
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('prospects')}", {"label": "By hand"})
    assert "bases/prospects" in stale(desk)


def test_a_changed_reference_is_stale(desk: Desk) -> None:
    save(desk)
    (service,) = desk.emulator.dump(ids=True)["services"]
    desk.by_hand("PUT", f"/api/services/{service['id']}", {"label": "By hand"})
    assert "services/Ventes" in stale(desk)


def test_what_was_adopted_meanwhile_is_stale(desk: Desk) -> None:
    desk.emulator.seed({"bases": [{"name": "prospects", "label": "Base"}]})
    save(desk)
    assert desk.run("adopt", "-e", "staging", "bases/prospects")[0] == 0
    err = stale(desk)
    assert "bases/prospects" in err
    assert "KIA0805: its step is not assessed as when the plan was saved" in err
    assert 'Its reason was "label differs from what is declared" and is "label differs from what is declared; ' in err
    assert "The ledger or the instance has changed" in err


def test_something_that_was_not_there_is_stale(desk: Desk) -> None:
    save(desk)
    desk.by_hand("POST", "/api/bases", {"name": "prospects", "label": "By hand", "fields": []})
    assert "bases/prospects" in stale(desk)


def test_an_unrelated_change_goes_on(desk: Desk) -> None:
    desk.emulator.seed({"bases": [{"name": "autre", "label": "A"}]})
    save(desk)
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('autre')}", {"label": "By hand"})
    desk.by_hand("POST", "/api/services", {"name": "Nouveau"})
    assert apply(desk)[0] == 0


def test_changed_manifests_or_contract_are_stale(desk: Desk) -> None:
    save(desk)
    desk.manifest(MANIFEST.replace("label: Ville", "label: City"))
    err = stale(desk)
    assert "Manifests changed since the plan was saved (1 resource). Nothing was written." in err
    assert re.search(r"manifests/a\.yaml:\d+:\d+: error KIA0806: it is declared otherwise", err), err
    assert "bases/prospects/fields/" in err
    desk.manifest(MANIFEST)
    (desk.folder / "my.yaml").write_text("name: mine\n", encoding="utf-8")
    desk.project(f"contract: my.yaml\n{PROJECT}")
    assert "ontract changed since the plan was saved" in stale(desk)


def test_another_instance_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    save(desk)
    monkeypatch.setenv("KIAMO_STAGING_URL", "http://127.0.0.1:8091")
    code, _, err = apply(desk)
    assert code == 1
    assert "http://127.0.0.1:8090" in err
    assert desk.writes() == []


# --- tampered --------------------------------------------------------------------------------------------------------


def rewritten(desk: Desk, old: str, new: str) -> None:
    """Change the file as somebody would who knows how its digest is made."""
    from kiamo_iac.planner.plan_file import _digest

    data = json.loads(Path(FILE).read_text(encoding="utf-8").replace(old, new))
    del data["digest"]
    data["digest"] = _digest(data)
    Path(FILE).write_text(json.dumps(data), encoding="utf-8")


def test_a_touched_file_is_refused(desk: Desk) -> None:
    save(desk)
    text = Path(FILE).read_text(encoding="utf-8")
    Path(FILE).write_text(text.replace('"Prospects"', '"Prospecte"'), encoding="utf-8")
    for code, _, err in (apply(desk), desk.run("show", FILE)):
        assert code == 1
        assert "was modified after it was saved" in err
    assert desk.writes() == []


def test_a_forged_file_is_refused_for_the_plan_is_made_again(desk: Desk) -> None:
    save(desk)
    rewritten(desk, '"label": "Prospects"', '"label": "Forged"')
    code, _, err = apply(desk)
    assert code == 1
    assert "although neither has changed" in err
    assert desk.writes() == []


@pytest.mark.parametrize("text", ["", "{}", "nonsense", "[1, 2]", '{"saved": {}}'])
def test_something_else_is_no_plan(desk: Desk, text: str) -> None:
    Path(FILE).write_text(text, encoding="utf-8")
    for code, out, _ in (apply(desk), desk.run("show", FILE)):
        assert (code, out) == (1, "")
    assert desk.run("show", "nowhere.plan")[0] == 64


def test_a_change_right_before_the_write_is_stale_and_that_thing_untouched(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changes a base after the plan was derived again, before its write."""
    from kiamo_iac.executor.writer import Writer

    desk.manifest("bases:\n  - {name: a, label: A}\n  - {name: b, label: B}\n")
    desk.apply()
    desk.manifest("bases:\n  - {name: a, label: A2}\n  - {name: b, label: B2}\n")
    save(desk)
    perform = Writer.perform

    def meddled(self: Writer, step: object) -> object:
        outcome = perform(self, step)  # type: ignore[arg-type]
        desk.by_hand("PUT", f"/api/bases/{desk.id_of('b')}", {"label": "By hand"})
        return outcome

    monkeypatch.setattr(Writer, "perform", meddled)
    code, out, err = desk.run("apply", FILE, "--yes", "--parallelism", "1")
    assert code == 3, err
    assert "The instance has changed since the plan: 1 failed, 0 not tried." in err
    assert "1 done, 1 failed" in out
    labels = {base["name"]: base["label"] for base in desk.emulator.dump()["bases"]}
    assert labels == {"a": "A2", "b": "By hand"}


def test_a_changed_patch_is_a_changed_manifest(desk: Desk) -> None:
    project = desk.folder / "kiamo.yaml"
    patched = project.read_text(encoding="utf-8").replace("staging: {", "staging: {patches: [late.yaml], ")
    project.write_text(patched, encoding="utf-8")
    (desk.folder / "late.yaml").write_text("bases: [{name: prospects, label: A}]\n", encoding="utf-8")
    assert desk.run("plan", "-e", "staging", "--out", "p.plan")[0] == 0
    (desk.folder / "late.yaml").write_text("bases: [{name: prospects, label: B}]\n", encoding="utf-8")
    code, _, err = desk.run("apply", "p.plan", "--yes")
    assert code == 3
    assert "Manifests changed since the plan was saved" in err
    assert desk.writes() == []

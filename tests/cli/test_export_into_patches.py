"""`export --into-patches`: what was changed by hand on one instance goes into the patches of its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import MANIFEST, Desk

PROJECT = """\
# ours
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:8090"}  # first
  eager:
    url: "http://127.0.0.1:8091"
    patches: [environments/eager]
"""
EXPORT = ("export", "-e", "staging", "--into-patches")


@pytest.fixture
def shared(desk: Desk) -> Desk:
    """Manifests that two environments share, applied to staging."""
    desk.project(PROJECT)
    (desk.folder / "environments" / "eager").mkdir(parents=True)
    desk.apply()
    return desk


def texts(desk: Desk) -> dict[str, str]:
    """Every file of the project but what the tool keeps."""
    found = [file for file in sorted(desk.folder.rglob("*.yaml")) if ".kiamo" not in file.parts]
    return {file.relative_to(desk.folder).as_posix(): file.read_text(encoding="utf-8") for file in found}


def hand_edit(desk: Desk) -> None:
    """A label and a field of the base, changed at Kiamo's own console."""
    base = desk.id_of("prospects")
    desk.by_hand("PUT", f"/api/bases/{base}", {"label": "By hand"})
    field = desk.owned()["bases/prospects/fields/ville"]["id"]
    desk.by_hand("PUT", f"/api/bases/{base}/fields/{field}", {"label": "Commune"})
    desk.by_hand("POST", f"/api/bases/{base}/fields", {"name": "zone", "label": "Zone", "datatype": "string"})


def level(desk: Desk) -> None:
    """A plan is empty."""
    code, out, err = desk.run("plan", "-e", "staging", "--detailed-exitcode")
    assert code == 0, out + err


def test_d30_a_hand_edit_goes_into_a_patch_and_the_base_stays(shared: Desk) -> None:
    hand_edit(shared)
    before = texts(shared)
    eager = shared.run("render", "-e", "eager")[1]
    code, out, err = shared.run(*EXPORT)
    assert (code, out) == (0, ""), err
    after = texts(shared)
    assert after.pop("environments/staging/prospects.yaml") == (
        "bases:\n"
        "  - name: prospects\n"
        "    label: By hand\n"
        "    fields:\n"
        "      - {name: zone, label: Zone, datatype: string}\n"
        "      - {name: ville, label: Commune}\n"
    )
    assert after.pop("kiamo.yaml") == before.pop("kiamo.yaml").replace(
        '8090"}', '8090", patches: [environments/staging]}'
    )
    assert after == before
    assert "KIA1013" not in err
    assert shared.run("render", "-e", "eager")[1] == eager
    level(shared)
    assert shared.run(*EXPORT) == (0, "", "Exported: nothing to change.\n")


def test_the_patch_that_is_there_is_changed_and_keeps_its_comments(shared: Desk) -> None:
    shared.project(PROJECT.replace('8090"}', '8090", patches: [environments/staging]}'))
    patch = shared.folder / "environments" / "staging" / "own.yaml"
    patch.parent.mkdir()
    patch.write_text("bases:\n  # ours\n  - name: prospects\n    fields: [{name: ville, label: City}]  # theirs\n")
    hand_edit(shared)
    before = texts(shared)
    code, _, err = shared.run(*EXPORT)
    assert code == 0, err
    after = texts(shared)
    text = after.pop("environments/staging/own.yaml")
    before.pop("environments/staging/own.yaml")
    assert after == before
    assert "  # ours\n  - name: prospects\n" in text
    assert "{name: ville, label: Commune}" in text
    assert "label: By hand" in text
    assert "zone" in text
    level(shared)


def test_what_is_gone_is_absent_in_this_environment_alone(shared: Desk) -> None:
    field = shared.owned()["bases/prospects/fields/ville"]["id"]
    shared.by_hand("DELETE", f"/api/bases/{shared.id_of('prospects')}/fields/{field}")
    before = texts(shared)
    code, _, err = shared.run(*EXPORT)
    assert code == 0, err
    after = texts(shared)
    assert "{name: ville, ensure: absent}" in after["environments/staging/prospects.yaml"]
    assert after["manifests/a.yaml"] == before["manifests/a.yaml"]
    level(shared)


def test_what_is_new_is_declared_and_adopted_for_this_environment_alone(shared: Desk) -> None:
    shared.emulator.seed({"bases": [{"name": "L'été – 1", "label": "Été"}]})
    code, _, err = shared.run(*EXPORT, "--adopt")
    assert code == 0, err
    assert err.endswith("Adopted: 1.\n")
    assert "bases/L'été – 1" in shared.owned()
    assert (shared.folder / "environments" / "staging" / "L-été-1.yaml").is_file()
    assert "été" not in shared.run("render", "-e", "eager")[1]
    level(shared)


def test_a_shared_folder_of_patches_is_not_its_own(shared: Desk) -> None:
    text = PROJECT.replace('8090"}', '8090", patches: [environments/eager]}')
    shared.project(text)
    hand_edit(shared)
    code, _, err = shared.run(*EXPORT)
    assert code == 0, err
    assert "[environments/eager, environments/staging]" in texts(shared)["kiamo.yaml"]
    assert list((shared.folder / "environments" / "eager").iterdir()) == []
    level(shared)


def test_a_variable_and_a_null_are_written_over(shared: Desk) -> None:
    shared.project(PROJECT.replace("manifests:", "variables: {brand: ACME}\nmanifests:"))
    shared.manifest(MANIFEST.replace("label: Prospects", 'label: "${brand}"\n    settings: {pace: 1, mode: a}'))
    shared.apply()
    base = shared.id_of("prospects")
    shared.by_hand("PUT", f"/api/bases/{base}", {"label": "${x}", "pace": 2})
    code, _, err = shared.run(*EXPORT)
    assert code == 0, err
    text = texts(shared)["environments/staging/prospects.yaml"]
    assert 'label: "$${x}"' in text or "label: $${x}" in text
    assert "pace: 2" in text
    assert "mode" not in text
    level(shared)


def test_a_name_that_others_gave_is_left_and_reported(shared: Desk) -> None:
    """Layers are matched by the name: no patch can give another one."""
    shared.by_hand("PUT", f"/api/bases/{shared.id_of('prospects')}", {"name": "clients"})
    before = texts(shared)
    code, _, err = shared.run(*EXPORT)
    assert code == 0
    assert "KIA1011" in err
    assert texts(shared) == before


@pytest.mark.parametrize(
    ("arguments", "said"), [(("-o", "manifests"), "exclude each other"), (("--single",), "nothing to change")]
)
def test_its_folder_is_that_of_the_patches(shared: Desk, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = shared.run(*EXPORT, *arguments)
    assert code == (64 if "-o" in arguments else 0)
    assert said in err


def test_a_link_in_the_place_of_the_folder_is_refused(shared: Desk, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside: Path = tmp_path_factory.mktemp("outside")
    shared.project(PROJECT.replace('8090"}', '8090", patches: [environments/staging]}'))
    hand_edit(shared)
    (shared.folder / "environments" / "staging").symlink_to(outside)
    code, _, err = shared.run(*EXPORT)
    assert code != 0, err
    assert list(outside.iterdir()) == []


def test_a_generated_block_is_patched_by_its_name(shared: Desk) -> None:
    shared.manifest(MANIFEST.replace("name: prospects", 'for_each: [prospects]\n    name: "${each}"'))
    assert shared.run("plan", "-e", "staging", "--detailed-exitcode")[0] == 0
    shared.by_hand("PUT", f"/api/bases/{shared.id_of('prospects')}", {"label": "By hand"})
    code, _, err = shared.run(*EXPORT)
    assert code == 0, err
    assert "label: By hand" in texts(shared)["environments/staging/prospects.yaml"]
    level(shared)

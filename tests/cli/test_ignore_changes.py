"""`ignore_changes`: what is set when a resource is created, and not compared afterwards."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import MANIFEST, Desk

IGNORED = MANIFEST.replace(
    "    label: Prospects\n", "    label: Prospects\n    ignore_changes: [label, settings.pace]\n"
)
PLAN = ("plan", "-e", "staging", "--detailed-exitcode")


@pytest.fixture
def edited(desk: Desk) -> Desk:
    """A base that was created with its label, which was changed on the instance since."""
    desk.manifest(IGNORED)
    desk.apply()
    assert desk.emulator.dump()["bases"][0]["label"] == "Prospects"
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('prospects')}", {"label": "By hand"})
    return desk


def test_what_is_ignored_is_set_at_creation_and_not_compared_afterwards(edited: Desk) -> None:
    code, out, err = edited.run(*PLAN)
    assert (code, err) == (0, "")
    assert "No changes" in out
    assert "1 attribute differs from its manifest and is ignored: bases/prospects label" in out
    for more in ((), ("--on-instance",)):
        assert edited.run("drift", "-e", "staging", "--detailed-exitcode", *more)[0] == 0
    edited.manifest(IGNORED.replace("label: Prospects", "label: Autre"))
    assert edited.run(*PLAN)[0] == 0
    edited.apply()
    assert edited.emulator.dump()["bases"][0]["label"] == "By hand"


def test_all_else_of_it_is_compared(edited: Desk) -> None:
    edited.manifest(IGNORED.replace("label: Ville", "label: Commune"))
    code, out, _ = edited.run(*PLAN)
    assert code == 2
    assert "bases/prospects/fields/ville" in out
    edited.apply()
    assert edited.emulator.dump()["bases"][0]["label"] == "By hand"


def test_it_is_compared_again_once_it_is_not_listed(edited: Desk) -> None:
    edited.manifest(MANIFEST)
    code, out, _ = edited.run(*PLAN)
    assert (code, "KIA0624" in out) == (2, False)
    edited.apply()
    assert edited.emulator.dump()["bases"][0]["label"] == "Prospects"


def test_an_export_keeps_the_list_and_the_declared_value(edited: Desk) -> None:
    file = edited.folder / "manifests" / "a.yaml"
    before = file.read_bytes()
    code, _, err = edited.run("export", "-e", "staging", "-o", "manifests", "--only", "bases/prospects")
    assert (code, err) == (0, "Exported: nothing to change.\n")
    assert file.read_bytes() == before


def test_what_was_deleted_is_created_with_it_again(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("datatype: string}", "datatype: string, ignore_changes: [label]}"))
    desk.apply()
    ident = desk.owned()["bases/prospects/fields/ville"]["id"]
    desk.by_hand("DELETE", f"/api/bases/{desk.id_of('prospects')}/fields/{ident}")
    code, out, _ = desk.run("drift", "-e", "staging", "--on-instance")
    assert code == 0
    assert "bases/prospects/fields/ville (field): deleted on the instance\n" in out
    desk.apply()
    assert "Ville" in [field["label"] for field in desk.emulator.dump()["bases"][0]["fields"]]


def test_adopting_records_nothing_of_it(edited: Desk) -> None:
    assert "label" not in edited.owned()["bases/prospects"]["attributes"]
    assert edited.run("adopt", "-e", "staging", "bases/prospects")[0] == 0
    assert "label" not in edited.owned()["bases/prospects"]["attributes"]


def test_a_patch_sets_and_removes_it(desk: Desk) -> None:
    (desk.folder / "patches").mkdir()
    patch = desk.folder / "patches" / "p.yaml"
    patch.write_text("bases: [{name: prospects, ignore_changes: [label]}]\n")
    desk.project(
        "manifests: [manifests]\nenvironments:\n"
        '  staging: {url: "http://127.0.0.1:8090", patches: [patches]}\n  eager: {url: "http://127.0.0.1:8091"}\n'
    )
    desk.apply()
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('prospects')}", {"label": "By hand"})
    assert desk.run(*PLAN)[0] == 0
    rendered = json.loads(desk.run("render", "-e", "staging", "--format", "json")[1])
    assert "ignore_changes" in json.dumps(rendered)
    desk.manifest(IGNORED)
    patch.write_text("bases: [{name: prospects, ignore_changes: null}]\n")
    assert desk.run(*PLAN)[0] == 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("name", "the name cannot be ignored"),
        ("lable", 'did you mean "label"?'),
        ("datatype", "is not an attribute of a base"),
        ("label.x", 'write "label"'),
        ("settings.", "is not an attribute"),
    ],
)
def test_what_cannot_be_ignored_is_refused_with_its_place(desk: Desk, entry: str, said: str) -> None:
    desk.manifest(IGNORED.replace("[label, settings.pace]", f'[label, "{entry}"]'))
    code, out, err = desk.run("validate")
    assert code == 1
    assert "manifests/a.yaml:6:29" in out + err
    assert "KIA0247" in out + err
    assert said in out + err


def test_a_run_state_has_a_key_of_its_own(desk: Desk) -> None:
    desk.manifest(MANIFEST.replace("name: relance,", "name: relance, state: paused, ignore_changes: [state],"))
    code, out, err = desk.run("validate")
    assert code == 1
    assert "initial_state" in out + err

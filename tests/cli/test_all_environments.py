"""`kiamo-iac plan --all-environments`: every environment read side by side, one table."""

from __future__ import annotations

import json

import jsonschema
import pytest

from kiamo_iac.emulator import FULL_TOKEN
from kiamo_iac.render.environments import plans_schema
from tests.cli.conftest import MANIFEST, Desk

PROJECT = """\
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:8090"}
  preprod: {url: "http://127.0.0.1:8090", patches: [preprod.yaml]}
  production: {url: "http://127.0.0.1:8090", patches: [production.yaml]}
"""


@pytest.fixture
def three(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    (desk.folder / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (desk.folder / "preprod.yaml").write_text(
        "bases: [{name: prospects, batches: [{name: relance, service: Inconnu}]}]\n", encoding="utf-8"
    )
    (desk.folder / "production.yaml").write_text("bases: [{name: prospects, ensure: absent}]\n", encoding="utf-8")
    for name in ("STAGING", "PREPROD", "PRODUCTION"):
        monkeypatch.setenv(f"KIAMO_{name}_TOKEN", FULL_TOKEN)
    return desk


def test_one_table(three: Desk) -> None:
    code, out, err = three.run("plan", "--all-environments")
    assert (code, err) == (1, "")
    assert out == (
        "environment  create  update  rename  delete  start  pause  stop  cannot be undone  data loss  result\n"
        "staging           3       0       0       0      0      0     0                 0          0  3 changes\n"
        "preprod           0       0       0       0      0      0     0                 0          0"
        "  refused: 1 error\n"
        "production        0       0       0       0      0      0     0                 0          0  no changes\n"
        "\n"
        "To see one in full: kiamo-iac plan -e staging\n"
    )
    assert three.writes() == []


def test_o15_what_goes_with_a_base_is_beside_the_deletions(three: Desk) -> None:
    three.apply()
    code, out, _ = three.run("plan", "--all-environments")
    assert code == 1
    assert out.splitlines()[3].split("  ")[0] == "production"
    assert " 1 (+2) " in out.splitlines()[3]
    assert "| 1 (+2) |" in three.run("plan", "--all-environments", "--format", "markdown")[1]


def test_what_has_no_plan_says_why_and_the_others_are_there(three: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIAMO_PREPROD_TOKEN")
    (three.folder / "production.yaml").write_text("bases: [{name: prospects, lable: x}]\n", encoding="utf-8")
    code, out, _ = three.run("plan", "--all-environments")
    assert code == 1
    assert "staging           3 " in out
    assert "preprod: " in out
    assert "KIAMO_PREPROD_TOKEN" in out
    assert 'production.yaml:1:27: error KIA0202: unknown key "lable" in a base' in out


def test_exit_codes(three: Desk) -> None:
    (three.folder / "preprod.yaml").write_text("", encoding="utf-8")
    assert three.run("plan", "--all-environments")[0] == 0
    assert three.run("plan", "--all-environments", "--detailed-exitcode")[0] == 2
    three.manifest("services: [{name: Ventes}]\n")
    assert three.run("plan", "--all-environments", "--detailed-exitcode")[0] == 0


def test_json_holds_every_plan(three: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIAMO_PREPROD_TOKEN")
    code, out, _ = three.run("plan", "--all-environments", "--format", "json")
    data = json.loads(out)["environments"]
    assert code == 1
    assert [row["environment"] for row in data] == ["staging", "preprod", "production"]
    jsonschema.Draft7Validator(plans_schema()).validate(json.loads(out))
    assert data[1]["plan"] is None
    assert data[1]["error"]["exit_code"] == 64


def test_markdown(three: Desk) -> None:
    _, out, _ = three.run("plan", "--all-environments", "--format", "markdown")
    assert out.startswith("<!-- kiamo-iac:plan-all -->\n")
    assert "| `staging` | 3 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | 3 changes |\n" in out


@pytest.mark.parametrize(
    "arguments",
    [("-e", "staging"), ("--rehearse",), ("--out", "x.plan"), ("--format", "gitlab")],
)
def test_what_does_not_go_with_it(three: Desk, arguments: tuple[str, ...]) -> None:
    assert three.run("plan", "--all-environments", *arguments)[0] == 64


def test_an_environment_or_all_must_be_named(desk: Desk) -> None:
    desk.manifest(MANIFEST)
    code, _, err = desk.run("plan")
    assert code == 64
    assert "--all-environments" in err

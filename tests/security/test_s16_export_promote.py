"""Sensitive settings go neither from an instance into manifests, nor from one environment into another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Desk
from tests.security.secrets import FORMS

PEM = FORMS["private key"].replace("\\n", "\n")
LIVE: dict[str, Any] = {
    "services": [{"name": "Ventes", "label": f"key {FORMS['AWS']}"}],
    "bases": [
        {
            "name": "prospects",
            "label": "Prospects",
            "settings": {
                "smtp_password": "Kanari-1",
                "client_secret": "Kanari-2",
                "motDePasse": "Kanari-3",
                "smtp": {"host": "mail", "pass": "Kanari-4"},
                "note": f"use {FORMS['GitHub']}",
                "pem": PEM,
                "masked_token": "****",
                "password_required": True,
                "pace": 3,
            },
            "fields": [{"name": "ville", "label": "Ville", "datatype": "string", "settings": {"mdp": "Kanari-5"}}],
        },
        {"name": FORMS["Stripe"], "label": "A name"},
        {"name": "clients", "label": f"key {FORMS['AWS']}"},
    ],
}
TRACES = ("Kanari", FORMS["AWS"], FORMS["GitHub"][4:], FORMS["Stripe"][8:], "MIIEow", "(sensitive)")


@pytest.fixture
def leaky(desk: Desk) -> Desk:
    """An instance that is full of secrets, and no manifests."""
    (desk.folder / "manifests" / "a.yaml").unlink()
    desk.emulator.reset()
    desk.emulator.seed(LIVE)
    return desk


def written(desk: Desk, folder: str = "manifests") -> str:
    return "".join(file.read_text(encoding="utf-8") for file in sorted((desk.folder / folder).rglob("*.yaml")))


def test_s16_an_export_leaves_secrets_out_and_names_each(leaky: Desk) -> None:
    code, out, err = leaky.run("export", "-e", "staging", "-o", "manifests")
    assert code == 0, out + err
    assert not any(trace in out + err + written(leaky) for trace in TRACES), out + err + written(leaky)
    assert written(leaky).count("password") == 1  # password_required
    assert "pace: 3" in written(leaky)
    for key in ("smtp_password", "client_secret", "motDePasse", "note", "pem", "masked_token"):
        assert f'warning KIA0434: "settings.{key}" of the base "prospects" is sensitive: omitted' in out + err
    said = 'KIA0434: "settings.smtp" of the base "prospects" contains sensitive settings (settings.smtp.pass): omitted'
    assert said in out + err
    assert 'KIA0434: "settings.mdp" of the field "ville" is sensitive: omitted' in out + err
    assert 'KIA1002: "label" of the base "clients" has the form of a secret: omitted' in out + err
    assert "KIA1001: the name of the base" in out + err
    code, out, err = leaky.run("plan", "-e", "staging", "--detailed-exitcode")
    assert code == 0, out + err
    assert "No changes" in out
    before = written(leaky)
    leaky.run("export", "-e", "staging", "-o", "manifests")
    assert written(leaky) == before


def test_s16_an_export_to_stdout_leaves_them_out_too(leaky: Desk) -> None:
    code, out, err = leaky.run("export", "-e", "staging")
    assert code == 0
    assert not any(trace in out + err for trace in TRACES)
    assert "pace: 3" in out


def test_s16_what_a_manifest_declares_of_a_secret_stays_as_it_is(leaky: Desk) -> None:
    text = """\
bases:
  - name: prospects
    label: Other                   # a comment
    sensitive: [settings.pace]
    settings:
      smtp_password: Declared-1    # as it is
      client_secret: Kanari-2
      masked_token: Declared-2
      smtp: {host: other, pass: Declared-3}
      pace: 4
"""
    leaky.manifest(text)
    code, out, err = leaky.run("export", "-e", "staging", "-o", "manifests", "--only", "bases/prospects")
    assert code == 0, out + err
    after = (leaky.folder / "manifests" / "a.yaml").read_text(encoding="utf-8")
    assert " ".join(after.split()).startswith(" ".join(text.replace("Other", "Prospects").split()))
    assert "Declared" not in out + err
    assert "Kanari" not in out + err
    for key in ("smtp_password", "smtp", "pace"):
        assert (
            f'KIA0435: "settings.{key}" of the base "prospects" is sensitive, and differs on the instance' in out + err
        )
    assert out.count("KIA0435") + err.count("KIA0435") == 3
    assert "manifests/a.yaml:5:5" in out + err or "manifests/a.yaml:6:7" in out + err


def test_s16_what_only_the_ledger_still_knows_as_sensitive_is_left_out(desk: Desk) -> None:
    desk.manifest(
        "bases: [{name: prospects, label: P, settings: {zone: Kanari-1, pace: 3}, sensitive: [settings.zone]}]"
    )
    desk.apply()
    (desk.folder / "manifests" / "a.yaml").unlink()
    code, out, err = desk.run("export", "-e", "staging", "-o", "manifests")
    assert code == 0
    assert "Kanari" not in out + err + written(desk)
    assert "pace: 3" in written(desk)
    assert 'KIA0434: "settings.zone"' in out + err


@pytest.mark.parametrize("more", ["", ", unknown: 1"])
def test_s16_what_the_project_lists_is_left_out_of_an_export_to_anywhere(desk: Desk, more: str) -> None:
    """Without a ledger, on stdout and into a folder of its own; also while the manifest holds an error."""
    desk.emulator.seed({"bases": [{"name": "prospects", "label": "P", "settings": {"zone": "Kanari-1", "pace": 3}}]})
    desk.manifest(f"bases: [{{name: prospects, sensitive: [settings.zone]{more}}}]")
    _, out, err = desk.run("export", "-e", "staging")
    assert "Kanari" not in out + err
    assert "pace: 3" in out
    desk.run("export", "-e", "staging", "-o", "copy")
    assert "Kanari" not in written(desk, "copy")
    assert "pace: 3" in written(desk, "copy")


# --- promote -------------------------------------------------------------------------------------------------------

PROJECT = """\
manifests: [manifests]
variables: {secret_of_mail: x1}
environments:
  staging: {url: "http://127.0.0.1:8090", patches: [staging]}
  later: {url: "http://127.0.0.1:8090", patches: [later], variables: {secret_of_mail: x2}}
"""


@pytest.fixture
def staged(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Two environments, each with patches."""
    monkeypatch.setenv("KIAMO_LATER_TOKEN", "0123456789" * 4)
    desk.project(PROJECT)
    for folder in ("staging", "later"):
        (desk.folder / folder).mkdir()
    desk.manifest("bases: [{name: prospects, label: P, settings: {pace: 1}}]")
    return desk


def patch(desk: Desk, environment: str, text: str) -> None:
    (desk.folder / environment / "p.yaml").write_text(text, encoding="utf-8")


PROMOTE = ("promote", "--from", "staging", "--to", "later", "--declared")
SETTINGS = "{{pace: {pace}, smtp_password: {a}, zone: {b}, deep: {{host: h, mdp: {a}}}}}, sensitive: [settings.zone]"


def promoted(desk: Desk) -> None:
    for environment, pace, a, b in (("staging", 2, "Kan1", "Kanari-2"), ("later", 1, "Kan3", "Kanari-4")):
        settings = SETTINGS.format(pace=pace, a=a, b=b)
        patch(desk, environment, f"bases:\n  - {{name: prospects, settings: {settings}}}\n")


def test_s16_a_promotion_copies_no_secret_and_says_so(staged: Desk) -> None:
    promoted(staged)
    for output in ((), ("--format", "json"), ("--check",)):
        code, out, err = staged.run(*PROMOTE, *output)
        assert code == (2 if output == ("--check",) else 0), out + err
        assert "Kan" not in out + err
        assert "KIA0436" in out + err
        assert "settings.smtp_password and settings.zone and settings.deep are sensitive, and not promoted" in out + err
    code, out, err = staged.run(*PROMOTE, "--write")
    assert code == 0, out + err
    texts = {name: (staged.folder / name / "p.yaml").read_text(encoding="utf-8") for name in ("staging", "later")}
    assert "Kan3" in texts["later"]
    assert "Kan1" not in texts["later"] + written(staged)
    assert "Kan1" in texts["staging"]


def test_s16_a_check_passes_when_only_secrets_differ(staged: Desk) -> None:
    promoted(staged)
    staged.run(*PROMOTE, "--write")
    code, out, err = staged.run(*PROMOTE, "--check")
    assert code == 0, out + err
    assert "matches staging" in out + err
    assert "KIA0436" in out + err
    code, out, _ = staged.run(*PROMOTE, "--format", "json")
    data = json.loads(out)
    assert data["level"] is True
    assert data["changes"] == data["by_variables"] == []


def test_s16_a_new_resource_is_promoted_without_its_secrets(staged: Desk) -> None:
    patch(
        staged,
        "staging",
        "bases: [{name: new, label: N, "
        "settings: {pace: 3, api_key: Kanari-1, zone: Kan2, mail_password: '${secret_of_mail}'}, "
        "sensitive: [settings.zone]}, {name: alone, label: A, settings: {mdp: Kanari-3}}]\n",
    )
    code, out, err = staged.run(*PROMOTE, "--write")
    assert code == 0, out + err
    assert "Kan" not in out + err
    after = written(staged) + written(staged, "later")
    assert "Kan" not in after
    assert "pace: 3" in after
    assert "${secret_of_mail}" in after  # a name of a variable is no secret; each environment has its own
    assert "settings: {}" not in after
    assert "KIA0436" in out + err
    _, out, err = staged.run("plan", "-e", "staging", "--format", "json")
    bases = {step["address"]: step["after"] for step in json.loads(out)["steps"]}
    assert set(bases["bases/new"]["settings"]) == {"pace", "api_key", "zone", "mail_password"}


def test_s16_a_variable_is_never_put_over_a_secret_that_is_written_out(staged: Desk) -> None:
    patch(staged, "staging", "bases: [{name: prospects, settings: {mail_password: '${secret_of_mail}'}}]\n")
    patch(staged, "later", "bases: [{name: prospects, settings: {mail_password: Kanari-1}}]\n")
    code, out, err = staged.run(*PROMOTE)
    assert code == 0
    assert "Kanari" not in out + err
    assert "KIA0436" in out + err
    assert "matches staging" in out + err


def test_s16_a_diff_masks_what_stands_beside_a_change(staged: Desk) -> None:
    patch(staged, "staging", "bases:\n  - name: prospects\n    settings:\n      pace: 2\n")
    patch(
        staged,
        "later",
        "bases:\n  - name: prospects\n    sensitive: [settings.zone]\n    settings:\n      smtp_password: Kan3\n"
        "      pace: 7\n      zone: |\n        Kan4\n        Kan5\n",
    )
    for output in ((), ("--format", "json")):
        code, out, err = staged.run(*PROMOTE, *output)
        assert code == 0
        assert "smtp_password: (sensitive)" in out
        assert "Kan" not in out + err


def test_s16_the_diff_of_a_layout_masks_values_however_short(desk: Desk) -> None:
    desk.manifest(
        "bases:\n- {name:   prospects, label: P, settings: {pwd:   'Kan1', a:  {b: Kan2}, token: \"K3\\\n 4\"},"
        " sensitive: [settings.a.b]}\n"
    )
    code, out, err = desk.run("fmt", "--diff")
    assert code == 0
    assert "(sensitive)" in out
    assert "Kan" not in out + err
    assert "K3" not in out + err

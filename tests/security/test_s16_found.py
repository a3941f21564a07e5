"""Secrets in manifests are found by their form and by the name of their key, at their place, and never repeated."""

from __future__ import annotations

import json
import time

import pytest

from tests.cli.conftest import Desk
from tests.security.secrets import FORMS

BASE = """\
services: [{{name: Ventes}}]
bases:
  - name: prospects
    label: Prospects
    settings:
      {line}
"""
FORMATS = ("text", "json", "github", "gitlab", "junit", "sarif")


def declared(desk: Desk, line: str) -> None:
    desk.manifest(BASE.format(line=line))


def traces(secret: str) -> list[str]:
    """Pieces of it that must not be seen."""
    return [part for part in secret.replace("\\n", " ").replace("@", " ").split() if len(part) > 10 and part.isascii()]


@pytest.mark.parametrize("service", FORMS)
@pytest.mark.parametrize("command", ["validate", "plan -e staging", "apply -e staging --yes", "render -e staging"])
def test_s16_a_known_form_is_an_error_and_nothing_is_called(desk: Desk, service: str, command: str) -> None:
    declared(desk, f'pace: "{FORMS[service]}"')
    code, out, err = desk.run(*command.split())
    assert code == 1
    assert "manifests/a.yaml:6:" in out + err
    assert "error KIA0240: this looks like" in out + err
    assert "revoke it" in out + err
    assert not any(piece in out + err for piece in traces(FORMS[service]))
    assert desk.emulator.calls() == [] or desk.writes() == []


@pytest.mark.parametrize(
    "text",
    [
        "bases: [{{name: a, label: '{secret}'}}]",
        "bases: [{{name: a, settings: {{x: [1, {{y: {secret}}}]}}}}]",
        "bases: [{{name: a, settings: {{{secret}: 1}}}}]",
        "bases: [{{name: '{secret}'}}]",
        "bases: [{{name: a, batches: [{{name: b, service: '{secret}'}}]}}]",
        "# once: {secret}\nbases: [{{name: a}}]",
        'bases: [{{name: a, label: "{escaped}"}}]',
        "bases:\n  - name: a\n    label: |\n      x\n      {secret}\n",
    ],
)
def test_s16_a_form_is_found_wherever_it_stands_and_however_it_is_spelled(desk: Desk, text: str) -> None:
    secret = FORMS["GitHub"]
    escaped = "".join(f"\\x{ord(c):02x}" for c in secret)
    desk.manifest(text.format(secret=secret, escaped=escaped))
    code, out, err = desk.run("validate")
    assert code == 1
    assert "KIA0240" in out + err
    assert secret not in out + err
    assert secret[4:] not in out + err


def test_s16_a_form_that_variables_make_is_found_and_leads_to_them(desk: Desk) -> None:
    desk.project(
        "manifests: [manifests]\n"
        "variables: {front: ghp_aaaa, back: bbbbbbbbbbbbbbbbbbbbbbbb, half: abcdef0123456789abcd}\n"
        "environments: {staging: {url: 'http://127.0.0.1:8090'}}\n"
    )
    declared(desk, 'pace: "${front}${back}"\n      hex: "${half}${half}"')
    code, out, err = desk.run("validate")
    assert code == 1
    assert "manifests/a.yaml:6:13: error KIA0240" in out + err
    assert "kiamo.yaml:2:" in out + err
    assert "manifests/a.yaml:7:12: error KIA0117" in out + err
    assert "ghp_aaaab" not in out + err


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("kiamo.yaml", "manifests: [manifests]\nvariables: {{x: '{secret}'}}\n"),
        ("environments/p.yaml", "bases: [{{name: prospects, label: '{secret}'}}]\n"),
        ("contract.yaml", "name: '{secret}'\n"),
    ],
)
def test_s16_a_form_is_found_in_project_file_patches_and_contract(desk: Desk, file: str, text: str) -> None:
    secret = FORMS["Stripe"]
    desk.project(
        "manifests: [manifests]\ncontract: contract.yaml\nenvironments:\n"
        "  staging: {url: 'http://127.0.0.1:8090', patches: [environments]}\n"
    )
    (desk.folder / "environments").mkdir()
    (desk.folder / "contract.yaml").write_text("{}\n", encoding="utf-8")
    (desk.folder / file).write_text(text.format(secret=secret), encoding="utf-8")
    code, out, err = desk.run("validate")
    assert code == 1
    assert f"{file}:" in out + err
    assert "KIA0240" in out + err
    assert secret not in out + err


NAMED = {
    "smtp_password: Kanari42": "smtp_password",
    "clientSecret: Kanari42": "clientSecret",
    "X-Api-Key: Kanari42": "X-Api-Key",
    "APIKEY: Kanari42": "APIKEY",
    "mdp: Kanari42": "mdp",
    "mot_de_passe: Kanari42": "mot_de_passe",
    "clé_privée: Kanari42": "clé_privée",
    "jetonApi: Kanari42": "jetonApi",
    "identifiants: {a: Kanari42}": "identifiants",
    "smtp: {host: h, pass: Kanari42}": "smtp.pass",
    "accounts: [{user: u, passwd: Kanari42}]": "accounts.passwd",
    "secrets: {one: Kanari42, two: Kanari42}": "secrets",
    "code_pin: 42424242": "code_pin",
    'token: "42424242"': "token",
    "Authorization: Kanari42": "Authorization",
}


@pytest.mark.parametrize("line", NAMED)
@pytest.mark.parametrize("output", FORMATS)
def test_s16_the_name_of_a_key_warns_once_and_its_value_is_in_no_format(desk: Desk, line: str, output: str) -> None:
    declared(desk, line)
    code, out, err = desk.run("validate", "--format", output)
    assert code == 0
    assert out.count("KIA0241") >= 1
    assert "Kanari42" not in out + err
    assert "42424242" not in out + err
    if output == "text":
        assert out.count("KIA0241") == 1
        assert "manifests/a.yaml:6:" in out
        assert f'"settings.{NAMED[line]}" is named like a secret' in out
        assert f"sensitive: [settings.{NAMED[line]}]" in out


@pytest.mark.parametrize(
    "line",
    [
        "compass: north",
        "passage: x",
        "secretariat: Paris",
        "key: x",
        "keyboard: azerty",
        "passport_required: x",
        "password_required: true",
        "password_policy: strong",
        "token_ttl: 3600",
        "tokenizer: words",
        "max_tokens: '100'",
        "secret: null",
        "secret: ''",
        "tokens: 3",
        "pass_through: 'on'",
        "identifiant: A-12",
        "url: https://example.com/a:b@c",
        "mail: a@example.com",
        "note: Basic internationalisation of everything",
        "name_of: Bearer responsibilities",
    ],
)
def test_s16_what_only_looks_alike_is_no_secret(desk: Desk, line: str) -> None:
    declared(desk, line)
    assert desk.run("validate") == (0, "", "1 manifest, 2 resources: valid.\n")
    code, out, _ = desk.run("plan", "-e", "staging")
    assert code == 0
    assert "(sensitive)" not in out


def test_s16_what_is_listed_does_not_warn(desk: Desk) -> None:
    declared(
        desk, "smtp: {host: h, password: Kanari42}\n      zone: Kanari42\n    sensitive: [settings.smtp, settings.zone]"
    )
    assert desk.run("validate") == (0, "", "1 manifest, 2 resources: valid.\n")


@pytest.mark.parametrize(
    ("listed", "code", "said"),
    [
        ("settings.zonne", "warning KIA0243", 'did you mean "settings.zone"?'),
        ("zone", "error KIA0242", 'did you mean "settings.zone"?'),
        ("label", "error KIA0242", "write settings.KEY"),
        ("7", "error KIA0203", "must be a string"),
        ("''", "error KIA0206", "must not be empty"),
        ("settings.smtp.pasword", "warning KIA0243", "settings.smtp.password"),
    ],
)
def test_s16_a_list_that_names_nothing_is_reported_at_its_place(desk: Desk, listed: str, code: str, said: str) -> None:
    declared(desk, f"zone: x\n      smtp: {{password: y}}\n    sensitive: [settings.smtp, {listed}]")
    _, out, err = desk.run("validate")
    assert f"manifests/a.yaml:8:32: {code}" in out + err
    assert said in out + err


def test_s16_a_patch_adds_to_the_list_and_takes_nothing_from_it(desk: Desk) -> None:
    desk.project(
        "manifests: [manifests]\nenvironments:\n  staging: {url: 'http://127.0.0.1:8090', patches: [patch.yaml]}\n"
    )
    declared(desk, "zone: KanariA42\n      area: KanariB42\n    sensitive: [settings.zone]")
    patch = "bases: [{name: prospects, sensitive: [settings.area, settings.none]}]\n"
    (desk.folder / "patch.yaml").write_text(patch, encoding="utf-8")
    _, out, err = desk.run("plan", "-e", "staging")
    assert "settings.zone: (sensitive)" in out
    assert "settings.area: (sensitive)" in out
    assert "Kanari" not in out + err
    assert "patch.yaml:1:54: warning KIA0243" in out
    _, out, _ = desk.run("render", "-e", "staging")
    assert "- settings.zone" in out
    assert "patch.yaml:1:39" in out


def test_s16_the_text_that_stands_for_a_secret_is_no_value(desk: Desk) -> None:
    declared(desk, 'smtp: {host: h, password: (sensitive)}\n      pace: "(sensitive)"')
    code, out, err = desk.run("validate")
    assert code == 1
    assert "manifests/a.yaml:6:33: error KIA0244" in out + err
    assert "manifests/a.yaml:7:13: error KIA0244" in out + err


def test_s16_a_variable_named_as_a_secret_warns_and_hides_what_it_fills(desk: Desk) -> None:
    desk.project(
        "manifests: [manifests]\nvariables: {smtp_password: Kanari42}\n"
        "environments: {staging: {url: 'http://127.0.0.1:8090'}}\n"
    )
    declared(desk, 'x: {y: "a ${smtp_password} b"}\n      z: ["${smtp_password}"]')
    _, out, err = desk.run("validate")
    assert "kiamo.yaml:2:28: warning KIA0245" in out + err
    for arguments in (("plan",), ("plan", "--format", "json"), ("render",), ("render", "--format", "json")):
        code, out, err = desk.run(arguments[0], "-e", "staging", *arguments[1:])
        assert code == 0
        assert "Kanari" not in out + err
    desk.apply()
    assert desk.emulator.dump()["bases"][0]["settings"] == {"x": {"y": "a Kanari42 b"}, "z": ["Kanari42"]}


@pytest.mark.parametrize(
    "line", ["mdp: 0612345678", "password: 2026-01-01", "pwd: 0x1F4242", "smtp_password: 12:34:56"]
)
def test_s16_no_remark_on_a_value_repeats_it_under_such_a_key(desk: Desk, line: str) -> None:
    value = line.partition(": ")[2]
    declared(desk, line)
    code, out, err = desk.run("validate")
    assert "the value" in out + err
    assert value not in out + err
    declared(desk, f"pace: {value}")
    _, out, err = desk.run("validate")
    assert value in out + err
    assert code in {0, 1}


@pytest.mark.parametrize(
    "evil",
    ["ghp_" * 200_000, "eyJ" * 250_000, "-----BEGIN PRIVATE KEY-----" * 30_000, "://a:" * 150_000, "Bearer " * 100_000],
)
def test_s16_no_text_makes_the_search_explode(desk: Desk, evil: str) -> None:
    declared(desk, f"pace: '{evil}'")
    begun = time.process_time()
    desk.run("validate", "--format", "json")
    assert time.process_time() - begun < 20


def test_s16_a_form_that_is_listed_as_sensitive_is_an_error_all_the_same(desk: Desk) -> None:
    declared(desk, f'pace: "{FORMS["npm"]}"\n    sensitive: [settings.pace]')
    code, out, _ = desk.run("validate", "--format", "json")
    assert code == 1
    assert [said["code"] for said in json.loads(out)["diagnostics"]] == ["KIA0240"]

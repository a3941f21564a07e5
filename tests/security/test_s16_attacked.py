"""Attacks on what masks secrets: manifests that blot out a plan, values that get out by another way, old ledgers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.emulator import EmulatorRequest
from kiamo_iac.emulator.messages import EmulatorResponse
from kiamo_iac.http.transport import InProcess
from tests.cli.conftest import Desk
from tests.ledger.state_server import PASSWORD, USER, State, serving

APPLY = ("apply", "-e", "staging", "--yes")


def declared(settings: str, more: str = "", *, label: str = "P") -> str:
    return f"bases:\n  - name: prospects\n    label: {label}\n    settings: {{{settings}}}\n{more}"


def files(desk: Desk) -> str:
    """What stands in every file that the tool wrote."""
    written = (path for path in desk.folder.rglob("*") if path.is_file() and path.suffix != ".yaml")
    return "".join(path.read_text(encoding="utf-8") for path in written)


@pytest.mark.parametrize(
    "word", ["bases/old-2024", "data_loss", "applyable", " 1 to delete", "- delete bases/old-2024", "irreversible"]
)
def test_s16_no_secret_of_a_manifest_blots_out_what_a_plan_says(desk: Desk, word: str) -> None:
    desk.manifest("bases: [{name: old-2024, label: O}, {name: prospects, label: P}]")
    desk.apply()
    more = "  - {name: old-2024, ensure: absent}\n"
    desk.manifest(declared(f"smtp_password: '{word}', zone: '{word}'", f"    sensitive: [settings.zone]\n{more}"))
    _, text, _ = desk.run("plan", "-e", "staging")
    assert "- delete bases/old-2024" in text
    assert " 1 to delete" in text
    assert "(hidden)" not in text
    _, out, _ = desk.run("plan", "-e", "staging", "--format", "json")
    plan = json.loads(out)
    assert plan["applyable"] is True
    (delete,) = (step for step in plan["steps"] if step["action"] == "delete")
    assert (delete["address"], delete["risk"]) == ("bases/old-2024", "irreversible")
    assert "(hidden)" not in out


@pytest.mark.parametrize(
    "spelt",
    [
        "{value}",
        "{value!r} is no good",
        "pin={value}&x=1",
        "[{value}]",
        '{{"x": "{value}"}}',
    ],
)
def test_s16_an_answer_repeats_neither_short_values_nor_numbers(desk: Desk, spelt: str) -> None:
    desk.manifest(declared("pin: 471199, mdp: ab12, smtp_password: Geheim Nr 8, client_secret: KanAri77"))
    values = ("471199", "ab12", "Geheim+Nr+8", "KANARI77", "kanari77", "Geheim Nr 8")

    def handle(request: EmulatorRequest) -> EmulatorResponse:
        if request.method == "POST":
            said = " ".join(spelt.format(value=value) for value in values)
            return EmulatorResponse(400, {}, json.dumps({"message": f"refused: {said}"}).encode())
        return desk.emulator.handle(request)

    code = run(["-v", *APPLY], session=Session(transport=InProcess(handle, request=EmulatorRequest)))
    captured = desk.capture.readouterr()
    assert code == 4
    assert "refused" in captured.err
    assert not [value for value in values if value in captured.out + captured.err]


def test_s16_what_an_alias_gives_to_an_innocent_key_is_masked_too(desk: Desk) -> None:
    desk.manifest(declared("host: &x Kanari-42, url: 'https://h/?k=Kanari-42', smtp_password: *x, plain: seen"))
    for line in ("plan -e staging --out saved.plan", "plan -e staging --format json", "render -e staging"):
        code, out, err = desk.run(*line.split())
        assert code == 0
        assert "Kanari" not in out + err
        assert "seen" in out or "saved" in line
    desk.apply()
    assert desk.emulator.dump()["bases"][0]["settings"]["host"] == "Kanari-42"
    assert "Kanari" not in files(desk)
    (desk.folder / "manifests" / "a.yaml").write_text(
        declared("host:   &x Kanari-42, smtp_password: *x"), encoding="utf-8"
    )
    _, out, err = desk.run("fmt", "--diff")
    assert "host: &x (sensitive)" in out
    assert "Kanari" not in out + err


def test_s16_what_an_instance_makes_out_of_a_secret_is_masked_and_not_exported(desk: Desk) -> None:
    desk.manifest(declared("smtp_password: Kanari-42, dsn: mine"))
    desk.apply()
    desk.by_hand(
        "PUT", f"/api/bases/{desk.id_of('prospects')}", {"dsn": "user:Kanari-42@mail", "smtp_password": "****"}
    )
    for line in ("plan -e staging", "drift -e staging --format json", "export -e staging", "export -e staging -o copy"):
        _, out, err = desk.run(*line.split())
        assert "Kanari" not in out + err
    written = [path.read_text(encoding="utf-8") for path in (desk.folder / "copy").iterdir()]
    assert not [text for text in written if "Kanari" in text or "(hidden)" in text]


def test_s16_what_is_listed_is_not_exported_under_a_former_name_either(desk: Desk) -> None:
    desk.by_hand("POST", "/api/bases", {"name": "old", "label": "P", "zone": "Kanari-42", "fields": []})
    base = desk.id_of("old")
    desk.by_hand(
        "POST", f"/api/bases/{base}/fields", {"name": "f", "label": "F", "datatype": "string", "zone": "Kanari-43"}
    )
    desk.manifest(
        "bases:\n  - name: prospects\n    renamed_from: [old]\n    label: P\n    sensitive: [settings.zone]\n"
        "    settings: {zone: x}\n    fields:\n      - {name: f, label: F, datatype: string,"
        " sensitive: [settings.zone], settings: {zone: y}}\n"
    )
    code, out, err = desk.run("export", "-e", "staging")
    assert code == 0
    assert "name: old" in out
    assert "Kanari" not in out + err


def test_s16_everyday_words_hide_nothing_else(desk: Desk) -> None:
    desk.manifest(declared("client_secret: password, kind: password, smtp_auth: none, tls: none"))
    code, out, _ = desk.run("render", "-e", "staging")
    assert code == 0
    assert "kind: password" in out
    assert 'tls: "none"' in out
    assert "client_secret: (sensitive)" in out


def test_s16_a_list_in_another_file_masks_diffs_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIAMO_LATER_TOKEN", "0123456789" * 4)
    desk.manifest(declared("zone: ab12, pace: 3", "    sensitive: [settings.zone]\n"))
    desk.project(
        "manifests: [manifests]\nenvironments:\n  staging: {url: 'http://127.0.0.1:8090'}\n"
        "  later: {url: 'http://127.0.0.1:8091', patches: [later.yaml]}\n"
    )
    (desk.folder / "later.yaml").write_text(
        "bases:\n  - name: prospects\n    label:   Later\n    settings:\n      zone: cd34\n      pace: 4\n",
        encoding="utf-8",
    )
    for line in (
        "fmt --diff",
        "promote --from staging --to later --declared",
        "promote --from staging --to later --declared --format json",
    ):
        code, out, err = desk.run(*line.split())
        assert code == 0
        assert "zone: (sensitive)" in out
        assert not [value for value in ("ab12", "cd34") if value in out + err]


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ("pin: {code: 0471}", "0471"),
        ("passwords: [+33612345678]", "33612345678"),
        ("zone: 0471", "0471"),
        ("password: *Kanari", "Kanari"),
        ("mdp: !Kanari", "Kanari"),
        ("deep: {mdp: [!Kanari x]}", "Kanari"),
    ],
)
def test_s16_no_remark_repeats_what_is_nested_listed_or_mistaken_for_yaml(
    desk: Desk, settings: str, value: str
) -> None:
    desk.manifest(declared("x: 1"))
    path = desk.folder / "manifests" / "a.yaml"
    path.write_text(declared(settings, "    sensitive: [settings.zone]\n"), encoding="utf-8")
    for line in ("validate", "validate --format json", "fmt --diff", "plan -e staging"):
        code, out, err = desk.run(*line.split())
        assert code == 1
        assert "a.yaml:4" in out + err or line == "validate --format json"
        assert value not in out + err


def test_s16_what_only_a_single_read_shows_is_masked(desk: Desk) -> None:
    desk.manifest(declared("zone: Kanari-41", "    sensitive: [settings.zone]\n"))
    desk.apply()
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('prospects')}", {"zone": "Kanari-42"})
    desk.manifest(declared("zone: Kanari-41", "    sensitive: [settings.zone]\n", label="Q"))

    def handle(request: EmulatorRequest) -> EmulatorResponse:
        found = desk.emulator.handle(request)
        if request.path.removesuffix("/") != "/api/bases" or request.method != "GET":
            return found
        rows: Any = json.loads(found.body)
        rows = rows["items"] if isinstance(rows, dict) else rows
        return EmulatorResponse(
            200, found.headers, json.dumps([{k: v for k, v in r.items() if k != "zone"} for r in rows]).encode()
        )

    code = run([*APPLY], session=Session(transport=InProcess(handle, request=EmulatorRequest)))
    captured = desk.capture.readouterr()
    assert code == 0
    assert "settings.zone: (sensitive" in captured.out, captured.out
    assert "Kanari" not in captured.out + captured.err


@pytest.mark.parametrize("listed", ["", "    sensitive: [settings.zone]\n"])
def test_s16_a_remote_ledger_from_before_is_masked_though_nothing_changes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_USERNAME", USER)
    monkeypatch.setenv("KIAMO_STAGING_LEDGER_PASSWORD", PASSWORD)
    with serving(State()) as server:
        desk.project(
            "manifests: [manifests]\nenvironments:\n  staging:\n    url: http://127.0.0.1:8090\n"
            f'    ledger: {{backend: http, address: "{server.address}"}}\n'
        )
        desk.manifest(declared("smtp_password: Kanari-42, zone: Kanari-43"))
        desk.apply()
        server.body = (server.body or b"").replace(b"(sensitive)", b"Kanari-42")
        assert b"Kanari-42" in server.body
        desk.manifest(declared("smtp_password: Kanari-42, zone: Kanari-43", listed))
        desk.run(*APPLY)
        assert b"Kanari-42" not in server.body
        assert b"(sensitive)" in server.body
        assert len(desk.writes()) == 1


def test_s16_a_variable_named_as_a_secret_is_reported_where_nothing_masks_it(desk: Desk) -> None:
    desk.project(
        "manifests: [manifests]\nvariables: {smtp_password: Kanari-42}\n"
        "environments: {staging: {url: 'http://127.0.0.1:8090'}}\n"
    )
    desk.manifest(declared('x: "${smtp_password}"', label='"${smtp_password}"'))
    code, out, err = desk.run("validate")
    assert code == 0
    assert 'a.yaml:3:12: warning KIA0246: "label" uses a variable named like a secret' in out + err
    desk.manifest(declared('x: "${smtp_password}"'))
    _, out, err = desk.run("validate")
    assert "KIA0246" not in out + err


@pytest.mark.parametrize(
    "innocent",
    [
        "Basic formation-niveau-2025",
        "Basic Formation2025complete",
        "xoxo-saint-valentin",
        "see smtp://user:password@mail.example.com",
        "http://USER:PASSWORD@host",
        "https://login:motdepasse@example.com",
    ],
)
def test_s16_what_is_no_secret_is_no_error(desk: Desk, innocent: str) -> None:
    desk.manifest(declared(f"note: '{innocent}'", f"# {innocent}\n", label=f"'{innocent}'"))
    code, out, err = desk.run("validate")
    assert code == 0
    assert "KIA" not in out + err

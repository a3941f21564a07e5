"""The value of a sensitive setting stands in no output of any command, in no ledger, in no saved plan; and is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from kiamo_iac.cli import reference
from tests.cli.conftest import Desk
from tests.security.secrets import FORMS

MANIFEST = """\
services: [{name: Ventes}]
bases:
  - name: prospects
    label: Prospects
    sensitive: [settings.zone, settings.deep.list, settings.number]
    settings:
      smtp: {host: mail, password: Kanari-1}
      clientSecret: Kan2
      mdp: 7254181
      zone: Kanari-3
      number: 8371940
      deep: {list: [Kanari-4, {a: Kanari-5}], plain: seen}
      accounts: [{user: seen, jeton: Kanari-6}, {user: seen, jeton: Kanari-7}]
    fields:
      - {name: ville, label: Ville, datatype: string, settings: {api_key: Kanari-8}}
    batches:
      - {name: relance, service: Ventes, association: {destination: phone}, settings: {token: Kanari-9, pace: 3}}
"""
TRACES = ("Kanari", "Kan2", "7254181", "8371940", "Live-", "7777777", FORMS["GitHub"][4:], FORMS["AWS"])
"""No piece of any of them, declared or live, may be seen."""
SETTINGS: dict[str, Any] = {
    "smtp": {"host": "mail", "password": "Kanari-1"},
    "clientSecret": "Kan2",
    "mdp": 7254181,
    "zone": "Kanari-3",
    "number": 8371940,
    "deep": {"list": ["Kanari-4", {"a": "Kanari-5"}], "plain": "seen"},
    "accounts": [{"user": "seen", "jeton": "Kanari-6"}, {"user": "seen", "jeton": "Kanari-7"}],
}
CHANGED: dict[str, Any] = {
    "smtp": {"host": "other", "password": "Live-1"},
    "clientSecret": "Live-2",
    "mdp": 7777777,
    "zone": "Live-3",
    "number": 77777771,
    "deep": {"list": ["Live-4"], "plain": "seen"},
    "accounts": [{"user": "seen", "jeton": "Live-6"}],
    "undeclared_password": "Live-7",
    "innocent": FORMS["GitHub"],
    "label": f"old {FORMS['AWS']}",
}
COMMANDS = {name: command for name, command, _ in reference.commands()}
LINES = (
    "validate",
    "render -e staging",
    "plan -e staging",
    "plan -e staging --prune",
    "plan -e staging --rehearse",
    "plan --all-environments",
    "plan -e staging --out saved.plan",
    "show saved.plan",
    "graph",
    "graph -e staging --plan",
    "graph saved.plan",
    "drift -e staging",
    "apply -e staging --yes",
    "ledger list -e staging",
    "export -e staging",
    "export -e staging -o copy",
    "promote --from staging --to later",
    "promote --from staging --to later --declared",
    "adopt -e staging bases/prospects",
    "fmt --diff",
    "fmt --check",
)
PROJECT = """\
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:8090"}
  later: {url: "http://127.0.0.1:8090", patches: [later.yaml]}
"""


def formats(name: str) -> Iterator[tuple[str, ...]]:
    """Every format of a command."""
    yield ()
    for parameter in COMMANDS[name].params:
        if (
            isinstance(parameter, click.Option)
            and "--format" in parameter.opts
            and isinstance(parameter.type, click.Choice)
        ):
            yield from (("--format", each) for each in parameter.type.choices)


def seen_in(text: str) -> str | None:
    """What is seen there that may not be, with what stands around it."""
    for trace in TRACES:
        at = text.find(trace)
        if at >= 0:
            return text[max(0, at - 300) : at + 100]
    return None


def check_files(desk: Desk, known: set[Path]) -> None:
    for file in sorted(set(desk.folder.rglob("*")) - known):
        if file.is_file():
            assert seen_in(file.read_text(encoding="utf-8")) is None, file


@pytest.fixture
def vault(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Manifests that hold secrets, and the emulator that holds others in their places."""
    desk.manifest(MANIFEST)
    desk.apply()
    desk.project(PROJECT)
    (desk.folder / "later.yaml").write_text(
        "bases:\n"
        "  - {name:   prospects, label: Later, settings: {clientSecret: Kanari-10, smtp: {password: Kanari-11}}}\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("KIAMO_LATER_TOKEN", "0123456789" * 4)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(desk.folder / "summary.md"))
    desk.by_hand("PUT", f"/api/bases/{desk.id_of('prospects')}", CHANGED)
    return desk


@pytest.mark.parametrize("line", LINES)
def test_s16_no_command_shows_a_value_in_any_format(vault: Desk, line: str) -> None:
    vault.run("plan", "-e", "staging", "--out", "saved.plan")
    known = {path for path in vault.folder.rglob("*") if path.suffix == ".yaml"}
    name = next(name for name in COMMANDS if line == name or line.startswith(f"{name} "))
    for output in formats(name):
        _, out, err = vault.run("-v", *line.split(), *output)
        assert out + err
        assert seen_in(out + err) is None, (line, output)
        check_files(vault, known)


@pytest.mark.parametrize("format_", ["text", "json", "markdown", "html", "github", "gitlab"])
def test_s16_a_plan_says_that_it_differs(vault: Desk, format_: str) -> None:
    _, out, _ = vault.run("plan", "-e", "staging", "--format", format_)
    if format_ not in {"gitlab", "github"}:  # which count, and annotate
        assert "(sensitive)" in out
    if format_ == "text":
        assert "settings.smtp.password: (sensitive) → (sensitive)" in out
        assert "settings.zone: (sensitive) → (sensitive)" in out
        assert "settings.mdp: (sensitive) → (sensitive)" in out
        assert 'label: (sensitive) → "Prospects"' in out
        assert "sensitive: its value is not in the ledger, so who changed it is unknown" in out
    if format_ == "json":
        paths = [change["path"] for step in json.loads(out)["steps"] for change in step["changes"]]
        assert {"settings.smtp.password", "settings.smtp.host", "settings.zone", "settings.number"} <= set(paths)


def test_s16_what_is_declared_is_sent_and_then_there_is_nothing_to_do(vault: Desk) -> None:
    vault.apply()
    (base,) = vault.emulator.dump()["bases"]
    assert {key: base["settings"][key] for key in SETTINGS} == SETTINGS
    assert base["settings"]["undeclared_password"] == "Live-7"
    assert base["fields"][-1]["settings"] == {"api_key": "Kanari-8"}
    assert base["batches"][0]["settings"] == {"token": "Kanari-9", "pace": 3}
    before = len(vault.writes())
    ledger = vault.ledger.read_text(encoding="utf-8")
    vault.apply()
    assert len(vault.writes()) == before
    assert vault.ledger.read_text(encoding="utf-8") == ledger
    assert "No changes" in vault.run("plan", "-e", "staging")[1]
    assert vault.run("drift", "-e", "staging")[1].endswith("No drift: 3 unchanged.\n")


def test_s16_the_ledger_knows_that_a_key_was_applied_and_not_what(vault: Desk) -> None:
    settings = vault.owned()["bases/prospects"]["attributes"]["settings"]
    assert settings == {
        "smtp": {"host": "mail", "password": "(sensitive)"},
        "clientSecret": "(sensitive)",
        "mdp": "(sensitive)",
        "zone": "(sensitive)",
        "number": "(sensitive)",
        "deep": {"list": "(sensitive)", "plain": "seen"},
        "accounts": [{"user": "seen", "jeton": "(sensitive)"}] * 2,
    }
    assert seen_in(vault.ledger.read_text(encoding="utf-8")) is None


def test_s16_drift_shows_the_difference_and_names_nobody(vault: Desk) -> None:
    code, out, _ = vault.run("drift", "-e", "staging", "--format", "json")
    assert code == 0
    (resource,) = json.loads(out)["things"]
    found = {attribute["path"]: attribute for attribute in resource["attributes"]}
    assert found["settings.zone"] == {
        "path": "settings.zone",
        "side": "unknown",
        "declared": "(sensitive)",
        "applied": "(sensitive)",
        "live": "(sensitive)",
    }
    assert found["settings.smtp.host"]["side"] == "instance"
    assert found["label"] == {
        "path": "label",
        "side": "instance",
        "declared": "Prospects",
        "applied": "Prospects",
        "live": "(sensitive)",
    }


def test_s16_a_saved_plan_is_applied_with_what_is_declared(vault: Desk) -> None:
    code, out, err = vault.run("plan", "-e", "staging", "--out", "saved.plan")
    assert code == 0, out + err
    assert seen_in((vault.folder / "saved.plan").read_text(encoding="utf-8")) is None
    code, out, err = vault.run("apply", "saved.plan", "--yes")
    assert code == 0, out + err
    assert vault.emulator.dump()["bases"][0]["settings"]["zone"] == "Kanari-3"


def test_s16_no_digest_in_a_saved_plan_tells_a_value(desk: Desk) -> None:
    """What a plan saw is the same whatever the secret is: nobody can try values until one fits."""
    desk.manifest(MANIFEST)
    desk.apply()
    seen = set()
    for value in ("guess-1", "guess-2"):
        desk.by_hand(
            "PUT", f"/api/bases/{desk.id_of('prospects')}", {"label": "x", "zone": value, "other_secret": value}
        )
        _, out, _ = desk.run("plan", "-e", "staging", "--format", "json")
        seen.add(json.dumps([step["seen"] for step in json.loads(out)["steps"]]))
    assert len(seen) == 1


def test_s16_a_secret_that_changes_alone_makes_no_saved_plan_stale_and_anything_else_does(vault: Desk) -> None:
    for change, expected in ({"zone": "Live-33"}, 0), ({"plain": "new"}, 3):
        vault.run("plan", "-e", "staging", "--out", "saved.plan")
        vault.by_hand("PUT", f"/api/bases/{vault.id_of('prospects')}", CHANGED | change)
        code, out, err = vault.run("apply", "saved.plan", "--yes")
        assert code == expected, out + err
        assert seen_in(out + err) is None
        vault.by_hand("PUT", f"/api/bases/{vault.id_of('prospects')}", CHANGED)


def test_s16_what_a_deletion_takes_is_masked_though_no_manifest_lists_it_any_more(vault: Desk) -> None:
    vault.manifest("services: [{name: Ventes}]\n")
    for format_ in ("text", "json", "markdown", "html", "github"):
        code, out, err = vault.run("plan", "-e", "staging", "--prune", "--format", format_)
        assert code == 0
        assert "(sensitive)" in out or format_ == "github"
        assert seen_in(out + err) is None, format_
    _, out, err = vault.run("drift", "-e", "staging")
    assert seen_in(out + err) is None
    vault.run("export", "-e", "staging", "-o", "copy")
    assert "zone" not in (vault.folder / "copy" / "prospects.yaml").read_text(encoding="utf-8")


def test_s16_a_refusal_that_repeats_the_value_is_shown_without_it(desk: Desk) -> None:
    from kiamo_iac.cli.main import run
    from kiamo_iac.cli.session import Session
    from kiamo_iac.emulator import EmulatorRequest
    from kiamo_iac.emulator.messages import EmulatorResponse
    from kiamo_iac.http.transport import InProcess

    desk.manifest("bases: [{name: prospects, label: P, settings: {smtp_password: Kanari-42-42}}]")

    def handle(request: EmulatorRequest) -> EmulatorResponse:
        if request.method == "POST":
            return EmulatorResponse(400, {}, json.dumps({"message": f"no good: {request.body.decode()}"}).encode())
        return desk.emulator.handle(request)

    for verbose in ((), ("-v",)):
        code = run(
            [*verbose, "apply", "-e", "staging", "--yes"],
            session=Session(transport=InProcess(handle, request=EmulatorRequest)),
        )
        captured = desk.capture.readouterr()
        assert code == 4
        assert "no good" in captured.err
        assert "Kanari" not in captured.out + captured.err


def test_s16_a_rehearsal_holds_what_is_live_and_converges(vault: Desk) -> None:
    code, out, err = vault.run("plan", "-e", "staging", "--rehearse")
    assert code == 0
    assert "nothing left to do" in out + err
    assert vault.writes() == vault.writes()


def test_s16_values_of_an_old_ledger_are_masked_at_once_and_gone_from_the_file(desk: Desk) -> None:
    """As a version that knew nothing of this wrote them, twice."""
    desk.manifest("bases: [{name: prospects, label: P, settings: {smtp_password: Kanari-1, zone: Kanari-2}}]")
    desk.apply()
    text = desk.ledger.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if '"zone"' in line)
    old = line.replace("(sensitive)", "Kanari-0")
    desk.ledger.write_text(f"{text}{old}\n{old.replace('Kanari-0', FORMS['GitHub'])}\n", encoding="utf-8")
    for arguments in (("ledger", "list"), ("drift",), ("plan",)):
        _, out, err = desk.run(*arguments, "-e", "staging", *(("--format", "json") if arguments[0] != "plan" else ()))
        assert "Kanari-0" not in out + err
        assert FORMS["GitHub"] not in out + err
    desk.apply()
    kept = desk.ledger.read_text(encoding="utf-8")
    assert "Kanari-0" not in kept
    assert FORMS["GitHub"] not in kept
    assert "Kanari-2" in kept  # neither its name nor its form nor a list says that it is a secret


def test_s16_a_value_that_is_listed_later_goes_from_the_file_with_its_old_lines(desk: Desk) -> None:
    block = "bases: [{{name: prospects, label: {label}, settings: {{zone: Kanari-2}}{more}}}]"
    for label in "AB":
        desk.manifest(block.format(label=label, more=""))
        desk.apply()
    assert desk.ledger.read_text(encoding="utf-8").count("Kanari-2") == 3  # an intent and two entries
    desk.manifest(block.format(label="B", more=", sensitive: [settings.zone]"))
    desk.apply()
    assert "Kanari" not in desk.ledger.read_text(encoding="utf-8")
    assert desk.owned()["bases/prospects"]["attributes"]["settings"] == {"zone": "(sensitive)"}

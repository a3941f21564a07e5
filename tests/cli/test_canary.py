"""Secrets of the environment stand in names, values, files and answers, and no command shows one: in no format, in no
spelling, neither whole nor in part, neither in what goes well nor in what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import pytest

from kiamo_iac.cli import reference
from kiamo_iac.cli.main import run
from kiamo_iac.emulator import FULL_TOKEN
from tests.cli.conftest import Desk
from tests.forge.fake import BOT, MARKER, serving

ODD: Final = "Kanari42%2f&<b>\"q'+/\\:, {0}$$é #Kanari77"
"""A secret with every sign that some format escapes; letters and digits, which none does, at both of its ends."""
ASCII: Final = ODD.replace("é", "").replace(" ", "")
"""The same as HTTP takes it."""
PLAIN: Final = "Kanari42.of a-Kanari77"
"""A secret that a name may hold."""
SETTING: Final = "Geh1"
"""The value of a sensitive setting: too short for what hides secrets of the environment."""
TRACES: Final = ("Kanari", "kanari", SETTING, "Geheim", FULL_TOKEN[:10])
"""No piece of them, and none of the token, may be seen."""


def in_yaml(text: str) -> str:
    """In double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


PROJECT = f"""\
manifests: [manifests]
variables: {{said: {in_yaml(ODD)}}}
environments:
  staging: {{url: "http://127.0.0.1:8090"}}
  later: {{url: "http://127.0.0.1:8090", patches: [later.yaml]}}
"""
MANIFEST = f"""\
services: [{{name: Ventes}}]
bases:
  - name: prospects
    label: {in_yaml(f"Now {ODD}")}
    settings:
      {in_yaml(f"key {ODD}")}: [1, {{deep: {in_yaml(ODD)}}}]
      long: {in_yaml("x" * 480 + ODD)}
      filled: "<${{said}}>"
      smtp: {{host: h, password: {SETTING}}}
      jeton: [{SETTING}, {{a: {SETTING}}}]
      zone: Geheim-2
    sensitive: [settings.zone]
    fields:
      - {{name: {in_yaml(f"n {PLAIN}")}, label: {in_yaml(ODD)}, datatype: string}}
  - name: {in_yaml(f"b {PLAIN}")}
    label: B
    batches:
      - {{name: r, service: Ventes, association: {{destination: {in_yaml(f"f {PLAIN}")}}}, state: started}}
    fields:
      - {{name: {in_yaml(f"f {PLAIN}")}, label: F, datatype: string}}
"""
WRONG = f"""\
bases:
  - {{name: prospects, x: 1, settings: {{pwd: {SETTING}, mdp: 2026-01-01}}, sensitive: [settings.zone]}}
  - {{name: {in_yaml(ODD)}, lable: {in_yaml(ODD)}, {in_yaml(f"k {ODD}")}: 1}}
  - {{name: {in_yaml(f"b {PLAIN}")}, label: {in_yaml("${none " + PLAIN + "}")}}}
batches: [{{base: {in_yaml(ODD)}, name: {in_yaml(ODD)}, service: {in_yaml(ODD)}}}]
"""
LIVE = {
    "services": [{"name": f"s {ODD}", "label": FULL_TOKEN}],
    "bases": [
        {
            "name": "prospects",
            "label": f"token {FULL_TOKEN} {ODD}",
            "settings": {"smtp": {"password": "Geh1-live"}, "zone": "Geheim-3", "my_secret": "Geheim-4"},
            "fields": [{"name": f"x {PLAIN}", "label": ODD}],
        },
        {"name": f"live {PLAIN}", "label": f"{ODD}", "fields": []},
    ],
}
E = ("-e", "staging")
ADDRESS: Final = f"bases/{ODD.replace('%', '%25').replace('/', '%2F')}"
LINES: Final[dict[str, Sequence[Sequence[str]]]] = {
    "init": [("none", "--environment", PLAIN), ("new", "--ci", "github"), ("x", "--url", ODD)],
    "validate": [(), (ODD,)],
    "fmt": [("--diff",), ("--check",), (ODD,)],
    "render": [E, ("-e", ODD)],
    "plan": [
        E,
        (*E, "--prune"),
        (*E, "--out", "saved.plan"),
        (*E, "--rehearse"),
        (*E, "--target", ADDRESS),
        ("--all-environments",),
    ],
    "apply": [(*E, "--yes"), (*E, "--yes", "--allow-start"), ("saved.plan", "--yes", "--allow-start")],
    "promote": [("--from", "staging", "--to", "later"), ("--from", "staging", "--to", "later", "--declared")],
    "show": [("kept.plan",), (ODD,)],
    "drift": [E],
    "doctor": [E, (*E, "--record", "recording.json")],
    "export": [
        E,
        (*E, "-o", "copy"),
        (*E, "-o", "copy", "--single"),
        (*E, "--only", ADDRESS),
    ],
    "adopt": [(*E, "bases/prospects"), (*E, f"bases/b {PLAIN}"), (*E, ADDRESS)],
    "undo": [(*E, "--yes"), (*E, ODD, "--yes")],
    "journal list": [E],
    "journal show": [E, (*E, ODD)],
    "ledger forget": [(*E, ADDRESS)],
    "ledger list": [E],
    "ledger move": [(*E, "--yes"), (*E, "--yes", "--from-project", ODD)],
    "ledger unlock": [(*E, ODD)],
    "comment": [(ODD,)],
    "graph": [(), E, (*E, "--plan"), ("kept.plan",), ("--out", "graph.txt"), (*E, "--plan", "--out", "graph.txt")],
    "demo": [],
    "emulator": [],
    "contract check": [("contract.yaml",)],
    "contract compare": [("collection.json",), ("collection.json", "--explain"), (ODD,)],
    "contract derive": [("collection.json",), ("collection.json", "-o", "derived.yaml"), (ODD,)],
    "contract fetch": [("--from", f"https://127.0.0.1:1/{ODD}"), ("--from", ODD)],
    "contract show": [()],
    "schema": [(), ("manifest",), (ODD,)],
    "completion": [("bash",), ("zsh",), ("fish",), ("powershell",), (ODD,)],
}
"""Command → what is said behind it. The demo and the emulator have instances and tokens of their own."""
GROUPS: Final = {"ledger", "contract", "journal"}
OF_RUNS: Final = {"undo", "journal list", "journal show"}
"""Those that show what an apply did."""
COMMANDS: Final = {name: command for name, command, _ in reference.commands()}


def formats(name: str) -> Iterator[tuple[str, ...]]:
    """Every format of a command, if it has any."""
    yield ()
    for parameter in COMMANDS[name].params:
        if (
            isinstance(parameter, click.Option)
            and "--format" in parameter.opts
            and isinstance(parameter.type, click.Choice)
        ):
            yield from (("--format", each) for each in parameter.type.choices)


@pytest.fixture
def leaky(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    """An instance, manifests and a forge that hold the secrets everywhere."""
    file = tmp_path / "secret-of-a-file"
    file.write_text(f"{ODD}\n", encoding="utf-8")
    desk.emulator.seed(LIVE)
    desk.project(PROJECT)
    desk.manifest(MANIFEST)
    (desk.folder / "later.yaml").write_text(
        f"bases: [{{name: prospects, label: {in_yaml(f'L {ODD}')}}}]\n", encoding="utf-8"
    )
    (desk.folder / "contract.yaml").write_text(f"{in_yaml(ODD)}: {in_yaml(ODD)}\n", encoding="utf-8")
    collection = {"info": {"name": ODD}, "item": [{"name": ODD, "request": {"url": f"https://x/bases/:id?{ODD}"}}]}
    (desk.folder / "collection.json").write_text(json.dumps(collection), encoding="utf-8")
    (desk.folder / "plan.md").write_text(f"{MARKER}\n{ODD}\n`{ODD}`\n", encoding="utf-8")
    monkeypatch.setenv("KIAMO_OTHER_TOKEN", PLAIN)
    monkeypatch.setenv("KIAMO_LATER_TOKEN", f"{FULL_TOKEN}")
    monkeypatch.setenv("KIAMO_OTHER_LEDGER_PASSWORD_FILE", str(file))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(desk.folder / "summary.md"))
    return desk


def check(desk: Desk, said: str, *, known: set[Path]) -> None:
    """Nothing of the secrets stands in what was said, nor in a file or a file's name that was not there before."""
    for trace in TRACES:
        at = said.find(trace)
        assert at < 0, said[max(0, at - 200) : at + 200]
    for file in set(desk.folder.rglob("*")) - known:
        assert not any(trace in file.name for trace in TRACES), file
        if file.is_file():  # a saved plan and a ledger are compared with the instance, letter by letter
            kept = TRACES[2:] if file.suffix in {".plan", ".jsonl"} else TRACES
            assert not any(trace in file.read_text(encoding="utf-8") for trace in kept), file


def test_every_command_is_tried() -> None:
    assert set(LINES) == set(COMMANDS) - GROUPS


@pytest.mark.parametrize("manifest", [MANIFEST, WRONG])
@pytest.mark.parametrize("name", [name for name, lines in LINES.items() if lines])
def test_no_command_shows_a_secret(leaky: Desk, name: str, manifest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leaky.run("plan", *E, "--out", "kept.plan")
    before = set(leaky.folder.rglob("*"))
    if name in OF_RUNS:
        leaky.run("apply", *E, "--yes", "--allow-start")
    leaky.manifest(manifest)
    for line in LINES[name]:
        for output in formats(name):
            _, out, err = leaky.run("-v", *name.split(), *line, *output)
            assert out + err
            assert "did not expect" not in err
            check(leaky, out + err, known=before)


@pytest.mark.parametrize("said", ["{}", '<a href="{}">', "x" * 190 + "{}"])
def test_no_secret_gets_into_a_comment_nor_out_of_a_forge(
    leaky: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, said: str
) -> None:
    """The answer spells the token otherwise than it was sent, so that whoever made the call does not know it again."""
    before = set(leaky.folder.rglob("*"))
    with serving() as fake:
        for name, value in fake.github(tmp_path, GITHUB_TOKEN=f"{BOT}").items():
            monkeypatch.setenv(name, value)
        assert run(["-v", "comment", "plan.md"]) == 0
        assert "(hidden)" in fake.comments[0]["body"]
        check(leaky, "".join([*capsys.readouterr(), fake.comments[0]["body"]]), known=before)
        fake.comments[0] |= {"body": "", "html_url": f"https://x/{BOT}"}
        assert run(["-v", "comment", "plan.md"]) == 0
        monkeypatch.setenv("GITHUB_TOKEN", ASCII)
        fake.refusal = said.format(ASCII)
        assert run(["-v", "comment", "plan.md"]) == 1
        told = "".join(capsys.readouterr())
        check(leaky, told, known=before)
        assert BOT not in told

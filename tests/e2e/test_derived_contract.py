"""From a vendor's collection, through answers of a few lines, to the whole story on an instance that speaks so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.http.transport import InProcess
from tests.contract.dialect import dialect

PROJECT = """\
manifests: [manifests]
contract: contract.yaml
environments: {staging: {url: "http://127.0.0.1:8090", guards: {max_delete_percent: 100}}}
"""
MANIFEST = """\
services: [{{name: Ventes}}, {{name: Support}}]
bases:
  - name: prospects
    label: {label}
    fields:
      - {{name: ville, label: Ville, datatype: string}}
      - {{name: tel, label: Tel, datatype: phone}}
      - {{name: mobile, label: Mobile, datatype: phone}}
    batches:
      - {{name: relance, service: {service}, association: {{destination: {field}}}, state: {state}}}
"""
ABSENT = """\
bases:
  - {name: prospects, ensure: absent, batches: [{name: relance, ensure: absent}]}
"""
CHAPTERS: dict[str, dict[str, str]] = {
    "create": {"label": "Prospects", "service": "Ventes", "field": "tel", "state": "started"},
    "edit": {"label": "Clients"},
    "pause": {"state": "paused"},
    "change association": {"field": "mobile"},
    "change service": {"service": "Support"},
    "stop": {"state": "stopped"},
}
"""What each changes. After the last one, all of it is deleted."""
CONSENTS = ("--yes", "--allow-start", "--allow-stop", "bases/prospects", "--allow-data-loss", "bases/prospects")
SHORT = ("documenter", "francais", "openapi-references", "rpc-form", "embedded", "curseurs", "camel", "example-ids")
"""`make slow` has all others that have what the story needs."""


def project(folder: Path, name: str) -> Path:
    """A project whose contract is derived from a collection and its answers; the contract."""
    house = dialect(name)
    (folder / "collection.json").write_bytes(house.data)
    with (folder / "answers.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(dict(house.answers), file)
    assert run(["contract", "derive", "collection.json", "--answers", "answers.yaml", "-o", "contract.yaml"]) == 0
    assert run(["contract", "check", "contract.yaml"]) == 0
    (folder / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (folder / "manifests").mkdir()
    return folder / "contract.yaml"


@pytest.mark.parametrize("name", SHORT)
def test_from_a_collection_to_the_end_of_the_story(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(name, tmp_path, monkeypatch, capsys)


def tell(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole story, in a folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", FULL_TOKEN)
    with Emulator(load_contract(project(folder, name))) as emulator:
        emulator.seed({"services": [{"name": "Ventes"}, {"name": "Support"}]})

        def kiamo(*arguments: str) -> str:
            session = Session(transport=InProcess(emulator.handle, request=EmulatorRequest))
            capsys.readouterr()
            code = run([*arguments, "-e", "staging"], session=session)
            captured = capsys.readouterr()
            assert code == 0, captured.out + captured.err
            return captured.out

        def ends(text: str) -> None:
            (folder / "manifests" / "a.yaml").write_text(text, encoding="utf-8")
            kiamo("apply", *CONSENTS)
            assert json.loads(kiamo("plan", "--format", "json"))["steps"] == []

        declared: dict[str, str] = {}
        for chapter in CHAPTERS.values():
            declared |= chapter
            ends(MANIFEST.format(**declared))
            assert shown(emulator) == declared
        ends(ABSENT)
        assert emulator.dump().get("bases", []) == []


def shown(emulator: Emulator) -> dict[str, Any]:
    """What the instance has of all that the story changes."""
    (base,) = emulator.dump()["bases"]
    (batch,) = base["batches"]
    assert {field["name"] for field in base["fields"]} >= {"ville", "tel", "mobile"}
    return {
        "label": base["label"],
        "service": batch["service"],
        "field": batch["association"]["destination"],
        "state": batch["state"],
    }

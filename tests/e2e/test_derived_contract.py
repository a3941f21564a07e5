"""From a vendor's collection to a plan without changes, on an instance that speaks as the collection says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.http.transport import InProcess

COLLECTIONS = Path(__file__).parents[1] / "contract" / "collections"
PROJECT = """\
manifests: [manifests]
contract: contract.yaml
environments: {staging: {url: "http://127.0.0.1:8090"}}
"""
MANIFEST = """\
services: [{name: Ventes}]
bases:
  - name: prospects
    label: Prospects
    fields:
      - {name: ville, label: Ville, datatype: string}
      - {name: tel, label: Tel, datatype: phone}
    batches:
      - {name: relance, service: Ventes, association: {destination: tel}, state: started}
"""
ANSWERS: dict[str, dict[str, str]] = {
    "documenter-v2.0.json": {},
    "francais-v2.1.json": {},
    "openapi-3.yaml": {
        **{
            f"{command}: null": f"{command}: {{method: PUT, path: '/contact-lists/{{base}}/campaigns/{{id}}/state', "
            f"body: {{state: {state}}}, basis: documented}}"
            for command, state in (("start", "started"), ("pause", "paused"), ("stop", "stopped"))
        },
        "association: null": "association: {wire: mapping, refers_to: field, by: name, basis: documented}",
    },
}
"""What somebody answers, in the place of null."""


@pytest.mark.parametrize("name", ANSWERS)
def test_from_a_collection_to_a_level_plan(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", FULL_TOKEN)
    assert run(["contract", "derive", str(COLLECTIONS / name), "-o", "contract.yaml"]) == 0
    text = Path("contract.yaml").read_text(encoding="utf-8")
    for question, answer in ANSWERS[name].items():
        assert text.count(f"      {question}\n") == 1
        text = text.replace(f"      {question}\n", f"      {answer}\n")
    Path("contract.yaml").write_text(text, encoding="utf-8")
    Path("kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    Path("manifests").mkdir()
    manifest = Path("manifests/a.yaml")
    manifest.write_text(MANIFEST, encoding="utf-8")
    with Emulator(load_contract(Path("contract.yaml"))) as emulator:
        emulator.seed({"services": [{"name": "Ventes"}]})

        def kiamo(*arguments: str) -> str:
            session = Session(transport=InProcess(emulator.handle, request=EmulatorRequest))
            code = run([*arguments, "-e", "staging"], session=session)
            captured = capsys.readouterr()
            assert code == 0, captured.out + captured.err
            return captured.out

        for state in ("started", "paused", "stopped"):
            manifest.write_text(MANIFEST.replace("state: started", f"state: {state}"), encoding="utf-8")
            kiamo("apply", "--yes", "--allow-start")
            plan = json.loads(kiamo("plan", "--format", "json"))
            assert plan["steps"] == []
        assert emulator.dump()["bases"][0]["batches"][0]["state"] == "stopped"

"""A project, an instance in process, and the program run against it without a network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, Call, Emulator, EmulatorRequest
from kiamo_iac.http.transport import InProcess

PROJECT = """\
manifests: [manifests]
environments:
  staging: {url: "http://127.0.0.1:8090"}
  eager: {url: "http://localhost:8090", guards: {allow_start: true}}
"""
MANIFEST = """\
services:
  - name: Ventes
bases:
  - name: prospects
    label: Prospects
    fields:
      - {name: ville, label: Ville, datatype: string}
    batches:
      - {name: relance, service: Ventes, association: {destination: phone}}
"""
LIVE = {"services": [{"name": "Ventes", "label": "Ventes"}], "bases": []}


@dataclass(frozen=True)
class Desk:
    """Where a person sits: a project folder, an instance, and the program."""

    folder: Path
    emulator: Emulator
    capture: pytest.CaptureFixture[str]

    def run(self, *arguments: str, now: Callable[[], datetime] | None = None) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of one command line; `now` is its clock."""
        transport = InProcess(self.emulator.handle, request=EmulatorRequest)
        code = run(arguments, session=Session(transport=transport, now=now))
        captured = self.capture.readouterr()
        return code, captured.out, captured.err

    def manifest(self, text: str, name: str = "a.yaml") -> Path:
        """Write a manifest."""
        path = self.folder / "manifests" / name
        path.write_text(text, encoding="utf-8")
        return path

    def project(self, text: str) -> None:
        """Write the project file."""
        (self.folder / "kiamo.yaml").write_text(text, encoding="utf-8")

    def apply(self, *arguments: str) -> None:
        """Apply, which must succeed."""
        code, out, err = self.run("apply", "-e", "staging", "--yes", *arguments)
        assert code == 0, out + err

    @property
    def ledger(self) -> Path:
        """Where the ledger of staging is kept."""
        return self.folder / ".kiamo" / "staging.ledger.jsonl"

    def owned(self) -> dict[str, dict[str, Any]]:
        """What the ledger of staging has, by address."""
        code, out, err = self.run("ledger", "list", "-e", "staging", "--format", "json")
        assert (code, err) == (0, "")
        return {thing["address"]: thing for thing in json.loads(out)["things"]}

    def by_hand(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """What somebody does at Kiamo's own console."""
        headers = {"kiamo-api-token": FULL_TOKEN, "content-type": "application/json"}
        data = json.dumps(body).encode() if body is not None else b""
        response = self.emulator.handle(EmulatorRequest(method, path, {}, headers, data))
        assert response.status < 400, response.body

    def id_of(self, base: str) -> str:
        """The id of a base."""
        found: str = next(b["id"] for b in self.emulator.dump(ids=True)["bases"] if b["name"] == base)
        return found

    def writes(self) -> list[Call]:
        """The calls that were not reads."""
        return [call for call in self.emulator.calls() if call.method != "GET"]

    def reads(self) -> list[Call]:
        """The calls that were reads."""
        return [call for call in self.emulator.calls() if call.method == "GET"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """A project with one valid manifest, and an instance that has its service and nothing else."""
    monkeypatch.chdir(tmp_path)
    for name in ("KIAMO_STAGING_TOKEN", "KIAMO_EAGER_TOKEN"):
        monkeypatch.setenv(name, FULL_TOKEN)
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "manifests").mkdir()
    with Emulator(load_contract()) as emulator:
        emulator.seed(LIVE)
        made = Desk(tmp_path, emulator, capsys)
        made.manifest(MANIFEST)
        yield made


@pytest.fixture
def typing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes standard input a terminal at which somebody types a text."""
    import io

    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    return lambda text: monkeypatch.setattr("sys.stdin", Keyboard(text))


def starting(state: str = "started") -> str:
    """The manifest with its batch in a run state."""
    return MANIFEST.replace("destination: phone}}", f"destination: phone}}, state: {state}}}")


def read_json(text: str) -> dict[str, object]:
    """JSON out of a command's stdout."""
    data = json.loads(text)
    assert isinstance(data, dict)
    return data

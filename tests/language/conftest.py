"""A project whose instance is a platform of a test, and the story that every manner has to carry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from kiamo_iac.cli.main import run
from kiamo_iac.cli.session import Session
from kiamo_iac.executor import delivery
from tests.language.platform import Platform

TOKEN = "5e1f" * 10
PROJECT = """\
manifests: [manifests]
contract: mine.yaml
environments:
  staging: {url: 'http://127.0.0.1:8090'}
"""
BATCH = "{name: spring, service: Sales, association: {destination: phone}%s}"
STORY = [
    "label: Prospects, fields: [{name: city, label: City, datatype: string}], batches: [%s]" % (BATCH % ", state: new"),
    "label: Prospects 2, fields: [{name: city, label: Town, datatype: string}], batches: [%s]"
    % (BATCH % ", state: started"),
    "label: Prospects 2, batches: [%s]" % (BATCH % ", state: paused"),
    "label: Prospects 2, batches: [{}]".format((BATCH % ", state: paused").replace("phone", "city")),
    "label: Prospects 2, batches: [{}]".format((BATCH % ", state: started").replace("Sales", "Care")),
    "label: Prospects 2, batches: [{}]".format((BATCH % ", state: stopped").replace("Sales", "Care")),
    "ensure: absent",
]
"""create → edit, start → pause → change association → change service, start → stop → delete."""
CONSENTS = ("--allow-start", "--allow-stop", "bases/prospects/batches/spring")


@dataclass
class Scene:
    """A project and its platform."""

    folder: Path
    platform: Platform
    capture: pytest.CaptureFixture[str]

    def contract(self, text: str) -> None:
        """Write the override."""
        (self.folder / "mine.yaml").write_text(text, encoding="utf-8")

    def manifest(self, text: str) -> None:
        """Write the manifest."""
        (self.folder / "manifests" / "a.yaml").write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and all output."""
        code = run(["--project", str(self.folder / "kiamo.yaml"), *arguments], session=Session(transport=self.platform))
        captured = self.capture.readouterr()
        return code, captured.out + captured.err

    def apply(self, manifest: str, *options: str) -> str:
        """Apply a manifest, which must succeed; the next plan is empty. All output of the apply."""
        self.manifest(manifest)
        code, said = self.run("apply", "-e", "staging", "--yes", *options)
        assert code == 0, said
        self.is_level()
        return said

    def is_level(self) -> None:
        """The plan is empty."""
        code, planned = self.run("plan", "-e", "staging", "--detailed-exitcode")
        assert code == 0, planned

    def story(self) -> None:
        """create → edit → pause → change association → change service → stop → delete."""
        self.platform.seed("service", name="Sales")
        self.platform.seed("service", name="Care")
        for chapter in STORY:
            self.apply(
                f"services: [{{name: Sales}}, {{name: Care}}]\nbases:\n  - {{name: prospects, {chapter}}}\n", *CONSENTS
            )
        assert self.platform.rows["base"] == {}


@pytest.fixture
def scene(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Scene:
    (tmp_path / "kiamo.yaml").write_text(PROJECT, encoding="utf-8")
    (tmp_path / "manifests").mkdir()
    monkeypatch.setenv("KIAMO_STAGING_TOKEN", TOKEN)
    monkeypatch.setattr(delivery, "_FIRST_WAIT", 0.001)
    monkeypatch.setattr(delivery, "_LONGEST_WAIT", 0.002)
    made = Scene(tmp_path, Platform(), capsys)
    made.contract("{}\n")
    return made

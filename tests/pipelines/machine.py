"""The machine that both small runners run scripts on: a project made by `init`, instances, a forge, and a path."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kiamo_iac.contract.file import load_contract
from kiamo_iac.emulator import FULL_TOKEN, READ_ONLY_TOKEN, Emulator, EmulatorRequest
from kiamo_iac.emulator.server import Server
from tests.cli.program import kiamo
from tests.forge.fake import BOT, Fake, serving

ROOT = Path(__file__).resolve().parents[2]
PLAN_TOKEN, WRITE_TOKEN = READ_ONLY_TOKEN, FULL_TOKEN


@dataclass
class Machine:
    """Where jobs run, one after the other, in one work tree."""

    project: Path
    temp: Path
    bin: Path
    forge: Fake
    emulators: Mapping[str, Emulator]
    """Environment → its instance."""
    urls: Mapping[str, str]

    @property
    def event(self) -> Path:
        """The event that GitHub describes to a job."""
        return self.temp / "event.json"

    @property
    def token(self) -> str:
        """That of a job of GitHub."""
        return BOT

    def variables(self) -> dict[str, str]:
        """What every process has: a path with the program on it, and nothing of whoever runs the tests."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR", "SYSTEMROOT") if name in os.environ}
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        return kept | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "KIAMO_IAC_ROOT": str(ROOT)}

    def writes(self, environment: str) -> int:
        """How many calls wrote."""
        return sum(call.method != "GET" for call in self.emulators[environment].calls())

    def bases(self, environment: str) -> list[str]:
        """The labels of the bases there."""
        return [base["label"] for base in self.emulators[environment].dump().get("bases", [])]

    def by_hand(self, environment: str, label: str) -> None:
        """Another label of the first base, as of a person at Kiamo's console."""
        emulator = self.emulators[environment]
        (base, *_) = emulator.dump(ids=True)["bases"]
        headers = {"kiamo-api-token": FULL_TOKEN, "content-type": "application/json"}
        body = json.dumps({"label": label}).encode()
        answer = emulator.handle(EmulatorRequest("PUT", f"/api/bases/{base['id']}", {}, headers, body))
        assert answer.status < 400, answer.body

    def manifest(self, old: str, new: str) -> None:
        """A change of the first manifest, as a merge request would make it."""
        file = self.project / "manifests" / "prospects.yaml"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")


@contextmanager
def machine(folder: Path, ci: str, *arguments: str) -> Iterator[Machine]:
    """A new project with the pipelines of `ci`, an instance for each environment, and a forge.

    `arguments`: more of `init`.
    """
    made = {name: folder / name for name in ("project", "temp", "bin")}
    for path in made.values():
        path.mkdir()
    launcher = made["bin"] / "kiamo-iac"
    launcher.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -P -m kiamo_iac "$@"\n')
    launcher.chmod(0o755)
    with (
        Emulator(load_contract()) as staging,
        Emulator(load_contract()) as production,
        Server(staging) as first,
        Server(production) as second,
        serving() as forge,
    ):
        urls = {"staging": first.url, "production": second.url}
        named = [part for name, url in urls.items() for part in ("--environment", f"{name}={url}")]
        done = kiamo("init", "--ci", ci, *named, *arguments, cwd=made["project"])
        assert done.returncode == 0, done.stderr
        yield Machine(**made, forge=forge, emulators={"staging": staging, "production": production}, urls=urls)
    shutil.rmtree(made["temp"])
